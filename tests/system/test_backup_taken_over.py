# SPDX-License-Identifier: ISC
"""Another program in rsync's place on a real store, behind a real sshd: it
receives a backup, it sends a restore. What it tries is in backup_evil.c."""

import os
import re
import stat

import pytest

from backuplib import (BUILD, CONF, HOME, STORE, backup,  # noqa: F401
                       keys_line)
from lab import proc

DATA = "/srv/data"
EVIL = BUILD / "tests/unit/backup/backup_evil"
RSYNC = "/usr/bin/rsync"
OUTSIDE = ("file", "secret")
TOPS = (b"srv", b"home", b"outside", b"etc", b"tmp")
SAID = "/var/tmp/said"


def state(host, tops, but=()):
    """Everything below tops, but for what a failed run may leave."""
    root, found = os.fsencode(host.path("/")).rstrip(b"/"), {}
    for top in tops:
        for path, st in proc.walk(root + b"/" + top):
            name = path[len(root):]
            if any(b in name for b in (b"/.incoming", b"/runs", b"/begun",
                                       b"/lock", b"evil-was-here", *but)):
                continue
            content = None
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    content = f.read()
            found[name] = (st.st_mode, st.st_uid, content,
                           None if stat.S_ISDIR(st.st_mode)
                           else st.st_mtime_ns)
    assert found
    return found


@pytest.fixture
def taken(backup):
    """Two clients' snapshots; then the store's rsync is another program.
    What lies outside is the receiving user's own, and open to all."""
    b = backup
    b.setup(root=DATA, accept=("--allow", "run,restore"))
    b.files({f"{DATA}/a": "mine\n"})
    b.make_key(b.client, "other_key")
    b.accept("other", b.client.read(f"{CONF}/other_key.pub").strip())
    b.conf(root=DATA, key=f"{CONF}/other_key")
    b.run()
    b.conf(root=DATA)
    b.run()
    host = b.store
    for name in OUTSIDE:
        host.write(f"/outside/{name}", name, 0o666)
    host.run(["ln", "-s", f"{b.dir}/other/{b.snapshots('other')[0]}"
              f"{DATA}/a", "/outside/secret.link"])
    host.run("mv /outside/secret.link /outside/secret; "
             "chmod 777 /outside; chown -R backup: /outside")
    disk = os.stat("/").st_dev
    os.mknod(host.path("/disk"), stat.S_IFBLK | 0o666, disk)
    os.chmod(host.path("/disk"), 0o666)
    host.write("/opt/evil", EVIL.read_bytes(), 0o755)
    host.run(["mount", "--bind", "/opt/evil", RSYNC])
    b.before = state(host, TOPS)
    yield b
    host.run(f"umount {RSYNC} 2>/dev/null; "
             f"rm -rf /outside /disk /opt/evil {SAID}")


def over(b):
    """It and the child that meant to stay are gone; nothing is changed."""
    proc.wait_for(lambda: not b.pids(
        b.store, "^postern-backup receive|rsync|evil"), 30, "end of all")
    assert state(b.store, TOPS) == b.before


def said(text):
    """It was there, and nothing of what it tried worked."""
    assert "tried" in text, text
    assert not re.search(r"\bdid (?!not see server greeting)", text), text


def test_as_the_receiver_of_a_backup_it_reaches_nothing(taken):
    done = taken.run("-q", expect=1)
    # The one place where it may write.
    assert taken.store.exists(f"{STORE}/laptop/evil-was-here")
    said(done.err)
    over(taken)
    taken.store.run(["umount", RSYNC])
    taken.run()
    assert taken.stored(DATA) == taken.source(DATA)


def test_as_the_sender_of_a_restore_it_reaches_nothing(taken):
    mine = state(taken.client, (b"srv", b"etc", b"opt"))
    # The client is not told what the store's rsync says: its owner is.
    keys_line(taken, f"{taken.TOOL} receive --client laptop --allow "
              f"run,restore --store {STORE} -v 2>{SAID}")
    taken.before = state(taken.store, TOPS)
    taken.run("latest", DATA, "--to", f"{HOME}/out", cmd="restore", expect=1)
    said(taken.store.read(SAID))
    over(taken)
    assert state(taken.client, (b"srv", b"etc", b"opt")) == mine
    got = [p for p, st in proc.walk(str(taken.client.path(f"{HOME}/out")))
           if stat.S_ISREG(st.st_mode)]
    assert got == []
