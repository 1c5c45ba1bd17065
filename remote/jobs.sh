# SPDX-License-Identifier: ISC
# jobs.sh: what push.sh and push-fifo.sh share: commands on stdin, one a
# line, and one process a job.
#
#	push N …	start job N; what follows is the script's own
#	stop N		end job N now
#	beat		once a second from the client
#	quit
#
# stdout: postern out N LINE	what csync2 said
#         postern dirty N LINE	"FORCE MYNAME PEER FILE" of what stayed dirty
#         postern end N RC	csync2's exit status; 137: it was stopped
#
# Everything ends within 5 s of: quit, end of file, 3 s without a beat, the
# death of the reader or of the watchdog.

# A push in which everything fails must not drown the client in lines.
max_lines=1000

# start_watch: the watchdog. at_exit runs in whichever process ends it all.
start_watch() {
	count_beat
	(
		watch 0
		trap '' HUP INT TERM PIPE
		say note "ended: $why"
		leave
	) </dev/null &
	watchdog=$!
}

# lines EVENT N: stdin as events, bounded.
lines() {
	count=0
	while IFS= read -r line; do
		count=$((count + 1))
		[ "$count" -gt "$max_lines" ] || say "$1" "$2" "$line"
	done
	[ "$count" -le "$max_lines" ] ||
		say "$1" "$2" "… and $((count - max_lines)) more lines"
}

# run_job N STDIN COMMAND…: COMMAND's output to the client line by line; its
# exit status in $rc. COMMAND runs csync2 and has its process id in $d/jN/pid.
run_job() {
	job=$d/j$1
	number=$1
	from=$2
	shift 2
	mkfifo -m 600 "$job/out"
	"$@" >"$job/out" 2>&1 <"$from" &
	pid=$!
	lines out "$number" <"$job/out"
	wait "$pid"
	rc=$?
	# Where all is being ended, that csync2 was killed is no answer: why
	# this session ended is.
	[ ! -d "$d/leaving" ] || exit
}

# end_one PID: if it still is one of ours; ids are used again.
end_one() {
	case $(ls -l "/proc/$1/fd/9" 2>/dev/null) in
	*" -> $d/mark") kill -9 "$1" 2>/dev/null ;;
	esac
}

# stop_job N: by the id that the job wrote. A job that has not come so
# far finds the file.
stop_job() {
	: >"$d/j$1/stop"
	IFS= read -r pid 2>/dev/null <"$d/j$1/pid" || return 0
	end_one "$pid"
}

# as_job: what COMMAND runs: csync2 with an id that stop_job knows.
# shellcheck disable=SC2016
as_job='
	printf "%s\n" $$ >"$0/pid"
	[ ! -e "$0/stop" ] || kill -9 $$
	exec csync2 "$@"'

# check_jobs: a job whose process was killed can't say that it ended.
jobs=''
check_jobs() {
	left=''
	for j in $jobs; do
		if alive "${j#*:}"; then
			left="$left $j"
		elif [ -d "$d/j${j%:*}" ]; then
			stop_job "${j%:*}"
			rm -rf "$d/j${j%:*}"
			say out "${j%:*}" 'the process of this push was killed'
			say end "${j%:*}" 137
		fi
	done
	jobs=$left
}

# commands: read and obey. The script's own words go to its function obey.
commands() {
	while IFS=' ' read -r word n rest; do
		case $word in
		beat)
			count_beat
			check_jobs
			alive "$watchdog" || {
				say note 'ended: the watchdog is gone'
				return
			}
			;;
		stop)
			is_number "$n"
			[ ! -d "$d/j$n" ] || stop_job "$n"
			;;
		quit) return ;;
		'') ;;
		*) obey "$word" "$n" "$rest" ;;
		esac
	done
}

is_number() {
	case $1 in
	'' | *[!0-9]*) refuse input "not a number: $1" ;;
	esac
}
