# SPDX-License-Identifier: ISC
# setup.sh: the FIFOs and folders that a privileged group needs on a host.
# What is there already is checked and kept, never changed.
#
# vars:   fifos        paths of FIFOs, one a line
#         folders      folders that the group syncs, one a line
#         dry          1: say what would be done
#         holder_line  1: install the script on stdin (up to a line "#END")
#                      as /etc/postern/holder.sh, for a restricted key
# says:   postern step done|would|kept TEXT
#         postern refuse CODE TEXT     nothing after the refused step is done

fifos=${fifos-} folders=${folders-} dry=${dry-} holder_line=${holder_line-}
umask 022
need_root

# step TEXT COMMAND…: does it, or says that it would.
step() {
	text=$1
	shift
	if [ "$dry" = 1 ]; then
		say step would "$text"
		return 0
	fi
	why=$("$@" 2>&1) || refuse failed "$text: $why"
	say step 'done' "$text"
}

# Whether root alone can change what lies in the folder $1.
check_folder() {
	[ ! -h "$1" ] || refuse symlink "$1 is a symlink"
	[ -d "$1" ] || refuse not-folder "$1 is not a folder"
	o=$(stat -c %u -- "$1") m=$(stat -c %a -- "$1")
	[ "$o" = 0 ] || refuse parent "$1 belongs to uid $o, not to root"
	[ $((0$m & 022)) = 0 ] ||
		refuse parent "$1 is writable by others than root (mode $m)"
}

# check_path PATH: absolute, and without a part that leads elsewhere.
check_path() {
	case $1 in
	*/../* | */.. | */./* | */. | *//* | */)
		refuse path "not a plain path: $1" ;;
	/*) ;;
	*) refuse path "not an absolute path: $1" ;;
	esac
}

# make_folders PATH: PATH and what is missing above it.
make_folders() {
	left=${1#/} at=''
	check_folder /
	while [ -n "$left" ]; do
		at=$at/${left%%/*}
		case $left in
		*/*) left=${left#*/} ;;
		*) left='' ;;
		esac
		if [ -e "$at" ] || [ -h "$at" ]; then
			check_folder "$at"
			continue
		fi
		step "make the folder $at, mode 0755" mkdir -m 755 -- "$at"
	done
}

setup_fifo() {
	check_path "$1"
	make_folders "${1%/*}"
	if [ -h "$1" ]; then
		refuse symlink "$1 is a symlink; remove it first"
	elif [ -p "$1" ]; then
		check_fifo "$1"
		say step kept "the FIFO $1"
	elif [ -f "$1" ]; then
		refuse not-fifo "$1 is a regular file, perhaps a key in use;" \
			"move it away first"
	elif [ -e "$1" ]; then
		refuse not-fifo "$1 is a $(stat -c %F -- "$1")"
	else
		step "make the FIFO $1, mode 0600" mkfifo -m 600 -- "$1"
	fi
}

setup_folder() {
	check_path "$1"
	if [ -d "$1" ] && [ ! -h "$1" ]; then
		make_folders "${1%/*}"
		say step kept "the folder $1"
	else
		make_folders "$1"
	fi
}

# Written beside it, complete or not at all, then renamed over it.
install_holder() {
	to=/etc/postern/holder.sh
	make_folders /etc/postern
	[ ! -h "$to" ] || refuse symlink "$to is a symlink"
	if [ "$dry" = 1 ]; then
		say step would "install $to, mode 0755"
		return 0
	fi
	tmp=$(mktemp /etc/postern/.holder.XXXXXX) || refuse failed "no $to"
	end=''
	while IFS= read -r line; do
		[ "$line" != '#END' ] || { end=yes; break; }
		printf '%s\n' "$line"
	done >"$tmp" || { rm -f "$tmp"; refuse failed "$to can't be written"; }
	if [ -z "$end" ] || [ ! -s "$tmp" ]; then
		rm -f "$tmp"
		refuse input 'the script to install was cut'
	fi
	if ! sh -n "$tmp"; then
		rm -f "$tmp"
		refuse input 'the script to install is no valid shell'
	fi
	if cmp -s "$tmp" "$to" && [ "$(stat -c %a:%u "$to")" = 755:0 ]; then
		rm -f "$tmp"
		say step kept "$to"
		return 0
	fi
	if ! chmod 755 "$tmp" || ! sync "$tmp" || ! mv -f "$tmp" "$to" ||
		! sync /etc/postern; then
		rm -f "$tmp"
		refuse failed "$to can't be written"
	fi
	say step 'done' "install $to, mode 0755"
}

while IFS= read -r path; do
	[ -z "$path" ] || setup_fifo "$path"
done <<END
$fifos
END
while IFS= read -r path; do
	[ -z "$path" ] || setup_folder "$path"
done <<END
$folders
END
[ "$holder_line" != 1 ] || install_holder
say 'done' setup
