# SPDX-License-Identifier: ISC
"""A whole machine: all of its / backed up by a plain user, brought back into
an empty folder by root, compared entry by entry, and started."""

import contextlib
import hashlib
import os
import stat
import subprocess

import pytest

from backuplib import CONF, OPT, POSTERN, backup  # noqa: F401
from test_backup_restore import ME, grow

THERE = "/srv/there"
ROOT_CONF = "/etc/postern/backup.conf"
PORT = "2222"
# What a machine that runs writes by itself. Nothing else may differ.
LIVE = (b"/home/backup/.cache", b"/var/log/", b"/var/lib/systemd/", b"/run",
        b"/sys", b"/tmp", b"/srv")
ENTRIES_MIN = 5000


def everything(root):
    """All below root on its file system; of what is mounted there, the top.
    """
    found, device = [root], os.lstat(root).st_dev
    for folder, folders, files in os.walk(root):
        paths = [os.path.join(folder, n) for n in folders]
        found += paths + [os.path.join(folder, n) for n in files]
        folders[:] = [os.path.basename(p) for p in paths
                      if os.lstat(p).st_dev == device]
    return found


def facts(root, skip=()):
    """{path below root: all that a backup must bring back}"""
    root, found, names = os.fsencode(root).rstrip(b"/"), {}, {}
    for path in everything(root + b"/"):
        rel = path[len(root):] or b"/"
        if any(rel == s or rel.startswith(s + b"/") for s in skip):
            continue
        st = os.lstat(path)
        device = stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode)
        one = {"mode": oct(st.st_mode), "owner": (st.st_uid, st.st_gid),
               "mtime": st.st_mtime_ns, "rdev": st.st_rdev if device else 0,
               "xattrs": {n: os.getxattr(path, n, follow_symlinks=False)
                          for n in os.listxattr(path, follow_symlinks=False)
                          if not n.startswith("trusted.")}}
        if not stat.S_ISDIR(st.st_mode):
            names.setdefault((st.st_dev, st.st_ino), set()).add(rel)
        if stat.S_ISREG(st.st_mode):
            with open(path, "rb") as f:
                one["sha"] = hashlib.file_digest(f, "sha256").hexdigest()
            one["holes"] = st.st_size >= 1 << 20 \
                and st.st_blocks * 512 < st.st_size // 2
        elif stat.S_ISLNK(st.st_mode):
            one["target"] = os.readlink(path)
        found[rel] = one
    together = sorted(sorted(n) for n in names.values() if len(n) > 1)
    return found, together


@pytest.fixture
def machine(backup):
    """h1, all of it, with one of everything in /opt/odd as well; (what it
    was made of, links) before and after the backup."""
    backup.setup(root="/", one_file_system="yes", accept=("--allow",
                 "run,restore"), key=f"{CONF}/backup_key",
                 known_hosts=f"{CONF}/backup_known_hosts")
    host = backup.client
    odd = host.path("/opt/odd")
    os.makedirs(odd)
    grow(odd, ME)
    backup.was = facts(host.path("/"), skip=(b"/srv",))
    backup.run(timeout=300)
    backup.then = facts(host.path("/"), skip=(b"/srv",))
    host.write(ROOT_CONF, host.read(f"{CONF}/backup.conf"))
    done = host.run([POSTERN, "backup", "restore", "--config", ROOT_CONF,
                     "--privileged", "--to", THERE, "latest"], check=False,
                    timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done
    yield backup
    host.run("rm -rf /opt/odd")


@contextlib.contextmanager
def started(host):
    """An sshd of the machine that was brought back, chrooted to it."""
    with host.popen(["unshare", "--mount", "sh", "-c", f"""
            mount --rbind /dev {THERE}/dev && mount -t proc proc {THERE}/proc
            mkdir -p {THERE}/run/sshd && touch {THERE}/run/is-there
            exec chroot {THERE} /usr/sbin/sshd -D -e -p {PORT}"""],
                    stderr=subprocess.PIPE, text=True) as p:
        try:
            for line in p.stderr:
                if "listening on 0.0.0.0" in line:
                    break
            else:
                raise AssertionError(f"sshd does not listen: {p.wait()}")
            yield
        finally:
            p.kill()


def login(host, *command):
    argv = host.ssh_argv(*command)
    at = argv.index(host.name)
    return subprocess.run([*argv[:at], "-p", PORT, *argv[at:]], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)


def same(was, then, got):
    """Of what nobody changed meanwhile each entry is as it was."""
    changed = {p for p in was.keys() | then.keys()
               if was.get(p) != then.get(p)}
    assert all(p.startswith(LIVE) or any(x.startswith(p.rstrip(b"/") + b"/")
               for x in LIVE) for p in changed), changed
    kept = was.keys() - changed
    assert len(kept) > ENTRIES_MIN, len(kept)
    assert kept - got.keys() == set()
    assert {p for p in got.keys() - was.keys() - changed
            if not p.startswith(LIVE)} == set()
    for path in kept:
        # Zeros that were on the disk may have become a hole.
        holes = was[path].pop("holes", False)
        assert got[path].pop("holes", False) >= holes, path
        assert got[path] == was[path], path


def test_all_of_a_machine_comes_back_entry_by_entry_and_starts(machine):
    host = machine.client
    got, together = facts(host.path(THERE), skip=(b"/srv",))
    (was, links), (then, _) = machine.was, machine.then
    assert any(one.get("holes") for one in was.values())
    same(was, then, got)
    assert together == links and len(links) > 1
    # There is something of each kind.
    kinds = {stat.S_IFMT(int(one["mode"], 8)) for one in was.values()}
    assert len(kinds) >= 6, kinds
    attrs = {n for one in was.values() for n in one["xattrs"]}
    assert {"security.capability", "system.posix_acl_access",
            "system.posix_acl_default", "user.comment"} <= attrs
    sender = f"{OPT}/tools/backup/postern-backup-send".encode()
    assert "security.capability" in got[sender]["xattrs"]
    # What the plain user could not have read without it.
    assert got[b"/etc/shadow"]["owner"] == was[b"/etc/shadow"]["owner"]
    with started(host):
        done = login(host, "ls /run/is-there; id -un; cat /etc/hostname")
        assert done.stdout == f"/run/is-there\nroot\n{host.name}\n", done
        # Accounts, a setuid program, and what dpkg knows of its files.
        done = login(host, "runuser -u backup -- passwd -S")
        assert done.stdout.startswith("backup "), done
        here, there = (host.run("dpkg --verify; true").stdout,
                       login(host, "dpkg --verify; true").stdout)
        assert there == here
