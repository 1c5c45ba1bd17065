# SPDX-License-Identifier: ISC
"""No room on the client for what a run writes down: where it keeps what it saw
it looks at everything then, and says so; where its other files are, it fails
and says why. No snapshot lacks anything."""

import os

import pytest

from backuplib import UID, backup  # noqa: F401
from test_backup_changes import (CACHE, DATA, listed, make_tree,
                                 nothing_mounted, same_as_source, settle)

assert nothing_mounted          # a fixture of each test here
RUN = "/srv/run"
PAGE = 4096
WARNED = "no list of what has changed"
FULL = "No space left on device"


class Small:
    """A file system of which so much is free."""

    def __init__(self, host, at):
        self.host, self.at = host, at
        host.run(["mkdir", "-p", at])
        host.run(["mount", "-t", "tmpfs", "-o",
                  f"size=8m,nr_inodes=1000,mode=700,uid={UID[host.name]},"
                  f"gid={UID[host.name]}", "small", at])

    def free(self, inodes=None, pages=None):
        st = os.statvfs(self.host.path(self.at))
        used = (st.f_files - st.f_ffree,
                (st.f_blocks - st.f_bfree) * st.f_frsize)
        inodes = 1000 if inodes is None else used[0] + inodes
        size = 8 << 20 if pages is None else (
            max(used[1] + pages * PAGE, PAGE))         # 0: no end
        self.host.run(["mount", "-o",
                       f"remount,size={size},nr_inodes={inodes}", self.at])


@pytest.fixture
def made(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA)
    make_tree(b)
    # A folder that is in doubt with these in it is left to rsync.
    for name in ("sub/pair again", "sub/trio again", "sub/deep/third"):
        b.client.path(f"{DATA}/{name}").unlink()
    yield b
    b.client.run(f"umount -l {CACHE} {RUN} 2>/dev/null || :")


@pytest.fixture
def cache(made):
    small = Small(made.client, CACHE)
    made.own(made.client, "/home/backup/.cache")
    return small


def change(b, text):
    """One of each kind."""
    b.files({f"{DATA}/content": text, f"{DATA}/sub/{text}": text})
    for old in b.client.path(f"{DATA}/sub").glob("no *"):
        if old.name != text:
            old.unlink()


def test_a_first_run_without_room_for_its_list(made, cache):
    b = made
    b.files({f"{DATA}/many/{i}": "x" for i in range(3000)})
    settle()
    cache.free(pages=8)
    for _ in range(2):
        done = b.run()
        assert WARNED in done.err and done.err.count(WARNED) == 1, str(done)
        assert same_as_source(b)
        assert os.listdir(b.client.path(CACHE)) == []
    cache.free()
    assert WARNED not in b.run().err
    assert listed(b.run("--json"))


def test_a_list_that_ends_in_the_midst_of_it(made, cache):
    b = made
    b.files({f"{DATA}/many/{i}": "x" for i in range(3000)})
    settle()
    b.run()
    change(b, "no room")
    # The order, the grants, and some of what is seen.
    cache.free(pages=12)
    done = b.run("--json")
    assert WARNED in done.err and "link" not in [
        e["phase"] for e in done.of("progress")], str(done)
    assert same_as_source(b)


@pytest.mark.parametrize("what", ["inodes", "pages"])
def test_no_room_for_any_of_the_files_of_a_look(made, cache, what):
    b = made
    settle()
    b.run()
    for n in range(10):
        change(b, f"no {n}")
        cache.free(**{what: n})
        done = b.run("--json")
        assert same_as_source(b), n
        if WARNED not in done.err:
            break
        assert "link" not in [e["phase"] for e in done.of("progress")]
        # So that the next one is known again.
        cache.free()
        b.run()
    # With inodes: its folder, and five files.
    assert n == (6 if what == "inodes" else 5), str(done)
    assert listed(done), str(done)


@pytest.mark.parametrize("what", ["inodes", "pages"])
@pytest.mark.parametrize("known", [True, False])
def test_no_room_for_the_files_of_rsync(made, what, known):
    """Where all that a run needs can't be written it fails."""
    b = made
    b.ENV = {**b.ENV, "XDG_RUNTIME_DIR": RUN}
    small = Small(b.client, RUN)
    settle()
    b.run()
    if not known:
        b.conf(root=DATA, files_cache="no")
    for n in range(10):
        change(b, f"no {n}")
        small.free(**{what: n})
        before = b.snapshots()
        done = b.run(expect=(0, 1))
        if done.rc == 0:
            break
        assert FULL in done.err and b.snapshots() == before, str(done)
        assert os.listdir(b.client.path(RUN)) == []
    assert 2 < n < 9
    assert same_as_source(b)
