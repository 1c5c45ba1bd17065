# SPDX-License-Identifier: ISC
"""postern boot setup and check, as a person runs them on a Debian: what setup
does once and a second time; each finding of check by an image that is broken
on purpose."""

import json
import shutil
import subprocess

import pytest

import bootimg

# A finding, the way to break an image for it in its unpacked tree, and the
# status that check then ends with.
BROKEN = {
    "initramfs-tools-dropbear": {
        "absent": ("rm -r etc/postern-boot", 1),
        "agent": ("rm usr/bin/postern-boot-agent", 1),
        "script": ("rm usr/sbin/postern-boot-sshd", 1),
        "shell": ("rm -f bin/sh usr/bin/sh", 1),
        "cryptsetup": ("rm -f sbin/cryptsetup usr/sbin/cryptsetup", 1),
        "cryptsetup-runs": ("find . -name 'libcryptsetup.so*' -delete", 1),
        "sshd": ("rm usr/sbin/dropbear", 1),
        "sshd-runs": ("find . -name 'libtomcrypt.so*' -delete", 1),
        "hook": ("rm scripts/init-bottom/postern-boot", 1),
        "two-sshds": (": >scripts/init-premount/dropbear", 2),
        "keys": (": >root/.ssh/authorized_keys", 1),
        "shell-keys": ("echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0"
                       "SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x' "
                       ">>root/.ssh/authorized_keys", 1),
        "keys-stale": ("sed -i 's/admin/old/' root/.ssh/authorized_keys", 2),
        "rights": ("chmod 666 root/.ssh/authorized_keys", 1),
        "root": ("sed -i /^root:/d etc/passwd", 1),
        "root-shell": ("sed -i '/^root:/s,/bin/sh,/bin/zsh,' etc/passwd", 1),
        "root-home": ("sed -i '/^root:/s,:/root:,:/root-x:,' etc/passwd", 1),
        "root-locked": ("sed -i 's/^root:[*]/root:!/' etc/shadow", 1),
        "host-key": ("rm etc/postern-boot/host_key", 1),
        "host-key-real": (
            "rm etc/postern-boot/host_key; dropbearconvert openssh dropbear "
            "/etc/ssh/ssh_host_ed25519_key etc/postern-boot/host_key "
            "2>/dev/null", 1),
        "host-key-stale": (
            "rm etc/postern-boot/host_key; dropbearkey -t ed25519 -f "
            "etc/postern-boot/host_key >/dev/null 2>&1", 2),
        "host-key-unread": ("echo x >etc/postern-boot/host_key", 2),
        "image-rights": ("mode=644", 2),
        "network": ("rm -f bin/ipconfig usr/bin/ipconfig", 1),
    },
    "dracut-systemd-openssh": {
        "sshd": ("rm usr/sbin/sshd", 1),
        "sshd-runs": ("sed -i /^sshd:/d etc/passwd", 1),
        "hook": ("find . -name postern-boot.service -delete", 1),
        # The console would show it.
        "host-key-stale": ("echo SHA256:x >etc/postern-boot/fingerprint", 2),
        # Nothing starts networkd there.
        "network": ("find . -name ifup -delete; mkdir -p usr/lib/systemd; "
                    ": >usr/lib/systemd/systemd-networkd; "
                    "rm usr/lib/systemd/systemd", 1),
    },
}

# What no rule looks at would only be copied about.
CHECK = r"""cd /; rm -rf /tree; mkdir /tree; cd /tree
{unpack}
[ ! -d main ] || {{ mv main ../tree.main; cd /; rm -r tree; mv tree.main tree; }}
cd /tree
find . -path '*/lib/modules/*' -name '*.ko*' ! -path '*/drivers/net/*' -delete
find . -name 'hwdb*' -delete
du -sk . >/out/size
check() {{
    rm -rf /broken
    cp -a /tree /broken
    cd /broken
    mode=600
    eval "$2"
    find . | cpio -o -H newc --quiet | gzip -1 >/image
    cd /
    chmod "$mode" /image
    status=0
    postern boot check --json /image >"/out/$1" 2>&1 || status=$?
    echo "$status" >>"/out/$1"
}}
check whole :
{checks}
kernel=no
"""

UNPACK = {
    "initramfs-tools-dropbear": 'unmkinitramfs "/boot/initrd.img-$kv" .',
    # As on a machine without initramfs-tools.
    "dracut-systemd-openssh": 'rm /usr/bin/unmkinitramfs; '
    'lsinitrd --unpack "/boot/initrd.img-$kv"',
}
CASES = [(kind, finding) for kind in BROKEN for finding in BROKEN[kind]]


@pytest.fixture(scope="module")
def checked():
    """(kind, name) → (findings, status); each kind is built once."""
    made = {}

    def get(kind, name):
        if kind not in made:
            machine, sshd, _ = bootimg.KINDS[kind]
            checks = "\n".join(
                "check {} {}".format(n, "'" + how.replace("'", "'\\''") + "'")
                for n, (how, _) in BROKEN[kind].items())
            made[kind] = bootimg.run(
                machine, sshd, build=bootimg.new_kernel(),
                after=CHECK.format(unpack=UNPACK[kind], checks=checks))
        lines = (made[kind] / name).read_text().splitlines()
        events = [json.loads(s) for s in lines[:-1] if s.startswith("{")]
        return events, int(lines[-1]), lines
    yield get
    for out in made.values():
        shutil.rmtree(out)


@pytest.mark.parametrize("kind", BROKEN)
def test_an_image_as_it_was_built_has_nothing_wrong(checked, kind):
    events, status, lines = checked(kind, "whole")
    assert [e["event"] for e in events] == ["end"], lines
    assert status == 0, lines


@pytest.mark.parametrize("kind, finding", CASES)
def test_an_image_that_is_broken_is_said_to_be(checked, kind, finding):
    events, status, lines = checked(kind, finding)
    found = [e for e in events if e["event"] == "finding"]
    assert finding in [e["finding"] for e in found], lines
    assert status == BROKEN[kind][finding][1], lines
    for e in found:
        # What to do, by its last words.
        assert e["level"] in ("error", "warning")
        assert any(word in e["text"] for word in
                   ("update-initramfs -u", "dracut -f", "chmod 600")), e


SETUP = r"""kernel=no
cp /etc/postern/boot.conf /out/conf
cp /etc/postern/boot.conf /out/first
cp /etc/postern/boot/host_key.pub /out/host_key.pub
stat -c '%a %n' /etc/postern/boot/host_key /etc/postern/boot >/out/rights
postern boot setup >/out/again
cmp /etc/postern/boot.conf /out/conf
cmp /etc/postern/boot/host_key.pub /out/host_key.pub
postern boot setup --dry-run --port 99 >/out/dry
cmp /etc/postern/boot.conf /out/conf
try() {{
    name=$1; shift
    status=0
    postern boot setup "$@" >"/out/$name" 2>&1 || status=$?
    echo "$status" >>"/out/$name"
    cmp /etc/postern/boot.conf /out/conf
}}
echo 'command="x" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl' >/root/none
try none --authorized-key /root/none
try relative --authorized-key none
try ip --ip 'dhcp init=/bin/sh'
printf '\n[web1]\nport = 1\n' >>/etc/postern/boot.conf
cp /etc/postern/boot.conf /out/conf
chmod 600 /etc/postern/boot.conf
postern boot setup --port 99 --ip dhcp >/dev/null
stat -c %a /etc/postern/boot.conf >/out/mode
cp /etc/postern/boot.conf /out/changed
cp /etc/ssh/ssh_host_ed25519_key /etc/postern/boot/host_key
rm /etc/postern/boot/host_key.pub
cp /etc/postern/boot.conf /out/conf
try real
rm /etc/postern/boot/host_key
cp "/boot/initrd.img-$kv" /root/image
chmod 666 /root/image
status=0
postern boot check /root/image >/out/foreign 2>&1 || status=$?
echo "$status" >>/out/foreign
cp /usr/share/initramfs-tools/hooks/keymap /etc/initramfs-tools/hooks/dropbear
try late
rm /etc/initramfs-tools/hooks/dropbear
mv /usr/bin/dropbearconvert /usr/bin/gone
try convert
mv /usr/sbin/dropbear /usr/sbin/gone
try nothing
"""


@pytest.fixture(scope="module")
def setup():
    machine, sshd, _ = bootimg.KINDS["initramfs-tools-dropbear"]
    out = bootimg.run(machine, sshd, after=SETUP.replace("{{", "{").replace(
        "}}", "}"))
    yield lambda name: (out / name).read_text()
    shutil.rmtree(out)


def test_setup_prints_what_a_person_carries_over(setup):
    said = setup("setup")
    key = " ".join(setup("host_key.pub").split()[:2])
    assert f"    {bootimg.NAME} {key}\n" in said
    assert "ip=dhcp" in said and "update-initramfs -u -k all\n" in said
    assert setup("first") == ("[server]\nport = 2222\nauthorized-keys = "
                             "/root/boot.pub\nsshd = dropbear\n")
    assert setup("rights").split()[::2] == ["600", "700"]


def test_a_second_setup_changes_nothing(setup):
    said = setup("again")
    assert "as it was   /etc/postern/boot.conf" in said
    assert "as it was   /etc/postern/boot/host_key" in said
    assert "written" not in said and "made" not in said


def test_a_dry_run_of_setup_writes_nothing(setup):
    assert "would write /etc/postern/boot.conf" in setup("dry")


def test_setup_changes_its_own_section_alone(setup):
    assert setup("changed") == (
        "[server]\nport = 99\nauthorized-keys = /root/boot.pub\n"
        "sshd = dropbear\nip = dhcp\n\n[web1]\nport = 1\n")
    # A fleet's sources of passphrases are nobody else's to read.
    assert setup("mode") == "600\n"


@pytest.mark.parametrize("name, status, words", [
    ("none", 1, "no key in it may log in"),
    ("relative", 64, "absolute path"),
    ("ip", 64, "not what the kernel takes"),
    ("real", 1, "is the real sshd's host key"),
    ("foreign", 1, "its programs would be run"),
    ("late", 1, "/etc/initramfs-tools/hooks/dropbear: comes after"),
    ("convert", 1, "dropbearconvert isn't here"),
    ("nothing", 1, "install dropbear-bin")])
def test_what_is_wrong_is_said_and_nothing_written(setup, name, status,
                                                   words):
    said = setup(name)
    assert words in said and said.splitlines()[-1] == str(status), said


def test_dropbear_initramfs_leaves_its_place_to_ours():
    """Both in one image would share root's keys."""
    machine, sshd, _ = bootimg.KINDS["initramfs-tools-dropbear"]
    out = bootimg.run(
        machine.replace(bootimg.NO_THEIRS, "cp /root/boot.pub "
                        "/etc/dropbear/initramfs/authorized_keys"),
        # As a kernel's package does it.
        sshd, build='/etc/kernel/postinst.d/initramfs-tools "$kv" '
        '"/boot/vmlinuz-$kv"', after='lsinitramfs "/boot/initrd.img-$kv" '
        ">/out/list; kernel=no")
    try:
        names = (out / "list").read_text().splitlines()
        assert "scripts/init-premount/postern-boot" in names
        assert "scripts/init-premount/dropbear" not in names
        assert not [n for n in names if n.startswith("root-")]
        assert "is left out" in (out / "log").read_text()
        assert "dropbear-initramfs is installed" in (
            out / "setup").read_text()
    finally:
        shutil.rmtree(out)


def test_the_older_modules_keys_of_dracut_conf_still_count():
    """Without a boot.conf, as who comes from there has it."""
    machine, _, command = bootimg.KINDS["dracut-sysv-dropbear"]
    out = bootimg.run(
        machine, build="rm /etc/postern/boot.conf; rm -r /etc/postern/boot\n"
        "echo 'dropbear_port=\"222\" dropbear_acl=/root/boot.pub "
        "dropbear_rsa_key=SYSTEM' >>/etc/dracut.conf.d/test.conf\n"
        + command, after='i=/boot/initrd.img-$kv kernel=no\n'
        'lsinitrd -f etc/postern-boot/conf "$i" >/out/conf\n'
        'lsinitrd -f root/.ssh/authorized_keys "$i" >/out/keys\n'
        "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key >/out/real\n"
        'lsinitrd -f etc/postern-boot/fingerprint "$i" >/out/fp\n'
        'postern boot check "$i" >/out/check 2>&1 || :\n'
        'postern boot setup --dry-run --authorized-key /root/boot.pub '
        '>/out/again 2>&1')
    try:
        assert "port=222\n" in (out / "conf").read_text()
        assert 'command="/usr/bin/postern-boot-agent"' in (
            out / "keys").read_text()
        # Made by the build, and not the real one's.
        assert (out / "fp").read_text().startswith("SHA256:")
        assert (out / "fp").read_text().split()[0] not in (
            out / "real").read_text()
        assert "a key of its own is used" in (out / "log").read_text()
        assert (out / "check").read_text().endswith("nothing is wrong\n")
        assert "dropbear_port" in (out / "again").read_text()
    finally:
        shutil.rmtree(out)


@pytest.fixture(scope="module")
def without():
    """What is in images that get nothing of ours, and what was said."""
    machine, sshd, command = bootimg.KINDS["initramfs-tools-dropbear"]
    listing = 'lsinitramfs "/boot/initrd.img-$kv" >/out/{}'
    late = "/etc/initramfs-tools/hooks/dropbear"
    build = "\n".join((
        "agent=$(find / -xdev -name postern-boot-agent -type f)",
        "mv $agent /root/agent", command, listing.format("agent"),
        "mv /root/agent $agent",
        f"printf '#!/bin/sh\n:\n' >{late}; chmod 755 {late}",
        command, listing.format("late"), f"rm {late}",
        "rm /etc/postern/boot.conf", command, listing.format("conf")))
    out = bootimg.run(machine, sshd, build=build, after="kernel=no")
    yield lambda name: (out / name).read_text()
    shutil.rmtree(out)


def test_without_a_section_server_nothing_is_put_in(without):
    assert not [n for n in without("conf").splitlines()
                if n.startswith(("etc/postern", "root")) or "dropbear" in n]


def test_an_image_is_built_whatever_of_ours_is_missing(without):
    """A kernel's upgrade must not fail by it; the console still boots it."""
    assert "postern-boot-agent isn't there" in without("log")
    assert "hooks/dropbear comes later" in without("log")
    assert without("log").count("there is no sshd in this image") == 2
    for name in "agent", "late":
        assert not [n for n in without(name).splitlines()
                    if n.startswith(("etc/postern", "root", "usr/bin/post"))
                    or n.endswith("/dropbear")]


def test_shellcheck_has_nothing_to_say_of_the_modules():
    top = bootimg.TREE / "packaging"
    names = [p for sub in ("boot", "dracut", "initramfs-tools")
             for p in (top / sub).rglob("*")
             if p.is_file() and p.suffix != ".service"]
    for shell in ("bash", "sh"):
        some = [p for p in names
                if (p.name == "module-setup.sh.in") == (shell == "bash")]
        assert some
        # SC2034: conf-hooks.d sets what mkinitramfs reads.
        done = subprocess.run(
            ["shellcheck", "-s", shell, "-e", "SC2034", *some], text=True,
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout
