# SPDX-License-Identifier: ISC
"""What a backup brings back, entry by entry, whichever way it took: each kind
of store, each mode, and however the store keeps owners and the like. The way
of a plain user's hard links in channel mode is test_backup_restore.py's."""

import os
import subprocess

import pytest

from backuplib import CLIENT, CONF, HOME, POSTERN, STORE, Backup
from lab import faults
from test_backup_restore import ALL, ME, ROOTS, as_root, grow, metadata
from vaultlib import UIDS, Vault

DATA = "/srv/data"
LINK = "/usr/local/bin/postern"
KEPT = {"real": "metadata = real\n"}

# (file system, mode, how it is kept)
WAYS = [("btrfs", "channel", "fake-super"), ("ext4", "direct", "fake-super"),
        ("btrfs", "pull", "fake-super"), ("ext4", "channel", "real"),
        ("btrfs", "direct", "real"), ("ext4", "pull", "real"),
        ("btrfs", "channel", "user"), ("ext4", "direct", "user")]


def plain(b, kind, mode):
    """A plain user's store on a disk of its own."""
    b.setup(store="/srv/before", root=DATA)
    b.disk = faults.small_disk(b.store, STORE, 256 << 10, kind=kind)
    b.disk.__enter__()
    b.store.run(f"chown backup: {STORE} && chmod 700 {STORE}")
    b.dir = STORE
    b.policy(f"[store]\ndir = {STORE}\n" + pulled(mode))
    b.accept(CLIENT, b.make_key(b.client), *ALL)
    b.conf(root=DATA, mode="channel" if mode == "pull" else mode,
           key=f"{CONF}/backup_key", known_hosts=f"{CONF}/backup_known_hosts")


def pulled(mode):
    """What the store's owner says of a client that is asked."""
    return "" if mode != "pull" else (
        f"[client {CLIENT}]\ndestination = backup@h1\npostern = yes\n"
        "key = /srv/pull_key\nknown-hosts = /srv/pull_hosts\n")


def vaulted(b, kind, mode, keep):
    b.setup(kind=kind, users=keep == "user", accept=ALL, root=DATA,
            more=KEPT.get(keep, ""),
            known_hosts=f"{CONF}/backup_known_hosts",
            mode="channel" if mode == "pull" else mode)
    b.policy(keep == "user", KEPT.get(keep, ""), pulled(mode))


def let_in(b, owner):
    """The store's owner by plain ssh, for the one command."""
    b.lab.keygen(b.store.path("/srv/pull_key"), "owner")
    b.store.write("/srv/pull_hosts", f"h1 {b.client.host_key}\n")
    b.store.run(["chown", owner, "/srv/pull_key", "/srv/pull_hosts"])
    b.client.write(f"{HOME}/.ssh/authorized_keys",
                   'restrict,command="postern backup run --stdio t" '
                   + b.store.read("/srv/pull_key.pub"), 0o600)
    b.own(b.client, f"{HOME}/.ssh")
    b.client.run(["ln", "-sf", POSTERN, LINK])


@pytest.fixture(params=WAYS, ids=" ".join)
def way(request, lab):
    """Two snapshots of a tree with all there is."""
    kind, mode, keep = request.param
    b = Backup(lab) if keep == "fake-super" else Vault(lab)
    try:
        if keep == "fake-super":
            plain(b, kind, mode)
        else:
            vaulted(b, kind, mode, keep)
        b.kept = keep
        os.makedirs(b.client.path(DATA))
        grow(b.client.path(DATA), ME)
        b.files({f"{DATA}/image": os.urandom(3 << 20)})
        if mode == "pull":
            let_in(b, "root" if isinstance(b, Vault) else "backup")
        for name in ("xattr", "acl/file"):
            run(b, mode)
            # What changes of it is nothing but who may read it.
            os.chmod(b.client.path(f"{DATA}/{name}"), 0o640)
        zeros(b.client.path(f"{DATA}/image"))
        run(b, mode)
        b.client.write(ROOTS, b.client.read(f"{CONF}/backup.conf"))
        yield b
    finally:
        b.client.run(["rm", "-f", LINK])
        b.close()


def zeros(path):
    """A hole where there was something, something where there was a hole. And
    in the end, where an rsync before 3.3.0 leaves what was there."""
    for at, size in ((1 << 20, 1 << 20), ((3 << 20) - 50000, 50000)):
        subprocess.run(["fallocate", "-p", "-o", str(at), "-l", str(size),
                        path], check=True)
    with open(path.parent / "sparse", "r+b") as f:
        f.seek(8 << 20)
        f.write(os.urandom(1 << 20))


def run(b, mode):
    if mode == "pull":
        b.owner("pull", CLIENT)
    else:
        b.run()


def same(got, want):
    assert sorted(got) == sorted(want) and len(want) > 50
    for path, one in want.items():
        assert got[path] == one, path


def alone(tree):
    return {path: {k: v for k, v in one.items() if k != "links"}
            for path, one in tree.items()}


def test_all_metadata_comes_back_entry_by_entry(way):
    want = metadata(way.client.path(DATA))
    as_root(way, "-j", "t", "--privileged", "latest", DATA, "--to",
            "/srv/out")
    same(metadata(way.client.path(f"/srv/out{DATA}")), want)
    if way.kept == "real":
        # A snapshot is the tree itself then, which others share.
        stored = metadata(os.fsdecode(way.snapshot()) + DATA)
        same(alone(stored), alone(want))
    if isinstance(way, Vault):
        way.owner("restore", "--privileged", "--client", CLIENT, "latest",
                  DATA, "--to", "/srv/out")
        same(metadata(way.store.path(f"/srv/out{DATA}")), want)
    for name, uid in UIDS.items() if way.kept == "user" else ():
        assert name != CLIENT or way.owners(
            os.fsdecode(way.snapshot())) == {(uid, uid)}
