# SPDX-License-Identifier: ISC
"""What rsync changes in place is one file, and its own: no snapshot changes
with a later run, no name with another, on either back end."""

import os
import signal

import pytest

from backuplib import CLIENT, STORE, backup  # noqa: F401
from lab import faults, proc
from test_backup_restore import ACCESS

DATA = "/srv/data"
KINDS = ("hardlink", "btrfs")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def made(kind, backup):  # noqa: F811
    """A store on that file system, and some files at the client."""
    b = backup
    b.setup(store="/srv/before" if kind == "btrfs" else STORE, root=DATA,
            beat="500ms")
    if kind == "btrfs":
        b.disk = faults.small_disk(b.store, STORE, 256 << 10, kind=kind)
        b.disk.__enter__()
        b.store.run(["chown", "backup:", STORE])
        b.store.run(["chmod", "700", STORE])
        b.dir = STORE
        b.policy(f"[store]\ndir = {STORE}\n")
        b.accept(CLIENT, b.make_key(b.client), "--allow", "run,restore")
    b.kind = kind
    b.files({f"{DATA}/a/{n}": n for n in ("mode", "owner", "acl", "xattr",
                                          "same", "content")})
    os.makedirs(b.client.path(f"{DATA}/a/folder"))
    return b


def state(top):
    """All that is known of each entry: neither inode nor number of names,
    which a later snapshot may change."""
    found = {}
    for path, st in proc.walk(top):
        attrs = {} if os.path.islink(path) else {
            n: os.getxattr(path, n) for n in os.listxattr(path)}
        content = None
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as f:
                content = f.read()
        found[path[len(top):]] = (st.st_mode, st.st_uid, st.st_gid,
                                  st.st_size, st.st_mtime_ns, content, attrs)
    return found


def real(b, name, which=-1):
    """Mode and owner of a file as they were backed up."""
    path = b.snapshot(which) + os.fsencode(f"{DATA}/{name}")
    try:
        mode, _, owner = os.getxattr(path, "user.rsync.%stat").split()
        return int(mode, 8) & 0o7777, owner
    except OSError:
        return os.lstat(path).st_mode & 0o7777, b"0:0"


def changed_attributes(b):
    """Of five files; size, time and content stay."""
    at = b.client.path
    os.chmod(at(f"{DATA}/a/mode"), 0o4711)
    os.chown(at(f"{DATA}/a/owner"), 1234, 4321)
    os.setxattr(at(f"{DATA}/a/acl"), "system.posix_acl_access", ACCESS)
    os.setxattr(at(f"{DATA}/a/xattr"), "user.note", b"new")
    os.chmod(at(f"{DATA}/a/folder"), 0o1777)


def are_new(b):
    assert real(b, "a/mode") == (0o4711, b"0:0")
    assert real(b, "a/owner") == (0o644, b"1234:4321")
    assert real(b, "a/folder")[0] == 0o1777
    top = b.snapshot() + os.fsencode(DATA)
    assert os.getxattr(top + b"/a/xattr", "user.note") == b"new"
    acl = "user.rsync.%aacl"
    assert acl in os.listxattr(top + b"/a/acl")
    assert b.stored(DATA) == b.source(DATA)


def test_attributes_that_change_change_no_older_snapshot(made):
    b = made
    b.run()
    was = state(b.snapshot(0))
    changed_attributes(b)
    b.run()
    are_new(b)
    assert state(b.snapshot(0)) == was


def broken(b, at_least=1):
    """A run that ends in the midst of a file; it has linked the others by
    then."""
    running = b.start("--json", "--bandwidth", "300K")
    running.wait_event(lambda e: e["event"] == "progress"
                       and e["bytes"] >= at_least, what="bytes")
    running.kill(signal.SIGKILL)
    running.end()
    proc.wait_for(lambda: not b.pids(
        b.store, "^postern-backup receive|^/usr/bin/rsync"), 30,
        "end at the store")
    assert b.incoming().exists()


def test_a_broken_run_that_is_gone_on_with_changes_no_snapshot(made):
    """The client does so on purpose: break off, change, run again."""
    b = made
    b.run()
    was = state(b.snapshot(0))
    b.files({f"{DATA}/z": os.urandom(1_500_000)})
    broken(b)
    if b.kind == "hardlink":
        # So it is the snapshot's own inode.
        for name in ("mode", "owner", "acl", "xattr"):
            assert os.stat(b.incoming() / DATA[1:] / "a" / name
                           ).st_nlink == 2
    changed_attributes(b)
    done = b.run("--json")
    assert done.of("answer")[0].get("resumed") is True
    are_new(b)
    assert state(b.snapshot(0)) == was
    if b.kind == "hardlink":
        # What did not change is shared all the same.
        one, two = (os.stat(b.snapshot(i) + b"/srv/data/a/same")
                    for i in (0, 1))
        assert one.st_ino == two.st_ino


def together(b, *names, which=-1):
    """How many files these names are in the snapshot."""
    top = b.snapshot(which) + os.fsencode(f"{DATA}/h/")
    return len({os.stat(top + n.encode()).st_ino for n in names})


def test_names_that_are_one_file_no_longer_stay_apart(made):
    b = made
    at = b.client.path
    b.files({f"{DATA}/h/{n}1": n * 1000 for n in ("content", "mode", "kept",
                                                  "moved", "three")})
    b.files({f"{DATA}/h/large1": os.urandom(3_000_000)})
    for n in ("content", "mode", "kept", "moved", "three", "large"):
        os.link(at(f"{DATA}/h/{n}1"), at(f"{DATA}/h/{n}2"))
    os.link(at(f"{DATA}/h/three1"), at(f"{DATA}/h/three3"))
    b.run()
    was = state(b.snapshot(0))
    assert together(b, "content1", "content2") == 1
    # Another file takes the name, as any editor or package does it.
    b.files({f"{DATA}/new": "other content", f"{DATA}/new2": "three" * 1000,
             f"{DATA}/new3": "third"})
    at(f"{DATA}/new").rename(at(f"{DATA}/h/content2"))
    copy(b, "mode1", "mode2")
    os.chmod(at(f"{DATA}/h/mode2"), 0o600)
    at(f"{DATA}/new3").rename(at(f"{DATA}/h/three3"))
    # And two files become one.
    at(f"{DATA}/h/moved2").unlink()
    os.link(at(f"{DATA}/h/content1"), at(f"{DATA}/h/moved2"))
    b.run()
    assert b.stored(DATA) == b.source(DATA)
    assert together(b, "content1", "content2") == 2
    assert together(b, "content1", "moved2") == 1
    assert together(b, "mode1", "mode2") == 2
    assert (real(b, "h/mode1")[0], real(b, "h/mode2")[0]) == (0o644, 0o600)
    assert together(b, "three1", "three2", "three3") == 2
    assert together(b, "kept1", "kept2") == 1
    assert state(b.snapshot(0)) == was
    # Nothing of what is still one file was sent anew.
    done = b.run("--json")
    assert done.of("result")[0]["added"] == 0, str(done)
    assert b.stored(DATA) == b.source(DATA)
    assert together(b, "large1", "large2") == 1
    b.owner("verify", "--store", STORE, CLIENT)


def copy(b, one, two):
    """A file of its own, of the same size, time and content."""
    b.client.run(f"cd {DATA}/h && cp -p {one} x && mv x {two}")


def test_what_had_come_of_a_file_that_is_gone_does_not_stay(backup):
    b = backup
    b.setup(root=DATA, beat="500ms")
    b.files({f"{DATA}/sub/big": os.urandom(1_500_000), f"{DATA}/a": "a"})
    broken(b)
    part = b.incoming() / DATA[1:] / "sub/.postern-partial"
    assert os.listdir(part) == ["big"]
    b.client.path(f"{DATA}/sub/big").unlink()
    b.files({f"{DATA}/sub/other": "x"})
    done = b.run("--json")
    assert done.of("answer")[0].get("resumed") is True
    assert b.stored(DATA) == b.source(DATA)


# What is asked for changes

def test_what_is_excluded_since_is_in_no_later_snapshot(made):
    """In place, on btrfs; gone on with, where names are linked."""
    b = made
    b.files({f"{DATA}/{n}": n for n in ("x.o", "sub/y.o", "cache/z",
                                        "deep/er/cache/z")})
    b.files({"/srv/other/f": "other"})
    b.conf(root=[DATA, "/srv/other"], beat="500ms")
    b.run()
    b.files({f"{DATA}/z": os.urandom(1_500_000)})
    broken(b)
    assert os.path.exists(b.incoming() / DATA[1:] / "cache/z")
    b.conf(root=DATA, exclude=["*.o", f"{DATA}/cache"], beat="500ms")
    done = b.run("--json")
    assert done.of("answer")[0].get("resumed") is True
    gone = (b"x.o", b"sub/y.o", b"cache")
    for _ in range(2):
        assert b.stored(DATA) == b.source(DATA, skip=gone)
        assert os.listdir(b.snapshot() + b"/srv") == [b"data"]
        b.run()
    assert os.path.exists(b.snapshot(0) + b"/srv/data/cache/z")
