# SPDX-License-Identifier: ISC
# common.sh: what every script that postern runs on a host begins with.
#
# Nothing of ours is installed there: this is POSIX sh (dash, bash, busybox),
# with /proc and what Debian calls essential. The client sends "name='value'"
# lines, this file, perhaps jobs.sh, and the script; a bootstrap evaluates
# them up to a line "#END" (remote/meson.build takes comments out before).
# What follows on stdin is the script's own input.
#
# The answers are lines "postern EVENT TEXT" on stdout:
#	postern refuse CODE TEXT	nothing was done; exit status 3
#
# A key is only ever held in a variable that was unset first (a variable that
# came with the environment stays exported when it is assigned), and only
# ever written by a builtin: no argv, no environment, no here-document (bash
# puts those into files).

LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
umask 077
# No core of a shell or a csync2 that knows a key; 1 is what stops those too
# that go to a program (core(5)).
# shellcheck disable=SC3045
prlimit --pid $$ --core=1 2>/dev/null || ulimit -c 0
d=''
main=$$
why=''

# say EVENT TEXT…: in one write that no other process's line can cut in two.
say() {
	printf 'postern %.3000s\n' "$*"
}

# refuse CODE TEXT…
refuse() {
	say refuse "$@"
	exit 3
}

# Where printf is a program of its own, a key would stand in its argv.
[ "$(command -v printf)" = printf ] ||
	refuse shell 'the sh of this host has no printf of its own'

need_root() {
	[ "$(id -u)" = 0 ] ||
		refuse root "runs as $(id -un), not as root (see --become)"
}

# A script may define these anew: what it does first when it ends, and what
# it says when all that it started is gone.
at_exit() {
	:
}
last_words() {
	:
}

# make_dir: a private folder $d in memory, removed in the end however that
# comes about. What earlier runs left there (kill -9) goes now. Descriptor 9
# marks everything that we start: see ours.
make_dir() {
	case $(stat -f -c %T /run 2>/dev/null) in
	tmpfs | ramfs) ;;
	*) refuse run '/run is not in memory (tmpfs) on this host' ;;
	esac
	for d in /run/postern.*.*; do
		pid=${d#/run/postern.}
		[ -d "/proc/${pid%%.*}" ] || rm -rf "$d"
	done
	d=/run/postern.$$.$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
	mkdir -m 700 "$d" || refuse run "can't make $d"
	trap leave EXIT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	exec 9>"$d/mark"
}

# ours PID: all processes but PID that were started below this script, also
# those whose parent is gone: they inherited descriptor 9.
ours() {
	# Neither this subshell nor what it starts is to be found.
	exec 9>&-
	ls -l /proc/[0-9]*/fd/9 2>/dev/null | while IFS= read -r l; do
		case $l in *" -> $d/mark"*) ;; *) continue ;; esac
		l=${l%%/fd/9 -> *}
		l=${l##*/proc/}
		[ "$l" != "$1" ] || continue
		# A daemon that an action of csync2's started is not ours.
		IFS= read -r comm 2>/dev/null <"/proc/$l/comm" || continue
		case $comm in
		sh | dash | bash | ash | busybox | csync2 | timeout | cat | \
		sleep | unshare | dd | flock) printf '%s\n' "$l" ;;
		esac
	done
}

# end_ours: kill them all, but the process that calls; again while one of
# them was forking.
end_ours() {
	IFS= read -r me </proc/self/stat
	me=${me%% *}
	for round in 1 2 3 4 5; do
		pids=$(ours "$me")
		[ "$pids" ] || break
		# shellcheck disable=SC2086
		kill -9 $pids 2>/dev/null
	done
}

# serves PID [CHILD]: whether it has a child that lives, other than that one,
# or can't be asked for them.
serves() {
	[ -r "/proc/$1/task/$1/children" ] || return 0
	children=''
	# No newline ends them.
	read -r children <"/proc/$1/task/$1/children"
	for child in $children; do
		[ "$child" = "${2-}" ] || ! alive "$child" || return 0
	done
	return 1
} 2>/dev/null

# lone_sshd: says the sshd above us, if it serves nobody else (as that of a
# ControlMaster may). Where the network was cut it waits for TCP, for minutes,
# and has in its memory what it read last, keys too. Nobody's where the script
# runs on the client's own machine (here): above it is the user's login.
lone_sshd() {
	[ -z "${here-}" ] || return 0
	up=$main
	while [ "$up" -gt 1 ]; do
		below=$up
		IFS= read -r stat 2>/dev/null <"/proc/$up/stat" || return
		stat=${stat##*) }
		stat=${stat#* }
		up=${stat%% *}
		IFS= read -r comm 2>/dev/null <"/proc/$up/comm" || return
		case $comm in
		sshd | sshd-session)
			serves "$up" "$below" || printf '%s\n' "$up"
			return
			;;
		esac
	done
} 2>/dev/null

# started PID: when, so that another process of that number is known.
started() {
	IFS= read -r stat <"/proc/$1/stat" || return
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	shift 19
	printf '%s\n' "$1"
} 2>/dev/null

# end_sshd PID: by SIGTERM, or SIGKILL where a second later it is still there:
# it may be stopped, and it can miss a signal that comes just before its poll.
end_sshd() {
	(
		began=$(started "$1")
		kill "$1"
		sleep 1
		[ "$began" ] && [ "$(started "$1")" = "$began" ] || exit
		kill -9 "$1"
	) </dev/null >/dev/null 2>&1 9>&- &
}

# leave: the end, by the main process or its watchdog, whoever comes first.
# The other one waits to be killed; it takes over should the first die.
leave() {
	trap '' HUP INT TERM PIPE
	trap - EXIT
	mkdir "$d/leaving" 2>/dev/null || sleep 2
	sshd=''
	[ "$why" != silence ] || sshd=$(lone_sshd)
	at_exit
	end_ours
	rm -rf "$d"
	last_words
	[ -z "$sshd" ] || end_sshd "$sshd"
}

# alive PID: and not a zombie that nobody has waited for.
alive() {
	IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	case ${stat##*) } in Z* | X*) return 1 ;; esac
}

# now: the seconds since boot, in $now. Suspended time counts, and no process
# is started: a watchdog asks once a second.
now() {
	read -r now _ </proc/uptime
	now=${now%%.*}
}

# store FILE DIR: the lines of stdin up to "#END"; /@POSTERN@ becomes DIR.
# Builtins only, since what follows belongs to somebody else. Beats may
# come between any two lines.
store() {
	while IFS= read -r line; do
		case $line in
		'#END') return 0 ;;
		beat) continue ;;
		esac
		while :; do
			case $line in
			*/@POSTERN@*)
				line=${line%%/@POSTERN@*}$2${line#*/@POSTERN@}
				;;
			*) break ;;
			esac
		done
		printf '%s\n' "$line"
	done >"$1"
	return 1
}

# keep_log FILE LOG: what an action wrote, to its own log file, if it has one.
# Sets $why when that fails.
keep_log() {
	[ "$2" ] || return 0
	why=$( (umask 022 && cat "$1" >>"$2") 2>&1) && return 0
	why=${why##*: }
	return 1
}

# read_key NAME: a line of stdin into a variable that is never exported. The
# client may wait with it, and beats meanwhile.
read_key() {
	unset "$1"
	while IFS= read -r "$1"; do
		eval "case \$$1 in
		beat) count_beat && continue ;;
		'' | *[!A-Za-z0-9._]*) return 1 ;;
		*) return 0 ;;
		esac"
	done
	return 1
}

# check_fifo PATH: that it is a FIFO which only root can read or replace.
# Never creates one. Sets $blksize, what stdio reads from it at once.
check_fifo() {
	case $1 in
	/*) ;;
	*) refuse missing "not an absolute path: $1" ;;
	esac
	[ ! -h "$1" ] || refuse symlink "$1 is a symlink;" \
		'move it away and make a FIFO with --setup'
	[ -e "$1" ] || refuse missing "$1 does not exist; make it with --setup"
	[ -p "$1" ] || refuse not-fifo "$1 is not a FIFO; if it is a key in" \
		'use, move it away, then make a FIFO with --setup'
	info=$(stat -c '%u:%g %a %o' "$1") || refuse missing "can't read $1"
	case $info in
	'0:0 600 '*) ;;
	'0:0 '*) refuse mode "$1 has mode $(stat -c %a "$1"), not 600:" \
		"chmod 600 $1" ;;
	*) refuse owner "$1 belongs to ${info%% *}, not to root:root:" \
		"chown root:root $1" ;;
	esac
	blksize=${info##* }
	check_parents "$1"
}

# check_parents PATH: that only root decides what lies there: a folder that
# others write lets them put something else in its place.
check_parents() {
	up=$1
	while [ "$up" ]; do
		up=${up%/*}
		info=$(stat -c '%u %A' "${up:-/}") ||
			refuse parent "can't read ${up:-/}"
		case $info in
		'0 d'????-??-*) ;;
		'0 l'*) refuse parent "${up:-/} is a symlink" ;;
		'0 '*) refuse parent "others than root can write ${up:-/}:" \
			"chmod go-w ${up:-/}" ;;
		*) refuse parent "${up:-/} does not belong to root:" \
			"chown root ${up:-/}" ;;
		esac
	done
}

# watch: the watchdog's loop, run in the background by a script whose client
# beats: $d/beat changes with every beat (count_beat). Returns, saying why in
# $why, when beats have stopped for 3 s, when a limit of $1 seconds has passed
# (0: none), when the main process is gone, or the process in file $2.
# POSIX sh has no read with a time limit, hence a process beside the reader.
watch() {
	now
	begin=$now
	heard=$now
	last=''
	while :; do
		sleep 1 8>&-
		now
		beat=$last
		IFS= read -r beat 2>/dev/null <"$d/beat"
		# Empty: the writer is at work this very moment.
		[ "$beat" = "$last" ] || heard=$now
		last=$beat
		IFS= read -r stat </proc/self/stat
		# shellcheck disable=SC2086
		set -- "$1" "${2-}" ${stat##*) }
		if [ "$4" != "$main" ]; then
			why='the main process is gone'
		elif [ "$2" ] && IFS= read -r pid <"$2" && ! alive "$pid"; then
			why='the feeder is gone'
		elif [ "$1" -gt 0 ] && [ $((now - begin)) -ge "$1" ]; then
			why='limit'
		elif [ $((now - heard)) -ge 3 ]; then
			why='silence'
		else
			continue
		fi
		return 0
	done
}

beats=0
count_beat() {
	beats=$((beats + 1))
	printf '%s\n' "$beats" >"$d/beat"
}
