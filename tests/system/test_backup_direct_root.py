# SPDX-License-Identifier: ISC
"""mode = direct where root asks, or root keeps the store, or both: the
one-time sshd is root's then, and so is who comes to it."""

import os
import stat

import pytest

from backuplib import CONF, HOME, STORE, Backup, backup  # noqa: F401
from directlib import DATA, Grant, listening
from lab import proc
from vaultlib import OTHER, UIDS, Vault

ACCOUNT = {"HOME": HOME, "USER": "root", "LOGNAME": "root"}


def by_root(b):
    """The client's commands are root's, and so are its files."""
    def as_user(host, *argv):
        return list(argv) if host is b.client else Backup.as_user(host, *argv)

    def own(host, path):
        who = "root:" if host is b.client else "backup:"
        host.run(["chown", "-R", who, path])

    plain = b.conf

    def conf(more="", job="t", **keys):
        # ssh goes by the user database: to root's own home.
        plain(more, job, **{"known_hosts": f"{CONF}/backup_known_hosts",
                            "key": f"{CONF}/backup_key", **keys})

    b.as_user, b.own, b.conf, b.ENV = as_user, own, conf, ACCOUNT
    return b


def fill(b):
    b.files({f"{DATA}/a": "one\n", f"{DATA}/sub/b": "two\n",
             f"{DATA}/no/hidden-name": "excluded\n"})
    b.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    b.client.run(["chown", "1234:4321", f"{DATA}/sub/b"])
    b.client.run(["chmod", "4755", f"{DATA}/a"])


@pytest.fixture
def root(backup):  # noqa: F811
    b = by_root(backup)
    b.setup(root=DATA, mode="direct", exclude=f"{DATA}/no")
    fill(b)
    return b


@pytest.fixture(params=["the user backup", "root"])
def vault(request, lab):
    """Root's store; who asks is the parameter."""
    made = Vault(lab)
    if request.param == "root":
        by_root(made)
    yield made
    made.close()


def seen(b):
    """What listens on the client, and what is mounted there."""
    return listening(b.client), b.client.run("cat /proc/mounts").stdout


def nothing_is_left(b, before):
    proc.wait_for(lambda: not b.pids(
        b.client, rf"^postern-backup|^\S*{proc.SSHD}:? .*-f /dev/null|^rsync"),
        30,
        "end of all at the client")
    assert seen(b) == before


def test_root_asks_a_plain_users_store(root):
    b = root
    before = seen(b)
    done = b.run("--json")
    want = b.source(DATA, skip=(b"no",))
    assert b.stored(DATA) == want
    record = b.store.read(f"{STORE}/.postern/laptop/snap/{done.snapshot}")
    assert "mode direct\n" in record
    # Owners and modes are there, as --fake-super keeps them.
    kept = os.getxattr(b.snapshot() + b"/srv/data/sub/b", "user.rsync.%stat")
    assert b"1234:4321" in kept
    kept = os.getxattr(b.snapshot() + b"/srv/data/a", "user.rsync.%stat")
    assert kept.startswith(b"104755 ")
    b.client.path(f"{DATA}/sub/b").unlink()
    b.run()
    one, two = (os.stat(b.snapshot(i) + b"/srv/data/secret") for i in (0, 1))
    assert one.st_ino == two.st_ino
    assert b.stored(DATA) == b.source(DATA, skip=(b"no",))
    nothing_is_left(b, before)


def test_what_root_excludes_has_no_names_for_the_store_either(root):
    """A store that means harm, with the key of root's one-time sshd."""
    b = root
    grant = Grant(b, exclude=f"{DATA}/no")
    assert grant.user == "root"
    done = grant.ssh("rsync --server --sender -nlHogDtpAXrRe.iLsfxCIvu "
                     f"--numeric-ids . {DATA}/no")
    assert done.returncode != 0 and "not a root" in done.stderr, done
    done = grant.ssh("id")
    assert done.returncode != 0 and "uid=0" not in done.stdout, done
    grant.end()


def test_each_end_of_a_run_killed_leaves_nothing(root):
    b = root
    b.files({f"{DATA}/big": os.urandom(3 << 20)})
    before = seen(b)
    for pattern, host in ((r"^postern-backup run", b.client),
                          (r"^postern-backup receive", b.store)):
        running = b.start("--json", "--bandwidth", "300K")
        running.wait_event(lambda e: e["event"] == "progress"
                           and e["bytes"] > 0, what="byte that has arrived")
        assert proc.kill(b.pids(host, pattern)) > 0
        running.end()
        nothing_is_left(b, before)
    assert b.snapshots() == []
    assert b.run("--json").of("answer")[0]["resumed"] is True
    assert b.stored(DATA) == b.source(DATA, skip=(b"no",))


@pytest.mark.parametrize("kind", ["ext4", "btrfs"])
def test_root_keeps_the_store(vault, kind):
    b = vault
    b.setup(kind=kind, root=DATA, mode="direct", exclude=f"{DATA}/no")
    fill(b)
    before = seen(b)
    b.run()
    b.run("other")
    b.files({f"{DATA}/sub/b": "changed\n"})
    b.run()
    assert b.stored(DATA) == b.source(DATA, skip=(b"no",))
    assert b.stored(DATA, name=OTHER)[b"sub/b"] == ("file", b"two\n")
    for name, uid in UIDS.items():
        assert b.owners(os.fsdecode(b.snapshot(name=name))) == {(uid, uid)}
    nothing_is_left(b, before)


def test_root_keeps_the_store_with_real_metadata(vault):
    b = vault
    b.setup(kind="ext4", users=False, more="metadata = real\n", root=DATA,
            mode="direct", exclude=f"{DATA}/no")
    fill(b)
    b.run()
    st = os.stat(b.snapshot() + b"/srv/data/sub/b")
    assert (st.st_uid, st.st_gid) == (1234, 4321)
    st = os.stat(b.snapshot() + b"/srv/data/a")
    assert stat.S_IMODE(st.st_mode) == 0o4755
    assert b.stored(DATA) == b.source(DATA, skip=(b"no",))
