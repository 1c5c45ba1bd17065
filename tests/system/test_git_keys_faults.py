# SPDX-License-Identifier: ISC
"""postern git: an update of the gateway's keys that is killed at a system
call, finds no space, a failing disk, another one under way, or a link in its
way: sshd reads the old keys or the new ones, whole, and the next update works.
"""

import base64
import os
import shutil
import subprocess

import pytest

from gitkeylib import (CONF, ENV, POSTERN, PROXY, STATE, STORE, UID, Reply,
                       keys, text)
from lab import faults, proc

__all__ = ["keys"]

# Of writing, as far as each may fail in turn; the first ones of a process are
# the loader's. Not close: what strace makes fail is not done, but a close that
# fails has closed.
WRITES = {"openat", "write", "fsync", "mkdirat", "renameat", "symlinkat",
          "unlinkat", "ftruncate", "pwrite64", "fchmod", "flock", "link",
          "linkat", "rename", "mkdir", "mmap", "memfd_create", "readlinkat",
          "getdents64", "munmap", "lseek", "fstat", "newfstatat"}


class AsGit:
    """The gateway, for lab.faults: its commands are git's, as sshd's are."""

    def __init__(self, keys):
        self.keys, self.host = keys, keys.gw

    def run(self, cmd, **kwargs):
        return self.host.run(self.keys.as_git(self.host, *cmd),
                             **{"env": ENV, "text": False, **kwargs})


class Points(AsGit):
    """What faults.points() wants."""

    def run(self, cmd, **kwargs):
        done = super().run(cmd, **kwargs)
        if cmd[0] == "mktemp":
            done.stdout = done.stdout.decode()
        return done

    def read(self, path):
        return self.host.read(path)

    def path(self, path):
        return self.host.path(path)


UPDATE = [PROXY, "--auth-update"]


class Store:
    """The store with alice in force, put back before each fault; the push
    lets bob in as well."""

    def __init__(self, keys):
        self.keys, self.git = keys, AsGit(keys)
        for n, more in ((1000, []), (1001, [keys.line("carol", "c")])):
            lines = [keys.line("alice", "a"), *more]
            assert keys.signed(text(n, lines)).word == "ok"
        self.old = keys.state()
        data = text(2000, [*lines, keys.line("bob", "b")])
        self.stream = keys.sign(data) + data
        self.at = keys.gw.path(STORE)
        self.copy = keys.dir / "store"
        shutil.copytree(self.at, self.copy, symlinks=True)

    def put_back(self):
        for path in self.at.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        shutil.copytree(self.copy, self.at, symlinks=True,
                        dirs_exist_ok=True)
        for path in [self.at, *self.at.rglob("*")]:
            os.chown(path, UID["h2"], UID["h2"], follow_symlinks=False)

    def run(self, argv=UPDATE):
        return self.git.run(argv, input=self.stream, check=False)

    def look(self):
        """Which keys are in force: "old" or "new", whole in both files."""
        ids = self.keys.ids()
        if self.keys.state() == self.old:
            return "old"
        assert self.keys.current() == 2000
        assert sorted(ids) == ["alice", "bob", "carol"]
        return "new"

    def settle(self):
        """The next update clears away what was left, and works."""
        data = text(3000, [self.keys.line("dora", "d"),
                           self.keys.line("alice", "a")])
        done = Reply(self.git.run(UPDATE, check=False,
                                  input=self.keys.sign(data) + data))
        assert done.word == "ok", done
        assert sorted(self.keys.ids()) == ["alice", "dora"]
        assert all(n.isdigit() for n in
                   os.listdir(self.at / "generations")), "left behind"


@pytest.fixture
def store(keys):
    return Store(keys)


def walk(store, only=None, follow=False):
    """The points of one undisturbed update."""
    found = faults.points(Points(store.keys), UPDATE, only=only,
                          follow=follow, input=store.stream)
    assert len(found) > 30
    store.put_back()
    return found


def test_killed_at_each_system_call_of_an_update(store):
    seen = set()
    for point in walk(store):
        store.put_back()
        store.run(point.kill(UPDATE))
        seen.add(store.look())
    assert seen == {"old", "new"}
    store.settle()


def test_killed_where_the_store_changes_the_next_update_works(store):
    only = {"mkdirat", "openat", "fsync", "renameat", "symlinkat",
            "unlinkat", "rename"}
    for point in walk(store, only):
        store.put_back()
        store.run(point.kill(UPDATE))
        store.look()
        store.settle()


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_each_system_call_that_fails_leaves_whole_keys(store, error):
    seen = set()
    for point in walk(store, WRITES):
        store.put_back()
        done = store.run(point.fail(UPDATE, error))
        kept = store.look()
        seen.add(kept)
        # Who is told that it was done finds it done. (Said "failed", it may
        # be done: the folder's fsync comes last.)
        if done.stdout.startswith(b"v1 ok"):
            assert kept == "new", point
        elif kept == "new":
            assert b"is in force, but" in done.stdout or \
                not done.stdout, (point, done)
    assert seen == {"old", "new"}
    store.put_back()
    store.settle()


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
def test_nothing_is_in_force_that_is_not_on_the_disk(store, nth):
    """The three files, their folder, the folder of generations."""
    point = faults.Point("fsync", nth)
    done = store.run(point.fail(UPDATE, "EIO"))
    assert done.stdout.startswith(b"v1 failed "), done
    assert b"Input/output error" in done.stdout
    assert store.look() == "old"
    store.settle()


@pytest.fixture
def small(keys):
    """The store on a disk of its own, of 600 KiB."""
    with faults.small_disk(keys.gw, STORE, 600):
        keys.gw.run(["chown", "git:git", STORE])
        keys.gw.run(["chmod", "700", STORE])
        keys.gw.run(["rmdir", f"{STORE}/lost+found"])
        yield keys


def test_a_full_disk_keeps_the_old_keys_in_force(small):
    keys = small
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.gw.run(f"head -c 1M /dev/zero >{STORE}/filler", check=False)
    keys.put("bob.pub", keys.person("b"))
    with keys.unchanged(reason="No space left on device"):
        done = keys.push(expect=1)
        assert "No space left on device" in done.stderr
    assert keys.login("b") is None
    keys.gw.run(["rm", f"{STORE}/filler"])
    keys.push()
    assert keys.login("b") == "bob"


def test_a_disk_that_fills_at_each_size_keeps_whole_keys(small):
    keys = small
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    lines = [keys.line("alice", "a")]
    for n in range(120):
        # Not one key twice: 68 bytes of base64 that differ.
        blob = bytearray(base64.b64decode(keys.person("b").split()[1]))
        blob[-4:] = n.to_bytes(4, "big")
        lines.append(b"u%d ssh-ed25519 " % n + base64.b64encode(blob))
    old = keys.state()
    words = set()
    for kib in range(0, 80, 4):
        keys.gw.run(f"rm -f {STORE}/filler; free=$(($(stat -f -c '%a' {STORE}"
                    f"))); dd if=/dev/zero of={STORE}/filler bs=1024 "
                    f"count=$((free - {kib}))", check=False)
        sequence = int(keys.gl.read(f"{STATE}/sequence")) + 1 + kib
        word = keys.signed(text(sequence, lines), "auth-update --force").word
        words.add(word)
        if word == "ok":
            assert len(keys.ids()) == 121
            break
        assert keys.state() == old
        assert keys.login("a") == "alice"
    assert words == {"failed", "ok"}


def test_two_updates_at_once_come_one_after_the_other(keys):
    """The original doubled the file."""
    runs = []
    for n in range(6):
        keys.put(f"u{n}.pub", keys.person(f"k{n}"))
        runs.append(keys.gl.popen(
            keys.as_git(keys.gl, POSTERN, "push-keys"), env=ENV,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    for p in runs:
        out, err = p.communicate(timeout=60)
        assert p.returncode == 0, (out, err)
    # Whoever read the keydir last has the highest sequence.
    assert sorted(keys.ids()) == [f"u{n}" for n in range(6)]
    assert all(len(v) == 1 for v in keys.ids().values())
    assert keys.login("k5") == "u5"


def test_an_update_that_finds_another_one_under_way_says_so(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.configure(lock_timeout="0")
    with keys.gw.popen(keys.as_git(
            keys.gw, "flock", f"{STORE}/lock", "sh", "-c", "echo; cat"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        keys.put("bob.pub", keys.person("b"))
        with keys.unchanged(reason="held by"):
            done = keys.push("--timeout", "5s", expect=75)
            assert "h2 is busy: " in done.stderr
        holder.stdin.close()
    keys.push()
    assert keys.login("b") == "bob"


def link(keys, path, to):
    keys.gw.run(keys.as_git(keys.gw, "ln", "-sfn", to, path))


@pytest.mark.parametrize("name", ["store", "generations", "current", "lock",
                                  "elsewhere", "new"])
def test_a_link_in_the_way_is_not_followed(keys, name):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.gw.run("rm -rf /srv/other; install -d -o git -g git -m 700 "
                "/srv/other; echo mine >/srv/other/file; chown git: "
                "/srv/other/file")
    if name == "store":
        keys.gw.run(f"mv {STORE} {STORE}.real; ln -s {STORE}.real {STORE}")
    elif name == "generations":
        keys.gw.run(f"cd {STORE} && mv generations real && "
                    "ln -s real generations")
    elif name == "current":
        keys.gw.run(f"cd {STORE} && rm current && "
                    "ln -s /srv/other/file current")
    elif name == "elsewhere":
        link(keys, f"{STORE}/current", "/srv/other")
    elif name == "lock":
        link(keys, f"{STORE}/lock", "/srv/other/file")
    elif name == "new":
        link(keys, f"{STORE}/generations/.new", "/srv/other")

    def other():
        return keys.gw.run("cat /srv/other/file; ls -A /srv/other").stdout
    before = other()
    keys.put("bob.pub", keys.person("b"))
    done = keys.push(expect=1)
    assert "h2 failed: " in done.stderr
    assert other() == before == "mine\nfile\n"
    assert "symbolic link" in keys.log() or "not a link to one" in \
        keys.log() or "Not a directory" in keys.log()
    if name in ("store", "generations", "lock", "new"):
        assert keys.login("a") == "alice"
    keys.gw.run(f"rm -rf {STORE}.real")


def test_a_note_that_is_a_link_is_left_alone(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.gw.run("echo mine >/srv/note; chown git: /srv/note")
    link(keys, f"{STORE}/refreshed", "/srv/note")
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    assert keys.login("b") == "bob"
    assert keys.gw.read("/srv/note") == "mine\n"
    assert "the keys are in force, but: " in keys.log()


def test_a_folder_that_others_may_write_to_is_refused(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.gw.run(["chmod", "770", STORE])
    done = keys.push(expect=1)
    assert "nobody else may write to it" in done.stderr
    keys.gw.run(["chmod", "700", STORE])
    keys.push()


def test_settings_that_others_may_write_are_refused_in_one_line(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.gw.run(["chmod", "666", CONF])
    with keys.unchanged(reason="others than root may write"):
        done = keys.push(expect=1)
        assert "h2 failed: " in done.stderr
    keys.gw.run(["chmod", "644", CONF])


def test_no_process_of_an_update_outlives_it(keys):
    """The connection is cut while the push is under way."""
    data = text(2000, [keys.line("bob", "b")])
    stream = keys.sign(data) + data
    with keys.gl.popen(keys.ssh_argv(), env=ENV, stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE) as p:
        p.stdin.write(stream[:-10])
        p.stdin.flush()

        def ours():
            return [pid for pid in keys.gw.pids()
                    if proc.comm(pid) in ("postern-git-pro", "ssh-keygen")]
        proc.wait_for(lambda: len(ours()) == 2, 20, "the update")
        p.kill()
    proc.wait_for(lambda: not ours(), 20, "end of the update")
    assert keys.current() is None
