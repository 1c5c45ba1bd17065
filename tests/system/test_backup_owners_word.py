# SPDX-License-Identifier: ISC
"""What is set for one client alone, what a clock that was set back does to it,
and a store that takes the connection and then says nothing."""

import json
import os

import pytest

from backuplib import CLIENT, CONF, STORE, backup, keys_line  # noqa: F401
from lab import proc

DATA = "/srv/data"
DAY = 86400
RUNS = f"{STORE}/.postern/{CLIENT}/runs"
OTHER = "desktop"

# In receive's place: alive, and no answer ever.
MUTE = r"""#!/usr/bin/perl
$| = 1;
for (;;) {
	print "B\0\0\0" or exit 1;
	select undef, undef, undef, 0.2;
}
"""


@pytest.mark.parametrize("mode", ["channel", "direct"])
@pytest.mark.parametrize("store, why", [
    ("exec sleep 600", "nothing was heard for"),
    ("perl /srv/mute", "(timeout)")])
def test_a_store_that_never_answers_is_given_up(
        backup, mode, store, why):  # noqa: F811
    """One that is silent after connect-timeout, and one that only says that
    it is alive after timeout."""
    b = backup
    b.setup(root=DATA, mode=mode, connect_timeout="2s", beat="500ms",
            timeout="4s" if "mute" in store else "10m")
    b.files({f"{DATA}/a": "a"})
    b.store.write("/srv/mute", MUTE, 0o755)
    keys_line(b, store)
    before = b.leftovers([r"^/srv"])
    done = b.run("--json", expect=75)
    assert why in done.of("result")[0]["why"], str(done)
    b.store.run("pkill -u backup sleep", check=False)
    before.settle(20)


def two(b, **policy):
    """laptop and desktop, of one machine; policy: lines of each section."""
    b.setup(root=DATA, known_hosts=f"{CONF}/backup_known_hosts")
    b.files({f"{DATA}/a": "a"})
    b.accept(OTHER, b.make_key(b.client, "other_key"))
    section(b, **policy)


def section(b, store="", laptop="", desktop=""):
    b.policy(f"[store]\ndir = {STORE}\n{store}[client {CLIENT}]\n{laptop}"
             f"[client {OTHER}]\n{desktop}")


def as_other(b, **kwargs):
    b.conf(root=DATA, key=f"{CONF}/other_key")
    try:
        return b.run("-q", **kwargs)
    finally:
        b.conf(root=DATA)


def test_a_rate_limit_of_one_client_holds_for_no_other(backup):  # noqa: F811
    b = backup
    two(b, store="rate-limit = 1h\n", desktop="rate-limit = 2h\n")
    b.run()
    # The other is let in while the first has to wait, and then waits itself.
    as_other(b)
    assert "one in 3600 s" in b.run("-q", expect=75).err
    assert "one in 7200 s" in as_other(b, expect=75).err
    # What is said of one client goes before what is said of all.
    section(b, store="rate-limit = 1h\n", laptop="rate-limit = 0\n")
    b.run()
    assert "one in 3600 s" in as_other(b, expect=75).err
    assert len(b.snapshots()) == 2 and len(b.snapshots(OTHER)) == 1


def ago(b, days, client=CLIENT):
    """All that is known of a client is so many days older; newer, where it
    is less than none: then the clock was set back."""
    moved = {}
    home, admin = f"{STORE}/{client}", f"{STORE}/.postern/{client}"
    for name in b.snapshots(client):
        time = int(name.rpartition(".")[2]) - days * DAY
        date = b.store.run(["date", "-u", "-d", f"@{time}", "+%F"])
        moved[name] = f"{client}.{date.stdout.strip()}.{time}"
    for name, new in moved.items():
        for folder in (home, *(f"{admin}/{n}" for n in
                               ("snap", "hold", "pins"))):
            old = b.store.path(f"{folder}/{name}")
            if os.path.lexists(old):
                old.rename(b.store.path(f"{folder}/{new}"))
    lines = []
    for line in b.store.read(f"{admin}/runs").splitlines():
        time, rest = line.split(" ", 1)
        for name, new in moved.items():
            rest = rest.replace(name, new)
        lines.append(f"{int(time) - days * DAY} {rest}\n")
    b.store.write(f"{admin}/runs", "".join(lines), 0o600)
    b.own(b.store, f"{admin}/runs")


def test_silent_days_of_one_client_are_its_own(backup):  # noqa: F811
    b = backup
    two(b, store="silent-days = 2\n", laptop="silent-days = 9\n")
    b.run()
    as_other(b)
    for client in (CLIENT, OTHER):
        ago(b, 5, client)

    def silent(expect):
        rows = map(json.loads, b.owner("status", "--json", expect=expect)
                   .out.splitlines())
        return {r["client"]: (r["silent"], r["silent-limit"]) for r in rows}

    assert silent(2) == {CLIENT: (False, 9), OTHER: (True, 2)}
    as_other(b)
    assert silent(0) == {CLIENT: (False, 9), OTHER: (False, 2)}
    section(b, store="silent-days = 2\n", laptop="silent-days = 4\n")
    assert silent(2) == {CLIENT: (True, 4), OTHER: (False, 2)}


def test_a_clock_set_back_locks_nobody_out_and_takes_nothing(
        backup):  # noqa: F811
    b = backup
    two(b, store="rate-limit = 1h\nkeep-last = 1\n", laptop="")
    section(b, store="")
    for _ in range(3):
        b.run()
    # The last run is of next year: who waited for it would wait that long.
    ago(b, -400)
    future = b.snapshots()
    section(b, store="rate-limit = 1h\nkeep-last = 1\nmin-keep = 1\n")
    now = b.run().snapshot
    # Of what has a time to come nothing goes, nor what was made now for it.
    assert b.snapshots() == [now, *future]
    assert "one in 3600 s" in b.run("-q", expect=75).err
    rows = [json.loads(line) for line in
            b.owner("prune", "--json").out.splitlines()]
    assert {r["fate"] for r in rows} == {"stays"}, rows
    assert b.snapshots() == [now, *future]
    # And when the clock is right again, the rules hold for all.
    ago(b, 401)
    b.owner("prune")
    assert b.snapshots() == [n for n in b.snapshots()
                             if n.rpartition(".")[2] == max(
                                 s.rpartition(".")[2] for s in b.snapshots())]
    assert len(b.snapshots()) == 1
    assert b.stored(DATA) == b.source(DATA)
    proc.wait_for(lambda: not b.pids(b.store, "^postern-backup receive"), 20,
                  "end there")
