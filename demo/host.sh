# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2016
# host.sh NAME WORLD TREE BUILD SSHD_UID:GID: become the host NAME. The first
# process of namespaces of its own; its root is a tmpfs with this machine's
# /usr, read-only, and an /etc, /var, /run and /root that are its own.
set -eu
name=$1 world=$2 tree=$3 build=$4 sshd_ids=$5
cd "$world"

# /proc still is the one of the world, so this is our number there.
read -r pid _ </proc/self/stat
echo "$pid" >"$name.up"
hostname "$name"

root=$world/$name
mount -t tmpfs -o mode=755 "$name" "$root"
mount --make-private "$root"
cd "$root"
mkdir -p usr proc dev dev/shm etc/ssh run/sshd tmp root/.ssh var/lib/csync2 \
	var/lib/postern var/empty srv/sbin usr opt/postern
chmod 1777 tmp dev/shm
chmod 700 root root/.ssh

# bind SOURCE TARGET: read-only where the kernel lets us.
bind() {
	mount --rbind "$1" "$2"
	mount -o remount,bind,ro "$2" 2>/dev/null || :
}

bind /usr usr
for d in bin sbin lib lib32 lib64 libx32; do
	if [ -h "/$d" ]; then
		cp -P "/$d" .
	elif [ -d "/$d" ]; then
		mkdir "$d"
		bind "/$d" "$d"
	fi
done
mkdir -p "./$tree" "./$build"
bind "$tree" "./$tree"
case $build in "$tree"/*) ;; *) bind "$build" "./$build" ;; esac
mount -t proc proc proc
for d in null zero full random urandom tty; do
	: >"dev/$d"
	mount --bind "/dev/$d" "dev/$d"
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

cp "$world/hosts" etc/hosts
cp "$world/csync2_priv.cfg" etc/
echo "$name" >etc/hostname
for d in ld.so.cache ld.so.conf alternatives; do
	[ ! -e "/etc/$d" ] || cp -a "/etc/$d" etc/ 2>/dev/null || :
done
echo 'hosts: files' >etc/nsswitch.conf
cat >etc/passwd <<END
root:x:0:0:root:/root:/bin/sh
sshd:x:$sshd_ids::/run/sshd:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
END
echo 'root:x:0:' >etc/group

cp "$world/$name.key" etc/csync2_ssl_key.pem
cp "$world/$name.crt" etc/csync2_ssl_cert.pem
cp "$world/$name.host" etc/ssh/ssh_host_ed25519_key
chmod 600 etc/csync2_ssl_key.pem etc/ssh/ssh_host_ed25519_key
cp "$world/known_hosts" etc/ssh/ssh_known_hosts
echo 'StrictHostKeyChecking yes' >etc/ssh/ssh_config
cat >etc/ssh/sshd_config <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
END
mkfifo -m 600 var/lib/csync2/privileged.key
ln -s "$build/postern" opt/postern/postern

# Only the administrator's host can log in to the others; each has a key of its
# own all the same, for what a thief would try.
if [ "$name" = alpha ]; then
	cp "$world/admin_key" root/.ssh/id_ed25519
else
	cp "$world/admin_key.pub" root/.ssh/authorized_keys
	cp etc/ssh/ssh_host_ed25519_key root/.ssh/id_ed25519
fi
chmod 600 root/.ssh/*

timeout 10 head -n 1 "$world/$name.go" >/dev/null
up=$world/$name.up
exec 8>"$up"
mkdir -p mnt
# It refuses to leave a chroot. Covering / instead would show outside.
! pivot_root . mnt 2>/dev/null || umount -l mnt
exec chroot . /usr/bin/env -i LC_ALL=C.UTF-8 HOME=/root \
	PATH=/opt/postern:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/bin/sh -c '
	cd /
	/usr/sbin/sshd -E /run/sshd.log 8>&- || {
		cat /run/sshd.log
		exit 1
	}
	# The host that pushes needs no daemon: less to warn of.
	[ "$(hostname)" = alpha ] ||
		csync2 -ii 8>&- </dev/null >/run/csync2.log 2>&1 &
	# 30865, listening
	n=0
	until [ "$(hostname)" = alpha ] || grep -q ":7891 [0-9A-F]*:0000 0A" /proc/net/tcp /proc/net/tcp6; do
		n=$((n + 1))
		[ "$n" -lt 200 ] || exit 1
		sleep 0.05
	done
	echo up >&8
	exec 8>&-
	# Orphans come to us: wait for them, too.
	while :; do
		wait
	done'
