# SPDX-License-Identifier: ISC
# cage.sh: put the drop-in that cages csync2@.service into force.
#
# vars:   path    where it goes; '' is
#                 /etc/systemd/system/csync2@.service.d/50-postern-cage.conf
#         needs   paths that the drop-in binds, one a line
#         dry     1: say what would be done
# stdin:  the drop-in, ended by a line "#END"
# says:   postern step done|would|kept TEXT
#         postern note TEXT            the drop-in was put back
#         postern refuse CODE TEXT     nothing was changed; but with CODE
#                 stop the cage is in force for new connections

path=${path:-/etc/systemd/system/csync2@.service.d/50-postern-cage.conf}
needs=${needs-} dry=${dry-}
umask 022
need_root
[ -d /run/systemd/system ] ||
	refuse systemd 'systemd does not run on this host; no cage without it'
systemctl cat csync2@.service >/dev/null 2>&1 ||
	refuse systemd 'there is no csync2@.service on this host'

# inside PATH: whether PATH lies in a folder that the daemon writes, and is
# not that folder.
inside() {
	printf '%s\n' "$needs" | {
		while IFS= read -r rw; do
			case $rw in 'rw '/*) rw=${rw#rw } ;; *) continue ;; esac
			case $1 in "${rw%/}"/?*) exit 0 ;; esac
		done
		exit 1
	}
}

# need_file PATH: it is there, and neither the daemon nor somebody else than
# root decides what a symlink on the way to it means.
need_file() {
	p=$1
	hops=0
	while [ -h "$p" ] && [ "$hops" -lt 40 ]; do
		! inside "$p" || refuse symlink "$p is a symlink, which the" \
			'daemon could change'
		check_parents "$p"
		to=$(readlink "$p")
		case $to in /*) ;; *) to=${p%/*}/$to ;; esac
		check_parents "$to"
		p=$(readlink -f "${to%/*}/")
		p=${p%/}/${to##*/}
		hops=$((hops + 1))
	done
	[ -e "$p" ] || refuse missing "$1 is missing"
	check_parents "$p"
	[ "$p" = "$1" ] || ! inside "$p" ||
		refuse symlink "$1 leads to $p, where the daemon writes"
}

# need_folder PATH: a file that is bound can't be replaced by rename, so
# csync2 could never update it. What lies in another such folder is bound with
# that one; of the others only root may decide what they are, as each
# connection's cage is built on what is there then.
need_folder() {
	p=${1%/}
	inside "$p" || {
		[ ! -h "$p" ] || refuse symlink "$p is a symlink: name the" \
			'folder itself'
		[ ! -e "$p" ] || check_parents "$p"
	}
	[ -e "$p" ] || refuse missing "$p is missing;" \
		"make the folder or take it out of the group"
	[ -d "$p" ] || refuse not-folder "$p is a file: csync2" \
		"can't replace a bound file; sync a folder of its own"
}

# A path that is missing keeps the unit from starting.
while IFS= read -r need; do
	case $need in
	'') ;;
	'ro '/*) need_file "${need#ro }" ;;
	'rw '/*) need_folder "${need#rw }" ;;
	'file '/*)
		[ ! -d "${need#file }" ] || refuse folder "${need#file } is" \
			'a folder with the name of a database file'
		;;
	*) refuse input "not a need: $need" ;;
	esac
done <<END
$needs
END

text=''
end=''
while IFS= read -r line; do
	[ "$line" != '#END' ] || { end=yes; break; }
	text=$text$line'
'
done
[ -n "$end" ] || refuse input 'the drop-in was cut'

# put TEXT: into $path, at once or not at all.
put() {
	mkdir -p "${path%/*}" || return 1
	tmp=$(mktemp "${path%/*}/.cage.XXXXXX") || return 1
	printf '%s' "$1" >"$tmp" && chmod 644 "$tmp" && sync "$tmp" &&
		mv -f "$tmp" "$path" && sync "${path%/*}" && return 0
	rm -f "$tmp"
	return 1
}

# undo CODE TEXT…: refuse, with everything as it was.
undo() {
	if [ "$old" ]; then
		put "${old%.}" && touch -d "$made" "$path" ||
			refuse "$@" "; and $path could not be put back"
	else
		rm -f "$path"
		rmdir "${path%/*}" 2>/dev/null
	fi
	systemctl daemon-reload 2>/dev/null
	say note "$path is as it was before"
	refuse "$@"
}

old=''
[ ! -f "$path" ] || {
	old=$(cat "$path" && echo .)
	# When it was made counts: see caged.sh.
	made=$(stat -c %y "$path")
}
if [ "$old" = "$text." ]; then
	# For caged: it is as new as the configuration that it was made from.
	[ "$dry" = 1 ] || touch "$path"
	say step kept "$path"
elif [ "$dry" = 1 ]; then
	say step would "write $path"
else
	put "$text" || undo failed "$path can't be written"
	say step 'done' "write $path"
fi

if [ "$dry" = 1 ]; then
	say step would 'systemctl daemon-reload'
	say 'done' cage
	exit 0
fi
why=$(systemctl daemon-reload 2>&1) ||
	undo failed "systemctl daemon-reload: $why"
say step 'done' 'systemctl daemon-reload'
caged "$path" || undo force "the cage would not be in force: $why;" \
	'see systemctl cat csync2@.service'
# Instances that run were started without it.
n=0
for u in $(systemctl list-units --plain --no-legend 'csync2@*.service' |
	awk '{ print $1 }'); do
	systemctl stop "$u" 2>/dev/null
	case $(systemctl show -p ActiveState --value "$u") in
	inactive | failed) n=$((n + 1)) ;;
	*) refuse stop "$u, a connection from before the cage, does not end" ;;
	esac
done
[ "$n" = 0 ] || say step 'done' "end $n connections from before the cage"
say 'done' cage
