# SPDX-License-Identifier: ISC
# push-fifo.sh: the host that pushes, through csync2's own daemons and TLS,
# while holder.sh feeds the receiver's FIFO.
#
# vars:   fifo    the group's key as csync2's configuration names it, here
#         cname   csync2 -C, sysdir CSYNC2_SYSTEM_DIR, self csync2 -N; or ''
# stdin (and what jobs.sh says):
#	push N PEER	job N; the key follows, a line
# stdout: postern ready, and those of jobs.sh
#
# This host's own FIFO stays locked: in a mount namespace of its own, csync2
# sees a file in its place, on a ramfs that is never swapped and goes with
# the last process in there.

cname=${cname-} sysdir=${sysdir-} self=${self-}

# In the namespace. $0: the job's folder, $1: the FIFO, $2: the peer, then
# csync2's options. The key comes on stdin.
# shellcheck disable=SC2016
inside='
	[ "$(command -v printf)" = printf ] || exit 125
	unset key
	IFS= read -r key
	mount --make-rprivate / &&
	mkdir -m 700 "$0/ram" &&
	mount -t ramfs -o mode=700 ramfs "$0/ram" || exit 125
	printf "%s\n" "$key" >"$0/ram/key"
	unset key
	mount --bind "$0/ram/key" "$1" || exit 125
	peer=$2
	shift 2
	sh -c "$as_job" "$0" "$@" -P "$peer" -x </dev/null
	rc=$?
	csync2 "$@" -M </dev/null 2>/dev/null >"$0/dirty"
	exit $rc'

push() {
	key_of_job=$key
	unset key
	set -- "$1" "$2" ${cname:+-C "$cname"} ${self:+-N "$self"}
	n=$1
	peer=$2
	shift 2
	# The key goes through a FIFO that only this job knows.
	printf '%s\n' "$key_of_job" >"$d/j$n/key" &
	feeder=$!
	unset key_of_job
	[ -z "$sysdir" ] || export CSYNC2_SYSTEM_DIR="$sysdir"
	export as_job
	run_job "$n" "$d/j$n/key" unshare -m sh -c "$inside" "$d/j$n" \
		"$fifo" "$peer" "$@"
	kill -9 "$feeder" 2>/dev/null
	# The database knows what is dirty for other peers as well.
	tab=$(printf '\t')
	[ ! -s "$d/j$n/dirty" ] ||
		while IFS= read -r line; do
			case $line in
			*"$tab"*"$tab$peer$tab"*) printf '%s\n' "$line" ;;
			esac
		done <"$d/j$n/dirty" | lines dirty "$n"
	rm -rf "$d/j$n"
	say end "$n" "$rc"
}

obey() {
	is_number "$2"
	case $1 in
	push)
		read_key key || refuse input 'not a key'
		case $3 in '' | -*) refuse input "not a peer: $3" ;; esac
		mkdir -m 700 "$d/j$2" && mkfifo -m 600 "$d/j$2/key" ||
			refuse run "can't make job $2"
		push "$2" "$3" </dev/null &
		jobs="$jobs $2:$!"
		unset key
		;;
	*) refuse input "not a command: $1" ;;
	esac
}

need_root
make_dir
command -v csync2 >/dev/null || refuse csync2 'csync2 is not installed'
command -v unshare >/dev/null || refuse unshare 'unshare is not installed'
check_fifo "$fifo"
start_watch
say ready
commands
exit 0
