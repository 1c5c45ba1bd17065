# SPDX-License-Identifier: ISC
"""What root on one member of a group tries: programs in Perl, which every
Debian has, put on the hosts that are the attacker's."""

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


class Memory:
    """The peak of a process's own memory, in KiB, sampled while it runs."""

    def __init__(self, pid):
        self.pid, self.peak_kib = pid, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self):
        while not self._over.wait(0.02):
            for line in proc.read(f"/proc/{self.pid}/status").splitlines():
                if line.startswith(b"VmHWM:"):
                    self.peak_kib = int(line.split()[1])

    def stop(self):
        self._over.set()
        self._thread.join()
        assert self.peak_kib > 0, "the process was never seen"
        return self.peak_kib
