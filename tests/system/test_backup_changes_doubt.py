# SPDX-License-Identifier: ISC
"""What a look at ctimes alone could miss: folders that are away, or another's
file system in their place, while rsync reads; clocks; ctimes of the future."""

import contextlib
import os
import subprocess

import pytest

from backuplib import STORE, backup  # noqa: F401
from lab import faults, proc
from test_backup_changes import (CACHE, DATA, listed, make_tree,
                                 nothing_mounted, phases, same_as_source,
                                 settle, store)
from test_backup_scan import BOOT, HEAD

assert nothing_mounted and store          # fixtures
OTHER = "/srv/other"
HELD = "/tmp/held"


@contextlib.contextmanager
def after_the_look(b, ret, expect=(0,)):
    """A run that has looked, and whose rsync has not begun: the store's own
    command holds it up."""
    b.policy(f"[store]\ndir = {STORE}\nbefore = touch {HELD}; while "
             f"[ -e {HELD} ]; do sleep 0.1; done\n")
    running = b.start("--json")
    held = b.store.path(HELD)
    proc.wait_for(held.exists, 30, "the store's command")
    proc.wait_for(lambda: not b.pids(b.client, "--scan"), 30, "the look")
    yield
    held.unlink()
    done = running.end()
    assert done.rc in expect, str(done)
    ret.append(done)
    b.policy(f"[store]\ndir = {STORE}\n")


@contextlib.contextmanager
def while_it_reads(b, root=DATA, **keys):
    """A run that looks at everything, and has read all but root/zz."""
    b.files({f"{root}/zz/large": os.urandom(2 << 20)})
    settle()
    b.conf(root=root, bandwidth="300K", **keys)
    running = b.start("--json")
    last = os.fsencode(b.incoming()) + os.fsencode(f"{root}/zz")
    proc.wait_for(lambda: os.path.exists(last) and os.listdir(last), 60,
                  "the large file")
    yield
    done = running.end()
    assert done.rc == 0, str(done)
    b.conf(root=root, **keys)


def other(b):
    """A file system with old files on it, not in a root."""
    b.client.run(f"mkdir -p {OTHER} && mount -t tmpfs -o mode=755 o {OTHER}")
    b.files({f"{OTHER}/{n}": f"other {n}" for n in ("f", "deep/f", "g")})


@pytest.mark.parametrize("place", ["empty", "link", "file"])
def test_a_changed_folder_that_is_away_while_rsync_reads(store, place):  # noqa: F811
    """And comes back: what did not change in it is not asked for again, and
    must not be missing for ever."""
    b, ended = store, []
    make_tree(b)
    settle()
    b.run()
    at = b.client.path(DATA)
    b.files({f"{DATA}/sub/new": "n", f"{DATA}/sub/deep/new": "n"})
    # btrfs: rsync puts nothing in the place of a folder with names in it.
    with after_the_look(b, ended, (0, 1)):
        (at / "sub").rename(at / "aside")
        if place == "link":
            os.symlink("same", at / "sub")
        elif place == "file":
            (at / "sub").write_text("in its place")
    if place != "empty":
        (at / "sub").unlink()
    (at / "aside").rename(at / "sub")
    assert "compare" in phases(ended[0])
    done = b.run("--json")
    assert listed(done) == (ended[0].rc == 0)
    assert same_as_source(b)


@pytest.mark.parametrize("way,one", [("mounted", "no"), ("unmounted", "no"),
                                     ("unmounted", "yes"), ("over", "no")])
def test_what_is_mounted_while_all_is_read(backup, way, one):  # noqa: F811
    """A look afterwards can't tell it by any ctime."""
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    other(b)
    disk = f"{DATA}/aa/disk"
    b.files({f"{disk}/f": "below the disk"})
    bind = f"mount --bind {OTHER} {disk}"
    if way == "unmounted":
        b.client.run(bind)
    with while_it_reads(b, one_file_system=one):
        b.client.run(f"umount {disk}" if way == "unmounted" else bind)
    if way == "over":
        b.client.run(f"umount {disk}")
    for _ in range(2):
        b.run()
        assert b.stored(disk) == b.source(disk)


@pytest.mark.parametrize("where", ["below", "root", "above"])
def test_what_is_mounted_and_gone_again_while_all_is_read(
        backup, where):  # noqa: F811
    """When the run ends all is as it was when it began."""
    b = backup
    root = f"{DATA}/up/root"
    b.setup(root=root)
    b.files({f"{root}/{n}": n for n in ("aa/f", "aa/disk/f", "b")})
    other(b)
    disk = {"below": f"{root}/aa/disk", "root": root,
            "above": f"{DATA}/up"}[where]
    with while_it_reads(b, root, one_file_system="no"):
        b.client.run(f"mount --bind {OTHER} {disk} && umount {disk}")
    assert not listed(b.run("--json"))
    assert listed(b.run("--json"))


@pytest.mark.parametrize("one", ["below", "nothing"])
def test_mounts_elsewhere_are_no_matter(backup, one):  # noqa: F811
    """Nor are those below what is excluded."""
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    out = f"{DATA}/left/out"
    b.files({f"{out}/disk/f": "excluded"})
    if one == "below":
        other(b)
        b.files({f"{DATA}/aa/disk/f": "below the disk"})
        b.client.run(f"mount --bind {OTHER} {DATA}/aa/disk")
    with while_it_reads(b, one_file_system="no", exclude=f"{DATA}/left/*"):
        b.client.run(f"mkdir /srv/more && mount -t tmpfs m /srv/more && "
                     f"mount -t tmpfs m {out}/disk")
    assert listed(b.run("--json"))


def test_a_folder_above_a_root_that_is_away_while_all_is_read(
        backup):  # noqa: F811
    b = backup
    root = f"{DATA}/up/root"
    b.setup(root=root)
    b.files({f"{root}/{n}": n for n in ("aa/f", "b")})
    at = b.client.path(DATA)
    with while_it_reads(b, root):
        (at / "up").rename(at / "aside")
        (at / "aside").rename(at / "up")
    assert not listed(b.run("--json"))
    settle()
    b.run("--full")
    assert listed(b.run("--json"))


def test_another_file_system_over_what_is_sent(backup):  # noqa: F811
    b, ended = backup, []
    b.setup(root=DATA, policy=f"[store]\ndir = {STORE}\n")
    b.conf(root=DATA, one_file_system="no")
    make_tree(b)
    other(b)
    settle()
    b.run()
    b.files({f"{DATA}/sub/f": "changed"})
    settle()
    with after_the_look(b, ended):
        b.client.run(f"mount --bind {OTHER} {DATA}/sub")
    b.client.run(f"umount {DATA}/sub")
    assert listed(ended[0])
    assert listed(b.run("--json"))
    assert same_as_source(b)


def test_a_root_that_is_exchanged_while_it_is_read(backup):  # noqa: F811
    b = backup
    root = f"{DATA}/root"
    b.setup(root=root)
    make_tree(b)
    b.files({f"{DATA}/{n}": f"{n} of {n[:3]}" for n in (
        "root/a", "root/sub/b", "new/a", "new/sub/b", "new/zz/large")})
    at = b.client.path(DATA)
    with while_it_reads(b, root):
        (at / "root").rename(at / "old")
        (at / "new").rename(at / "root")
        # Its ctime is that of a name that came into it.
        (at / "root/c").write_text("c")
    b.run()
    assert b.stored(root) == b.source(root)


def head(b, **new):
    """What the list's head says, changed."""
    (file,) = b.client.path(CACHE).iterdir()
    data = file.read_bytes()
    names = ("magic", "job", "files", "bytes", "partial", "begun", "offset",
             "boot")
    was = dict(zip(names, HEAD.unpack(data[:HEAD.size])))
    now = {**was, **{k: f(was[k]) for k, f in new.items()}}
    file.write_bytes(HEAD.pack(*now.values()) + data[HEAD.size:])


def test_after_a_clock_was_set_all_is_looked_at(backup):  # noqa: F811
    """With a clock that goes through a time twice, two changes may have one
    ctime. The list says how clocks stood when it was made; clocks of hosts
    that share a kernel can't be set, so here the list is changed."""
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    settle()
    b.run()
    second = 10 ** 9
    assert listed(b.run("--json"))
    for step in (-2, 2, 86400):
        head(b, offset=lambda n, step=step: n + step * second)
        assert not listed(b.run("--json"))
        assert listed(b.run("--json"))
    # Of another boot: whether it is before that time.
    head(b, boot=lambda _: b"another", offset=lambda n: n - second * 3600)
    assert listed(b.run("--json"))
    head(b, boot=lambda _: b"another", begun=lambda n: n + second * 3600)
    assert not listed(b.run("--json"))
    assert same_as_source(b)


def test_the_list_tells_of_the_clocks(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    settle()
    b.run()
    (file,) = b.client.path(CACHE).iterdir()
    boot = HEAD.unpack(file.read_bytes()[:HEAD.size])[7]
    assert boot.rstrip(b"\n\0").decode() == BOOT


def test_a_file_whose_ctime_is_of_the_future_is_never_sure(backup):  # noqa: F811
    """As a clock that was ahead leaves it. It changes, and has the same ctime:
    debugfs sees to that."""
    b = backup
    b.setup(root=DATA)
    with faults.small_disk(b.client, DATA, 4096):
        (node,) = b.client.path("/dev").glob("lab-loop*")

        def set_ctime(name, when):
            b.client.run(["umount", DATA])
            for field, value in (("ctime", when), ("ctime_extra", "0")):
                subprocess.run(["debugfs", "-w", "-R", "set_inode_field "
                                f"/{name} {field} {value}", str(node)],
                               check=True, capture_output=True)
            b.client.run(["mount", "-t", "ext4", f"/dev/{node.name}", DATA])

        b.files({f"{DATA}/{n}": n for n in ("future", "same")})
        set_ctime("future", "20370101000000")
        settle()
        b.run()
        path = b.client.path(f"{DATA}/future")
        ctime = path.stat().st_ctime_ns
        assert ctime > 2 * 10 ** 18, path.stat()
        for _ in range(2):
            done = b.run("--json")
            assert listed(done) and "transfer" in phases(done), str(done)
        os.chown(path, 77, 78)
        set_ctime("future", "20370101000000")
        assert b.client.path(f"{DATA}/future").stat().st_ctime_ns == ctime
        assert listed(b.run("--json"))
        assert b" 77:78" in os.getxattr(
            b.snapshot() + os.fsencode(f"{DATA}/future"), "user.rsync.%stat")


def test_a_top_whose_time_can_not_be_told(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    settle()
    b.run()
    try:
        b.client.run("touch -d 1960-01-01 /")
        for _ in range(3):
            assert "link" not in phases(b.run("--json"))
            assert same_as_source(b)
    finally:
        b.client.run("touch /")
    b.run()
    assert listed(b.run("--json"))
    try:
        b.client.run("chgrp 78 /")
        assert "link" not in phases(b.run("--json"))
        assert b"0:78" in os.getxattr(b.snapshot(), "user.rsync.%stat")
    finally:
        b.client.run("chgrp 0 /; touch /")
