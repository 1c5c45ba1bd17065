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
console said is in g.said(). What the administrator does: qemufleet.py.
"""

import pathlib
import secrets
import shutil
import socket

import pytest
import qemudisk
import qemuimg
from bootlib import BUILD
from qemuguest import BOOT_S, Guest     # noqa: F401
from qemufleet import UP, Fleet     # noqa: F401
from qemufleet import accepts, is_up, logged, refuses   # noqa: F401
from qemufleet import states, until     # noqa: F401

from lab import root
from lab.lab import Lab

HERE = pathlib.Path(__file__).parent
ASKED = b"Enter passphrase for /dev/"
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


class Guests(Fleet):
    """The images, made once, and the guests that were booted of them."""

    def __init__(self, folder, more=()):
        """more: other programs of the base root for the initramfs."""
        base = root.base_root()
        for name in ("me", "emergency"):
            Lab.keygen(folder / name, name)
        qemudisk.in_base(base, folder, "dropbearkey", "-t", "ed25519", "-f",
                        "/mnt/host")
        shown = qemudisk.in_base(base, folder, "dropbearkey", "-y", "-f",
                                "/mnt/host")
        super().__init__(folder, " ".join(next(
            s for s in shown.splitlines()
            if s.startswith("ssh-ed25519 ")).split()[:2]))
        (folder / "initrd").write_bytes(qemuimg.initrd(
            base, BUILD / "tools/boot/postern-boot-agent",
            (folder / "host").read_bytes(),
            'restrict,command="/usr/bin/postern-boot-agent" '
            + (folder / "me.pub").read_text()
            + (folder / "emergency.pub").read_text(),
            (HERE / "qemu_init.sh").read_bytes(), more))
        qemudisk.root_disk(base, folder, "root", UUID, PASS)
        shutil.copy(folder / "root.img", folder / "slow.img")
        qemudisk.add_key(base, folder, "root", PASS, ODD)
        qemudisk.slow_key(base, folder, "slow", PASS, SLOW)
        qemudisk.data_disk(base, folder, "data", DATA, LONG)

    def start(self, *disks, ask="cryptsetup", linked=True, append=""):
        """A guest with these disks, as it begins to boot."""
        disks = disks or ("root",)
        words = f"t.ask={ask} t.disks=" + ",".join(
            f"vd{'abc'[i]}:{UUIDS[d]}" for i, d in enumerate(disks))
        return self.add(Guest(
            self.dir, f"g{len(self.all)}-{secrets.token_hex(2)}",
            (qemuimg.vmlinuz(), self.dir / "initrd"),
            [self.dir / f"{d}.img" for d in disks], f"{words} {append}",
            linked))

    def boot(self, *disks, **kwargs):
        """Until it asks, for all that can be asked for at once."""
        g = self.start(*disks, **kwargs)
        if kwargs.get("ask", "cryptsetup") == "cryptsetup":
            g.wait(ASKED)
        n = len(disks) if kwargs.get("ask") == "systemd" else 1
        g.until(lambda: len(self.status(g).of("prompt")) >= n, "prompt")
        return g

    def nobody(self):
        """The name of a host that never answers: packets to it are lost."""
        name = f"down{len(self.down)}"
        # A port that is taken, and nobody takes what comes.
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        self.down.append((name, s))
        self.write()
        return name


def agent(guests, g, uuid=UUID):
    """A session whose agent waits for the passphrase."""
    p = guests.ssh(g, f"unlock {uuid}")
    assert p.stdout.readline() == "postern-boot 1\n"
    assert p.stdout.readline() == "state ready\n"
    return p


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
