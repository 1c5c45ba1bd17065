# SPDX-License-Identifier: ISC
"""Shared windows: --shared, --hold and COMMAND, one key in every FIFO."""

import json
import os
import signal
import subprocess

import pytest

from fleet import KEY, POSTERN, Running, fleet
from lab import proc
from windowlib import (csync2s, end, folders, gone, holder, line, peer,
                       reader, stall, stallable, window)

__all__ = ["fleet", "stallable"]

FILES = {"backup": "#!/bin/sh\necho backup\n", "restore": "#!/bin/sh\n"}
SHARED = ("--shared", "--accept-risk")
PIPE = subprocess.PIPE
DATABASE = r"/var/lib/csync2/.*\.db3"


@pytest.fixture
def three(fleet, stallable):
    fleet.setup(3)
    fleet.tls()
    fleet.daemon()
    fleet.scripts(FILES)
    return fleet


def command(fleet, *argv, before=(), expect=0, **kwargs):
    return fleet.unlock("-C", "priv", "--accept-risk", *before, "privileged",
                        "--", *argv, expect=expect, **kwargs)


def test_shared_pushes_with_one_key_for_all(three):
    taken = three.leftovers(ignore=[DATABASE])
    readers = [reader(h) for h in three.members]
    done = three.push(*SHARED, "--json", "--verify")
    assert len({line(p) for p in readers}) == 1
    end(*readers)
    three.assert_same()
    # What it does not protect is said.
    assert "root on one member can push to the others" in done.err
    taken.settle()
    three.assert_locked()
    three.scripts({"restore": None})
    three.push(*SHARED)
    three.assert_same()


def test_hold_for_a_time_forty_readers_and_sessions_let_in(three):
    one = three.members[0]
    taken = three.leftovers(ignore=[DATABASE])
    waiting = [reader(one) for _ in range(40)]
    run = window(three, "--for", "3s")
    keys = {line(p) for p in waiting}
    assert len(keys) == 1 and len(keys.pop()) >= 32
    end(*waiting)
    inside = [peer(three, "h2", "h1", hello=True), peer(three, "h3", "h2")]
    assert [line(p) for p in inside] == ["in", "in"]
    assert csync2s(one)
    done = run.end()
    assert done.rc == 0, str(done)
    assert [line(p, 5) for p in inside] == ["out", "out"]
    end(*inside)
    assert "1 csync2 sessions" in done.last("h1")["detail"]
    gone(*three.all, deadline_s=0)
    taken.settle()
    three.assert_locked()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_hold_until_a_signal_is_no_failure(three, number):
    run = window(three)
    run.kill(number)
    done = run.end()
    assert done.rc == 0, str(done)
    assert {done.last(h.name)["state"] for h in three.all} == {"closed"}
    gone(*three.all, deadline_s=0)


def test_the_old_name_holds(three):
    three.admin.run(["ln", "-s", POSTERN, "/tmp/csync2_unlocker"])
    args = ["/tmp/csync2_unlocker", "-C", "priv", "--json", "--accept-risk",
            "privileged"]
    run = Running(three, args, three.admin.popen(
        args, text=True, stdout=PIPE, stderr=PIPE))
    run.wait_event(lambda e: e["event"] == "open", "open")
    assert folders(three.members[2])
    run.kill(signal.SIGINT)
    assert run.end().rc == 0
    gone(*three.all)


def test_a_command_works_in_its_window(three):
    done = command(three, "sh", "-c", "csync2 -C priv -x && "
                   "echo R=$POSTERN_READY F=$POSTERN_FAILED; cat",
                   input="my own input\n")
    # Standard input and output are the command's alone.
    assert done.out == "R=admin h1 h2 h3 F=\nmy own input\n"
    assert "closed" in done.err
    three.assert_same()
    gone(*three.all, deadline_s=0)
    three.assert_locked()
    # With --verify as well.
    three.host(2).write("/srv/priv/restore", "evil\n", 0o755)
    done = command(three, "true", before=["--verify"], expect=2)
    assert "restore" in done.err


def test_a_commands_failure_is_the_runs(three):
    done = command(three, "sh", "-c", "exit 7", expect=1)
    assert "exit status 7" in done.err
    done = command(three, "/nonexistent", expect=1)
    assert "/nonexistent" in done.err
    gone(*three.all)


def test_ctrl_c_is_the_commands(three):
    args = ["setsid", POSTERN, "unlock", "-C", "priv", "--accept-risk",
            "privileged", "--", "sh", "-c",
            "trap 'echo asked; exit 0' INT; echo on; "
            "while :; do sleep 0.1; done"]
    p = three.admin.popen(args, text=True, stdin=PIPE, stdout=PIPE,
                          stderr=PIPE)
    assert line(p) == "on"
    # As a terminal does: the whole group.
    os.killpg(p.target, signal.SIGINT)
    assert line(p) == "asked"
    out, err = p.communicate(timeout=20)
    assert "closing" in err
    gone(*three.all, deadline_s=0)


def test_a_command_that_outlives_the_limit(three):
    done = command(three, "sleep", "60", before=["--for", "6s"],
                   expect=75)
    assert "limit" in done.err
    gone(*three.all)
    assert not three.pids("admin", "sleep 60")


def test_with_json_too_standard_output_is_the_commands(three):
    mine = '{"event": "mine"}\n'
    done = command(three, "printf", "%s", mine, before=["--json"])
    assert done.out == mine
    events = [json.loads(text)["event"] for text in done.err.splitlines()
              if text.startswith("{")]
    assert "finding" in events and events[-1] == "end"


def test_ctrl_c_while_the_check_asks_opens_nothing(three):
    three.config(three.group(hosts="admin (h1 h2 h3)"))
    three.members[0].link.cut()
    run = three.start("-C", "priv", "--fifo", "--connect-timeout", "60s",
                      "privileged")
    proc.wait_for(lambda: three.pids("admin", r"^ssh.*\bh1\b"), 15,
                  "ssh to h1")
    run.kill(signal.SIGINT)
    done = run.end()
    assert done.rc == 1, str(done)
    assert "nothing was opened" in done.err
    three.members[0].link.restore()
    gone(*three.all)


def test_a_command_that_outlives_its_hosts_still_ends(three):
    # It ignores SIGTERM, so that the hosts are closed long before it is.
    done = command(three, "sh", "-c", "trap '' TERM; echo on; "
                   "while :; do sleep 0.1; done", before=["--for", "5s"],
                   expect=75, timeout=30)
    assert "killed" in done.err
    gone(*three.all)


def test_sigterm_reaches_the_command(three):
    args = [POSTERN, "unlock", "-C", "priv", "--accept-risk", "privileged",
            "--", "sh", "-c", "trap 'echo asked; exit 0' TERM; echo on; "
            "while :; do sleep 0.1; done"]
    p = three.admin.popen(args, text=True, stdout=PIPE, stderr=PIPE)
    assert line(p) == "on"
    os.kill(p.target, signal.SIGTERM)
    assert line(p) == "asked"
    p.communicate(timeout=20)
    gone(*three.all, deadline_s=0)


def test_a_shared_push_that_the_limit_cuts_has_synced_nobody(three):
    with stall(three.members[0]):
        done = three.push(*SHARED, "--json", "--for", "4s", expect=75)
    for h in three.members:
        assert done.last(h.name)["state"] == "failed"
        assert "time limit" in done.last(h.name)["detail"]
    gone(*three.all)


def test_shared_reaches_groups_that_have_no_receiver_in_common(three):
    other = "/var/lib/csync2/other.key"
    three.each(f"mkfifo -m 600 {other}; mkdir -p /srv/other")
    three.config(
        three.group(hosts="admin h1")
        + three.group("second", hosts="admin h2", include="/srv/other",
                      key=other))
    three.scripts({"deep": "x\n"}, folder="/srv/other")
    three.unlock("-C", "priv", *SHARED, "privileged", "second")
    three.assert_same(1)
    three.assert_same(2, folder="/srv/other")
    gone(three.admin, *three.members[:2], fifos=(KEY, other))


def test_a_host_that_fails_while_it_opens_is_named(three):
    three.members[1].run(["rm", KEY])
    three.members[2].link.cut()
    done = command(three, "sh", "-c", "echo R=$POSTERN_READY "
                   "F=$POSTERN_FAILED", before=["--connect-timeout", "2s"],
                   expect=2)
    assert done.out == "R=admin h1 F=h2 h3\n"
    assert [text for text in done.err.splitlines()
            if text.startswith("h2: failed") and "--setup" in text]
    assert [text for text in done.err.splitlines()
            if text.startswith("h3: failed")]


def test_a_host_lost_in_a_window_closes_by_itself(three):
    one, two, _ = three.members
    run = window(three)
    lost = [peer(three, "h2", "h1")]
    assert line(lost[0]) == "in"
    one.link.cut()
    # Nobody tells it: silence has to be enough.
    gone(one, deadline_s=5.5)
    assert holder(two)
    one.link.restore()
    end(*lost)
    run.wait_state("failed", "h1")
    assert holder(two)
    run.kill(signal.SIGINT)
    done = run.end()
    assert done.rc == 2, str(done)
    assert done.last("h2")["state"] == "closed"
    gone(*three.all)
    three.assert_locked()


def test_each_remote_process_may_be_killed(three):
    run = window(three)
    inside = [peer(three, "h1", "h2"), peer(three, "h2", "h3"),
              peer(three, "h3", "h1")]
    assert [line(p) for p in inside] == ["in"] * 3
    for host, who in zip(three.members, ("main", "feeder", "watchdog")):
        os.kill(holder(host)[who], signal.SIGKILL)
    gone(*three.members)
    assert [line(p, 5) for p in inside] == ["out"] * 3
    end(*inside)
    for _ in three.members:
        run.wait_state("failed")
    run.kill(signal.SIGINT)
    assert run.end().rc == 2
    gone(*three.all)
    three.assert_locked()


STATES = ("connecting", "ready", "open", "reading", "pushing", "closing")


def killed_at(fleet, state):
    inside = []
    if state in ("open", "reading"):
        inside = [peer(fleet, "h1", "h2"), peer(fleet, "h2", "h3")]
    with stall(fleet.members[0]):
        way = SHARED if state == "pushing" else (
            "--hold", "--accept-risk", "--for", "3s")
        run = fleet.start_push(*way)
        run.wait_event(lambda e: state in (e["event"], e.get("state")),
                       state)
        if state == "reading":
            # Both: a session on a host that was not reached yet never saw
            # a window, and waits on.
            other, = {"h2", "h3"} - {run.seen[-1]["host"]}
            run.wait_state(state, other)
        if state == "open":
            assert [line(p) for p in inside] == ["in", "in"]
        run.kill(signal.SIGKILL)
        run.end()
        gone(*fleet.all)
    for p in inside:
        p.communicate(timeout=5)


def test_kill_9_of_postern_in_each_state(three):
    taken = three.leftovers(ignore=[DATABASE])
    for state in STATES:
        print(state)
        killed_at(three, state)
        taken.settle()
        three.assert_locked()


def test_a_cut_network_during_a_shared_push(three):
    with stall(*three.members):
        run = three.start_push(*SHARED)
        run.wait_state("pushing", "h1")
        three.admin.link.cut()
        gone(*three.members, deadline_s=5.5)
        run.kill(signal.SIGKILL)
        run.end()
        three.admin.link.restore()
    gone(*three.all)


def test_a_second_window_is_told_that_the_first_is_there(three):
    run = window(three)
    done = three.push("--hold", "--accept-risk", "--json", expect=75)
    for h in three.all:
        assert "another window" in done.last(h.name)["detail"]
    # The first one is none the worse for it.
    p = reader(three.members[0])
    assert line(p)
    end(p)
    run.kill(signal.SIGINT)
    assert run.end().rc == 0


def test_csync2_without_the_group_never_hangs(three):
    three.ordinary()
    three.scripts({"page": "x\n"}, folder="/srv/pub")
    # Locked: the group's own configuration waits, wherever it is tried.
    three.assert_locked()
    p = three.members[1].popen(["timeout", "2", "csync2", "-C", "priv",
                                "-x"])
    three.admin.run(["csync2", "-x"], timeout=20)
    three.assert_same(folder="/srv/pub")
    for h in three.members:
        h.run(["csync2", "-x"], timeout=20)
    assert p.wait(10) == 124
    assert three.tree(2) == {}
    three.push(*SHARED)
    three.admin.run(["csync2", "-x"], timeout=20)
    three.assert_locked()


def test_two_groups_one_of_them_held(three):
    other = "/var/lib/csync2/other.key"
    three.each(f"mkfifo -m 600 {other}; mkdir -p /srv/other")
    three.config(three.group() + three.group("second", include="/srv/other",
                                             key=other))
    run = window(three)
    readers = [reader(three.members[0], f) for f in (KEY, other)]
    assert len({line(p) for p in readers}) == 2
    end(*readers)
    # csync2 reads both keys; the window is for one group alone.
    three.scripts({"deep": "x\n"}, folder="/srv/other")
    three.admin.run(["csync2", "-C", "priv", "-G", "privileged", "-x"],
                    timeout=20)
    three.assert_same()
    run.kill(signal.SIGINT)
    assert run.end().rc == 0
    assert three.tree(1, "/srv/other") == {}
    gone(*three.all, fifos=(KEY, other))


def test_a_host_that_was_not_ready_at_the_limit_says_so(three):
    # The key comes so late that nobody is ready: a slow way there.
    three.members[0].link.slow(rtt_ms=700)
    done = three.push("--hold", "--accept-risk", "--json", "--for", "1s",
                      "-H", "h1", expect=75)
    assert "time limit" in done.last("h1")["detail"], str(done)
    three.members[0].link.restore()
    gone(*three.all)
