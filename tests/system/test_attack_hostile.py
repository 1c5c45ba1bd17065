# SPDX-License-Identifier: ISC
"""Hosts of the group that answer with what nobody should: each push reaches
the honest one, ends in time, stays small, and says nothing raw."""

import os
import pty
import re
import time

import pytest

import attack
from fleet import BUILD, POSTERN, fleet  # noqa: F401
from lab import proc

SECRET = "of.another.group.0123456789"
TIMES = ("--connect-timeout", "8s", "--host-timeout", "6s")
# In the pipe way both run out, one after the other, and the ends take 5 s.
DEADLINE_S = 40
MEMORY_KIB = 32 << 10
# A sanitizer keeps what was freed, for a while, and takes its time.
if "sanitize" in BUILD.name:
    TIMES = ("--connect-timeout", "40s", "--host-timeout", "30s")
    DEADLINE_S *= 3
    MEMORY_KIB = 1 << 20
# The lab's hosts share a disk, so others add to it.
DISK_KIB = 64 << 10
# Far more than an honest one has to say, and quickly sent on a busy machine.
FLOOD_BYTES = 1 << 20
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

SHELL = ["flood-out", "flood-err", "flood-lines", "flood-nul",
         "flood-events", "one-note", "silent", "ready-twice", "ready-unfed",
         "done-first",
         "ready-and-gone", "ready-flood", "ready-events", "numbers",
         "refuse-terminal", "note-terminal", "file-flood"]
CSYNC2 = ["c-silent", "c-gone", "c-garbage", "c-flood", "c-line",
          "c-conflict", "c-terminal", "c-sig-endless", "c-sig-negative",
          "c-delta-endless", "c-delta-bomb", "c-other-files"]
BATCHES = {
    "floods": ["flood-out", "flood-lines", "flood-nul"],
    "events": ["flood-err", "flood-events", "ready-flood", "ready-events",
               "file-flood"],
    "words": ["one-note", "silent", "ready-twice", "ready-unfed",
              "done-first", "ready-and-gone", "numbers", "refuse-terminal",
              "note-terminal"],
    "csync2": ["c-silent", "c-gone", "c-line", "c-conflict", "c-terminal",
               "c-sig-negative", "c-delta-bomb", "c-other-files"],
    "csync2 floods": ["c-garbage", "c-flood", "c-sig-endless"],
    "signature": ["c-delta-endless"],
}


def test_every_way_to_lie_is_in_a_batch():
    assert sorted(sum(BATCHES.values(), [])) == sorted(SHELL + CSYNC2)


@pytest.fixture
def liars(fleet):
    """liars(modes): h1 is honest, h2… lie, one mode each. {host: mode}"""
    def make(modes):
        fleet.setup(1 + len(modes))
        fleet.scripts({f"s{i}": "#!/bin/sh\necho %d\n" % i
                       for i in range(5)})
        fleet.scripts({"x": SECRET}, folder="/srv/secret")
        for h, mode in zip(fleet.members[1:], modes):
            h.run("rm -f /root/taken")
            if mode.startswith("c-"):
                attack.put(h, "liar.pl")
                h.write("/usr/local/bin/csync2", "#!/bin/sh\nexec perl "
                        f"/root/liar.pl {mode} 2>>/root/liar.err\n", 0o755)
            else:
                attack.lie(h, mode)
        return dict(zip((h.name for h in fleet.members[1:]), modes))

    yield make
    for h in fleet.members[1:]:
        attack.honest(h)
        h.run("rm -f /usr/local/bin/csync2 /root/liar* /root/taken")
    fleet.admin.run("rm -rf /srv/secret")


def sent(host):
    """Bytes that left the host by its network."""
    for line in proc.read(f"/proc/{host.init_pid}/net/dev").splitlines():
        if b"eth0:" in line:
            return int(line.split()[9])
    raise AssertionError(f"{host.name} has no eth0")


def run(fleet, *args):
    """One postern: (how it ended, what it cost, seconds)."""
    start = time.monotonic()
    running = fleet.start(*args)
    watch = attack.Watch(fleet.admin, running.pid)
    done = running.end(60)
    return done, watch.stop(), time.monotonic() - start


@pytest.mark.parametrize("batch", BATCHES)
def test_hostile_receivers_harm_only_themselves(fleet, liars, batch):
    modes = liars(BATCHES[batch])
    before = fleet.leftovers([fleet.admin, fleet.host(1)])
    sent_before = list(map(sent, fleet.members[1:]))
    done, cost, took_s = run(fleet, "-C", "priv", "--json", *TIMES,
                                 "privileged")
    assert done.rc == 2, str(done)
    assert done.last("h1")["state"] == "synced", str(done)
    for host, mode in modes.items():
        assert done.last(host)["state"] == "failed", (mode, str(done)[-9000:])
        assert done.last(host)["detail"], mode
    fleet.assert_same(1)
    # The proof that they did what they are named for.
    for h, before_b in zip(fleet.members[1:], sent_before):
        if re.search("flood|garbage|endless", modes[h.name]):
            assert sent(h) - before_b > FLOOD_BYTES, modes[h.name]
    assert took_s < DEADLINE_S
    assert cost.memory_kib < MEMORY_KIB
    assert cost.disk_kib < DISK_KIB
    assert len(done.out) < 4 << 20
    # json.loads has taken each line; nothing in them may move a cursor.
    assert not CONTROL.search(done.out + done.err)
    for h in fleet.members[1:]:
        taken = h.path("/root/taken")
        # The proof that the liar was asked at all.
        if modes[h.name].startswith("c-") and "gone" not in modes[h.name] \
                and modes[h.name] not in ("c-silent", "c-flood",
                                          "c-garbage"):
            assert b"CONFIG" in taken.read_bytes(), modes[h.name]
        if taken.exists():
            assert SECRET.encode() not in taken.read_bytes()
    before.settle()


def on_a_terminal(fleet, *args):
    """What a run of postern writes to its terminal, and its exit status."""
    master, slave = pty.openpty()
    p = fleet.admin.popen([POSTERN, "unlock", *args], stdin=slave,
                          stdout=slave, stderr=slave, env={"TERM": "xterm"})
    os.close(slave)
    out = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            part = b""
        if not part:
            break
        out += part
    os.close(master)
    return out, p.wait(30)


def test_what_hosts_say_never_reaches_the_terminal_raw(fleet, liars):
    liars(["refuse-terminal", "note-terminal", "c-terminal",
           "c-other-files"])
    out, rc = on_a_terminal(fleet, "-C", "priv", "-v", *TIMES, "privileged")
    assert rc == 2, out
    # The control: it was said, and escaped.
    assert rb"\x1b]0;pwned\x07" in out
    # Our own live lines move the cursor; these are not ours.
    for raw in (b"\x1b]", b"\x07", b"\x1b[2J", b"\x1b[31mred", b"\x08",
                b"\x00", b"\x7f", b"\xff"):
        assert raw not in out, raw
    assert not re.search(rb"(?<![\xc2-\xf4])[\x80-\x9f](?![\x80-\xbf])", re.sub(
        rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|"
        rb"[\xf0-\xf4][\x80-\xbf]{3}", b"", out))


@pytest.mark.parametrize("args", [
    ("--fifo", "--accept-risk"), ("--shared", "--accept-risk"),
    ("--check", "--hosts"), ("--setup",)], ids=lambda a: a[0])
def test_hosts_that_lie_in_other_ways_are_named_and_done_with(
        fleet, liars, args):
    modes = liars(["flood-events", "one-note", "ready-twice", "ready-unfed",
                   "done-first", "numbers", "refuse-terminal", "file-flood"])
    before = fleet.leftovers([fleet.admin, fleet.host(1)], ignore=(
        r"/var/lib/csync2(/|$)",))
    done, cost, took_s = run(fleet, "-C", "priv", "--json", *TIMES, *args,
                             "privileged")
    assert done.rc != 0, str(done)
    for host, mode in modes.items():
        if mode != "done-first":
            assert done.of("state", host), (mode, str(done)[-5000:])
            assert done.last(host)["state"] in ("failed", "ended"), (
                mode, done.last(host))
        # Whose turn has not come has no key, and can't be ready with one.
        if mode == "ready-unfed":
            assert "ready" not in done.states(host), str(done)[-5000:]
    assert took_s < 60
    assert cost.memory_kib < MEMORY_KIB
    assert not CONTROL.search(done.out + done.err)
    before.settle()


def test_a_host_that_lies_to_verify_is_named_and_costs_little(fleet, liars):
    liars([])
    fleet.push()
    # Only verify is lied to: the push itself needs the host.
    h1 = fleet.host(1)
    attack.put(h1, "liar.pl")
    try:
        for what in ("a" * 80, "o f 644 0 0 1"):
            h1.write("/usr/local/bin/find", "#!/bin/sh\ncase $2 in -maxdepth) "
                     f"printf c;; *) exec yes '{what}';; esac\n", 0o755)
            done, cost, took_s = run(fleet, "-C", "priv", "--json", *TIMES,
                                     "--verify", "privileged")
            assert done.rc not in (0, None), str(done)
            assert took_s < DEADLINE_S
            assert cost.memory_kib < MEMORY_KIB
    finally:
        h1.run("rm -f /usr/local/bin/find /root/liar.pl")
