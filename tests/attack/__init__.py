# SPDX-License-Identifier: ISC
"""What root on one member of a group tries: programs in Perl, which every
Debian has, put on the hosts that are the attacker's."""

import os
import pathlib
import threading

from lab import proc

HERE = pathlib.Path(__file__).parent
# Of admin's key, on a host that lies: whatever is asked, this answers.
FORCED = 'command="exec perl /root/liar.pl %s" '
AUTHORIZED = "/root/.ssh/authorized_keys"


def put(host, *programs):
    for name in programs:
        host.write(f"/root/{name}", (HERE / name).read_bytes())


def lie(host, mode):
    """From now on every ssh login to the host gets liar.pl MODE."""
    put(host, "liar.pl")
    honest(host)
    host.write(AUTHORIZED, FORCED % mode + host.read(AUTHORIZED), 0o600)


def honest(host):
    text = host.read(AUTHORIZED)
    host.write(AUTHORIZED, text[text.index("ssh-ed25519"):], 0o600)


def scan(host, *targets, timeout=60):
    """{(target, port)}: what answers, of all ports of all targets."""
    put(host, "scan.pl")
    out = host.run(["perl", "/root/scan.pl", *targets], timeout=timeout)
    return {(a, int(p)) for a, p in map(str.split, out.stdout.splitlines())}


class Watch:
    """What a run costs while it lasts: memory_kib, the peak of a process's
    own memory; disk_kib, what it has taken of a host's file systems."""

    def __init__(self, host, pid, paths=("/tmp", "/run", "/")):
        self.pid, self.memory_kib, self.disk_kib = pid, 0, 0
        self._paths = [host.path(p) for p in paths]
        self._before = list(map(self._free_kib, self._paths))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    @staticmethod
    def _free_kib(path):
        st = os.statvfs(path)
        return st.f_bavail * st.f_frsize >> 10

    def _sample(self):
        while not self._over.wait(0.02):
            for line in proc.read(f"/proc/{self.pid}/status").splitlines():
                if line.startswith(b"VmHWM:"):
                    self.memory_kib = int(line.split()[1])
            for path, before in zip(self._paths, self._before):
                self.disk_kib = max(self.disk_kib,
                                    before - self._free_kib(path))

    def stop(self):
        self._over.set()
        self._thread.join()
        assert self.memory_kib > 0, "the process was never seen"
        return self
