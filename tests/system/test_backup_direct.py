# SPDX-License-Identifier: ISC
"""postern backup run, mode = direct: the store comes to a one-time sshd."""

import os
import re
import signal

import pytest

from backuplib import STORE, backup  # noqa: F401
from lab import leftovers as lab_leftovers
from lab import proc

DATA = "/srv/data"


@pytest.fixture
def direct(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA, mode="direct")
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
