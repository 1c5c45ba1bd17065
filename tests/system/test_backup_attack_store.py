# SPDX-License-Identifier: ISC
"""A hostile store: its forced command is two cats, so that a test speaks for
it over a real ssh, in frames by hand. Behind them on the client is the real
rsync, as a daemon in its jail."""

import os
import re
import select
import struct
import subprocess
import time

import pytest

from backuplib import (CONF, HOME, STORE, TOOLS, backup,  # noqa: F401
                       keys_line)
from framelib import MAX, Frames, fields, frame, text, unescape
from lab import proc

DATA = "/srv/data"
MARK = b"what nobody may read: 5f1c0a77"
OPEN = b"what is backed up: 0b64c2d9"


class Store:
    """The store's end of one run, in the hands of a test."""

    def __init__(self, backup):
        self.backup = backup
        backup.store.run("rm -f /tmp/up /tmp/down; mkfifo -m 666 /tmp/up "
                         "/tmp/down")
        keys_line(backup, "cat </tmp/down & exec cat >/tmp/up")
        up = os.open(backup.store.path("/tmp/up"),
                     os.O_RDONLY | os.O_NONBLOCK)
        down = os.open(backup.store.path("/tmp/down"), os.O_RDWR)
        self.frames = Frames(up, down, wait_first=True)
        self.running = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.running:
            self.running.kill()
            self.done = self.running.end()
        for fd in (self.frames.inp, self.frames.out):
            os.close(fd)
        proc.kill(self.backup.pids(self.backup.store, "^cat"))

    def run(self, *args):
        """A run of the client; its request, parsed."""
        self.running = self.backup.start(*args)
        kind, data = self.frames.take()
        assert kind == "Q"
        return data

    def accept(self, *more):
        self.frames.send(frame("A", text(("status", "0"), *more)))

    def end(self):
        """The client's exit; whatever else comes is passed over."""
        return self.running.end()


@pytest.fixture
def victim(backup):
    """A client with things to read, to write, and to run."""
    backup.setup(root=[DATA, "/srv/file"],
                 exclude=[f"{DATA}/private", "*.key"])
    backup.files({f"{DATA}/open": OPEN, f"{DATA}/sub/open2": OPEN,
                  "/srv/file": OPEN})
    backup.files({f"{DATA}/private/hidden-name": MARK,
                  f"{DATA}/x.key": MARK, "/srv/beside/hidden-name": MARK,
                  "/etc/postern-secret": MARK, f"{HOME}/mine": MARK},
                 mode=0o644)
    os.symlink("/etc", backup.client.path(f"{DATA}/out"))
    os.symlink("private", backup.client.path(f"{DATA}/in"))
    backup.before = state(backup.client)
    yield backup
    proc.wait_for(lambda: not backup.pids(
        backup.client, "^postern-backup|^/usr/bin/rsync|^ssh "), 30,
        "end of all at the client")
    assert state(backup.client) == backup.before


def state(host):
    root = os.fsencode(host.path("/"))
    found = {}
    for top in (b"srv", b"home", b"etc", b"tmp", b"root", b"opt", b"var/tmp",
                b"dev/shm"):
        for path, st in proc.walk(root + top):
            name = path[len(root):]
            found[name] = (st.st_mode, st.st_uid, st.st_size,
                           None if os.path.isdir(path) else st.st_mtime_ns)
    return found


# As our own receivers do.
PULL = ("-a", "--numeric-ids")


def pull(store, tmp, *argv, source="x::root/", timeout=60):
    """The real rsync of this machine drives the client's. What it gets lies
    in tmp/got. Its status, its words, and the client's stream."""
    up, down, got = (str(tmp / n) for n in ("up", "down", "got"))
    os.mkfifo(up)
    os.mkfifo(down)
    rsh = tmp / "rsh"
    rsh.write_text(f"#!/bin/sh\ncat <&0 >{up} & exec cat {down}\n"
                   .replace("cat <&0", "cat <&3").replace(
                       "#!/bin/sh\n", "#!/bin/sh\nexec 3<&0\n"))
    rsh.chmod(0o755)
    seen = b""
    rsync = subprocess.Popen(
        ["rsync", "--timeout=20", "-e", str(rsh), *argv, source, got + "/"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    # Held open, so that no open waits for an rsync that never starts its
    # --rsh; the first of them until there is something to read.
    hold = os.open(up, os.O_RDWR)
    rx = os.open(up, os.O_RDONLY)
    keep = os.open(down, os.O_RDWR)
    tx = os.open(down, os.O_WRONLY)
    ended = False
    end = time.monotonic() + timeout
    try:
        while rx is not None or not ended:
            assert time.monotonic() < end, "the transfer hangs"
            watch = [fd for fd in (rx, None if ended else store.frames.inp)
                     if fd is not None]
            ready = select.select(watch, [], [], 1)[0]
            if store.frames.buf:
                ready.append(store.frames.inp)
            if hold is not None and (rx in ready
                                     or rsync.poll() is not None):
                os.close(hold)
                hold = None
            if rx in ready:
                data = os.read(rx, MAX)
                if data:
                    store.frames.send(frame("D", data))
                else:
                    os.close(rx)
                    rx = None
            if store.frames.inp in ready and not ended:
                got_frame = store.frames.take()
                if got_frame is None or got_frame[0] == "E":
                    ended = True
                    os.close(tx)
                    os.close(keep)
                    tx = keep = None
                elif got_frame[0] == "D":
                    seen += got_frame[1]
                    try:
                        os.write(tx, got_frame[1])
                    except BrokenPipeError:
                        pass
    finally:
        for fd in (rx, tx, hold, keep):
            if fd is not None:
                os.close(fd)
        if rsync.poll() is None and time.monotonic() >= end:
            rsync.kill()
        out = rsync.communicate(timeout=30)[0]
    return rsync.returncode, out, seen


def received(tmp):
    return {os.path.join(d, f): open(os.path.join(d, f), "rb").read()
            for d, _, files in os.walk(tmp / "got") for f in files
            if not os.path.islink(os.path.join(d, f))}


def test_the_real_rsync_gets_what_is_backed_up_and_nothing_else(
        victim, tmp_path):
    """The other tests' premise: this way does bring files."""
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        rc, out, seen = pull(store, tmp_path, *PULL)
        store.frames.send(frame("E", "0"))
        store.frames.send(frame("R", text(("status", "1"), ("why", "no"))))
        assert store.end().rc == 1
    assert rc in (0, 23), out
    files = received(tmp_path)
    assert set(files.values()) == {OPEN} and len(files) == 3
    assert MARK not in seen and b"hidden-name" not in seen


# What a store may not ask for. That rsync's daemon refuses most of it as
# well is held by tests/unit/backup/test_rules_rsync.c.
OPTIONS = [
    "-L", "-R", "-C", "-k", "-K", "-b", "-d", "-y", "-f", "-m",
    "--remove-source-files", "--copy-devices", "--write-devices",
    "--files-from=/etc/postern-secret", "--log-file=/tmp/log",
    "--filter=!", "--filter=. /etc/postern-secret",
    "--exclude-from=/etc/postern-secret",
    "--include-from=/etc/postern-secret", "--iconv=UTF-8,LATIN1",
    "--max-alloc=1", "--fake-super", "--super", "--daemon",
    "--config=/etc/postern-secret", "--insecure-links",
    "--copy-unsafe-links", "--safe-links", "--copy-links", "--keep-dirlinks",
    "--delete", "--backup-dir=/tmp/b", "--temp-dir=/tmp", "--append",
    "--partial-dir=/tmp", "--link-dest=/tmp", "--compare-dest=/tmp",
    "--copy-dest=/tmp", "--password-file=/etc/postern-secret",
    "--only-write-batch=/tmp/batch", "--write-batch=/tmp/batch",
    "--read-batch=/tmp/batch", "--out-format=%n",
    "--log-file-format=%n", "--info=all4", "--debug=all4",
    "--rsync-path=/tmp/x", "--chmod=a+rwx",
    "--usermap=*:root", "--remote-option=-L", "--stop-at=2099-01-01",
    "--early-input=/etc/postern-secret", "--trust-sender",
    "--munge-links", "--groupmap=*:root", "--mkpath", "--fsync",
    # What rsync lets nobody refuse.
    "--log-format=%n", "--rsh=/bin/sh", "-n", "-s", "--server", "--sender",
]


@pytest.mark.parametrize("first", range(0, len(OPTIONS), 10))
def test_no_forbidden_option_works(victim, tmp_path, first):
    for i, option in enumerate(OPTIONS[first:first + 10]):
        (tmp_path / str(i)).mkdir()
        refused(victim, tmp_path / str(i), option)


def refused(victim, tmp, option):
    with Store(victim) as store:
        store.run("-v")
        store.accept()
        _, out, seen = pull(store, tmp, *PULL, f"-M{option}")
        done = store.end()
    assert done.rc == 1
    # rsync itself puts backslashes before some characters, and so do we.
    assert f"refused: '{option}'" in done.err.replace("\\", ""), (
        option, out, str(done))
    assert received(tmp) == {}, option
    assert MARK not in seen and b"hidden-name" not in seen


def stream(store, deadline_s=40):
    """All D of the client until its rsync is over; its status."""
    data, end = b"", time.monotonic() + deadline_s
    while True:
        got = store.frames.take(end - time.monotonic())
        if got is None:
            return data, None
        if got[0] == "E":
            return data, int(got[1])
        if got[0] == "D":
            data += got[1]


def muxed(data):
    return struct.pack("<I", 7 << 24 | len(data)) + data


def by_hand(store, *args, rules=(), module="root",
            greeting="@RSYNCD: 30.0", more=b""):
    """The daemon protocol without an rsync: the greeting, the module, args,
    and filter rules as they are. What the client sent."""
    send = store.frames.send
    send(frame("D", f"{greeting}\n".encode()))
    send(frame("D", f"{module}\n".encode()))
    send(frame("D", b"".join(a.encode() + b"\0" for a in args) + b"\0"))
    raw = b"".join(struct.pack("<I", len(r)) + r.encode() for r in rules)
    send(frame("D", muxed(raw + bytes(4)) + more))
    # Its file list is complete by then, or it has refused.
    data = b""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            got = store.frames.take(3)
        except AssertionError:
            break
        if got is None or got[0] == "E":
            return data
        if got[0] == "D":
            data += got[1]
    send(frame("E", "0"))
    rest, _ = stream(store)
    return data + rest


# Without the i behind e. the whole list comes at once.
SENDER = ("--server", "--sender", "-logDtpre.", "--numeric-ids", ".")


@pytest.mark.parametrize("rules", [
    (), ("!",), ("+ *", ), ("+ /srv/data/private/***", "+ *.key"), ("c",),
    (". /etc/postern-secret",), (": .rsync-filter",), ("R *",),
    ("!", "+ **"), ("clear",)])
def test_no_filter_rule_widens_what_is_read(victim, rules):
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        data = by_hand(store, *SENDER, "root/", rules=rules)
        store.frames.send(frame("R", text(("status", "1"), ("why", "no"))))
        assert store.end().rc == 1
    if not rules:
        assert b"open2" in data, data
    assert b"hidden-name" not in data and b"x.key" not in data, data
    assert b"postern-secret" not in data and MARK not in data, data


PATHS = [
    f"root{DATA}/private/", f"root{DATA}/private/hidden-name",
    f"root{DATA}/x.key", "root/etc/", "root/etc/postern-secret",
    f"root{HOME}/mine", "root/srv/beside/", "root/../etc", "root//etc/",
    f"root{DATA}/../beside/", f"root{DATA}/out/postern-secret",
    f"root{DATA}/out/", f"root{DATA}/in/", f"root{DATA}/in/hidden-name",
    "root/proc/self/environ", "root/dev/", "/etc/postern-secret",
    "root/root/", "etc", "../etc/postern-secret", "root/*/../etc",
    "root/{etc,srv}/", "root/`id`", "root/$(id)"]


@pytest.mark.parametrize("first", range(0, len(PATHS), 8))
def test_no_path_outside_of_the_roots_is_read(victim, first, tmp_path):
    for i, path in enumerate(PATHS[first:first + 8]):
        (tmp_path / str(i)).mkdir()
        not_read(victim, path, tmp_path / str(i))


def not_read(victim, path, tmp_path):
    """Neither contents nor names, also behind a link that lies in a root."""
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        if path.startswith("root/"):
            _, _, seen = pull(store, tmp_path, *PULL, source="x::" + path)
            assert not received(tmp_path)
        else:
            seen = by_hand(store, *SENDER, path)
        done = store.end()
    assert MARK not in seen and b"uid=" not in seen
    for name in (b"hidden-name", b"postern-secret"):
        assert name not in seen.replace(path.encode(), b""), seen
    assert done.rc == 1 and "refused: " in done.err, (path, str(done))


# What makes rsync read the arguments otherwise than they are checked.
@pytest.mark.parametrize("greeting", [
    "@RSYNCD: 29.0", "@RSYNCD: 30.1", "@RSYNCD: 30", "@RSYNCD: 9", "hello"])
def test_no_other_protocol_is_spoken(victim, greeting):
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        data = by_hand(store, *SENDER, "root/", greeting=greeting,
                       more=b"--server\n--sender\n-logDtpr\n.\n"
                       b"root/srv/data/in/\n\n")
        done = store.end()
    assert b"@RSYNCD: OK" not in data and b"hidden-name" not in data
    assert done.rc == 1 and "protocol 30" in done.err, str(done)


@pytest.mark.parametrize("args", [
    ("--server", "-logDtpr", ".", "root/"),
    ("--server", "-logDtpr", "--delete", ".", "root/srv/data/"),
    ("--server", "--sender", "-s", ".", "root/"),
    ("--server", "--sender", "-slogDtprL", ".", "root/etc/"),
    ("--server", "--daemon", "--config=/etc/postern-secret", "."),
    ("--daemon",), ("--help",), ("--version",), (),
    ("--server", "--sender", "-e", "sh -c id", ".", "root/"),
    ("--server", "--sender", "-logDtpr", ".", *(["root/"] * 2000)),
    ("--server", "--sender", "-" + "v" * 3000, ".", "root/"),
    ("x" * 60000,),
])
def test_no_other_argument_writes_runs_or_reads(victim, args):
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        data = by_hand(store, *args, more=b"-L\0--copy-links\0.\0root/etc/\0"
                       b"root/srv/data/private/\0\0" * 2)
        done = store.end()
    assert MARK not in data and b"hidden-name" not in data
    assert b"uid=" not in data and b"postern-secret: " not in data
    assert done.rc == 1 and "refused: " in done.err, str(done)


@pytest.mark.parametrize("module", ["", "#list", "ROOT", "root/", "..",
                                    "/etc", "root2", "x" * 5000])
def test_no_other_module_is_there(victim, module):
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        data = by_hand(store, *SENDER, "root/", module=module)
        done = store.end()
    assert b"@RSYNCD: OK" not in data
    # Not even what there is is told.
    assert b"root \t" not in data
    assert done.rc == 1 and "refused: " in done.err, str(done)


# What it says

ESC = "\x1b[31m\x1b]0;owned\x07\r\b\x9b2J\u202e"


def test_no_byte_of_the_store_reaches_a_terminal_raw(victim):
    """Garbage in each text, with a terminal at the other end."""
    for send in (
            frame("A", text(("status", "1"), ("why", ESC))),
            frame("A", text(("status", "0"))) + frame("R", text(
                ("status", "1"), ("why", ESC * 50))),
            frame("P", text(("status", "0"), ("phase", ESC))),
            frame("P", b"status 0\nphase \x1b[2J\n"),
            frame("A", text(("status", "0"), ("basis", ESC))),
            frame("A", text(("status", "0"))) + frame("R", text(
                ("status", "0"), ("snapshot", ESC))),
            frame("A", b"\x1b[2J"), b"\x1b[2J" * 100,
            frame("A", text(("status", "0"))) + frame(
                "P", text(("status", "0"), ("files", "9" * 30))),
            frame("A", text(("status", "999")))):
        with Store(victim) as store:
            args = victim.as_user(victim.client, f"{TOOLS}/postern-backup",
                                  "run")
            line = " ".join(args)
            victim.client.write("/tmp/typescript", "")
            popen = victim.client.popen(
                ["script", "-qec", line, "/tmp/typescript"],
                env=victim.ENV, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
            kind, _ = store.frames.take()
            store.frames.send(send)
            store.frames.send(frame("E", "0"))
            out = popen.communicate(timeout=40)[0]
        victim.client.path("/tmp/typescript").unlink()
        assert b"owned" not in out or b"\x1b]0;" not in out
        for bad in (b"\x1b[31m\x1b]", b"\x1b[2J", b"\x07", b"\b",
                    b"\x9b2J", "\u202e".encode()):
            assert bad not in out, (send, out)
        assert popen.returncode not in (0, -11, -6), (send, out)


@pytest.mark.parametrize("data", [
    frame("A", text(("status", "0"))) * 2,
    frame("R", text(("status", "0"), ("snapshot", "x"))),
    frame("D", b"x" * 100),
    frame("Q", text(("op", "run"))),
    frame("A", text(("status", "0"))) + frame("Q", text(("op", "run"))),
    frame("A", text(("status", "0"))) + frame("E", "0") + frame("D", b"x"),
    frame("A", text(("status", "0"))) + frame("E", "256"),
    frame("A", text(("status", "0"))) + frame("E", "-1"),
    b"D\xff\xff\xff" + b"y" * 1000, b"Z\0\0\0", b"\0" * 1000,
    frame("A", b"status 0\nstatus 0\n"), frame("A", b"why x\n"),
    frame("A", b"x" * 60000), frame("A", text(("status", "1"))),
], ids=range(15))
def test_no_nonsense_of_a_store_is_taken_for_a_backup(victim, data):
    with Store(victim) as store:
        store.run("-q")
        store.frames.send(data)
        done = store.end()
    assert done.rc != 0
    assert done.err.startswith("postern-backup: t: "), done.err


def peak_kib(pid):
    status = proc.read(f"/proc/{pid}/status").decode()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


def test_a_flood_of_frames_costs_the_client_little(victim):
    # A sanitizer keeps what was freed: 256 MiB of it, unless told otherwise.
    victim.ENV = {**victim.ENV, "ASAN_OPTIONS": "quarantine_size_mb=1:"
                  "thread_local_quarantine_size_kb=64"}
    with Store(victim) as store:
        store.run("-q")
        pid = store.running.pid
        store.accept()
        begin = peak_kib(pid)
        some = frame("P", text(("status", "0"), ("phase", "transfer"))) * 500
        beats = frame("B") * 1000
        for _ in range(200):
            store.frames.send(some)
            store.frames.send(beats)
        end = peak_kib(pid)
        assert end - begin < 4 * 1024 and end < 32 * 1024, (begin, end)
        store.frames.send(frame("R", text(("status", "1"), ("why", "no"))))
        assert store.end().rc == 1


def test_a_silent_store_is_left(victim):
    victim.conf(root=DATA, beat="300ms")
    victim.before = state(victim.client)
    for answer in (False, True):
        with Store(victim) as store:
            store.run("-q")
            if answer:
                store.accept()
            done = store.end()
        assert done.rc == 75 and "nothing was heard" in done.err, done.err


def test_a_store_that_only_beats_is_left_at_the_timeout(victim):
    victim.conf(root=DATA, timeout="2s")
    victim.before = state(victim.client)
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        while store.running.popen.poll() is None:
            store.frames.send(frame("B"))
            time.sleep(0.1)
        done = store.end()
    assert done.rc == 75 and "timeout" in done.err, done.err


def test_a_result_that_claims_a_backup_needs_a_transfer(victim):
    """A store can lie of what it has kept; but not before the client's half
    was even asked."""
    with Store(victim) as store:
        store.run("-q")
        store.accept()
        store.frames.send(frame("R", text(
            ("status", "0"), ("snapshot", "laptop.2026-01-01.1767225600"))))
        done = store.end()
    assert done.rc != 0, str(done)
