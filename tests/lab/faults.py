# SPDX-License-Identifier: ISC
"""Faults in a program: each of its system calls killed or failed in turn, by
strace, and a disk that is full or small.

    for point in faults.points(host, argv):
        done = host.run(point.kill(argv), check=False)
        …

strace counts for each process apart. Without follow, only the program itself
is traced and hit, and what it has started lives on: the case that matters for
a kill -9. With follow, every process that comes as far is hit.
"""

import contextlib
import errno
import fcntl
import os
import re
import stat
import struct
import subprocess
from collections import Counter
from dataclasses import dataclass

# A sanitized program can't look for leaks while it is traced.
NO_LEAKS = ["-E", "ASAN_OPTIONS=detect_leaks=0"]
CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\(", re.M)
# exit does not return; execve once: strace itself has started the program.
NO_ERROR = {"exit", "exit_group", "rt_sigreturn"}

LOOP_CTL_GET_FREE = 0x4C82
LOOP_CONFIGURE = 0x4C0A
LO_FLAGS_AUTOCLEAR = 4
# struct loop_config: fd, block size, struct loop_info64 of which only
# lo_flags is set, reserved. Source: linux/loop.h.
LOOP_CONFIG = struct.Struct("II 52x I 176x 64x")
LOOP_MAJOR = 7


@dataclass(frozen=True)
class Point:
    """The nth call of a system call in a run."""
    syscall: str
    nth: int
    follow: bool = False

    def __str__(self):
        return f"{self.syscall} {self.nth}"

    def kill(self, argv):
        """argv, killed when it enters the call."""
        return self._inject(argv, "signal=KILL")

    def fail(self, argv, error="ENOSPC"):
        """argv, with this call failing by error and without effect."""
        return self._inject(argv, f"error={error}")

    def _inject(self, argv, what):
        return ["strace", *NO_LEAKS, *(["-f"] if self.follow else []), "-qq",
                "-o", "/dev/null", "-e", f"trace={self.syscall}",
                "-e", f"inject={self.syscall}:{what}:when={self.nth}",
                "--", *argv]


def points(host, argv, follow=False, only=None, **kwargs):
    """The points of one undisturbed run of argv on the host; it must end
    with 0. only: a set of names of system calls. kwargs go to host.run().

    Calls that differ from run to run (polls, above all) make the list
    longer or shorter than the next run is: a point may not be reached.
    """
    trace = host.run(["mktemp", "/tmp/strace.XXXXXX"]).stdout.strip()
    try:
        host.run(["strace", *NO_LEAKS, *(["-f"] if follow else []), "-qq",
                  "-o", trace,
                  *([f"--trace={','.join(sorted(only))}"] if only else []),
                  "--", *argv], **kwargs)
        names = CALL.findall(host.read(trace))
    finally:
        host.path(trace).unlink(missing_ok=True)
    counts = Counter(n for n in names if n not in NO_ERROR)
    # strace has made the first execve by itself, and it is no fault of argv.
    return [Point(name, i, follow) for name, n in counts.items()
            for i in range(2 if name == "execve" else 1, n + 1)]


@contextlib.contextmanager
def small_disk(host, mount_point, kib, block=1024, options=(), kind="ext4"):
    """A file system (ext4, or btrfs of 128 MiB at least) of kib KiB on the
    host, on a loop device of this machine. It is unmounted in the end,
    whoever still uses it."""
    image = host.dir / f"disk-{mount_point.strip('/').replace('/', '-')}"
    with open(image, "wb") as f:
        f.truncate(kib << 10)
    make = ["mkfs.btrfs", "-q", "-f"] if kind == "btrfs" else [
        "mke2fs", "-q", "-F", "-t", "ext4", "-b", str(block), "-m", "0",
        "-O", "^has_journal"]
    subprocess.run([*make, *options, str(image)], check=True)
    host.run(["mkdir", "-p", mount_point])
    fd, number = _loop(image)
    node = host.path(f"/dev/lab-loop{number}")
    try:
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(LOOP_MAJOR, number))
        host.run(["mount", "-t", kind, f"/dev/lab-loop{number}",
                  mount_point])
        try:
            yield mount_point
        finally:
            if host.alive():
                host.run(["umount", "--lazy", mount_point])
    finally:
        if host.alive():
            node.unlink(missing_ok=True)
        # Detached as soon as nobody uses it, now or at the host's end.
        os.close(fd)
        image.unlink()


def _private_node(name, major, minor):
    """Open a block or character device without relying on /dev."""
    kind = stat.S_IFCHR if major == 10 else stat.S_IFBLK
    path = f"/run/postern-lab/.{name}.{os.getpid()}"
    os.mknod(path, kind | 0o600, os.makedev(major, minor))
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    finally:
        os.unlink(path)


def _loop(image):
    """(fd, number) of a loop device that is the image as long as the fd is
    open or it is mounted."""
    file = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    control = _private_node("loop-control", 10, 237)
    try:
        while True:
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            fd = _private_node("loop", LOOP_MAJOR, number)
            try:
                fcntl.ioctl(fd, LOOP_CONFIGURE, LOOP_CONFIG.pack(
                    file, 0, LO_FLAGS_AUTOCLEAR))
                return fd, number
            except OSError as e:
                os.close(fd)
                # Someone was faster: take the next one.
                if e.errno != errno.EBUSY:
                    raise
    finally:
        os.close(control)
        os.close(file)
