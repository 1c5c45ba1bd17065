# SPDX-License-Identifier: ISC
"""postern backup run, mode = direct: the store comes to a one-time sshd."""

import os
import re
import signal

import pytest

import backuplib
from backuplib import STORE, backup  # noqa: F401
from lab import proc

if "postern-backup-gate" not in backuplib.PROGRAMS:
    backuplib.PROGRAMS += ("postern-backup-gate",)

DATA = "/srv/data"


@pytest.fixture
def direct(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA, mode="direct")
    for name in ("snap", "pins", "hold"):
        b.store.run(["install", "-d", "-o", "backup", "-g", "backup", "-m",
                     "700", f"{STORE}/.postern/laptop/{name}"])
    b.files({f"{DATA}/a": "one\n", f"{DATA}/sub/b": "two\n",
             f"{DATA}/odd \\ name\x01*": "three\n"})
    b.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    return b


def test_one_run_stores_every_file_those_of_root_too(direct):
    done = direct.run()
    assert direct.snapshots() == [done.snapshot]
    assert direct.stored(DATA) == direct.source(DATA)
    at = f"{STORE}/.postern/laptop/snap/{done.snapshot}"
    assert "mode direct\n" in direct.store.read(at)
