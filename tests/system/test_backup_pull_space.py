# SPDX-License-Identifier: ISC
"""A pull whose store is full, from the start or in its midst, or has no inode
left: it ends, is named, and takes nothing of what there was."""

import os

import pytest

from backuplib import STORE, backup  # noqa: F401
from lab import faults
from test_backup_pull import DATA, LINK, authorize, pull, section  # noqa: F401
from test_backup_space import MB, fill


@pytest.fixture(params=["postern there", "no postern there"])
def small(request, pull):  # noqa: F811
    """A store of 16 MiB and 2000 inodes, with one snapshot of h1."""
    b = pull
    if request.param == "no postern there":
        authorize(b)
        b.client.run(["rm", "-f", LINK])
    b.client.run(["chown", "backup", f"{DATA}/secret"])
    b.disk = faults.small_disk(b.store, STORE, 16 << 10,
                               options=("-N", "2000"))
    b.disk.__enter__()
    b.store.run(f"chown backup: {STORE} && chmod 700 {STORE}")
    section(b)
    b.owner("pull", "-q", "h1")
    b.first = b.contents(b.snapshot(0, "h1"))
    b.before = b.leftovers([rf"{STORE}(/|$)"])
    return b


def fails(b, why):
    """Its one snapshot is what it was, and nobody is left."""
    done = b.owner("pull", "-q", "h1", expect=1)
    assert why in done.err, str(done)
    b.before.settle(20)
    assert len(b.snapshots("h1")) == 1
    assert b.contents(b.snapshot(0, "h1")) == b.first


def works(b, resumed=False):
    done = b.owner("pull", "--json", "h1")
    assert done.of("answer")[0].get("resumed", False) is resumed, str(done)
    assert b.stored(DATA, name="h1") == b.source(DATA)
    assert b.contents(b.snapshot(0, "h1")) == b.first


def test_a_pull_meets_a_full_disk(small):
    b = small
    b.files({f"{DATA}/b{i}": os.urandom(MB // 2) for i in range(4)})
    full = fill(b, 0)
    fails(b, "No space left")
    full.unlink()
    full = fill(b, MB)
    fails(b, "No space left")
    assert b.incoming("h1").exists()
    full.unlink()
    works(b, resumed=True)


def test_a_pull_leaves_a_store_inodes(small):
    b = small
    b.files({f"{DATA}/d/{i}": "" for i in range(2500)})
    fails(b, "inode")
    st = os.statvfs(b.store.path(STORE))
    assert st.f_favail > st.f_files / 2 and not b.incoming("h1").exists()
    b.client.run(["rm", "-r", f"{DATA}/d"])
    works(b)
