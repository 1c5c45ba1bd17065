# SPDX-License-Identifier: ISC
# cage-test.sh: proves the cage of csync2@.service from inside: a unit that is
# a copy of it but for what it runs tries to get out. Directives are not read.
#
# vars:   needs    as of cage.sh: "rw PATH", "ro PATH", one a line
#         secrets  privileged keys and folders, one a line: not to be reached
#         names    host names that the daemon has to resolve, one a line
#         port     '' is 30865
# says:   postern attack NAME held|BROKE|untried DETAIL
#         (not tried, since no cage of systemd 252 holds it: a signal by
#         fcntl's F_SETOWN, see tools/unlock/cage.h)
#         postern works NAME yes|NO DETAIL
#         postern step done|kept TEXT ; postern done cage-test
#         postern refuse CODE TEXT
#
# What an attack would leave on the host is looked for from outside, and
# taken away. The names of it all begin with $token.

needs=${needs-} secrets=${secrets-} names=${names-} port=${port:-30865}
need_root
make_dir
[ -d /run/systemd/system ] ||
	refuse systemd 'systemd does not run on this host; no cage without it'
token=postern-cage-test-$$
systemctl cat csync2@.service >/dev/null 2>&1 ||
	refuse systemd 'there is no csync2@.service on this host'
unit=$token.service
file=/run/systemd/system/$unit
victim='' weak='' shm=''

at_exit() {
	[ -z "$victim" ] || kill "$victim" 2>/dev/null
	[ -z "$weak" ] || kill "$weak" 2>/dev/null
	[ -z "$shm" ] || ipcrm -m "$shm" 2>/dev/null
	rm -f "$file"
	systemctl stop "$unit" 2>/dev/null
	systemctl reset-failed "$unit" 2>/dev/null
	systemctl daemon-reload 2>/dev/null
	sweep
}

# The places where an attack that broke out would have left something.
marks() {
	printf '%s\n' /etc/cron.d /usr/local/sbin /root /root/.ssh /etc / \
		/var/lib /run /tmp /dev/shm
	printf '%s\n' "$needs" |
		sed -n -e 's/^rw //p' -e 's/^ro \(.*\)\/[^/]*$/\1/p'
	printf '%s\n' "$secrets"
}

sweep() {
	marks | while IFS= read -r m; do
		[ -z "$m" ] || [ ! -d "$m" ] || rm -f -- "$m/$token".*
	done
}

# quote TEXT: as a word of sh.
quote() {
	printf "'"
	printf '%s' "$1" | sed "s/'/'\\\\''/g"
	printf "'"
}

# The largest disk, or any: what a node of it would open.
# shellcheck disable=SC2034
read -r major minor <<END
$(awk '$3 > size { size = $3; d = $1 " " $2 } END { print d }' \
	/proc/partitions)
END

# shellcheck disable=SC2034
secret_ids=$(printf '%s\n' "$secrets" | while IFS= read -r s; do
	[ -z "$s" ] || stat -c %d:%i -- "$s" 2>/dev/null
done | tr '\n' ' ')

sleep 300 >/dev/null 2>&1 9>&- &
victim=$!

# The kernel guards a process by what it may do: one of root's that may do
# nothing is the easiest to get at. weak_at: where it has memory.
# shellcheck disable=SC2034
weak_at=0
if command -v setpriv >/dev/null; then
	setpriv --bounding-set=-all --inh-caps=-all sleep 300 \
		>/dev/null 2>&1 9>&- &
	weak=$!
	until [ "$(cat "/proc/$weak/comm")" = sleep ]; do
		alive "$weak" || refuse failed 'no process to attack'
	done
	IFS=- read -r weak_at _ <"/proc/$weak/maps"
	# shellcheck disable=SC2034
	weak_at=$((0x$weak_at))
fi
if command -v ipcmk >/dev/null; then
	shm=$(ipcmk -M 4096 -p 600)
	shm=${shm##* }
fi

# A file whose set-user-ID bit is nobody's.
kept=$(printf '%s\n' "$needs" | sed -n 's/^rw //p' | head -n 1)/$token.kept
if ! : >"$kept" || ! chown 65534:65534 "$kept" || ! chmod 4755 "$kept"; then
	refuse failed "$kept can't be made"
fi

{
	for v in token major minor victim weak weak_at shm needs secrets \
		secret_ids names port; do
		eval "x=\$$v"
		printf '%s=' "$v"
		quote "$x"
		echo
	done
	cat <<'INSIDE'
rw=$(printf '%s\n' "$needs" | sed -n 's/^rw //p')
g=$(printf '%s\n' "$rw" | head -n 1)
up=../../../../../../../../../../../../..

# try NAME COMMAND…: an attack that succeeds if its command does. It may be
# killed for its system call, so it runs in a process of its own.
try() {
	name=$1
	shift
	out=$( ("$@") 2>&1 </dev/null)
	rc=$?
	out=$(printf '%s' "$out" | tr -d '\000-\037\177' | cut -c 1-200)
	if [ "$rc" = 0 ]; then
		echo "attack $name BROKE $out"
	elif [ "$rc" = 77 ]; then
		echo "attack $name untried $out"
	else
		echo "attack $name held $out"
	fi
}

put() { echo "* * * * * root true" >"$1"; }

a_dotdot() { put "$g/$up/etc/cron.d/$token.dotdot"; }

a_symlink() {
	ln -s /etc/cron.d "$g/$token.link" || exit 1
	put "$g/$token.link/$token.symlink"
}

# Any process's root would do, were it another one.
a_proc_root() {
	[ -d /proc/1 ] || { echo 'no /proc'; exit 1; }
	for r in /proc/1 "/proc/$victim" "/proc/${weak:-1}"; do
		! put "$r/root/etc/cron.d/$token.procroot" || exit 0
		! put "$r/cwd/$up/etc/cron.d/$token.procroot" || exit 0
	done
	exit 1
}

a_mknod() {
	[ -n "$major" ] || { echo 'no disk to be seen'; exit 77; }
	mknod "$g/$token.disk" b "$major" "$minor"
}

a_dev() {
	for b in /dev/*; do
		[ ! -b "$b" ] || { echo "$b"; exit 0; }
	done
	exit 1
}

# The first one harms nobody where it works; the others follow only where it
# does not.
a_mount() {
	mkdir "$g/$token.mount" || exit 77
	if mount -t tmpfs none "$g/$token.mount"; then
		umount "$g/$token.mount"
		rmdir "$g/$token.mount"
		exit 0
	fi
	rmdir "$g/$token.mount"
	mount -o remount,rw / && exit 0
	mount -o remount,bind,rw /usr && exit 0
	umount -l "$g"
}

a_systemd_run() {
	systemd-run --quiet --wait touch "/etc/cron.d/$token.systemdrun"
}

a_setuid() {
	: >"$g/$token.suid" || exit 77
	chmod 4755 "$g/$token.suid"
}

a_setuid_create() {
	(umask 0 && install -m 4755 /dev/null "$g/$token.suid2") &&
		[ -u "$g/$token.suid2" ]
}

# What a kernel has that systemd's list of such calls may not know.
a_setuid_new() {
	: >"$g/$token.suid3" || exit 77
	call 452 452 -100 "$g/$token.suid3" 2541 0
}

# What is written to should lose its bit.
a_setuid_kept() {
	echo x >>"$g/$token.kept" || exit 77
	[ -u "$g/$token.kept" ]
}

a_unshare() {
	unshare -m true && exit 0
	unshare -U true && exit 0
	unshare -U -r true && exit 0
	unshare -n true
}

a_nsenter() { nsenter -t 1 -m true; }

# Whether a connection to the manager or the bus is possible at all.
perl_or_skip() {
	command -v perl >/dev/null || { echo 'no perl on this host'; exit 77; }
}

a_unix() {
	perl_or_skip
	perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0)
		or die "$!\n"'
}

a_manager() {
	perl_or_skip
	for p in /run /proc/1/root/run; do
	for s in systemd/private dbus/system_bus_socket; do
		perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0)
			or die "$!\n"; connect($s, sockaddr_un($ARGV[0]))
			or die "$!\n"' "$p/$s" && exit 0
	done
	done
	exit 1
}

a_netlink() {
	perl_or_skip
	perl -e 'socket(my $s, 16, 3, 0) or die "$!\n"'
}

a_raw() {
	perl_or_skip
	perl -e 'socket(my $s, 2, 3, 1) or die "$!\n"' && exit 0
	perl -e 'socket(my $s, 17, 3, 768) or die "$!\n"'
}

# The numbers of system calls differ by machine.
number() {
	perl_or_skip
	case $(uname -m) in
	x86_64) n=$1 ;;
	aarch64 | riscv64) n=$2 ;;
	*) echo "unknown machine $(uname -m)"; exit 77 ;;
	esac
}

call() {
	number "$1" "$2"
	shift 2
	# The number is apart, since there a list would be its length.
	perl -e '@a = map { /^-?\d+$/ ? int : $_ } @ARGV;
		syscall(shift @a, @a) >= 0 or die "$!\n"' "$n" "$@"
}

a_ptrace() { call 101 117 16902 "${weak:-$victim}" 0 0; }

# Root's keyring of the kernel, where cryptsetup's passphrases may lie.
a_keyring() { call 250 219 0 -4 1; }

# No filter of system calls sees what is done through it.
a_io_uring() {
	perl_or_skip
	perl -e '$p = "\0" x 120; syscall(425, 1, $p) >= 0 or die "$!\n"'
}

a_memory() { true 3<>"/proc/${weak:-$victim}/mem"; }

a_memory_call() {
	[ -n "$weak" ] || { echo 'no setpriv on this host'; exit 77; }
	number 310 270
	perl -e '$b = "x" x 8; $p = unpack("Q", pack("P", $b));
		$to = pack("QQ", $p, 8); $from = pack("QQ", $ARGV[2], 8);
		syscall(int $ARGV[0], int $ARGV[1], $to, 1, $from, 1, 0) > 0
			or die "$!\n"' "$n" "$weak" "$weak_at"
}

a_dev_shm() { put "/dev/shm/$token.devshm"; }

# A pair in the list that has root's terminals too.
a_terminals() { true 3<>/dev/pts/ptmx; }

# Asks for the limit on open files; who may ask may set.
a_limits() { call 302 261 "$victim" 7 0 0; }

# The priority that it has.
a_priority() { call 141 140 0 "${weak:-$victim}" 0; }

a_shared_memory() {
	[ -n "$shm" ] || { echo 'no ipcmk on this host'; exit 77; }
	call 30 196 "$shm" 0 4096
}

# A module of no bytes: EPERM or death held, "invalid" means that the kernel
# looked at it.
a_module() {
	out=$(call 175 105 0 0 '' 2>&1)
	rc=$?
	echo "$out"
	[ "$rc" != 77 ] || exit 77
	case $out in
	*[Ii]nvalid* | *[Ff]ormat* | *[Aa]ddress*) exit 0 ;;
	esac
	exit "$rc"
}

# No signal, which is asked for like one: the victim is for the next.
a_kill_thread() { call 234 131 "$victim" "$victim" 0; }

a_kill() { kill -TERM "$victim"; }

a_kernel() {
	f=/proc/sys/kernel/core_pattern
	read -r old <"$f" || exit 1
	printf '%s\n' "$old" >"$f" && exit 0
	echo h >/proc/sysrq-trigger
}

a_trusted() {
	printf '%s\n' "$needs" | sed -n 's/^ro //p' | {
		rc=1
		while IFS= read -r f; do
			! true >>"$f" || { echo "$f"; rc=0; }
			copy=${f%/*}/$token.copy
			! cp -p "$f" "$copy" ||
				! mv -f "$copy" "$f" || { echo "$f"; rc=0; }
			rm -f "$copy"
		done
		exit $rc
	}
}

# Something else may lie there that hides it, so the inode decides.
a_secrets() {
	[ -n "$secrets" ] || { echo 'no privileged path given'; exit 77; }
	printf '%s\n' "$secrets" | {
		rc=1
		while IFS= read -r s; do
			for p in "$s" "$g/$up$s"; do
				i=$(stat -c %d:%i "$p" 2>/dev/null) || continue
				case " $secret_ids " in
				*" $i "*) echo "$p"; rc=0 ;;
				esac
				[ ! -d "$p" ] || ! put "$p/$token.secret" ||
					rc=0
			done
		done
		exit $rc
	}
}

try write-cron put "/etc/cron.d/$token.cron"
try write-sbin put "/usr/local/sbin/$token.sbin"
try write-root put "/root/$token.root"
try write-ssh put "/root/.ssh/$token.ssh"
try dotdot a_dotdot
try symlink a_symlink
try proc-root a_proc_root
try mknod-disk a_mknod
try disk-in-dev a_dev
try mount a_mount
try systemd-run a_systemd_run
try manager-socket a_manager
try unix-socket a_unix
try netlink-socket a_netlink
try raw-socket a_raw
try setuid a_setuid
try setuid-create a_setuid_create
try setuid-new-call a_setuid_new
try setuid-kept a_setuid_kept
try unshare a_unshare
try nsenter a_nsenter
try ptrace a_ptrace
try keyring a_keyring
try io-uring a_io_uring
try memory a_memory
try memory-call a_memory_call
try dev-shm a_dev_shm
try terminals a_terminals
try limits a_limits
try priority a_priority
try shared-memory a_shared_memory
try module a_module
try kill-thread a_kill_thread
try kill a_kill
try kernel-settings a_kernel
try trusted-files a_trusted
try privileged a_secrets

works() {
	name=$1
	shift
	out=$( ("$@") 2>&1 </dev/null)
	rc=$?
	out=$(printf '%s' "$out" | tr -d '\000-\037\177' | cut -c 1-200)
	[ "$rc" = 0 ] && echo "works $name yes" || echo "works $name NO $out"
}

# As csync2 does it: a new file, renamed over the old one.
w_write() {
	printf '%s\n' "$rw" | {
		while IFS= read -r f; do
			echo x >"$f/$token.tmp" && echo y >"$f/$token.new" &&
				chown 1:1 "$f/$token.new" &&
				chmod 640 "$f/$token.new" &&
				mv -f "$f/$token.new" "$f/$token.tmp" &&
				rm "$f/$token.tmp" || exit 1
		done
	}
}

w_read() {
	printf '%s\n' "$needs" | sed -n 's/^ro //p' | {
		while IFS= read -r f; do
			head -c 1 "$f" >/dev/null || exit 1
		done
	}
}

w_names() {
	getent ahosts localhost >/dev/null || { echo localhost; exit 1; }
	printf '%s\n' "$names" | {
		while IFS= read -r f; do
			[ -z "$f" ] || getent ahosts "$f" >/dev/null ||
				{ echo "$f"; exit 1; }
		done
	}
}

# Refused is an answer too: the connection left the cage.
w_tcp() {
	command -v perl >/dev/null || exit 0
	perl -MSocket -e 'socket(my $s, AF_INET, SOCK_STREAM, 0) or die "$!\n";
		connect($s, sockaddr_in($ARGV[0], inet_aton("127.0.0.1")))
		or $!{ECONNREFUSED} or die "$!\n"' "$port"
}

w_tmp() { echo x >"/tmp/$token.t" && rm "/tmp/$token.t"; }

w_csync2() { command -v csync2; }

works write-groups w_write
works read-keys w_read
works resolve-names w_names
works open-tcp w_tcp
works temporary-files w_tmp
works csync2 w_csync2
echo end
INSIDE
} >"$d/inside"

{
	systemctl cat csync2@.service 2>/dev/null
	cat <<END

[Service]
Type=oneshot
ExecStartPre=
ExecStartPost=
ExecStop=
ExecStopPost=
ExecStart=
ExecStart=/bin/sh -s
StandardInput=data
StandardInputData=$(base64 -w 0 "$d/inside")
StandardOutput=file:$d/out
StandardError=file:$d/errors
TimeoutStartSec=120
END
} >"$file"
chmod 600 "$file"
systemctl daemon-reload || refuse failed 'systemctl daemon-reload'
systemctl start "$unit" 2>/dev/null
status=$(systemctl show -p Result --value "$unit")
[ -s "$d/out" ] || refuse start "the unit does not start inside its cage" \
	"($status): $(journalctl -q -o cat -n 3 -u "$unit" 2>/dev/null |
	tr '\n' ' ')"
[ "$(tail -n 1 "$d/out")" = end ] ||
	refuse cut "the test inside the cage was cut ($status)"

# What an attack says about itself counts less than what is there.
left=$(marks | while IFS= read -r m; do
	[ -n "$m" ] || continue
	for f in "$m/$token".*; do
		case $f in
		*.link | *.kept) continue ;;
		*.suid | *.suid2 | *.suid3) [ -u "$f" ] || continue ;;
		esac
		[ ! -e "$f" ] || printf '%s ' "$f"
	done
done)
while read -r kind name rest; do
	case $kind in
	attack | works) say "$kind" "$name" "$rest" ;;
	esac
done <"$d/out"
# The one thing that the copy of the unit can't show.
how=$(systemctl cat csync2@.service 2>/dev/null |
	sed -n 's/^ExecStart *= *\([-@:+!]*\)..*/\1/p' | tail -n 1)
case $how in
*[+!]*) say attack full-privileges BROKE "ExecStart=$how runs csync2 with them" ;;
*) say attack full-privileges held ;;
esac
if [ -n "$left" ]; then
	say attack left-on-host BROKE "$left"
else
	say attack left-on-host held
fi
if alive "$victim"; then
	say attack victim-alive held
else
	say attack victim-alive BROKE "a process of the host was killed"
fi
say 'done' cage-test
