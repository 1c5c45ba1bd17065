# SPDX-License-Identifier: ISC
# verify.sh: what lies below some paths of this host, for a comparison with
# what the administrator's host has.
#
# stdin:  absolute paths, one a line, ended by a line "#END"
# says:   postern ready              after it, raw records, each ended by NUL:
#           "o T MODE UID GID SIZE" NUL PATH NUL TARGET NUL
#                one object. T: f d l p s b c (find's %y) or another letter;
#                MODE octal, the rest decimal; TARGET of a symlink, else "".
#           HASH "  " PATH NUL
#                sha256 of a regular file, 64 hex digits, as sha256sum -z
#                writes it. In the order of the objects, after its object.
#                A file without one vanished or could not be read.
#           "r MAJOR:MINOR PATH" NUL   a device's number, hex, as HASH
#           "e TEXT" NUL               something could not be read, and why
#           "z STATUS" NUL             the end; find's exit status. A stream
#                without it was cut.
#
# As csync2 does: lstat() and recursion, over mount points, never through a
# symlink. A path that does not exist is no error and has no record.

need_root
have_find=$(LC_ALL=C find /dev/null -maxdepth 0 -printf %y 2>/dev/null)
[ "$have_find" = c ] || refuse tools 'find on this host knows no -printf'
sha256sum -z /dev/null >/dev/null 2>&1 ||
	refuse tools 'sha256sum on this host knows no -z'

end=''
set --
while IFS= read -r path; do
	case $path in
	'#END') end=yes; break ;;
	/*) ;;
	*) refuse path "not an absolute path: $path" ;;
	esac
	if [ -e "$path" ] || [ -h "$path" ]; then
		set -- "$@" "$path"
	fi
done
[ -n "$end" ] || refuse input 'the list of paths was cut'

say ready
exec 3>&1
# One walk: find empties its buffer before it starts a child, so that whole
# records alternate, and each hash follows its object. Beside it come the
# messages, a hundred at most, with the names quoted; the last is the status.
if [ $# -gt 0 ]; then
	trouble=$({
		LC_ALL=C find "$@" \
			-printf 'o %y %m %U %G %s\0%p\0%l\0' \
			\( -type f -exec sha256sum -z {} + -o \
			\( -type b -o -type c \) \
			-exec stat --printf 'r %t:%T %n\0' {} + -o -true \) \
			>&3 </dev/null
		echo $?
	} 2>&1 | awk 'NR > 1 && NR < 102 { print last } { last = $0 }
		END { print last }')
else
	trouble=0
fi
printf '%s\n' "$trouble" | {
	IFS= read -r text
	while IFS= read -r more; do
		printf 'e %s\0' "$text"
		text=$more
	done
	printf 'z %d\0' "$text"
}
