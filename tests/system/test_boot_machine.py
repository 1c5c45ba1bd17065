# SPDX-License-Identifier: ISC
"""postern boot on machines that are not plain: what an image gets there, and
what setup, stage and check say of it."""

import shutil
import signal

import pytest

import bootimg

HASH = "$y$j9T$abcdefghijklmnop$0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
# What a person did to the machine, between setup and the image.
ODD = rf"""
sed -i 's,^root:[^:]*:,root:!{HASH}:,' /etc/shadow
rm /root/rescue.pub /usr/bin/arping
mkdir -p /usr/share/empty.sshd /usr/lib/ssh
cp /bin/true /usr/lib/ssh/sshd-session
mkdir /usr/lib/dracut/modules.d/60crypt-ssh
printf 'check() {{ return 0; }}\ninstall() {{ :; }}\n' \
    >/usr/lib/dracut/modules.d/60crypt-ssh/module-setup.sh
sed -i 's/^hostonly=.*/hostonly=yes/' /etc/dracut.conf.d/test.conf
dracut -f "/boot/initrd.img-$kv" "$kv"
sed -i 's,^root:!,root:,' /etc/shadow
dracut -f /root/second "$kv" """
AFTER = r"""kernel=no
i=/boot/initrd.img-$kv
lsinitrd "$i" >/out/list
lsinitrd -f etc/shadow "$i" >/out/locked
lsinitrd -f etc/shadow /root/second >/out/shadow
lsinitrd -f root/.ssh/authorized_keys "$i" >/out/keys
try() {
    name=$1; shift
    status=0
    "$@" >"/out/$name" 2>&1 || status=$?
    echo "status $status" >>"/out/$name"
}
postern=$(dirname "$(command -v postern)")/../libexec/postern
[ -x "$postern/postern-boot" ] || postern=$(dirname "$(find / -xdev -name \
    postern-boot -type f -perm -100 | head -n 1)")
stage() {
    rm -rf /staged; mkdir /staged
    "$postern/postern-boot" stage "$@" /staged
}
# An image of another kernel, from before, beside it.
mkdir -p /lib/modules/9.9
mkdir /none; (cd /none; : >init; echo init | cpio -o -H newc --quiet) \
    >/boot/initrd.img-9.9
chmod 600 /boot/initrd.img-9.9
mkdir -p /usr/libexec/ssh
cp /bin/true /usr/libexec/ssh/sshd-auth
# Before both one that is none.
mkdir /lib/modules/1.1
echo x >/boot/initrd.img-1.1
chmod 600 /boot/initrd.img-1.1
try both postern boot check
rm -r /lib/modules/9.9 /lib/modules/1.1 /usr/libexec/ssh/sshd-auth
# Cards of drivers that this image lacks, and that its kernel has built in.
mount -t tmpfs none /sys
n=0
for driver in zz_nic "$(sed -n 's,.*/\(.*\)\.ko,\1,p' \
    "/lib/modules/$kv/modules.builtin" | tr - _ | head -n 1)"; do
    n=$((n + 1))
    mkdir -p "/sys/module/$driver" "/sys/class/net/eth$n/device/driver"
    ln -s "/sys/module/$driver" "/sys/class/net/eth$n/device/driver/module"
done
echo 'quiet rd.luks=0' >/root/line
mount --bind /root/line /proc/cmdline
try cards postern boot check "$i"
umount /sys /proc/cmdline
mount -t tmpfs -o noexec,nodev none /var/tmp
try noexec postern boot check "$i"
ls -A /var/tmp >/out/left
# Stopped in the midst. (In the background a script's SIGINT is ignored.)
status=0
postern boot check "$i" >/out/stopped 2>&1 & pid=$!
while ! ls -d /var/tmp/postern-boot.*/?* >/dev/null 2>&1; do
    kill -0 $pid
done
kill -TERM $pid
wait $pid || status=$?
echo "status $status" >>/out/stopped
ls -A /var/tmp >>/out/left
until umount /var/tmp; do sleep 0.1; done

echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x' >/root/rescue.pub
chmod 666 /root/rescue.pub
try foreign stage
cp /staged/authorized_keys /out/foreign-keys
try setup-foreign postern boot setup --emergency-key /root/rescue.pub
rm /root/rescue.pub
try setup-gone postern boot setup --emergency-key /root/rescue.pub
chmod 664 /root/boot.pub
try writable stage
chmod 644 /root/boot.pub
chown 7 /root/boot.pub
try owned stage
chown 0 /root/boot.pub
: >/root/rescue.pub

ssh-keygen -q -t rsa -b 2048 -N '' -f /etc/ssh/ssh_host_rsa_key
rm /etc/ssh/ssh_host_rsa_key.pub
cp /etc/ssh/ssh_host_rsa_key /root/copy
try no-pub stage --host-key /root/copy
mkdir -p /etc/dropbear
dropbearkey -t ecdsa -f /etc/dropbear/dropbear_ecdsa_host_key
rm -f /etc/dropbear/dropbear_ecdsa_host_key.pub
cp /etc/dropbear/dropbear_ecdsa_host_key /root/copy
try dropbears stage --host-key /root/copy
ssh-keygen -q -t ed25519 -N '' -f /etc/elsewhere
mkdir -p /etc/ssh/sshd_config.d
# As where ssh was not started yet: sshd -T wants it.
rm -rf /run/sshd
printf 'HostKey /etc/elsewhere\nHostKey /etc/ssh/ssh_host_rsa_key\n' \
    >/etc/ssh/sshd_config.d/a.conf
cp /etc/elsewhere /root/copy
try elsewhere stage --host-key /root/copy
cp /etc/ssh/ssh_host_ed25519_key /etc/postern/boot/host_key
try old-pub stage
rm /etc/postern/boot/host_key
ssh-keygen -q -t ed25519 -N '' -f /root/new
cp /root/new /etc/postern/boot/host_key
ssh-keygen -lf /root/new >/out/new-key
try new stage
"""


@pytest.fixture(scope="module")
def odd():
    machine, sshd, _ = bootimg.KINDS["dracut-systemd-openssh"]
    out = bootimg.run(machine, sshd, words="--emergency-key /root/rescue.pub",
                      build=ODD, after=AFTER)
    yield lambda name: (out / name).read_text()
    shutil.rmtree(out)


def test_the_emergency_console_asks_for_roots_password(odd):
    """sulogin takes the first line, and none at all for a '*' alone."""
    first = [s for s in odd("shadow").splitlines() if s.startswith("root:")]
    assert first[0].split(":")[1] == HASH
    # Locked by its owner: not so that sshd would refuse the keys.
    first = [s for s in odd("locked").splitlines() if s.startswith("root:")]
    assert first[0].split(":")[1] == "*" + HASH


def test_a_network_that_cant_be_installed_leaves_nothing_else_out(odd):
    """network-legacy wants arping."""
    names = odd("list")
    assert "usr/bin/postern-boot-agent" in names
    assert "network-legacy" not in names.split("=====")[0]
    assert "systemd-networkd" in names


def test_an_emergency_file_that_is_gone_leaves_the_sshd_in(odd):
    assert "/root/rescue.pub: No such file" in odd("log")
    lines = odd("keys").splitlines()
    assert len(lines) == 1 and 'command="' in lines[0]
    said = odd("setup-gone")
    assert "/root/rescue.pub: No such file" in said and "status 1" in said


def test_what_an_sshd_of_another_distribution_needs_is_in_there(odd):
    names = odd("list")
    assert "usr/share/empty.sshd" in names
    assert "usr/lib/ssh/sshd-session" in names
    # Installed later.
    assert "/usr/libexec/ssh/sshd-auth isn't in the image" in odd("both")


def test_the_image_of_each_kernel_is_looked_at(odd):
    said = odd("both")
    assert "nothing of postern boot is in the image" in said
    assert "/boot/initrd.img-9.9: 1 error" in said
    assert "/boot/initrd.img-1.1: 1 error" in said
    assert len([s for s in said.splitlines()
                if s.startswith("/boot/initrd.img-")]) == 3, said
    assert "status 1" in said
    assert "dracut -f --regenerate-all\n" in odd("setup")


def test_another_module_with_an_sshd_is_said(odd):
    assert "module crypt-ssh is in this image, too" in odd("log")


def test_a_driver_is_missed_unless_the_kernel_has_it(odd):
    said = odd("cards")
    assert said.count("the network card's driver") == 1, said
    assert "driver zz_nic isn't in the image: put add_drivers+=\" zz_nic \"" \
        " into /etc/dracut.conf.d/network.conf, then dracut -f" in said
    assert "ERROR    rd.luks=0 stands on the kernel line" in said


def test_check_runs_programs_where_no_program_may_be_run(odd):
    said = odd("noexec")
    assert "doesn't run" not in said and "status 1" not in said, said
    # That image was built while root was locked.
    assert "root has a password here and none in the image" in said
    assert odd("left") == ""


def test_a_check_that_is_stopped_leaves_nothing(odd):
    """The boot host key is in what it unpacks."""
    assert odd("stopped") == "status 143\n"
    assert odd("left") == ""


def test_keys_that_others_may_write_are_not_taken(odd):
    said = odd("foreign")
    assert "/root/rescue.pub" in said and "nobody gets a shell" in said
    assert "status 0" in said
    assert len(odd("foreign-keys").splitlines()) == 1
    assert "status 1" in odd("setup-foreign")
    said = odd("writable")
    assert "chmod go-w /root/boot.pub" in said and "status 1" in said
    said = odd("owned")
    assert "chown root /root/boot.pub" in said and "status 1" in said


@pytest.mark.parametrize("name, path", [
    ("no-pub", "/etc/ssh/ssh_host_rsa_key"),
    ("dropbears", "/etc/dropbear/dropbear_ecdsa_host_key"),
    ("elsewhere", "/etc/elsewhere"),
    ("old-pub", "/etc/ssh/ssh_host_ed25519_key")])
def test_no_host_key_of_the_real_system_is_taken(odd, name, path):
    said = odd(name)
    assert f"is the real sshd's host key ({path})" in said, said
    assert "status 1" in said


def test_the_fingerprint_is_that_of_the_key_itself(odd):
    said = odd("new")
    assert "status 0" in said
    assert odd("new-key").split()[1] in said


NETWORK = r"""kernel=no
script=$(find / -xdev -name postern-boot-sshd -path '*libexec*' | head -n 1)
[ -n "$script" ] || script=$(find / -xdev -name postern-boot-sshd | head -n 1)
mkdir -p /etc/postern-boot
echo 'sshd=dropbear port=1 keep_network=' >/etc/postern-boot/conf
# Its own network and its own processes: it takes down and ends what is there.
with() {
    name=$1; shift
    rm -rf /made; mkdir /made
    for f; do mkdir -p "/made/${f%/*}"; echo tcp >"/made/$f"; done
    unshare -m -n -p -f --mount-proc sh -c '
        mount -t sysfs none /sys
        ip link add v0 type veth peer name v1
        ip link set v0 up
        SYS=/made "$1" stop
        ip -o link show v0' sh "$script" >"/out/$name" 2>&1 || {
        cat "/out/$name"; exit 1
    }
}
with none block/vda/size
with pcie class/nvme/nvme1/size
with iscsi class/iscsi_session/session1/state
with nvme class/nvme/nvme0/transport
with rbd block/rbd0/size
mkdir -p /etc/cmdline.d
echo rd.iscsi.initiator=x >/etc/cmdline.d/90iscsi.conf
with word block/vda/size

# Who has a verdict to say in a moment, who never ends, what they began, and
# somebody else.
cp /bin/sleep /root/postern-boot-agent
unshare -m -n -p -f --mount-proc sh -c '
    agent() { /root/postern-boot-agent "$1"; echo $? >"/out/agent-$1"; }
    began() { env "$1=lab" sleep 1000; echo $? >"/out/$1"; }
    agent 1 &
    agent 1000 &
    began SSH_CONNECTION &
    began POSTERN_BOOT_BEGUN &
    sleep 1000 & other=$!
    until [ "$(readlink /proc/[0-9]*/exe | grep -c boot-agent)" = 2 ] &&
        [ "$(grep -ls =lab /proc/[0-9]*/environ | wc -l)" = 2 ]; do
        sleep 0.1
    done
    SYS=/made sh "$1" stop
    kill $other && echo lives >/out/other
    pkill -KILL -x sleep
    wait' sh "$script"
"""


@pytest.fixture(scope="module")
def network():
    machine, sshd, _ = bootimg.KINDS["dracut-systemd-openssh"]
    out = bootimg.run(machine, sshd, after=NETWORK)
    yield lambda name: (out / name).read_text()
    shutil.rmtree(out)


def test_the_network_stays_for_a_root_that_lies_on_it(network):
    up = {name: ",UP" in network(name)
          for name in ("none", "pcie", "iscsi", "nvme", "rbd", "word")}
    assert up == {"none": False, "pcie": False, "iscsi": True,
                  "nvme": True, "rbd": True, "word": True}


def test_an_agent_has_a_moment_for_its_verdict_and_no_more(network):
    assert network("agent-1") == "0\n"
    assert network("agent-1000") == f"{128 + signal.SIGTERM}\n"


def test_what_a_session_or_the_agent_began_is_ended_and_nothing_else(network):
    assert network("SSH_CONNECTION") == f"{128 + signal.SIGTERM}\n"
    assert network("POSTERN_BOOT_BEGUN") == f"{128 + signal.SIGTERM}\n"
    assert network("other") == "lives\n"
