# SPDX-License-Identifier: ISC
"""Which hosts a window that is held, and what asks all hosts, reach: other
host keys, no way in, a stolen address, sudo, --exclude; and whom csync2's own
connection reaches."""

import os
import signal
import subprocess

import pytest

import attack
from faultlib import (FIFO, HOLD, SHARED, another_host_key, nobody_let_in,
                      operators, windows)
from fleet import KEY, POSTERN, fleet
from lab import proc
from windowlib import end, folders, gone, line, reader, window

__all__ = ["fleet"]

WAYS = {"hold": (*HOLD, "--for", "2s"), "check": ("--check", "--hosts"),
        "setup": ("--setup",)}


def test_who_has_another_host_key_or_lets_nobody_in_is_not_held(fleet):
    windows(fleet)
    with another_host_key(fleet.host(1)), nobody_let_in(fleet.host(2)):
        run = window(fleet)
        assert folders(fleet.host(3))
        assert not folders(fleet.host(1)) and not folders(fleet.host(2))
        run.kill(signal.SIGINT)
        done = run.end()
    assert done.rc == 2, str(done)
    for host, why in (("h1", "host key changed"), ("h2", "not permitted")):
        assert done.last(host)["state"] == "failed", str(done)
        assert why in done.last(host)["detail"]
    assert done.last("h3")["state"] == "closed", str(done)
    gone(*fleet.all)


@pytest.mark.parametrize("way", WAYS)
def test_a_stolen_address_gets_nothing(fleet, way):
    """h2 takes over the address of h3, which is down, as all see it."""
    windows(fleet)
    fleet.scripts({"newer": "x\n"})
    h2, h3 = fleet.host(2), fleet.host(3)
    h3.link.cut()
    h2.run(f"ip addr add {h3.ip}/24 dev eth0; rm -f /root/taken")
    attack.lie(h2, "done-first")
    careless = ["-oUserKnownHostsFile=/dev/null", "-oStrictHostKeyChecking=no"]
    try:
        with attack.neighbour(fleet.admin, h3, h2):
            # The control: the address is h2's now, for those who don't look.
            out = fleet.admin.run(["ssh", *careless, "h3", "true"]).stdout
            assert "postern done 0" in out
            h2.run("rm /root/taken")
            for options in ((), careless):
                done = fleet.push(*WAYS[way], "--json", "-H", "h3", *options,
                                  expect=(1, 2))
                assert done.last("h3")["state"] == "failed", str(done)
                assert "host key" in done.last("h3")["detail"]
                assert not h2.exists("/root/taken")
            assert "newer" not in fleet.tree(2)
    finally:
        attack.honest(h2)
        h2.run(f"ip addr del {h3.ip}/24 dev eth0; rm -f /root/taken")
    gone(*fleet.all)


@pytest.mark.parametrize("way", [FIFO, SHARED], ids=["fifo", "shared"])
def test_csync2s_own_connection_led_astray_reaches_nobody(fleet, way):
    """ssh reaches h3, so that it is open; between the host that pushes and
    h3, another member takes h3's address. It is the pinned certificate that
    tells them apart, before a key or a file is sent."""
    windows(fleet, hosts="h1 (h2 h3) admin")
    h1, h2, h3 = fleet.members
    fleet.scripts({"backup": "of h1\n"}, on=1)
    # A first push on a network that is as it should be pins them.
    fleet.push(*way, "--from", "h1")
    fleet.scripts({"newer": "x\n"}, on=1)
    before = fleet.tree(2)
    # h2 needs no key of anybody to be spoken to.
    h2.run(f"rm {KEY}; echo {'k' * 40} >{KEY}; "
           f"ip addr add {h3.ip}/24 dev eth0")
    try:
        with attack.neighbour(h1, h3, h2):
            # The control: who answers there is h2.
            out = h1.run(["ssh-keyscan", "-t", "ed25519", h3.ip]).stdout
            assert h2.host_key in out
            done = fleet.push(*way, "--json", "--from", "h1", "-H", "h3",
                              expect=1)
        assert done.last("h3")["state"] == "failed", str(done)
        said = [e["text"] for e in done.of("csync2")]
        assert any("wrong SSL X509" in text for text in said), str(done)
        assert fleet.tree(2) == before
        assert "newer" not in fleet.tree(3)
    finally:
        h2.run(f"ip addr del {h3.ip}/24 dev eth0; rm {KEY}; "
               f"mkfifo -m 600 {KEY}")
    gone(*fleet.all)
    fleet.push(*way, "--from", "h1")
    assert fleet.tree(2) == fleet.tree(3) == fleet.tree(1)


def test_a_window_of_become_ends_with_postern_too(fleet):
    """Where sudo stands between sshd and the script."""
    windows(fleet, members=2)
    with operators(fleet) as become:
        before = fleet.leftovers(ignore=(
            r"/home/ops/\.sudo_as_admin_successful",))
        run = window(fleet, *become)
        readers = [reader(h) for h in fleet.members]
        assert len({line(p) for p in readers}) == 1
        end(*readers)
        assert all(fleet.pids(h, "^sudo -n") for h in fleet.members)
        run.kill(signal.SIGKILL)
        run.end()
        gone(*fleet.all)
        before.settle()
    fleet.assert_locked()


def logins(host):
    return int(host.run("journalctl -t sshd -o cat | grep -c ^Accepted",
                        check=False).stdout)


def test_who_is_excluded_from_a_window_stays_locked(fleet):
    windows(fleet)
    one, two, _ = fleet.members
    before = logins(one), logins(two)
    run = window(fleet, "--exclude", "h2")
    assert folders(one) and not folders(two)
    fleet.assert_locked(two)
    run.kill(signal.SIGINT)
    done = run.end()
    assert done.rc == 0, str(done)
    assert {e["host"] for e in done.of("state")} == {"admin", "h1", "h3"}
    assert logins(one) > before[0], "logins are not seen"
    assert logins(two) == before[1]
    gone(*fleet.all)


def test_a_login_whose_postern_is_stopped_goes_on(fleet):
    """Above the script that feeds this host's own FIFO is the login from
    which postern was started: no sshd of ours, though nobody beats."""
    windows(fleet)
    admin = fleet.admin
    login = admin.popen(
        ["ssh", "admin", f"{POSTERN} unlock -C priv {' '.join(HOLD)} "
         "privileged & wait; echo still here"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        proc.wait_for(lambda: all(any(
            (f / "feeder").exists() and (f / "feeder").stat().st_size
            for f in folders(h)) for h in fleet.all), 30, "open windows")
        ours, = [p for p in admin.pids()
                 if proc.comm(p) == "postern-unlock"]
        os.kill(ours, signal.SIGSTOP)
        proc.wait_for(lambda: not folders(admin), 15, "the holder's end")
        os.kill(ours, signal.SIGTERM)
        os.kill(ours, signal.SIGCONT)
        out, _ = login.communicate(timeout=30)
        assert out.endswith("still here\n") and login.returncode == 0, out
    finally:
        end(login)
    gone(*fleet.all)
