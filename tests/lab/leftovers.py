# SPDX-License-Identifier: ISC
"""What is on a host now that was not there before?

Processes, listening sockets, mounts, files, fifos that someone holds open,
cgroups: all read from /proc and the file system, in every namespace that a
process of the host lives in.
"""

import re
import stat

from . import proc

FOLDERS = ("/run", "/tmp", "/var", "/etc", "/root", "/dev")

# What systemd, sshd and the journal change by themselves while they live.
IGNORE = (
    r"/(run|var)/log/journal/",
    r"/run/systemd/(units|journal|netif)(/|$)", r"/run/systemd/transient$",
    r"/run/utmp$", r"/var/log/(wtmp|btmp|lastlog)$",
    r"/var/lib/systemd/(timers|linger|random-seed)", r"/dev/pts/",
)

LISTEN = {"tcp": b"0A", "tcp6": b"0A", "udp": b"07", "udp6": b"07"}


class Left(AssertionError):
    """Something is left; the message names all of it."""


class Snapshot:
    """Sets of plain tuples, one of each kind; compare with difference()."""

    def __init__(self, host, ignore=()):
        self.host = host.name
        self._skip = re.compile("|".join([*IGNORE, *ignore])).match
        self.files, self.fifos = {}, {}
        pids = host.pids()
        self.processes = {(p, proc.start_time(p)): proc.cmdline(p)
                          or f"[{proc.comm(p)}]"
                          for p in pids if proc.start_time(p)}
        self.sockets = self._each(pids, "net", self._sockets)
        self.mounts = self._each(pids, "mnt", self._mounts)
        self.cgroups = self._cgroups(host)
        self._walk(host)
        self.open_fifos = self._open_fifos(pids)

    @staticmethod
    def _each(pids, kind, look):
        one_of_each = {proc.namespace(p, kind): p for p in reversed(pids)}
        return {item for ns, p in one_of_each.items() if ns
                for item in look(p)}

    @staticmethod
    def _sockets(pid):
        for kind, state in LISTEN.items():
            for line in proc.read(f"/proc/{pid}/net/{kind}").splitlines()[1:]:
                words = line.split()
                if words[3] == state:
                    address, _, port = words[1].decode().rpartition(":")
                    yield kind, f"port {int(port, 16)} of {address}"
        for line in proc.read(f"/proc/{pid}/net/unix").splitlines()[1:]:
            words = line.split()
            # __SO_ACCEPTCON: it listens.
            if int(words[3], 16) & 0x10000 and len(words) > 7:
                yield "unix", words[7].decode(errors="replace")

    @staticmethod
    def _mounts(pid):
        # A service's own view of the host's mounts repeats them.
        return {(point, kind) for _, _, point, kind, _ in proc.mounts(pid)}

    @staticmethod
    def _cgroups(host):
        # systemd keeps the slice of foo@.service for ever; what runs in it
        # has cgroups of its own.
        return {path[len(str(host.cgroup)):]
                for path, st in proc.walk(str(host.cgroup))
                if stat.S_ISDIR(st.st_mode) and not path.endswith(".slice")}

    def _walk(self, host):
        root = str(host.path("/")).rstrip("/")
        # /run and others are mounts of their own, and have mounts in them.
        points = {p for _, _, p, kind, _ in proc.mounts(host.init_pid)
                  if (p + "/").startswith(tuple(f + "/" for f in FOLDERS))}
        for folder in sorted(points | set(FOLDERS)):
            for path, st in proc.walk(root + folder):
                name = path[len(root):]
                if self._skip(name):
                    continue
                if stat.S_ISFIFO(st.st_mode):
                    self.fifos[st.st_dev, st.st_ino] = name
                # A folder changes whenever something in it comes and goes.
                folder_like = stat.S_ISDIR(st.st_mode)
                self.files[name] = (
                    st.st_mode, st.st_uid, st.st_gid,
                    None if folder_like else (st.st_size, st.st_mtime_ns))

    def _open_fifos(self, pids):
        return {(self.fifos[st.st_dev, st.st_ino], p, proc.comm(p))
                for p in pids for _, _, st in proc.fds(p)
                if (st.st_dev, st.st_ino) in self.fifos}

    def difference(self, before):
        """Lines for a person: what self has that before had not, and which
        files are gone or changed."""
        lines = [f"process {pid} runs: {self.processes[pid, start]}"
                 for pid, start in self.processes.keys()
                 - before.processes.keys()]
        lines += [f"{kind} {where} listens"
                  for kind, where in self.sockets - before.sockets]
        lines += [f"{point} is mounted ({kind})"
                  for point, kind in self.mounts - before.mounts]
        lines += [f"{point} is no longer mounted ({kind})"
                  for point, kind in before.mounts - self.mounts]
        lines += [f"cgroup {path}" for path in self.cgroups - before.cgroups]
        lines += [f"fifo {path} is held open by {comm} (pid {pid})"
                  for path, pid, comm in self.open_fifos - before.open_fifos]
        lines += [f"file {f} is new" for f in self.files.keys()
                  - before.files.keys()]
        lines += [f"file {f} is gone" for f in before.files.keys()
                  - self.files.keys()]
        lines += [f"file {f} has changed" for f in self.files.keys()
                  & before.files.keys() if self.files[f] != before.files[f]]
        return [f"{self.host}: {line}" for line in sorted(lines)]


class Leftovers:
    """The state of some hosts now; settle() later compares with it.

    ignore: regular expressions, matched from the beginning, of paths that
    may change, such as a database that the test itself writes.
    """

    def __init__(self, hosts, ignore=()):
        self.hosts, self.ignore = list(hosts), ignore
        self.failed = False
        # By name: what is compared is the host, whoever holds its object.
        self.before = {h.name: Snapshot(h, ignore) for h in self.hosts}

    def now(self):
        """Lines that name what is left at this moment; none when clean."""
        return [line for h in self.hosts for line in
                Snapshot(h, self.ignore).difference(self.before[h.name])]

    def settle(self, deadline_s=5):
        """Return when nothing is left; Left with the list after the deadline.
        """
        lines = []

        def clean():
            lines[:] = self.now()
            return not lines

        try:
            proc.wait_for(clean, deadline_s, "clean host")
            self.failed = False
        except proc.Deadline:
            self.failed = True
            raise Left(f"left after {deadline_s} s:\n"
                       + "\n".join(lines)) from None
