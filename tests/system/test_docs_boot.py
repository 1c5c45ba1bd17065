# SPDX-License-Identifier: ISC
"""docs/boot.md line by line, as it stands there. web1 is a Debian in a layer
above a root of the lab's; its last line is `reboot`, and it boots by the image
that its lines have made. desk is this machine, with a home and a /usr/local of
its own. Beside the hints of doclib.py: `answer the passphrase`, and LINE, which
stands for the line that setup printed."""

import os
import re
import shlex
import shutil
import subprocess
import threading

import pytest

import bootimg
from doclib import BUILDS, LINE_S, TREE, Machines, tutorial
from bootreal import FINGERPRINT, LINE, MEMORY_MIB, PASS
from bootreal import disks  # noqa: F401
from qemufleet import UP, is_up
from qemuguest import Guest
from remotelib import free_port
from terminal import on_terminal, shown

from lab import proc

LINES = tutorial(TREE / "docs/boot.md")
ADDRESS = "web1.example.org"
# As Debian's installer leaves it, with a key of ann's.
MACHINE, _, _ = bootimg.KINDS["initramfs-tools-dropbear"]
BEFORE = r"""
kv=$(ls /lib/modules)
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
mkdir -p -m 700 /root/.ssh /out
cp /root/boot.pub /root/.ssh/authorized_keys
n=0
line() {
    rc=0
    (cd && sh -c "$1") </dev/null >/out/$n 2>&1 || rc=$?
    echo "$rc" >/out/$n.rc
    n=$((n + 1))
}
"""
AFTER = r"""
cp "/boot/vmlinuz-$kv" /out/kernel
cp "/boot/initrd.img-$kv" /out/initrd
cp /etc/ssh/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key.pub /out
"""
# Each port of it is forwarded once somebody listens there.
CONFIG = f"""Host {ADDRESS}
	ProxyCommand busybox nc 127.0.0.1 $(cat ~/port.%p)
"""
DESK = """
mount --bind "$1" /root
mount --bind "$2" /usr/local
export HOME=/root
cd
shift 2
exec "$@"
"""
SSHD = """
mount -t tmpfs none /run
mkdir /run/sshd
exec /usr/sbin/sshd -D -f "$1"
"""


class Desk:
    """ann's; root's where the lines say so."""

    def __init__(self, folder):
        self.root = folder
        self.home = folder / "home"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        (self.home / ".ssh/config").write_text(CONFIG)

    def path(self, path):
        return self.root / path.lstrip("/")

    def popen(self, argv, env=None, **kwargs):
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
             DESK, "sh", self.home, self.root / "usr/local", *argv],
            env={**os.environ, **(env or {})},
            **kwargs)

    def run(self, command):
        with self.popen(["sh", "-c", command], stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                        text=True) as p:
            out = p.communicate(timeout=LINE_S)[0]
        return p.returncode, out


class Walk:
    """The tutorial, once, to its end; what came of each line."""

    def __init__(self, folder, disk):
        self.dir, self.disk = folder, disk
        self.desk = Desk(folder / "desk")
        self.guest = self.sshd = self.real = None
        try:
            self.walk()
        except BaseException:
            self.close()
            raise

    def walk(self):
        self.web1_lines()
        for line in LINES:
            if line.rc == -1:
                self.do(line)
            if line.rc != line.expect:
                break

    def close(self):
        if self.guest:
            self.guest.close()
        if self.real:
            # It may wait for what was not said.
            self.real.join(10)
        if self.sshd:
            self.sshd.kill()
            self.sshd.wait()

    def web1_lines(self):
        """All that come before its reboot."""
        lines = [x for x in LINES if x.host == "web1"]
        assert lines.pop().command == "reboot"
        # Installed from outside, where there is a compiler.
        typed = [x for x in lines if x.command != BUILDS]
        work = self.dir / "web1"
        work.mkdir()
        key = self.desk.home / ".ssh/id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                        "-C", "ann", "-f", key], check=True)
        for name in ("key.pub", "rescue.pub"):
            shutil.copy(f"{key}.pub", work / name)
        (work / "script").write_text(MACHINE + BEFORE + "".join(
            f"line {shlex.quote(x.command)}\n" for x in typed) + AFTER)
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "--", "sh",
             "-c", bootimg.OUTSIDE, "sh", bootimg.root(), work], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=600,
            env={**os.environ, "POSTERN_BUILD": str(bootimg.BUILD)})
        self.out = work / "out"
        for i, line in enumerate(typed):
            if (self.out / f"{i}.rc").exists():
                line.rc = int((self.out / f"{i}.rc").read_text())
                line.out = (self.out / f"{i}").read_text()
        assert done.returncode == 0, done.stdout
        for line in lines:
            if line.command == BUILDS:
                line.rc, line.out = 0, done.stdout
        self.pin = re.search(r"^ +(web1 ssh-ed25519 \S+)$",
                             self.line("boot setup").out, re.M)[1]
        shutil.rmtree(work / "up", ignore_errors=True)

    def do(self, line):
        command = line.command.replace("'LINE'", shlex.quote(self.pin))
        if command == BUILDS:
            line.rc, line.out = Machines.install(self.desk)
        elif command == "reboot":
            line.rc, line.out = 0, self.boot()
        elif line.hint.startswith("answer "):
            line.rc, line.out = self.answer(command)
        else:
            line.rc, line.out = self.desk.run(command)

    def boot(self):
        # Its network's address is what DHCP says.
        self.guest = Guest(self.dir, "boot", (self.out / "kernel",
                           self.out / "initrd"), [self.disk], LINE["debian"],
                           memory_mib=MEMORY_MIB)
        (self.desk.home / "port.2222").write_text(f"{self.guest.port}\n")
        self.guest.wait(FINGERPRINT)
        proc.wait_for(lambda: bootimg.UUID in self.desk.run(
            "postern boot status web1 --connect-timeout 5s")[1], LINE_S,
            "prompt")
        return self.guest.said().decode(errors="replace")

    def answer(self, command):
        """As a person does; and the real system, once it is there, has an
        sshd with its own host key."""
        self.real = threading.Thread(target=self.be_real, daemon=True)
        self.real.start()
        typed = []

        def react(out):
            if b"Passphrase of " in out and not typed:
                typed.append(True)
                return PASS.encode() + b"\n"
            return None
        rc, out = on_terminal(self.desk, ["-c", command], react,
                              command=("sh",))
        return rc, "\n".join(shown(out))

    def be_real(self):
        try:
            self.guest.until(lambda: UP in self.guest.said(), "real root",
                             LINE_S)
        except (proc.Deadline, RuntimeError, OSError):
            return
        key, port = self.out / "ssh_host_ed25519_key", free_port()
        key.chmod(0o600)
        known = self.desk.home / ".ssh/known_hosts"
        known.write_text(f"{ADDRESS} " + key.with_suffix(".pub").read_text())
        conf = self.dir / "sshd_config"
        conf.write_text(f"ListenAddress 127.0.0.1:{port}\nHostKey {key}\n"
                        "PidFile none\nUsePAM no\n")
        self.sshd = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
             SSHD, "sh", conf], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        (self.desk.home / "port.22").write_text(f"{port}\n")

    @staticmethod
    def line(words):
        return next(x for x in LINES if words in x.command)


@pytest.fixture(scope="module")
def walk(tmp_path_factory, disks):      # noqa: F811
    made = Walk(tmp_path_factory.mktemp("docs"), disks["plain"])
    yield made
    made.close()


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_line_of_the_tutorial_does_what_it_says(walk, line):
    assert line.rc == line.expect, f"{line.command}\n{line.out}"


def test_the_console_shows_the_fingerprint_of_the_line_on_desk(walk):
    shows = re.search(r"postern-boot: host key (SHA256:\S+)",
                      walk.line("reboot").out)[1]
    assert shows in walk.line("ssh-keygen -lf").out


def test_status_and_unlock_say_what_the_tutorial_says(walk):
    assert bootimg.UUID in walk.line("boot status").out
    said = walk.line("boot unlock --wait").out
    for word in ("testing", "booting", "up"):
        assert re.search(rf"^web1\s+{word}\b", said, re.M), said
    assert PASS not in said
    said = walk.line("unlock --all").out
    assert re.search(r"^web1:?\s+up\b", said, re.M), said


def test_the_real_system_has_nothing_of_the_initramfs(walk):
    is_up(walk.guest)
