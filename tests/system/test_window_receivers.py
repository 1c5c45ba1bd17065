# SPDX-License-Identifier: ISC
"""Receivers that fail in the middle of their push, with --fifo and --shared:
csync2's daemon is stopped, what feeds the FIFO is killed, the files can't be
written. That host fails, the others are synced, and nothing is left."""


import pytest

from faultlib import FIFO, SHARED, middle, windows
from fleet import fleet
from lab import faults, proc
from windowlib import gone, holder

__all__ = ["fleet"]

WAYS = pytest.mark.parametrize("way", [FIFO, SHARED], ids=["fifo", "shared"])


def kill(*pids):
    assert proc.kill(pids) > 0


DEATHS = {
    "daemon": lambda fleet, host: host.run(
        ["systemctl", "stop", "csync2.socket", "csync2@*"]),
    "feeder": lambda fleet, host: kill(holder(host)["feeder"]),
}


@WAYS
@pytest.mark.parametrize("what", DEATHS)
def test_a_receiver_of_which_a_part_dies_fails_alone(fleet, what, way):
    # A full member would take the half that it got for a change of its own.
    windows(fleet, hosts="admin (h1 h2 h3)")
    one, two, three = fleet.members
    run = middle(fleet, *way)
    DEATHS[what](fleet, two)
    # Whatever died, what the key let in there is ended with it.
    gone(two, deadline_s=5.5)
    done = run.end(40)
    assert done.rc == 2, str(done)
    assert done.last("h2")["state"] == "failed", str(done)
    assert done.last("h2")["detail"], str(done)
    for host in (one, three):
        assert done.last(host.name)["state"] == "synced", str(done)
    fleet.assert_same(1, 3)
    two.link.restore()
    gone(*fleet.all)
    fleet.assert_locked()
    # And it can be made good.
    fleet.daemon([two])
    fleet.push(*way)
    fleet.assert_same()
    gone(*fleet.all)


@WAYS
def test_what_a_host_has_no_room_for_stays_dirty_and_is_named(fleet, way):
    fleet.setup(3)
    with faults.small_disk(fleet.host(2), "/srv/priv", 512):
        windows(fleet, setup=False)
        fleet.admin.run("head -c 900000 /dev/urandom >/srv/priv/big")
        fleet.scripts({"d/deep": "x\n"})
        done = fleet.push(*way, "--json", expect=2)
        assert done.last("h2")["state"] == "failed", str(done)
        stayed = {(e["host"], e["text"].split("\t")[-1])
                  for e in done.of("dirty")}
        # csync2 ends at such an error: what it had not come to stays, too.
        assert ("h2", "/srv/priv/big") in stayed, str(done)
        assert {host for host, _ in stayed} == {"h2"}, str(done)
        for name in ("h1", "h3"):
            assert done.last(name)["state"] == "synced", str(done)
        fleet.assert_same(1, 3)
        # It can be made good.
        fleet.scripts({"big": "small\n"})
        fleet.push(*way)
        assert fleet.host(2).read("/srv/priv/big") == "small\n"
        assert "d/deep" in fleet.tree(2)
        gone(*fleet.all)
        fleet.each("systemctl stop csync2.socket 'csync2@*'", [2])
