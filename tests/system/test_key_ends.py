# SPDX-License-Identifier: ISC
"""However a push or a window ends (kill -9 of postern in each of its states,
a cut network, the limit), within 5 s no host has its key any more, in memory,
a file or a journal, and csync2 hangs on each of them again."""

import os
import signal

import pytest

from faultlib import (DATABASE, SECRET, WAYS, locked_without_key, many,
                      no_key, start_known, windows)
from fleet import fleet
from lab import proc
from windowlib import gone

__all__ = ["fleet"]

# Each as the states that come one after the other before it is ended: of
# that host, or of any. The link of h2 is slow, so that there is time.
STATES = {
    "pipe": [
        [("pushes", "admin")], [("connecting", "h2")], [("ready", "h2")],
        [("reading", "h2")], [("synced", "h1")], [("hashing", "h2")]],
    "fifo": [
        [("pushes", "admin")], [("connecting", "h2")], [("connected", "h2")],
        [("ready", "h2")], [("reading", "h2")],
        [("ready", None), ("synced", None), ("ready", None)],
        [("hashing", "h2")]],
    "shared": [
        [("pushes", "admin")], [("connecting", "h2")], [("ready", "h2")],
        [("open", None)], [("pushing", "h2")], [("reading", "h2")],
        [("closing", None)], [("hashing", "h2")]],
    "hold": [
        [("connecting", "h2")], [("ready", "h2")], [("open", None)],
        [("closing", None)]],
}


@pytest.fixture
def two(fleet):
    return windows(fleet, members=2)


def wait(run, state, host):
    run.wait_event(lambda e: state in (e["event"], e.get("state")) and
                   host in (None, e.get("host")), f"state {state}")


def in_its_middle(fleet, way, *args):
    """postern, with a link that makes its push last, and a known key."""
    fleet.host(2).link.slow(rtt_ms=60)
    if way == "hold":
        args = ("--for", "3s", *args)
    else:
        args = ("--host-timeout", "60s", *args)
    return start_known(fleet, *WAYS[way], *args)


@pytest.mark.parametrize("way", STATES)
def test_after_kill_9_in_each_state_the_key_is_gone(two, secret_search, way):
    taken = two.leftovers(ignore=(DATABASE, r"/srv/priv(/|$)"))
    for n, states in enumerate(STATES[way]):
        print(states)
        # Not where the whole push has to be over first.
        last = states[-1][0]
        many(two, f"before {n}", 3 if last == "hashing" else 30)
        run = in_its_middle(two, way,
                            *(("--verify",) if last == "hashing" else ()))
        for state, host in states:
            wait(run, state, host)
        run.kill(signal.SIGKILL)
        done = run.end()
        assert done.rc != 0 and not done.of("end"), str(done)
        locked_without_key(two, secret_search)
        taken.settle()
        two.host(2).link.restore()
    two.push(*WAYS["fifo"])
    two.assert_same()


@pytest.mark.parametrize("way", WAYS)
def test_after_the_limit_the_key_is_gone(two, secret_search, way):
    taken = two.leftovers(ignore=(DATABASE, r"/srv/priv(/|$)"))
    many(two, "before the limit", 60)
    # Long enough for a busy machine to reach the control below.
    run = in_its_middle(two, way, *(() if way == "hold" else
                                    ("--for", "7s")))
    wait(run, "ready", "h2")
    # The control: there it is.
    assert secret_search([two.admin], SECRET.encode())
    done = run.end()
    assert done.rc == (0 if way == "hold" else 2 if done.of("end")[0]["ok"]
                       else 75), str(done)
    locked_without_key(two, secret_search)
    taken.settle()


@pytest.mark.parametrize("sshd", ["well", "deaf"])
@pytest.mark.parametrize("way", WAYS)
def test_after_a_cut_the_key_is_gone(two, secret_search, way, sshd):
    taken = two.leftovers(ignore=(DATABASE, r"/srv/priv(/|$)"))
    many(two, "before the cut", 60)
    run = in_its_middle(two, way, *(("--host-timeout", "4s")
                                    if way == "pipe" else ()))
    wait(run, "open" if way == "hold" else "reading",
         None if way == "hold" else "h2")
    two.admin.link.cut()
    if sshd == "deaf":
        # As one that misses the signal that is to end it.
        login, = [p for p in two.host(2).pids()
                  if proc.cmdline(p).startswith("sshd: root@")]
        os.kill(login, signal.SIGSTOP)
    # Nobody tells the members. In the default way it is the receiver's own
    # deadline that ends it, and timeout's 2 seconds.
    gone(*two.members, deadline_s=12 if way == "pipe" else 5.5)
    no_key(two.members, secret_search)
    two.assert_locked(*two.members)
    if run.popen.poll() is None:
        run.kill(signal.SIGKILL)
    run.end()
    two.admin.link.restore()
    locked_without_key(two, secret_search)
    taken.settle()
