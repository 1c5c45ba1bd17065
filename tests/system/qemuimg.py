# SPDX-License-Identifier: ISC
"""What the guests of qemulib.py boot: Debian's kernel and a small initramfs
that asks for passphrases as dracut's and Debian's do. Their disks:
qemudisk.py.
"""

import fcntl
import lzma
import os
import pathlib
import re
import shutil
import stat
import subprocess

from lab import root

META = "linux-image-cloud-amd64"
# What the guests need of it; what these need is found in the files.
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4", "crc32c_generic",
           "dm_crypt", "ecb", "xts", "aesni_intel", "algif_skcipher",
           "sha256_generic")
# Of the lab's base root; each with its libraries.
PROGRAMS = ("/usr/sbin/cryptsetup", "/usr/sbin/dropbear", "/usr/bin/flock",
            "/lib/cryptsetup/askpass", "/lib/systemd/systemd-cryptsetup")
BUSYBOX = "/usr/bin/busybox"


class ImageError(Exception):
    """An image could not be made; the message says why."""


def run(*argv, **kwargs):
    done = subprocess.run(argv, **{
        "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT, **kwargs})
    if done.returncode != 0:
        raise ImageError(f"{argv[0]}: {done.stdout.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


# The kernel

def unpacked(name, packages):
    """The folder of these packages (a function lists them), unpacked; fetched
    once, and kept where the lab keeps its root."""
    cache = root.cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{name}-{root.machine_suite()}"
    with open(f"{folder}.lock", "w") as lock:
        # Two runs at once: the second waits for the first one's.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(folder, packages)
    return folder


def kernel():
    """Debian's."""
    return unpacked("kernel", lambda: [_package()])


def plymouth():
    """Debian's, and of what it needs what the base root has not."""
    return unpacked("plymouth", lambda: [
        "plymouth", "libplymouth5", "libpng16-16", "libdrm2"])


def _package():
    """The package with the files; META only names it."""
    shown = run("apt-cache", "show", "--no-all-versions", META)
    return re.search(r"^Depends: (linux-image-\S+)", shown, re.M)[1]


def _fetch(folder, packages):
    half = pathlib.Path(f"{folder}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    try:
        _download(half, packages())
    except (ImageError, TypeError):
        # No lists yet, or old ones.
        run("apt-get", "update", "-qq")
        _download(half, packages())
    for deb in half.glob("*.deb"):
        run("dpkg-deb", "-x", str(deb), str(half))
        deb.unlink()
    half.rename(folder)


def _download(folder, packages):
    # Not as apt's own user, which may not write there.
    run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
        *packages, cwd=folder)


def vmlinuz():
    return next(kernel().glob("boot/vmlinuz-*"))


def _module_name(path):
    return path.name.split(".ko")[0].replace("-", "_")


def _module_read(path):
    raw = path.read_bytes()
    return lzma.decompress(raw) if path.suffix == ".xz" else raw


def modules(wanted=MODULES):
    """(name, bytes) in the order in which they can be loaded."""
    folder = next(p for p in (kernel() / "usr/lib/modules",
                              kernel() / "lib/modules") if p.is_dir())
    files = {_module_name(p): p for p in folder.glob("*/kernel/**/*.ko*")}
    builtin = "\n".join(p.read_text() for p in
                        folder.glob("*/modules.builtin"))
    builtin = {_module_name(pathlib.Path(s)) for s in builtin.split()}
    order = {}

    def add(name):
        if name in order or name in builtin:
            return
        if name not in files:
            raise ImageError(f"the kernel has no module {name}")
        raw = _module_read(files[name])
        needs = re.search(rb"\0depends=([^\0]*)\0", raw)[1].decode()
        for other in filter(None, needs.split(",")):
            add(other.replace("-", "_"))
        order[name] = raw

    for name in wanted:
        add(name)
    return list(order.items())


# Archives. Source: the kernel's driver-api/early-userspace/buffer-format.

class Cpio:
    def __init__(self):
        self.parts, self.names = [], set()

    def _add(self, name, mode, data=b"", rdev=(0, 0)):
        name = name.strip("/")
        if name in self.names:
            return
        self.names.add(name)
        raw = name.encode() + b"\0"
        head = "070701" + "".join(f"{n:08x}" for n in (
            len(self.names), mode, 0, 0, 1, 0, len(data), 0, 0, *rdev,
            len(raw), 0))
        for part in (head.encode() + raw, data):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def folder(self, name, mode=0o755):
        name = name.strip("/")
        if "/" in name:
            self.folder(os.path.dirname(name))
        self._add(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self.folder(os.path.dirname(name.strip("/")) or "/")
        self._add(name, stat.S_IFREG | mode,
                  data.encode() if isinstance(data, str) else data)

    def link(self, name, target):
        self.folder(os.path.dirname(name.strip("/")))
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def node(self, name, major, minor):
        self.folder(os.path.dirname(name.strip("/")))
        self._add(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def bytes(self):
        self._add("TRAILER!!!", 0)
        return b"".join(self.parts)


def _libraries(listed):
    return re.findall(r"(/\S+) \(0x", listed)


def program(put, base, path):
    """A program of the base root and its libraries, by put(path, bytes)."""
    base = pathlib.Path(base)
    raw = (base / path.lstrip("/")).read_bytes()
    needs = _libraries(run("chroot", str(base), "ldd", path)) \
        if raw.startswith(b"\x7fELF") else []
    for one in [path, *needs]:
        # Links of the base root's are its own, not this machine's.
        real = run("chroot", str(base), "readlink", "-f", one).strip()
        put(one, (base / real.lstrip("/")).read_bytes())


def busybox(put, link):
    """This machine's: the lab's base root has none."""
    put("/bin/busybox", pathlib.Path(BUSYBOX).read_bytes())
    for one in _libraries(run("ldd", BUSYBOX)):
        put(one, pathlib.Path(one).read_bytes())
    for name in run(BUSYBOX, "--list").split():
        if name != "busybox":
            link(f"/bin/{name}", "busybox")


def _put_plymouth(c):
    """All that it may load; of its themes the one that needs no pictures."""
    folder = plymouth()
    for path in sorted(folder.rglob("*")):
        name = "/" + str(path.relative_to(folder))
        if "/share/" in name and "themes/details" not in name and \
                not name.endswith("plymouthd.defaults"):
            continue
        if path.is_symlink():
            c.link(name, os.readlink(path))
        elif path.is_file():
            c.file(name, path.read_bytes(), path.stat().st_mode & 0o777)


def initrd(base, agent, host_key, keys, init, more=()):
    """The initramfs: bytes. agent: the program's path; keys: the lines of
    authorized_keys; more: other programs of the base root."""
    c = Cpio()
    for name in ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/dev", "/proc",
                 "/sys", "/run", "/sysroot", "/lib/cryptsetup"):
        c.folder(name)
    c.folder("/tmp", 0o1777)
    c.folder("/root", 0o700)
    c.folder("/root/.ssh", 0o700)
    c.node("/dev/console", 5, 1)
    for path in (*PROGRAMS, *more):
        program(lambda name, data: c.file(name, data, 0o755), base, path)
    busybox(lambda name, data: c.file(name, data, 0o755), c.link)
    _put_plymouth(c)
    c.file("/usr/bin/postern-boot-agent", agent.read_bytes(), 0o755)
    # Static, but of a sanitized build.
    for one in _libraries(run("ldd", str(agent))):
        c.file(one, pathlib.Path(one).read_bytes(), 0o755)
    for name in ("console_auth", "console_peek"):
        c.link(f"/usr/bin/{name}", "postern-boot-agent")
    c.link("/sbin/cryptsetup", "/usr/sbin/cryptsetup")
    for i, (name, data) in enumerate(modules()):
        c.file(f"/modules/{i:02}-{name}.ko", data)
    c.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    c.file("/etc/group", "root:x:0:\n")
    c.file("/etc/shadow", "root:*:19000::::::\n", 0o600)
    c.file("/etc/shells", "/bin/sh\n")
    c.file("/etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    c.file("/etc/host_key", host_key, 0o600)
    c.file("/root/.ssh/authorized_keys", keys, 0o600)
    c.file("/init", init, 0o755)
    return c.bytes()
