# SPDX-License-Identifier: ISC
"""A hostile client: what it tries over its one ssh connection, in frames made
by hand, and with an rsync of its own in the sender's place."""

import os
import re
import select
import stat
import struct
import subprocess
import textwrap
import threading
import time

import pytest

from backuplib import CLIENT, CONF, STORE, TOOLS, backup  # noqa: F401
from framelib import HEAD, MAX, Frames, fields, frame, text, unescape
from lab import proc

DATA = "/srv/data"
RUN = (("op", "run"), ("version", "1"), ("root", DATA), ("rsync", "3.2.7"))


class Hostile:
    """A client that speaks by hand, over its real key."""

    def __init__(self, backup, command="run", key="backup_key"):
        self.backup = backup
        self.popen = backup.client.popen(
            backup.as_user(
                backup.client, "ssh", "-T", "-oBatchMode=yes",
                "-oIdentitiesOnly=yes", f"-oIdentityFile={CONF}/{key}",
                f"-oUserKnownHostsFile={CONF}/backup_known_hosts",
                "-oLogLevel=ERROR", "backup@h2", command),
            env=backup.ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.frames = Frames(self.popen.stdout.fileno(),
                             self.popen.stdin.fileno())

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for stream in (self.popen.stdin, self.popen.stdout,
                       self.popen.stderr):
            stream.close()
        self.popen.kill()
        self.popen.wait()

    def ask(self, *pairs):
        self.frames.send(frame("Q", text(*pairs)))
        return self.answer()

    def answer(self):
        """(status, why) of the answer; None: hung up without one."""
        got = self.frames.until("A", "R")
        if got is None:
            return None
        told = fields(got[1])
        return int(told[b"status"]), unescape(told.get(b"why", b""))

    def ended(self, deadline_s=45):
        """What came until the store hung up, and what it said on stderr."""
        out, err = b"", b""
        end = time.monotonic() + deadline_s
        streams = {self.popen.stdout: b"", self.popen.stderr: b""}
        while streams:
            ready = select.select(list(streams), [], [],
                                  max(0, end - time.monotonic()))[0]
            assert ready, "it never hung up"
            for s in ready:
                more = os.read(s.fileno(), MAX)
                if s is self.popen.stderr:
                    err += more
                else:
                    out += more
                if not more:
                    del streams[s]
        return out, err


def state(backup):
    """Everything at the store outside of what a failed run may touch."""
    root = os.fsencode(backup.store.path("/")).rstrip(b"/") + b"/"
    found = {}
    for top in (b"srv", b"home", b"etc", b"tmp", b"root", b"opt"):
        for path, st in proc.walk(root + top):
            name = path[len(root):]
            if b"/.incoming" in name or b"catalog" in name or name.endswith(
                    (b"/runs", b"/lock", b"/runs.lock", b"/begun")):
                continue
            # What is left in a folder for the next run is in its own figures.
            found[name] = (st.st_mode, st.st_uid, *(
                () if stat.S_ISDIR(st.st_mode) else
                (st.st_size, st.st_mtime_ns)))
    assert found
    return found


@pytest.fixture
def target(backup):
    """A store with two clients' snapshots; ours may only run."""
    backup.setup(root=DATA, policy=f"[store]\ndir = {STORE}\n"
                 "connect-timeout = 3s\n")
    backup.files({f"{DATA}/a": "mine\n"})
    backup.make_key(backup.client, "other_key")
    backup.accept("other", backup.client.read(f"{CONF}/other_key.pub")
                  .strip())
    backup.conf(root=DATA, key=f"{CONF}/other_key")
    backup.run()
    backup.conf(root=DATA)
    backup.run()
    assert len(backup.snapshots("other")) == 1
    backup.before = state(backup)
    yield backup
    proc.wait_for(lambda: not backup.pids(
        backup.store, "^postern-backup receive|^/usr/bin/rsync"), 60,
        "end of all at the store")
    assert state(backup) == backup.before


# --- A hostile client ---

ESCAPES = ["..", "../other", "/../etc", "/srv/../../etc", "//etc", "/etc/",
           "/srv/./x", "etc", "", "/srv\n/etc", "/\x1b[2J"]


DIRECT = (*RUN, ("mode", "direct"), ("port", "4444"), ("user", "backup"),
          ("host-key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43))
# What each goes into at the store.
MORE = {"user": ["-oProxyCommand=id", "root@h3", "a b", "a;id", "$(id)",
                 "a'", "%h"],
        "port": ["22 -oProxyCommand=id", "0", "65536", "-1", "22;id", "0x16"],
        "host-key": ["ssh-ed25519 AAAA\n* ssh-rsa AAAA", "ssh-rsa AAAA",
                     "@cert-authority * ssh-ed25519 AAAA",
                     "ssh-ed25519 AAAA command=\"id\""]}


def test_the_direct_request_is_one_that_is_taken(target):
    """The premise of what is refused below."""
    with Hostile(target) as h:
        assert h.ask(*DIRECT)[0] == 0


@pytest.mark.parametrize("key", [
    "root", "job", "rsync", "snapshot", "path", "exclude", "op", "version",
    "compress", "one-file-system", "mode", "port", "host-key", "user",
    "beat", "pattern", "match", "max-age", "sample", "mount",
    "since", "progress"])
def test_no_path_escapes_in_a_request(target, key):
    """Every field with every escape: refused, or without effect."""
    base = DIRECT if key in dict(DIRECT[len(RUN):]) else RUN
    for value in ESCAPES + MORE.get(key, []):
        pairs = [p for p in base if p[0] != key] + [(key, value)]
        if key == "mount":
            pairs.append(("one-file-system", "yes"))
        with Hostile(target) as h:
            got = h.ask(*pairs)
            assert got is not None
            status, why = got
            if status == 0:
                # A text of the sender's, which is only recorded: what would
                # come of it is a snapshot of nothing.
                assert key in ("exclude", "job", "root", "mount") or \
                    (key, value) == ("user", "etc"), (key, value)
                assert h.frames.send(frame("E", "12"))
                got = h.frames.until("R")
                assert got and fields(got[1])[b"status"] != b"0"
            else:
                assert status in (1, 64), (key, value, got)
                assert key in why or "request" in why or "line" in why, why
                assert not re.search(r"[\x00-\x1f\x7f]", why), why


@pytest.mark.parametrize("op", ["list", "cat", "restore"])
def test_no_path_escapes_from_a_snapshot(backup, op):
    """By a key that may ask for it; one path is there, the others lead out.
    """
    backup.setup(root=DATA, accept=("--allow", "run,list,restore"))
    backup.files({f"{DATA}/a": "mine\n"})
    backup.run()
    snapshot, = backup.snapshots()
    more = (("rsync", "3.2.7"),) if op == "restore" else ()
    for value in [f"{DATA}/a"] + ESCAPES + [
            "/srv/data/../../../../../../etc/hostname", "/.postern",
            f"/../{snapshot}/srv/data/a", "/srv/data/a/../a", "/etc/hostname",
            f"/../../.postern/{CLIENT}/client.conf"]:
        with Hostile(backup, op) as h:
            got = h.ask(("op", op), ("version", "1"), ("snapshot", snapshot),
                        ("path", value), *more)
            assert got is not None
            assert (got[0] == 0) == (value == f"{DATA}/a"), (value, got)


def test_what_only_the_store_knows_is_not_the_clients_to_say(target):
    """Its name, its rights, and what time it is."""
    for pair in (("client", "other"), ("name", "other"), ("store", "/etc"),
                 ("allow", "run,list,restore"), ("quota", "0"),
                 ("time", "1"), ("date", "2001-09-09")):
        with Hostile(target) as h:
            status, why = h.ask(*RUN, pair)
            assert status != 0 and "no such key" in why


def test_operations_that_are_not_allowed_are_refused(target):
    other = target.snapshots("other")[0]
    own = target.snapshots()[0]
    for op, more in (
            ("list", ()), ("find", (("pattern", "*"),)), ("verify", ()),
            ("cat", (("snapshot", other), ("path", f"{DATA}/a"))),
            ("cat", (("snapshot", own), ("path", f"{DATA}/a"))),
            ("restore", (("snapshot", other), ("path", DATA),
                         ("rsync", "3.2.7"))),
            ("prune", ()), ("delete", ()), ("", ())):
        for command in ("run", op or "run", ""):
            with Hostile(target, command or "run") as h:
                got = h.ask(("op", op), ("version", "1"), *more)
                assert got is not None and got[0] != 0, (op, command)


def test_snapshots_of_another_client_cannot_be_named(backup):
    backup.setup(root=DATA, accept=("--allow", "run,list,restore,verify"))
    backup.files({f"{DATA}/a": "mine\n"})
    backup.make_key(backup.client, "other_key")
    backup.accept("other", backup.client.read(f"{CONF}/other_key.pub")
                  .strip())
    backup.conf(root=DATA, key=f"{CONF}/other_key")
    backup.files({f"{DATA}/theirs": "the other one's\n"})
    backup.run()
    other = backup.snapshots("other")[0]
    for name in (other, f"../other/{other}", "../other", "..", ".",
                 ".incoming", f"{CLIENT}/../../other/{other}"):
        for op, more in (
                ("list", ()), ("cat", (("path", f"{DATA}/theirs"),)),
                ("restore", (("path", DATA), ("rsync", "3.2.7"))),
                ("verify", ()), ("find", (("pattern", "*"),))):
            with Hostile(backup, op) as h:
                got = h.ask(("op", op), ("version", "1"),
                            ("snapshot", name), *more)
                assert got is not None and got[0] != 0, (op, name)
                rest, err = h.ended()
                assert b"the other one's" not in rest + err


def test_other_commands_than_operations_are_refused(target):
    for command in ("sh", "rsync --server --sender . /", "run; id", "run run",
                    "../../bin/sh", "receive --client other", "$(id)",
                    "\x1b[2Jrun", "x" * 5000):
        with Hostile(target, command) as h:
            h.frames.send(frame("Q", text(*RUN)))
            out, err = h.ended()
            assert b"uid=" not in out + err
            got = fields(out[HEAD:].split(b"B\0\0\0")[0])
            assert got[b"status"] != b"0", command
            assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", err), err


def test_what_is_no_frame_ends_it(target):
    bad = {
        "4 GiB": b"Q\xff\xff\xff" + b"x" * 1000,
        "longer than its type": b"D" + struct.pack(">I", MAX + 1)[1:],
        "unknown type": b"Z\0\0\1x",
        "empty request": b"Q\0\0\0",
        "beat with a payload": b"B\0\0\1x",
        "ssh banner": b"SSH-2.0-x\r\n" * 10,
        "zeros": b"\0" * 100000,
        "data before anything": frame("D", b"x" * 100),
        "end before anything": frame("E", "0"),
        "result of its own": frame("R", text(("status", "0"))),
    }
    for name, data in bad.items():
        with Hostile(target) as h:
            h.frames.send(data)
            out, err = h.ended(20)
            assert b"status 0" not in out, name


def test_a_cut_frame_ends_it(target):
    with Hostile(target) as h:
        h.frames.send(frame("Q", text(*RUN))[:-3])
        h.popen.stdin.close()
        out, err = h.ended(20)
        assert b"status 0" not in out


def test_a_second_request_ends_it(target):
    with Hostile(target) as h:
        assert h.ask(*RUN)[0] == 0
        h.frames.send(frame("Q", text(*RUN)))
        out, err = h.ended(20)
        # A result of status 0 would be a second backup.
        assert b"why a\\040frame" in out and b"snapshot" not in out


def test_a_million_empty_frames_cost_little(target):
    with Hostile(target) as h:
        beats = frame("B") * 1000
        for _ in range(1000):
            if not h.frames.send(beats):
                break
        pid, = target.pids(target.store, "^postern-backup receive")
        status = proc.read(f"/proc/{pid}/status").decode()
        rss = int(re.search(r"VmHWM:\s+(\d+)", status)[1])
        assert rss < 32 * 1024, status
        status, why = h.ask(*RUN)
        assert status == 0
    with Hostile(target) as h:
        assert h.ask(*RUN)[0] == 0
        # As much as one may send; of a stream, one byte a frame.
        tiny = frame("D", b"\0") * 1000
        for _ in range(1000):
            if not h.frames.send(tiny):
                break
        h.ended(60)


def test_silence_ends_it(target):
    with Hostile(target) as h:
        out, err = h.ended(20)
        assert b"no\\040request\\040came" in out
    # Beats alone are no request.
    with Hostile(target) as h:
        stop = threading.Event()

        def beat():
            while not stop.wait(1) and h.frames.send(frame("B")):
                pass
        t = threading.Thread(target=beat)
        t.start()
        try:
            out, err = h.ended(20)
        finally:
            stop.set()
            t.join()
        assert b"no\\040request\\040came" in out


# --- A hostile rsync as the sender ---

FAKE_SEND = """#!/bin/sh
# In postern-backup-send's place: an rsync daemon that nothing confines.
exec /usr/bin/rsync --server --daemon --config={conf} .
"""


class FakeSender:
    """The client's postern-backup-send is another program for a test."""

    def __init__(self, backup, script):
        self.path = backup.client.path(f"{TOOLS}/postern-backup-send")
        self.saved = self.path.with_name("send.saved")
        self.path.rename(self.saved)
        backup.client.write(f"{TOOLS}/postern-backup-send", script, 0o755)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.path.unlink()
        self.saved.rename(self.path)


def unconfined(backup, path, more=""):
    backup.client.write("/tmp/rsyncd.conf", textwrap.dedent(f"""\
        use chroot = no
        read only = yes
        munge symlinks = no
        reverse lookup = no
        transfer logging = no
        [root]
        path = {path}
        {more}
        """))
    return FakeSender(backup, FAKE_SEND.format(conf="/tmp/rsyncd.conf"))


def test_a_sender_with_other_files_stays_in_its_own_folder(target):
    """Names that would lead out, and links to everywhere: the snapshot has
    them as they are, and nothing else has changed."""
    client = target.client
    client.run("mkdir -p /tmp/evil/sub && cd /tmp/evil && "
               "ln -s / slash && ln -s ../../../other up && "
               "ln -s /srv/store/.postern admin && echo x >sub/file && "
               "ln -s sub dir && mknod sda b 8 0 && chmod 4755 sub/file")
    with unconfined(target, "/tmp/evil"):
        done = target.run("-q", expect=None)
    assert done.rc in (0, 1), str(done)
    for n in target.snapshots()[1:]:
        found = target.contents(target.snapshot(n))
        assert found[b"slash"] == ("link", b"/")
        drop(target, n)


def drop(backup, name):
    """Take a snapshot that a test made out of the comparison."""
    backup.store.run(["rm", "-rf", f"{STORE}/{CLIENT}/{name}"])
    backup.store.run(f"rm -f {STORE}/.postern/{CLIENT}/*/{name}")


def test_a_link_swapped_in_while_it_is_read_leads_nowhere(backup):
    """While the real sender works, a folder of its tree becomes a link to
    what is excluded, again and again: nothing of that arrives."""
    secret = "what is excluded, and must not arrive"
    backup.setup(root=DATA, exclude=[f"{DATA}/private"])
    backup.files({f"{DATA}/private/s{i}": secret for i in range(30)})
    backup.files({f"{DATA}/d{i}/s{j}": "fine" for i in range(30)
                  for j in range(30)})
    swap = backup.client.popen(
        f"cd {DATA}; while :; do for i in 1 5 9 13 17 21 25 29; do "
        "mv d$i real && ln -s private d$i; rm d$i; mv real d$i; "
        "done; done", stderr=subprocess.DEVNULL)
    try:
        for _ in range(4):
            backup.run("-q", expect=None)
    finally:
        swap.kill()
        swap.wait()
    roots = [backup.snapshot(n) for n in backup.snapshots()]
    if backup.incoming().exists():
        roots.append(os.fsencode(backup.incoming()))
    fine = 0
    for root in roots:
        for name, (_, content) in backup.contents(root).items():
            assert not content or secret.encode() not in content, name
            fine += content == b"fine"
    # It was read all the same: 22 folders stood still.
    assert fine >= 22 * 30, fine
