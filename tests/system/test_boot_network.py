# SPDX-License-Identifier: ISC
"""The network of an initramfs, by the scripts that go into it, run with
dracut's and initramfs-tools' own in a network namespace: one that comes late is
set up all the same, nobody waits for it, nothing of it is left; and an ip= that
dracut would halt at is not given to it."""

import shutil

import pytest

import bootimg

# $m: our module's folder.
SCRIPT = r"""kernel=no
m=$(find / -xdev -type d -name 30postern-boot | head -n 1)
d=/usr/lib/dracut/modules.d h=/lib/dracut/hooks
mkdir -p $h/initqueue $h/cmdline /etc/cmdline.d /etc/postern-boot
cp $d/99base/dracut-lib.sh $d/99base/dracut-dev-lib.sh \
    $d/40network/net-lib.sh /lib/
cp $d/35network-legacy/parse-ip-opts.sh $h/cmdline/98-parse-ip-opts.sh
install $d/35network-legacy/ifup.sh /sbin/ifup
for n in getarg getargs; do
    ln -s /usr/lib/dracut/dracut-util /usr/bin/dracut-$n
done
install "$m/postern-boot-network" "$m/postern-boot-sshd" /usr/sbin/
# So that nobody waits for what is not there; who would have, and how long.
cat >/usr/sbin/sleep <<'END'
#!/bin/sh
echo "$1 $PPID" >>/out/pauses
exec /bin/sleep 0.1
END
chmod 755 /usr/sbin/sleep

# With a network and processes of its own, which end with it.
own() {
    timeout -s KILL 120 unshare -m -n -p -f --kill-child --mount-proc \
        env "$@"
}

address() {
    name=$1
    printf '%s\n' "$2" >/root/line
    mount --bind /root/line /proc/cmdline
    printf "ip='%s'\n" "$3" >/etc/postern-boot/conf
    rm -f /etc/cmdline.d/* /tmp/net.*
    sh -c 'hookdir=/lib/dracut/hooks
        . /lib/dracut-lib.sh
        . /lib/net-lib.sh
        die() { echo "died: $*"; exit 1; }
        . "$1/postern-boot-ip.sh"
        . $hookdir/cmdline/98-parse-ip-opts.sh
        echo "ip:" $(getargs ip=)' sh "$m" >"/out/$name" 2>&1 || :
    umount /proc/cmdline
}
address alone quiet dhcp
address both 'ip=dhcp quiet' dhcp
address device 'ip=10.0.0.9::10.0.0.1:255.255.255.0::eth0:off' eth0:dhcp
address unread quiet 10.0.0.2::10.0.0.1:255.255.255.0::eth0

# v0 and v2 get their links late, v2 an answer of DHCP's, v4 a link alone.
cat >/usr/sbin/dhclient <<'END'
#!/bin/sh
for i; do :; done
if [ "$i" = v4 ]; then
    echo >>/out/asked
    # It may be left in the background, as with ip=single-dhcp.
    [ ! -e /root/single ] || sh -c ': >/root/asks
        while :; do /bin/sleep 1; done' "$@" &
    exit 1
fi
ip addr add 10.9.8.2/24 dev "$i"
printf '%s\n' '. /lib/net-lib.sh' "setup_net $i" \
    "rm -f /lib/dracut/hooks/initqueue/setup_net_$i.sh" \
    >"/lib/dracut/hooks/initqueue/setup_net_$i.sh"
END
cat >/root/late <<'END'
mount -t sysfs none /sys
mount --bind /root/line /proc/cmdline
for i in 0 2 4; do
    ip link add v$i type veth peer name v$((i + 1))
    echo "[ -e \"\$job\" ] && rm -f -- \"\$job\"; : >/out/queue; /sbin/ifup v$i" \
        >$hookdir/initqueue/ifup-v$i.sh
done
POSTERN_BOOT_NETWORK=1 /usr/sbin/postern-boot-network </dev/null &
until [ -s /run/postern-boot/network.pid ]; do sleep 1; done
# A turn of the queue, which a prompt holds up from then on.
for job in "$m/postern-boot-net.sh" $hookdir/initqueue/ifup-*; do
    [ -e "$job" ] || break
    . "$job"
done
until [ -e /run/postern-boot/tried.v0 ]; do sleep 1; done
ip -o -4 addr show v0 >/out/before
until grep -q 'no network yet' /dev/console; do sleep 1; done
ip link set v1 up
ip link set v3 up
until [ -e /tmp/net.v0.did-setup ]; do sleep 1; done
until [ -e /tmp/net.v2.did-setup ]; do sleep 1; done
until [ -e /run/postern-boot/tried.v4 ]; do sleep 1; done
# As if nothing was said yet; there is a network by now.
rm /run/postern-boot/late
: >/out/pauses
ip link set v5 up
until [ "$(grep -c '^10 ' /out/pauses)" -ge 2 ]; do sleep 1; done
# v4's own turns, while a dhclient is there; then that has its answer.
: >/root/single
until [ -e /root/asks ]; do sleep 1; done
cp /out/asked /out/asked-before
: >/out/pauses
main=$(cat /run/postern-boot/network.pid)
until [ "$(grep '^2 ' /out/pauses | grep -cv " $main$")" -ge 6 ]; do
    sleep 1
done
cp /out/asked /out/asked-after
ip addr add 10.9.7.2/24 dev v4
echo 'setup_net v4' >$hookdir/initqueue/setup_net_v4.sh
until [ -e /tmp/net.v4.did-setup ]; do sleep 1; done
ip -o -4 addr >/out/after
netroot= /usr/sbin/postern-boot-sshd stop
ip -o -4 addr >/out/stopped
grep -ls POSTERN_BOOT_NETWORK= /proc/[0-9]*/environ >/out/left
cp /dev/console /out/console
END
echo 'ip=10.9.9.2:::255.255.255.0::v0:off ip=v2:dhcp ip=v4:dhcp' \
    'rd.net.timeout.carrier=1' >/root/line
echo 'sshd=dropbear port=1 keep_network=' >/etc/postern-boot/conf
rm -rf /etc/cmdline.d/* /tmp/net.* /run/postern-boot
: >/dev/console
own m="$m" hookdir=$h sh /root/late >/out/late 2>&1 ||
    echo "status $?" >>/out/late

# initramfs-tools' own function, by a program that gets no answer for long.
mkdir /scripts
cp /usr/share/initramfs-tools/scripts/functions /scripts/
cat >/usr/sbin/ipconfig <<'END'
#!/bin/sh
echo x >>/out/tries
[ ! -e /root/cable ] || : >/run/net-v0.conf
END
chmod 755 /usr/sbin/ipconfig
cat >/root/debian <<'END'
ip link add v0 type veth peer name v1
mount -t sysfs none /sys
POSTERN_BOOT_NETWORK=1 /usr/sbin/postern-boot-network </dev/null &
until [ "$(grep -c x /out/tries)" -gt 12 ]; do sleep 1; done
: >/root/cable
wait $!
ls /run/net-v0.conf
END
rm -rf /run/postern-boot
: >/dev/console
own IP=dhcp DEVICE= BOOTIF= starttime=0 quiet=y sh /root/debian \
    >/out/debian 2>&1 || echo "status $?" >>/out/debian
cp /dev/console /out/debian-console

# An sshd that can't start, as systemd starts it again.
echo SHA256:x >/etc/postern-boot/fingerprint
printf '#!/bin/sh\nexit 1\n' >/usr/sbin/dropbear
rm -rf /run/postern-boot
for n in 1 2; do
    : >/dev/console
    postern-boot-sshd run || :
    cp /dev/console "/out/console$n"
done
"""


@pytest.fixture(scope="module")
def ran():
    machine, sshd, _ = bootimg.KINDS["dracut-systemd-openssh"]
    out = bootimg.run(machine, sshd, after=SCRIPT)
    yield lambda name: (out / name).read_text() if (
        out / name).exists() else None
    shutil.rmtree(out)


@pytest.mark.parametrize("name, ip", [
    ("alone", "dhcp"), ("both", "dhcp"),
    ("device", "10.0.0.9::10.0.0.1:255.255.255.0::eth0:off"),
    ("unread", "")])
def test_dracut_never_halts_at_an_ip_of_ours(ran, name, ip):
    """It refuses to go on at two of them, and at one that it can't read."""
    said = ran(name)
    assert "died" not in said, said
    assert said.splitlines()[-1].strip() == f"ip: {ip}".strip(), said


def test_a_link_that_comes_late_gets_its_address(ran):
    said = ran("late")
    assert "status" not in said, said
    assert ran("before") == ""
    assert "10.9.9.2/24" in ran("after"), said


def test_dracuts_queue_waits_for_no_card(ran):
    """It runs none of these jobs, nor need it finish what DHCP began."""
    assert ran("queue") is None
    assert "10.9.8.2/24" in ran("after")


def test_no_second_dhclient_asks_beside_the_first(ran):
    """Whose answer is taken all the same, once it comes."""
    assert ran("asked-before")
    assert ran("asked-before") == ran("asked-after")
    assert "10.9.7.2/24" in ran("after")


def test_nothing_that_looks_for_a_network_is_left(ran):
    assert ran("left") == "" and "10.9." not in ran("stopped")


def test_initramfs_tools_tries_again_too(ran):
    said = ran("debian")
    assert said.splitlines()[-1] == "/run/net-v0.conf", said


@pytest.mark.parametrize("name", ["console", "debian-console"])
def test_the_console_hears_once_that_there_is_no_network(ran, name):
    """And not of a second card without one."""
    said = ran(name).splitlines()
    assert len([s for s in said if "no network yet" in s]) == 1, said


def test_an_sshd_that_cant_start_is_shown_once(ran):
    assert "host key SHA256:x" in ran("console1")
    assert ran("console2") == ""
