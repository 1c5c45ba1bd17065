# SPDX-License-Identifier: ISC
# holder.sh: feeds a key to whoever reads the FIFO, as long as a client beats.
#
# vars:   fifo     its path
#         limit_s  seconds after which it closes; 0: none
#         spare    1: no group that is meant, but csync2 reads it all the
#                  same; where that is no FIFO there is nothing to feed
# stdin:  the key, then "beat" once a second, "end"
# stdout: postern checked          the FIFO is as it should be; feed it when
#                                  you like
#         postern ready            csync2 can read
#         postern read K           so many readers were served: progress only,
#                                  counted by pages that left the pipe
#         postern closed NSESSIONS csync2 sessions that were ended with it
#         postern refuse missing|not-fifo|symlink|owner|mode|parent|busy TEXT
#
# Of itself it never makes a FIFO. It closes, within 5 s, at end, end of file,
# 3 s without a beat, the limit, or when one of its processes is killed. Where
# the watchdog closes, the main process ends by SIGKILL before "closed".
#
# As a forced command: common.sh and this file, one after the other, as
# /etc/postern/holder.sh, and in authorized_keys
#	restrict,command="sh /etc/postern/holder.sh /path/to/FIFO [LIMIT_S]"
# The FIFO and the limit then come from there. The script that the client
# sends is skipped, up to its "#END", and never evaluated.

if [ "${1-}" ]; then
	fifo=$1
	spare=''
	limit_s=${2:-0}
	while IFS= read -r line; do
		[ "$line" != '#END' ] || break
	done
fi

# drain: what is in the FIFO. Reopened through /proc, since another open with
# O_NONBLOCK is needed.
drain() {
	dd if=/proc/self/fd/8 of=/dev/null bs=65536 iflag=nonblock 2>/dev/null
}

# is_session PID: whether it is csync2 serving a peer: with -i, or the child
# that a daemon (-ii) made for a connection; not one of a push over ssh, nor
# one of another container.
is_session() {
	IFS= read -r comm 2>/dev/null <"/proc/$1/comm" || return 1
	[ "$comm" = csync2 ] &&
		[ "$(readlink "/proc/$1/ns/pid")" = "$our_ns" ] || return 1
	mode=$(tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" |
		while IFS= read -r word; do
			# Letters before the first that takes a value.
			case ${word%%[CDGNPWps]*} in
			-*i*i*) printf daemon ;;
			-*i*) printf inetd ;;
			esac
		done)
	case $mode in
	daemon)
		# The child has no name of its own, but a csync2 as parent.
		IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
		# shellcheck disable=SC2086
		set -- ${stat##*) }
		IFS= read -r comm 2>/dev/null <"/proc/$2/comm" || return 1
		[ "$comm" = csync2 ]
		;;
	inetd)
		! tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" |
			grep -q '^CSYNC2_SYSTEM_DIR=/run/postern\.'
		;;
	*) return 1 ;;
	esac
}

# close: after the drain nobody can come by the key any more, so that all who
# did are found.
close() {
	if [ -s "$d/feeder" ]; then
		read -r pid <"$d/feeder"
		kill -9 "$pid" 2>/dev/null
		# It may be writing a last page at this moment.
		# Not for ever: it may hang in the kernel.
		turns=0
		while alive "$pid" && [ "$turns" -lt 1003 ]; do
			turns=$((turns + 1))
			[ "$turns" -lt 1000 ] || sleep 1
		done
	fi
	drain
	exec 8>&-
	our_ns=$(readlink /proc/self/ns/pid)
	ended=0
	for p in /proc/[0-9]*; do
		is_session "${p#/proc/}" || continue
		kill -9 "${p#/proc/}" 2>/dev/null && ended=$((ended + 1))
	done
}

# feed: pages of the key, a newline and padding, each as long as what stdio
# reads at once: one page a reader. printf would not do: bash's writes up to
# each newline on its own, and a reader could get the padding alone.
# shellcheck disable=SC3037
feed() {
	trap '' PIPE
	size=$blksize
	# More than that a pipe does not take in one piece (PIPE_BUF).
	[ "$size" -le 4096 ] || size=4096
	page=$(printf "%$((size - ${#key} - 2))s" '')
	page="$key
$page
"
	unset key
	served=$((0 - room / size))
	while echo -n "$page" >&8; do
		served=$((served + 1))
		[ "$served" -le 0 ] || say read "$served"
	done
}

need_root
make_dir
# shellcheck disable=SC3037
[ "$(echo -n x)" = x ] && [ "$(command -v echo)" = echo ] ||
	refuse shell 'the sh of this host has no echo -n'
if [ "${spare-}" ] && [ ! -p "$fifo" ]; then
	mkfifo -m 600 "$d/spare"
	fifo=$d/spare
fi
check_fifo "$fifo"
command -v csync2 >/dev/null || refuse csync2 'csync2 is not installed'

# Read and write: opening never waits, and the pipe is there until we go.
# This would create a file if root removed the FIFO this very moment; nobody
# else can (check_fifo).
exec 8<>"$fifo"
[ -p /proc/self/fd/8 ] || refuse not-fifo "$fifo changed while it was opened"
if command -v flock >/dev/null; then
	flock -n 8 || refuse busy "$fifo is held by another window"
fi
# How much a pipe holds, on a FIFO that nobody reads.
mkfifo -m 600 "$d/scratch"
room=$(
	exec 7<>"$d/scratch"
	dd if=/dev/zero of=/proc/self/fd/7 bs=1024 oflag=nonblock 2>&1 |
		while IFS=' +' read -r n _ _ what; do
			[ "$what" != out ] || printf '%s\n' $((n * 1024))
		done
)
room=${room:-65536}

at_exit() {
	close
}
last_words() {
	say closed "$ended"
}
count_beat
: >"$d/feeder"
(
	watch "$limit_s" "$d/feeder"
	trap '' HUP INT TERM PIPE
	say note "closes: $why"
	leave
) </dev/null &
watchdog=$!

say checked
read_key key || refuse input 'not a key'
drain
feed </dev/null &
feeder=$!
printf '%s\n' "$feeder" >"$d/feeder"
unset key
say ready
while IFS= read -r line; do
	case $line in
	beat)
		count_beat
		alive "$watchdog" && alive "$feeder" || break
		;;
	end) break ;;
	esac
done
exit 0
