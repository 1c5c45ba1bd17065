# SPDX-License-Identifier: ISC
"""A run that goes by what has changed: what it makes is what a run that looks
at everything makes, and it goes by nothing that it can't be sure of."""

import os
import stat
import time

import pytest

from backuplib import CLIENT, STORE, backup  # noqa: F401
from lab import faults, proc
from test_backup_restore import ACCESS, DEFAULT

DATA = "/srv/data"
CACHE = "/home/backup/.cache/postern/backup"
# A younger file may change once more and have the same ctime: scanner.c.
DOUBT_S = 3.2


def phases(done):
    return [e["phase"] for e in done.of("progress")]


def listed(done):
    """Whether it went by changes; link comes when rsync is over, too."""
    assert ("compare" in phases(done)) == ("link" in phases(done)), str(done)
    return "link" in phases(done)


def attributes(path):
    return {n: os.getxattr(path, n, follow_symlinks=False)
            for n in os.listxattr(path, follow_symlinks=False)}


def whole(root):
    """{path: all that a snapshot has of it}, names of one file together."""
    found, names = {}, {}
    for path, st in proc.walk(root):
        rel = path[len(root):]
        content = None
        if stat.S_ISREG(st.st_mode):
            with open(path, "rb") as f:
                content = f.read()
        elif stat.S_ISLNK(st.st_mode):
            content = os.readlink(path)
        size = 0 if stat.S_ISDIR(st.st_mode) else st.st_size
        found[rel] = [st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, size,
                      content, attributes(path)]
        names.setdefault(st.st_ino, set()).add(rel)
    for same in names.values():
        for rel in same:
            found[rel].append(sorted(same))
    return found


def same_as_source(b):
    """But for what is no file there, and a file here."""
    skip = [b"fifo"]
    return (b.contents(b.snapshot() + os.fsencode(DATA), skip)
            == b.source(DATA, skip))


def settle():
    time.sleep(DOUBT_S)


@pytest.fixture(autouse=True)
def nothing_mounted(backup):  # noqa: F811
    yield
    backup.client.run(f"umount -l {DATA} 2>/dev/null || :")


@pytest.fixture(params=["hardlink", "btrfs"])
def store(request, backup):  # noqa: F811
    b = backup
    if request.param == "hardlink":
        b.setup(root=DATA)
    else:
        b.setup(store="/srv/before", root=DATA)
        b.disk = faults.small_disk(b.store, STORE, 256 << 10, kind="btrfs")
        b.disk.__enter__()
        b.store.run(["chown", "backup:", STORE])
        b.store.run(["chmod", "700", STORE])
        b.dir = STORE
        b.policy(f"[store]\ndir = {STORE}\n")
        b.accept(CLIENT, b.make_key(b.client), "--allow",
                 "run,list,restore,verify")
        b.conf(root=DATA)
    return b


def make_tree(b):
    at = b.client.path(DATA)
    # A file system that is known to keep inode numbers and ctimes.
    b.client.run(f"mkdir -p {DATA} && mount -t tmpfs -o mode=755 t {DATA}")
    b.files({f"{DATA}/{n}": n * 100 for n in (
        "same", "content", "mode", "gone", "to dir", "sub/f",
        "sub/deep/f", "leaving/x/f", "moved/f", "one", "pair", "trio")})
    b.files({f"{DATA}/big": os.urandom(1 << 20)})
    b.files({f"{DATA}/secret/key": "root's own"}, mode=0o600)
    (at / "secret").chmod(0o700)
    for to in ("pair", "trio"):
        os.link(at / to, at / f"sub/{to} again")
    os.link(at / "trio", at / "sub/deep/third")
    os.symlink("same", at / "link")
    os.mkfifo(at / "fifo")
    (at / "to file").mkdir()
    (at / "to file/inside").write_text("x")
    (at / "empty").mkdir()
    os.mkdir(os.fsencode(at) + b"/odd \xff\nname")
    with open(os.fsencode(at) + b"/odd \xff\nname/-f", "w") as f:
        f.write("odd")
    os.setxattr(at / "sub", "user.folder", b"1")
    os.setxattr(at / "sub/f", "system.posix_acl_access", ACCESS)
    os.setxattr(at / "sub/deep", "system.posix_acl_default", DEFAULT)


def change_tree(b):
    at = b.client.path(DATA)
    (at / "content").write_text("CONTENT")
    (at / "mode").chmod(0o4711)
    os.chown(at / "mode", 77, 78)
    (at / "gone").unlink()
    (at / "to dir").unlink()
    (at / "to dir").mkdir()
    (at / "to dir/now").write_text("n")
    (at / "to file/inside").unlink()
    (at / "to file").rmdir()
    (at / "to file").write_text("f")
    (at / "leaving/x/f").unlink()
    (at / "leaving/x").rmdir()
    (at / "leaving").rmdir()
    (at / "moved").rename(at / "sub/moved")
    # Of two names one, of three two, of one another.
    (at / "sub/pair again").unlink()
    (at / "sub/pair again").write_text("on its own")
    (at / "sub/deep/third").unlink()
    os.link(at / "one", at / "one more")
    os.setxattr(at / "sub", "user.folder", b"2")
    os.removexattr(at / "sub/f", "system.posix_acl_access")
    os.setxattr(at / "same", "system.posix_acl_access", ACCESS)
    with open(at / "big", "r+b") as f:
        f.seek(500000)
        f.write(b"changed")
    with open(os.fsencode(at) + b"/odd \xff\nname/-f", "w") as f:
        f.write("odder")


def test_it_makes_what_a_run_that_looks_at_everything_makes(store):
    b = store
    make_tree(b)
    settle()
    assert not listed(b.run("--json"))
    first = whole(b.snapshot())
    change_tree(b)
    done = b.run("--json")
    assert listed(done)
    told = whole(b.snapshot())
    assert same_as_source(b)
    b.conf(root=DATA, files_cache="no")
    assert not listed(b.run("--json"))
    full = whole(b.snapshot())
    odd = {n: (told.get(n), full.get(n)) for n in {*told, *full}
           if told.get(n) != full.get(n)}
    assert not odd, repr(odd)
    # Nothing of it reached the one before.
    assert whole(b.snapshot(0)) == first
    found = b.owner("verify", "--store", b.dir, b.name)
    assert " 0 found" in found.out, str(found)


def test_with_no_change_no_rsync_is_asked(store):
    b = store
    make_tree(b)
    settle()
    b.run()
    # What is above the roots changes with them: seen once more.
    b.run()
    settle()
    b.run()
    done = b.run("--json")
    assert listed(done) and "transfer" not in phases(done), str(done)
    assert whole(b.snapshot()) == whole(b.snapshot(0))
    assert done.of("result")[0]["files"] == len(whole(b.snapshot())) + 1
    found = b.owner("verify", "--store", b.dir, b.name)
    assert " 0 found" in found.out, str(found)


def test_unchanged_files_are_shared_and_folders_are_not_theirs(backup):
    backup.setup(root=DATA)
    make_tree(backup)
    settle()
    backup.run()
    (backup.client.path(DATA) / "content").write_text("other")
    assert listed(backup.run("--json"))
    old, new = backup.snapshot(0), backup.snapshot(1)
    for name in (b"same", b"sub/deep/f", b"fifo", b"link"):
        rel = b"/srv/data/" + name
        assert os.lstat(old + rel).st_ino == os.lstat(new + rel).st_ino
    rel = b"/srv/data/content"
    assert os.lstat(old + rel).st_ino != os.lstat(new + rel).st_ino


def test_it_goes_by_nothing_that_may_not_hold(backup):
    """Each of these looks at everything, and the next goes by changes."""
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    settle()
    assert not listed(b.run("--json"))
    assert listed(b.run("--json"))
    b.conf(root=DATA, exclude="/srv/data/sub")
    assert not listed(b.run("--json"))
    assert listed(b.run("--json"))
    # A snapshot that this list knows nothing of.
    b.conf(root=DATA, exclude="/srv/data/sub", files_cache="no")
    assert not listed(b.run("--json"))
    b.conf(root=DATA, exclude="/srv/data/sub")
    assert not listed(b.run("--json"))
    # A list that is damaged.
    (file,) = b.client.path(CACHE).iterdir()
    data = bytearray(file.read_bytes())
    data[-40] ^= 1
    file.write_bytes(data)
    done = b.run("--json")
    assert "transfer" in phases(done) and "link" not in phases(done)
    assert listed(b.run("--json"))
    # A broken run left something.
    b.incoming().mkdir()
    b.own(b.store, f"{STORE}/{CLIENT}/.incoming")
    assert not listed(b.run("--json"))
    assert listed(b.run("--json"))
    # A verify found something.
    name = os.fsdecode(b.snapshot() + b"/srv/data/same")
    st = os.stat(name)
    with open(name, "r+b") as f:
        f.write(b"S")
    os.utime(name, ns=(st.st_atime_ns, st.st_mtime_ns))
    b.owner("verify", "--store", b.dir, b.name, expect=2)
    assert not listed(b.run("--json"))


def test_what_vanishes_between_the_look_and_rsync(backup):
    """The store's own command holds it up in between."""
    b = backup
    b.setup(root=DATA, policy=f"[store]\ndir = {STORE}\n")
    make_tree(b)
    settle()
    b.run()
    b.files({f"{DATA}/new": "new", f"{DATA}/new2": "new2"})
    b.policy(f"[store]\ndir = {STORE}\n"
             "before = touch /tmp/held; while [ -e /tmp/held ]; do "
             "sleep 0.1; done\n")
    running = b.start("--json")
    held = b.store.path("/tmp/held")
    proc.wait_for(held.exists, 30, "the store's command")
    # By now it has looked.
    b.client.path(f"{DATA}/new").unlink()
    b.files({f"{DATA}/content": "after the look"})
    proc.wait_for(lambda: not b.pids(b.client, "--scan"), 30, "the look")
    held.unlink()
    done = running.end()
    assert done.rc == 0, str(done)
    assert done.of("result")[0]["vanished"] == 1, str(done)
    b.policy(f"[store]\ndir = {STORE}\n")
    done = b.run("--json")
    assert listed(done)
    assert same_as_source(b)


def test_killed_on_either_side_it_starts_again(backup):
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    settle()
    b.run()
    b.files({f"{DATA}/large": os.urandom(2 << 20)})
    b.conf(root=DATA, bandwidth="300K")
    for host, what in ((b.client, r"postern-backup run"),
                       (b.store, r"postern-backup receive")):
        running = b.start("--json")
        running.wait_event(lambda e: e.get("phase") == "transfer")
        for pid in b.pids(host, what):
            os.kill(pid, 9)
        running.end()
        proc.wait_for(lambda: not b.pids(b.store, "postern-backup|rsync"), 60,
                      "end of all on the store")
    b.conf(root=DATA)
    done = b.run("--json")
    assert not listed(done) and done.of("answer")[0]["resumed"]
    assert same_as_source(b)
    assert listed(b.run("--json"))


def test_the_cache_is_the_users_alone_and_in_no_backup(backup):
    b = backup
    b.setup(root="/home/backup")
    b.run()
    cache = b.client.path(CACHE)
    (file,) = cache.iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    b.run()
    kept = b.stored("/home/backup")
    assert b".cache/postern" in kept
    assert not [n for n in kept if n.startswith(b".cache/postern/backup")]
    assert [file] == list(cache.iterdir())


def test_what_goes_while_the_first_run_reads_is_gone_from_the_next(store):
    b = store
    make_tree(b)
    b.files({f"{DATA}/busy/{n}": n for n in ("stays", "goes", "moves")})
    b.files({f"{DATA}/zz/large": os.urandom(2 << 20)})
    settle()
    b.conf(root=DATA, bandwidth="300K")
    running = b.start("--json")
    # busy/ is in the snapshot that comes to be, and this is not yet.
    last = os.fsencode(b.incoming()) + b"/srv/data/zz"
    proc.wait_for(lambda: os.path.exists(last) and os.listdir(last), 60,
                  "the large file")
    busy = b.client.path(f"{DATA}/busy")
    (busy / "goes").unlink()
    (busy / "moves").rename(busy / "moved")
    assert running.end().rc == 0
    assert b"busy/goes" in b.stored(DATA)
    b.conf(root=DATA)
    done = b.run("--json")
    assert listed(done)
    assert same_as_source(b)
    assert listed(b.run("--json")) and same_as_source(b)


def test_names_that_rsync_takes_for_remarks(backup):
    """In a list a line that begins with one of these is none to rsync."""
    b = backup
    b.setup(root=["/#srv", "/;srv"])
    try:
        for top in ("/#srv", "/;srv"):
            b.client.run(f"mkdir '{top}' && mount -t tmpfs t '{top}'")
            b.files({f"{top}/a": "a", f"{top}/b/c": "c"})
        settle()
        b.run()
        for top in ("/#srv", "/;srv"):
            b.files({f"{top}/a": "A", f"{top}/b/new": "n"})
        assert listed(b.run("--json"))
        for top in ("/#srv", "/;srv"):
            assert b.stored(top) == b.source(top)
    finally:
        b.client.run("umount -l '/#srv' '/;srv'; rmdir '/#srv' '/;srv'")


def test_another_back_end_begins_anew(store):
    b = store
    make_tree(b)
    settle()
    b.run()
    was = "btrfs" if b.disk else "hardlink"
    if was == "btrfs":
        b.policy(f"[store]\ndir = {STORE}\nback-end = hardlink\n")
        assert not listed(b.run("--json"))
        assert same_as_source(b)
        b.policy(f"[store]\ndir = {STORE}\nback-end = btrfs\n")
    done = b.run("--json")
    assert listed(done) == (was == "hardlink")
    assert same_as_source(b)


def test_a_file_with_all_the_names_that_it_may_have_is_copied_once(backup):
    """ext4 lets a file have 65000."""
    b = backup
    b.setup(root=DATA, disk_kib=96 << 10)
    make_tree(b)
    at = b.client.path(DATA)
    (at / "many").mkdir()
    (at / "many/0").write_bytes(os.urandom(200000))
    for i in range(1, 35000):
        os.link(at / "many/0", at / f"many/{i}")
    settle()
    b.run(timeout=300)
    (at / "content").write_text("other")
    done = b.run("--json", timeout=300)
    assert listed(done)
    top = b.snapshot() + b"/srv/data/many/"
    inodes = {os.lstat(top + str(i).encode()).st_ino for i in range(35000)}
    assert len(inodes) == 2
    assert b.stored(f"{DATA}/many") == b.source(f"{DATA}/many")


def test_full_looks_at_everything_once(backup):
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    settle()
    b.run()
    assert listed(b.run("--json"))
    # What somebody took out of the newest snapshot comes again with it.
    os.unlink(b.snapshot() + b"/srv/data/same")
    assert not listed(b.run("--full", "--json"))
    assert same_as_source(b)
    assert listed(b.run("--json"))
