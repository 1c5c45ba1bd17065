# SPDX-License-Identifier: ISC
"""Where on the hosts is a secret? In whose memory, in which file, which log?

What cannot be read is not searched: what waits in a pipe or a socket (reading
would take it away) and memfd_secret(2).
"""

import os
import stat
import subprocess
from dataclasses import dataclass

from . import proc

CHUNK = 4 << 20
# A file that is larger is named in a hit of its own, never passed over.
FILE_MAX = 64 << 20
SWAP_MAX = 2 << 30
# Kernel file systems, and those that repeat what is searched elsewhere.
NO_FILES = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue",
            "debugfs", "tracefs", "fusectl", "overlay", "nsfs", "pstore",
            "hugetlbfs", "configfs", "securityfs", "bpf"}


@dataclass(frozen=True)
class Hit:
    """place: cmdline, environ, memory, fd, file, journal, swap or too-large
    (a file nobody looked into). pid, by this machine's numbers, is None for
    files, the journal and swap."""
    host: str
    place: str
    detail: str
    pid: int | None = None
    comm: str = ""

    def __str__(self):
        who = f" of {self.comm} (pid {self.pid})" if self.pid else ""
        return f"{self.host}: {self.place}{who}: {self.detail}"


SHADOW = 1 << 40


def search(hosts, secret, allow_mem=()):
    """All hits of secret (bytes, or a list of them) on the hosts.

    allow_mem: in whose memory it may be: pids, or a predicate of the hit.
    """
    needles = [secret] if isinstance(secret, bytes) else list(secret)
    if not needles or min(map(len, needles)) < 8:
        raise ValueError("a secret of under 8 bytes is found anywhere")
    allowed = allow_mem if callable(allow_mem) \
        else (lambda hit: hit.pid in set(allow_mem))
    hits = []
    for host in hosts:
        hits += _Search(host, needles).all()
    hits += [Hit("this machine", "swap", area) for area in _swap(needles)]
    return [h for h in hits if not (h.place == "memory" and allowed(h))]


def report(hits):
    return "\n".join(map(str, hits))


class _Search:
    def __init__(self, host, needles):
        self.host, self.needles = host, needles
        self.overlap = max(map(len, needles)) - 1
        self.hits = []
        self.seen = set()

    def hit(self, place, detail, pid=None):
        self.hits.append(Hit(self.host.name, place, detail, pid,
                             proc.comm(pid) if pid else ""))

    def has(self, content):
        return any(n in content for n in self.needles)

    def all(self):
        roots = {}
        for pid in self.host.pids():
            for place in ("cmdline", "environ"):
                if self.has(proc.read(f"/proc/{pid}/{place}")):
                    self.hit(place, proc.comm(pid), pid)
            self.memory(pid)
            roots.setdefault(proc.namespace(pid, "mnt"), pid)
        self.tree(str(self.host.upper), "")
        for pid in roots.values():
            self.mounts(pid)
        # Last: what has a name is told by its name.
        for pid in self.host.pids():
            self.open_files(pid)
        self.journal()
        return self.hits

    def memory(self, pid):
        try:
            mem = open(f"/proc/{pid}/mem", "rb", buffering=0)
        except OSError:
            return
        with mem:
            for start, end, name in _resident(pid):
                # A sanitizer's shadow: terabytes of marks, of no byte a copy.
                if end - start >= SHADOW:
                    continue
                if self.has_range(mem, start, end):
                    self.hit("memory", f"{name} {start:x}-{end:x}", pid)

    def has_range(self, f, start, end):
        tail = b""
        while start < end:
            try:
                f.seek(start)
                part = f.read(min(CHUNK, end - start))
            except OSError:
                # A page that cannot be read, such as a device's.
                part = b""
            if not part:
                start = (start // 4096 + 1) * 4096
                tail = b""
                continue
            if self.has(tail + part):
                return True
            tail = part[-self.overlap:]
            start += len(part)
        return False

    def open_files(self, pid):
        for link, target, st in proc.fds(pid):
            # Deleted files and memfds are found here and nowhere else.
            if stat.S_ISREG(st.st_mode):
                self.file(link, st, f"{proc.comm(pid)}: {target}", pid)

    def file(self, path, st, shown, pid=None):
        if (st.st_dev, st.st_ino) in self.seen or st.st_size == 0:
            return
        self.seen.add((st.st_dev, st.st_ino))
        place = "fd" if pid else "file"
        if st.st_size > FILE_MAX:
            self.hit("too-large", shown, pid)
            return
        try:
            with open(path, "rb") as f:
                if self.has(f.read()):
                    self.hit(place, shown, pid)
        except OSError:
            pass

    def tree(self, folder, shown):
        for path, st in proc.walk(folder):
            if self.has(os.fsencode(path)):
                self.hit("file", f"the name {path[len(folder):]}")
            if stat.S_ISREG(st.st_mode):
                self.file(path, st, shown + path[len(folder):])
            elif stat.S_ISLNK(st.st_mode):
                try:
                    if self.has(os.fsencode(os.readlink(path))):
                        self.hit("file", f"link {path[len(folder):]}")
                except OSError:
                    pass

    def mounts(self, pid):
        """tmpfs, ramfs, loop devices…: also those that only a private mount
        namespace of some process has."""
        skip = {target for _, target in self.host.binds}
        for _, _, point, kind, _ in proc.mounts(pid):
            if kind not in NO_FILES and point not in skip:
                self.tree(f"/proc/{pid}/root{point}".rstrip("/"), point)

    def journal(self):
        # The files hold long fields compressed, journalctl does not.
        if self.host.alive():
            out = self.host.run(["journalctl", "--all", "-o", "export"],
                                text=False, check=False).stdout
            if self.has(out):
                self.hit("journal", "journalctl --all")


def _resident(pid):
    """(start, end, name) of mappings of which something is in memory or in
    swap and which may hold data: not those of unwritable files."""
    entry = None
    for line in proc.read(f"/proc/{pid}/smaps").decode().splitlines():
        words = line.split(None, 5)
        if "-" in words[0] and not words[0].endswith(":"):
            start, _, end = words[0].partition("-")
            name = words[5] if len(words) > 5 else "[anon]"
            file_only = name.startswith("/") and "w" not in words[1] \
                and not name.startswith(("/memfd:", "/dev/shm"))
            entry = (int(start, 16), int(end, 16), name)
            held = 0
        elif words[0] in ("Rss:", "Swap:", "Locked:"):
            held += int(words[1])
        elif words[0] == "VmFlags:" and held and not file_only \
                and entry[2] not in ("[vvar]", "[vsyscall]", "[vdso]"):
            yield entry


def _swap(needles):
    """The swap areas that hold it. Too large an area is a hit by itself: it
    was not searched."""
    found = []
    for line in proc.read("/proc/swaps").decode().splitlines()[1:]:
        area, _, size_kib, used_kib = line.split()[:4]
        if int(used_kib) == 0:
            continue
        if int(size_kib) << 10 > SWAP_MAX:
            found.append(f"{area} is too large to search: swapoff {area}")
            continue
        grep = subprocess.run(
            ["grep", "-aqF", "-f", "-", area],
            input=b"\n".join(needles), stderr=subprocess.DEVNULL)
        if grep.returncode == 0:
            found.append(area)
    return found
