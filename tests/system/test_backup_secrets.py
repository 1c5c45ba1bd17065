# SPDX-License-Identifier: ISC
"""Where the client's private key is while a run is on and after it, on either
side; what listens; and what is left."""

import base64
import os

from backuplib import CONF, backup  # noqa: F401
from lab import proc, secrets
from test_backup_run import DATA, Paused


def needles(backup):
    """Lines of the private key's file, and the seed that they encode."""
    lines = backup.client.read(f"{CONF}/backup_key").splitlines()[1:-1]
    raw = base64.b64decode("".join(lines))
    # openssh-key-v1: the private part has the public key, then seed || it.
    public = base64.b64decode(
        backup.client.read(f"{CONF}/backup_key.pub").split()[1])[-32:]
    at = raw.rindex(public)
    seed = raw[at - 32:at]
    assert len(seed) == 32
    return [lines[1].encode(), lines[2].encode(), seed]


def elsewhere(hits):
    """But the key's own file, and the memory of the ssh that uses it."""
    return [h for h in hits if not (
        (h.place == "file" and h.detail.endswith("/backup_key"))
        or (h.place == "memory" and h.comm == "ssh"))]


def test_private_key_is_nowhere_but_in_its_file_and_in_ssh(backup):
    backup.setup(root=DATA)
    hosts = [backup.client, backup.store]
    keys = needles(backup)
    assert secrets.search(hosts, keys), "the search finds nothing at all"
    with Paused(backup, "-v") as p:
        during = secrets.search(hosts, keys)
    assert p.done.rc == 0
    assert elsewhere(during) == [], secrets.report(during)
    after = secrets.search(hosts, keys)
    assert elsewhere(after) == [], secrets.report(after)
    for text in (p.done.out, p.done.err):
        assert not any(k in text.encode() for k in keys)


def listening(backup):
    lines = backup.leftovers().before
    return {name: snap.sockets for name, snap in lines.items()}


def test_nothing_listens_and_nothing_is_left(backup):
    backup.setup(root=DATA)
    before = backup.leftovers()
    was = listening(backup)
    with Paused(backup) as p:
        assert listening(backup) == was
        # Nor does anything of ours hold a socket to the network but ssh.
        for host in (backup.client, backup.store):
            for pid in backup.pids(host, "postern-backup|^/usr/bin/rsync"):
                for _, target, _ in proc.fds(pid):
                    inode = target.removeprefix("socket:[").rstrip("]")
                    table = b"".join(proc.read(f"/proc/{pid}/net/{t}")
                                     for t in ("tcp", "tcp6", "udp", "udp6"))
                    assert inode.encode() not in table.split(), proc.cmdline(
                        pid)
    assert p.done.rc == 0
    before.settle()
    assert listening(backup) == was


def test_nothing_is_left_after_kill_9_of_all_at_once(backup):
    backup.setup(root=DATA)
    # Whoever is about to end has mounts of its own, and takes them along.
    proc.wait_for(lambda: not backup.pids(
        backup.store, r"postern-backup|^/usr/bin/rsync"), 30, "quiet store")
    before = backup.leftovers(ignore=(r"/tmp/postern-backup\.",))
    with Paused(backup, go_on=False) as p:
        assert proc.kill([
            pid for host in (backup.client, backup.store)
            for pid in backup.pids(
                host, r"postern-backup|^/usr/bin/rsync|^ssh ")]) > 0
    before.settle(deadline_s=15)
    assert backup.run("--json").of("answer")[0]["resumed"] is True
    assert not [n for n in os.listdir(backup.client.path("/tmp"))
                if n.startswith("postern-backup.")]


def test_ssh_is_told_of_the_key_by_its_path_alone(backup):
    """What stands in argv and environment on both sides, in full."""
    backup.setup(root=DATA)
    with Paused(backup) as p:
        for host in (backup.client, backup.store):
            for pid in backup.pids(
                    host, "postern-backup|^/usr/bin/rsync|^ssh |"
                    f"{proc.SSHD}: b"):
                for what in ("cmdline", "environ"):
                    text = proc.read(f"/proc/{pid}/{what}")
                    assert b"PRIVATE KEY" not in text
        jail = proc.read(f"/proc/{p.sender}/environ")
        assert set(v.partition(b"=")[0] for v in jail.split(b"\0") if v) == {
            b"PATH", b"LC_ALL", b"TZ"}
        ssh = backup.wait_pid(backup.client, "^ssh ")
        assert f"{CONF}/backup_key" in proc.cmdline(ssh)
        status = proc.read(f"/proc/{p.sender}/status").decode()
        caps = dict(line.split(":\t") for line in status.splitlines()
                    if line.startswith(("Cap", "NoNew")))
        assert caps["CapEff"] == f"{1 << 2:016x}", status
        assert caps["NoNewPrivs"] == "1"
    assert p.done.rc == 0
