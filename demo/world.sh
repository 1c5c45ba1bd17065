# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2094
# world.sh HERE TREE BUILD: the first process of the demo's namespaces. Makes
# the hosts, the network between them and what an administrator would have
# set up on them, then runs the steps. See run.
set -u
umask 022
here=$1 tree=$2 build=$3

stop() {
	printf 'demo: %s\n' "$1" >&2
	shift
	[ $# = 0 ] || printf '      %s\n' "$@" >&2
	exit 1
}

# Every wait has its own limit; this is for what nobody thought of.
limit_s=150
trap 'stop "not done within $limit_s s"' TERM
(
	sleep "$limit_s"
	kill 1
) >/dev/null 2>&1 &

# Mounts must stay in here. In a chroot / is no mount point, so that only what
# is one can be made private.
private=
mount --make-rprivate / 2>/dev/null && private=yes
[ -n "$private" ] || mount --make-private /proc ||
	stop '/proc is not a mount point of its own: mount -t proc proc /proc'

# Processes of our own to look at.
mount -t proc proc /proc 2>/dev/null || stop \
	"can't mount /proc for new processes; a container forbids that" \
	"On the machine itself: $SUDO"

# The folder that our tmpfs covers, seen from in here only: one that hides
# neither the tree nor anything that a program needs.
world=
for dir in /mnt /media /srv /run /tmp; do
	[ -d "$dir" ] || continue
	case $build/,$tree/ in "$dir"/* | *,"$dir"/*) continue ;; esac
	[ -n "$private" ] || mount --make-private "$dir" 2>/dev/null || continue
	mount -t tmpfs -o mode=755 demo "$dir" 2>/dev/null || continue
	world=$dir
	break
done
[ -n "$world" ] || stop "no folder to mount a tmpfs on" \
	'In a chroot, one has to be a mount point: mount -t tmpfs tmpfs /run'
cd "$world" || exit 1
TMPDIR=$world
export TMPDIR

# The network: one switch, nothing else.
{
	ip link set lo up
	ip link add switch type bridge && ip link set switch up
} || stop "can't make a network in a namespace (kernel: bridge, veth)"

hosts='alpha beta gamma'
{
	echo '127.0.0.1 localhost'
	n=0
	for h in $hosts; do
		n=$((n + 1))
		echo "10.77.0.$n $h"
	done
} >hosts

# What each host has before anybody comes: keys, certificates, csync2's files.
cat >csync2_priv.cfg <<'END'
group privileged {
	host alpha beta gamma;
	key /var/lib/csync2/privileged.key;
	include /srv/sbin;
}
END
ssh-keygen -q -t ed25519 -N '' -C root@alpha -f admin_key
for h in $hosts; do
	mkdir "$h"
	ssh-keygen -q -t ed25519 -N '' -C "root@$h" -f "$h.host"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -days 2 -subj /CN=csync2 -keyout "$h.key" -out "$h.crt" \
		2>openssl.err || stop "openssl: $(tail -n 1 openssl.err)"
	printf '%s ' "$h" >>known_hosts
	cut -d' ' -f1,2 "$h.host.pub" >>known_hosts
done
sshd_ids=$(getent passwd sshd | cut -d: -f3,4)
[ -n "$sshd_ids" ] || stop 'there is no user sshd: is openssh-server installed?'

n=0
for h in $hosts; do
	n=$((n + 1))
	mkfifo "$h.up" "$h.go"
	unshare --mount --propagation unchanged --net --pid --uts --ipc --fork \
		--kill-child=KILL \
		sh "$here/host.sh" "$h" "$world" "$tree" "$build" "$sshd_ids" \
		</dev/null >"$h.log" 2>&1 &
	pid=$(timeout 10 head -n 1 "$h.up")
	[ -n "$pid" ] || stop "$h: $(tail -n 1 "$h.log")"
	echo "$pid" >"$h.pid"
	{
		ip link add "to-$h" master switch type veth \
			peer name eth0 netns "$pid" &&
			ip link set "to-$h" up &&
			nsenter -t "$pid" -n ip link set lo up &&
			nsenter -t "$pid" -n ip link set eth0 up &&
			nsenter -t "$pid" -n ip addr add "10.77.0.$n/24" dev eth0
	} || stop "can't make the network of $h (kernel: bridge, veth)"
	echo go >"$h.go"
done
for h in $hosts; do
	up=$(timeout 20 head -n 1 "$h.up")
	[ "$up" = up ] || stop "$h did not start: $(tail -n 1 "$h.log")" \
		"As root, it always works: $SUDO"
done

# Not in this process: as the first one, it would outlive a SIGPIPE.
sh "$here/steps.sh" &
wait $!
