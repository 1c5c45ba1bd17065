# SPDX-License-Identifier: ISC
"""The attack through an ordinary group, as an administrator meets it: --check
names it, uncaged it works, --cage ends it, --cage --test proves that."""

import re

import pytest

import attack
from fleet import fleet  # noqa: F401

DROPIN = "/etc/systemd/system/csync2@.service.d/50-postern-cage.conf"
ORDINARY = "ordinary.key.of.the.lab.0123456789"


@pytest.fixture
def group(fleet):
    fleet.setup(2)
    fleet.ordinary()
    for h in fleet.all:
        h.write("/etc/csync2.cfg", "nossl * *;\n" + h.read("/etc/csync2.cfg"))
    fleet.tls()
    fleet.daemon()
    attack.put(fleet.host(2), "speak.pl")
    yield fleet
    fleet.each(f"rm -f {DROPIN} /root/speak.pl; systemctl daemon-reload; "
               "systemctl stop csync2.socket 'csync2@*.service'")


def attacks(fleet):
    """h2 writes out of its group on h1, by '..' and through a link of its
    own; what of it is there."""
    h2, h1 = fleet.host(2), fleet.host(1)
    h1.run("rm -rf /srv/pub/* /srv/priv/*")
    h2.run("rm -rf /srv/pub/*; ln -s /srv/priv /srv/pub/link; csync2 -x",
           check=False)
    said = ""
    for path in ("/srv/pub/../priv/dotdot", "/srv/pub/link/symlink"):
        p = attack.speak(h2, h1, "", "h2", ORDINARY, path, KEEP="1")
        said += p.communicate(timeout=60)[0]
    assert "HELLO h2: OK" in said, said
    return {n for n in ("dotdot", "symlink") if h1.exists(f"/srv/priv/{n}")}


def ordinary_sync_works(fleet, text):
    fleet.host(2).write("/srv/pub/a", text)
    fleet.host(2).run(["csync2", "-xv"], check=False)
    return fleet.host(1).exists("/srv/pub/a") and \
        fleet.host(1).read("/srv/pub/a") == text


def test_the_ordinary_group_is_a_risk_that_the_cage_ends(group):
    fleet = group
    found = fleet.unlock("--check", "--json", expect=1)
    assert {"admin", "h1", "h2"} <= {
        e["host"] for e in found.of("finding")
        if e["id"] == "ordinary-group" and e["level"] == "risk"}
    # The control: that it is one.
    assert attacks(fleet) == {"dotdot", "symlink"}
    # What got in before goes, as the cage does not undo it.
    fleet.each("rm -rf /srv/pub/* /srv/priv/*; rm -f /var/lib/csync2/*.db3")
    fleet.unlock("--cage", "--hosts")
    assert attacks(fleet) == set()
    fleet.each("rm -rf /srv/pub/*; rm -f /var/lib/csync2/*.db3")
    assert ordinary_sync_works(fleet, "one") and \
        ordinary_sync_works(fleet, "the second")
    done = fleet.unlock("--cage", "--test", "--hosts")
    assert done.out.count("held") > 40
    assert "BROKE" not in done.out + done.err


HOLES = {
    # What nothing else in the drop-in stands in for, and what gets out then.
    "write-cron": ("^TemporaryFileSystem=.*\n", ""),
    "raw-socket": ("^CapabilityBoundingSet=.*\n", ""),
    "setuid-kept": ("CAP_FOWNER$", "CAP_FOWNER CAP_FSETID"),
    "unix-socket": ("^RestrictAddressFamilies=.*\n", ""),
    "setuid": ("^RestrictSUIDSGID=.*\n", ""),
    "unshare": ("^RestrictNamespaces=.*\n", ""),
    "shared-memory": ("^PrivateIPC=.*\n", ""),
    "ptrace": ("^SystemCallFilter=.*\n", ""),
    "dev-shm": ("-/dev/shm ", ""),
    "terminals": (" -/dev/pts", ""),
    "proc-root": ("^MountAPIVFS=no", "ProtectProc=invisible"),
    "keyring": ("^SystemCallFilter=~@keyring.*\n", ""),
    "kill": ("^SystemCallFilter=~kill.*\n", ""),
    "memory-call": ("^SystemCallFilter=~process_vm.*\n", ""),
    "limits": ("prlimit64:EPERM ", ""),
    "priority": ("setpriority:EPERM ", ""),
    # Whoever runs csync2 with full privileges has no cage.
    "full-privileges": (r"\Z", "ExecStart=\nExecStart=-+/usr/sbin/csync2 -i\n"),
}


@pytest.mark.parametrize("attack_name", HOLES)
def test_a_cage_with_a_hole_is_said_to_be_broken(group, attack_name):
    fleet = group
    fleet.unlock("--cage", "--hosts")
    h1 = fleet.host(1)
    whole = h1.read(DROPIN)
    pattern, instead = HOLES[attack_name]
    open_ = re.sub(pattern, instead, whole, count=0, flags=re.M)
    assert open_ != whole
    h1.write(DROPIN, open_)
    h1.run(["systemctl", "daemon-reload"])
    done = fleet.unlock("--cage", "--test", "--hosts", "-H", "h1",
                        expect=None)
    assert done.rc != 0, str(done)
    assert re.search(rf"\b{attack_name} BROKE", done.out + done.err), \
        str(done)
