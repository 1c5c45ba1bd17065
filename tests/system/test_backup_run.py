# SPDX-License-Identifier: ISC
"""postern backup run, channel mode: a client, a store, sshd and rsync."""

import os

from backuplib import backup  # noqa: F401

DATA = "/srv/data"


def test_first_run_stores_every_file_those_of_root_too(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a": "one\n", f"{DATA}/sub/b": "two\n"})
    backup.files({f"{DATA}/secret/key": "root's own\n"}, mode=0o600)
    backup.client.path(f"{DATA}/secret").chmod(0o700)
    done = backup.run()
    assert backup.snapshots() == [done.snapshot]
    assert backup.stored(DATA) == backup.source(DATA)
    assert not backup.incoming().exists()
