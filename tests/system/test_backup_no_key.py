# SPDX-License-Identifier: ISC
"""Which private keys there are while a run is on, and after it: in channel mode
none is made for it."""

import ctypes
import os
import select

import pytest

from backuplib import CONF, backup  # noqa: F401
from lab import secrets
from test_backup_killed import quiet
from test_backup_run import DATA, Paused

KEYGEN = "/usr/bin/ssh-keygen"
IN_OPEN = 0x20
IN_CLOEXEC = os.O_CLOEXEC


class Opened:
    """Whether a program of the hosts was opened, and so to be executed at
    all. Source: inotify(7)."""

    def __init__(self, hosts, path):
        self.fds = {}
        libc = ctypes.CDLL(None, use_errno=True)
        for host in hosts:
            fd = libc.inotify_init1(IN_CLOEXEC)
            assert fd >= 0, os.strerror(ctypes.get_errno())
            self.fds[host] = fd
            assert libc.inotify_add_watch(
                fd, bytes(host.path(path)), IN_OPEN) >= 0, \
                os.strerror(ctypes.get_errno())

    def on(self):
        """The names of the hosts where it was."""
        return [host.name for host, fd in self.fds.items()
                if select.select([fd], [], [], 0)[0]]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for fd in self.fds.values():
            os.close(fd)


def new(found, before):
    return {key: secrets.report(hits) for key, hits in found.items()
            if key not in before}


# In direct there is one to log in with and one of the host: they are found,
# wherever they stand, so what isn't found in channel mode isn't there.
@pytest.mark.parametrize("mode, made", [("channel", 0), ("direct", 2)])
def test_a_run_in_channel_mode_makes_no_key(backup, mode, made):  # noqa: F811
    b = backup
    b.setup(root=DATA, mode=mode)
    hosts = [b.client, b.store]
    before = secrets.private_keys(hosts)
    for file in (CONF + "/backup_key.pub", "/etc/ssh/ssh_host_ed25519_key.pub"):
        assert b.client.read(file).split()[1] in before, file
    with Opened(hosts, KEYGEN) as keygen:
        with Paused(b) as p:
            during = secrets.private_keys(hosts)
        assert p.done.rc == 0, str(p.done)
        quiet(b)
        after = secrets.private_keys(hosts)
        assert keygen.on() == []
        # What that says nothing of would be no sign of anything.
        b.store.run([KEYGEN, "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"])
        assert keygen.on() == [b.store.name]
    assert len(new(during, before)) == made, new(during, before)
    assert new(after, before) == {}
    assert b.stored(DATA) == b.source(DATA)
