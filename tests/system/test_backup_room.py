# SPDX-License-Identifier: ISC
"""What has to be free on the store's disk before a run; and a look at that disk
which fails when all has come."""

import os
import re
import signal
import subprocess

from backuplib import CLIENT, HOME, STORE, backup  # noqa: F401
from lab import faults, proc
from test_backup_space import DATA, MB, fill, record

AT = f"{STORE}/{CLIENT}"
KEYS = f"{HOME}/.ssh/authorized_keys"


def policy(b, words):
    b.policy(f"[store]\ndir = {STORE}\nmin-free = 64K\n"
             f"[client {CLIENT}]\n{words}\n")


# Before a run

def average(b):
    """What a snapshot takes. The oldest was the whole once."""
    took = [record(b, n)["added"] for n in b.snapshots()[1:]]
    return sum(took) // len(took)


def test_the_oldest_goes_where_less_is_free_than_a_snapshot_takes(backup):
    """Each of these runs brings next to nothing, and far more than min-free
    is free: it is the average that a run has to have room for."""
    b = backup
    b.setup(root=DATA, disk_kib=24 << 10)
    policy(b, "min-keep = 3")
    names = []
    for _ in range(3):
        b.files({f"{DATA}/a": os.urandom(4 * MB)})
        names.append(b.run().snapshot)
    fill(b, average(b) + MB)
    names.append(b.run().snapshot)
    assert b.snapshots() == names
    need = average(b)
    assert 2 * MB < need < 3 * MB
    fill(b, need - MB // 2)
    policy(b, "min-keep = 4")
    done = b.run("-q", expect=1)
    assert f"{need} are needed" in done.err, str(done)
    assert b.snapshots() == names
    # One goes, for that is enough, and it is the oldest that may.
    b.owner("pin", "--store", STORE, names[0])
    policy(b, "min-keep = 3")
    names.append(b.run().snapshot)
    gone = names.pop(1)
    assert b.snapshots() == names
    runs = b.store.read(f"{STORE}/.postern/{CLIENT}/runs").splitlines()
    assert runs[-1].replace(r"\040", " ").endswith(
        f" 1 removed for space: {gone}"), runs[-1]
    assert b.stored(DATA) == b.source(DATA)


# When all has come

def traced(b, *words):
    """From now on receive runs under strace; what it was without."""
    was = b.store.read(KEYS)
    line = was.replace('command="', 'command="' + " ".join(
        ["strace", *words, "-f", "-qq", *faults.NO_LEAKS, "-P", AT, ""]))
    assert line != was
    b.store.write(KEYS, line, mode=0o600)
    b.own(b.store, KEYS)
    return was


def untraced(b, was):
    b.store.write(KEYS, was, mode=0o600)
    b.own(b.store, KEYS)


STOPPED = "/tmp/stopped"


def who_synced(b):
    """The thread that has, by the host's numbers, once it is stopped."""
    if not b.store.exists(STOPPED):
        return None
    found = re.search(r"^(\d+) +syncfs\((?s:.*)^\1 .*stopped by SIGSTOP",
                      b.store.read(STOPPED), re.M)
    return found and found[1]


def alone(pid):
    """Nobody traces any of its threads."""
    return all(re.search(rb"^TracerPid:\t0$", proc.read(
        f"/proc/{pid}/task/{t}/status"), re.M)
        for t in os.listdir(f"/proc/{pid}/task"))


def run_whose_last_look_fails(b, nth):
    """It is stopped when all has come and is on the disk, and the nth question
    to the file system that then comes from there fails. One strace follows
    the other, since a run asks the same before, nobody knows how often."""
    was = traced(b, "-D", "-o", STOPPED, "-e", "trace=syncfs", "-e",
                 "inject=syncfs:signal=STOP:when=1")
    running = b.start("--json")
    try:
        tid = proc.wait_for(lambda: who_synced(b), 30, "stop after the sync")
        pid, = b.pids(b.store, "^postern-backup receive")
        proc.kill(b.pids(b.store, "^strace "))
        proc.wait_for(lambda: alone(pid), 10, "end of the first strace")
        with b.store.popen(
                ["strace", "-p", tid, "-o", "/dev/null", "-e", "trace=fstatfs",
                 "-e", f"inject=fstatfs:error=EIO:when={nth}"],
                stderr=subprocess.PIPE, text=True) as second:
            try:
                assert "attached" in second.stderr.readline()
                proc.kill([pid], signal.SIGCONT)
                return running.end()
            except BaseException:
                second.kill()
                raise
    finally:
        running.kill()
        proc.kill(b.pids(b.store, "^postern-backup receive"), signal.SIGCONT)
        untraced(b, was)


def limited(b):
    """A first run to come, with a limit. What it brings is all hole: that it
    takes nothing on the disk is to be seen there only."""
    b.setup(root=DATA)
    policy(b, "")
    b.files({f"{DATA}/a": "a"})
    with open(b.client.path(f"{DATA}/hole"), "wb") as f:
        f.truncate(8 * MB)


def is_kept(b, done):
    """It has failed; what had come is there for the next."""
    assert done.rc == 1, str(done)
    why = done.of("result")[0]["why"]
    assert "Input/output error" in why, why
    assert b.snapshots() == [] and b.incoming().exists()
    assert b.run("--json").of("answer")[0]["resumed"] is True
    assert b.stored(DATA) == b.source(DATA)
    return why


def test_a_last_look_that_fails_takes_nothing_away(backup):
    b = backup
    limited(b)
    assert "statvfs" in is_kept(b, run_whose_last_look_fails(b, 1))


def test_what_can_not_be_synced_is_not_looked_at_and_kept(backup):
    b = backup
    limited(b)
    was = traced(b, "-o", "/dev/null", "-e", "trace=syncfs", "-e",
                 "inject=syncfs:error=EIO:when=1")
    done = b.run("--json", expect=None)
    untraced(b, was)
    assert "syncfs" in is_kept(b, done)


def test_where_the_disk_can_not_be_asked_what_came_is_weighed(backup):
    b = backup
    limited(b)
    done = run_whose_last_look_fails(b, 2)
    assert done.rc == 0, str(done)
    assert b.stored(DATA) == b.source(DATA)
    assert record(b, done.snapshot)["added"] < MB
