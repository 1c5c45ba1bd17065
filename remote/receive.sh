# SPDX-License-Identifier: ISC
# receive.sh: one receiver of a push over the ssh connection itself.
#
# vars:   deadline_s  seconds that csync2 may take
#         nkeys       groups in the configuration
#         nlogs       actions in it; log0…: their own log files, '' for none
# stdin:  configuration, "#END", nkeys keys, then csync2's protocol
# stdout: postern ready, from then on csync2's protocol
# stderr: postern wait            the client closed stdin, csync2 works on
#         postern action N TEXT   what action N wrote
#         postern note TEXT       what csync2 could only tell its log
#         postern done RC         csync2's exit status; 124: the deadline
#
# The client may close stdin when its csync2 is done: actions run on. They,
# csync2 and all the rest end when nobody reads stderr any more, which is how
# sshd tells that the client is gone. A cut that nobody notices ends with
# the deadline.

need_root
make_dir
# A cut while the configuration or the keys were on their way.
(
	sleep "$deadline_s"
	kill "$main"
) >/dev/null 2>&1 </dev/null &
guard=$!
at_exit() {
	# timeout leads a process group: csync2 and the actions it runs.
	case ${rc-} in
	0 | 1 | 2) ;;
	*) [ -z "${csync2-}" ] || kill -9 "-$csync2" 2>/dev/null ;;
	esac
}

command -v csync2 >/dev/null || refuse csync2 'csync2 is not installed'
store "$d/csync2.cfg" "$d" || refuse input 'the configuration was cut'
i=0
while [ "$i" -lt "$nkeys" ]; do
	read_key "k$i" || refuse input 'not a key'
	mkfifo -m 600 "$d/k$i"
	# csync2 reads each key once, when the peer says CONFIG.
	(
		eval "printf '%s\\n' \"\$k$i\"" >"$d/k$i"
	) </dev/null >/dev/null 2>&1 &
	unset "k$i"
	i=$((i + 1))
done

# csync2 insists on a FIFO as stdin, and takes the peer's address from
# SSH_CLIENT then; sshd may have given us a socket.
mkfifo -m 600 "$d/in"
exec 3<&0
(
	# What csync2 creates gets the mode that a daemon's files get.
	umask 022
	# shellcheck disable=SC2016
	SSH_CLIENT='127.0.0.1 0 0' CSYNC2_SYSTEM_DIR=$d exec \
		timeout -k 2 "$deadline_s" \
		sh -c 'printf "%s\n" $$ >"$0/pid"; exec csync2 "$@"' "$d" \
		-N receiver -D "$d" -i
) <"$d/in" 3<&- 9>&- 2>"$d/err" &
csync2=$!

# Beside it the pump, which also notices that the client is gone, and takes
# the folder away should the main process have been killed.
(
	cat <&3 >"$d/in"
	exec 3<&-
	trap '' PIPE
	while alive "$csync2" && say wait >&4; do
		sleep 1
	done
	! alive "$csync2" || kill -9 "-$csync2"
	alive "$main" || {
		end_ours
		rm -rf "$d"
	}
) 4>&2 </dev/null >/dev/null 2>&1 &

exec 3<&- </dev/null
kill "$guard"
say ready
exec >/dev/null
wait "$csync2"
rc=$?

i=0
while [ "$i" -lt "$nlogs" ]; do
	if [ -s "$d/action$i" ]; then
		head -n 200 "$d/action$i" | while IFS= read -r line; do
			say action "$i" "$line" >&2
		done
		eval "log=\$log$i"
		keep_log "$d/action$i" "$log" ||
			say note "can't write $log: $why" >&2
	fi
	i=$((i + 1))
done
head -n 20 "$d/err" | while IFS= read -r line; do
	say note "$line" >&2
done
# With -i csync2 reports to syslog only. The journal gives it back.
if [ "$rc" != 0 ] && command -v journalctl >/dev/null &&
	IFS= read -r pid 2>/dev/null <"$d/pid"; then
	timeout 2 journalctl -q -b -o cat -n 20 "_PID=$pid" 2>/dev/null |
		while IFS= read -r line; do
			say note "$line" >&2
		done
fi
say 'done' "$rc" >&2
# At the deadline the network may be cut. If not, sshd is gone before this, or
# serves somebody else: then it has another child, or is another process.
case $rc in
124 | 137)
	sshd=$(lone_sshd)
	[ -z "$sshd" ] || (
		began=$(started "$sshd")
		sleep 1
		while alive "$main"; do sleep 1; done
		[ "$began" ] && [ "$(started "$sshd")" = "$began" ] || exit
		serves "$sshd" || end_sshd "$sshd"
	) </dev/null >/dev/null 2>&1 9>&- &
	;;
esac
exit 0
