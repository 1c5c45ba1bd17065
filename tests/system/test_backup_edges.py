# SPDX-License-Identifier: ISC
"""postern backup where something odd stands in the way: a clock that was
wrong, no inodes, a beat of its own, a quote in a path, a killed relay."""

import os
import re
import signal
import time

from backuplib import CLIENT, HOME, STORE, backup  # noqa: F401
from test_backup_run import BEAT, DATA, Paused, PROCESSES

ALL = ("--allow", "run,list,restore,verify")


def test_latest_is_none_of_the_future_whoever_asks(backup):
    """The clock was wrong for a while: a snapshot of next year stands there
    until then."""
    b = backup
    b.setup(root=DATA, accept=ALL)
    b.files({f"{DATA}/f": "old\n"})
    b.run()
    at = b.store.path(f"{STORE}/{CLIENT}")
    was, = b.snapshots()
    when = int(was.rpartition(".")[2]) + 400 * 86400
    date = time.strftime("%Y-%m-%d", time.gmtime(when))
    (at / was).rename(at / f"{CLIENT}.{date}.{when}")
    b.files({f"{DATA}/f": "new\n"})
    time.sleep(1)       # or it would get the name that has become free
    b.run()
    assert b.run("latest", f"{DATA}/f", cmd="cat").out == "new\n"
    newest = b.snapshots()[0]
    # list, find and verify know that name, too.
    assert "f" in b.run("latest", DATA, cmd="list").out.split()
    found = b.run("--snapshot", "latest", f"{DATA}/f", cmd="find").out
    assert newest in found and date not in found
    b.run("latest", cmd="verify")


def test_jobs_of_one_client_take_nothing_from_each_other(backup):
    """keep-last is for each of them, and each shares with its own last."""
    b = backup
    b.setup(root=DATA, conf="[job u]\ndestination = backup@h2\n"
            "root = /srv/other\n",
            policy=f"[store]\ndir = {STORE}\nkeep-last = 2\n")
    b.files({f"{DATA}/a": "a", "/srv/other/b": "b"})
    for _ in range(3):
        b.run("t")
        b.run("u")
    snaps = b.snapshots()
    has = [os.listdir(b.snapshot(s) + b"/srv") for s in snaps]
    assert has == [[b"data"], [b"other"]] * 2, snaps
    for one, two, path in ((0, 2, b"data/a"), (1, 3, b"other/b")):
        inos = {os.stat(b.snapshot(i) + b"/srv/" + path).st_ino
                for i in (one, two)}
        assert len(inos) == 1, path
    shown = b.owner("show", "--store", STORE, snaps[1]).out
    assert re.search(r"^job +u$", shown, re.M), shown


def test_a_store_without_inodes_is_not_left_so(backup):
    """2000 of them in all; a tree of more comes."""
    b = backup
    b.setup(root=DATA, disk_kib=8192)
    b.files({f"{DATA}/small": "x"})
    b.run()
    b.files({f"{DATA}/d/{i}": "" for i in range(2500)})
    done = b.run("-q", expect=1)
    assert "inode" in done.err, done.err
    # Another client, or the owner, can go on.
    st = os.statvfs(b.store.path(STORE))
    assert st.f_favail > st.f_files / 2
    assert len(b.snapshots()) == 1 and not b.incoming().exists()
    b.client.run(["rm", "-r", f"{DATA}/d"])
    b.run()
    assert b.stored(DATA) == b.source(DATA)


def test_a_beat_below_the_stores_own_is_kept_by_both(backup):
    """The store's command takes longer than three of them."""
    backup.setup(root=DATA, beat="200ms", policy=(
        f"[store]\ndir = {STORE}\nafter = sleep 3\n"))
    backup.files({f"{DATA}/a": "a"})
    backup.run()


def test_a_quote_in_the_stores_path(backup):
    backup.setup(root=DATA, store="/srv/ann's store")
    backup.files({f"{DATA}/a": "a"})
    backup.run()
    assert backup.stored(DATA) == backup.source(DATA)
    line = backup.store.read(f"{HOME}/.ssh/authorized_keys")
    assert "--store" in line, line


def test_a_path_that_sshd_could_not_pass_on_is_refused(backup):
    backup.setup(root=DATA)
    public = backup.client.read(f"{HOME}/.config/postern/backup_key.pub")
    dir_ = "/srv/back\\slash"
    backup.store.run(["install", "-d", "-o", "backup", "-g", "backup", "-m",
                      "700", dir_])
    done = backup.owner("accept", "--store", dir_, "--client", "x", "--key",
                        public.strip(), expect=1)
    assert "/srv/back\\\\slash: a path with a backslash" in done.err, done.err


def test_a_killed_relay_is_noticed_while_nothing_comes(backup):
    """It holds no end of the stream: only its death tells of it."""
    b = backup
    b.setup(root=DATA, **BEAT)
    b.files({f"{DATA}/a": "a"})
    side, pattern = PROCESSES["relay"]
    with Paused(b) as p:
        pids = b.pids(getattr(b, side), pattern)
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        # The sender stays stopped: nothing of its end tells the store.
        done = p.running.end(30)
    assert done.rc == 1 and "relay" in done.of("result")[0]["why"], str(done)


def test_a_default_place_of_another_user_is_none(backup):
    """Anybody can make that folder in /tmp: what is restored would be his."""
    b = backup
    b.setup(root=DATA, accept=ALL)
    b.files({f"{DATA}/a": "a"})
    b.run()
    place = f"/tmp/restored-{b.snapshots()[-1]}"
    b.client.run(["install", "-d", "-o", "nobody", "-m", "777", place])
    done = b.client.run(b.as_user(
        b.client, "sh", "-c", "cd /tmp && exec /opt/postern/postern backup "
        f"restore latest {DATA}/a"), check=False, env=b.ENV)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{place[4:]}: belongs to somebody else" in done.stderr
    assert os.listdir(b.client.path(place)) == []
