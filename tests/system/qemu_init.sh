#!/bin/sh
# SPDX-License-Identifier: ISC
# The initramfs of qemulib.py's guests. It asks as dracut without systemd does
# (t.ask=cryptsetup, plymouth), as initramfs-tools (askpass), or as systemd.
# t.disks is DEVICE:UUID,..., of which the first has the root.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/disk/by-uuid
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=755 run /run
for m in /modules/*; do
	insmod "$m" || echo "mini: $m failed"
done
for w in $(cat /proc/cmdline); do
	case $w in
	t.ask=*) ask=${w#*=} ;;
	t.disks=*) disks=$(echo "${w#*=}" | tr , ' ') ;;
	esac
done

# None of udev is here, so its links are made at once.
for d in $disks; do
	ln -s "/dev/${d%%:*}" "/dev/disk/by-uuid/${d#*:}"
done
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
dropbear -s -j -k -E -r /etc/host_key -p 2222 -P /run/dropbear.pid \
	2>/run/dropbear.log

by_cryptsetup() {
	cryptsetup luksOpen -T5 -t 0 "$1" "$2" </dev/console >/dev/console 2>&1
	# cryptroot-ask's mark: it never asks again.
	: >>"/tmp/cryptroot-asked-$2"
}

# Without a terminal askpass takes the console for its output as well.
by_askpass() {
	export CRYPTTAB_NAME="$2" CRYPTTAB_SOURCE="$1" CRYPTTAB_TRIED=0
	mkdir -p /cryptroot
	echo "$2 $1 none luks" >/cryptroot/crypttab
	while [ ! -b "/dev/mapper/$2" ] && [ "$CRYPTTAB_TRIED" -lt 3 ]; do
		/lib/cryptsetup/askpass "Please unlock disk $2: " \
			</dev/console |
			cryptsetup -T1 --key-file=- open --type luks "$1" "$2"
		CRYPTTAB_TRIED=$((CRYPTTAB_TRIED + 1))
	done
}

by_systemd() {
	/lib/systemd/systemd-cryptsetup attach "$2" "$1" - luks,tries=3
}

by_plymouth() {
	mkdir -p /run/plymouth
	plymouthd --mode=boot --pid-file=/run/plymouth/pid
	plymouth show-splash
	plymouth ask-for-password --prompt "Password ($1)" \
		--number-of-tries=5 --command="cryptsetup luksOpen -T1 $1 $2"
	: >>"/tmp/cryptroot-asked-$2"
}

for d in $disks; do
	"by_$ask" "/dev/disk/by-uuid/${d#*:}" "luks-${d#*:}" &
	# systemd asks for all at once, the others for one after another.
	[ "$ask" = systemd ] || wait
done
for d in $disks; do
	while [ ! -b "/dev/mapper/luks-${d#*:}" ]; do
		usleep 50000
	done
done
echo 'mini: all disks are open'

# As the modules of real images: first nobody new, then a moment for who still
# has a verdict to say, then nobody is left.
kill "$(cat /run/dropbear.pid)"
n=0
while pidof postern-boot-agent >/dev/null && [ $((n += 1)) -le 100 ]; do
	usleep 50000
done
n=0
while pidof dropbear >/dev/null && [ $((n += 1)) -le 40 ]; do
	usleep 50000
done
kill -9 -1
ip addr flush dev eth0
ip link set eth0 down
d=${disks%% *}
mount -t ext4 "/dev/mapper/luks-${d#*:}" /sysroot
umount /dev/pts
for m in /proc /sys /dev /run; do
	mount --move "$m" "/sysroot$m"
done
exec switch_root /sysroot /sbin/init
