# SPDX-License-Identifier: ISC
"""The encrypted disks that guests boot, of their own root: a shell on the
console (qemu_root.sh). Neither device mapper nor another machine is needed to
make them, as a disk is encrypted in place.
"""

import pathlib
import shutil

from qemuimg import busybox, run

HERE = pathlib.Path(__file__).parent
# A volume group's name as Debian's installer makes it.
GROUP = "vault-vg"
VOLUME = "/dev/mapper/vault--vg-root"

IN_BASE = """
mount --bind "$1" "$2/mnt"
mount --rbind /dev "$2/dev"
mount -t proc proc "$2/proc"
mount -t tmpfs none "$2/run"
mount -t tmpfs none "$2/tmp"
root=$2
shift 2
# cryptsetup keeps a file of the disk's UUID in the folder where it is.
exec chroot "$root" sh -ec 'cd /mnt; exec "$@"' sh "$@"
"""


def in_base(base, folder, *argv):
    """A program of the base root, which has folder at /mnt and keeps nothing
    of it."""
    return run("unshare", "--mount", "--propagation", "private", "sh", "-ec",
               IN_BASE, "sh", str(folder), str(base), *argv)


KDF = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations")
MIB = 1 << 20
ROOT_MIB = 8
# What the header takes of a disk that is encrypted in place.
HEADER_MIB = 16


def root_tree(tree):
    """The real root: busybox, and what a test looks at things with."""
    def put(path, data):
        to = tree / path.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(data)
        to.chmod(0o755)

    def link(path, target):
        (tree / path.lstrip("/")).symlink_to(target)

    for one in ("proc", "sys", "dev", "run", "tmp", "bin", "sbin"):
        (tree / one).mkdir(parents=True)
    busybox(put, link)
    put("/sbin/init", (HERE / "qemu_root.sh").read_bytes())
    # systemd changes over to nothing else.
    put("/etc/os-release", b"ID=test\n")
    run("gcc", "-O2", "-static", "-o", str(tree / "bin/forget_keys"),
        str(HERE / "forget_keys.c"))


def root_disk(base, folder, name, uuid, passphrase, group=None):
    """folder/name.img: a LUKS2 disk with the file system of a real root; or
    (group) with a volume group that has it, by lvm of that base."""
    tree = folder / f"{name}.tree"
    root_tree(tree)
    image = folder / f"{name}.img"
    before = 1 if group else 0
    _length(image, ROOT_MIB + 2 * before)
    if group:
        _volume(base, folder, name, group)
    run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-O", "^has_journal",
        "-E", f"offset={before * MIB}", "-d", str(tree), str(image),
        f"{ROOT_MIB}M")
    shutil.rmtree(tree)
    _length(image, ROOT_MIB + 2 * before + HEADER_MIB)
    _key(folder, passphrase)
    in_base(base, folder, "cryptsetup", "reencrypt", "--encrypt", "--type",
            "luks2", *KDF, "1000", "--reduce-device-size", f"{HEADER_MIB}M",
            "--uuid", uuid, "--key-file", "/mnt/key", "--batch-mode",
            f"/mnt/{name}.img")
    return image


# lvm takes no file for a disk; the device goes with who has it open last, and
# others of this machine's are not lvm's business. Without a device mapper it
# writes what it would have it do.
LVM = r"""
loop=$(losetup --find --show "$1")
exec 3<"$loop"
losetup --detach "$loop"
config="devices { use_devicesfile = 0 obtain_device_list_from_udev = 0
    filter = [ \"a|^$loop\$|\", \"r|.*|\" ] }
    backup { backup = 0 archive = 0 } activation { udev_sync = 0 }"
lvm() {
    command lvm "$@" --driverloaded n --config "$config"
}
lvm pvcreate -y "$loop"
lvm vgcreate -y -s 1m "$2" "$loop"
lvm lvcreate -y -an -Zn -Wn -l 100%FREE -n root "$2"
lvm pvs -o pe_start --noheadings --units b --nosuffix "$loop" 2>/dev/null
"""


def _volume(base, folder, name, group):
    """A volume "root" that begins one MiB after the disk does."""
    said = in_base(base, folder, "sh", "-ec", LVM, "sh", f"/mnt/{name}.img",
                   group)
    assert said.split()[-1] == str(MIB), said


def data_disk(base, folder, name, uuid, passphrase):
    """folder/name.img: a LUKS2 disk with nothing on it."""
    image = folder / f"{name}.img"
    _length(image, 20)
    _key(folder, passphrase)
    in_base(base, folder, "cryptsetup", "luksFormat", "--type", "luks2", *KDF,
            "1000", "--uuid", uuid, "--key-file", "/mnt/key", "--batch-mode",
            f"/mnt/{name}.img")
    return image


def add_key(base, folder, name, passphrase, new, iterations=1000):
    """Another passphrase for a disk."""
    _key(folder, passphrase)
    _key(folder, new, "new")
    in_base(base, folder, "cryptsetup", "luksAddKey", *KDF, str(iterations),
            "--key-file", "/mnt/key", "--batch-mode", f"/mnt/{name}.img",
            "/mnt/new")


def slow_key(base, folder, name, passphrase, iterations):
    """The disk's first passphrase, such that a test of it takes its time."""
    _key(folder, passphrase)
    in_base(base, folder, "cryptsetup", "luksChangeKey", *KDF,
            str(iterations), "--key-slot", "0", "--key-file", "/mnt/key",
            "--batch-mode", f"/mnt/{name}.img", "/mnt/key")


def _key(folder, passphrase, name="key"):
    path = folder / name
    path.write_text(passphrase)
    path.chmod(0o600)


def _length(path, mib):
    with open(path, "ab") as f:
        f.truncate(mib * MIB)
