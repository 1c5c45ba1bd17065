# SPDX-License-Identifier: ISC
"""postern boot and a machine whose tries were used up."""

from lab import proc
from qemulib import _guests, guests  # noqa: F401
from qemulib import BOOT_S, NO_KEY, PASS, UUID
from qemulib import accepts, is_up, refuses


def test_tries_that_the_console_used_up_are_recovered(guests):
    """As dracut's cryptroot-ask, which never asks again."""
    g = guests.boot()
    for n in range(1, 6):
        guests.answer(g, "wrong at the console")
        g.wait(NO_KEY, n)
    prompt, = proc.wait_for(
        lambda: [p for p in guests.status(g).of("prompt")
                 if p["kind"] == "exhausted"], BOOT_S, "prompt")
    assert prompt["uuid"] == UUID
    refuses(guests.unlock("wrong as well", g), 1, "rejected")
    accepts(guests.unlock(PASS, g))
    is_up(g)
