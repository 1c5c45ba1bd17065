# SPDX-License-Identifier: ISC
"""Files that change while rsync reads them: a warning that names and counts
them, and a next run that has them as they are then."""

import contextlib
import json
import os
import re
import signal
import threading

import pytest

from backuplib import STORE, TOOLS, backup  # noqa: F401
from lab import faults, proc
from test_backup_pull import SSH, authorize, pull, section  # noqa: F401
from test_backup_pull import start as start_pull

DATA = "/srv/data"
SENDER = r"^(/usr/bin/)?rsync --server (--daemon|--sender)"


def fill(b):
    """`a log` is read first, and takes five seconds."""
    b.files({f"{DATA}/a log": os.urandom(1_500_000)})
    b.files({f"{DATA}/{name}": os.urandom(100_000) for name in
             ("b second", "c grown", "d written", "e gone", "f gone \x01")})
    b.files({f"{DATA}/z dir/in it": "x"})


@contextlib.contextmanager
def in_the_midst(b, running, name=None):
    """What reads stands still in the midst of a file."""
    name = name or b.name
    try:
        running.wait_event(lambda e: e["event"] == "progress"
                           and e["bytes"] > 0, what="byte that has arrived")
        sender = b.wait_pid(b.client, SENDER)
        os.kill(sender, signal.SIGSTOP)
        yield
        os.kill(sender, signal.SIGCONT)
    except BaseException:
        running.kill()
        raise


def change(b):
    """As logrotate's copytruncate does, and others. What was open and what
    was not yet; the last folder with what is in it."""
    at = b.client.path(DATA)
    os.truncate(at / "a log", 0)
    os.truncate(at / "b second", 10)
    with open(at / "c grown", "ab") as f:
        f.write(b"more")
    with open(at / "d written", "r+b") as f:
        f.write(b"\0" * 100_000)
    for name in ("e gone", "f gone \x01", "z dir/in it"):
        (at / name).unlink()


CHANGED = ["a log"]
VANISHED = ["e gone", "f gone \\x01", "z dir/in it"]


def named(why):
    """What a warning names: {kind: names}."""
    return {kind: [os.path.relpath(n, DATA) for n in names.split(", ")]
            for kind, names in (part.split(": ", 1)
                                for part in why.split("; "))}


def judge(b, done, name=None):
    assert done.rc == 0, str(done)
    result, = done.of("result")
    assert (result["vanished"], result["changed"]) == (3, 1), str(done)
    assert named(result["why"]) == {
        "vanished": VANISHED, "changed while they were read": CHANGED}
    shown, = [json.loads(line) for line in b.owner(
        "show", "--store", STORE, "--json",
        b.snapshots(name)[-1]).out.splitlines()]
    assert (shown["partial"], shown["vanished"], shown["changed"]) == (
        True, 3, 1)
    runs = b.store.read(f"{STORE}/.postern/{name or b.name}/runs")
    assert runs.splitlines()[-1].split(" ")[2] == "warn"


def after(b, name=None):
    """What the next one has: no file passes for unchanged."""
    assert b.stored(DATA, name=name) == b.source(DATA)


@pytest.mark.parametrize("mode", ["channel", "direct"])
def test_what_changes_while_it_is_read_is_named_and_counted(backup, mode):
    b = backup
    b.setup(root=DATA, mode=mode)
    b.conf(root=DATA, mode=mode, textfile="/home/backup/t.prom")
    fill(b)
    running = b.start("--json", "--bandwidth", "300K")
    with in_the_midst(b, running):
        change(b)
    judge(b, running.end())
    metrics = b.client.read("/home/backup/t.prom")
    for key, n in (("vanished", 3), ("changed", 1)):
        assert re.search(rf"^\S+snapshot_{key}{{\S+}} {n}$", metrics, re.M)
    shown = b.owner("show", "--store", STORE, b.snapshots()[-1]).out
    assert "3 files vanished or came up, 1 changed" in shown
    done = b.run("--json")
    assert done.of("result")[0]["changed"] == 0
    after(b)


def test_a_person_is_told_which_and_how_many(backup):
    b = backup
    b.setup(root=DATA)
    fill(b)
    running = b.start("--bandwidth", "300K")
    sender = b.wait_pid(b.client, SENDER)
    proc.wait_for(lambda: any(os.fsencode(t).endswith(b"/a log")
                              for _, t, _ in proc.fds(sender)), 20,
                  "file that is open")
    os.kill(sender, signal.SIGSTOP)
    change(b)
    os.kill(sender, signal.SIGCONT)
    done = running.end()
    assert done.rc == 0, str(done)
    assert ("t: while all was read, 3 files vanished or came up, 1 changed: "
            "vanished: ") in done.err, str(done)
    for name in (*CHANGED, VANISHED[0], VANISHED[2]):
        assert f"{DATA}/{name}" in done.err, str(done)


def on_btrfs(b):
    b.disk = faults.small_disk(b.store, STORE, 256 << 10, kind="btrfs")
    b.disk.__enter__()
    b.store.run(f"chown backup: {STORE}; chmod 700 {STORE}")
    b.dir = STORE
    b.policy(f"[store]\ndir = {STORE}\n")
    b.accept(b.name, b.make_key(b.client))


@pytest.mark.parametrize("kind", ["btrfs", "listed"])
def test_a_run_by_changes_and_in_place_takes_it_again(backup, kind):
    """The second run, which reads what has changed alone."""
    b = backup
    b.setup(root=DATA, store=STORE if kind == "listed" else "/srv/before")
    if kind == "btrfs":
        on_btrfs(b)
    fill(b)
    b.run()
    fill(b)
    running = b.start("--json", "--bandwidth", "300K")
    with in_the_midst(b, running):
        change(b)
    judge(b, running.end())
    b.run()
    after(b)


def cut(path, over):
    """A byte after the other, so that each reading ends too early."""
    for size in range(os.path.getsize(path) - 1, 0, -1):
        os.truncate(path, size)
        if over.wait(0.0002):
            return


def cut_all_the_while(b):
    """A run meanwhile, to its end."""
    running = b.start("--json", "--bandwidth", "3M")
    over = threading.Event()
    cutter = threading.Thread(target=cut, args=(b.client.path(f"{DATA}/a"),
                                                over))
    try:
        with in_the_midst(b, running):
            cutter.start()
        return running.end()
    except BaseException:
        running.kill()
        raise
    finally:
        over.set()
        if cutter.ident is not None:
            cutter.join()


@pytest.mark.parametrize("kind, mode", [
    ("hardlink", "channel"), ("btrfs", "channel"), ("btrfs", "direct")])
def test_what_is_cut_short_twice_fails_no_run(backup, kind, mode):
    """rsync reads it again in the end, and it is cut all the while. In place,
    too, neither of the two is left with some of the one before. What it knows
    by then is sent in no time: so it is large."""
    b = backup
    b.setup(root=DATA, store=STORE if kind == "hardlink" else "/srv/before")
    b.conf(root=DATA, mode=mode)
    if kind == "btrfs":
        on_btrfs(b)
        b.files({f"{DATA}/a": os.urandom(14_000_000), f"{DATA}/b": "b"})
        b.run()
    b.files({f"{DATA}/a": os.urandom(15_000_000), f"{DATA}/b": "b"})
    done = cut_all_the_while(b)
    assert done.rc == 0, str(done)
    assert done.of("result")[0]["changed"] == 1
    assert set(b.stored(DATA)) == {b"b"}
    b.run()
    after(b)


@pytest.mark.parametrize("mode, files_cache", [
    ("channel", "yes"), ("channel", "no"), ("direct", "no")])
def test_nor_is_a_name_of_it_left_with_what_it_was(backup, mode, files_cache):
    """It was three files before. In place rsync leaves the other names as
    they were, so there is no snapshot; and its processes would wait for each
    other for ever, had they the names a folder at a time."""
    b = backup
    b.setup(root=DATA, store="/srv/before")
    b.conf(root=DATA, mode=mode, files_cache=files_cache)
    on_btrfs(b)
    b.files({f"{DATA}/{name}": os.urandom(14_000_000) for name in "abc"})
    b.run()
    at = b.client.path(DATA)
    b.files({f"{DATA}/a": os.urandom(15_000_000)})
    for name in "bc":
        (at / name).unlink()
        os.link(at / "a", at / name)
    done = cut_all_the_while(b)
    assert done.rc == 1, str(done)
    assert "some files could not be copied" in str(done)
    assert len(b.snapshots()) == 1
    b.run()
    after(b)


def test_what_cannot_be_read_fails_though_others_changed(backup):
    b = backup
    b.setup(root=DATA)
    fill(b)
    send = b.client.path(f"{TOOLS}/postern-backup-send")
    os.removexattr(send, "security.capability")
    b.files({f"{DATA}/own": "root's own"}, mode=0o600)
    running = b.start("--json", "--bandwidth", "300K")
    with in_the_midst(b, running):
        change(b)
    done = running.end()
    assert done.rc == 1, str(done)
    assert b.snapshots() == []


@pytest.mark.parametrize("there", ["postern", "rsync alone"])
def test_the_owner_who_pulls_is_told(pull, there):
    b = pull
    fill(b)
    if there != "postern":
        authorize(b)
        section(b, "postern = no")
        # As a Banner of its sshd would, which ssh puts on the same stderr.
        b.client.write(f"{SSH}/rc", "echo 'WARNING: all is logged' >&2\n")
        b.own(b.client, SSH)
        os.unlink(b.client.path(f"{DATA}/secret"))
        running = start_pull(b, "--json", "--bandwidth", "300K", "h1")
    else:
        running = start_pull(b, "--store", STORE, "--json", "--bandwidth",
                             "300K", "h1")
    with in_the_midst(b, running, "h1"):
        change(b)
    judge(b, running.end(), "h1")
