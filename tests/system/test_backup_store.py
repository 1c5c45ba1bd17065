# SPDX-License-Identifier: ISC
"""The store of backups on real file systems: a loop ext4 and a loop btrfs.

Each function of the store is called by backup_store (backup_store.c), so that
strace can kill it, or let it run out of space, at each of its system calls.
"""

import collections
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
DRIVER = BUILD / "tests" / "unit" / "backup" / "backup_store"
USER = 65534
MIB = 1 << 20
# What changes something, or asks for it. The rest is the program's start.
CALLS = ["openat", "mkdirat", "renameat", "renameat2", "unlinkat", "fsync",
         "syncfs", "ioctl", "fchmod", "write", "pwrite64", "ftruncate",
         "flock", "newfstatat", "getdents64", "statx", "fstatfs", "faccessat",
         "faccessat2", "getrandom", "close"]
# Those that a full disk can stop.
GROWS = ["openat", "mkdirat", "renameat", "renameat2", "unlinkat", "fsync",
         "syncfs", "ioctl", "write", "fchmod"]
ODD = [b"plain", b"with space", b"\xff\xfe not utf-8", b"new\nline",
       b"back\\slash", b"-rf"]


class Store:
    """A store with the client 'laptop', on a file system of its own."""

    def __init__(self, mount, kind, uid=0):
        self.mount, self.kind, self.uid = mount, kind, uid
        # Not in the build folder: a plain user may have no way to that.
        self.driver = mount / "driver"
        shutil.copy(DRIVER, self.driver)
        home = mount / "home"
        home.mkdir()
        os.chown(home, uid, uid)
        self.path = home / "a store"
        self.client = self.path / "laptop"
        self.admin = self.path / ".postern" / "laptop"
        self.now = 1_700_000_000
        self.do("make")

    def argv(self, *words):
        who = []
        if self.uid:
            who = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}",
                   "--clear-groups"]
        return [*who, str(self.driver), str(self.path), "laptop", *words]

    def run(self, *words, strace=(), log="/dev/null"):
        env = dict(os.environ, BACKUP_NOW=str(self.now))
        argv = self.argv(*words)
        if strace:
            # LeakSanitizer can't work while it is traced.
            env["ASAN_OPTIONS"] = "detect_leaks=0"
            argv = ["strace", "-o", log, *strace, *argv]
        return subprocess.run(argv, env=env, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)

    def do(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode().split("\n")[:-1]

    def begin(self):
        """Begins a run and fills .incoming as a receiver would."""
        said = self.do("begin")[0]
        inside = os.fsencode(self.client / ".incoming")
        for name in ODD:
            folder = os.path.join(inside, name)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "wb") as f:
                f.write(str(self.now).encode())
            if not os.path.islink(os.path.join(folder, b"link")):
                os.symlink(b"/etc", os.path.join(folder, b"link"))
        if self.uid:
            for root, dirs, files in os.walk(inside):
                for name in [b".", *dirs, *files]:
                    os.chown(os.path.join(root, name), self.uid, self.uid,
                             follow_symlinks=False)
        return said

    def make_snapshot(self):
        self.now += 1
        self.begin()
        return self.do("finish")[0]

    def complete(self, name, when=None):
        """Whether the snapshot has all that begin() put there."""
        inside = os.fsencode(self.client / name)
        when = when or name.rsplit(".", 1)[1]
        for odd in ODD:
            path = os.path.join(inside, odd, odd)
            with open(path, "rb") as f:
                if f.read() != str(when).encode():
                    return False
        return True

    def trash(self):
        return [n for n in os.listdir(self.client) if n.startswith(".trash")]

    def points(self, log, calls, *words):
        """Runs the command; how often it made each of the system calls."""
        done = self.run(*words, strace=["-f"], log=log)
        assert done.returncode == 0, done.stderr
        lines = pathlib.Path(log).read_text(errors="replace").splitlines()
        seen = collections.Counter(
            m[1] for m in (re.match(r"\d+ +(\w+)\(", s) for s in lines) if m)
        return [(call, n + 1) for call in calls for n in range(seen[call])]


@pytest.fixture(params=["ext4", "btrfs"])
def kind(request):
    return request.param


@pytest.fixture
def file_system(tmp_path_factory):
    """Makes loop file systems; they are gone after the test."""
    mounts = []

    def make(which, size=256 * MIB, options="loop"):
        base = tmp_path_factory.mktemp("fs")
        # pytest's folders are root's alone; a plain user goes through them.
        for folder in [base, *base.parents]:
            folder.chmod(0o755)
            if folder.name.startswith("pytest-of-"):
                break
        image, mount = base / "image", base / "mnt"
        with open(image, "wb") as f:
            f.truncate(size)
        extra = ["-m", "0"] if which == "ext4" else []
        subprocess.run([f"mkfs.{which}", "-q", *extra, str(image)],
                       check=True, capture_output=True)
        mount.mkdir()
        subprocess.run(["mount", "-o", options, str(image), str(mount)],
                       check=True)
        mounts.append((mount, image))
        return mount

    yield make
    for mount, image in mounts:
        subprocess.run(["umount", str(mount)], check=True)
        image.unlink()


@pytest.fixture
def store(file_system, kind):
    return Store(file_system(kind), kind)


def test_the_back_end_is_what_the_store_is_on(store):
    backend = {"ext4": "hardlink", "btrfs": "btrfs"}[store.kind]
    assert store.begin() == f"fresh {backend}  "
    assert store.begin() == f"resumed {backend}  "
    first = store.do("finish")[0]
    assert first == "laptop.2023-11-14.1700000000"
    store.now += 1
    link = f"../{first}" if backend == "hardlink" else ""
    assert store.begin() == f"fresh {backend} {first} {link}"
    second = store.do("finish")[0]
    assert store.do("list") == [second, first]
    assert store.complete(first) and store.complete(second)
    if backend == "btrfs":
        with pytest.raises(OSError, match="Read-only"):
            (store.client / first / "x").touch()
    for name in first, second:
        store.do("remove", name)
    assert os.listdir(store.client) == []


def test_a_plain_user_makes_and_removes_subvolumes(file_system):
    for options in "loop", "loop,user_subvol_rm_allowed":
        store = Store(file_system("btrfs", options=options), "btrfs", USER)
        first, second = store.make_snapshot(), store.make_snapshot()
        inode = os.stat(store.client / second).st_ino
        assert inode == 256, "a subvolume's top"
        store.do("remove", first)
        assert store.do("list") == [second]
        assert store.complete(second)
        store.begin()
        store.do("remove-incoming")
        store.do("remove", second)
        assert os.listdir(store.client) == []


def test_a_kill_while_finishing_leaves_the_old_state_or_the_new(
        store, tmp_path):
    old = store.make_snapshot()
    store.now += 1
    store.begin()
    points = store.points(tmp_path / "log", CALLS, "finish")
    assert len(points) > 20
    outcomes = collections.Counter()
    for call, n in points:
        for extra in [s for s in store.do("list") if s != old]:
            store.do("remove", extra)
        store.now += 1
        store.begin()
        done = store.run("finish", strace=[
            f"--inject={call}:signal=KILL:when={n}"])
        where = f"killed at {call} {n}"
        now = store.do("list")
        assert now[-1] == old and store.complete(old), where
        if len(now) == 2:
            outcomes["new"] += 1
            assert store.complete(now[0]), where
            assert not (store.client / ".incoming").exists(), where
        else:
            outcomes["old"] += 1
            assert now == [old], where
            assert store.complete(".incoming", store.now), where
        # The next run succeeds.
        store.do("sweep")
        when, store.now = store.now, store.now + 1
        if len(now) == 2:
            when = store.now
            assert store.begin().startswith("fresh"), where
        else:
            assert store.do("begin")[0].startswith("resumed"), where
        name = store.do("finish")[0]
        assert store.do("list")[0] == name, where
        assert store.complete(name, when), where
        assert done.returncode in (0, -9, 137), where
        records = sorted(os.listdir(store.admin / "snap"))
        assert records == sorted(store.do("list")), where
    assert outcomes["old"] > 5 and outcomes["new"] > 0, outcomes


def test_a_kill_while_removing_leaves_the_old_state_or_the_new(
        store, tmp_path):
    keep, victim = store.make_snapshot(), store.make_snapshot()
    points = store.points(tmp_path / "log", CALLS, "remove", victim)
    assert len(points) > 20
    outcomes = collections.Counter()
    for call, n in points:
        if victim not in store.do("list"):
            victim = store.make_snapshot()
        store.run("remove", victim, strace=[
            f"--inject={call}:signal=KILL:when={n}"])
        where = f"killed at {call} {n}"
        now = store.do("list")
        assert keep in now and store.complete(keep), where
        if victim in now:
            outcomes["old"] += 1
            assert store.complete(victim), where
        else:
            outcomes["new"] += 1
        store.do("sweep")
        if victim in now:
            store.do("remove", victim)
        assert os.listdir(store.client) == [keep], where
        assert os.listdir(store.admin / "snap") == [keep], where
        assert os.listdir(store.admin / "hold") == [keep], where
    assert outcomes["old"] > 5 and outcomes["new"] > 5, outcomes


def test_no_space_at_any_step_of_a_run_keeps_what_was_there(store, tmp_path):
    old = store.make_snapshot()
    store.now += 1
    store.begin()
    points = store.points(tmp_path / "log", GROWS, "finish")
    refused = 0
    for call, n in points:
        for extra in [s for s in store.do("list") if s != old]:
            store.do("remove", extra)
        store.now += 1
        store.begin()
        done = store.run("finish", strace=[
            f"--inject={call}:error=ENOSPC:when={n}"])
        where = f"no space at {call} {n}"
        assert store.complete(old), where
        now = store.do("list")
        if done.returncode != 0:
            # Before our own code is reached the dynamic loader complains.
            refused += b"No space left on device" in done.stderr
        if len(now) == 2:
            assert store.complete(now[0]), where
            continue
        assert done.returncode != 0, where
        assert store.complete(".incoming", store.now), where
        when, store.now = store.now, store.now + 1
        name = store.do("finish")[0]
        assert store.complete(name, when), where
    assert refused >= 8


def fill(folder):
    """Takes all the space there is; the file that does."""
    ballast = folder / "ballast"
    step = MIB
    with open(ballast, "wb", buffering=0) as f:
        while step >= 512:
            try:
                f.write(os.urandom(step))
                os.fsync(f.fileno())
            except OSError:
                step //= 2
    return ballast


def test_a_full_disk_stops_a_run_and_a_removal_frees_it(file_system, kind):
    store = Store(file_system(kind, 160 * MIB), kind)
    first, second = store.make_snapshot(), store.make_snapshot()
    store.now += 1
    store.begin()
    ballast = fill(store.mount)
    done = store.run("finish")
    if done.returncode == 0:
        # There may have been room for its few bytes.
        assert len(store.do("list")) == 3
    else:
        assert b"No space left" in done.stderr
        assert store.do("list") == [second, first]
    assert store.complete(first) and store.complete(second)
    # Readers aren't kept away, and a removal needs no space.
    with subprocess.Popen(store.argv("hold", second), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as reader:
        assert reader.stdout.readline() == b"held\n"
        reader.stdin.close()
    store.do("remove", first)
    assert first not in store.do("list") and store.trash() == []
    assert store.complete(second)
    ballast.unlink()
    subprocess.run(["sync", "-f", store.mount], check=True)
    store.do("finish")


def test_a_full_disk_tears_no_run_that_was_recorded(file_system):
    store = Store(file_system("ext4", 24 * MIB), "ext4")
    done, count = store.run("run", "ok"), 1
    assert done.returncode == 0
    ballast = fill(store.mount)
    while store.run("run", "ok").returncode == 0:
        count += 1
        assert count < 1000
    good, _ = map(int, store.do("runs")[0].split())
    assert good == count
    ballast.unlink()
    store.do("run", "ok")
    good, bad = map(int, store.do("runs")[0].split())
    assert good == count + 1 and bad <= 1


def test_the_oldest_go_until_there_is_room(file_system, kind):
    store = Store(file_system(kind, 512 * MIB), kind)
    names = []
    for _ in range(5):
        store.now += 1
        store.do("begin")
        inside = store.client / ".incoming"
        with open(inside / "big", "wb") as f:
            f.write(os.urandom(40 * MIB))
        names.append(store.do("finish", str(40 * MIB))[0])
    vfs = os.statvfs(store.client)
    free = vfs.f_bavail * vfs.f_frsize
    store.do("pin", names[0])
    with subprocess.Popen(store.argv("hold", names[1]),
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as reader:
        assert reader.stdout.readline() == b"held\n"
        # Enough is free.
        assert store.do("evict", "1000", "0", "1", "0") == []
        # One of 40 MiB is enough; the pinned and the held one stay.
        need = free + 25 * MIB
        assert store.do("evict", str(need), "0", "1", "0") == [names[2]]
        assert store.do("evict", str(need), "0", "1", "0") == []
        reader.stdin.close()
    # Nothing goes for what can't be had.
    total = vfs.f_blocks * vfs.f_frsize
    done = store.run("evict", str(total + 1), "0", "2", "0")
    assert done.returncode == 1 and b"are needed" in done.stderr
    assert done.stdout == b"" and len(store.do("list")) == 4
    # Never under min-keep, and it says that this is not enough.
    done = store.run("evict", str(total), "0", "2", "0")
    assert done.returncode == 1
    assert b"are needed" in done.stderr
    assert done.stdout.decode().split() == [names[1], names[3]]
    assert store.do("list") == [names[4], names[0]]
    # A quota that can't be met: nothing goes in vain.
    done = store.run("evict", "0", str(50 * MIB), "1", "0")
    assert done.returncode == 1 and b"its quota is" in done.stderr
    assert store.do("list") == [names[4], names[0]]


def desk(store, *words):
    """The same of another client."""
    argv = store.argv()
    env = dict(os.environ, BACKUP_NOW=str(store.now))
    done = subprocess.run([argv[0], argv[1], "desk", *words], env=env,
                          capture_output=True, timeout=60, check=True)
    return done.stdout.decode().split()


def desks(store, n):
    desk(store, "make")
    names = []
    for _ in range(n):
        store.now += 1
        desk(store, "begin")
        names += desk(store, "finish")
    return names


def all_of(store):
    """As much as there is: who needs it takes what may go."""
    vfs = os.statvfs(store.client)
    return str(vfs.f_blocks * vfs.f_frsize)


def test_another_client_keeps_as_many_as_it_is_to(file_system):
    store = Store(file_system("ext4"), "ext4")
    mine, theirs = store.make_snapshot(), desks(store, 4)
    done = store.run("evict", all_of(store), "0", "1", "1", "3")
    assert done.stdout.decode().split() == theirs[:1]
    assert desk(store, "list") == theirs[:0:-1]
    assert store.do("list") == [mine]


def test_nobody_elses_lock_is_taken_where_enough_is_free(
        file_system, tmp_path):
    """It would keep their runs away."""
    store = Store(file_system("ext4"), "ext4")
    store.make_snapshot()
    desks(store, 2)
    log = tmp_path / "log"
    done = store.run("evict", "1000", "0", "1", "1", log=log,
                     strace=["-f", "-y", "-e", "trace=openat,flock"])
    assert done.returncode == 0 and done.stdout == b"", done
    assert "laptop/lock" in log.read_text()
    assert "desk" not in log.read_text()


def test_a_client_that_can_not_be_read_is_passed_over(file_system):
    store = Store(file_system("ext4"), "ext4")
    mine, theirs = store.make_snapshot(), desks(store, 2)
    mine = [mine, store.make_snapshot()]
    done = store.run("evict", all_of(store), "0", "1", "1", strace=[
        "-P", store.path / "desk", "-e", "trace=getdents64",
        "-e", "inject=getdents64:error=EIO"])
    assert done.stdout.decode().split() == mine[:1], done
    assert b"are needed" in done.stderr
    assert desk(store, "list") == theirs[::-1]


def test_what_is_not_a_root_goes_or_it_is_said(store):
    """A folder that can't be read to its end is not trimmed."""
    store.do("begin")
    inside = store.client / ".incoming"
    for name in ("a/in", "a/out", "other"):
        (inside / name).mkdir(parents=True)
    trim = ["-P", inside / "a", "-e", "trace=getdents64"]
    done = store.run("trim", "/a/in", strace=[
        *trim, "-e", "inject=getdents64:error=EIO"])
    assert done.returncode == 1 and b"Input/output" in done.stderr, done
    assert (inside / "a/out").exists()
    store.do("trim", "/a/in")
    assert os.listdir(inside) == ["a"] and os.listdir(inside / "a") == ["in"]


def test_other_clients_lose_history_only_by_the_setting(file_system):
    store = Store(file_system("ext4"), "ext4")
    mine = [store.make_snapshot() for _ in range(2)]
    theirs = desks(store, 3)
    need = all_of(store)
    done = store.run("evict", need, "0", "1", "0")
    assert done.stdout.decode().split() == [mine[0]]
    assert len(desk(store, "list")) == 3
    # A client that is busy with a run keeps all of its own.
    with subprocess.Popen(["flock", store.path / ".postern/desk/lock", "-c",
                           "echo locked; cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as busy:
        assert busy.stdout.readline() == b"locked\n"
        done = store.run("evict", need, "0", "1", "1")
        assert done.stdout == b""
        busy.stdin.close()
    done = store.run("evict", need, "0", "1", "1")
    assert done.stdout.decode().split() == theirs[:2]
    assert desk(store, "list") == [theirs[2]]
