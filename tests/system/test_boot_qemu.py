# SPDX-License-Identifier: ISC
"""postern boot and a machine that really boots: an initramfs asks for the
passphrase of its root, and goes on, or doesn't. The machines: qemulib.py."""

from qemulib import _guests, guests  # noqa: F401
from qemulib import ASKED, NO_KEY, PASS
from qemulib import accepts, is_up, logged, refuses

# One disk

def test_a_wrong_passphrase_costs_nothing_and_the_right_one_boots(guests):
    g = guests.boot()
    refuses(guests.unlock("wrong", g), 1, "rejected")
    accepts(guests.unlock(PASS, g))
    is_up(g)
    # Who reads at the console was given none of them.
    assert g.said().count(ASKED) == 1 and NO_KEY not in g.said()
    assert logged(g) == [["agent", "rejected"], ["agent", "delivering"],
                         ["agent", "accepted"]]
