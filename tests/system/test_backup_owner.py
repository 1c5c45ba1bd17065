# SPDX-License-Identifier: ISC
"""What the store's owner and the client ask for that is no transfer.

The real programs on one machine: in ssh's place stands a script that starts
`postern-backup receive`, since here it doesn't matter how the two are joined.
"""

import datetime
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import termios
import time
import xml.etree.ElementTree

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
BACKUP = BUILD / "tools" / "backup" / "postern-backup"
DRIVER = BUILD / "tests" / "unit" / "backup" / "backup_store"
RUNS = 20
DAY = 86400
ODD = [b"plain", b"new\nline", b"esc\x1b[31m", b"\xff\xfe", "gr\xfcn".encode()]


class Store:
    """A store with clients, and a machine for each of them."""

    def __init__(self, base):
        self.base, self.path = base, base / "a store"
        self.conf = base / "store.conf"
        self.settings()

    def settings(self, store="", client=""):
        self.conf.write_text(f"[store]\ndir = {self.path}\n{store}\n"
                             f"[client laptop]\n{client}\n")

    def client(self, name, allow="run,list"):
        subprocess.run([DRIVER, self.path, name, "make"], check=True)
        home = self.base / name
        home.mkdir()
        ssh = home / "ssh"
        ssh.write_text(
            "#!/bin/sh\nunset SSH_ORIGINAL_COMMAND\n"
            f"exec '{BACKUP}' receive --client {name} --allow {allow} "
            f"--config '{self.conf}'\n")
        ssh.chmod(0o755)
        (home / "root").mkdir()
        self.client_conf(name)
        return home

    def client_conf(self, name, ssh="ssh"):
        home = self.base / name
        (home / "client.conf").write_text(
            f"[job {name}]\ndestination = me@store\nssh = {home / ssh}\n"
            f"root = {home / 'root'}\nexclude = {home / 'root/not'}\n"
            "exclude = *.o\n")

    def run(self, conf, *words, rc=0, **more):
        done = subprocess.run([BACKUP, words[0], "--config", conf,
                               *words[1:]], capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False, **more)
        said = done.stderr.decode(errors="replace")
        assert done.returncode == rc, (words, done.returncode, said)
        return done.stdout, said

    def own(self, *words, rc=0, **more):
        return self.run(self.conf, *words, rc=rc, **more)

    def ask(self, *words, rc=0, name="laptop", **more):
        return self.run(self.base / name / "client.conf", *words, rc=rc,
                        **more)

    def rows(self, *words, rc=0):
        """An object a line."""
        out = self.own(*words, "--json", rc=rc)[0]
        return [json.loads(line) for line in out.decode().splitlines()]

    def names(self, name="laptop"):
        """As anybody who looks into the folder sees them, oldest first."""
        return sorted((n for n in os.listdir(self.path / name)
                       if not n.startswith(".")),
                      key=lambda n: int(n.rsplit(".", 1)[1]))

    def admin(self, name="laptop"):
        return self.path / ".postern" / name

    def age(self, name, when):
        """Makes a snapshot as old as `when`."""
        client = name.split(".")[0]
        day = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
        new = f"{client}.{day:%Y-%m-%d}.{int(when)}"
        for folder in [self.path / client, *(self.admin(client) / f for f in
                                             ["snap", "hold", "pins"])]:
            if (folder / name).exists():
                (folder / name).rename(folder / new)
        return new

    def log(self, line, name="laptop"):
        with open(self.admin(name) / "runs", "a") as f:
            f.write(line + "\n")


def change(root, i):
    for n, name in enumerate(ODD):
        folder = os.path.join(os.fsencode(root), name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(b"x" * (100 * i if n == i % len(ODD) else 10))
    if not os.path.islink(root / "link"):
        os.symlink("/etc", root / "link")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """20 runs of a tree that changes, then one a day until an hour ago."""
    store = Store(tmp_path_factory.mktemp("owner"))
    root = store.client("laptop") / "root"
    for i in range(RUNS):
        change(root, i)
        store.ask("run", "-q")
    names = store.names()
    assert len(names) == RUNS
    now = int(time.time())
    for i, name in enumerate(names):
        store.age(name, now - 3600 - (RUNS - 1 - i) * DAY)
    (store.admin() / "runs").write_text("")
    return store


@pytest.fixture
def store(full, tmp_path):
    """A copy of it that a test may change."""
    shutil.copytree(full.base, tmp_path / "copy", symlinks=True)
    copy = Store(tmp_path / "copy")
    ssh = copy.base / "laptop" / "ssh"
    ssh.write_text(ssh.read_text().replace(str(full.base), str(copy.base)))
    copy.client_conf("laptop")
    return copy


def on_terminal(argv, columns):
    """What the program writes to a terminal of that many columns."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    env = dict(os.environ, LC_ALL="C.UTF-8")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=there,
                          stderr=subprocess.PIPE, env=env) as p:
        os.close(there)
        out = b""
        while True:
            try:
                data = os.read(here, 65536)
            except OSError:
                break
            if not data:
                break
            out += data
        assert p.wait(60) == 0, p.stderr.read()
    os.close(here)
    return out.decode().replace("\r\n", "\n")


def raw(store, request):
    """What the store says to a request that our own client wouldn't make."""
    data = request.encode()
    frame = b"Q" + len(data).to_bytes(3, "big") + data
    done = subprocess.run([store.base / "laptop" / "ssh"], input=frame,
                          stdout=subprocess.PIPE, timeout=60, check=False)
    return done.stdout


# --- list, show ---

def test_both_sides_list_the_same_snapshots(full):
    mine = full.rows("list")
    assert [r["snapshot"] for r in mine] == full.names()
    out = full.ask("list", "--json")[0].decode().splitlines()
    assert [json.loads(line) for line in out] == mine
    assert all(r["client"] == "laptop" and r["recorded"] and r["files"] > 5
               and r["bytes"] > 0 for r in mine)
    table = full.ask("list")[0].decode().splitlines()
    assert len(table) == RUNS + 1 and table[0].split()[:2] == ["SNAPSHOT",
                                                               "MADE"]
    assert table[1:] == full.own("list", "laptop")[0].decode().splitlines()[1:]


def test_a_terminals_width_is_kept_to(full):
    for columns in [40, 60]:
        text = on_terminal([BACKUP, "list", "--config", full.conf], columns)
        assert max(map(len, text.splitlines())) <= columns
        text = on_terminal([BACKUP, "status", "--config", full.conf], columns)
        assert max(map(len, text.splitlines())) <= columns


def test_names_are_raw_for_programs_and_escaped_on_a_terminal(full):
    name, root = full.names()[-1], full.base / "laptop" / "root"
    raw = full.ask("list", name, root)[0]
    assert raw == full.own("list", name, root)[0]
    for odd in ODD:
        assert b"  " + odd + b"/\n" in raw
    assert b"link -> /etc\n" in raw
    text = on_terminal([BACKUP, "list", "--config",
                        full.base / "laptop" / "client.conf", name, root], 80)
    assert "\x1b" not in text and "\\x1b[31m/" in text
    assert "new\\x0aline/" in text and "\\xff\\xfe/" in text
    assert "gr\xfcn/" in text
    rows = full.ask("list", name, root, "--json")[0].decode().splitlines()
    rows = {r["name"]: r for r in map(json.loads, rows)}
    assert rows["link"]["kind"] == "link" and rows["link"]["link"] == "/etc"
    assert rows["plain"]["kind"] == "folder"


def test_a_client_sees_its_own_and_nothing_beside_it(store):
    change(store.client("desk") / "root", 1)
    store.ask("run", "-q", name="desk")
    theirs, mine = store.names("desk")[0], store.names()[-1]
    link = store.base / "laptop" / "root" / "link"
    for words, why in [
            ([theirs], "not a snapshot of laptop"),
            ([theirs, "/"], "not a snapshot of laptop"),
            ([mine, str(link) + "/passwd"], "symbolic link|has no"),
            ([mine, "/none"], "has no /none"),
            (["laptop.2020-01-01.1577836800"], "no such snapshot")]:
        assert re.search(why, store.ask("list", *words, rc=1)[1])
    assert theirs not in store.ask("list")[0].decode()
    # And past a client that is none of ours.
    for text, why in [
            (f"snapshot {theirs}\npath /\n", "not a snapshot of laptop"),
            ("snapshot ../desk\n", "snapshot"),
            (f"snapshot {mine}\npath /../../desk\n", "'..'"),
            (f"snapshot {mine}\npath etc\n", "absolute"),
            ("path /\n", "which snapshot"),
            ("job desk\n", "job"), ("client desk\n", "no such key")]:
        said = raw(store, "op list\nversion 1\n" + text)
        assert said.startswith(b"A") and b"status 0\n" not in said
        assert why in said.decode().replace("\\040", " "), said


def test_list_has_to_be_allowed(store):
    store.client("desk", allow="run")
    said = store.ask("list", name="desk", rc=1)[1]
    assert "list" in said and "allow" in said


def test_more_entries_than_a_frame_has(store):
    home = store.client("desk")
    many = home / "root" / "many"
    many.mkdir()
    for i in range(3000):
        (many / f"{i:05}{'x' * 100}").touch()
    store.ask("run", "-q", name="desk")
    out = store.ask("list", store.names("desk")[0], many, "--json",
                    name="desk")[0].decode().splitlines()
    assert [json.loads(s)["name"][:5] for s in out] == \
        [f"{i:05}" for i in range(3000)]


def test_show_tells_how_a_snapshot_was_made(full):
    name, root = full.names()[3], full.base / "laptop" / "root"
    row, = full.rows("show", name)
    assert row["roots"] == [str(root)]
    assert row["excludes"] == [str(root / "not"), "*.o"]
    assert row["mode"] == "channel" and row["back-end"] in ["hardlink",
                                                            "btrfs"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\w*", row["rsync"])
    text = full.own("show", name)[0].decode()
    assert f"root             {root}\n" in text and "rsync " in text
    assert "no such snapshot" in full.own(
        "show", "laptop.2020-01-01.1577836800", rc=1)[1]
    full.own("show", "../laptop", rc=64)


# --- prune, pin ---

def survivors(names, last=0, hourly=0, daily=0, weekly=0, monthly=0,
              yearly=0, min_keep=1):
    """What the rules keep, reckoned in another way than the program does."""
    def day(name):
        return datetime.datetime.fromtimestamp(
            int(name.rsplit(".", 1)[1]), datetime.timezone.utc)

    keep, newest = set(), names[::-1]
    for count, key in [(last, lambda d: d),
                       (hourly, lambda d: (d.date(), d.hour)),
                       (daily, lambda d: d.date()),
                       (weekly, lambda d: d.isocalendar()[:2]),
                       (monthly, lambda d: (d.year, d.month)),
                       (yearly, lambda d: d.year)]:
        seen = []
        for name in newest:
            if key(day(name)) not in seen:
                seen.append(key(day(name)))
                if len(seen) <= count:
                    keep.add(name)
    for name in newest:
        if len(keep) < min_keep:
            keep.add(name)
    return [n for n in names if n in keep]


@pytest.mark.parametrize("rules", [
    {"last": 1}, {"last": 7}, {"daily": 5}, {"weekly": 2},
    {"daily": 3, "weekly": 3}, {"monthly": 1, "last": 2}, {"last": 50},
    {"daily": 1, "min_keep": 4}, {"hourly": 6}, {"yearly": 1},
    {"yearly": 2, "hourly": 2}])
def test_prune_keeps_what_the_rules_say(store, rules):
    names = store.names()
    want = survivors(names, **rules)
    store.settings(client="\n".join(
        f"{'keep-' if k != 'min_keep' else ''}{k.replace('_', '-')} = {v}"
        for k, v in rules.items()))
    rows = store.rows("prune", "-n")
    assert [r["snapshot"] for r in rows] == names
    assert [r["snapshot"] for r in rows if r["fate"] == "stays"] == want
    assert all(r["why"] for r in rows)
    assert store.names() == names, "--dry-run removed something"
    rows = store.rows("prune", "laptop")
    assert [r["snapshot"] for r in rows if r["fate"] == "removed"] == \
        [n for n in names if n not in want]
    assert store.names() == want
    assert sorted(os.listdir(store.admin() / "snap")) == sorted(want)


def test_without_rules_nothing_goes(store):
    assert {r["fate"] for r in store.rows("prune")} == {"stays"}
    assert len(store.names()) == RUNS


def test_pinned_and_held_ones_stay(store):
    names = store.names()
    store.settings(client="keep-last = 2")
    store.own("pin", names[0])
    assert store.rows("pin", names[1]) == [{"snapshot": names[1],
                                           "pinned": True}]
    assert "pinned" in store.own("list")[0].decode().splitlines()[1]
    hold = store.admin() / "hold" / names[2]
    with open(hold, "a+") as f:
        fcntl.fcntl(f, fcntl.F_OFD_SETLK, struct.pack(
            "hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0))
        rows = {r["snapshot"]: r for r in store.rows("prune")}
        assert "pinned" in rows[names[0]]["why"]
        assert "held" in rows[names[2]]["why"]
        assert store.names() == names[:3] + names[-2:]
    store.own("pin", "--remove", names[0])
    store.own("prune", "-q")
    assert store.names() == [names[1]] + names[-2:]
    assert "no such snapshot" in store.own("pin", names[0], rc=1)[1]


# --- status ---

def only(rows):
    assert len(rows) == 1
    return rows[0]


def test_status_is_0_when_all_is_well_and_2_when_one_is_silent(store):
    store.settings("silent-days = 1")
    row = only(store.rows("status"))
    assert row["ok"] and row["snapshots"] == RUNS and row["failures"] == 0
    assert row["newest"] == store.names()[-1]
    told = store.base / "told"
    store.settings("silent-days = 1\non-silent = echo $POSTERN_CLIENT "
                   f"$POSTERN_DAYS >> {told}")
    for i, name in enumerate(reversed(store.names())):
        if i < 3:
            shutil.rmtree(store.path / "laptop" / name)
    for _ in range(3):
        row = only(store.rows("status", rc=2))
    assert row["silent"] and row["silent-days"] == 3
    assert "silent for 3 days" in store.own("status", rc=2)[0].decode()
    assert told.read_text() == "laptop 3\n", "not once a day"
    (store.admin() / "silent").write_text("2020-01-01")
    store.own("status", "-q", rc=2)
    assert told.read_text() == "laptop 3\n" * 2


def test_a_client_that_never_came_is_silent(store):
    store.client("desk")
    store.settings("silent-days = 1")
    store.own("status")
    then = time.time() - 5 * DAY
    os.utime(store.path / "desk", (then, then))
    row = only(store.rows("status", "desk", rc=2))
    assert row["silent"] and "never" in row["why"] and "last-good" not in row
    assert row["silent-days"] == 5


def test_status_tells_of_quota_verify_and_failures(store):
    used = only(store.rows("status"))["used"]
    store.settings(client=f"quota = {used * 100 // 95}")
    assert only(store.rows("status", rc=2))["near-quota"]
    store.settings(client=f"quota = {used * 2}")
    assert not only(store.rows("status"))["near-quota"]
    now = int(time.time())
    store.log(f"{now} run failed - 0 0 1 the\\040link\\040is\\033down")
    store.log(f"{now} run failed - 0 0 1 again")
    row = only(store.rows("status"))
    assert row["failures"] == 2 and row["last-message"] == "again"
    store.log(f"{now} verify failed - 0 0 1 2\\040files\\040have\\040rotted")
    row = only(store.rows("status", rc=2))
    assert row["verify-found"] and "2 files have rotted" in row["why"]
    store.log(f"{now} verify ok - 0 0 1 -")
    store.own("status")


def test_the_next_prune_is_named(store):
    names = store.names()
    store.settings(client=f"keep-last = {RUNS}")
    row = only(store.rows("status"))
    # There is one too many after the next backup, and none before it.
    assert row["next-prune"] == 1 and row["next-pruned"] == names[0]
    assert {r["fate"] for r in store.rows("prune", "-n")} == {"stays"}
    assert cell(store, "Next prune") == names[0].split(".")[1]
    store.settings(client=f"keep-last = {RUNS - 2}")
    assert cell(store, "Next prune").startswith("3, from ")
    store.settings()
    assert cell(store, "Next prune") == "none"


def cell(store, title, rc=0):
    """What the page's table has below that title, for the one client."""
    path = store.base / "cell.html"
    store.own("status", "--html", path, rc=rc)
    page = xml.etree.ElementTree.fromstring(
        path.read_text().split("\n", 1)[1])
    heads = ["".join(e.itertext()) for e in page.iter("th")]
    cells = ["".join(e.itertext()) for e in page.iter("td")]
    return cells[heads.index(title)]


def test_page_and_table_tell_of_the_last_verify_and_the_back_end(store):
    back_end = only(store.rows("status"))["back-end"]
    kind = os.statvfs(store.path)
    assert back_end in ("hardlink", "btrfs") and kind
    assert f" {back_end} " in store.own("status")[0].decode()
    assert cell(store, "Back end") == back_end
    was = cell(store, "Last verify")
    now = int(time.time())
    store.log(f"{now} verify ok - 0 0 1 -")
    day = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    assert cell(store, "Last verify").startswith(f"{day:%Y-%m-%d}") \
        and cell(store, "Last verify") != was
    store.log(f"{now} verify failed - 0 0 1 rot")
    assert cell(store, "Last verify", rc=2).endswith(": see state")


def test_metrics_are_as_node_exporter_reads_them(store):
    path = store.base / "postern.prom"
    store.own("status", "--textfile", path)
    seen, typed = {}, set()
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            kind, name = re.fullmatch(r"# (HELP|TYPE) (\w+) .+", line).groups()
            typed.add(name)
            continue
        name, labels, value = re.fullmatch(
            r'(\w+)(\{client="[a-z0-9._-]+"\})? (\d+)', line).groups()
        assert name in typed and (name, labels) not in seen
        seen[name, labels] = int(value)
    newest = int(store.names()[-1].rsplit(".", 1)[1])
    me = '{client="laptop"}'
    assert seen["postern_backup_last_success_timestamp_seconds", me] == newest
    assert seen["postern_backup_snapshots", me] == RUNS
    assert seen["postern_backup_store_free_bytes", None] > 0
    assert os.stat(path).st_mode & 0o777 == 0o644
    # backup.conf's file has all clients or stays as it is.
    other = store.base / "conf.prom"
    store.settings(f"textfile = {other}")
    store.own("status", "laptop")
    assert not other.exists()
    store.own("status")
    assert other.exists()
    assert [n for n in os.listdir(store.base) if n.startswith(".")] == []


def test_the_page_needs_nothing_else_and_is_well_formed(store):
    now = int(time.time())
    store.log(f"{now - 3 * DAY} run failed - 0 0 1 <script>alert(1)</script>")
    store.log(f"{now} run failed - 0 0 1 <b>\\033&\"'")
    store.log(f"{now} verify failed - 0 0 1 </td>]]><!--")
    path = store.base / "page.html"
    store.own("status", "--html", path, rc=2)
    text = path.read_text()
    assert text.startswith("<!DOCTYPE html>\n")
    assert "://" not in text and "url(" not in text and "@import" not in text
    page = xml.etree.ElementTree.fromstring(text.split("\n", 1)[1])
    tags = [e.tag for e in page.iter()]
    assert "script" not in tags and "b" not in tags and "link" not in tags
    assert not [a for e in page.iter() for a in e.attrib
                if a in ("src", "data") or a.startswith("on")]
    assert [e.attrib["href"] for e in page.iter("a")] == ["#laptop"]
    days = [e.attrib["class"] for e in page.iter("rect")]
    assert len(days) == 371
    # The two days of the failures had a backup, too.
    assert days.count("ran") == RUNS and days.count("failed") <= 1
    assert len(list(page.iter("circle"))) == RUNS
    words = " ".join(page.itertext())
    assert "<b>\\x1b&\"'" in words and "</td>]]><!--" in words


def test_the_calendar_tells_failed_and_missed_days(store):
    names = store.names()
    for name in names[5:8]:
        shutil.rmtree(store.path / "laptop" / name)
    failed = int(names[6].rsplit(".", 1)[1])
    store.log(f"{failed} run failed - 0 0 1 no")
    path = store.base / "page.html"
    store.own("status", "--html", path)
    page = xml.etree.ElementTree.fromstring(
        path.read_text().split("\n", 1)[1])
    days = [e.attrib["class"] for e in page.iter("rect")]
    known = [d for d in days if d != "empty"]
    assert known[:9] == ["ran"] * 5 + ["missed", "failed", "missed", "ran"]


# --- readers and a run ---

def test_no_reader_waits_for_a_run_or_sees_half_a_snapshot(store):
    names = store.names()
    home = store.base / "laptop"
    gate = home / "gate"
    os.mkfifo(gate)
    # The client hears the store's first words, and the rest when we let it.
    slow = home / "slow"
    slow.write_text(f"#!/bin/sh\n'{home / 'ssh'}' | "
                    "{ dd bs=1 count=100 2>/dev/null; "
                    f"cat '{gate}' >/dev/null; cat; }}\n")
    slow.chmod(0o755)
    store.client_conf("laptop", "slow")
    change(home / "root", 7)
    incoming = store.path / "laptop" / ".incoming"
    with subprocess.Popen([BACKUP, "run", "--config", home / "client.conf"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL) as run:
        try:
            end = time.monotonic() + 20
            while not incoming.exists():
                assert run.poll() is None, run.stderr.read()
                assert time.monotonic() < end
                time.sleep(0.01)
            store.client_conf("laptop")
            assert [r["snapshot"] for r in store.rows("list")] == names
            out = store.ask("list", "--json")[0].decode().splitlines()
            assert [json.loads(s)["snapshot"] for s in out] == names
            store.ask("list", names[-1], "/")
            store.own("show", names[0])
            store.own("status", "--html", store.base / "p.html")
            store.own("pin", names[0])
            store.own("prune", "-n")
            # This one changes something: it says that it is busy.
            store.own("prune", rc=75)
            assert incoming.exists()
        finally:
            with open(gate, "w"):
                pass
        said = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert len(store.names()) == RUNS + 1
    assert store.rows("list")[0]["pinned"]


# --- explain ---

GOOD = "rsync --server --sender -lHogDtpAXrze.iLsfxCIvu --numeric-ids . "


def test_explain_tells_what_a_gate_makes_of_a_command(full):
    root = full.base / "laptop" / "root"
    assert full.ask("explain", GOOD + str(root))[0].decode() == \
        GOOD + f"{root}\n"
    row = json.loads(full.ask("explain", "--json", GOOD + str(root))[0])
    assert row["allowed"] and row["argv"][-1] == str(root)
    for bad in [GOOD + "/", "rsync --daemon", GOOD + f"{root}; reboot",
                "rsync --server . /", ""]:
        assert full.ask("explain", bad, rc=1)[0] == b""
        row = json.loads(full.ask("explain", "--json", bad, rc=1)[0])
        assert not row["allowed"] and row["why"]
    rules = full.ask("explain")[0].decode().splitlines()
    assert len(rules) == 3
    assert "kernel and rsync" in rules[1] and "not sent" in rules[2]
    conf = full.base / "direct.conf"
    conf.write_text((full.base / "laptop/client.conf").read_text()
                    + "mode = direct\n")
    for words in (["explain"], ["run", "-n"]):
        rules = full.run(conf, *words)[0].decode().splitlines()
        assert rules[-1].endswith("by the store's rsync alone: it is a "
                                  "pattern"), rules


def test_explain_tells_what_the_forced_command_makes_of_it(full):
    who = ["--client", "laptop"]
    out = full.own("explain", *who, "--allow", "run", "run")[0]
    assert out.startswith(b"receive, for run;")
    assert "list" in full.own("explain", *who, "--allow", "run", "list",
                              rc=1)[1]
    assert "no operation" in full.own("explain", *who, "rm -rf /", rc=1)[1]
    full.own("explain", *who, "--allow", "run,list", "find")
    (full.admin() / "client.conf").write_text(
        "[client laptop]\nallow = run\n")
    try:
        assert full.own("explain", *who)[0].endswith(b"(it may ask for: "
                                                     b"run)\n")
        full.own("explain", *who, "restore", rc=1)
    finally:
        (full.admin() / "client.conf").unlink()


def everything(base):
    """{path: all that a program could have changed of it}"""
    found = {}
    for folder, folders, files in os.walk(base):
        for name in [".", *folders, *files]:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            found[path] = (st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns,
                           st.st_ctime_ns, st.st_ino)
    return found


def test_explain_changes_nothing_on_either_side(store):
    home = store.base / "laptop"
    # What would write, run something or read another's, if it were done.
    commands = ["run", "list", f"rsync --server -logDtpre.iLsfxC . {home}/x",
                f"rsync --server --sender -logDtpre.iLsfxC . {home}/root",
                f"rsync --server --delete . {home}", f"touch {home}/evil",
                f"run; touch {home}/evil", f"$(touch {home}/evil)"]
    before = everything(store.base)
    for command in [*commands, None]:
        words = [] if command is None else [command]
        for argv in (["--config", store.conf, "--client", "laptop"],
                     ["--config", home / "client.conf"]):
            done = subprocess.run([BACKUP, "explain", *argv, *words],
                                  capture_output=True, timeout=60,
                                  stdin=subprocess.DEVNULL, check=False)
            assert done.returncode in (0, 1), (command, done)
            assert done.stdout or done.stderr
    assert everything(store.base) == before
