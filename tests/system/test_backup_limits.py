# SPDX-License-Identifier: ISC
"""What the store's owner sets, through a real sshd: times, quotas, what a key
may ask for, the back end; and that nothing goes which somebody reads."""

import os
import re
import signal
import time

import pytest

from backuplib import (CLIENT, CONF, HOME, POSTERN, STORE,  # noqa: F401
                       backup)
from lab import faults, proc

DATA = "/srv/data"
MB = 1 << 20
ALL = ("--allow", "run,list,restore,verify")


def policy(b, store="", client=""):
    b.policy(f"[store]\ndir = {STORE}\n{store}[client {CLIENT}]\n{client}")


# Times

@pytest.mark.parametrize("mode", ["channel", "direct"])
@pytest.mark.parametrize("where", ["store", "client"])
def test_the_owners_timeout_ends_a_run_and_the_next_goes_on(
        backup, mode, where):
    b = backup
    b.setup(root=DATA, mode=mode, beat="500ms")
    b.files({f"{DATA}/big": os.urandom(3 * MB), f"{DATA}/a": "a"})
    # The client's own limit goes before the store's.
    policy(b, **{"store": "timeout = 1h\n", "client": "timeout = 3s\n"}
           if where == "client" else {"store": "timeout = 3s\n"})
    before = b.leftovers()
    done = b.run("--json", "--bandwidth", "100K", expect=75)
    assert "the time that the store allows" in done.of("result")[0]["why"]
    before.settle(20)
    assert b.snapshots() == [] and b.incoming().exists()
    line = b.store.read(f"{STORE}/.postern/{CLIENT}/runs").split(" ")
    assert line[1:4] == ["run", "failed", "-"], line
    done = b.run("--json")
    assert done.of("answer")[0].get("resumed") is True
    assert b.stored(DATA) == b.source(DATA)


# Room

def test_the_clients_own_oldest_go_for_its_quota(backup):
    b = backup
    b.setup(root=DATA, disk_kib=64 << 10, accept=("--quota", "10M"))
    policy(b)
    names = []
    for _ in range(4):
        b.files({f"{DATA}/a": os.urandom(3 * MB)})
        names.append(b.run("--json").snapshot)
    # Three of 3 MiB fit, and one more takes about as much.
    assert b.snapshots() == names[1:]
    b.owner("pin", names[1])
    b.files({f"{DATA}/a": os.urandom(3 * MB)})
    last = b.run("--json").snapshot
    assert b.snapshots() == [names[1], names[3], last]
    assert b.stored(DATA) == b.source(DATA)
    # Never under min-keep.
    policy(b, client="min-keep = 3\n")
    b.files({f"{DATA}/a": os.urandom(3 * MB)})
    done = b.run("-q", expect=1)
    assert "quota" in done.err, str(done)
    assert b.snapshots() == [names[1], names[3], last]


# What is read stays

def reading(b, snapshot):
    """A restore of it that takes as long as we like."""
    running = b.start(snapshot, DATA, "--to", f"{HOME}/out", cmd="restore")
    pid = b.wait_pid(b.store, r"^/usr/bin/rsync --server --daemon")
    os.kill(pid, 19)
    return running, pid


def test_no_rule_takes_what_a_restore_reads(backup):
    b = backup
    b.setup(root=DATA, accept=ALL, disk_kib=64 << 10)
    names = []
    for _ in range(3):
        b.files({f"{DATA}/a": os.urandom(2 * MB)})
        names.append(b.run("--json").snapshot)
    want = b.stored(DATA, names[0])
    running, pid = reading(b, names[0])
    try:
        policy(b, store="keep-last = 1\n")
        rows = b.owner("prune").out
        assert b.snapshots() == [names[0], names[2]], rows
        assert re.search(rf"{re.escape(names[0])} .*held", rows), rows
        # Nor do the rules after a run, nor the space that one needs.
        free = os.statvfs(b.store.path(STORE))
        policy(b, store="keep-last = 1\nmin-free = "
               f"{free.f_bavail * free.f_frsize + MB}\n")
        b.files({f"{DATA}/a": "small"})
        fourth = b.run("--json").snapshot
        assert b.snapshots() == [names[0], fourth]
    finally:
        os.kill(pid, 18)
        done = running.end()
    assert done.rc == 2, str(done)      # owners, to a plain user
    assert b.source(f"{HOME}/out{DATA}") == want
    policy(b, store="keep-last = 1\n")
    b.owner("prune")
    assert b.snapshots() == [fourth]


def test_what_cat_reads_stays_until_it_is_read(backup):
    """A client that takes its time."""
    b = backup
    b.setup(root=DATA, accept=ALL)
    policy(b)
    b.files({f"{DATA}/a": os.urandom(30 * MB)})
    first = b.run("--json").snapshot
    b.run()
    b.client.run("mkfifo -m 666 /tmp/slow")
    hold = os.open(b.client.path("/tmp/slow"), os.O_RDWR)
    with b.client.popen(b.as_user(
            b.client, "sh", "-c", f"exec {POSTERN} backup cat {first} "
            f"{DATA}/a >/tmp/slow"), env=b.ENV) as p:
        proc.wait_for(lambda: b.pids(b.store, "^postern-backup receive"), 20,
                      "cat at the store")
        proc.wait_for(lambda: "held" in b.owner("list").out, 20, "the hold")
        policy(b, store="keep-last = 1\n")
        b.owner("prune")
        assert first in b.snapshots()
        os.kill(p.target, 9)
    os.close(hold)
    proc.wait_for(lambda: not b.pids(b.store, "^postern-backup receive"), 20,
                  "end at the store")
    b.owner("prune")
    assert first not in b.snapshots()


def stopped(b):
    """A verify that is; not at a call that strace looks at and lets go on."""
    time.sleep(0.02)
    return any(re.search(rb"^State:\t[Tt]", proc.read(f"/proc/{p}/status"),
                         re.M)
               for p in b.pids(b.store, "^postern-backup verify"))


def test_no_rule_takes_what_a_verify_reads(backup):
    """Stopped where it reads the first file that is large."""
    b = backup
    b.setup(root=DATA)
    policy(b)
    b.files({f"{DATA}/big": os.urandom(2 * MB)})
    first = b.run("--json").snapshot
    b.run()
    at = f"{STORE}/{CLIENT}/{first}{DATA}/big"
    with b.store.popen(b.as_user(
            b.store, "strace", "-f", "-qq", "-o", "/dev/null", "-P", at, "-e",
            "trace=read", "-e", "inject=read:signal=STOP:when=1", POSTERN,
            "backup", "verify", "--store", STORE, first),
            env=b.ENV, text=True, stdout=-1, stderr=-1) as p:
        proc.wait_for(lambda: all(stopped(b) for _ in range(9)), 20,
                      "a verify that is stopped")
        policy(b, store="keep-last = 1\n")
        try:
            said = b.owner("prune").out
            kept = b.snapshots()
        finally:
            for pid in b.pids(b.store, "^postern-backup verify"):
                os.kill(pid, signal.SIGCONT)
        assert re.search(rf"{re.escape(first)} .*held", said), said
        assert first in kept
        assert p.wait(30) == 0, p.stderr.read()
    b.owner("prune")
    assert first not in b.snapshots()


# What a key may ask for

def test_the_owners_file_takes_away_what_a_key_was_allowed(backup):
    b = backup
    b.setup(root=DATA, accept=ALL)
    b.files({f"{DATA}/a": "a"})
    name = b.run("--json").snapshot
    asked = {"list": (), "find": ("a",), "verify": (), "cat": (name,
             f"{DATA}/a"), "restore": (name, DATA, "--to", f"{HOME}/out")}
    policy(b, client="allow = run,list\n")
    for cmd, args in asked.items():
        ok = cmd in ("list", "find")
        done = b.run(*args, cmd=cmd, expect=0 if ok else 1)
        assert ok or "not allowed" in done.err, str(done)
    assert not b.client.exists(f"{HOME}/out{DATA}/a")
    # And gives nothing that the key's own line has not.
    policy(b, client="allow = run,list,restore,verify\n")
    b.accept(CLIENT, b.client.read(f"{CONF}/backup_key.pub").strip(),
             "--allow", "list")
    done = b.run(expect=1)
    assert "not allowed" in done.err, str(done)
    b.run(cmd="list")


# How it is reached

@pytest.mark.parametrize("mode", ["channel", "direct"])
def test_the_users_own_ssh_configuration_leads_there(backup, mode):
    """An alias, in a file that the job names or the command line."""
    b = backup
    b.setup(root=DATA, mode=mode)
    b.files({f"{DATA}/a": "a"})
    for name in ("one", "two"):
        b.client.write(f"{HOME}/{name}", f"Host {name}\n\tHostName h2\n"
                       "\tUser backup\n\tHostKeyAlias h2\n")
    path = f"{CONF}/backup.conf"
    for name, conf, more in (("one", "ssh-config = %s/one\n" % HOME, ()),
                             ("two", "", ("-F", f"{HOME}/two"))):
        b.conf(conf, root=DATA, mode=mode)
        b.client.write(path, b.client.read(path).replace("backup@h2", name))
        b.own(b.client, CONF)
        done = b.run("--json", *more)
        assert done.snapshot == b.snapshots()[-1]
        assert b.stored(DATA) == b.source(DATA)
        # Nor does it know the name without that.
        b.run("-q", *(() if more else ("-F", "/dev/null")), expect=75)
    assert len(b.snapshots()) == 2


# The back end

def test_hard_links_on_btrfs_because_the_owner_says_so(backup):
    b = backup
    b.setup(store="/srv/before", root=DATA)
    b.disk = faults.small_disk(b.store, STORE, 256 << 10, kind="btrfs")
    b.disk.__enter__()
    b.store.run(["chown", "backup:", STORE])
    b.store.run(["chmod", "700", STORE])
    b.dir = STORE
    policy(b, store="back-end = hardlink\n")
    b.accept(CLIENT, b.make_key(b.client))
    b.files({f"{DATA}/same": "s", f"{DATA}/other": "o"})
    b.run()
    b.files({f"{DATA}/other": "oo"})
    name = b.run("--json").snapshot
    one, two = (os.stat(b.snapshot(i) + b"/srv/data/same") for i in (0, 1))
    assert (one.st_ino, one.st_dev) == (two.st_ino, two.st_dev)
    assert "backend hardlink\n" in b.store.read(
        f"{STORE}/.postern/{CLIENT}/snap/{name}")
    assert b.stored(DATA) == b.source(DATA)
    # The other way round there is nothing to be had.
    b.close()
    b.setup(root=DATA)
    b.files({f"{DATA}/a": "a"})
    policy(b, store="back-end = btrfs\n")
    done = b.run("-q", expect=1)
    assert "back-end = btrfs" in done.err, str(done)
    assert b.snapshots() == [] and not b.incoming().exists()
