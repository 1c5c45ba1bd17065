# SPDX-License-Identifier: ISC
"""Initramfs images as a person gets them: a Debian with postern installed,
`postern boot setup`, then the distribution's own command.

    image = bootimg.build("dracut-sysv-dropbear")
    image.kernel, image.initrd      # files
    image.key, image.rescue         # private keys: passphrases; a shell
    image.pinned, image.words       # the lines for boot.known_hosts, and for
                                    # the kernel, as setup printed them
    image.setup, image.log          # what setup said, and what it said to run

An image is made once for what is installed and kept in the cache of the lab's
roots; what older installations made goes. All of it happens in a mount
namespace of its own, on a layer above a root that stays as it is.
"""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

import qemuimg      # noqa: E402
from lab import root as labroot     # noqa: E402

BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
UUID = "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be002"
NAME = "vault"      # what setup is told that clients call the host

PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "udev", "kmod",
    "linux-image-cloud-amd64", "initramfs-tools", "cryptsetup-initramfs",
    "busybox", "cryptsetup",
    "dracut-core", "dracut-network", "isc-dhcp-client", "iputils-arping",
    "dmsetup", "lvm2", "dropbear-bin", "openssh-server", "iproute2",
    "procps", "zstd", "cpio", "libsodium23", "libinih1", "e2fsprogs",
    "dropbear-initramfs",
)
# Debian 13, as its installer leaves it: initramfs-tools and OpenSSH.
NEXT = "trixie"
NEXT_PACKAGES = (
    "systemd", "systemd-sysv", "udev", "kmod", "linux-image-cloud-amd64",
    "initramfs-tools", "cryptsetup-initramfs", "cryptsetup", "busybox",
    "lvm2", "openssh-server", "iproute2", "procps", "zstd", "cpio",
    "libsodium23", "libinih1", "e2fsprogs", "dhcpcd-base",
)

# The kind: how it is made, its sshd, and what a machine of that kind has been
# told besides. A root that has initramfs-tools is no dracut machine.
NO_DEBIAN = "rm /usr/sbin/update-initramfs /usr/sbin/mkinitramfs"
NO_THEIRS = "rm /usr/share/initramfs-tools/*/dropbear " \
    "/usr/share/initramfs-tools/scripts/*/dropbear"
CRYPTTAB = f"""
echo 'root_crypt UUID={UUID} none luks,initramfs' >/etc/crypttab
echo '/dev/mapper/root_crypt / ext4 rw 0 1' >/etc/fstab
"""
DRACUT = """cat >/etc/dracut.conf.d/test.conf <<'EOF'
hostonly=no
compress=cat
add_dracutmodules+=" crypt dm "
omit_dracutmodules+=" {omit} "
add_drivers+=" virtio_pci virtio_net virtio_blk ext4 "
EOF
"""
# What neither the disk nor the network of the test's machine needs: emulated,
# each megabyte costs time.
PLAIN = "lvm nvdimm usrmount i18n drm terminfo kernel-modules-extra qemu " \
    "kernel-modules virtiofs overlay-root qemu-net lunmask resume ifcfg"
BUILD_DRACUT = 'dracut -f "/boot/initrd.img-$kv" "$kv"'
KINDS = {
    "dracut-sysv-dropbear": (
        NO_DEBIAN + "\n" + DRACUT.format(
            omit=PLAIN + " systemd systemd-initrd dracut-systemd "
            "systemd-networkd"), "dropbear", BUILD_DRACUT),
    "dracut-systemd-openssh": (
        NO_DEBIAN + "\n" + DRACUT.format(omit=PLAIN), "openssh",
        BUILD_DRACUT),
    "initramfs-tools-dropbear": (
        NO_THEIRS + CRYPTTAB, "dropbear", 'update-initramfs -u -k "$kv"'),
}
# Another Debian's.
DEBIAN_13 = "debian-13-openssh"
KINDS[DEBIAN_13] = (CRYPTTAB, "openssh", 'update-initramfs -u -k "$kv"')
# What setup said to run: it builds the image and checks it.
PRINTED = "sed -n '/^Then, /,$s/^    //p' /out/setup >/printed && " \
    "sh -ex /printed"
# As the package of a new kernel does. dracut's own script comes with a package
# that stands against initramfs-tools.
NEW_KERNEL = """if [ ! -e /usr/sbin/update-initramfs ]; then
    cat >/etc/kernel/postinst.d/dracut <<'EOF'
{script}
EOF
    chmod 755 /etc/kernel/postinst.d/dracut
fi
rm -f "/boot/initrd.img-$kv"
run-parts --exit-on-error --arg="$kv" --arg="/boot/vmlinuz-$kv" \\
    /etc/kernel/postinst.d"""

# $1: the root below, $2: a folder of ours, $3: the script for the chroot.
OUTSIDE = r"""set -e
m=$2/m
mkdir -p "$2/up" "$2/work" "$m"
mount -t overlay -o "lowerdir=$1,upperdir=$2/up,workdir=$2/work" none "$m"
mount -t proc none "$m/proc"
mount -t sysfs -o ro none "$m/sys"
mount -t tmpfs -o mode=755 none "$m/dev"
for n in null zero full random urandom tty; do
    : >"$m/dev/$n"
    mount --bind "/dev/$n" "$m/dev/$n"
done
ln -s /proc/self/fd "$m/dev/fd"
mount -t tmpfs none "$m/run"
DESTDIR=$m meson install -C "$POSTERN_BUILD" --no-rebuild --quiet >/dev/null
cp "$2/script" "$m/script"
cp "$2/key.pub" "$m/root/boot.pub"
cp "$2/rescue.pub" "$m/root/rescue.pub"
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C.UTF-8 chroot "$m" sh -e /script
mkdir -p "$2/out"
cp -r "$m/out/." "$2/out/"
"""

INSIDE = r"""kv=$(ls /lib/modules) kernel=
mkdir -p /out
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
{machine}
postern boot setup --authorized-key /root/boot.pub --name {name} \
    --sshd {sshd} {words} >/out/setup 2>&1 || {{ cat /out/setup >&2; exit 1; }}
{{ {build}; }} >/out/log 2>&1 || {{ cat /out/log >&2; exit 1; }}
{after}
[ "$kernel" = no ] || cp "/boot/vmlinuz-$kv" /out/kernel
[ "$kernel" = no ] || cp "/boot/initrd.img-$kv" /out/initrd
"""


@dataclass
class Image:
    kernel: pathlib.Path
    initrd: pathlib.Path
    dir: pathlib.Path

    @property
    def key(self):
        return self.dir / "key"

    @property
    def rescue(self):
        return self.dir / "rescue"

    @property
    def setup(self):
        return (self.dir / "setup").read_text()

    @property
    def log(self):
        return (self.dir / "log").read_text()

    @property
    def pinned(self):
        return self._printed(rf"^    ({NAME} ssh-.*\n)")

    @property
    def words(self):
        return self._printed(r"^    (ip=\S+)$") \
            if "On the kernel line" in self.setup else ""

    def _printed(self, pattern):
        found = re.search(pattern, self.setup, re.M)
        assert found, self.setup
        return found[1]


def root(kind=None):
    if kind == DEBIAN_13:
        return labroot.base_root(NEXT_PACKAGES, NEXT)
    return labroot.base_root(PACKAGES)


def new_kernel():
    """What builds the image when a kernel is installed."""
    package = qemuimg.unpacked("dracut", lambda: ["dracut"])
    return NEW_KERNEL.format(script=(
        package / "etc/kernel/postinst.d/dracut").read_text())


def run(machine, sshd="dropbear", words="", build="true", after="", base=None):
    """A machine like that; what it left in /out, as a folder that is the
    caller's to remove. An AssertionError with what was said otherwise."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="postern-bootimg.",
                                         dir="/var/tmp"))
    try:
        for name, who in (("key", "admin"), ("rescue", "rescuer")):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-C", who, "-f", work / name], check=True)
        (work / "script").write_text(INSIDE.format(
            machine=machine, name=NAME, sshd=sshd, words=words, build=build,
            after=after))
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "--", "sh",
             "-c", OUTSIDE, "sh", base or root(), work], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=600,
            env={**os.environ, "POSTERN_BUILD": str(BUILD)})
        assert done.returncode == 0, done.stdout
        out = pathlib.Path(tempfile.mkdtemp(prefix="postern-bootimg-out.",
                                            dir="/var/tmp"))
        shutil.copytree(work / "out", out, dirs_exist_ok=True)
        for name in ("key", "key.pub", "rescue"):
            shutil.copy(work / name, out / name)
        return out
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _state(base):
    """A hash of all that an image is made of besides its kind."""
    digest = hashlib.sha256(str(base).encode())
    paths = [pathlib.Path(__file__), BUILD / "tools/boot/postern-boot",
             BUILD / "tools/boot/postern-boot-agent"]
    paths += sorted(p for p in (TREE / "packaging").rglob("*") if p.is_file())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def build(kind):
    """The image of a kind of KINDS, made and checked as setup says."""
    machine, sshd, _ = KINDS[kind]
    base = root(kind)
    words = "--emergency-key /root/rescue.pub"
    if kind == DEBIAN_13:
        words += " --ip dhcp"
    cache = labroot.cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / f"image-{kind}-{_state(base)}"
    with open(cache / f"image-{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            for old in cache.glob(f"image-{kind}-*"):
                shutil.rmtree(old)
            shutil.move(run(machine, sshd, words, PRINTED, base=base), place)
    return Image(place / "kernel", place / "initrd", place)
