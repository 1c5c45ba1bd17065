# SPDX-License-Identifier: ISC
"""Reading /proc and cgroups; waiting for a condition, with a deadline."""

import os
import pathlib
import stat
import time

# How often wait_for() looks again.
POLL_S = 0.02

# What sshd's process of a session is called: from OpenSSH 9.8 on sshd-session,
# and from 10.0 on sshd-auth as long as nobody is logged in.
SSHD = r"sshd(?:-session|-auth)?"


class Deadline(Exception):
    """What was waited for did not come in time."""


def wait_for(condition, deadline_s, what):
    """The first true value of condition(); Deadline after deadline_s."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Deadline(f"no {what} within {deadline_s} s")
        time.sleep(POLL_S)


def kill(pids, number=9):
    """A signal to each that is still there: one may have gone with another,
    or by itself. How many there were."""
    there = 0
    for pid in pids:
        try:
            os.kill(pid, number)
            there += 1
        except ProcessLookupError:
            pass
    return there


def read(path):
    """The bytes of a file of /proc; none where the process has gone."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except (OSError, ValueError):
        return b""


def pids_in(cgroup):
    """All processes in a cgroup and below it, by this machine's numbers."""
    found = []
    for folder, _, _ in os.walk(cgroup):
        found += [int(p) for p in read(f"{folder}/cgroup.procs").split()]
    # 0 stands for a process outside of our pid namespace.
    return sorted({p for p in found if p})


def comm(pid):
    return read(f"/proc/{pid}/comm").decode(errors="replace").strip()


def cmdline(pid):
    raw = read(f"/proc/{pid}/cmdline").rstrip(b"\0")
    return raw.replace(b"\0", b" ").decode(errors="replace")


def start_time(pid):
    """When it was started, in ticks; 0 if it is gone. Tells reused pids."""
    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    # Zombies do not count: what they held is closed and wiped.
    return int(fields[19]) if fields and fields[0] != b"Z" else 0


def inner_pids(pid):
    """Its numbers, from this machine's pid namespace to its own one."""
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"NSpid:"):
            return [int(n) for n in line.split()[1:]]
    return []


def namespace(pid, kind):
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        found += [int(p) for p in read(task / "children").split()]
    return found


def fds(pid):
    """(path of the link, its target, stat of the file) of each open fd."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = f"{folder}/{name}"
        try:
            yield path, os.readlink(path), os.stat(path)
        except OSError:
            continue


def mounts(pid):
    """(device, root, mount point, type, source) as the process sees them."""
    for line in read(f"/proc/{pid}/mountinfo").decode().splitlines():
        left, _, right = line.partition(" - ")
        a, b = left.split(), right.split()
        yield a[2], a[3], _unescape(a[4]), b[0], b[1]


def _unescape(path):
    for code, char in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n")):
        path = path.replace(code, char)
    return path


def walk(folder):
    """(path, lstat) of everything below; what vanishes meanwhile is left
    out, other mounts are not entered."""
    try:
        device = os.lstat(folder).st_dev
        stack = [folder]
    except OSError:
        return
    while stack:
        try:
            entries = list(os.scandir(stack.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                st = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            yield entry.path, st
            if stat.S_ISDIR(st.st_mode) and st.st_dev == device:
                stack.append(entry.path)
