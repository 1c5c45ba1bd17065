# SPDX-License-Identifier: ISC
"""Two disks of initramfs-tools' crypttab behind the shell that its boot ends
in. The shell is one by its words and its parent; the script asks for the first
disk, as initramfs-tools' own does. That the boot goes on:
test_boot_emergency.py."""

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, DISK, PASS, UUID
from lab import proc

OTHER = UUID[:-1] + "9"
SCRIPT = "/scripts/local-top/cryptroot"
SHELL = "lab-panic"
RUNS = f"{DIR}/runs"
# Encoded, its name is longer than an id may be.
ODD = "/dev/" + "%" * 90
CRYPTTAB = f"""odd {ODD} none luks
one {DISK} none luks
two {DISK}.2 none luks
"""
# As initramfs-tools' panic() says it.
REASON = "ALERT!  /dev/mapper/root does not exist.  Dropping to a shell!"
ASKS = f"""#!/bin/sh
echo $POSTERN_BOOT_BEGUN >>{RUNS}
export CRYPTTAB_NAME=one CRYPTTAB_SOURCE={DISK} CRYPTTAB_TRIED=0
/lib/cryptsetup/askpass Please
exit 0
"""


def listed(boot):
    return [(p["kind"], p["uuid"]) for p in boot.status().of("prompt")]


@pytest.fixture
def panic(boot, request):
    reason = getattr(request, "param", REASON)
    h = boot.host
    h.run(f"cp {DISK} {DISK}.2; cryptsetup luksUUID -q --uuid {OTHER} "
          f"{DISK}.2; : >{ODD}; mkfifo {DIR}/fifo; mkdir -p /cryptroot "
          f"{SCRIPT.rsplit('/', 1)[0]}")
    h.write("/cryptroot/crypttab", CRYPTTAB)
    h.write(SCRIPT, ASKS, mode=0o755)
    h.run(f"systemd-run -q --collect --unit={SHELL} sh -c "
          f"'exec env \"REASON={reason}\" sh -i <>{DIR}/fifo "
          ">/dev/null 2>&1'")
    yield h
    h.run(f"pkill -xf '/bin/sh {SCRIPT}'; pkill -KILL -x askpass; "
          f"systemctl kill -s KILL {SHELL}; rm -rf /cryptroot /scripts {ODD} "
          f"{RUNS} {DISK}.2 {DIR}/fifo", check=False)


def test_the_script_is_begun_once_and_asks_in_its_own_order(boot, panic):
    proc.wait_for(lambda: listed(boot) == [("exhausted", UUID),
                                           ("exhausted", OTHER)],
                  30, "prompts")
    for _ in range(2):
        done = boot.auth(OTHER, input=PASS + "\n")
        assert f"busy: {UUID} is asked for first" in done.stdout, done
        assert panic.read(RUNS) == "1\n"
    assert listed(boot) == [("askpass", UUID), ("exhausted", OTHER)]


@pytest.mark.parametrize("panic", [
    "The root filesystem on /dev/mapper/root requires a manual fsck"],
    indirect=True)
def test_a_shell_of_another_reason_is_none_of_a_disk(boot, panic):
    there = ["pgrep", "-xf", "sh -i"]
    proc.wait_for(lambda: panic.run(there, check=False).returncode == 0, 30,
                  "shell")
    assert listed(boot) == []
    boot.systemd()
    boot.opened()
    done = boot.unlock(PASS)
    assert (done.word, done.why) == ("accepted", UUID)
    assert panic.run(there, check=False).returncode == 0
