#!/bin/sh
# SPDX-License-Identifier: ISC
# boot.sh NAME DIR LOWER [SOURCE=TARGET...]: become the host NAME.
# Runs as pid 1 of new pid, mount, uts, ipc and cgroup namespaces, in the
# host's network namespace. DIR is the host's folder on the lab's tmpfs; the
# SOURCEs are bound read-only.
set -eu
name=$1 dir=$2 lower=$3
shift 3

# In a chroot / is no mount point. The lab's tmpfs is private in any case.
mount --make-rprivate / 2>/dev/null || :

cd "$dir"
mkdir -p upper work root
mount -t overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" \
	"postern-lab-$name" root
cd root

mount -t proc -o nosuid,nodev,noexec proc proc
echo "$name" >proc/sys/kernel/hostname
for p in proc/sys proc/sysrq-trigger proc/irq proc/bus; do
	[ -e $p ] || continue
	mount --bind $p $p
	mount -o remount,bind,ro $p
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
mount -t tmpfs -o nosuid,mode=755 tmpfs run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs tmp

mount -t tmpfs -o nosuid,mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
while read -r node major minor; do
	mknod -m 666 "dev/$node" c "$major" "$minor"
done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
net/tun 10 200
fuse 10 229
END
: >dev/console
mount --bind dev/null dev/console

for pair; do
	target=${pair#*=}
	mkdir -p ".$target"
	mount --bind "${pair%%=*}" ".$target"
	mount -o remount,bind,ro ".$target"
done

set -- env -i container=lab TERM=dumb \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --log-target=journal --show-status=no
if pivot_root . mnt 2>/dev/null; then
	umount -l mnt
	exec chroot . "$@"
fi
# pivot_root refuses to leave a chroot: cover it instead.
mount --move . /
exec chroot . "$@"
