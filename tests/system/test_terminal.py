# SPDX-License-Identifier: ISC
"""A live line a host, on a terminal: each state as it comes, and in the end
who failed and why."""

import pytest

from fleet import KEY, fleet
from lab import faults
from terminal import on_terminal, shown, states
from windowlib import go, stall, stallable

__all__ = ["fleet", "stallable"]

PUSH = ["-C", "priv", "privileged"]
WIDE = {"rows": 40, "columns": 200}


def last(out, host):
    """What the host's line said in the end."""
    return [s for s in shown(out) if s.split()[0] == host][-1]


def says(out, host, *words):
    line = last(out, host)
    assert all(w in line for w in words), f"{words}: {line!r}\n{shown(out)}"


def test_lines_are_live_and_the_last_state_stays(fleet):
    fleet.setup(2)
    fleet.scripts({f"s{i}": "x" for i in range(6)})
    # Each state lasts for longer than from one drawing to the next.
    fleet.host(1).link.slow(rtt_ms=200)
    rc, out = on_terminal(fleet.admin, PUSH)
    assert rc == 0 and b"\x1b[" in out
    assert states(out, "h1") == ["connecting", "reading", "synced"]
    assert states(out, "admin") == ["pushes"]
    says(out, "h1", "synced")
    says(out, "h2", "synced")


def test_a_turn_and_its_states_are_seen(fleet, stallable):
    fleet.setup(2)
    fleet.tls()
    fleet.daemon()
    fleet.scripts({"s": "x"})
    names = [h.name for h in fleet.members]
    with stall(*fleet.members):
        # No daemon answers before one host is ready and the other waits.
        def react(out):
            if b"waits for its turn" in out and any(
                    "ready" in states(out, n) for n in names):
                for h in fleet.members:
                    go(h)

        rc, out = on_terminal(fleet.admin, ["--fifo", "--accept-risk",
                                            *PUSH], react, **WIDE)
    assert rc == 0, out
    for n in names:
        seen = states(out, n)
        assert seen[0] == "connecting" and seen[-1] == "synced", seen
    assert {"connected", "ready"} <= {s for n in names
                                      for s in states(out, n)}
    fleet.assert_same()


@pytest.fixture
def broken(fleet):
    """h1 cut off, h2 with another host key, h3 that lets nobody in, h4 with
    a full disk, h5 as it should be."""
    fleet.setup(5)
    fleet.admin.run("head -c 900000 /dev/urandom >/srv/priv/big")
    h1, h2, h3, h4, _ = fleet.members
    h1.link.cut()
    h2.run("cp -a /etc/ssh /root/ssh.kept; rm /etc/ssh/ssh_host_ed25519_key*;"
           " ssh-keygen -q -t ed25519 -N '' -f "
           "/etc/ssh/ssh_host_ed25519_key; systemctl restart ssh")
    h3.run("mv /root/.ssh/authorized_keys /root/kept")
    try:
        with faults.small_disk(h4, "/srv/priv", 512):
            yield fleet
    finally:
        h2.run("rm -r /etc/ssh; mv /root/ssh.kept /etc/ssh; "
               "systemctl restart ssh")
        h3.run("mv /root/kept /root/.ssh/authorized_keys")


def test_the_line_of_a_host_that_failed_says_why(broken):
    rc, out = on_terminal(broken.admin, ["--connect-timeout", "3s", *PUSH],
                          **WIDE)
    assert rc == 2, out
    says(out, "h1", "failed", "unreachable: no answer within 3 s")
    says(out, "h2", "failed", "host key changed")
    says(out, "h3", "failed", "not permitted")
    says(out, "h4", "failed", "csync2 there: Write-error")
    says(out, "h5", "synced")
    broken.assert_same(5)


def test_the_line_says_what_is_wrong_with_a_fifo(fleet):
    fleet.setup(5)
    fleet.tls()
    fleet.daemon()
    fleet.scripts({"s": "x"})
    h1, h2, h3, h4, _ = fleet.members
    h1.run(f"rm {KEY}; echo x >{KEY}; chmod 600 {KEY}")
    h2.run(f"chown nobody {KEY}")
    h3.run(f"chmod 640 {KEY}")
    h4.run(f"rm {KEY}")
    rc, out = on_terminal(fleet.admin, ["--fifo", "--accept-risk", *PUSH],
                          **WIDE)
    assert rc == 2, out
    says(out, "h1", "failed", "is not a FIFO")
    says(out, "h2", "failed", "not to root:root")
    says(out, "h3", "failed", "has mode 640, not 600")
    says(out, "h4", "failed", "does not exist")
    says(out, "h5", "synced")
