# SPDX-License-Identifier: ISC
"""The end of postern itself, in each state of the default push: kill -9,
Ctrl-C, a closed terminal. Nothing is left anywhere, the next push works."""

import signal

import pytest

from fleet import fleet  # noqa: F401

# (state, of which host). The first is before the scan is over.
STATES = [("pushes", "admin"), ("connecting", "h2"), ("ready", "h2"),
          ("reading", "h2"), ("synced", "h1"), ("hashing", "h1")]
IDS = [state for state, _ in STATES]


@pytest.fixture
def two(fleet):
    fleet.setup(2)
    fleet.admin.run("i=0; while [ $i -lt 60 ]; do echo $i >/srv/priv/f$i; "
                    "i=$((i+1)); done")
    return fleet


def at(fleet, state, host, args=()):
    """A push that has just come so far."""
    if state in ("reading", "synced"):
        # There, the push of h2 lasts some seconds.
        fleet.host(2).link.slow(rtt_ms=60)
    run = fleet.start_push("--verify", *args)
    run.wait_state(state, host)
    return run


def clean_and_usable(fleet, taken):
    taken.settle(5)
    fleet.host(2).link.restore()
    fleet.assert_locked()
    fleet.push()
    fleet.assert_same()


@pytest.mark.parametrize("state,host", STATES, ids=IDS)
def test_kill_9_in_this_state_leaves_nothing(two, state, host):
    before = two.leftovers()
    run = at(two, state, host)
    run.kill(signal.SIGKILL)
    run.end()
    clean_and_usable(two, before)


@pytest.mark.parametrize("state,host", STATES, ids=IDS)
def test_ctrl_c_in_this_state_is_said_and_leaves_nothing(two, state, host):
    before = two.leftovers()
    run = at(two, state, host)
    run.kill(signal.SIGINT)
    done = run.end(10)
    before.settle(5)
    assert done.rc in (1, 2), str(done)
    failed = [e for e in done.of("state") if e["state"] == "failed"]
    assert failed and all(e["detail"] == "interrupted" for e in failed)
    assert done.events[-1]["event"] == "end"
    assert done.events[-1]["status"] == done.rc
    clean_and_usable(two, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_to_end_do_the_same(two, number):
    before = two.leftovers()
    run = at(two, "reading", "h2")
    run.kill(number)
    assert run.end(10).rc in (1, 2)
    clean_and_usable(two, before)


def test_two_ctrl_c_end_it_at_once(two):
    before = two.leftovers()
    run = at(two, "reading", "h2")
    run.kill(signal.SIGINT)
    run.kill(signal.SIGINT)
    assert run.end(5).rc in (1, 2)
    clean_and_usable(two, before)


def test_a_reader_that_goes_away_does_not_stop_the_push(two):
    """postern unlock … | head -1"""
    two.admin.run(["sh", "-c", '"$@" | head -n 1', "sh", *two.argv(
        "-C", "priv", "privileged")])
    two.assert_same()
