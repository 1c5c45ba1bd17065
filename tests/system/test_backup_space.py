# SPDX-License-Identifier: ISC
"""postern backup run where the store has limits: a full disk, min-free, a
quota, a rate limit, retention, a clock that was set back."""

import os
import re
import subprocess

from backuplib import CLIENT, CONF, STORE, backup  # noqa: F401
from lab import proc

DATA = "/srv/data"
MB = 1 << 20


def free(backup):
    st = os.statvfs(backup.store.path(STORE))
    return st.f_bavail * st.f_frsize


def fill(backup, leave):
    """A file of nobody's backup takes all but so many bytes."""
    path = backup.store.path(f"{STORE}/fill")
    with open(path, "wb", buffering=0) as f:
        while free(backup) > leave:
            try:
                f.write(bytes(min(MB, free(backup) - leave)))
            except OSError:
                break
    return path


# A full disk

def test_disk_full_from_the_start(backup):
    backup.setup(root=DATA, disk_kib=8192)
    backup.files({f"{DATA}/a": "a"})
    backup.run()
    one = backup.contents(backup.snapshot())
    backup.files({f"{DATA}/b": os.urandom(MB)})
    full = fill(backup, 0)
    done = backup.run("-q", expect=1)
    assert "No space left" in done.err, done.err
    assert backup.contents(backup.snapshot(0)) == one
    full.unlink()
    backup.run()
    assert backup.stored(DATA) == backup.source(DATA)


def test_disk_full_in_the_midst(backup):
    backup.setup(root=DATA, disk_kib=8192)
    backup.files({f"{DATA}/a": "a"})
    backup.run()
    one = backup.contents(backup.snapshot())
    before = backup.leftovers()
    full = fill(backup, MB)
    backup.files({f"{DATA}/b{i}": os.urandom(MB // 2) for i in range(5)})
    done = backup.run("-q", expect=1)
    assert "No space left" in done.err, done.err
    before.settle()
    assert backup.snapshots() == backup.snapshots()[:1]
    assert backup.contents(backup.snapshot(0)) == one
    full.unlink()
    done = backup.run("--json")
    assert done.of("answer")[0]["resumed"] is True
    assert backup.stored(DATA) == backup.source(DATA)


def test_disk_full_while_the_snapshot_gets_its_name(backup):
    """What is written last: the record. Each of its calls fails in turn."""
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a": "a"})
    backup.run()
    # The forced command under strace, on the store.
    keys = "/home/backup/.ssh/authorized_keys"
    line = backup.store.read(keys)
    failed = []
    command = f"{backup.TOOL} receive"
    for call in ("mkdirat", "renameat", "renameat2", "fsync", "syncfs",
                 "openat"):
        old = re.sub(
            r'command="[^"]*postern backup receive',
            f'command="strace -f -qq -o /dev/null -P {STORE} -P '
            f'{STORE}/{CLIENT} -P {STORE}/{CLIENT}/.incoming -e trace={call} '
            f'-e inject={call}:error=ENOSPC {command}', line)
        assert old != line
        backup.files({f"{DATA}/late": call})
        backup.store.write(keys, old, mode=0o600)
        backup.own(backup.store, keys)
        n = len(backup.snapshots())
        done = backup.run("-q", expect=None)
        if done.rc == 0:
            # That call is not one that a run makes there.
            continue
        assert "No space left" in done.err, f"{call}: {done}"
        failed.append(call)
        backup.store.write(keys, line, mode=0o600)
        backup.own(backup.store, keys)
        backup.run()
        assert n < len(backup.snapshots()) <= n + 2, call
        assert backup.stored(DATA) == backup.source(DATA), call
        assert not backup.incoming().exists(), call
    assert set(failed) >= {"mkdirat", "renameat2", "syncfs"}, failed


def record(b, name):
    """What is recorded of a snapshot, of the keys that have one number."""
    text = b.store.read(f"{STORE}/.postern/{CLIENT}/snap/{name}")
    return {k: int(v) for k, v in re.findall(r"^(\w+) (\d+)$", text, re.M)}


def test_no_history_goes_for_bytes_that_only_the_sender_tells_of(backup):
    """A file that is all hole: rsync says 200 MiB, on a disk of 16."""
    backup.setup(root=DATA, disk_kib=16384)
    names = []
    for i in range(3):
        backup.files({f"{DATA}/a": str(i)})
        names.append(backup.run().snapshot)
    hole = backup.client.path(f"{DATA}/hole")
    for i in range(3):
        with open(hole, "wb") as f:
            f.truncate((200 + i) * MB)
        names.append(backup.run().snapshot)
        told = record(backup, names[-1])
        assert told["added"] < MB and told["bytes"] < MB, told
    assert backup.snapshots() == names


# What the owner allows

def test_min_free_is_never_used_and_what_came_is_taken_away(backup):
    backup.setup(root=DATA, disk_kib=16384,
                 policy=f"[store]\ndir = {STORE}\nmin-free = 8M\n")
    backup.files({f"{DATA}/a": "a"})
    backup.run()
    was = free(backup)
    backup.files({f"{DATA}/b{i:02}": os.urandom(MB // 2) for i in range(24)})
    done = backup.run("-q", "--bandwidth", "4M", expect=1)
    assert "min-free" in done.err, done.err
    assert len(backup.snapshots()) == 1
    assert not backup.incoming().exists()
    assert was - free(backup) < MB // 4
    for i in range(12, 24):
        backup.client.path(f"{DATA}/b{i:02}").unlink()
    for i in range(6, 12):
        backup.client.path(f"{DATA}/b{i:02}").unlink()
    backup.run()
    assert backup.stored(DATA) == backup.source(DATA)


def test_nothing_goes_for_a_min_free_that_can_not_be(backup):
    backup.setup(root=DATA, disk_kib=16384)
    backup.files({f"{DATA}/a": "a"})
    for _ in range(3):
        backup.run()
    names = backup.snapshots()
    backup.policy(f"[store]\ndir = {STORE}\nmin-free = 1G\n")
    done = backup.run("-q", expect=1)
    assert "1073741824 are needed" in done.err, done.err
    # On a disk of that size, too: what they take would not be enough.
    need = (free(backup) + 2 * MB) >> 20
    backup.policy(f"[store]\ndir = {STORE}\nmin-free = {need}M\n")
    done = backup.run("-q", expect=1)
    assert "are needed" in done.err, done.err
    assert backup.snapshots() == names


def test_the_owner_is_told_what_went(backup):
    backup.setup(root=DATA, disk_kib=16384,
                 policy=f"[store]\ndir = {STORE}\nkeep-last = 3\n")
    names = []
    for _ in range(4):
        backup.files({f"{DATA}/a": os.urandom(2 * MB)})
        names.append(backup.run().snapshot)
    runs = f"{STORE}/.postern/{CLIENT}/runs"
    line = backup.store.read(runs).splitlines()[-1].replace(r"\040", " ")
    assert line.endswith(f" 1 removed by the rules: {names[0]}"), line
    need = (free(backup) + MB) >> 20
    backup.policy(f"[store]\ndir = {STORE}\nmin-free = {need}M\n")
    backup.files({f"{DATA}/a": "small"})
    backup.run()
    assert backup.snapshots()[0] == names[2]
    line = backup.store.read(runs).splitlines()[-1].replace(r"\040", " ")
    assert line.endswith(f" 1 removed for space: {names[1]}"), line


def test_a_run_waits_for_who_removes_something_of_its_client(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a": "a"})
    backup.run()        # The file is there, and not root's.
    with backup.store.popen(
            ["flock", f"{STORE}/.postern/{CLIENT}/lock", "-c",
             "echo locked; read x"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "locked\n"
        running = backup.start("--json")
        backup.wait_pid(backup.store, "^postern-backup receive")
        holder.stdin.write("\n")
        holder.stdin.close()
        done = running.end()
    assert done.rc == 0, str(done)
    assert backup.stored(DATA) == backup.source(DATA)


def test_a_quota_goes_for_empty_files_too(backup):
    """A sixteenth of the bytes of the disk: a sixteenth of its 2000 inodes."""
    backup.setup(root=DATA, disk_kib=16384, accept=("--quota", "1M"))
    backup.files({f"{DATA}/d/{i}": "" for i in range(300)})
    done = backup.run("-q", expect=1)
    assert "over its quota" in done.err and "inodes" in done.err, done.err
    assert backup.snapshots() == [] and not backup.incoming().exists()
    backup.client.run(["sh", "-c", f"rm {DATA}/d/[12]*"])
    backup.run()
    assert backup.stored(DATA) == backup.source(DATA)


def test_quota_ends_a_run_that_goes_over_it(backup):
    backup.setup(root=DATA, disk_kib=24576, accept=("--quota", "4M"))
    backup.files({f"{DATA}/a": os.urandom(MB)})
    backup.run()
    was = free(backup)
    backup.files({f"{DATA}/b{i}": os.urandom(MB) for i in range(12)})
    done = backup.run("-q", "--bandwidth", "5M", expect=1)
    assert "quota" in done.err, done.err
    assert len(backup.snapshots()) == 1 and not backup.incoming().exists()
    assert was - free(backup) < MB // 4
    runs = backup.store.read(f"{STORE}/.postern/{CLIENT}/runs")
    assert "failed" in runs.splitlines()[-1]
    for i in range(2, 12):
        backup.client.path(f"{DATA}/b{i}").unlink()
    backup.run()
    one, two = backup.snapshots()
    # Three of four are used, and a snapshot has two on the average. To take
    # the first away would free nothing: the second has all of it.
    backup.files({f"{DATA}/a": os.urandom(MB)})
    done = backup.run("-q", expect=1)
    assert "its quota is 4194304 bytes, it uses 31" in done.err, done.err
    assert backup.snapshots() == [one, two]
    assert not backup.incoming().exists()
    # The owner's file goes before what accept wrote.
    backup.policy(f"[store]\ndir = {STORE}\n[client {CLIENT}]\nquota = 8M\n")
    backup.run("-q")
    assert backup.snapshots()[:2] == [one, two]
    assert backup.stored(DATA) == backup.source(DATA)


def test_quota_counts_what_broken_runs_have_left(backup):
    """Each of many runs brings a part and breaks: together they may not take
    more than one could."""
    backup.setup(root=DATA, disk_kib=24576, accept=("--quota", "4M"))
    for i in range(4):
        backup.files({f"{DATA}/f{i}": os.urandom(MB * 3 // 2)})
        running = backup.start("--json", "--bandwidth", "1M")
        backup.wait_pid(backup.store, r"^/usr/bin/rsync --rsh")
        proc.wait_for(lambda: (backup.incoming() / f"srv/data/f{i}").exists()
                      or running.popen.poll() is not None, 30, "file")
        if running.popen.poll() is None:
            running.kill()
        running.end()
        proc.wait_for(lambda: not backup.pids(
            backup.store, "^postern-backup receive"), 20, "end there")
        size = sum(os.lstat(p).st_blocks * 512 for p, _ in
                   proc.walk(str(backup.incoming())))
        assert size < 5 * MB, i
    done = backup.run("-q", expect=1)
    assert "quota" in done.err, done.err


def test_rate_limit_counts_from_begin_to_begin(backup):
    backup.setup(root=DATA,
                 policy=f"[store]\ndir = {STORE}\nrate-limit = 1h\n")
    backup.files({f"{DATA}/a": "a"})
    backup.run()
    done = backup.run("-q", expect=75)
    assert "the store allows one in 3600 s" in done.err, done.err
    runs = f"{STORE}/.postern/{CLIENT}/runs"
    words = backup.store.read(runs).split(" ")
    # As if it had begun an hour and ended half an hour ago.
    words[0] = str(int(words[0]) - 1801)
    words[6] = "1800"
    backup.store.write(runs, " ".join(words), mode=0o600)
    backup.own(backup.store, runs)
    backup.run()
    assert len(backup.snapshots()) == 2


def test_retention_follows_a_good_run_and_no_failed_one(backup):
    backup.setup(root=DATA, policy=f"[store]\ndir = {STORE}\nkeep-last = 2\n")
    backup.files({f"{DATA}/a": "a"})
    for _ in range(3):
        backup.run()
    assert len(backup.snapshots()) == 2
    # There is one too many now; but a run has to be good to take it away.
    backup.policy(f"[store]\ndir = {STORE}\nkeep-last = 1\n")
    kept = backup.snapshots()
    secret = backup.client.path(f"{DATA}/secret")
    send = backup.client.path("/opt/postern/tools/backup/postern-backup-send")
    held = os.getxattr(send, "security.capability")
    backup.files({f"{DATA}/secret": "root's own"}, mode=0o600)
    os.removexattr(send, "security.capability")
    done = backup.run(expect=1)
    # It went all the way to the store's receiver.
    assert "some files could not be copied" in done.err, str(done)
    assert backup.snapshots() == kept
    os.setxattr(send, "security.capability", held)
    assert secret.exists()
    done = backup.run()
    assert backup.snapshots() == [done.snapshot]


def test_clock_of_the_store_set_back(backup):
    """A snapshot of the future stands there: the next one has the earlier
    time, is built upon what there is, and nothing is taken for old."""
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a": "a", f"{DATA}/b": "b"})
    backup.run()
    at = backup.store.path(f"{STORE}/{CLIENT}")
    now, = backup.snapshots()
    time = int(now.rpartition(".")[2]) + 400 * 86400
    date = backup.store.run(["date", "-u", "-d", f"@{time}", "+%F"]
                            ).stdout.strip()
    future = f"{CLIENT}.{date}.{time}"
    (at / now).rename(at / future)
    backup.files({f"{DATA}/b": "B"})
    done = backup.run()
    assert backup.snapshots() == [done.snapshot, future]
    assert backup.stored(DATA, 0) == backup.source(DATA)
    one, two = (os.lstat(at / s / "srv/data/a") for s in backup.snapshots())
    assert one.st_ino == two.st_ino


def test_others_lose_history_for_a_run_in_turn_and_only_by_the_setting(
        backup):
    backup.setup(root=DATA, disk_kib=32768)
    theirs = {"desktop": [], "tower": []}
    for name, names in theirs.items():
        backup.accept(name, backup.make_key(backup.client, f"{name}_key"))
        backup.conf(root=DATA, key=f"{CONF}/{name}_key")
        for _ in range(3):
            backup.files({f"{DATA}/a": os.urandom(2 * MB)})
            names.append(backup.run().snapshot)
    backup.conf(root=DATA)
    # Two of theirs make room for it.
    need = (free(backup) + 3 * MB) >> 20
    policy = f"[store]\ndir = {STORE}\nmin-free = {need}M\nevict-others = "
    backup.policy(f"{policy}no\n")
    backup.files({f"{DATA}/a": "small"})
    done = backup.run("-q", expect=1)
    assert "are needed" in done.err, done.err
    assert {n: backup.snapshots(n) for n in theirs} == theirs
    backup.policy(f"{policy}yes\n")
    backup.run()
    assert {n: backup.snapshots(n) for n in theirs} == {
        n: names[1:] for n, names in theirs.items()}
    assert len(backup.snapshots()) == 1
