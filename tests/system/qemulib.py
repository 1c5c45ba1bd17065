# SPDX-License-Identifier: ISC
"""Real boots: virtual machines without KVM that wait in a small initramfs for
the passphrases of their disks, an sshd with the agent in it, and postern boot
on this machine, over 127.0.0.1.

    from qemulib import guests                      # the fixture

    def test_something(guests):
        g = guests.boot()                           # until it asks
        done = guests.unlock(PASS, g)
        assert done.word == "accepted"
        g.wait(UP)                                  # the real system's word

The kernel is Debian's, and dropbear, cryptsetup, askpass and
systemd-cryptsetup; the initramfs' script is our own (qemu_init.sh). What the
console said is in g.said().
"""

import json
import pathlib
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile

import pytest
import qemuimg
from bootlib import BUILD, Done
from qemuguest import BOOT_S, Guest

from lab import proc, root
from lab.lab import Lab

HERE = pathlib.Path(__file__).parent
POSTERN = BUILD / "postern"
ASKED = b"Enter passphrase for /dev/"
UP = b"root is up"

OURS = ("postern", "dropbear", "cryptsetup", "askpass", "plymouth",
        "sleep")
NO_KEY = b"No key available with this passphrase"

PASS = "correct horse battery staple"
# Every printable byte, UTF-8 of two to four bytes, blanks at both ends.
ODD = " " + "".join(map(chr, range(0x21, 0x7f))) + " äß€𝄞 "
LONG = "y" * 512
UUID = "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be101"
DATA = "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be102"
UUIDS = {"root": UUID, "slow": UUID, "data": DATA}
# The one of "slow": a test of it lasts for seconds.
SLOW = 150000


class Guests:
    """The images, made once, and the guests that were booted of them."""

    def __init__(self, folder, more=()):
        """more: other programs of the base root for the initramfs."""
        self.dir = folder
        self.all = []
        self.down = []
        base = root.base_root()
        for name in ("me", "emergency"):
            Lab.keygen(folder / name, name)
        qemuimg.in_base(base, folder, "dropbearkey", "-t", "ed25519", "-f",
                        "/mnt/host")
        shown = qemuimg.in_base(base, folder, "dropbearkey", "-y", "-f",
                                "/mnt/host")
        self.host_key = " ".join(next(
            s for s in shown.splitlines()
            if s.startswith("ssh-ed25519 ")).split()[:2])
        (folder / "initrd").write_bytes(qemuimg.initrd(
            base, BUILD / "tools/boot/postern-boot-agent",
            (folder / "host").read_bytes(),
            'restrict,command="/usr/bin/postern-boot-agent" '
            + (folder / "me.pub").read_text()
            + (folder / "emergency.pub").read_text(),
            (HERE / "qemu_init.sh").read_bytes(), more))
        init = (HERE / "qemu_root.sh").read_text()
        qemuimg.root_disk(base, folder, "root", UUID, PASS, init)
        shutil.copy(folder / "root.img", folder / "slow.img")
        qemuimg.add_key(base, folder, "root", PASS, ODD)
        qemuimg.slow_key(base, folder, "slow", PASS, SLOW)
        qemuimg.data_disk(base, folder, "data", DATA, LONG)

    def start(self, *disks, ask="cryptsetup", linked=True, append=""):
        """A guest with these disks, as it begins to boot."""
        disks = disks or ("root",)
        words = f"t.ask={ask} t.disks=" + ",".join(
            f"vd{'abc'[i]}:{UUIDS[d]}" for i, d in enumerate(disks))
        g = Guest(self.dir, f"g{len(self.all)}-{secrets.token_hex(2)}", disks,
                  f"{words} {append}", linked)
        self.all.append(g)
        self._write()
        return g

    def boot(self, *disks, **kwargs):
        """Until it asks, for all that can be asked for at once."""
        g = self.start(*disks, **kwargs)
        if kwargs.get("ask", "cryptsetup") == "cryptsetup":
            g.wait(ASKED)
        n = len(disks) if kwargs.get("ask") == "systemd" else 1
        proc.wait_for(lambda: len(self.status(g).of("prompt")) >= n, BOOT_S,
                      f"prompt of {g.name}")
        return g

    def nobody(self):
        """The name of a host that never answers: packets to it are lost."""
        name = f"down{len(self.down)}"
        # A port that is taken, and nobody takes what comes.
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        self.down.append((name, s))
        self._write()
        return name

    def _write(self):
        ports = [(g.name, g.port) for g in self.all]
        ports += [(n, s.getsockname()[1]) for n, s in self.down]
        for key, file in (("me", "ssh_config"),
                          ("emergency", "emergency_config")):
            (self.dir / file).write_text("".join(
                f"Host {name}\n\tHostName 127.0.0.1\n\tPort {port}\n"
                for name, port in ports) + "Host *\n\tUser root\n"
                f"\tIdentityFile {self.dir}/{key}\n\tIdentitiesOnly yes\n"
                f"\tUserKnownHostsFile {self.dir}/known\n\tBatchMode yes\n")
        self.pin(self.host_key)

    def pin(self, key):
        (self.dir / "known").write_text("".join(
            f"{name} {key}\n" for name in
            [g.name for g in self.all] + [n for n, _ in self.down]))

    def fingerprint(self, key):
        """As ssh-keygen says it."""
        shown = subprocess.run(["ssh-keygen", "-lf", "-"], input=key,
                               text=True, check=True, capture_output=True)
        return shown.stdout.split()[1]

    # What the administrator does

    def argv(self, *words):
        return [str(POSTERN), "boot", words[0], "--ssh-config",
                f"{self.dir}/ssh_config", "--known-hosts",
                f"{self.dir}/known", *words[1:]]

    def popen(self, *words, **kwargs):
        return subprocess.Popen(self.argv(*words), **{
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE, "text": True, **kwargs})

    def postern(self, *words):
        return Done(subprocess.run(
            self.argv(*words), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=3 * BOOT_S))

    def status(self, *guests):
        return self.postern("status", "--json", *(g.name for g in guests))

    def secret(self, passphrases):
        """--secret's value for one passphrase, or for one a host, or a host
        and UUID: {(g, UUID): PASS}. No argv has them."""
        store = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        if isinstance(passphrases, str):
            (store / "any").write_text(passphrases)
            return f"cmd:cat {store}/any"
        words = "{host}"
        for place, one in passphrases.items():
            if isinstance(place, tuple):
                words = "{host}.{uuid}"
                place = f"{place[0].name}.{place[1]}"
            (store / getattr(place, "name", place)).write_text(one)
        return f"cmd:cat {store}/{words}"

    def unlock(self, passphrases, *guests, options=()):
        return self.postern("unlock", "--json", "--secret",
                            self.secret(passphrases), *options,
                            *(getattr(g, "name", g) for g in guests))

    def ssh(self, guest, command, key="ssh_config", **kwargs):
        """A plain ssh: by its key to the agent, or (emergency) to a shell."""
        argv = ["ssh", "-F", f"{self.dir}/{key}", "-o",
                f"HostKeyAlias={guest.name}", guest.name, command]
        return subprocess.Popen(argv, **{
            "stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE, "text": True, **kwargs})

    def shell(self, guest, command):
        """What a command says in the initramfs, by the emergency key."""
        with self.ssh(guest, command, "emergency_config",
                      stdin=subprocess.DEVNULL) as p:
            said, errors = p.communicate(timeout=BOOT_S)
        assert p.returncode == 0, f"{shlex.quote(command)}: {errors}"
        return said

    def answer(self, guest, line):
        """At the console, by a person. cryptsetup forgets what was typed
        before it turned echo off."""
        proc.wait_for(lambda: "-echo" in self.shell(
            guest, "stty -a </dev/console").split(), BOOT_S, "question")
        guest.type(line)

    def drop(self):
        """The guests of one test."""
        for g in self.all:
            g.close()
        for _, s in self.down:
            s.close()
        self.all, self.down = [], []


# What tests say

def states(done):
    return [e["state"] for e in done.of("state")]


def accepts(done):
    assert done.rc == 0 and "accepted" in states(done), done
    return done


def refuses(done, rc, word):
    assert (done.rc, done.word) == (rc, word), done
    return done


def is_up(g):
    """The real system is there, and nothing of the initramfs' runs, listens,
    or has an address in it."""
    g.wait(UP)
    processes = g.run("ps")
    assert "ps" in processes and not any(
        word in processes for word in OURS), processes
    assert "LISTEN" not in g.run("netstat -ltn")
    assert "inet" not in g.run("ip addr show dev eth0")


def logged(g, guests=None):
    """The agent's log, as the real system has it, or (guests) by the emergency
    key."""
    command = "cat /run/postern-boot/log"
    said = guests.shell(g, command) if guests else g.run(command)
    return [line.split()[1:3] for line in said.splitlines()]


def agent(guests, g, uuid=UUID):
    """A session whose agent waits for the passphrase."""
    p = guests.ssh(g, f"unlock {uuid}")
    assert p.stdout.readline() == "postern-boot 1\n"
    assert p.stdout.readline() == "state ready\n"
    return p


def until(p, state):
    """Reads what postern says until it says that."""
    for line in p.stdout:
        if json.loads(line).get("state") == state:
            return
    raise AssertionError(f"never {state}: {p.stderr.read()}")


@pytest.fixture(scope="module")
def _guests(tmp_path_factory):
    made = Guests(tmp_path_factory.mktemp("qemu"))
    yield made
    made.drop()
    shutil.rmtree(made.dir, ignore_errors=True)


@pytest.fixture
def guests(_guests):
    yield _guests
    _guests.drop()
