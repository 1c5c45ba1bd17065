# SPDX-License-Identifier: ISC
"""An initramfs that `postern boot setup` and the distribution's own command
made: what is in it, and that it boots: unlocked from outside by `postern boot
unlock`, with nothing of ours left in the real system."""

import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

import bootimg
from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
POSTERN = bootimg.BUILD / "postern"
GUEST = "10.0.2.15"
STATIC_IP = f"{GUEST}::10.0.2.2:255.255.255.0:guest:eth0:off"
BOOT_S = 240        # emulated, on a machine that does other things as well

LINE = {
    "dracut": f"rd.luks.uuid={bootimg.UUID} root=LABEL=root rootfstype=ext4 "
    f"rw ip={STATIC_IP}",
    "initramfs": f"root=/dev/mapper/root_crypt rootfstype=ext4 rw "
    f"ip={STATIC_IP}",
}
# Whoever asks at the console.
PROMPT = {
    "dracut-sysv-dropbear": "nter passphrase for /dev/",
    "dracut-systemd-openssh": "lease enter passphrase for disk",
    "initramfs-tools-dropbear": "lease unlock disk root_crypt",
}


@pytest.fixture(scope="session")
def disk(tmp_path_factory):
    """An encrypted root without a device mapper here: encrypted in place."""
    top = tmp_path_factory.mktemp("disk")
    tree, image = top / "root", top / "root.img"
    for name in ("proc", "sys", "dev", "run", "etc", "usr/lib", "sbin"):
        (tree / name).mkdir(parents=True)
    (tree / "usr/lib/os-release").write_text("ID=test\n")
    (tree / "etc/os-release").write_text("ID=test\n")
    subprocess.run(["gcc", "-O2", "-static", "-o", tree / "sbin/init",
                    TREE / "tests/system/boot_root.c"], check=True)
    with open(image, "wb") as f:
        f.truncate(24 << 20)
    (top / "pass").write_text(bootimg.PASS)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-O",
                    "^has_journal", "-d", tree, image, "8M"], check=True)
    subprocess.run(
        ["cryptsetup", "reencrypt", "--encrypt", "--type", "luks2",
         "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
         "--reduce-device-size", "16M", "--uuid", bootimg.UUID,
         "--key-file", top / "pass", "--batch-mode", image], check=True)
    return image


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Guest:
    """A machine under qemu, ended with the context."""

    def __init__(self, image, disk, line, nic=True):
        self.port = free_port()
        self.sessions = []
        self.image = image
        self.said = ""
        self.more = threading.Condition()
        self.qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-accel",
             "tcg,thread=multi", "-cpu", "max", "-m", "768", "-nodefaults",
             "-display", "none", "-no-reboot", "-snapshot", "-kernel",
             image.kernel, "-initrd", image.initrd, "-serial", "stdio",
             "-append", "console=ttyS0 panic=-1 net.ifnames=0 "
             "mitigations=off nokaslr random.trust_cpu=on no_timer_check "
             f"{line}", "-drive",
             f"id=root,file={disk},format=raw,if=none,cache=unsafe",
             "-device", "virtio-blk-pci,drive=root",
             *(["-netdev", "user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:"
                f"{self.port}-{GUEST}:2222", "-device",
                "virtio-net-pci,netdev=n0"] if nic else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for data in iter(lambda: self.qemu.stdout.read1(4096), b""):
            with self.more:
                self.said += data.decode("utf-8", "replace")
                self.more.notify_all()
        with self.more:
            self.more.notify_all()

    def comes(self, words, within_s):
        """Whether they are said within that."""
        with self.more:
            return self.more.wait_for(lambda: words in self.said, within_s)

    def wait(self, words, deadline_s=BOOT_S):
        end = time.monotonic() + deadline_s
        with self.more:
            while words not in self.said:
                left = end - time.monotonic()
                assert left > 0, f"no {words!r} in\n{self.said[-6000:]}"
                assert self.qemu.poll() is None or words in self.said, \
                    self.said[-6000:]
                self.more.wait(min(left, 1))

    def type(self, text):
        """At the console."""
        self.qemu.stdin.write(text.encode())
        self.qemu.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for session in self.sessions:
            session.kill()
            session.wait()
        self.qemu.kill()
        self.qemu.wait()
        self.reader.join(10)

    def known(self, tmp_path):
        """A file with the pin that setup printed."""
        known = tmp_path / "known"
        known.write_text(self.image.pin(f"[127.0.0.1]:{self.port}"))
        return known

    def shell(self, tmp_path, command):
        """A session with the emergency key."""
        return subprocess.Popen(
            ["ssh", "-F", "/dev/null", "-i", self.image.rescue, "-o",
             "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes", "-o",
             f"UserKnownHostsFile={self.known(tmp_path)}", "-p",
             str(self.port), "root@127.0.0.1", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def postern(self, tmp_path, *words):
        """The released client."""
        known = self.known(tmp_path)
        (tmp_path / "pass").write_text(bootimg.PASS)
        return subprocess.run(
            [POSTERN, "boot", words[0], "--known-hosts", known, "-F",
             "/dev/null", "-o", f"IdentityFile={self.image.key}", "-o",
             "IdentitiesOnly=yes", "--user", "root", "--json",
             *words[1:], f"ssh://127.0.0.1:{self.port}"],
            text=True, capture_output=True, timeout=180)


def clean_after(said):
    """The real system has nothing of the sshd's and no network."""
    root = said[said.index("root: is up"):said.index("root: end")]
    assert not re.search(r"root: process \d+ \S*(sshd|dropbear|postern|"
                         r"dhclient|ipconfig|networkd|sleep|busybox)",
                         root), root
    # A listener's state is 0A.
    assert not re.search(r"root: \| +\d+: \S+ \S+ 0A ", root), root
    assert GUEST not in root, root
    log = root[root.index("root: log:"):root.index("root: tcp:")]
    assert re.search(r"agent accepted|accepted", log), root
    return root


# initramfs-tools' is unlocked with LVM on LUKS (test_boot_image_lvm.py), and
# from its shell (test_boot_emergency.py).
@pytest.mark.parametrize("kind", [k for k in bootimg.KINDS
                                  if k.startswith("dracut")])
def test_an_image_of_each_kind_boots_and_is_unlocked(kind, disk, tmp_path):
    image = bootimg.build(kind)
    line = LINE["initramfs" if kind.startswith("init") else "dracut"]
    with Guest(image, disk, line) as guest:
        guest.wait("postern-boot: host key SHA256:")

        def listed():
            done = guest.postern(tmp_path, "status", "--connect-timeout",
                                 "5s")
            return bootimg.UUID in done.stdout and done
        proc.wait_for(listed, BOOT_S, "prompt")
        # Somebody is logged in meanwhile, and leaves something behind.
        session = guest.shell(
            tmp_path, "(trap '' TERM HUP; sleep 5000) & "
            "type console_peek console_auth; echo here; sleep 5000")
        guest.sessions.append(session)
        said = ""
        while "here" not in said:
            line = session.stdout.readline()
            assert line, said
            said += line
        assert said.count("/usr/bin/console_") == 2, said
        done = guest.postern(tmp_path, "unlock", "--secret",
                             f"cmd:cat {tmp_path}/pass")
        assert done.returncode == 0, f"{done}\n{guest.said[-6000:]}"
        assert '"accepted"' in done.stdout
        guest.wait("root: end")
        clean_after(guest.said)
        assert session.wait(60) != 0
        assert bootimg.PASS not in guest.said


@pytest.mark.parametrize("kind", bootimg.KINDS)
def test_without_a_network_it_is_unlocked_at_its_console(kind, disk):
    """Nothing waits for a network that nobody needs any more."""
    line = LINE["initramfs" if kind.startswith("init") else "dracut"]
    # What waits for the network gives up after 180 s, what waits for a
    # person never does.
    with Guest(bootimg.build(kind), disk, f"{line} rd.retry=3600",
               nic=False) as guest:
        guest.wait("postern-boot: host key SHA256:")
        guest.wait(PROMPT[kind])
        # What comes between the prompt and the end of the echo is dropped.
        for _ in range(BOOT_S // 10):
            guest.type(bootimg.PASS + "\n")
            if guest.comes("root: end", 10):
                break
        guest.wait("root: end")
        assert "root: is up" in guest.said
