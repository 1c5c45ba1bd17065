# SPDX-License-Identifier: ISC
# push-fifo.sh: the host that pushes, through csync2's own daemons and TLS,
# while holder.sh feeds the receiver's FIFO.
#
# vars:   nfifos, fifo0…  the groups' keys, as csync2's configuration names
#                 them
#         nown    so many of them are FIFOs of the groups that are pushed; the
#                 others csync2 reads too, and may be files
#         groups  csync2 -G
#         cname   csync2 -C, sysdir CSYNC2_SYSTEM_DIR, self csync2 -N,
#         dbdir   csync2 -D; or ''
# stdin (and what jobs.sh says):
#	push N PEERS	job N: to one or more, with commas; a key follows for
#			each FIFO, a line each
# stdout: postern ready, and those of jobs.sh
#
# This host's own FIFOs stay locked: in a mount namespace of its own, csync2
# sees a file in place of each, on a ramfs that is never swapped and goes with
# the last process in there.

cname=${cname-} sysdir=${sysdir-} self=${self-} dbdir=${dbdir-}
groups=${groups-} nown=${nown-$nfifos}

# In the namespace. $0: the job's folder, $1: the peers, then csync2's
# options. The keys come on stdin, in the order of the FIFOs.
# shellcheck disable=SC2016
inside='
	[ "$(command -v printf)" = printf ] || exit 125
	mount --make-rprivate / &&
	mkdir -m 700 "$0/ram" &&
	mount -t ramfs -o mode=700 ramfs "$0/ram" || exit 125
	i=0
	while [ "$i" -lt "$nfifos" ]; do
		unset key
		IFS= read -r key
		eval "fifo=\$fifo$i"
		if [ "$i" -lt "$nown" ] || [ -p "$fifo" ]; then
			printf "%s\n" "$key" >"$0/ram/k$i"
			mount --bind "$0/ram/k$i" "$fifo" || exit 125
		fi
		unset key
		i=$((i + 1))
	done
	peers=$1
	shift
	# A csync2 for each peer: the first error that it can not go on after
	# ends it, and the others have no part in that. -x scans, until one
	# has: without that, the others would have nothing to send. It is
	# no end by a signal when a peer dies in the middle.
	trap "" PIPE
	rc=0
	how=-x
	while [ "$peers" ]; do
		peer=${peers%%,*}
		peers=${peers#"$peer"}
		peers=${peers#,}
		sh -c "$as_job" "$0" "$@" -P "$peer" "$how" </dev/null
		one=$?
		[ "$one" != 0 ] || how=-u
		[ "$one" -le "$rc" ] || rc=$one
	done
	csync2 "$@" -M </dev/null 2>/dev/null >"$0/dirty"
	exit $rc'

# push N PEERS: in the background, with the keys in this process's memory.
push() {
	set -- "$1" "$2" ${cname:+-C "$cname"} ${self:+-N "$self"} \
		${dbdir:+-D "$dbdir"} ${groups:+-G "$groups"}
	n=$1
	peers=$2
	shift 2
	# The keys go through a FIFO that only this job knows.
	(
		i=0
		while [ "$i" -lt "$nfifos" ]; do
			eval "printf '%s\\n' \"\$k$i\""
			i=$((i + 1))
		done >"$d/j$n/key"
	) </dev/null &
	feeder=$!
	forget_keys
	[ -z "$sysdir" ] || export CSYNC2_SYSTEM_DIR="$sysdir"
	export as_job nfifos nown
	run_job "$n" "$d/j$n/key" unshare -m sh -c "$inside" "$d/j$n" \
		"$peers" "$@"
	end_one "$feeder"
	# The database knows what is dirty for other peers as well.
	tab=$(printf '\t')
	[ ! -s "$d/j$n/dirty" ] ||
		while IFS= read -r line; do
			to=${line#*"$tab"*"$tab"}
			case ,$peers, in
			*",${to%%"$tab"*},"*) printf '%s\n' "$line" ;;
			esac
		done <"$d/j$n/dirty" | lines dirty "$n"
	rm -rf "$d/j$n"
	say end "$n" "$rc"
}

read_keys() {
	i=0
	while [ "$i" -lt "$nfifos" ]; do
		read_key "k$i" || refuse input 'not a key'
		i=$((i + 1))
	done
}

forget_keys() {
	i=0
	while [ "$i" -lt "$nfifos" ]; do
		unset "k$i"
		i=$((i + 1))
	done
}

obey() {
	is_number "$2"
	case $1 in
	push)
		read_keys
		case $3 in '' | -*) refuse input "not a peer: $3" ;; esac
		mkdir -m 700 "$d/j$2" && mkfifo -m 600 "$d/j$2/key" ||
			refuse run "can't make job $2"
		push "$2" "$3" </dev/null &
		jobs="$jobs $2:$!"
		forget_keys
		;;
	*) refuse input "not a command: $1" ;;
	esac
}

need_root
make_dir
command -v csync2 >/dev/null || refuse csync2 'csync2 is not installed'
command -v unshare >/dev/null || refuse unshare 'unshare is not installed'
i=0
while [ "$i" -lt "$nfifos" ]; do
	[ "$i" -ge "$nown" ] || eval "check_fifo \"\$fifo$i\""
	# For the namespace: no names of FIFOs in an argv is needed.
	export "fifo$i"
	i=$((i + 1))
done
start_watch
say ready
commands
exit 0
