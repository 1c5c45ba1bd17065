# SPDX-License-Identifier: ISC
"""An initramfs that is made by what `postern boot setup` says to run: it boots
and is unlocked from outside by `postern boot unlock`, or at its console;
nothing of ours is left in the real system, and the passphrase is nowhere but
where it has to be, neither here nor there."""

import os
import re
import subprocess
import time

import pytest

import bootimg
from bootlib import Done
from bootreal import FINGERPRINT, LINE, PASS, PROMPT
from bootreal import disks, machine  # noqa: F401
from qemufleet import PATIENT, UP, accepts, is_up, logged

from lab import proc

# The kernel line, the disk, and the network of each kind.
BOOTS = {
    "dracut-sysv-dropbear": (LINE["dracut"], "plain", {"linked": False}),
    "dracut-systemd-openssh": (LINE["dracut"], "plain", {"cards": 2}),
    "initramfs-tools-dropbear": (LINE["lvm"], "lvm", {}),
    bootimg.DEBIAN_13: (LINE["lvm"], "lvm", {}),
}
# Somebody is logged in meanwhile, leaves something behind, and looks at who
# says what to whom.
SESSION = ("(trap '' TERM HUP; sleep 5000) & type console_peek console_auth; "
           "echo here; while :; do cat /proc/[0-9]*/cmdline "
           "/proc/[0-9]*/environ 2>/dev/null; echo; sleep 1; done")


def unlocked(m, g):
    """What unlock said; no process of this machine has the passphrase in its
    words or its environment meanwhile, and no file afterwards."""
    secret = PASS.encode()
    source = m.secret(PASS)
    p = m.popen("unlock", "--json", *PATIENT, "--secret", source, g.name)
    with p:
        while p.poll() is None:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for name in ("cmdline", "environ"):
                    assert secret not in proc.read(f"/proc/{pid}/{name}")
            time.sleep(proc.POLL_S)
        done = Done(subprocess.CompletedProcess(
            [], p.returncode, p.stdout.read(), p.stderr.read()))
    store = source.split()[-1]
    assert PASS not in done.out + done.err
    for path in m.dir.rglob("*"):
        if path.is_file() and str(path) != store:
            assert secret not in path.read_bytes(), path
    return done


@pytest.mark.parametrize("kind", BOOTS)
def test_each_kind_is_unlocked_and_the_passphrase_is_nowhere(
        kind, disks, machine):      # noqa: F811
    line, disk, network = BOOTS[kind]
    m = machine(kind)
    assert m.image.log.endswith("nothing is wrong\n")
    # What nobody has any more is wiped: what is found is held by somebody.
    g = m.start(disks[disk], f"{line} {m.image.words} init_on_free=1",
                **network)
    g.wait(FINGERPRINT)
    if "linked" in network:
        g.wait(PROMPT[kind][1].encode())
        g.link(True)
    prompt, = m.prompts(g)
    assert prompt["uuid"] == bootimg.UUID
    assert m.fingerprint(m.host_key).encode() in g.said()
    seen = m.dir / "seen"
    with open(seen, "wb") as f:
        session = m.ssh(g, SESSION, "emergency_config", stdout=f, stderr=f,
                        stdin=subprocess.DEVNULL)
    with session:
        g.until(lambda: b"here\n" in seen.read_bytes(), "session")
        assert seen.read_bytes().count(b"/usr/bin/console_") == 2
        accepts(unlocked(m, g))
        is_up(g)
        assert session.wait(60) != 0
    assert logged(g)[-1] == ["agent", "accepted"]
    nowhere(g, kind, seen.read_bytes())


def nowhere(g, kind, seen):
    """The passphrase: neither in what processes were called with, nor in the
    memory of the booted machine: its processes, /run, the journal, the
    kernel's log. Its disk has it not, as nothing was written there."""
    secret = PASS.encode()
    assert b"cryptsetup" in seen and secret not in seen
    # systemd keeps it for other disks, for two minutes and a half.
    kept = re.findall(r"user +cryptsetup", g.run("cat /proc/keys"))
    assert len(kept) <= ("systemd" in kind), kept
    assert g.run("forget_keys && echo forgotten").strip() == "forgotten"
    g.until(lambda: g.holds(secret) == 0, "memory without the passphrase", 60)
    # What is there is found.
    assert g.holds(UP) > 0
    assert secret not in g.said()


@pytest.mark.parametrize("kind", PROMPT)
def test_without_a_network_it_is_unlocked_at_its_console(
        kind, disks, machine):      # noqa: F811
    """Nothing waits for a network that nobody needs any more."""
    line, prompt = PROMPT[kind]
    m = machine(kind)
    # What waits for the network gives up after 180 s, what waits for a
    # person never does.
    g = m.start(disks["plain"], f"{line} {m.image.words} rd.retry=3600",
                cards=0)
    g.wait(FINGERPRINT)
    g.wait(prompt.encode())
    typed = []

    def answered():
        # What comes between the prompt and the end of the echo is dropped.
        if not typed or time.monotonic() > typed[-1] + 10:
            g.type(PASS)
            typed.append(time.monotonic())
        return UP in g.said()
    g.until(answered, "real root")
