# SPDX-License-Identifier: ISC
"""A machine whose tries were used up at the console, and which has gone on to
the emergency shell of dracut's or initramfs-tools': `postern boot unlock`
boots it all the same."""

import time

import pytest

from bootreal import PASS, PROMPT
from bootreal import disks, machine  # noqa: F401
from qemufleet import accepts, is_up, logged
from qemuguest import ADDRESS

SHELL = {
    "dracut-sysv-dropbear": b"Dropping to debug shell",
    "dracut-systemd-openssh": b"Entering emergency mode",
    "initramfs-tools-dropbear": b"Dropping to a shell",
}
IP = f"ip={ADDRESS}::10.0.2.2:255.255.255.0:guest:eth0:off"


@pytest.mark.parametrize("kind", SHELL)
def test_from_the_emergency_shell_the_boot_goes_on(kind, disks,  # noqa: F811
                                                   machine):  # noqa: F811
    line, prompt = PROMPT[kind]
    m = machine(kind)
    # The shell comes so many seconds after the last try, not after minutes;
    # with a panic= it would be a reboot.
    soon = "panic=" if kind.startswith("init") else "rd.retry=10"
    g = m.start(disks["plain"], f"{line} {IP} {soon}")
    g.wait(prompt.encode())
    typed = []

    def given_up():
        if not typed or time.monotonic() > typed[-1] + 2:
            g.type("wrong")
            typed.append(time.monotonic())
        return SHELL[kind] in g.said()
    g.until(given_up, "emergency shell")
    g.until(lambda: '"exhausted"' in m.status(g).out, "prompt")
    done = accepts(m.unlock(PASS, g))
    assert "the emergency shell was ended" in done.out
    is_up(g)
    assert logged(g)[-1] == ["agent", "accepted"]
