# SPDX-License-Identifier: ISC
"""postern backup onto btrfs, by a plain user, from run to prune."""

import contextlib
import json
import os
import re
import subprocess

import pytest

from backuplib import CLIENT, STORE, backup  # noqa: F401
from lab import faults, proc

DATA = "/srv/data"
MB = 1 << 20
TOP = 256       # the inode of a subvolume's top


@pytest.fixture(params=["channel", "direct"])
def btrfs(request, backup):  # noqa: F811
    b = backup
    b.setup(store="/srv/before", root=DATA)
    b.disk = faults.small_disk(b.store, STORE, 256 << 10, kind="btrfs")
    b.disk.__enter__()
    b.store.run(["chown", "backup:", STORE])
    b.store.run(["chmod", "700", STORE])
    b.dir = STORE
    b.policy(f"[store]\ndir = {STORE}\nkeep-last = 3\n")
    b.accept(CLIENT, b.make_key(b.client), "--allow",
             "run,list,restore,verify")
    b.conf(root=DATA, mode=request.param)
    b.mode = request.param
    b.files({f"{DATA}/{n}": n * 1000 for n in ("same", "changed", "gone")})
    b.files({f"{DATA}/big": os.urandom(8 * MB), f"{DATA}/sub/b": "two\n"})
    b.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    return b


def change(b, i):
    b.files({f"{DATA}/changed": f"{i}" * 100, f"{DATA}/new{i}": str(i)})
    # In the midst of a file: the rest of its blocks stays shared.
    with open(b.client.path(f"{DATA}/big"), "r+b") as f:
        f.seek(i * MB)
        f.write(os.urandom(4096))


def used(b):
    b.store.run(["sync", "-f", STORE])
    st = os.statvfs(b.store.path(STORE))
    return (st.f_blocks - st.f_bfree) * st.f_frsize


def test_from_the_first_run_to_prune(btrfs):
    b = btrfs
    done = b.run("--json")
    first = done.snapshot
    assert b.stored(DATA) == b.source(DATA)
    before = used(b)
    kept = {first: b.source(DATA)}
    b.client.path(f"{DATA}/gone").unlink()
    for i in range(3):
        change(b, i)
        done = b.run("--json")
        assert done.of("answer")[0]["basis"] == list(kept)[-1]
        kept[done.snapshot] = b.source(DATA)
    # Each is a read-only subvolume of its own, and shares what is the same.
    assert b.snapshots() == list(kept)[1:]
    for name in b.snapshots():
        top = b.store.path(f"{STORE}/{CLIENT}/{name}")
        assert os.stat(top).st_ino == TOP, name
        with pytest.raises(OSError, match="Read-only"):
            (top / "x").touch()
        assert b.stored(DATA, name) == kept[name], name
        record = b.store.read(f"{STORE}/.postern/{CLIENT}/snap/{name}")
        assert f"mode {b.mode}\n" in record and "backend btrfs\n" in record
    assert used(b) - before < 3 * MB
    row, = map(json.loads, b.owner("status", "--json").out.splitlines())
    assert row["back-end"] == "btrfs"
    assert "back-end         btrfs" in b.owner("show", b.snapshots()[0]).out
    # What it holds comes back, and is what arrived.
    b.run(cmd="verify")
    b.owner("verify", CLIENT)
    old = b.snapshots()[0]
    b.run(old, DATA, "--to", "/tmp/back", cmd="restore", expect=2)
    assert b.contents(os.fsencode(b.client.path(f"/tmp/back{DATA}"))) == \
        kept[old]
    b.policy(f"[store]\ndir = {STORE}\nkeep-last = 1\n")
    assert "goes" in b.owner("prune", "-n").out
    assert len(b.snapshots()) == 3
    b.owner("prune")
    assert b.snapshots() == [list(kept)[-1]]
    assert b.stored(DATA) == b.source(DATA)
    assert not [n for n in os.listdir(b.store.path(f"{STORE}/{CLIENT}"))
                if n.startswith(".trash")]
    b.owner("verify", CLIENT)


def test_what_stays_shared_of_a_changed_file_is_not_counted(btrfs):
    """An image of which a few blocks change: else each snapshot of it would
    count as much as the first, against the quota too."""
    b = btrfs
    b.files({f"{DATA}/image": os.urandom(40 * MB)})
    b.policy(f"[store]\ndir = {STORE}\n[client {CLIENT}]\nquota = 60M\n")
    names = [b.run().snapshot]
    for i in range(2):
        with open(b.client.path(f"{DATA}/image"), "r+b") as f:
            f.seek(i * MB)
            f.write(os.urandom(4096))
        names.append(b.run().snapshot)
        text = b.store.read(f"{STORE}/.postern/{CLIENT}/snap/{names[-1]}")
        added = int(re.search(r"^added (\d+)$", text, re.M)[1])
        assert 4096 <= added < MB, text
        assert b.stored(DATA) == b.source(DATA)
    assert b.snapshots() == names


def test_a_broken_run_is_gone_on_with_in_its_own_subvolume(btrfs):
    b = btrfs
    b.run()
    one = b.contents(b.snapshot())
    change(b, 1)
    b.files({f"{DATA}/more": os.urandom(3 * MB)})
    running = b.start("--json", "--bandwidth", "1M")
    running.wait_event(lambda e: e["event"] == "progress" and e["bytes"] > 0,
                       what="byte that has arrived")
    running.kill()
    running.end()
    assert os.stat(b.incoming()).st_ino == TOP
    assert b.contents(b.snapshot()) == one
    proc.wait_for(lambda: not b.pids(b.store, "^postern-backup receive"), 20,
                  "end there")
    done = b.run("--json")
    assert done.of("answer")[0].get("resumed") is True
    assert b.stored(DATA) == b.source(DATA)
    assert b.contents(b.snapshot(0)) == one


def read_only(b, top, value):
    subprocess.run(["btrfs", "property", "set", "-ts", b.store.path(top),
                    "ro", value], check=True)


def test_rot_is_found_on_btrfs_too(btrfs):
    """Root clears what makes it read-only, which nobody else may."""
    b = btrfs
    name = b.run("--json").snapshot
    top = f"{STORE}/{CLIENT}/{name}"
    path = b.store.path(f"{top}{DATA}/same")
    was = os.stat(path)
    read_only(b, top, "false")
    with open(path, "r+b") as f:
        f.write(b"T")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    read_only(b, top, "true")
    done = b.owner("verify", CLIENT, expect=2)
    assert f"{DATA}/same" in done.out, str(done)


def rsync(store, *words):
    return store.run(["/usr/bin/rsync", *words]).stdout


@contextlib.contextmanager
def says_version(store, version):
    """The same rsync, which says that it is another one."""
    was = re.match(r"rsync +version v?(\d+\.\d+\.\d+)",
                   rsync(store, "--version"))[1]
    assert len(was) == len(version), was
    old = store.path("/usr/bin/rsync").read_bytes()
    store.write("/srv/rsync", old.replace(was.encode(), version.encode()),
                0o755)
    store.run("mount --bind /srv/rsync /usr/bin/rsync")
    try:
        assert f"version {version}" in rsync(store, "--version")
        yield tuple(map(int, was.split(".")))
    finally:
        store.run("umount /usr/bin/rsync")


@pytest.mark.parametrize("btrfs", ["channel"], indirect=True)
def test_an_rsync_before_3_3_0_is_asked_for_no_holes_in_place(btrfs):
    """It would leave in the end of a file what was there before."""
    b = btrfs

    def zeros(at):
        with open(b.client.path(f"{DATA}/big"), "r+b") as f:
            f.seek(at)
            f.write(bytes(MB))
        b.run()
        assert b.stored(DATA) == b.source(DATA)
        st = os.stat(b.snapshot() + os.fsencode(f"{DATA}/big"))
        return st.st_blocks * 512 < st.st_size

    b.run()
    with says_version(b.store, "3.2.7") as real:
        assert not zeros(7 * MB)
    assert zeros(3 * MB) == (real >= (3, 3, 0))


def mounted(b, on=True):
    if on:
        b.client.run(f"mkdir -p {DATA}/m/n && mount -t tmpfs t {DATA}/m/n "
                     f"&& echo x >{DATA}/m/n/x")
    else:
        b.client.run(["umount", f"{DATA}/m/n"])


def test_what_is_below_a_mount_point_leaves_the_next_snapshot(btrfs):
    """Whether one-file-system was set later, or something was mounted later:
    it is as if there had been no snapshot before. The rest is shared."""
    b = btrfs
    mounted(b)
    b.run()
    assert b"m/n/x" in b.stored(DATA)
    b.conf(root=DATA, mode=b.mode, one_file_system="yes")
    before = used(b)

    def inside():
        done = b.run("--json")
        assert done.of("answer")[0]["basis"] == b.snapshots()[-2]
        return {n for n in b.stored(DATA) if n.startswith(b"m/n/")}

    assert inside() == set()
    mounted(b, False)
    b.files({f"{DATA}/m/n/under/y": "y"})
    assert inside() == {b"m/n/under", b"m/n/under/y"}
    mounted(b)
    assert inside() == set()
    assert used(b) - before < 3 * MB
