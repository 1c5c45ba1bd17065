# SPDX-License-Identifier: ISC
"""Two runs at a store at the same time, one in mode = direct and one in mode =
channel."""

import os
import signal

import pytest

from backuplib import CONF, backup  # noqa: F401

DATA, OTHER = "/srv/data", "/srv/other"
MODES = ("channel", "direct")


def job(name, root, mode, key="backup_key"):
    return (f"[job {name}]\ndestination = backup@h2\nroot = {root}\n"
            f"mode = {mode}\nkey = {CONF}/{key}\n")


@pytest.mark.parametrize("first, second", [MODES, MODES[::-1]])
def test_each_mode_beside_the_other(backup, first, second):  # noqa: F811
    b = backup
    b.setup()
    b.make_key(b.client, "other_key")
    b.accept("other", b.client.read(f"{CONF}/other_key.pub").strip())
    b.files({f"{DATA}/a": os.urandom(1_000_000), f"{OTHER}/b": "two\n"})
    b.conf(root=DATA, mode=first, bandwidth="300K",
           more=job("same", DATA, second)
           + job("another", OTHER, second, "other_key"))
    before = b.leftovers()
    running = b.start("--json", "t")
    running.wait_event(lambda e: e["event"] == "progress" and e["bytes"] > 0,
                       what="byte that has arrived")
    sender = b.wait_pid(b.client, r"rsync --server --(daemon|sender)")
    os.kill(sender, signal.SIGSTOP)
    try:
        # Another client's goes its way, the same one's is told to wait.
        b.run("another")
        done = b.run("-q", "same", expect=75)
        assert "another" in done.err, str(done)
        assert running.popen.poll() is None
    finally:
        os.kill(sender, signal.SIGCONT)
    assert running.end().rc == 0
    assert b.stored(DATA) == b.source(DATA)
    assert b.stored(OTHER, name="other") == b.source(OTHER)
    assert (len(b.snapshots()), len(b.snapshots("other"))) == (1, 1)
    before.settle()
