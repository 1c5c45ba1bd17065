# SPDX-License-Identifier: ISC
# cage.sh: put the drop-in that cages csync2@.service into force.
#
# vars:   path    where it goes; '' is
#                 /etc/systemd/system/csync2@.service.d/50-postern-cage.conf
#         needs   paths that the drop-in binds, one a line
#         dry     1: say what would be done
# stdin:  the drop-in, ended by a line "#END"
# says:   postern step done|would|kept TEXT
#         postern refuse CODE TEXT     nothing was changed

path=${path:-/etc/systemd/system/csync2@.service.d/50-postern-cage.conf}
needs=${needs-} dry=${dry-}
umask 022
need_root
[ -d /run/systemd/system ] ||
	refuse systemd 'systemd does not run on this host; no cage without it'
systemctl cat csync2@.service >/dev/null 2>&1 ||
	refuse systemd 'there is no csync2@.service on this host'

# A path that is missing keeps the unit from starting; a file that is bound
# can't be replaced by rename, so csync2 could never update it.
while IFS= read -r need; do
	case $need in
	'') ;;
	'ro '/*)
		[ -e "${need#ro }" ] ||
			refuse missing "${need#ro } is missing" ;;
	'rw '/*)
		need=${need#rw }
		[ ! -h "$need" ] || refuse symlink "$need is a symlink"
		[ -e "$need" ] || refuse missing "$need is missing;" \
			"make the folder or take it out of the group"
		[ -d "$need" ] || refuse not-folder "$need is a file: csync2" \
			"can't replace a bound file; sync a folder of its own"
		;;
	*) refuse input "not a need: $need" ;;
	esac
done <<END
$needs
END

dir=${path%/*}
tmp=''
text=''
end=''
while IFS= read -r line; do
	[ "$line" != '#END' ] || { end=yes; break; }
	text=$text$line'
'
done
[ -n "$end" ] || refuse input 'the drop-in was cut'

if [ -f "$path" ] && [ "$(cat "$path")
" = "$text" ]; then
	say step kept "$path"
elif [ "$dry" = 1 ]; then
	say step would "write $path"
else
	mkdir -p "$dir" || refuse failed "$dir can't be made"
	tmp=$(mktemp "$dir/.cage.XXXXXX") || refuse failed "no file in $dir"
	if ! printf '%s' "$text" >"$tmp" || ! chmod 644 "$tmp" ||
		! sync "$tmp" || ! mv -f "$tmp" "$path" || ! sync "$dir"; then
		rm -f "$tmp"
		refuse failed "$path can't be written"
	fi
	say step 'done' "write $path"
fi

if [ "$dry" = 1 ]; then
	say step would 'systemctl daemon-reload'
	say 'done' cage
	exit 0
fi
why=$(systemctl daemon-reload 2>&1) ||
	refuse failed "systemctl daemon-reload: $why"
say step 'done' 'systemctl daemon-reload'
fs=$(systemctl show -p TemporaryFileSystem --value csync2@probe.service)
[ "$fs" = /:ro ] || refuse force "the manager does not show the cage:" \
	"TemporaryFileSystem is '$fs'; see systemctl status csync2@.service"
# Instances that run were started without it.
n=0
for u in $(systemctl list-units --plain --no-legend 'csync2@*.service' |
	awk '{ print $1 }'); do
	systemctl stop "$u" && n=$((n + 1))
done
[ "$n" = 0 ] || say step 'done' "end $n connections from before the cage"
say 'done' cage
