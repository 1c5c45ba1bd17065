# SPDX-License-Identifier: ISC
"""LVM on LUKS, as Debian's installer sets it up, and an initramfs that is made
by what `postern boot setup` says to run: booted with the kernel line and known
by the line that setup printed, and unlocked from outside. The passphrase is
nowhere but where it has to be, neither here nor there."""

import os
import secrets
import shutil
import subprocess
import time

import pytest

import bootimg
import qemudisk
from bootlib import Done
from qemufleet import PATIENT, UP, Fleet, accepts, is_up, logged
from qemuguest import Guest

from lab import proc

KIND = "initramfs-tools-dropbear"
LINE = f"root={qemudisk.VOLUME} rootfstype=ext4 rw"
# No other one that a test on this machine has in the words of a process.
PASS = f"correct horse {secrets.token_hex(8)}"
MEMORY_MIB = 768
FINGERPRINT = b"postern-boot: host key SHA256:"
# Somebody is logged in meanwhile, leaves something behind, and looks at who
# says what to whom.
SESSION = ("(trap '' TERM HUP; sleep 5000) & type console_peek console_auth; "
           "echo here; while :; do cat /proc/[0-9]*/cmdline "
           "/proc/[0-9]*/environ 2>/dev/null; echo; sleep 1; done")


@pytest.fixture
def disk(tmp_path_factory):
    top = tmp_path_factory.mktemp("disk")
    yield qemudisk.root_disk(bootimg.root(), top, "root", bootimg.UUID, PASS,
                             qemudisk.GROUP)
    shutil.rmtree(top)


class Machine(Fleet):
    """The guest of an image, by the name that setup was told, and known by the
    line that it printed."""

    def __init__(self, folder, kind):
        self.image = bootimg.build(kind)
        for name, key in (("me", self.image.key),
                          ("emergency", self.image.rescue)):
            shutil.copy(key, folder / name)
        super().__init__(folder, self.image.pinned)

    def pin(self, key):
        (self.dir / "known").write_text(key)

    def start(self, disk, line, **kwargs):
        return self.add(Guest(
            self.dir, bootimg.NAME, (self.image.kernel, self.image.initrd),
            [disk], line, memory_mib=MEMORY_MIB, **kwargs))


@pytest.fixture
def machine(tmp_path):
    made = []

    def make(kind):
        made.append(Machine(tmp_path, kind))
        return made[-1]
    yield make
    for one in made:
        one.drop()


def unlocked(m, g):
    """What unlock said; no process of this machine has the passphrase in its
    words or its environment meanwhile, and no file afterwards."""
    secret = PASS.encode()
    source = m.secret(PASS)
    p = m.popen("unlock", "--json", *PATIENT, "--secret", source, g.name)
    with p:
        while p.poll() is None:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for name in ("cmdline", "environ"):
                    assert secret not in proc.read(f"/proc/{pid}/{name}")
            time.sleep(proc.POLL_S)
        done = Done(subprocess.CompletedProcess(
            [], p.returncode, p.stdout.read(), p.stderr.read()))
    store = source.split()[-1]
    assert PASS not in done.out + done.err
    for path in m.dir.rglob("*"):
        if path.is_file() and str(path) != store:
            assert secret not in path.read_bytes(), path
    return done


def test_a_root_on_lvm_is_unlocked_and_the_passphrase_is_nowhere(
        disk, machine):
    m = machine(KIND)
    assert m.image.log.endswith("nothing is wrong\n")
    # What nobody has any more is wiped: what is found is held by somebody.
    g = m.start(disk, f"{LINE} {m.image.words} init_on_free=1")
    g.wait(FINGERPRINT)
    prompt, = m.prompts(g)
    assert prompt["uuid"] == bootimg.UUID
    assert m.fingerprint(m.host_key).encode() in g.said()
    seen = m.dir / "seen"
    with open(seen, "wb") as f:
        session = m.ssh(g, SESSION, "emergency_config", stdout=f, stderr=f,
                        stdin=subprocess.DEVNULL)
    with session:
        g.until(lambda: b"here\n" in seen.read_bytes(), "session")
        assert seen.read_bytes().count(b"/usr/bin/console_") == 2
        accepts(unlocked(m, g))
        is_up(g)
        assert session.wait(60) != 0
    assert logged(g)[-1] == ["agent", "accepted"]
    nowhere(g, seen.read_bytes())


def nowhere(g, seen):
    """The passphrase: neither in what processes were called with, nor in the
    memory of the booted machine: its processes, /run, the journal, the
    kernel's log. Its disk has it not, as nothing was written there."""
    secret = PASS.encode()
    assert b"cryptsetup" in seen and secret not in seen
    # Where systemd asks it keeps it there, for two minutes and a half.
    assert g.run("forget_keys && echo forgotten").strip() == "forgotten"
    g.until(lambda: g.holds(secret) == 0, "memory without the passphrase", 60)
    # What is there is found.
    assert g.holds(UP) > 0
    assert secret not in g.said()
