# SPDX-License-Identifier: ISC
"""A limit that a run meets in its midst: it ends, is named, and takes nothing
of what there was, old as it may be. Snapshots go before a run only."""

import os

import pytest

from backuplib import CLIENT, STORE, backup  # noqa: F401
from lab import faults
from test_backup_space import DATA, MB, free

WAYS = [("ext4", "direct", "full"), ("btrfs", "channel", "full"),
        ("ext4", "channel", "min-free"), ("btrfs", "direct", "min-free"),
        ("btrfs", "channel", "quota")]
SIZE_KIB = {"ext4": 32 << 10, "btrfs": 256 << 10}
NEW = 16        # MiB, of which no limit below lets in more than a half


@pytest.fixture(params=WAYS, ids=" ".join)
def limited(request, backup):  # noqa: F811
    """Three snapshots, none of which a rule keeps, on a disk of its own."""
    b, (kind, mode, limit) = backup, request.param
    b.setup(store="/srv/before", root=DATA)
    b.disk = faults.small_disk(b.store, STORE, SIZE_KIB[kind], kind=kind)
    b.disk.__enter__()
    b.store.run(f"chown backup: {STORE} && chmod 700 {STORE}")
    b.dir = STORE
    policy(b)
    b.accept(CLIENT, b.make_key(b.client))
    b.conf(root=DATA, mode=mode)
    for i in range(3):
        b.files({f"{DATA}/a": os.urandom(MB // 2), f"{DATA}/n": str(i)})
        b.run()
    b.limit = limit
    return b


def policy(b, store="", client=""):
    b.policy(f"[store]\ndir = {STORE}\nmin-keep = 1\n{store}"
             f"[client {CLIENT}]\n{client}")


def fill(b, leave):
    """A file of nobody's backup. On btrfs what is written is not counted
    before it is on the disk; what is set aside is."""
    path = b.store.path(f"{STORE}/fill")
    with open(path, "wb") as f:
        os.posix_fallocate(f.fileno(), 0, free(b) - leave)
    b.store.run(["sync", "-f", STORE])
    assert leave // 2 < free(b) <= leave * 5 // 4
    return path


def narrow(b):
    """Room for a half of what is new; the file that takes the rest."""
    if b.limit == "full":
        return fill(b, NEW * MB // 2)
    if b.limit == "min-free":
        policy(b, store=f"min-free = {(free(b) >> 20) - NEW // 2}M\n")
    else:
        policy(b, client=f"quota = {NEW // 2}M\n")
    return None


def test_nothing_old_goes_in_the_midst_of_a_run(limited):
    b = limited
    names = b.snapshots()
    was = [b.contents(b.snapshot(n)) for n in names]
    full = narrow(b)
    before = b.leftovers([rf"{STORE}(/|$)"])
    b.files({f"{DATA}/b{i:02}": os.urandom(MB) for i in range(NEW)})
    done = b.run("-q", "--bandwidth", "12M", expect=1)
    why = "No space left" if b.limit == "full" else b.limit
    assert why in done.err, str(done)
    before.settle(20)
    assert b.snapshots() == names
    assert [b.contents(b.snapshot(n)) for n in names] == was
    # What went over a limit is taken away, what met a full disk gone on with.
    assert b.incoming().exists() == (b.limit == "full")
    if full:
        full.unlink()
        b.store.run(["sync", "-f", STORE])
    policy(b)
    done = b.run("--json")
    assert bool(done.of("answer")[0].get("resumed")) == (b.limit == "full")
    assert b.snapshots() == [*names, done.snapshot]
    assert b.stored(DATA) == b.source(DATA)
