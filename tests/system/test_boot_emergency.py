# SPDX-License-Identifier: ISC
"""A machine whose tries were used up at the console, and which has gone on to
the emergency shell of dracut's or initramfs-tools': `postern boot unlock`
boots it all the same."""

import bootimg
import pytest
from lab import proc
from test_boot_image import BOOT_S, LINE, PROMPT, Guest, clean_after
from test_boot_image import disk  # noqa: F401

SHELL = {
    "dracut-sysv-dropbear": "Dropping to debug shell",
    "dracut-systemd-openssh": "Entering emergency mode",
    "initramfs-tools-dropbear": "Dropping to a shell",
}


@pytest.mark.parametrize("kind", SHELL)
def test_from_the_emergency_shell_the_boot_goes_on(kind, disk,  # noqa: F811
                                                   tmp_path):
    # The shell comes so many seconds after the last try, not after minutes;
    # with a panic= it would be a reboot.
    line = LINE["initramfs"] + " panic=" if kind.startswith("init") else \
        LINE["dracut"] + " rd.retry=10"
    with Guest(bootimg.build(kind), disk, line) as guest:
        guest.wait(PROMPT[kind])
        for _ in range(BOOT_S):
            if guest.comes(SHELL[kind], 2):
                break
            guest.type("wrong\n")
        guest.wait(SHELL[kind])

        def listed():
            done = guest.postern(tmp_path, "status")
            return '"exhausted"' in done.stdout
        proc.wait_for(listed, BOOT_S, "prompt")
        done = guest.postern(tmp_path, "unlock", "--secret",
                             f"cmd:cat {tmp_path}/pass")
        assert done.returncode == 0, f"{done}\n{guest.said[-6000:]}"
        assert '"accepted"' in done.stdout
        assert "the emergency shell was ended" in done.stdout
        guest.wait("root: end")
        clean_after(guest.said)
