# SPDX-License-Identifier: ISC
"""kill -9 where no other test has it: of the look for what has changed, of the
store once rsync is over; and what of a key, or of anything, is left then."""

import os
import re
import stat

import pytest

from backuplib import CLIENT, STORE, TOOLS, backup  # noqa: F401
from directlib import needles as key_needles
from directlib import private_keys
from lab import proc, secrets
from test_backup_attack import FakeSender
from test_backup_changes import CACHE, listed, phases, settle
from test_backup_secrets import elsewhere, needles

DATA = "/srv/data"
KEYS = "/home/backup/.ssh/authorized_keys"
AT = f"{STORE}/{CLIENT}"
POLICY = f"[store]\ndir = {STORE}\nkeep-last = 2\n"

# The look dies as it opens its second folder.
SHOT = f"""#!/bin/sh
case "$*" in *--scan*) ;; *) exec {TOOLS}/send.saved "$@" ;; esac
exec strace -qq -o /dev/null -e trace=getdents64 \\
	-e inject=getdents64:signal=KILL:when=3 -- {TOOLS}/send.saved "$@"
"""


def tree(b):
    """Of a file system that is known, and not quite young."""
    b.client.run(f"mkdir -p {DATA} && mount -t tmpfs t {DATA}")
    b.files({f"{DATA}/{n}": n for n in ("a", "sub/b", "sub/deep/c")})
    b.client.run(["chown", "-R", "backup:", DATA])
    settle()


def quiet(b):
    proc.wait_for(lambda: not [p for h in (b.client, b.store) for p in b.pids(
        h, "postern-backup|rsync |^ssh ")], 30, "end of all")


def test_a_look_that_is_killed_costs_its_list_and_nothing_else(backup):
    b = backup
    b.setup(root=DATA)
    tree(b)
    before = b.leftovers()
    b.run()
    assert listed(b.run("--json")), "the premise of what comes"
    # The first look: the store has all looked at, and then the late one dies.
    b.files({f"{DATA}/sub/b": "changed"})
    with FakeSender(b, SHOT):
        done = b.run("--json")
    assert "link" not in phases(done), str(done)
    assert b.stored(DATA) == b.source(DATA)
    # Nothing of either is left to go by.
    assert not listed(b.run("--json"))
    assert listed(b.run("--json"))
    assert b.stored(DATA) == b.source(DATA)
    assert len(os.listdir(b.client.path(CACHE))) == 1
    before.settle()
    b.client.run(["umount", "-l", DATA])


# Of the store's own calls, one in each step after rsync: (call, which, where).
# rsync's are in folders of another name, since its jail has its own root.
STEPS = {
    "link": ("linkat", 1, f"{AT}/.incoming{DATA}"),
    "sync": ("syncfs", 1, AT),
    "name": ("renameat2", 1, AT),
    "named": ("fsync", 1, AT),
    "retention": ("renameat", 1, AT),
    "removal": ("unlinkat", 1, f"{AT}/.trash-{{old}}"),
    "manifest": ("pwrite64", 1, f"{STORE}/.postern/{CLIENT}/catalog.db-wal"),
}


class Receive:
    """The store's receive is killed as it enters a call."""

    def __init__(self, b, call, which, where):
        self.b, self.was = b, b.store.read(KEYS)
        self.line = re.sub(
            r'command="', 'command="strace -f -qq -o /dev/null -P '
            f"{where} -e trace={call} -e "
            f"inject={call}:signal=KILL:when={which} ", self.was)
        assert self.line != self.was

    def put(self, line):
        self.b.store.write(KEYS, line, mode=0o600)
        self.b.own(self.b.store, KEYS)

    def __enter__(self):
        self.put(self.line)

    def __exit__(self, kind, value, trace):
        self.put(self.was)


@pytest.fixture
def steps(backup):  # noqa: F811
    """Two snapshots, of which each good run takes one away."""
    b = backup
    b.setup(root=DATA, policy=POLICY)
    tree(b)
    for _ in range(2):
        b.run()
    known(b)
    yield b
    b.client.run(["umount", "-l", DATA])
    quiet(b)
    keys = needles(b)
    hits = secrets.search([b.client, b.store], keys)
    assert elsewhere(hits) == [], secrets.report(hits)


def known(b):
    b.has = {n: b.stored(DATA, n) for n in b.snapshots()}


def broken(b, before):
    done = b.run("--json", expect=None)
    assert done.rc == 1, str(done)
    assert "backup@h2: " in done.of("result")[0]["why"], str(done)
    quiet(b)
    before.settle(20)
    # What has a name is whole: what it was, or all that there is now.
    for name in b.snapshots():
        want = b.has.get(name, b.source(DATA))
        assert b.stored(DATA, name) == want, name


def good(b):
    """It has all, and nothing of the killed one is left."""
    made = b.run("--json").snapshot
    assert b.stored(DATA) == b.source(DATA)
    names = b.snapshots()
    assert made == names[-1] and len(names) == 2, names
    left = set(os.listdir(b.store.path(AT))) - set(names)
    assert not [n for n in left if n.startswith((".trash", ".incoming"))], left
    known(b)
    b.owner("verify", "--store", STORE, CLIENT)


def test_receive_killed_in_each_step_after_rsync(steps):
    b = steps
    before = b.leftovers()
    for name, (call, which, where) in STEPS.items():
        b.files({f"{DATA}/now": name})
        b.client.run(["chown", "backup:", f"{DATA}/now"])
        with Receive(b, call, which, where.format(old=b.snapshots()[0])):
            broken(b, before)
        good(b)


@pytest.mark.parametrize("hook", ["before", "after"])
def test_receive_killed_by_what_it_runs(steps, hook):
    b = steps
    before = b.leftovers()
    b.files({f"{DATA}/now": hook})
    b.policy(f"{POLICY}{hook} = kill -9 $PPID\n")
    n = len(b.snapshots())
    broken(b, before)
    # Its last command comes when all is there; the first before anything is.
    assert (set(b.snapshots()) == set(b.has)) == (hook == "before")
    assert len(b.snapshots()) == n
    b.policy(POLICY)
    good(b)


def under_way(b):
    b.files({f"{DATA}/big": os.urandom(1_500_000)})
    running = b.start("--json")
    running.wait_event(lambda e: e["event"] == "progress" and e["bytes"] > 0,
                       what="byte that has arrived")
    return running


def test_the_stores_sshd_killed_in_direct_mode(backup):
    """What it held was the words alone: the files came another way."""
    b = backup
    b.setup(root=DATA, mode="direct", bandwidth="300K")
    before = b.leftovers()
    running = under_way(b)
    assert proc.kill(b.pids(b.store, f"^{proc.SSHD}: backup@notty")) > 0
    done = running.end()
    assert done.rc != 0 and done.of("result")[0]["why"], str(done)
    quiet(b)
    before.settle(20)
    assert b.snapshots() == []
    b.conf(root=DATA, mode="direct")
    assert b.run("--json").of("answer")[0]["resumed"] is True
    assert b.stored(DATA) == b.source(DATA)


@pytest.mark.parametrize("mode", ["channel", "direct"])
def test_a_killed_run_leaves_a_folder_that_tells_nobody_anything(
        backup, mode):  # noqa: F811
    """It goes with the next run, wherever that has its own. It is the user's
    alone, and has what the sender is told to read; of a key nothing is
    anywhere but in its file."""
    b = backup
    b.setup(root=DATA, mode=mode, bandwidth="300K")
    keys = needles(b)
    running = under_way(b)
    if mode == "direct":
        for host in (b.client, b.store):
            found = private_keys(host)
            assert found, host.name
            for text in found.values():
                keys += key_needles(text)[1]
    running.kill()
    assert running.end().rc != 0
    quiet(b)
    hits = secrets.search([b.client, b.store], keys)
    assert elsewhere(hits) == [], secrets.report(hits)
    folder, = b.client.path("/tmp").glob("postern-backup.*")
    for path in (folder, *folder.iterdir()):
        st = path.lstat()
        # The search has not looked into them for any other key.
        if stat.S_ISREG(st.st_mode):
            assert b"PRIVATE KEY" not in path.read_bytes(), path
        assert not stat.S_IMODE(st.st_mode) & 0o077, path
        assert st.st_uid == b.client.path("/home/backup").stat().st_uid
    # The next one may have its own elsewhere: one by cron, one from a login.
    b.client.run("install -d -o backup -m 700 /run/user/4001")
    b.ENV = {**b.ENV, "XDG_RUNTIME_DIR": "/run/user/4001"}
    b.conf(root=DATA, mode=mode)
    assert b.run("--json").of("answer")[0]["resumed"] is True
    assert not list(b.client.path("/tmp").glob("postern-backup.*"))
    assert os.listdir(b.client.path("/run/user/4001")) == []
    b.client.run("rmdir /run/user/4001")
