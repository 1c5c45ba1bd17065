# SPDX-License-Identifier: ISC
"""find, diff, du and verify: in the store, and from the client. A script in
ssh's place runs the forced command, which outlives it as behind an sshd; one
test goes through a real one."""

import contextlib
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from backuplib import backup  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")
POSTERN = BUILD / "postern"
RECEIVE = BUILD / "tools" / "backup" / "postern-backup"
DRIVER = BUILD / "tests" / "unit" / "backup" / "backup_store"
DEADLINE = 60
ODD = b"odd \xff\n[name]*"
SSH = """#!/bin/sh
for word; do :; done
export SSH_ORIGINAL_COMMAND=$word
setsid -w {program} receive --config {conf} --client {client} \\
    --allow {allow} --store {store}
"""


class Done:
    def __init__(self, done):
        self.rc, self.err = done.returncode, done.stderr
        self.out = done.stdout
        self.rows = []
        if self.out.startswith("{"):
            self.rows = [json.loads(x) for x in self.out.splitlines()]

    def of(self, event):
        return [x for x in self.rows if x.get("event") == event]

    def found(self):
        """[(kind, path, what)] of a verify, in order."""
        return sorted((x["kind"], x.get("escaped", x["path"]),
                       ",".join(x["what"])) for x in self.of("found"))

    def __str__(self):
        return f"{self.rc}\n{self.out}\n{self.err}"


class Place:
    """A store of the clients 'laptop' and 'other', and what they back up."""

    def __init__(self, path):
        self.path, self.store = path, path / "store"
        self.src = path / "src"
        self.src.mkdir()
        self.hooks = path / "hooks"
        for client in ("laptop", "other"):
            subprocess.run([DRIVER, self.store, client, "make"], check=True,
                           timeout=DEADLINE)
        self.conf("store", "[store]\n"
                  f"dir = {self.store}\n"
                  f"on-failure = echo $POSTERN_HOOK $POSTERN_JOB "
                  f"$POSTERN_STATUS $POSTERN_WHY >>{self.hooks}\n")
        for client in ("laptop", "other"):
            self.allow(client, "run,list,restore,verify")
            self.conf(client, f"[job {client}]\ndestination = me@store\n"
                      f"root = {self.src}\nssh = {path}/ssh-{client}\n")

    def conf(self, name, text):
        (self.path / f"{name}.conf").write_text(text)

    def allow(self, client, what):
        ssh = self.path / f"ssh-{client}"
        ssh.write_text(SSH.format(program=RECEIVE, client=client, allow=what,
                                  conf=self.path / "store.conf",
                                  store=self.store))
        ssh.chmod(0o755)

    def argv(self, who, *args):
        cmd, *more = args
        return [POSTERN, "backup", cmd, "--config",
                self.path / f"{who}.conf", *more]

    def do(self, who, *args, expect=0):
        done = Done(subprocess.run(
            self.argv(who, *args), capture_output=True, text=True,
            timeout=DEADLINE, stdin=subprocess.DEVNULL, check=False,
            errors="surrogateescape", env=dict(os.environ, LC_ALL="C.UTF-8")))
        assert done.rc == expect, str(done)
        return done

    def owner(self, *args, expect=0):
        return self.do("store", *args, expect=expect)

    def client(self, *args, expect=0):
        return self.do("laptop", *args, expect=expect)

    def run(self, client="laptop"):
        """A backup, made; its name."""
        done = self.do(client, "run", "--json")
        return done.of("result")[0]["snapshot"]

    @contextlib.contextmanager
    def started(self, who, *args):
        with subprocess.Popen(self.argv(who, *args), text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            try:
                yield p
            finally:
                p.kill()

    def file(self, name, text):
        path = self.src / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def stored(self, snapshot, name, client="laptop"):
        at = self.store / client / snapshot
        return Path(f"{at}{self.src}") / name

    def catalog(self, client="laptop"):
        return self.store / ".postern" / client / "catalog.db"

    def sql(self, text):
        with contextlib.closing(sqlite3.connect(self.catalog())) as db:
            return db.execute(text).fetchall()

    def runs(self, client="laptop"):
        lines = (self.store / ".postern" / client / "runs").read_text()
        return [x.split() for x in lines.splitlines()]

    def hooked(self):
        return self.hooks.read_text().splitlines() \
            if self.hooks.exists() else []


@pytest.fixture
def place(tmp_path):
    tmp_path.chmod(0o755)
    return Place(tmp_path)


def wait(look, what):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        got = look()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"not within {DEADLINE} s: {what}")


def reads(pid, name):
    """Whether one of pid's open files is called so."""
    def look():
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(fd).endswith(name):
                    return True
        return False
    return look


def change(path, at, byte, keep_time=True):
    """One byte of a stored file, as a failing disk does it."""
    st = path.stat()
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(byte)
    if keep_time:
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def five_runs(place):
    """Five snapshots of a tree that changes."""
    names = []
    place.file("stays", "the same all the time")
    place.file("sub/changes", "1")
    place.file("goes", "soon")
    with open(os.fsencode(place.src) + b"/" + ODD, "wb") as f:
        f.write(b"odd")
    (place.src / "link").symlink_to("stays")
    names.append(place.run())
    place.file("sub/changes", "22")
    place.file("sub/comes", "new")
    names.append(place.run())
    (place.src / "goes").unlink()
    (place.src / "stays").chmod(0o600)
    names.append(place.run())
    (place.src / "link").unlink()
    place.file("link", "a file now")
    os.utime(place.src / "sub/comes", ns=(10**18, 10**18))
    names.append(place.run())
    os.chown(place.src / "sub/changes", 12, 34)
    names.append(place.run())
    return names


# find

@pytest.mark.parametrize("who", ["store", "laptop"])
def test_find_knows_each_state_of_a_path_and_its_snapshots(place, who):
    s = five_runs(place)

    def find(*args, expect=0):
        done = place.do(who, "find", "--json", *args, expect=expect)
        return sorted((x.get("escaped", x["path"])[len(str(place.src)):],
                       x["size"], s.index(x["first"]), s.index(x["last"]))
                      for x in done.rows)

    assert find("goes") == [("/goes", 4, 0, 1)]
    assert find("--exact", f"{place.src}/sub/changes") == [
        ("/sub/changes", 1, 0, 0), ("/sub/changes", 2, 1, 3),
        ("/sub/changes", 2, 4, 4)]
    assert find("--snapshot", s[2], "*change*") == [("/sub/changes", 2, 1, 3)]
    assert find("--prefix", f"{place.src}/sub/com") == [
        ("/sub/comes", 3, 1, 2), ("/sub/comes", 3, 3, 4)]
    escaped = "/odd \\xff\\x0a[name]*"
    assert find("--prefix", f"{place.src}/odd") == [(escaped, 3, 0, 4)]
    assert find("--exact", os.fsencode(place.src) + b"/" + ODD) == \
        [(escaped, 3, 0, 4)]
    assert find("odd*") == [(escaped, 3, 0, 4)]
    assert find(f"{place.src}/s*/c*s")[-1] == ("/sub/comes", 3, 3, 4)
    assert find("--exact", f"{place.src}/nothing") == []
    text = place.do(who, "find", "odd*").out
    assert escaped in text and text.count("\n") == 2
    assert f"{s[0]}  {s[4]}" in text
    done = place.do(who, "find", "--exact", "relative", expect=64)
    assert "begins with a slash" in done.err


def test_a_client_finds_its_own_files_only(place):
    place.file("mine", "x")
    theirs = place.run("other")
    place.run()
    assert len(place.client("find", "--json", "mine").rows) == 1
    for args in (("find", "--snapshot", theirs, "mine"),
                 ("verify", theirs)):
        done = place.client(*args, expect=1)
        assert "not a snapshot of laptop" in done.err, str(done)
        assert done.out == ""
    gone = "laptop.1970-01-01.5"
    done = place.client("verify", gone, expect=1)
    assert "no such snapshot" in done.err
    place.allow("laptop", "run")
    for args in (("find", "mine"), ("verify",)):
        assert "not allowed" in place.client(*args, expect=1).err


def test_find_in_the_store_asks_all_clients_or_one(place):
    place.file("here", "x")
    a, b = place.run(), place.run("other")
    firsts = [x["first"] for x in place.owner("find", "--json", "here").rows]
    assert sorted(firsts) == sorted([a, b])
    rows = place.owner("find", "--json", "--client", "other", "here").rows
    assert [x["first"] for x in rows] == [b]


# diff, du

def test_diff_names_each_kind_of_change(place):
    s = five_runs(place)

    def diff(a, b, *args):
        rows = place.owner("diff", "--json", s[a], s[b], *args).rows
        return {x["path"][len(str(place.src)):]:
                (x["change"], ",".join(x["what"])) for x in rows
                if x["path"].startswith(f"{place.src}/")}

    one = diff(0, 1)
    assert one["/sub/changes"][0] == "changed"
    assert one["/sub/changes"][1].split(",")[0] == "content"
    assert one["/sub/comes"] == ("added", "")
    assert one["/sub"] == ("changed", "time")
    assert diff(1, 0)["/sub/comes"] == ("removed", "")
    assert diff(1, 2)["/goes"] == ("removed", "")
    assert diff(1, 2)["/stays"] == ("changed", "mode")
    assert "kind" in diff(2, 3)["/link"][1]
    assert diff(2, 3)["/sub/comes"] == ("changed", "time")
    assert diff(3, 4) == {"/sub/changes": ("changed", "owner")}
    assert diff(0, 0) == {}
    assert set(diff(0, 4, f"{place.src}/sub")) == \
        {"/sub", "/sub/changes", "/sub/comes"}
    # Others write in the folders above.
    text = place.owner("diff", s[3], s[4], place.src).out
    assert text.endswith("0 added, 0 removed, 1 changed\n"), text
    assert "/sub/changes  (owner)\n" in text
    done = place.owner("diff", s[0], "other.1970-01-01.5", expect=64)
    assert "not a snapshot of laptop" in done.err
    done = place.owner("diff", s[0], "laptop.1970-01-01.5", expect=1)
    assert "no snapshot of this name" in done.err


def test_du_tells_what_a_snapshot_takes_and_what_it_alone_has(place):
    place.file("same", "s" * 1000)
    place.file("a/b/deep", "x" * 70)
    first = place.run()
    place.file("a/b/deep", "y" * 50)
    second = place.run()
    rows = {x["snapshot"]: x for x in place.owner("du", "--json").rows}
    assert rows[first]["bytes"] == 1070 and rows[first]["own_bytes"] == 70
    assert rows[second]["bytes"] == 1050 and rows[second]["own_bytes"] == 50
    rows = {x["path"]: x for x in place.owner(
        "du", "--json", "--depth", "30", second).rows}
    assert rows["/"]["bytes"] == 1050
    assert rows[f"{place.src}/a/"]["bytes"] == 50
    assert rows[f"{place.src}/a/"]["files"] == 2
    rows = place.owner("du", "--json", "--depth", "1", second).rows
    assert all(x["path"].count("/") <= 2 for x in rows) and len(rows) >= 2
    assert second in place.owner("du", "laptop").out
    assert "FOLDER" in place.owner("du", second).out


# verify

def spoil(place):
    """Two snapshots, and one of everything that can be wrong in the first."""
    for name in ("rot", "missing", "altered", "grown", "good"):
        place.file(name, f"{name} {name}")
    with open(os.fsencode(place.src) + b"/" + ODD, "wb") as f:
        f.write(b"odd")
    first = place.run()
    for name in ("rot", "missing", "altered", "grown", "good"):
        place.file(name, f"{name} and another")
    place.run()
    change(place.stored(first, "rot"), 0, b"R")
    place.stored(first, "missing").unlink()
    place.stored(first, "altered").chmod(0o777)
    change(place.stored(first, "grown"), 20, b"more", keep_time=False)
    added = place.stored(first, "added\x1b[31m")
    added.write_text("who did this?")
    odd = Path(os.fsdecode(os.fsencode(place.stored(first, "")) + b"/" + ODD))
    change(odd, 0, b"O")
    folder = place.stored(first, "")
    os.utime(folder, ns=(1, 0))
    return first


@pytest.mark.parametrize("who", ["store", "laptop"])
def test_verify_names_what_is_wrong(place, who):
    first = spoil(place)
    done = place.do(who, "verify", "--json", first, expect=2)
    src = str(place.src)
    found = {path[len(src):]: (kind, what)
             for kind, path, what in done.found()}
    assert found["/rot"] == ("rot", "content")
    assert found["/missing"] == ("missing", "")
    assert found["/altered"] == ("altered", "mode")
    kind, what = found["/grown"]
    assert kind == "altered" and {"content", "size"} <= set(what.split(","))
    assert ("added", "") in found.values()
    assert found["/odd \\xff\\x0a[name]*"] == ("rot", "content")
    assert "/good" not in found
    result = done.of("result")[0]
    assert result["status"] == 2 and result["found"] == len(found)
    # Told to the owner, and to who looks at its runs.
    line = place.runs()[-1]
    assert line[1:4] == ["verify", "warn", first]
    assert place.hooked()[0].startswith("on-failure laptop 2 ")
    assert f"{len(found)} found" in place.hooked()[0]
    text = place.do(who, "verify", first, expect=2)
    assert "\x1b" not in text.out and "added\\x1b[31m" in text.out
    assert "\nrot " in "\n" + text.out


def test_verify_of_all_reads_what_snapshots_share_once(place):
    place.file("shared", "s" * 1000)
    place.file("changes", "1")
    place.run()
    place.file("changes", "2")
    place.run()
    place.run("other")
    done = place.owner("verify", "--json")
    read = {x["client"]: (x["read"], x["bytes"]) for x in done.of("result")}
    assert read == {"laptop": (3, 1002), "other": (2, 1001)}
    assert place.runs()[-1][1:3] == ["verify", "ok"]
    assert place.hooked() == []
    # A file whose mode is another one is looked at in both.
    last = place.run()
    os.chmod(place.stored(last, "changes"), 0o640)
    done = place.client("verify", "--json", expect=2)
    assert [x[0] for x in done.found()] == ["altered"] * 2
    # So is one that rotted, in all three.
    change(place.stored(last, "shared"), 3, b"X")
    done = place.client("verify", "--json", expect=2)
    assert [x[0] for x in done.found()].count("rot") == 3


def test_verify_max_age_and_sample_read_less(place):
    for i in range(200):
        place.file(f"f{i}", str(i))
    name = place.run()
    read = place.owner("verify", "--json", "--max-age", "1h").of("result")[0]
    assert read["read"] == 0
    read = place.client("verify", "--json", "--max-age", "1h")
    assert read.of("result")[0]["read"] == 0
    place.sql("SELECT 1")
    with contextlib.closing(sqlite3.connect(place.catalog())) as db, db:
        db.execute("UPDATE entry SET verified=verified-7200")
    read = place.client("verify", "--json", "--sample", "20")
    assert 5 < read.of("result")[0]["read"] < 100
    some = read.of("result")[0]["read"]
    read = place.owner("verify", "--json", "--max-age", "1h", name)
    assert read.of("result")[0]["read"] == 200 - some
    assert place.owner("verify", "--json").of("result")[0]["read"] == 200


def test_a_clients_good_verify_does_not_hide_what_was_found(place):
    place.file("rot", "x" * 50)
    first = place.run()
    place.file("rot", "y" * 50)
    second = place.run()
    change(place.stored(first, "rot"), 3, b"!")
    place.owner("verify", expect=2)
    place.client("verify", second)
    assert place.runs()[-1][1:4] == ["verify", "warn", second]


def slow_file(place, snapshot, name):
    """What takes a while to be read, without taking room."""
    path = place.stored(snapshot, name)
    os.truncate(path, 1 << 40)
    return path


@pytest.mark.parametrize("who", ["store", "laptop"])
def test_an_interrupted_verify_ends_at_once_and_keeps_what_it_has(place, who):
    place.file("a/first", "read by then")
    place.file("z/slow", "x")
    snapshot = place.run()
    slow_file(place, snapshot, "z/slow")
    before = dict(place.sql("SELECT path, verified FROM file"))
    with place.started(who, "verify", "--json", snapshot) as p:
        def pid():
            return [int(x) for x in os.listdir("/proc") if x.isdigit()
                    and reads_quietly(int(x), "/z/slow")]
        reader = wait(pid, "the slow file is read")
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=DEADLINE)
    assert p.returncode == 1, err
    assert "interrupted" in err
    wait(lambda: not os.path.exists(f"/proc/{reader[0]}"), "the reader ends")
    after = dict(place.sql("SELECT path, verified FROM file"))
    name = str(place.src)
    assert after[f"{name}/a/first"] > before[f"{name}/a/first"]
    assert after[f"{name}/z/slow"] == before[f"{name}/z/slow"]


def reads_quietly(pid, name):
    try:
        return reads(pid, name)()
    except OSError:
        return False


def test_a_backup_need_not_wait_for_a_verify(place):
    place.file("slow", "x")
    place.file("kept", "k")
    snapshot = place.run()
    slow_file(place, snapshot, "slow")
    (place.src / "slow").unlink()
    with place.started("store", "verify", snapshot) as p:
        wait(reads(p.pid, "/slow"), "the slow file is read")
        second = place.run()
        assert place.runs()[-1][1:4] == ["run", "ok", second]
        assert place.runs()[-1][-1] == "-"
        found = place.owner("find", "--json", "--snapshot", second, "kept")
        assert found.rows[0]["last"] == second
        # The snapshot that is read stays.
        assert place.owner("list", "--json").rows[0]["held"]
        done = place.client("verify", expect=75)
        assert "another verify" in done.err
        assert p.poll() is None
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=DEADLINE)


def test_a_terminal_gets_a_bar_with_the_bytes_of_all(place):
    place.file("a", "x" * (3 << 20))
    place.file("z/slow", "x")
    snapshot = place.run()
    slow_file(place, snapshot, "z/slow")
    main, side = pty.openpty()
    env = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8")
    with subprocess.Popen(place.argv("store", "verify", snapshot), env=env,
                          stdin=side, stdout=side, stderr=side) as p:
        os.close(side)
        seen = b""
        end = time.monotonic() + DEADLINE
        try:
            while b"3.0 MiB of 3.0 MiB" not in seen:
                assert select.select([main], [], [], max(
                    0, end - time.monotonic()))[0], seen
                seen += os.read(main, 65536)
        finally:
            p.kill()
            os.close(main)
    assert b"[###################-]  99%" in seen


def test_manifests_that_are_missing_are_made_first(place):
    place.file("x", "x")
    place.run()
    for end in ("", "-wal", "-shm"):
        Path(f"{place.catalog()}{end}").unlink(missing_ok=True)
    done = place.client("find", "--json", "x")
    assert len(done.rows) == 1 and "damaged" not in done.err
    place.catalog().unlink()
    done = place.owner("verify", "--json")
    assert done.of("result")[0]["read"] == 1 and done.rows[-1]["why"] is None


@pytest.mark.parametrize("who", ["store", "laptop"])
def test_a_damaged_catalogue_is_made_again_and_said(place, who):
    for i in range(500):
        place.file(f"f{i}", str(i))
    snapshot = place.run()

    def damage():
        with open(place.catalog(), "r+b") as f:
            f.seek(8192)
            f.write(os.urandom(place.catalog().stat().st_size - 8192))

    damage()
    done = place.do(who, "find", "--json", "f77")
    assert len(done.rows) == 1 and "made again" in done.err, str(done)
    damage()
    done = place.do(who, "verify", "--json", snapshot, expect=2)
    assert done.of("found") == []
    assert "damaged" in done.of("result")[0]["why"]
    assert place.runs()[-1][2] == "warn"
    done = place.do(who, "verify", "--json", snapshot)
    assert done.of("result")[0]["read"] == 500
    place.catalog().write_bytes(b"no database at all" * 1000)
    assert len(place.owner("diff", "--json", snapshot, snapshot).rows) == 0
    assert len(place.do(who, "find", "--json", "f77").rows) == 1


def test_rows_are_whole_however_slowly_a_client_reads(place):
    for i in range(3000):
        place.file("d" * 200 + f"/{i:04}" + "x" * 150, "")
    place.run()
    with place.started("laptop", "find", "--json", "*x") as p:
        first = p.stdout.readline()
        os.kill(p.pid, signal.SIGSTOP)
        os.kill(p.pid, signal.SIGCONT)
        rest = p.stdout.read()
        assert p.wait(DEADLINE) == 0
    rows = [json.loads(x)["path"] for x in (first + rest).splitlines()]
    assert len(rows) == len(set(rows)) == 3000


# Through a real sshd

def test_find_and_verify_over_ssh(backup):
    backup.setup(root="/srv/data", accept=["--allow", "run,list,verify"])
    backup.files({"/srv/data/a": "one\n", "/srv/data/b": "two\n"})
    snapshot = backup.run("--json").snapshot
    done = backup.run("--exact", "/srv/data/a", cmd="find")
    assert "/srv/data/a" in done.out and snapshot in done.out
    assert snapshot in backup.run(cmd="list").out
    rows = backup.run(snapshot, "/srv/data", cmd="list").out.splitlines()
    assert [r.split()[-1] for r in rows] == ["a", "b"]
    backup.run("--json", cmd="verify")
    at = Path(os.fsdecode(backup.snapshot())) / "srv/data/b"
    change(at, 0, b"T")
    done = backup.run(cmd="verify", expect=2)
    assert f"rot         {snapshot}  /srv/data/b\n" in done.out, str(done)
    done = backup.owner("verify", "--store", backup.dir, expect=2)
    assert "/srv/data/b" in done.out
