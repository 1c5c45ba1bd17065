# SPDX-License-Identifier: ISC
"""The root is "/" and the capability reads every file: what is no file of the
machine's own stays closed to whoever is in rsync's place, by the kernel."""

import os
import re
import stat

import pytest

from backuplib import BUILD, backup  # noqa: F401
from lab import faults

DATA = "/srv/data"
EVIL = BUILD / "tests/unit/backup/backup_evil_root"
RSYNC = "/usr/bin/rsync"


@pytest.fixture(params=["channel", "direct"])
def evil(request, backup):  # noqa: F811
    b = backup
    b.setup(root="/", mode=request.param, exclude=f"{DATA}/private")
    b.files({f"{DATA}/open": "open"})
    b.files({f"{DATA}/private/x": "closed", "/run/closed": "closed"},
            mode=0o600)
    host = b.client
    # As any machine has them: a disk with all that is on it.
    with faults.small_disk(host, "/srv/disk", 1024):
        disk, = host.path("/dev").glob("lab-loop*")
        node = host.path("/dev/disk-of-all")
        node.unlink(missing_ok=True)
        os.mknod(node, stat.S_IFBLK | 0o600, os.stat(disk).st_rdev)
        yield from machine(b)
        node.unlink()


def machine(b):
    host = b.client
    host.write("/opt/rsync", host.path(RSYNC).read_bytes(), 0o755)
    host.write("/opt/evil", EVIL.read_bytes(), 0o755)
    host.run(["mount", "--bind", "/opt/evil", RSYNC])
    yield b
    host.run(f"umount {RSYNC}; rm -f /opt/evil /opt/rsync /run/closed")


def test_what_is_unreal_or_excluded_stays_closed_to_the_capability(evil):
    # Whoever is not in the jail opens each of them.
    alone = evil.client.run([RSYNC], check=False)
    assert alone.returncode == 43, alone
    assert set(re.findall(r"did open (/\S+)", alone.stderr)) >= {
        "/dev/disk-of-all", "/proc/1/environ", "/proc/1/maps",
        "/proc/1/root/etc/shadow", "/sys/kernel/uevent_seqnum",
        "/run/closed", f"{DATA}/private/x"}, alone.stderr
    done = evil.run("-v", expect=1)
    assert re.search(r"\bthere 42\b", done.err), str(done)
    assert "did open" not in done.err, str(done)
    assert evil.snapshots() == []
