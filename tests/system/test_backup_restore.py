# SPDX-License-Identifier: ISC
"""postern backup restore and cat, through a real sshd and rsync."""

import hashlib
import os
import re
import shutil
import signal
import stat
import struct

import pytest

from backuplib import CONF, HOME, POSTERN, STORE, UID, Done
from backuplib import backup  # noqa: F401
from lab import proc

DATA = "/srv/data"
ME = UID["h1"]
ROOTS = "/etc/postern/backup.conf"
ALL = ("--allow", "run,restore")
CAP_NET_RAW = 13


def acl(*entries):
    """The kernel's form of an ACL. Source: linux/posix_acl_xattr.h."""
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, perm, who) for tag, perm, who in entries)


NOBODY = 0xffffffff
ACCESS = acl((1, 6, NOBODY), (2, 4, 1234), (4, 4, NOBODY), (16, 4, NOBODY),
             (32, 0, NOBODY))
DEFAULT = acl((1, 7, NOBODY), (2, 5, 1234), (4, 5, NOBODY), (16, 5, NOBODY),
              (32, 0, NOBODY))
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << CAP_NET_RAW, 0, 0, 0)


def grow(root, mine):
    """All that a file system can hold. mine: a uid that owns a part of it.
    Folders' times come last."""
    root = os.fsencode(root)

    def at(name):
        path = os.path.join(root, os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def file(name, content=b"x\n", mode=0o644, owner=(0, 0)):
        with open(at(name), "wb") as f:
            f.write(content)
        os.chown(at(name), *owner)
        os.chmod(at(name), mode)
        return at(name)

    file("plain")
    file("mine/of me", b"mine\n", 0o640, (mine, mine))
    file("mine/setuid", b"#!\n", 0o4755, (mine, mine))
    file("foreign", mode=0o600, owner=(1234, 4321))
    file("bits/setuid", mode=0o4755)
    file("bits/setgid", mode=0o2755)
    file("bits/none", mode=0)
    file("bits/read only", mode=0o444)
    for name, mode in (("sticky", 0o1777), ("setgid-folder", 0o2775),
                       ("empty", 0o700), ("no-access", 0)):
        os.makedirs(at(name), exist_ok=True)
        os.chmod(at(name), mode)
    file("no-access/inside")
    os.chmod(at("no-access"), 0)
    os.setxattr(file("acl/file"), "system.posix_acl_access", ACCESS)
    os.makedirs(at("acl/folder"))
    os.setxattr(at("acl/folder"), "system.posix_acl_default", DEFAULT)
    os.setxattr(file("xattr"), "user.comment", b"any\0bytes\xff")
    os.setxattr(file("capable", mode=0o755), "security.capability",
                CAPABILITY)
    file("link/one", b"hard\n")
    os.makedirs(at("link/other/deep"))
    os.link(at("link/one"), at("link/other/deep/two"))
    os.symlink("one", at("link/relative"))
    os.symlink("/nowhere/at all", at("link/dangling"))
    os.symlink("/etc/passwd", at("link/absolute"))
    with open(at("sparse"), "wb") as f:
        f.truncate(64 << 20)
        f.seek(32 << 20)
        f.write(b"in the middle")
    for name in (b"not \xff\xfe utf-8", b"new\nline", b" space ", b"-dash",
                 b"\\back\\slash", b"wild*?[card]", b"\\#012", b"a:b"):
        file(b"names/" + name)
        file(b"names/in " + name + b"/f")
    os.mkfifo(at("fifo"), 0o640)
    os.mknod(at("char"), stat.S_IFCHR | 0o660, os.makedev(1, 3))
    os.mknod(at("block"), stat.S_IFBLK | 0o660, os.makedev(7, 200))
    n = 10 ** 18
    for path in sorted(everything(root), reverse=True):
        n += 123456789
        os.utime(path, ns=(n, n), follow_symlinks=False)


def everything(root):
    """As root also where nobody else may look."""
    found = [root]
    for folder, folders, files in os.walk(root):
        found += [os.path.join(folder, n) for n in folders + files]
    return found


def metadata(root):
    """{path below root: all that is known of it}"""
    root, found, seen = os.fsencode(root), {}, {}
    for path in everything(root):
        st = os.lstat(path)
        one = {"mode": oct(st.st_mode), "owner": (st.st_uid, st.st_gid),
               "mtime": st.st_mtime_ns, "rdev": st.st_rdev,
               "xattrs": {n: os.getxattr(path, n, follow_symlinks=False)
                          for n in os.listxattr(path, follow_symlinks=False)
                          if not n.startswith("trusted.")}}
        if not stat.S_ISDIR(st.st_mode):
            seen.setdefault((st.st_dev, st.st_ino), path)
            one["first name"] = seen[st.st_dev, st.st_ino][len(root):]
            one["links"] = st.st_nlink
        if stat.S_ISREG(st.st_mode):
            with open(path, "rb") as f:
                one["sha"] = hashlib.file_digest(f, "sha256").hexdigest()
            one["holes"] = st.st_blocks * 512 < st.st_size
        elif stat.S_ISLNK(st.st_mode):
            one["target"] = os.readlink(path)
        found[path[len(root):]] = one
    return found


def as_root(backup, *args, cmd="restore", expect=0, **kwargs):
    done = backup.client.run(
        ["sh", "-c", 'cd /srv && exec "$@"', "-", POSTERN, "backup", cmd,
         "--config", ROOTS, *args], check=False, timeout=120, **kwargs)
    done = Done(args, done.returncode, done.stdout, done.stderr)
    assert expect is None or done.rc == expect, str(done)
    return done


def restore(backup, *args, **kwargs):
    return backup.run(*args, cmd="restore", **kwargs)


@pytest.fixture
def made(backup):
    """A backup of a tree with all there is, by the plain user."""
    backup.setup(root=DATA, accept=ALL, key=f"{CONF}/backup_key",
                 known_hosts=f"{CONF}/backup_known_hosts")
    os.makedirs(backup.client.path(DATA))
    grow(backup.client.path(DATA), ME)
    backup.run()
    backup.client.write(ROOTS, backup.client.read(f"{CONF}/backup.conf"))
    return backup


def test_root_gets_all_metadata_back_entry_by_entry(made):
    as_root(made, "--privileged", "latest", DATA, "--to", "/srv/out")
    want = metadata(made.client.path(DATA))
    got = metadata(made.client.path(f"/srv/out{DATA}"))
    assert sorted(got) == sorted(want)
    for path, one in want.items():
        assert got[path] == one, path
    assert len(want) > 50


def test_a_plain_user_is_told_by_name_what_is_lacking(made):
    done = restore(made, "--json", "latest", DATA, "--to",
                   f"{HOME}/out", expect=2)
    lack = {}
    for e in done.of("lack"):
        lack.setdefault(e["kind"], set()).add(
            e["path"].removeprefix(f"{DATA}/"))
    assert lack["device"] == {"char", "block"}
    assert lack["setuid"] == {"bits/setuid", "bits/setgid", "setgid-folder",
                              "mine/setuid"}
    assert lack["capability"] == {"capable"}
    assert {"plain", "foreign", "empty", "fifo", "sparse"} <= lack["owner"]
    assert not {"mine/of me", "mine/setuid"} & lack["owner"]
    assert "missing" not in lack
    counted = done.of("result")[0]["lack"]
    assert counted == {"missing": 0,
                       **{k: len(v) for k, v in lack.items()}}
    assert "errors" in done.of("result")[0]
    assert done.of("result")[0]["errors"] == 0, str(done)
    # All else is as it was.
    want = metadata(made.client.path(DATA))
    got = metadata(made.client.path(f"{HOME}/out{DATA}"))
    assert sorted(want.keys() - got.keys()) == [b"/block", b"/char"]
    for path, one in got.items():
        was = want[path]
        assert one.pop("owner") == (ME, ME), path
        was.pop("owner")
        mode = int(was["mode"], 8) & ~0o6000
        was["mode"] = oct(mode)
        was["xattrs"].pop("security.capability", None)
        assert one == was, path


def test_text_names_each_and_counts_them(made):
    done = restore(made, "latest", f"{DATA}/bits", f"{DATA}/char", "--to",
                   f"{HOME}/out", expect=2)
    assert "setuid: /srv/data/bits/setuid\n" in done.err
    assert "device: /srv/data/char\n" in done.err
    assert re.search(r"\b1 devices were not made", done.err)
    assert re.search(r"\b2 without their setuid", done.err)
    assert "--privileged" in done.err
    assert re.search(r"t: \S+: \d+ files, .* to /home/backup/out\n",
                     done.out)


def test_what_is_the_users_own_lacks_nothing(made):
    """Nor do the folders above it, which are root's and were not asked for.
    """
    done = restore(made, "latest", f"{DATA}/mine/of me", "--to",
                   f"{HOME}/out")
    assert made.client.read(f"{HOME}/out{DATA}/mine/of me") == "mine\n"
    assert done.err == ""


def test_only_what_was_asked_for_comes_whatever_its_name(made):
    names = [b"names/wild*?[card]", b"names/new\nline", b"link/other",
             b"names/in wild*?[card]/f", b"names/\\#012", b"empty"]
    as_root(made, "--privileged", "latest", "--to", "/srv/out",
            *[f"{DATA}/" + os.fsdecode(n) for n in names])
    want = metadata(made.client.path(DATA))
    got = metadata(made.client.path(f"/srv/out{DATA}"))
    assert {p for p in got if not any(
        (b"/" + n).startswith(p) for n in names)} == {b"/link/other/deep",
                                                      b"/link/other/deep/two"}
    for n in names:
        assert got[b"/" + n] == want[b"/" + n], n


def test_a_place_that_is_there_keeps_its_own_metadata(made):
    at = made.client.path("/srv/out")
    os.makedirs(f"{at}{DATA}/link")
    for path in (f"{at}", f"{at}/srv", f"{at}{DATA}", f"{at}{DATA}/link"):
        os.chown(path, 77, 77)
        os.chmod(path, 0o750)
        os.utime(path, ns=(10 ** 18, 10 ** 18))
    before = [os.lstat(f"{at}{p}").st_mode for p in ("", "/srv", DATA)]
    as_root(made, "--privileged", "latest", f"{DATA}/link/one", "--to",
            "/srv/out")
    assert [os.lstat(f"{at}{p}").st_mode for p in ("", "/srv", DATA)] \
        == before
    for path in ("", "/srv", DATA, f"{DATA}/link"):
        assert os.lstat(f"{at}{path}").st_uid == 77, path
    assert os.lstat(f"{at}{DATA}").st_mtime_ns == 10 ** 18


def test_back_to_the_original_place_is_said_and_done(made):
    path = made.client.path(f"{DATA}/mine/of me")
    path.write_text("spoiled\n")
    done = restore(made, "latest", f"{DATA}/mine/of me", "--to", "/",
                   expect=None)
    assert "what is at the original place is replaced" in done.err
    # The folder is root's: a plain user can't put it there.
    assert done.rc == 2 and "Permission denied" in done.err, str(done)
    as_root(made, "--privileged", "latest", f"{DATA}/mine/of me", "--to", "/")
    assert path.read_text() == "mine\n"
    assert os.stat(path).st_uid == ME


def test_the_default_place_must_be_new_or_empty(made):
    as_root(made, "--privileged", "latest", f"{DATA}/plain")
    snap = made.snapshots()[-1]
    assert made.client.read(f"/srv/restored-{snap}{DATA}/plain") == "x\n"
    done = as_root(made, "--privileged", snap, f"{DATA}/plain", expect=1)
    assert "is not empty" in done.err and "--to" in done.err


def test_the_default_place_is_no_link_and_nobody_else_s(made):
    snap = made.snapshots()[-1]
    place = made.client.path(f"/srv/restored-{snap}")
    shutil.rmtree(place, ignore_errors=True)
    elsewhere = made.client.path("/srv/elsewhere")
    elsewhere.mkdir(exist_ok=True)
    place.symlink_to("/srv/elsewhere")
    done = as_root(made, "--privileged", snap, f"{DATA}/plain", expect=1)
    assert f"./restored-{snap}: " in done.err
    place.unlink()
    place.mkdir()
    os.chown(place, 12345, 12345)
    done = as_root(made, "--privileged", snap, f"{DATA}/plain", expect=1)
    assert "belongs to somebody else" in done.err
    assert list(elsewhere.iterdir()) == list(place.iterdir()) == []
    place.rmdir()


def test_dry_run_shows_paths_and_writes_nothing(made):
    done = restore(made, "-n", "latest", f"{DATA}/link", "--to",
                   f"{HOME}/out")
    assert f"{DATA}/link/other/deep/two\n" in done.out
    assert "plain" not in done.out
    assert not made.client.exists(f"{HOME}/out")
    assert not list(made.client.path("/tmp").glob("postern*"))


def test_unknown_snapshots_and_paths_are_refused_by_name(made):
    done = restore(made, "latest", f"{DATA}/nix", expect=1)
    assert "/srv/data/nix: is not in laptop." in done.err
    other = "laptop.2001-09-09.1000000000"
    done = restore(made, other, DATA, expect=1)
    assert f"{other}: no such snapshot" in done.err
    done = restore(made, "other.2001-09-09.1000000000", DATA, expect=1)
    assert "other" in done.err
    done = restore(made, "latest", "relative", expect=64)
    assert "is not absolute" in done.err
    assert not [n for n in os.listdir(made.client.path(HOME))
                if n.startswith("restored")]


def test_who_may_only_make_backups_restores_nothing(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/f": "x"})
    backup.run()
    for cmd, args in (("restore", ("latest", DATA)),
                      ("cat", ("latest", f"{DATA}/f"))):
        done = backup.run(*args, cmd=cmd, expect=1)
        assert "is not allowed" in done.err and done.out == "", str(done)


def test_the_stores_owner_restores_and_reads_without_ssh(made):
    snap = made.snapshots()[-1]
    done = made.owner("cat", "--store", STORE, snap, f"{DATA}/mine/of me")
    assert done.out == "mine\n"
    done = made.owner("restore", "--store", STORE, "--client", "laptop",
                      "latest", f"{DATA}/link", "--to", f"{HOME}/out",
                      expect=2)
    assert made.store.read(f"{HOME}/out{DATA}/link/other/deep/two") == \
        "hard\n"


# cat

def test_cat_is_the_files_bytes(made):
    for name in ("plain", "names/not \udcff\udcfe utf-8", "bits/none",
                 "no-access/inside"):
        assert made.run("latest", f"{DATA}/{name}", cmd="cat").out == "x\n"
    out = made.client.run(made.as_user(
        made.client, "sh", "-c", f"{POSTERN} backup cat latest {DATA}/sparse"
        " | sha256sum"), env=made.ENV).stdout
    with open(made.client.path(f"{DATA}/sparse"), "rb") as f:
        assert out.split()[0] == hashlib.file_digest(f, "sha256").hexdigest()


def test_cat_reads_through_no_link_and_opens_nothing_else(made):
    for name, why in (("link/absolute", "symbolic link"),
                      ("link", "folder"), ("fifo", "no regular file"),
                      ("char", "no regular file"), ("nix", "is not in")):
        done = made.run("latest", f"{DATA}/{name}", cmd="cat", expect=1)
        assert why in done.err and done.out == "", str(done)
    # A link that somebody who got into the store's folder left there.
    at = made.snapshot(-1) + os.fsencode(DATA)
    os.symlink("/etc/hostname", at + b"/left")
    os.symlink("/etc", at + b"/left-folder")
    for name in ("left", "left-folder/hostname"):
        done = made.run("latest", f"{DATA}/{name}", cmd="cat", expect=1)
        assert "symbolic link" in done.err and done.out == "", str(done)


# kill -9

ROLES = {
    "client": ("client", r"postern-backup restore"),
    "ssh": ("client", r"^ssh "),
    "receiver": ("client", r"^/usr/bin/rsync --rsh="),
    "relay": ("client", r"postern-backup-relay"),
    "sshd": ("store", f"^{proc.SSHD}: backup@"),
    "store": ("store", r"postern-backup receive"),
    "sender": ("store", r"^/usr/bin/rsync --server --daemon"),
}


@pytest.mark.parametrize("role", ROLES)
def test_kill_9_leaves_no_process_and_no_hold(backup, role):
    backup.setup(root=DATA, accept=ALL, beat="500ms")
    backup.files({f"{DATA}/big": os.urandom(4 << 20)})
    backup.run()
    snap = backup.snapshots()[-1]
    taken = backup.leftovers(ignore=(r"/tmp/", HOME))
    backup.conf(root=DATA, beat="500ms", bandwidth="500K")
    running = backup.start("latest", DATA, "--to", f"{HOME}/out",
                           cmd="restore")
    where, pattern = ROLES[role]
    backup.wait_pid(backup.client, ROLES["receiver"][1])
    pid = backup.wait_pid(getattr(backup, where), pattern)
    assert held(backup, snap)
    os.kill(pid, signal.SIGKILL)
    done = running.end()
    assert done.rc != 0, str(done)
    taken.settle(deadline_s=20)
    assert not held(backup, snap)
    # And the next one works.
    backup.conf(root=DATA)
    restore(backup, "latest", DATA, "--to", f"{HOME}/again", expect=(0, 2))
    with open(backup.client.path(f"{HOME}/again{DATA}/big"), "rb") as f:
        assert len(f.read()) == 4 << 20


@pytest.mark.parametrize("how", ["cut", "interrupted"])
def test_one_that_breaks_ends_on_both_sides_and_the_next_goes_on(backup, how):
    backup.setup(root=DATA, accept=ALL)
    backup.files({f"{DATA}/a": "a", f"{DATA}/big": os.urandom(3 << 20)})
    snap = backup.run().snapshot
    want = backup.stored(DATA)
    backup.conf(root=DATA, beat="500ms", bandwidth="500K")
    running = backup.start("--json", "latest", DATA, "--to", f"{HOME}/out",
                           cmd="restore")
    running.wait_event(lambda e: e["event"] == "progress" and e["bytes"] > 0,
                       what="byte that has arrived")
    assert held(backup, snap)
    if how == "cut":
        backup.client.link.cut()
        rc, why = 75, "nothing was heard"
    else:
        running.kill(signal.SIGINT)
        rc, why = 1, "interrupted"
    done = running.end()
    assert done.rc == rc and why in done.err, str(done)
    ours = "postern-backup|^/usr/bin/rsync|^ssh "
    assert not backup.pids(backup.client, ours)
    # sshd alone waits for TCP there.
    proc.wait_for(lambda: not backup.pids(backup.store, ours), 60,
                  "end at the store")
    backup.client.link.heal()
    assert not held(backup, snap)
    # What came of a file is where the next looks, and there alone.
    out = backup.client.path(f"{HOME}/out{DATA}")
    assert set(os.listdir(out)) <= {"a", ".postern-partial"}
    assert os.listdir(out / ".postern-partial") == ["big"]
    backup.conf(root=DATA)
    restore(backup, "latest", DATA, "--to", f"{HOME}/out", expect=2)
    assert backup.source(f"{HOME}/out{DATA}") == want


def held(backup, snap):
    """Whether a process has the snapshot's hold open."""
    name = f"/hold/{snap}"
    for pid in backup.store.pids():
        try:
            numbers = os.listdir(f"/proc/{pid}/fd")
            if any(os.readlink(f"/proc/{pid}/fd/{n}").endswith(name)
                   for n in numbers):
                return True
        except OSError:
            continue    # it has ended, or closed that one meanwhile
    return False
