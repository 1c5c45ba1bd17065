# SPDX-License-Identifier: ISC
"""The two jails of a backup with the real rsync: what passes through them is
whole, and what is in rsync's place reaches nothing outside of them."""

import contextlib
import os
import select
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")
TOOLS = BUILD / "tools" / "backup"
JOIN = BUILD / "tests" / "unit" / "backup" / "backup_join"
EVIL = BUILD / "tests" / "unit" / "backup" / "backup_evil"
PROGRAMS = ["postern-backup-send", "postern-backup-recv",
            "postern-backup-relay"]
USER = 64711
DEADLINE = 60
CONF = """use chroot = no
munge symlinks = no
numeric ids = yes
{more}
[root]
path = {path}
read only = {read_only}
list = no
"""
AS_ROOT = "uid = 0\ngid = 0"
# Without the window a folder's time is not set again within the same second.
COPY = ["-aHAXS", "--numeric-ids", "--modify-window=-1"]


class Place:
    """A folder that everybody may look into: bin/ with the programs, conf,
    grants, src/ that is read, store/ of the plain user, outside/."""

    def __init__(self, path):
        self.path = path
        self.src, self.store = path / "src", path / "store"
        self.outside = path / "outside"
        for folder in (self.src, self.store, self.outside, path / "bin"):
            folder.mkdir()
        for name in PROGRAMS:
            shutil.copy(TOOLS / name, path / "bin" / name)
        shutil.copy(JOIN, path / "bin" / "join")
        shutil.copy(EVIL, path / "bin" / "evil")
        os.chown(self.store, USER, USER)
        os.chown(self.outside, USER, USER)
        (self.outside / "file").write_text("as it was")
        (self.outside / "secret").write_text("nobody's business")
        for name in ("file", "secret"):
            os.chown(self.outside / name, USER, USER)
        os.chmod(self.outside / "file", 0o640)
        self.conf()
        self.grants(f"r {self.src}")

    def conf(self, more="", path="/", read_only="yes"):
        (self.path / "conf").write_text(CONF.format(
            more=more, path=path, read_only=read_only))

    def grants(self, *lines):
        (self.path / "grants").write_text("".join(f"{x}\n" for x in lines))

    def for_root(self):
        """Root has no capability in these jails: what it writes is its own."""
        self.conf(more=AS_ROOT)
        for path in (self.store, self.outside, *self.outside.iterdir()):
            os.chown(path, 0, 0)

    def give_capability(self):
        send = self.path / "bin" / "postern-backup-send"
        os.chown(send, 0, USER)
        os.chmod(send, 0o750)
        subprocess.run(["setcap", "cap_dac_read_search=p", send], check=True)

    def join_argv(self, args, flags="-", store=None):
        p = self.path
        return [p / "bin" / "join", p / "bin", p / "conf", "-", p / "grants",
                store or self.store, flags, *args]

    def join(self, args, user=True, **more):
        argv = [*as_user(user), *self.join_argv(args, **more)]
        return subprocess.run(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              errors="surrogateescape", timeout=DEADLINE,
                              check=False)

    def untouched(self):
        file = self.outside / "file"
        assert sorted(x.name for x in self.outside.iterdir()) == \
            ["file", "secret"]
        assert file.read_text() == "as it was"
        assert file.stat().st_mode & 0o7777 == 0o640
        assert os.listxattr(file) == []
        assert file.stat().st_mtime > 1e9


def as_user(user=True):
    if not user:
        return []
    return ["setpriv", "--reuid", str(USER), "--regid", str(USER),
            "--clear-groups", "--"]


@pytest.fixture
def place():
    path = Path(tempfile.mkdtemp(prefix="postern-jail-"))
    path.chmod(0o755)
    yield Place(path)
    shutil.rmtree(path)


def acl(uid):
    """user::rw-,user:UID:r--,group::r--,mask::r--,other::--- as the kernel
    keeps it."""
    out = (2).to_bytes(4, "little")
    for tag, perm, who in ((1, 6, -1), (2, 4, uid), (4, 4, -1), (16, 4, -1),
                           (32, 0, -1)):
        out += tag.to_bytes(2, "little") + perm.to_bytes(2, "little")
        out += (who & 0xffffffff).to_bytes(4, "little")
    return out


# vfs_cap_data, version 2: cap_net_raw=ep
CAPABILITY = (0x02000001).to_bytes(4, "little") + \
    (1 << 13).to_bytes(4, "little") + bytes(12)


def make_tree(src):
    """One of everything."""
    (src / "plain").write_text("text")
    os.link(src / "plain", src / "hard")
    (src / "soft").symlink_to("/nowhere/at all")
    os.mkfifo(src / "fifo")
    os.mknod(src / "null", 0o640 | stat.S_IFCHR, os.makedev(1, 3))
    # No umask has a say in this one, and no chmod() comes after mknod().
    os.mknod(src / "zero", 0o640 | stat.S_IFCHR, os.makedev(1, 5))
    (src / "zero").chmod(0o666)
    os.mknod(src / "block", 0o600 | stat.S_IFBLK, os.makedev(7, 200))
    (src / "private").mkdir(mode=0o700)
    (src / "private" / "key").write_text("root's own")
    (src / "private" / "key").chmod(0o600)
    os.chown(src / "private" / "key", 12, 34)
    (src / "setuid").write_text("x")
    os.chown(src / "setuid", 5, 6)
    (src / "setuid").chmod(0o6755)
    (src / "acl").write_text("x")
    os.setxattr(src / "acl", "system.posix_acl_access", acl(4711))
    os.setxattr(src / "acl", "user.colour", b"blue\0green")
    (src / "capable").write_text("x")
    os.setxattr(src / "capable", "security.capability", CAPABILITY)
    with open(src / "sparse", "wb") as f:
        f.seek(8 << 20)
        f.write(b"end")
    odd = os.fsencode(src) + b"/odd \xff\n\\name"
    with open(odd, "wb") as f:
        f.write(b"odd")
    os.utime(src / "plain", ns=(1, 1234567890_123456789))
    (src / "sticky").mkdir()
    (src / "sticky").chmod(0o1777)
    os.utime(src / "sticky", ns=(1, 987654321_000000001))


def facts(top):
    """Every entry below top with all that a copy must bring back."""
    out = {}
    links = {}
    for folder, names, files in os.walk(os.fsencode(top)):
        for name in names + files + [b"."]:
            path = os.path.normpath(os.path.join(folder, name))
            st = os.lstat(path)
            rel = os.path.relpath(path, os.fsencode(top))
            kind = stat.S_IFMT(st.st_mode)
            content = None
            if kind == stat.S_IFREG:
                links.setdefault(st.st_ino, set()).add(rel)
                with open(path, "rb") as f:
                    content = f.read()
            elif kind == stat.S_IFLNK:
                content = os.readlink(path)
            attrs = {} if kind == stat.S_IFLNK else {
                x: os.getxattr(path, x, follow_symlinks=False)
                for x in os.listxattr(path, follow_symlinks=False)}
            when = st.st_mtime_ns
            rdev = st.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0
            out[rel] = (st.st_mode, st.st_uid, st.st_gid, when, rdev,
                        content, attrs)
    together = sorted(sorted(x) for x in links.values() if len(x) > 1)
    return out, together


def same(a, b):
    (of_a, links_a), (of_b, links_b) = facts(a), facts(b)
    assert sorted(of_a) == sorted(of_b)
    for name, is_a in of_a.items():
        assert is_a == of_b[name], name
    assert links_a == links_b


def ends(text):
    """{"send": rc, "recv": rc}"""
    return {line.split()[1]: int(line.split()[2])
            for line in text.splitlines() if line.startswith("end ")}


def test_a_plain_user_with_the_capability_copies_and_root_restores_it_all(
        place):
    make_tree(place.src)
    place.give_capability()
    r = place.join([*COPY, "--fake-super", "--info=progress2",
                    f"x::root{place.src}/", ".incoming/"])
    assert ends(r.stdout) == {"send": 0, "recv": 0}, r.stdout
    assert len([x for x in r.stdout.splitlines()
                if x.startswith("line ") and "to-chk" in x]) > 1, r.stdout
    snapshot = place.store / ".incoming"
    assert {x.stat(follow_symlinks=False).st_uid
            for x in os.scandir(snapshot)} == {USER}
    # Back again: the store's half as the plain user, ours as root.
    back = place.path / "back"
    back.mkdir()
    place.conf(more="fake super = yes\n" + AS_ROOT, path=snapshot)
    place.grants(f"r {snapshot}")
    r = place.join([*COPY, "x::root/", "./"], user=False, store=back,
                   flags="privileged")
    assert ends(r.stdout) == {"send": 0, "recv": 0}, r.stdout
    same(back, place.src)
    assert (back / "sparse").stat().st_blocks * 512 < 1 << 20
    place.untouched()


def test_hard_links_to_the_snapshot_before(place):
    (place.src / "same").write_text("same")
    (place.src / "new").write_text("old")
    args = [*COPY, "--fake-super", "--delete"]
    r = place.join([*args, f"x::root{place.src}/", "one/"])
    assert ends(r.stdout) == {"send": 0, "recv": 0}, r.stdout
    (place.src / "new").write_text("newer")
    r = place.join([*args, "--link-dest=../one", f"x::root{place.src}/",
                    "two/"])
    assert ends(r.stdout) == {"send": 0, "recv": 0}, r.stdout
    assert (place.store / "two" / "same").stat().st_nlink == 2
    assert (place.store / "one" / "new").read_text() == "old"


def test_an_excluded_folder_stays_closed_though_the_capability_is_there(
        place):
    for name in ("open", "closed"):
        (place.src / name).mkdir(mode=0o700)
        (place.src / name / "file").write_text(name)
        (place.src / name / "file").chmod(0o600)
    (place.src / "link").symlink_to("closed")
    place.give_capability()
    # A root that is not there is not passed over.
    place.grants(f"r {place.src}/open", f"r {place.src}/gone")
    r = place.join([*COPY, "--fake-super", f"x::root{place.src}/", "none/"])
    assert ends(r.stdout)["send"] == 120, r.stdout
    assert f"root {place.src}/gone: No such file" in r.stdout
    # Its siblings are allowed one by one; a link among them opens nothing.
    place.grants(f"l {place.src}", f"r {place.src}/open",
                 f"r {place.src}/link")
    r = place.join([*COPY, "--fake-super", f"x::root{place.src}/", "new/"])
    assert ends(r.stdout)["recv"] == 23, r.stdout
    assert (place.store / "new" / "open" / "file").read_text() == "open"
    assert sorted(x.name for x in (place.store / "new/closed").iterdir()) \
        == []
    # Without the capability not even the other one.
    send = place.path / "bin" / "postern-backup-send"
    subprocess.run(["setcap", "-r", send], check=True)
    r = place.join([*COPY, "--fake-super", f"x::root{place.src}/", "two/"])
    assert ends(r.stdout)["recv"] == 23, r.stdout
    assert not (place.store / "two" / "open" / "file").exists()


def test_beside_what_is_hidden_in_a_folder_of_roots_all_is_read(place):
    """Expanded by the program that has the right, not by its caller. No rule
    of rsync's takes part: it tries to read what is hidden."""
    own = place.src / "roots own"
    (own / "hidden").mkdir(parents=True)
    (own / "dir").mkdir()
    for name in ("one", "two", "hidden/file", "dir/in"):
        (own / name).write_text(name)
        (own / name).chmod(0o600)
    for folder in (own, own / "hidden", own / "dir"):
        folder.chmod(0o700)
    place.give_capability()
    src = str(place.src)
    place.grants(f"r {src}", rf"x {src}/roots\040own/hidden",
                 rf"d {src}/roots\040own/two", rf"d {src}/roots\040own/dir",
                 f"l {src}")
    r = place.join([*COPY, "--fake-super", f"x::root{src}/", "new/"])
    assert ends(r.stdout)["recv"] == 23, r.stdout
    new = place.store / "new" / "roots own"
    assert sorted(str(x.relative_to(new)) for x in new.rglob("*")) == [
        "dir", "hidden", "one", "two"]
    assert (new / "one").read_text() == "one"
    assert (new / "two").read_text() == "two"
    assert r.stdout.count("Permission denied (13)") >= 2


def readable(place, *paths):
    (place.path / "names").write_text("".join(f"r {p}\n" for p in paths))
    return subprocess.run(
        [*as_user(), place.path / "bin" / "postern-backup-send",
         "--readable", place.path / "names"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False)


def test_whether_it_could_have_read_a_file_is_told_and_nothing_else(place):
    (place.src / "open").write_text("x")
    (place.src / "dir").mkdir(mode=0o700)
    (place.src / "dir" / "closed").write_text("secret")
    (place.src / "shut").write_text("secret")
    (place.src / "shut").chmod(0o600)
    (place.src / "link").symlink_to("dir")
    src, user = place.src, (place.src / "open", place.src / "gone",
                            place.src / "link" / "closed", place.src)
    assert readable(place, *user).returncode == 0
    for name in ("dir/closed", "shut"):
        r = readable(place, src / "open", src / name)
        assert r.returncode == 1, name
        assert f"{name}: Permission denied" in r.stdout
    place.give_capability()
    r = readable(place, src / "open", src / "dir/closed", src / "shut")
    assert (r.returncode, r.stdout) == (0, "")
    assert readable(place, "relative").returncode == 1
    # Its list is the caller's to read.
    names = place.path / "names"
    names.chmod(0o600)
    os.chown(names, 0, 0)
    r = subprocess.run(
        [*as_user(), place.path / "bin" / "postern-backup-send",
         "--readable", names], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False)
    assert r.returncode == 1 and "names: Permission denied" in r.stdout


@pytest.mark.parametrize("user", [True, False], ids=["user", "root"])
def test_options_that_write_are_forced_through_and_write_nothing(place, user):
    """Our configuration refuses them; this one asks for a log itself."""
    (place.src / "a").write_text("stays")
    if user:
        os.chown(place.src, USER, USER)
        os.chown(place.src / "a", USER, USER)
    else:
        place.for_root()
    log = place.outside / "log"
    place.conf(more=f"log file = {log}\n" + ("" if user else AS_ROOT),
               read_only="no")
    p = place.path
    rsh = p / "rsh"
    rsh.write_text(f"#!/bin/sh\nexec {p}/bin/postern-backup-send --config "
                   f"{p}/conf --grants {p}/grants\n")
    rsh.chmod(0o755)
    r = subprocess.run(
        [*as_user(user), "rsync", "-a", "-e", rsh, "--remove-source-files", f"x::root{place.src}/",
         f"{place.store}/new/"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False)
    assert (place.src / "a").read_text() == "stays", r.stdout
    assert (place.store / "new" / "a").read_text() == "stays", r.stdout
    place.untouched()


def test_a_jail_that_can_not_be_made_runs_no_rsync(place):
    place.grants("r relative")
    r = place.join([*COPY, f"x::root{place.src}/", "new/"])
    assert ends(r.stdout)["send"] == 120, r.stdout
    assert "line 1: the path is not absolute" in r.stdout
    place.grants(f"r {place.src}")
    r = place.join(["--rsh=/bin/sh", f"x::root{place.src}/", "new/"])
    assert ends(r.stdout)["recv"] == 64, r.stdout
    assert "--rsh=/bin/sh" in r.stdout


@contextlib.contextmanager
def evil_rsync(place):
    """Words that begin a command in whose mounts rsync is the evil one."""
    node = place.path / "disk"
    disk = os.stat("/").st_dev
    os.mknod(node, 0o666 | stat.S_IFBLK, disk)
    os.chmod(node, 0o666)
    yield ["unshare", "-m", "--propagation", "private", "sh", "-c",
           f"mount --bind {place.path}/bin/evil /usr/bin/rsync && "
           'exec "$@"', "sh"]


def gone(pid):
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    ready = poll.poll(10_000)
    os.close(fd)
    return bool(ready)


def said_by(text, side):
    return [line.split(" ", 2)[2] for line in text.splitlines()
            if line.startswith(f"err {side} ")]


FAKE = {True: ["--fake-super"], False: []}
WHO = {"user": (True, "-"), "root": (False, "-"),
       "privileged": (False, "privileged")}


@pytest.mark.parametrize("user", [True, False], ids=["user", "root"])
def test_a_folder_behind_a_link_is_not_received_into(place, user):
    """Who may rename a part of the path would lead the receiver elsewhere."""
    place.for_root()
    for path in (place.store, place.outside):
        os.chown(path, USER if user else 0, -1)
    (place.path / "way").symlink_to(place.outside)
    (place.outside / "new").mkdir()
    (place.path / "up").symlink_to(place.path)
    for way in (place.path / "way", place.path / "up" / "store"):
        r = place.join([*COPY, "--fake-super", f"x::root{place.src}/",
                        "new/"], user=user, store=way)
        assert ends(r.stdout)["recv"] == 120, r.stdout
        assert str(way) in r.stdout, r.stdout
    assert os.listdir(place.outside / "new") == []
    assert os.listdir(place.store) == []


@pytest.mark.parametrize("who", WHO)
def test_a_hostile_program_in_rsyncs_place_reaches_nothing(place, who):
    user, flags = WHO[who]
    if user:
        place.give_capability()
    else:
        place.for_root()
    with evil_rsync(place) as words:
        r = subprocess.run(
            [*words, *as_user(user), *place.join_argv(
                [*COPY, *FAKE[user], f"--out-format={place.path}",
                 f"x::root{place.src}/", "new/"], flags=flags)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=DEADLINE, check=False)
    for side in ("send", "recv"):
        said = said_by(r.stdout, side)
        assert "tried" in said, r.stdout
        assert [x for x in said if x.startswith("did ")] == [], r.stdout
        assert [x for x in said if x.startswith("env ")] == [
            "env PATH=/usr/bin:/bin", "env LC_ALL=C", "env TZ=<UTC>0"]
        assert [x for x in said if x.startswith("fd ")] == (
            ["fd 3"] if side == "recv" else [])
        stays = [x for x in said if x.startswith("stays ")]
        assert len(stays) == 1, r.stdout
        # In the jails' own numbers, which are ours.
        assert gone(int(stays[0].split()[1]))
    assert "inside" in said_by(r.stdout, "recv")
    assert "inside" not in said_by(r.stdout, "send")
    place.untouched()


def test_the_same_in_place_of_a_one_time_sshds_sender(place):
    """As admit.c starts it, in a group of its own that it ends."""
    place.give_capability()
    argv = [place.path / "bin/postern-backup-send", "--grants",
            place.path / "grants", "--sender", "--", "rsync", "--server",
            "--sender", f"--out-format={place.path}"]
    with evil_rsync(place) as words, subprocess.Popen(
            [*words, *as_user(), *argv], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True) as p:
        said = []
        for line in p.stderr:
            said.append(line.rstrip("\n"))
            # The child that stays has the pipe open, too.
            if line.startswith("stays "):
                break
        assert p.wait(DEADLINE) == 1, said
        os.killpg(p.pid, signal.SIGKILL)
    assert "tried" in said and "inside" not in said, said
    assert [x for x in said if x.startswith(("did ", "fd "))] == [], said
    assert [x for x in said if x.startswith("env ")] == [
        "env PATH=/usr/bin:/bin", "env LC_ALL=C", "env TZ=<UTC>0"]
    place.untouched()


def children(pid):
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(x) for x in text.split()]


def name_of(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


@contextlib.contextmanager
def killed_at_the_end(process):
    try:
        yield
    finally:
        process.kill()


@pytest.mark.parametrize("victim", ["join", "send", "recv", "receiver",
                                    "relay"])
@pytest.mark.parametrize("user", [True, False], ids=["user", "root"])
def test_kill_9_of_each_process_leaves_no_other_behind(place, victim, user):
    size = 300_000 if victim == "relay" else 30_000_000
    (place.src / "big").write_bytes(os.urandom(size))
    if user:
        place.give_capability()
    else:
        place.for_root()
    argv = [*as_user(user), *place.join_argv(
        [*COPY, *FAKE[user], "--bwlimit=100", f"x::root{place.src}/", "new/"])]
    pids = {}
    with subprocess.Popen(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as p, \
            killed_at_the_end(p):
        pids["join"] = p.pid
        for line in p.stdout:
            words = line.split()
            if words[0] == "pid":
                pids[words[1]] = int(words[2])
            # The file is being written: all processes are there.
            if words[0] == "data":
                break
        poll_for(lambda: len(children(pids["recv"])) == 2)
        for pid in children(pids["recv"]):
            pids["receiver" if name_of(pid) == "rsync" else "relay"] = pid
        assert sorted(pids) == ["join", "receiver", "recv", "relay", "send"]
        fds = {name: os.pidfd_open(pid) for name, pid in pids.items()}
        os.kill(pids[victim], 9)
        poll = select.poll()
        left = {fd: name for name, fd in fds.items()}
        for fd in left:
            poll.register(fd, select.POLLIN)
        while left:
            ready = poll.poll(20_000)
            assert ready, f"still there: {sorted(left.values())}"
            for fd, _ in ready:
                poll.unregister(fd)
                os.close(fd)
                del left[fd]
        out = p.stdout.read()
    if victim != "join":
        assert p.returncode != 0, out
    place.untouched()


def poll_for(condition):
    """Until condition holds: there is no event of a fork to wait for."""
    end = select.poll()
    for _ in range(1000):
        if condition():
            return
        end.poll(10)
    raise AssertionError("never came")
