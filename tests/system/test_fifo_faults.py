# SPDX-License-Identifier: ISC
"""--fifo and --shared when something goes wrong in the middle, and what they
do with a key on the pushing host."""

import os
import re
import signal

import pytest

from fleet import KEY, POSTERN, fleet
from lab import proc
from windowlib import gone, stall, stallable

__all__ = ["fleet", "stallable"]

WAYS = {"fifo": ("--fifo", "--accept-risk"),
        "shared": ("--shared", "--accept-risk")}
ways = pytest.mark.parametrize("way", WAYS)
DATABASE = r"/var/lib/csync2/.*\.db3"


@pytest.fixture
def three(fleet, stallable):
    fleet.setup(3)
    fleet.tls()
    fleet.daemon()
    fleet.scripts({"a": "#!/bin/sh\n", "b": "x"})
    return fleet


# The key on the pushing host

@ways
def test_the_pushers_key_is_on_a_ramfs_that_only_its_csync2_sees(three, way):
    with stall(*three.members):
        run = three.start_push(*WAYS[way])
        run.wait_state("ready")
        pid = three.wait_pid("admin", r"^csync2 .*-x$")
        seen = {point: kind for _, _, point, kind, _ in proc.mounts(pid)}
        # Never written to a disk, as a tmpfs may be, which is swapped.
        assert seen[KEY] == "ramfs", seen
        others = [p for p in three.admin.pids() if proc.namespace(p, "mnt")
                  != proc.namespace(pid, "mnt")]
        assert three.admin.init_pid in others
        for p in others:
            assert not [m for m in proc.mounts(p)
                        if m[2] == KEY or m[3] == "ramfs"
                        and "/postern." in m[2]], proc.cmdline(p)
    assert run.end().rc == 0
    gone(*three.all)


def test_a_key_is_made_when_the_hosts_turn_has_come(three):
    """Not when it was connected, ahead of it: what is not there can't leak."""
    trace = "/tmp/trace"
    three.admin.run(
        ["strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-qq", "-s", "300",
         "-o", trace, "-e", "trace=getrandom,write", POSTERN, "unlock", "-C",
         "priv", "--json", *WAYS["fifo"], "privileged"])
    turns, made = [], 0
    for line in three.admin.read(trace).splitlines():
        if line.startswith("getrandom("):
            made += 1
        for state in re.findall(r'\\"state\\":\\"(\w+)\\"', line):
            if state == "ready":
                turns.append(made)
                made = 0
    assert len(turns) == 3
    # 43 characters each.
    assert min(turns) >= 43, turns


# Conflicts

def edited_there(fleet, host, name):
    """A member's own csync2 has taken note of a change that was made there,
    with a key that root there puts into the FIFO by hand."""
    fleet.scripts({name: "theirs"}, on=host)
    h = fleet.host(host)
    h.run(f"echo {'k' * 40} >{KEY} & exec timeout 20 csync2 -C priv -cr /")


@ways
def test_a_conflict_is_said_of_its_host_and_no_other(three, way):
    three.push(*WAYS[way])
    edited_there(three, "h2", "a")
    three.scripts({"a": "ours", "b": "ours"})
    done = three.push(*WAYS[way], "--json", expect=2)
    assert done.last("h2")["state"] == "failed", str(done)
    for name in ("h1", "h3"):
        assert done.last(name)["state"] == "synced", str(done)
        assert not done.of("dirty", name)
        three.assert_same(name)
    dirty = [e["text"] for e in done.of("dirty", "h2")]
    assert len(dirty) == 1 and dirty[0].endswith("/srv/priv/a"), str(done)
    # csync2 gives its reason with -vvv only, which prints keys.
    assert "1 files stayed dirty (changed there as well, or" in done.last(
        "h2")["detail"], str(done)
    assert three.tree(2)["a"][3] == b"theirs"
    assert three.tree(2)["b"][3] == b"ours"


# A receiver that dies

def middle(fleet, way):
    """A push that is in the middle of h2: a slow link, many files."""
    fleet.admin.run("i=0; while [ $i -lt 80 ]; do echo $i >/srv/priv/f$i; "
                    "i=$((i+1)); done")
    fleet.host(2).link.slow(rtt_ms=80)
    run = fleet.start_push(*WAYS[way])
    proc.wait_for(lambda: len(fleet.tree(2)) > 2, 20, "file on h2")
    assert len(fleet.tree(2)) < 60, "too late to be a test"
    return run


VICTIMS = {
    "csync2": lambda h, p: proc.comm(p) == "csync2",
    # Of our script, the first: the rest are its children.
    "holder": lambda h, p: proc.comm(p) == "sh" and any(
        "/run/postern." in target for _, target, _ in proc.fds(p)),
    "sshd": lambda h, p: re.match(
        f"{proc.SSHD}: root@", proc.cmdline(p)),
}


@pytest.mark.parametrize("what", VICTIMS)
@ways
def test_a_receiver_that_dies_in_its_push_fails_alone(three, way, what):
    # A full member would take the half that it got for a change of its own.
    three.config(three.group(hosts="admin (h1 h2 h3)"))
    taken = three.leftovers(ignore=[DATABASE])
    run = middle(three, way)
    host = three.host(2)
    victims = [p for p in host.pids() if VICTIMS[what](host, p)]
    os.kill(min(victims, key=proc.start_time), signal.SIGKILL)
    done = run.end(60)
    assert done.rc == 2, str(done)
    assert done.last("h2")["state"] == "failed", str(done)
    for name in ("h1", "h3"):
        assert done.last(name)["state"] == "synced", str(done)
        three.assert_same(name)
    host.link.restore()
    gone(*three.all)
    taken.settle()
    three.push(*WAYS[way])
    three.assert_same()


# kill -9 in the states that a push of one host does not come to

@pytest.mark.parametrize("way, state, host", [
    ("fifo", "pushes", "admin"), ("fifo", "synced", "h1"),
    ("fifo", "hashing", "h2"), ("shared", "pushes", "admin"),
    ("shared", "hashing", "h2")])
def test_kill_9_of_postern_in_this_state(three, way, state, host):
    three.push(*WAYS[way])
    three.scripts({"a": "newer"})
    taken = three.leftovers(ignore=[DATABASE])
    waiting = three.members[1:] if state == "synced" else []
    with stall(*waiting):
        run = three.start_push(*WAYS[way], "--verify")
        run.wait_state(state, host)
        run.kill(signal.SIGKILL)
        run.end()
        gone(*three.all)
    taken.settle()
    three.assert_locked()
    three.push(*WAYS[way])
    three.assert_same()
