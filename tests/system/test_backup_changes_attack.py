# SPDX-License-Identifier: ISC
"""A hostile client that says that it knows what has changed."""

import os

import pytest

from backuplib import CLIENT, CONF, STORE, TOOLS, backup  # noqa: F401
from framelib import fields, frame, text
from lab import proc
from test_backup_attack import RUN, Hostile
from test_backup_changes import listed, settle, whole

DATA = "/srv/data"
JOB = (*RUN, ("job", "t"))


@pytest.fixture
def told(backup):  # noqa: F811
    """A store with a snapshot that a client may tell of."""
    b = backup
    b.setup(root=DATA, policy=f"[store]\ndir = {STORE}\n")
    b.client.run(f"mkdir -p {DATA} && mount -t tmpfs t {DATA}")
    b.files({f"{DATA}/{n}": n for n in ("a", "b", "sub/c")})
    b.client.run(["chown", "-R", "backup:", DATA])
    settle()
    b.run()
    b.first = whole(b.snapshot())
    yield b
    assert whole(b.snapshot(0)) == b.first
    b.client.run(f"umount -l {DATA}")


def ask(b, h):
    """The store's answer: whether it goes by changes."""
    h.frames.send(frame("Q", text(*JOB, ("since", b.snapshots()[-1]))))
    got = h.frames.until("A", "R")
    return fields(got[1]).get(b"since") == b"yes"


def changes(data):
    return frame("C", b"c" + data)


END = frame("C", b"e3 3 0")
BAD = {
    "no sign": changes(b"*/srv/data/a\0") + END,
    "up": changes(b"+/srv/data/../../etc/passwd\0") + END,
    "relative": changes(b"+srv/data/a\0") + END,
    "two slashes": changes(b"-//etc\0") + END,
    "a dot": changes(b"-/srv/./data\0") + END,
    "the top": changes(b"-/\0") + END,
    "no end of a path": changes(b"+/srv/data/a") + END,
    "no path": changes(b"+\0") + END,
    "too long": changes(b"+/" + b"x" * 5000 + b"\0") + END,
    "no sums": frame("C", b"e"),
    "two sums": frame("C", b"e1 2"),
    "another kind": frame("C", b"x"),
    "after the end": END + changes(b"+/srv/data/a\0") + END,
    "9 MiB": changes(b"+/srv/data/a\0" * 4000) * 185,
    "a flood of data before": frame("D", b"x" * 60000),
}


@pytest.mark.parametrize("name", BAD)
def test_changes_that_are_none_end_the_run(told, name):
    b = told
    with Hostile(b) as h:
        assert ask(b, h)
        h.frames.send(BAD[name])
        out, _ = h.ended(30)
        assert b"snapshot" not in out, out
    proc.wait_for(lambda: not b.pids(b.store, "postern-backup receive"), 30,
                  "its end")
    assert len(b.snapshots()) == 1
    # The next honest run goes by changes, or begins again.
    b.run()
    assert b.stored(DATA) == b.source(DATA)


def test_changes_come_only_where_they_were_asked_for(told):
    b = told
    with Hostile(b) as h:
        # Without an offer.
        assert h.ask(*JOB)[0] == 0
        h.frames.send(END)
        out, _ = h.ended(30)
        assert b"frame" in out


def test_who_hangs_up_in_the_midst_of_it_leaves_nothing(told):
    b = told
    with Hostile(b) as h:
        assert ask(b, h)
        h.frames.send(changes(b"+/srv/data/a\0"))
        h.popen.stdin.close()
        h.ended(30)
    proc.wait_for(lambda: not b.incoming().exists(), 30, ".incoming is gone")
    assert listed(b.run("--json"))


def test_what_was_not_told_reaches_no_older_snapshot(told):
    """Its rsync sends a file that it did not tell of, with another mode: with
    hard links that would be the old snapshot's file."""
    b = told
    b.files({f"{DATA}/b": "changed"})
    path = b.client.path(f"{TOOLS}/postern-backup-send")
    saved = path.with_name("send.saved")
    path.rename(saved)
    b.client.write(f"{TOOLS}/postern-backup-send", f"""#!/bin/sh
case "$*" in *--scan*) exec {TOOLS}/send.saved "$@";; esac
chmod 4777 {DATA}/a
setfattr -n user.evil -v 1 {DATA}/a 2>/dev/null
for w; do case $was in --list) printf '/srv/data/a\\0' >>"$w";; esac; was=$w; done
exec {TOOLS}/send.saved "$@"
""", 0o755)
    try:
        done = b.run("--json")
    finally:
        path.unlink()
        saved.rename(path)
    assert listed(done)
    old, new = (os.lstat(b.snapshot(i) + b"/srv/data/a") for i in (0, 1))
    assert old.st_ino != new.st_ino
    assert b"4777" in os.getxattr(b.snapshot() + b"/srv/data/a",
                                  "user.rsync.%stat") or new.st_mode & 0o4000


def test_changes_lead_nowhere(told):
    """Links in the client's own snapshots, and folders beside it."""
    b = told
    b.files({f"{STORE}/{CLIENT}/beside": "x"}, on=b.store)
    b.store.run(["ln", "-s", f"{STORE}", os.fsdecode(
        b.snapshot()).split(str(b.store.path("/")))[-1] + "/srv/data/out"])
    b.first = whole(b.snapshot())
    with Hostile(b) as h:
        assert ask(b, h)
        h.frames.send(changes(b"".join(
            sign + path + b"\0" for sign in (b"-", b"=", b".") for path in (
                b"/srv/data/out/laptop/beside", b"/srv/data/out",
                b"/beside", b"/.postern/laptop", b"/srv/data/out/.postern",
            ))) + END)
        h.frames.until("R")
    assert b.store.read(f"{STORE}/{CLIENT}/beside") == "x"
    assert b.store.path(f"{STORE}/.postern/{CLIENT}").is_dir()
    assert whole(b.snapshot(0)) == b.first


def test_only_its_own_last_snapshot_of_that_job_is_gone_by(told):
    """Another client's, one of another job, an older one, one that never was
    or is gone: all is looked at."""
    b = told
    first = b.snapshots()[0]
    b.make_key(b.client, "other_key")
    b.accept("other", b.client.read(f"{CONF}/other_key.pub").strip())
    b.conf(root=DATA, key=f"{CONF}/other_key")
    b.run()
    b.conf(root=DATA)
    settle()
    b.run()
    gone = b.run("--json").snapshot
    b.owner("prune", "--store", STORE, "--client", CLIENT, expect=None)
    b.store.run(["rm", "-rf", f"{STORE}/{CLIENT}/{gone}"])
    last = b.snapshots()[-1]
    assert last not in (first, gone)

    def since(name, job="t"):
        with Hostile(b) as h:
            h.frames.send(frame("Q", text(*RUN, ("job", job),
                                          ("since", name))))
            told_of = fields(h.frames.until("A", "R")[1])
        proc.wait_for(lambda: not b.pids(
            b.store, "postern-backup receive|^/usr/bin/rsync"), 30, "its end")
        # A broken one is gone on with, and then never by changes.
        b.store.run(["rm", "-rf", f"{STORE}/{CLIENT}/.incoming"])
        assert told_of[b"status"] == b"0", told_of
        return told_of.get(b"since") == b"yes"

    assert since(last), "the premise of what comes"
    never = f"{CLIENT}.2001-09-09.1000000000"
    for name in (b.snapshots("other")[-1], first, gone, never,
                 last.replace(CLIENT, "other")):
        assert not since(name), name
    assert not since(last, job="u")
    assert since(last)
