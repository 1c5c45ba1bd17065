# SPDX-License-Identifier: ISC
"""A run of postern boot unlock --wait that goes on meanwhile, for a host whose
initramfs' sshd is at LATE, and its own at REAL.

    from waitlib import wait                    # the fixture

    def test_something(boot, wait):
        w = wait("-v")
        w.until("waiting")                      # a state
        done = w.done()
"""

import json
import subprocess
import tempfile

import pytest
from bootlib import DIR, PASS, POSTERN, Done
from lab import proc

LATE, REAL = 2230, 2231
REAL_KEY = "/etc/ssh/ssh_host_ed25519_key"


class Waiting:
    """A run that goes on; until() reads its events."""

    def __init__(self, boot, *words):
        self.err = tempfile.TemporaryFile("w+")
        self.p = boot.admin.popen(
            [POSTERN, "boot", "unlock", "--json", "--known-hosts",
             f"{DIR}/known", *words], stdout=subprocess.PIPE, text=True,
            stderr=self.err)
        self.out = ""

    def until(self, state, host="h41"):
        for line in self.p.stdout:
            self.out += line
            e = json.loads(line)
            if (e.get("state"), e.get("host")) == (state, host):
                return e.get("detail", "")
        raise AssertionError(f"no {state}: {self.out}{self.said()}")

    def said(self):
        self.err.seek(0)
        return self.err.read()

    def heard(self, text, times=1):
        """Until its standard error has that; whose place in it is its own."""
        def has():
            with open(f"/proc/self/fd/{self.err.fileno()}") as f:
                return f.read().count(text) >= times
        proc.wait_for(has, 30, text)

    def done(self):
        # Not communicate(): some may have been read ahead.
        self.out += self.p.stdout.read()
        return Done(subprocess.CompletedProcess(
            [], self.p.wait(60), self.out, self.said()))

    def close(self):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.err.close()


@pytest.fixture
def wait(boot):
    """wait(words): for h41, whose initramfs' sshd is to be at LATE, and its
    own at REAL."""
    runs = []

    def start(*words, time="60s", hosts=("h41",)):
        runs.append(Waiting(
            boot, "--wait", time, "-p", str(LATE), "--real-port", str(REAL),
            "--real-known-hosts", f"{DIR}/real", "--secret",
            f"cmd:cat {DIR}/pass", *words, *hosts))
        return runs[-1]

    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    known(boot, boot.host.host_key)
    yield start
    for w in runs:
        w.close()


def known(boot, key):
    """ssh knows it by an alias, whatever its port is."""
    boot.admin.write(f"{DIR}/real", f"h41 {key}\n")


def fingerprint(host, path):
    return host.run(["ssh-keygen", "-lf", path]).stdout.split()[1]
