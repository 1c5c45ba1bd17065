# SPDX-License-Identifier: ISC
"""--fifo: a fresh key a receiver into its FIFO, one push after another."""

import os
import signal

import pytest

from fleet import KEY, fleet
from lab import faults, proc
from windowlib import (csync2s, end, go, gone, line, peer, reader, stall,
                       stallable, waits, window)

__all__ = ["fleet", "stallable"]

FILES = {"backup": "#!/bin/sh\necho backup\n", "restore": "#!/bin/sh\n"}
FIFO = ("--fifo", "--accept-risk")
DATABASE = r"/var/lib/csync2/.*\.db3"


@pytest.fixture
def three(fleet, stallable):
    """admin, h1 … h3, with TLS, the daemon and something to push."""
    fleet.setup(3)
    fleet.tls()
    fleet.daemon()
    fleet.scripts(FILES)
    return fleet


def turns(done):
    """Each host's (first "ready", its end), as places in the events."""
    at = {}
    for i, e in enumerate(done.of("state")):
        if e["state"] == "ready":
            at[e["host"]] = [i, None]
        elif e["state"] in ("synced", "failed") and e["host"] in at:
            at[e["host"]][1] = i
    return sorted(at.values())


def test_receivers_one_after_another_and_nothing_is_left(three):
    taken = three.leftovers(ignore=[DATABASE])
    done = three.push(*FIFO, "--json", "--verify")
    three.assert_same()
    spans = turns(done)
    assert len(spans) == 3
    assert all(a[1] < b[0] for a, b in zip(spans, spans[1:])), spans
    for h in three.members:
        assert "reading" in done.states(h.name)
    taken.settle()
    three.assert_locked()
    # What is deleted here goes there too, and only that.
    three.scripts({"restore": None})
    three.push(*FIFO)
    three.assert_same()
    assert set(three.tree(2)) == {"backup"}


def test_a_key_a_receiver_and_only_in_its_turn(three):
    left = dict(zip(three.members, map(reader, three.members)))
    keys = []
    # No daemon gets on, so that a turn lasts until we have looked.
    with stall(*three.members):
        run = three.start_push(*FIFO)
        while left:
            host = three.host(run.wait_state("ready")["host"])
            p = left.pop(host)
            keys.append(line(p))
            end(p)
            assert all(waits(p) for p in left.values())
            go(host)
        done = run.end()
    assert done.rc == 0, str(done)
    assert len(set(keys)) == 3
    assert all(len(k) >= 32 and k.replace(".", "").replace("_", "").isalnum()
               for k in keys)
    three.assert_same()


def test_verify_names_a_file_that_differs(three):
    three.push(*FIFO)
    # Behind csync2's back: its database believes it is all right.
    three.host(2).write("/srv/priv/restore", "#!/bin/sh\nevil\n", 0o755)
    done = three.push(*FIFO, "--verify", expect=2)
    said = [text for text in done.out.splitlines() if "restore" in text]
    assert said and all("h2" in text for text in said), str(done)


def test_who_is_down_or_has_no_csync2_fails_and_others_go_on(three):
    one, two, _ = three.members
    one.run(["systemctl", "stop", "csync2.socket"])
    two.run(["mv", "/usr/sbin/csync2", "/usr/sbin/csync2.away"])
    try:
        done = three.push(*FIFO, "--json", expect=2)
    finally:
        two.run(["mv", "/usr/sbin/csync2.away", "/usr/sbin/csync2"])
    three.assert_same(3)
    assert done.last("h1")["state"] == done.last("h2")["state"] == "failed"
    assert "onnect" in done.last("h1")["detail"]
    assert "csync2 is not installed" in done.last("h2")["detail"]
    assert done.last("h3")["state"] == "synced"
    gone(*three.all)


def test_a_stalled_receiver_costs_its_own_time_only(three):
    with stall(three.members[1]):
        done = three.push(*FIFO, "--json", "--host-timeout", "2s", expect=2)
        assert "--host-timeout" in done.last("h2")["detail"]
        three.assert_same(1, 3)
        gone(*three.all)


def test_a_host_that_cannot_be_reached_is_named(three):
    three.members[2].link.cut()
    done = three.push(*FIFO, "--json", "--connect-timeout", "2s", expect=2)
    assert done.last("h3")["state"] == "failed"
    three.assert_same(1, 2)


def test_two_groups_with_a_fifo_each(three):
    other = "/var/lib/csync2/other.key"
    three.each(f"mkfifo -m 600 {other}; mkdir -p /srv/other")
    three.config(
        three.group(hosts="admin h1 h2")
        + three.group("second", hosts="admin (h2 h3)", include="/srv/other",
                      key=other))
    three.scripts({"deep": "x\n"}, folder="/srv/other")
    done = three.unlock("-C", "priv", "--json", *FIFO, "privileged",
                        "second")
    three.assert_same(1, 2)
    three.assert_same(2, 3, folder="/srv/other")
    assert three.tree(1, "/srv/other") == {}
    assert done.last("h2")["state"] == "synced"
    gone(*three.all, fifos=(KEY, other))
    # One of the two alone. csync2 reads both keys, hence both FIFOs feed;
    # what the other one gets opens nothing, and its files stay.
    three.scripts({"deep": "y\n"}, folder="/srv/other")
    three.scripts({"late": "z\n"})
    readers = [reader(three.members[1], f) for f in (KEY, other)]
    three.unlock("-C", "priv", *FIFO, "second")
    keys = [line(p) for p in readers]
    end(*readers)
    assert keys[0] != keys[1]
    three.assert_same(2, 3, folder="/srv/other")
    assert "late" not in three.tree(2)
    gone(*three.all, fifos=(KEY, other))


def test_another_host_pushes_with_from(three):
    one = three.members[0]
    key = three.admin.read("/root/.ssh/id_ed25519")
    taken = three.leftovers(ignore=[DATABASE])
    three.scripts({"own": "from h1\n"}, on=1)
    done = three.push(*FIFO, "--json", "--from", "h1")
    want = three.tree(1)
    assert set(want) == {"own"}
    assert three.tree(2) == three.tree(3) == want
    assert [e["host"] for e in done.of("state") if e["state"] == "ready"
            ] and done.last("h1")["state"] == "pushes"
    taken.settle()
    # The pushing host got keys, never a way to log in.
    assert key not in one.run("cat /root/.ssh/* 2>/dev/null; true").stdout
    three.assert_locked()


BAD = {
    "missing": ("rm {f}", "does not exist", "--setup"),
    "regular": ("rm {f}; echo my.old.key >{f}; chmod 600 {f}",
                "is not a FIFO", "--setup"),
    "symlink": ("mv {f} {f}.real; ln -s {f}.real {f}", "is a symlink",
                "--setup"),
    "owner": ("chown nobody {f}", "not to root", "chown root:root"),
    "mode": ("chmod 640 {f}", "has mode 640", "chmod 600"),
    "parent": ("chmod 777 /var/lib/csync2", "others than root can write",
               "chmod go-w"),
}


def test_what_is_no_fifo_of_roots_is_refused_and_left_alone(fleet):
    fleet.setup(4)
    fleet.tls()
    fleet.daemon()
    fleet.scripts(FILES)
    names = list(BAD)
    for part in (names[:3], names[3:]):
        hosts = fleet.members[:3]
        for host, name in zip(hosts, part):
            host.run(BAD[name][0].format(f=KEY))
        for way in (FIFO, ("--shared", "--accept-risk")):
            done = fleet.push(*way, "--json", expect=2)
            for host, name in zip(hosts, part):
                said = done.last(host.name)
                assert said["state"] == "failed"
                for words in BAD[name][1:]:
                    assert words in said["detail"], f"{name}: {done}"
            assert done.last("h4")["state"] == "synced", str(done)
        if "regular" in part:
            regular = fleet.members[part.index("regular")]
            assert regular.read(KEY) == "my.old.key\n"
            assert not fleet.members[part.index("missing")].exists(KEY)
        for host in hosts:
            host.run(f"chmod 755 /var/lib/csync2; rm -f {KEY} {KEY}.real; "
                     f"mkfifo -m 600 {KEY}")
    fleet.assert_same(4)


def test_a_file_system_of_1024_byte_blocks(fleet):
    fleet.setup(1)
    one, = fleet.members
    with faults.small_disk(one, "/var/lib/csync2", 4096, block=1024):
        one.run(["mkfifo", "-m", "600", KEY])
        assert one.run(["stat", "-c", "%o", KEY]).stdout.strip() == "1024"
        fleet.tls()
        fleet.daemon()
        fleet.scripts(FILES)
        readers = [reader(one) for _ in range(10)]
        fleet.push(*FIFO)
        fleet.assert_same()
        assert len({line(p) for p in readers}) == 1
        end(*readers)
        one.run("systemctl stop csync2.socket 'csync2@*'", check=False)


def databases(fleet):
    """csync2's on each host, made by a first push: several sessions that
    make the same one at once disturb each other ("schema has changed")."""
    fleet.push(*FIFO)
    fleet.scripts({"restore": "#!/bin/sh\necho newer\n"})


@pytest.mark.parametrize("way", [FIFO, ("--shared", "--accept-risk")],
                         ids=["fifo", "shared"])
def test_strangers_who_eat_the_key_do_not_stop_the_push(three, way):
    databases(three)
    # Before and during: each leaves a child of the daemon's at the FIFO.
    strangers = [peer(three, "h3", "h1") for _ in range(4)]
    one = three.members[0]
    proc.wait_for(lambda: len(csync2s(one)) == 4, 10, "stuck children")
    # The turn of h1 lasts until two more of them are in.
    with stall(one):
        run = three.start_push(*way)
        run.wait_state("ready", "h1")
        client = three.wait_pid("admin", r"^csync2 .*-x$")
        os.kill(client, signal.SIGSTOP)
    try:
        strangers += [peer(three, "h2", "h1") for _ in range(2)]
        assert [line(p) for p in strangers] == ["in"] * 6
    finally:
        os.kill(client, signal.SIGCONT)
    done = run.end()
    assert done.rc == 0, str(done)
    three.assert_same()
    # All those that read it are gone with it.
    assert [line(p) for p in strangers] == ["out"] * 6
    end(*strangers)
    gone(*three.all)


def test_a_receiver_that_dies_during_its_push(three):
    one, two, _ = three.members
    with stall(two):
        run = three.start_push(*FIFO, "--host-timeout", "6s")
        run.wait_state("ready", "h2")
        two.link.cut()
        done = run.end()
        assert done.rc == 2, str(done)
        assert done.last("h2")["state"] == "failed"
        three.assert_same(1, 3)
        gone(*three.all)


STATES = ("connecting", "connected", "ready", "reading")


def killed_at(fleet, state, number):
    """postern --fifo, ended by a signal in the state of h1, whose daemon
    does not answer before."""
    one = fleet.members[0]
    inside = []
    if state in ("ready", "reading"):
        inside = [peer(fleet, "h3", "h1", hello=state == "ready"),
                  peer(fleet, "h2", "h1")]
        proc.wait_for(lambda: len(csync2s(one)) == 2, 10, "their csync2")
    try:
        with stall(one):
            run = fleet.start_push(*FIFO, "-H", "h1")
            run.wait_state(state, "h1")
            for p in inside:
                assert line(p) == "in"
            run.kill(number)
            done = run.end()
            for p in inside:
                assert line(p, 5) == "out"
    finally:
        end(*inside)
    assert "synced" not in done.states("h1")
    return done


def test_kill_9_of_postern_in_each_state(three):
    databases(three)
    taken = three.leftovers(ignore=[DATABASE])
    for state in STATES:
        print(state)
        killed_at(three, state, signal.SIGKILL)
        gone(*three.all)
        taken.settle()
        three.assert_locked()


def test_ctrl_c_closes_and_says_so(three):
    databases(three)
    done = killed_at(three, "ready", signal.SIGINT)
    assert done.rc == 1
    assert done.of("end")[0]["ok"] == 0
    gone(*three.all)


def test_the_limit_of_a_push_is_said_and_may_pass(three):
    with stall(three.members[0]):
        done = three.push(*FIFO, "--json", "--for", "4s", "-H", "h1",
                          expect=75)
    assert "time limit" in done.last("h1")["detail"]
    gone(*three.all)


def test_two_windows_on_one_fifo(three):
    held = window(three, "-H", "h1")
    done = three.push(*FIFO, "--json", "-H", "h1", expect=75)
    assert "another window" in done.last("h1")["detail"]
    held.kill(signal.SIGINT)
    assert held.end().rc == 0
    three.push(*FIFO, "-H", "h1")
    three.assert_same(1)


def script_of(host):
    """The main process of what postern runs there."""
    return min((p for p in host.pids()
                if proc.comm(p) == "sh" and any(
                    "/run/postern." in target
                    for _, target, _ in proc.fds(p))), key=proc.start_time)


def test_a_pusher_that_dies_closes_the_window(three):
    with stall(three.members[0]):
        run = three.start_push(*FIFO, "-H", "h1")
        run.wait_state("ready", "h1")
        os.kill(script_of(three.admin), signal.SIGKILL)
        done = run.end()
    assert done.rc == 1, str(done)
    assert "pushing host" in done.last("h1")["detail"]
    # A folder in /run, without a key, may wait there for the next run; and so
    # may h1's csync2, at its locked FIFO, if it was asked before.
    gone(three.admin, *three.members[1:], folders_too=False)
    three.assert_locked()
    three.push(*FIFO, "-H", "h1")
    gone(*three.all)


def test_the_pushers_watchdog_needs_nobody_to_listen(three):
    """postern is dead, and so is the script: a broken pipe does not keep what
    is left of it from ending the push, whose csync2 would wait for ever."""
    with stall(three.members[0]):
        run = three.start_push(*FIFO, "-H", "h1")
        run.wait_state("ready", "h1")
        three.wait_pid("admin", r"^csync2 .* -x$")
        script = script_of(three.admin)
        run.kill(signal.SIGKILL)
        proc.kill([script])
        gone(three.admin, folders_too=False)
        run.end()
    three.assert_locked()
    three.push(*FIFO, "-H", "h1")
    gone(*three.all)


def test_a_holders_watchdog_needs_nobody_to_listen(three):
    """The same of the window: it closes, and its feeder ends."""
    h1 = three.members[0]
    with stall(h1):
        run = three.start_push(*FIFO, "-H", "h1")
        run.wait_state("ready", "h1")
        assert proc.kill([script_of(h1), run.pid]) == 2
        gone(h1, folders_too=False)
        run.end()
    three.assert_locked()
    three.push(*FIFO, "-H", "h1")
    gone(*three.all)
