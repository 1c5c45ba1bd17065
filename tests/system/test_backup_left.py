# SPDX-License-Identifier: ISC
"""What a broken run has left in the store, and how many inodes there are:
who is told of it, and what goes for it. And what weighing a tree takes."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from backuplib import BUILD, CLIENT, STORE, backup  # noqa: F401
from lab import faults, proc
from test_backup_store import MIB, Store, file_system, kind  # noqa: F401

BACKUP = BUILD / "tools" / "backup" / "postern-backup"
DATA = "/srv/data"
DAY = 86400
SANITIZED = "sanitize" in BUILD.name
DATA_MAX = 12 * MIB


def fill(path, mib):
    with open(path, "wb") as f:
        f.write(os.urandom(mib * MIB))
        os.fsync(f.fileno())


def owner(store, *words, expect=0):
    done = subprocess.run(
        [BACKUP, *words, "--store", store.path], capture_output=True,
        text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == expect, done
    return done.stdout


def snapshot(store, mib):
    store.now += 1
    store.do("begin")
    fill(store.client / ".incoming/big", mib)
    return store.do("finish", str(mib * MIB))[0]


def free(store):
    vfs = os.statvfs(store.client)
    return vfs.f_bavail * vfs.f_frsize


# An .incoming that nobody goes on with

def test_what_a_run_has_left_is_named_with_its_size(file_system, kind):  # noqa: F811
    store = Store(file_system(kind, 512 * MIB), kind)
    snapshot(store, 20)
    for words in (["status"], ["status", "--json"], ["du"], ["du", "--json"]):
        assert "unfinished" not in owner(store, *words)
    store.do("begin")
    fill(store.client / ".incoming/more", 30)
    row = json.loads(owner(store, "status", "--json"))
    assert 30 * MIB <= row["unfinished"] < 31 * MIB, row
    assert row["ok"] is True
    assert "well, unfinished: 30." in owner(store, "status")
    rows = [json.loads(x) for x in owner(store, "du", "--json").splitlines()]
    left, = [x for x in rows if "unfinished" in x]
    assert left["client"] == "laptop"
    assert 30 * MIB <= left["bytes"] < 31 * MIB
    assert "laptop/.incoming (unfinished)" in owner(store, "du")
    page, prom = store.mount / "page.html", store.mount / "prom"
    owner(store, "status", "--html", page, "--textfile", prom)
    assert "unfinished: 30." in page.read_text()
    assert 'unfinished_bytes{client="laptop"} 3' in prom.read_text()


def test_status_does_not_weigh_what_a_run_is_at(file_system):  # noqa: F811
    store = Store(file_system("ext4"), "ext4")
    store.do("begin")
    fill(store.client / ".incoming/more", 3)
    with subprocess.Popen(["flock", store.admin / "lock", "-c",
                           "echo locked; cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as busy:
        assert busy.stdout.readline() == b"locked\n"
        assert "well, a run is under way" in owner(store, "status")
        assert "unfinished" not in json.loads(owner(store, "status",
                                                    "--json"))
        busy.stdin.close()
    assert "well, unfinished: 3." in owner(store, "status")


def test_a_prune_waits_for_who_only_asks_whether_a_run_goes_on(
        file_system, tmp_path):  # noqa: F811
    """status takes the client's lock for that, for a moment."""
    store = Store(file_system("ext4"), "ext4")
    snapshot(store, 1)
    log = tmp_path / "log"
    log.touch()
    with subprocess.Popen(["flock", "-s", store.admin / "lock", "-c",
                           "echo locked; cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as asking:
        assert asking.stdout.readline() == b"locked\n"
        with subprocess.Popen(["strace", *faults.NO_LEAKS, "-qq", "-e",
                               "trace=flock", "-o", log, BACKUP, "prune",
                               "--store", store.path]) as prune:
            proc.wait_for(lambda: "EAGAIN" in log.read_text() or
                          prune.poll() is not None, 30, "a try")
            asking.stdin.close()
            assert prune.wait(60) == 0


def test_what_ones_own_run_has_left_goes_after_ones_own_history(
        file_system, kind):  # noqa: F811
    """A run goes on with it: it would begin anew each night otherwise."""
    store = Store(file_system(kind, 512 * MIB), kind)
    names = [snapshot(store, 40) for _ in range(3)]
    store.do("begin")
    inside = store.client / ".incoming"
    fill(inside / "more", 40)
    need = free(store) + 25 * MIB
    assert store.do("evict", str(need), "0", "1", "0") == [names[0]]
    assert inside.exists()
    # Never under min-keep; rather than no run at all.
    need = free(store) + 25 * MIB
    assert store.do("evict", str(need), "0", "2", "0") == ["laptop/.incoming"]
    assert not inside.exists() and not store.trash()
    assert store.do("list") == names[:0:-1]


def test_what_others_have_abandoned_goes_before_any_snapshot(
        file_system, kind):  # noqa: F811
    store = Store(file_system(kind, 512 * MIB), kind)
    mine = [snapshot(store, 10) for _ in range(2)]
    desk = [str(store.driver), str(store.path), "desk"]
    subprocess.run([*desk, "make"], check=True)
    subprocess.run([*desk, "begin"], check=True, stdout=subprocess.DEVNULL)
    inside = store.path / "desk/.incoming"
    fill(inside / "more", 40)
    need = str(free(store) + 30 * MIB)

    def kept(*words):
        done = store.run("evict", need, "0", "9", *words)
        assert done.returncode == 1 and done.stdout == b"", done
        assert b"bytes are free" in done.stderr and inside.exists()

    # They may still go on with it, whatever is allowed.
    store.now = int(time.time()) + 6 * DAY
    kept("0")
    kept("1")
    store.now += 2 * DAY
    # Not since they came last: a line of desk's own, of that day.
    line = f"{store.now} run failed - 0 0 0 -\n"
    (store.path / ".postern/desk/runs").write_text(line)
    kept("0")
    store.now += 8 * DAY
    with subprocess.Popen(["flock", store.path / ".postern/desk/lock", "-c",
                           "echo locked; cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as busy:
        assert busy.stdout.readline() == b"locked\n"
        kept("0")
        kept("1")
        busy.stdin.close()
    assert store.do("evict", "1000", "0", "1", "0") == []
    assert store.do("evict", need, "0", "1", "0") == ["desk/.incoming"]
    assert not inside.exists()
    assert store.do("list") == mine[::-1]


# Inodes

def runs(b, n):
    """n runs of 300 folders: each has its own in every snapshot."""
    names = []
    for i in range(n):
        b.files({f"{DATA}/d1/f": str(i)})
        names.append(b.run().snapshot)
    return names


@pytest.fixture
def crowded(backup):  # noqa: F811
    """2000 inodes in all, room for six snapshots."""
    b = backup
    b.setup(root=DATA, disk_kib=16384)
    b.client.run(["sh", "-c", f"mkdir -p {DATA}; cd {DATA} && "
                  "for i in $(seq 300); do mkdir d$i; done"])
    return b


def test_old_snapshots_go_for_inodes(crowded):
    b = crowded
    names = runs(b, 9)
    left = b.snapshots()
    assert left == names[-len(left):] and 3 <= len(left) < 9
    at = f"{STORE}/.postern/{CLIENT}/snap/{left[-1]}"
    assert "\ninodes 30" in b.store.read(at)
    assert b.stored(DATA) == b.source(DATA)


def test_a_pinned_snapshot_never_goes_for_inodes(crowded):
    b = crowded
    names = runs(b, 3)
    b.owner("pin", "--store", STORE, names[0])
    names += runs(b, 5)
    left = b.snapshots()
    assert left[0] == names[0] and names[1] not in left


def test_inodes_take_no_client_below_min_keep(crowded):
    b = crowded
    b.policy(f"[store]\ndir = {STORE}\nmin-keep = 9\n")
    names = []
    while len(names) < 9:
        b.files({f"{DATA}/d1/f": str(len(names))})
        done = b.run("-q", "--json", expect=None)
        if done.rc != 0:
            break
        names.append(done.snapshot)
    assert done.rc == 1
    why = done.of("result")[0]["why"]
    assert "inodes are free" in why and "are needed" in why, why
    assert b.snapshots() == names and not b.incoming().exists()


# What weighing takes

@pytest.fixture
def many():
    """150 000 folders side by side, of long names, in memory."""
    base = Path(tempfile.mkdtemp(dir="/dev/shm"))
    base.chmod(0o755)
    yield base
    shutil.rmtree(base)


def make_many(at):
    at.mkdir(exist_ok=True)
    for i in range(150_000):
        os.mkdir(at / f"{i:0100d}")


# Of a sanitizer's terabytes of marks hardly any is in memory: there that
# counts, looked at ten times a second, with little kept of what was freed.
RSS_MAX_MIB = 20
RSS_LIMIT = (f"hard_rss_limit_mb={RSS_MAX_MIB}:quarantine_size_mb=1:"
             "thread_local_quarantine_size_kb=64")


def limited(*argv):
    limit, env = ["prlimit", f"--data={DATA_MAX}", "--"], {}
    if SANITIZED:
        limit = []
        env["ASAN_OPTIONS"] = ":".join(
            filter(None, (os.environ.get("ASAN_OPTIONS"), RSS_LIMIT)))
    return subprocess.run(
        [*limit, *map(str, argv)], env={**os.environ, **env},
        capture_output=True, text=True, timeout=300, check=False)


def test_weighing_an_incoming_takes_little_memory(many):
    store = Store(many, "tmpfs")
    store.do("begin")
    make_many(store.client / ".incoming")
    fill(store.client / ".incoming" / f"{149_999:0100d}" / "deep", 3)
    done = limited(BACKUP, "status", "--json", "--store", store.path)
    assert done.returncode == 0, done
    row = json.loads(done.stdout)
    assert row["ok"] is True and row["unfinished"] >= 3 * MIB, row


def test_usage_takes_little_memory(many):
    make_many(many / "data")
    conf = many / "backup.conf"
    conf.write_text(f"[job t]\ndestination = nowhere\nroot = {many}/data\n")
    done = limited(BACKUP, "usage", "--json", "--config", conf)
    assert done.returncode == 0, done
    assert json.loads(done.stdout.splitlines()[-1])["total-files"] == 150_000
