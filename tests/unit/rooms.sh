#!/bin/sh
# SPDX-License-Identifier: ISC
# rooms.sh SOURCE_ROOT: includes go downwards only. Rooms of core see what the
# table says; a tool sees all of core, its own folder and the scripts that run
# on hosts (remote/remote.h), no other tool's folder.
set -u
cd "$1" || exit 1

sees() {
	case $1 in
	base)	echo base ;;
	sys)	echo base sys ;;
	jail)	echo base sys jail ;;
	secret)	echo base sys secret ;;
	proc)	echo base sys proc ;;
	ssh)	echo base sys secret proc ssh ;;
	ui)	echo base sys proc ui ;;
	*)	echo ;;
	esac
}

# Each include of ours as "FILE LINE NAME". Those in <> count when core/ has
# such a file that libc has not.
includes() {
	find "$@" -name '*.[ch]' | sort | while read -r f; do
		sed -n 's/^[ 	]*#[ 	]*include\(_next\)\{0,1\}[ 	]*\(["<]\)\([^">]*\).*/\2 \3/
			t found
			b
			:found
			=
			p' "$f" |
		while read -r line && read -r kind name; do
			if [ "$kind" = '<' ]; then
				[ -e "core/$name" ] || continue
				[ ! -e "/usr/include/$name" ] || continue
			fi
			echo "$f $line $name"
		done
	done
}

check() {
	seen=0
	while read -r file line name; do
		seen=$((seen + 1))
		case $file in
		core/*)
			from=${file#core/}
			from=${from%%/*}
			ok=" $(sees "$from") "
			case $ok in
			*" ${name%%/*} "*)
				[ -e "core/$name" ] && continue ;;
			esac ;;
		tools/*/*)
			tool=${file#tools/}
			tool=${tool%%/*}
			[ -e "core/$name" ] && continue
			[ "$name" = remote/remote.h ] && continue
			# Its own folder, however deep, without a way out.
			case /$name/ in
			*/../*)	;;
			*)	[ -n "$(find "tools/$tool" \
				    -path "*/$name")" ] && continue
				[ -e "tools/$name" ] &&
				    [ "${name%%/*}" = "$tool" ] && continue ;;
			esac ;;
		tools/*)
			[ -e "core/$name" ] && continue
			[ -e "tools/$name" ] && [ "${name#*/}" = "$name" ] &&
			    continue ;;
		esac
		echo "$file:$line: may not include \"$name\"" >&2
		bad=1
	done
	[ "$seen" -ge 10 ] || {
		echo "only $seen includes found" >&2
		bad=1
	}
	return $bad
}

bad=0
includes core tools | check
