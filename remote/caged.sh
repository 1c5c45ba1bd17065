# SPDX-License-Identifier: ISC
# caged.sh: whether systemd has our cage of csync2@.service in force; for
# probe.sh and cage.sh. What lies on the disk counts for nothing alone: the
# manager may have loaded an older one, another file may undo a part of it,
# and csync2's configuration may say something else by now.

# caged DROPIN: 0, or 1 with the reason in $why.
caged() {
	unit=csync2@probe.service
	files=$(systemctl show -p FragmentPath -p DropInPaths --value \
		"$unit" 2>/dev/null | tr '\n' ' ')
	why='not loaded by the manager'
	case " $files" in *" $1 "*) ;; *) return 1 ;; esac
	says=$(systemctl show "$unit")
	why='the manager has an older one'
	case $says in *'
NeedDaemonReload=no'*) ;; *) return 1 ;; esac
	while IFS= read -r line; do
		why="the manager has another ${line%%=*}"
		case "
$says
" in
		*"
$line
"*) ;;
		*) return 1 ;;
		esac
	done <<'END'
TemporaryFileSystem=/:ro
MountAPIVFS=no
ProtectKernelTunables=no
ProtectControlGroups=no
ProtectProc=default
ProcSubset=all
PrivateIPC=yes
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6
CapabilityBoundingSet=cap_chown cap_dac_override cap_fowner
END
	why='the manager has no list of allowed system calls'
	case $says in *'
SystemCallFilter='[a-z_]*) ;; *) return 1 ;; esac
	for f in $files; do
		if [ "$f" != "$1" ] && undoes "$f"; then
			why="$f changes it"
			return 1
		fi
	done
	newer "$1"
}

# undoes FILE: what adds to a list of ours or empties it, and what runs csync2
# with full privileges.
undoes() {
	b='[[:space:]]*'
	grep -Eq \
		-e "^$b(Bind|BindReadOnly|ReadWrite|Inaccessible)Paths$b=" \
		-e "^$b(ReadWrite|Inaccessible)Directories$b=" \
		-e "^$b(Root|Mount|Extension)[A-Z][a-z]*$b=" \
		-e "^$b(TemporaryFileSystem|SystemCallFilter)$b=" \
		-e "^${b}ExecStart$b=[-@:[:space:]]*[+!]" "$1"
}

# newer DROPIN: 0, or 1 if a file that it was made from changed since. The
# inode's time, since csync2 and rsync set the other one back.
newer() {
	from=$(sed -n 's/^#from //p' "$1")
	while IFS= read -r f; do
		[ "$f" ] || continue
		why="$f is newer"
		[ -z "$(find -L "$f" -prune -newercm "$1" 2>&1)" ] || return 1
	done <<END
$from
END
}
