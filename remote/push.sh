# SPDX-License-Identifier: ISC
# push.sh: the host that pushes, over the ssh connections to the receivers.
# The client joins each job's TCP connection on 127.0.0.1 to one receive.sh.
#
# vars:  logS_I  where the output of action I of set S is kept, '' for nowhere
# stdin (and what jobs.sh says):
#	conf S NKEYS	a configuration follows, up to "#END": set S, groups
#			that are pushed together
#	scan S DIR	scan it, once. DIR: where the set's database stays
#			between pushes; "-": nowhere
#	push N S PORT	job N: to the receiver at 127.0.0.1:PORT; NKEYS keys
#			follow, a line each
# stdout: postern ready
#         postern out-scan S LINE
#         postern scanned S NFILES | postern failed S TEXT
#         postern refuse busy TEXT	another push uses DIR
#         (and those of jobs.sh)
#
# The database in DIR keeps all files as dirty, for ever: each push works on a
# copy. So each push compares the content of everything, which repairs what
# was tampered with, and files that are gone stay known, which deletes them on
# every receiver, also on one that was down at the time. DIR is changed by
# rename only: no moment leaves half a database there.

# csync2 run on set S without any receiver: the keys are no secrets there.
local_csync2() {
	CSYNC2_SYSTEM_DIR=$d/s$1
	export CSYNC2_SYSTEM_DIR
	db=$2
	shift 2
	csync2 -N 127.0.0.1 -D "$db" "$@" </dev/null
}

# conf S NKEYS: $d/sS to scan with, $d/tS the mould of each job's folder.
conf() {
	is_number "$1"
	is_number "$2"
	mkdir -m 700 "$d/s$1" "$d/t$1" || refuse input "set $1 given twice"
	store "$d/s$1/csync2.cfg" "$d/s$1" ||
		refuse input 'the configuration was cut'
	i=0
	while [ "$i" -lt "$2" ]; do
		printf '%s\n' 00000000000000000000000000000000 >"$d/s$1/k$i"
		mkfifo -m 600 "$d/t$1/k$i"
		i=$((i + 1))
	done
	# What an action does on this host (do-local) is done once, by the scan,
	# and not again for each receiver.
	sed '/^\taction {$/,/^\t}$/d' "$d/s$1/csync2.cfg" \
		>"$d/t$1/csync2.cfg"
	printf '%s\n' "$2" >"$d/s$1/nkeys"
}

# open_base S DIR: the lock, on descriptor 7, and a copy of what is there.
open_base() {
	case $2 in
	/*) ;;
	*) refuse base "not an absolute path: $2" ;;
	esac
	mkdir -p "$2" || refuse base "can't make $2"
	# Whoever can write a csync2 database runs commands as root.
	case $(stat -c '%u %A' "$2") in
	'0 d'????-??-*) ;;
	*) refuse base "others than root can write $2" ;;
	esac
	exec 7>>"$2/lock"
	flock -n 7 || refuse busy "another push uses $2"
	[ ! -e "$2/base.db3" ] || cp "$2/base.db3" "$d/t$1/127.0.0.1.db3" ||
		refuse base "can't read $2/base.db3"
}

# scan S DIR: in the background, since beats must be read meanwhile. The
# process stays, and with it the lock, until the session ends.
scan() {
	# csync2's rows say 'chary': compare first, then send.
	local_csync2 "$1" "$d/t$1" -c -r / >"$d/s$1/out" 2>&1
	rc=$?
	lines out-scan "$1" <"$d/s$1/out"
	for log in "$d/s$1"/action*; do
		[ -s "$log" ] || continue
		lines out-scan "$1 action ${log##*/action}" <"$log"
		eval "own=\${log${1}_${log##*/action}-}"
		keep_log "$log" "$own" ||
			echo "can't write $own: $why" | lines out-scan "$1"
	done
	if [ "$rc" != 0 ]; then
		say failed "$1" "csync2 -c: exit status $rc," \
			"$(tail -n 1 "$d/s$1/out")"
		return
	fi
	if [ "$2" != - ] && ! {
		cp "$d/t$1/127.0.0.1.db3" "$2/new" && sync "$2/new" &&
			mv -f "$2/new" "$2/base.db3" && sync "$2"
	} 2>"$d/s$1/out"; then
		say failed "$1" "$(tail -n 1 "$d/s$1/out")"
		return
	fi
	# shellcheck disable=SC2046
	set -- "$1" "$2" $(local_csync2 "$1" "$d/t$1" -L 2>/dev/null | awk '
		match($0, /:size=[0-9]+/) {
			size = substr($0, RSTART + 6, RLENGTH - 6) + 0
			if (size > max) max = size
		}
		END { printf "%d %d\n", NR, max / 512 }')
	# In blocks of 512 bytes, what a job may write: see push.
	db=$(stat -c %s "$d/t$1/127.0.0.1.db3")
	printf '%s\n' $((2 * $4 + db / 128 + 32768)) >"$d/s$1/limit"
	: >"$d/s$1/scanned"
	say scanned "$1" "$3"
	# Of itself: whoever kills everything may have missed this process.
	while alive "$main"; do
		sleep 1 7>&-
	done
}

# push N S PORT: in the background, with the keys in this process's memory.
push() {
	# csync2 keeps what the receiver calls the signature of its file in a
	# temporary one, however much comes. Nothing of ours is larger than the
	# largest file that is pushed, or the database.
	read -r limit <"$d/s$2/limit"
	ulimit -f "$limit"
	feeders=''
	i=0
	while [ "$i" -lt "$nkeys" ]; do
		# csync2 reads each key once.
		(
			eval "printf '%s\\n' \"\$k$i\"" >"$d/j$1/k$i"
		) >/dev/null 2>&1 &
		feeders="$feeders $!"
		unset "k$i"
		i=$((i + 1))
	done
	# No -v: what stays dirty and what fails here is said anyway, ten
	# thousand good files are not. A receiver's own reason (Permission denied!) is
	# said with -vvv only, which prints keys: the client, which passes on
	# the protocol, can see it there.
	run_job "$1" /dev/null env "CSYNC2_SYSTEM_DIR=$d/j$1" \
		sh -c "$as_job" "$d/j$1" \
		-N 127.0.0.1 -D "$d/j$1" -p "$3" -P 127.0.0.1 -u
	for feeder in $feeders; do
		end_one "$feeder"
	done
	# SIGXFSZ
	[ "$rc" != 153 ] ||
		say out "$1" 'stopped: the receiver sends data without end'
	local_csync2 "$2" "$d/j$1" -M 2>/dev/null | lines dirty "$1"
	rm -rf "$d/j$1"
	say end "$1" "$rc"
}

obey() {
	is_number "$2"
	case $1 in
	conf) conf "$2" "$3" ;;
	scan)
		[ -d "$d/s$2" ] || refuse input "no set $2"
		[ "$3" = - ] || open_base "$2" "$3"
		scan "$2" "$3" </dev/null &
		exec 7>&-
		;;
	push)
		set=${3%% *}
		port=${3##* }
		is_number "$set"
		is_number "$port"
		[ -e "$d/s$set/scanned" ] || refuse input "set $set: no scan"
		read -r nkeys <"$d/s$set/nkeys"
		i=0
		while [ "$i" -lt "$nkeys" ]; do
			read_key "k$i" || refuse input 'not a key'
			i=$((i + 1))
		done
		# FIFOs, configuration and database in one go.
		cp -R "$d/t$set" "$d/j$2" || refuse run "can't make job $2"
		push "$2" "$set" "$port" </dev/null &
		jobs="$jobs $2:$!"
		while [ "$i" -gt 0 ]; do
			i=$((i - 1))
			unset "k$i"
		done
		;;
	*) refuse input "not a command: $1" ;;
	esac
}

need_root
make_dir
command -v csync2 >/dev/null || refuse csync2 'csync2 is not installed'
start_watch
say ready
commands
exit 0
