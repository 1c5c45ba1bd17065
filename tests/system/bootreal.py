# SPDX-License-Identifier: ISC
"""A distribution's images (bootimg.py) in guests: by the kernel line and known
by the line that setup printed, with an encrypted root.

    from bootreal import disks, machine     # the fixtures

    m = machine(kind)
    g = m.start(disks["plain"], f"{LINE['dracut']} {m.image.words}")
"""

import secrets
import shutil

import pytest

import bootimg
import qemudisk
from qemufleet import Fleet
from qemuguest import Guest

MEMORY_MIB = 768
FINGERPRINT = b"postern-boot: host key SHA256:"
# No other one that a test on this machine has in the words of a process.
PASS = f"correct horse {secrets.token_hex(8)}"

LINE = {
    "dracut": f"rd.luks.uuid={bootimg.UUID} root=LABEL=root rootfstype=ext4 "
    "rw",
    "debian": "root=/dev/mapper/root_crypt rootfstype=ext4 rw",
    # LVM on LUKS, as Debian's installer sets it up.
    "lvm": f"root={qemudisk.VOLUME} rootfstype=ext4 rw",
}
# Of a plain disk: the kernel line, and whoever asks at the console.
PROMPT = {
    "dracut-sysv-dropbear": (LINE["dracut"], "nter passphrase for /dev/"),
    "dracut-systemd-openssh": (LINE["dracut"],
                               "lease enter passphrase for disk"),
    "initramfs-tools-dropbear": (LINE["debian"],
                                 "lease unlock disk root_crypt"),
}


@pytest.fixture(scope="session")
def disks(tmp_path_factory):
    """The same root on a plain disk and on a volume."""
    top = tmp_path_factory.mktemp("disks")
    yield {name: qemudisk.root_disk(bootimg.root(), top, name, bootimg.UUID,
                                    PASS, group)
           for name, group in (("plain", None), ("lvm", qemudisk.GROUP))}
    shutil.rmtree(top)


class Machine(Fleet):
    """The guest of an image, by the name that setup was told."""

    def __init__(self, folder, image):
        self.image = image
        for name, key in (("me", image.key), ("emergency", image.rescue)):
            shutil.copy(key, folder / name)
        super().__init__(folder, image.pinned)

    def pin(self, key):
        (self.dir / "known").write_text(key)

    def start(self, disk, line, **kwargs):
        return self.add(Guest(
            self.dir, bootimg.NAME, (self.image.kernel, self.image.initrd),
            [disk], line, memory_mib=MEMORY_MIB, **kwargs))


@pytest.fixture
def machine(tmp_path):
    """One of a kind of image."""
    made = []

    def make(kind):
        made.append(Machine(tmp_path, bootimg.build(kind)))
        return made[-1]
    yield make
    for one in made:
        one.drop()
