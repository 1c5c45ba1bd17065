# SPDX-License-Identifier: ISC
"""postern git: a push that is killed on the git server at a system call, or
finds no space there. The gateway has the keys of before or those of now, the
next push brings those of now, and a revocation that did not arrive is told."""

import json
import os

import pytest

from gitkeylib import ENV, POSTERN, STATE, keys  # noqa: F401
from lab import faults, proc

PUSH = [POSTERN, "push-keys"]
# All that leaves something behind, and what a push waits for.
STEPS = {"openat", "write", "fsync", "rename", "renameat", "unlink",
         "unlinkat", "ftruncate", "fcntl", "flock", "clone", "clone3",
         "vfork", "pipe2", "wait4", "waitid", "kill", "socketpair"}
FILES = {"push.lock", "pushed", "sequence"}


class Server:
    """The git server, for lab.faults: its commands are git's."""

    def __init__(self, keys):
        self.keys, self.host = keys, keys.gl

    def run(self, cmd, **kwargs):
        return self.host.run(self.keys.as_git(self.host, *cmd),
                             **{"env": ENV, **kwargs})

    def read(self, path):
        return self.host.read(path)

    def path(self, path):
        return self.host.path(path)


def files(keys):
    return set(os.listdir(keys.gl.path(STATE))) - {"keys"}


@pytest.fixture
def turns(keys):
    """Pushes, in each of which bob's key comes or goes."""
    keys.put("alice.pub", keys.person("a"))
    keys.push()

    def change(has):
        keys.put("bob.pub", keys.person("b")) if has else keys.put(
            "bob.pub", None)

    def whole(has):
        """What the gateway has: the keys of before, or of now."""
        ids = sorted(keys.ids())
        assert ids in (["alice"], ["alice", "bob"])
        return (ids == ["alice", "bob"]) == has
    return change, whole


def test_killed_at_each_step_of_a_push_the_next_one_brings_all(keys, turns):
    change, whole = turns
    server, has, seen = Server(keys), False, set()
    found = faults.points(server, PUSH, only=STEPS)
    assert len(found) > 30
    for point in found:
        has = not has
        change(has)
        last = int(keys.gl.read(f"{STATE}/sequence"))
        done = server.run(point.kill(PUSH), check=False)
        arrived = whole(has)
        seen.add((done.returncode != 0, arrived))
        # Killed or not, its number is one and whole, and never used again.
        assert int(keys.gl.read(f"{STATE}/sequence")) >= last, point
        keys.push()
        assert whole(has), point
    # Some were killed before the keys arrived, and some after that.
    assert {(True, False), (True, True)} <= seen
    assert files(keys) == FILES
    assert keys.login("a") == "alice"
    assert keys.login("b") == ("bob" if has else None)


def again(keys):
    """The next push. Two of them a second, as here, take numbers that the
    clock has not come to; where the number of before could not be read it is
    the clock that counts, and says so until it has come there."""
    def pushed():
        done = keys.push(expect=None)
        assert done.returncode == 0 or "push again" in done.stderr, done
        return done.returncode == 0
    proc.wait_for(pushed, 30, "the next push")


# Failing, each of them, as a disk does.
WRITES = {"openat", "write", "fsync", "rename", "renameat", "ftruncate",
          "pwrite64", "memfd_create"}


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_what_fails_in_a_push_is_told_or_the_keys_are_there(
        keys, turns, error):
    change, whole = turns
    server, has, seen = Server(keys), False, set()
    for point in faults.points(server, PUSH, only=WRITES):
        has = not has
        change(has)
        done = server.run(point.fail(PUSH, error), check=False)
        seen.add(done.returncode)
        if done.returncode == 0:
            assert whole(has), (point, done)
        elif not whole(has):
            assert done.stderr.strip(), (point, done)
        again(keys)
        assert whole(has), point
    assert 0 in seen and len(seen) > 1
    assert files(keys) == FILES


@pytest.fixture
def small(keys):
    """The state folder on a disk of its own."""
    with faults.small_disk(keys.gl, STATE, 600):
        keys.gl.run(f"chown git:git {STATE}; chmod 700 {STATE}; "
                    f"rmdir {STATE}/lost+found")
        for name in ("alice", "bob"):
            keys.put(f"{name}.pub", keys.person(name[0]))
        keys.push()
        yield keys


def state(keys, code):
    done = keys.gl.run([POSTERN, "status", "--json"], check=False)
    assert done.returncode == code, done
    return json.loads(done.stdout)


def test_a_revocation_does_not_wait_for_space_on_the_server(small):
    keys = small
    # Down to the last block.
    keys.gl.run(f"mkdir {STATE}/filler; cd {STATE}/filler; "
                "head -c 1M /dev/zero >big; i=0; "
                "while echo x >$i; do i=$((i + 1)); done", check=False)
    done = keys.gl.run(f"dd if=/dev/zero of={STATE}/filler/more bs=1 count=1",
                       check=False)
    assert "No space left on device" in done.stderr
    assert keys.login("b") == "bob"
    seen = {int(keys.gl.read(f"{STATE}/sequence"))}
    keys.put("bob.pub", None)
    keys.push()
    assert keys.login("b") is None and keys.login("a") == "alice"
    # Its number is noted all the same, and is not used twice.
    for _ in range(3):
        seen.add(int(keys.gl.read(f"{STATE}/sequence")))
        assert keys.current() in seen
        assert state(keys, 0)["agree"]
        keys.push()
    assert len(seen) == 4
    assert files(keys) - {"filler"} == FILES


def test_a_disk_that_takes_nothing_is_told_at_each_push(small):
    keys = small
    keys.gl.run(["mount", "-o", "remount,ro", STATE])
    keys.put("bob.pub", None)
    done = keys.push(expect=1)
    assert "did not reach the gateway" in done.stderr
    assert "Read-only file system" in done.stderr
    # Who pushed to gitolite-admin reads it, and root finds it in the log.
    assert "Read-only file system" in keys.trigger().stderr
    assert "Read-only file system" in keys.log(keys.gl)
    assert sorted(keys.ids()) == ["alice", "bob"]
    keys.gl.run(["mount", "-o", "remount,rw", STATE])
    keys.push()
    assert keys.login("b") is None
