# SPDX-License-Identifier: ISC
"""Where on the hosts is a secret? In whose memory, in which file, which log?
And which private keys are there at all?

What cannot be read is not searched: what waits in a pipe or a socket (reading
would take it away) and memfd_secret(2).
"""

import base64
import hashlib
import os
import re
import stat
import struct
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


def private_keys(hosts):
    """{key: hits} of every private key that is anywhere on the hosts, in a
    format that ssh reads. The same one has the same name wherever it is."""
    found = {}
    for host in hosts:
        for key, hits in _Keys(host).all().items():
            found.setdefault(key, []).extend(hits)
    return found


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
        found = False
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
            # A key in the first part says nothing of those behind it.
            found = self.has(tail + part) or found
            tail = part[-self.overlap:]
            start += len(part)
        return found

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


# OpenSSH's format, raw and in base64, and the text of any other one.
MAGIC = b"openssh-key-v1\0"
MAGIC_64 = base64.b64encode(MAGIC)
TEXT_64 = re.compile(re.escape(MAGIC_64) + rb"[A-Za-z0-9+/\s]{40,}")
TEXT = re.compile(rb"-----BEGIN ((?:[A-Z0-9]+ )?PRIVATE) KEY-----\s+"
                  rb"([A-Za-z0-9+/=\s]{64,})")
# So much of a key's begin tells whose it is: its public half is in it.
KEY_HEAD = 4096


def keys_in(content):
    """The names of the private keys in there: the public half, or a hash of
    what stands for it. Words that a program has for making one are none."""
    names = set()
    at = content.find(MAGIC)
    while at != -1:
        names |= _key_at(content[at:at + KEY_HEAD])
        at = content.find(MAGIC, at + 1)
    for found in TEXT_64.finditer(content):
        text = b"".join(found[0][:KEY_HEAD].split())
        names |= _key_at(base64.b64decode(text[:len(text) // 4 * 4]))
    for found in TEXT.finditer(content):
        body = b"".join(found[2].split())
        if not body.startswith(MAGIC_64):
            names.add(f"{found[1].decode()} "
                      + hashlib.sha256(body[:48]).hexdigest())
    return names


def _key_at(raw):
    """{its public half}; nothing where that is cut off, as at the end of a
    part of what is searched: the next part has it whole. Source: openssh's
    PROTOCOL.key: cipher, key derivation, its options, number, public half."""
    at, words = len(MAGIC), []
    for gap in (0, 0, 0, 4):
        at += gap
        size, = struct.unpack(">I", raw[at:at + 4].ljust(4, b"\0"))
        words.append(raw[at + 4:at + 4 + size])
        at += 4 + size
        # "none" or "aes256-ctr": else it is a word of a program.
        if at > len(raw) or not re.fullmatch(rb"[a-z0-9@.-]+", words[0]):
            return set()
    return {base64.b64encode(words[3]).decode()} - {""}


class _Keys(_Search):
    """all() is {key: hits}."""

    def __init__(self, host):
        super().__init__(host, [MAGIC, MAGIC_64, b"PRIVATE KEY-----"])
        self.overlap = KEY_HEAD
        self.keys, self.fresh = {}, set()

    def has(self, content):
        found = keys_in(content) if super().has(content) else set()
        self.fresh |= found
        return bool(found)

    def hit(self, place, detail, pid=None):
        super().hit(place, detail, pid)
        for key in self.fresh or {place}:
            self.keys.setdefault(key, []).append(self.hits[-1])
        self.fresh = set()

    def all(self):
        super().all()
        return self.keys


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
