# SPDX-License-Identifier: ISC
"""Power fails while a snapshot gets its name: what is on the disk then, not
what the page cache has. The image below a loop file system is kept as it is at
that moment, and mounted again."""

import pathlib
import re
import shutil
import subprocess

from test_backup_store import (Store, file_system, kind,  # noqa: F401
                               store)


class Disk:
    def __init__(self, made):
        self.made, self.mount = made, made.mount
        self.image = self.mount.parent / "image"
        self.kept = self.mount.parent / "kept"

    def keep(self):
        """As the disk is: a loop device writes to its file, and what was not
        written to the device isn't in it."""
        shutil.copyfile(self.image, self.kept)

    def back(self):
        """The machine is up again, with the disk as it was kept."""
        subprocess.run(["umount", self.mount], check=True)
        self.kept.replace(self.image)
        subprocess.run(["mount", "-o", "loop", self.image, self.mount],
                       check=True)


def calls(made, log, *names):
    """Those system calls of a finish, in order: (name, line)."""
    done = made.run("finish", log=log, strace=[
        "-f", "-y", f"--trace={','.join(names)}"])
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^\d+ +(\w+)\((.*)", pathlib.Path(log).read_text(),
                       re.M)
    return [(name, line) for name, line in found if name in names]


def named(call):
    return call[0] == "renameat2" and ".incoming" in call[1]


def test_all_is_synced_then_named_then_the_name_is_synced(
        store, tmp_path):  # noqa: F811
    store.make_snapshot()
    store.now += 1
    store.begin()
    order = calls(store, tmp_path / "log", "syncfs", "fsync", "renameat2",
                  "renameat", "linkat", "symlinkat", "mkdirat")
    at = [i for i, call in enumerate(order) if named(call)]
    assert len(at) == 1, order
    before, after = order[:at[0]], order[at[0] + 1:]
    client = str(store.client)
    assert [c[0] for c in before].count("syncfs") == 1, order
    synced = [c[0] for c in before].index("syncfs")
    # Nothing more is made of the snapshot itself then.
    assert not [c for c in before[synced + 1:]
                if c[0] in ("linkat", "symlinkat", "mkdirat")
                and ".incoming" in c[1]], order
    # The record, then its folder.
    assert [c for c in before[synced + 1:]
            if c[0] == "fsync" and "/.postern/" in c[1]], order
    assert [c for c in after if c[0] == "fsync"
            and re.match(rf"\d+<{re.escape(client)}>", c[1])], order


def test_what_has_a_name_is_whole_after_a_power_failure(
        store, tmp_path):  # noqa: F811
    """Just before it gets one, and when it was said to have it."""
    disk = Disk(store)
    old = store.make_snapshot()
    store.now += 1
    store.begin()
    order = calls(store, tmp_path / "log", "renameat2")
    n = [i for i, call in enumerate(order, 1) if named(call)][0]
    store.now += 1
    store.begin()
    store.run("finish", strace=[f"--inject=renameat2:signal=KILL:when={n}"])
    disk.keep()
    assert (store.client / ".incoming").exists()
    disk.back()
    assert store.complete(old)
    assert store.complete(".incoming", store.now), \
        "it would have got its name, and is not on the disk"
    store.do("begin")
    when, store.now = store.now, store.now + 1
    name = store.do("finish")[0]
    disk.keep()
    disk.back()
    assert store.do("list")[0] == name, "it is not on the disk"
    assert store.complete(name, when)
    assert name in [p.name for p in (store.admin / "snap").iterdir()]
