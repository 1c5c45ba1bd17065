# SPDX-License-Identifier: ISC
"""The store's own commands: around a pull as around a run, and what a client
can put into their environment is text."""

import os

import pytest

from backuplib import STORE, backup  # noqa: F401
from test_backup_hooks import DATA, LOG, policy, said
from test_backup_pull import pull  # noqa: F401


@pytest.mark.parametrize("there", ["yes", "no"])
def test_a_pull_has_the_stores_commands_too(pull, there):
    """Also of a host that has no postern."""
    client = (f"[client h1]\ndestination = backup@h1\npostern = {there}\n"
              f"root = {DATA}\n")
    if there == "no":
        # Its own rsync reads as that user, who has no capability.
        pull.client.path(f"{DATA}/secret").unlink()
        pull.client.write("/home/backup/.ssh/authorized_keys", pull.store.read(
            "/home/backup/.ssh/id_ed25519.pub"), 0o600)
        pull.own(pull.client, "/home/backup/.ssh")
    pull.policy(policy(more=client))
    done = pull.owner("pull", "h1")
    assert pull.stored(DATA, name="h1") == pull.source(DATA)
    assert said(pull) == ["before h1", f"after h1 0 {done.snapshot}"]
    pull.policy(policy(before="exit 3", more=client))
    done = pull.owner("pull", "h1", expect=1)
    assert "before of h1: exit 3" in done.err, str(done)
    assert len(pull.snapshots("h1")) == 1
    assert [line.split()[:3] for line in said(pull)] == [
        ["on-failure", "h1", "1"], ["after", "h1", "1"]]


def test_a_reason_that_a_client_gives_is_text_and_no_command(backup):
    """A full disk: the store's rsync says which file it could not write."""
    backup.setup(root=DATA, policy=policy(), disk_kib=8192)
    name = "a;touch ran;$(touch ran)`touch ran`'\"|touch ran"
    backup.files({f"{DATA}/{name}": os.urandom(12 << 20)})
    backup.run("-q", expect=1)
    found = backup.store.path(LOG).read_text()
    assert "$(touch ran)`touch ran`" in found, found
    assert [line.split()[0] for line in said(backup)] == [
        "before", "on-failure", "after"]
    for at in ("/home/backup", "/", STORE, "/tmp"):
        assert not backup.store.exists(f"{at}/ran")
