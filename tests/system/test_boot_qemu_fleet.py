# SPDX-License-Identifier: ISC
"""postern boot and ten machines at once."""

from qemulib import _guests, guests  # noqa: F401
from qemulib import ASKED, NO_KEY, PASS, UP, accepts

RUN = 9


def last_states(done):
    return {e["host"]: e["state"] for e in done.of("state")}


def test_ten_hosts_of_which_one_never_comes_up_and_one_rejects(guests):
    all_ = [guests.start() for _ in range(RUN)]
    for g in all_:
        g.wait(ASKED)
    down = guests.nobody()
    wrong, *right = all_
    passphrases = {g: PASS for g in right} | {wrong: "not this"}
    done = guests.unlock(passphrases, *all_, down,
                         options=["--keep-going", "--connect-timeout",
                                  "10s"])
    assert done.rc == 2, done
    states = last_states(done)
    assert states.pop(wrong.name) == "rejected"
    assert states.pop(down) == "unreachable"
    assert len(states) == RUN - 1 and not {"rejected", "failed",
                                           "delivered"} & set(states.values())
    for g in right:
        g.wait(UP)
    # Its console still asks, as before.
    assert NO_KEY not in wrong.said() and UP not in wrong.said()
    accepts(guests.unlock(PASS, wrong))
    wrong.wait(UP)
