# SPDX-License-Identifier: ISC
"""postern backup run, channel mode: a client, a store, sshd and rsync."""

import os
import pathlib
import re
import shutil
import signal

from backuplib import CONF, HOME, POSTERN, TOOLS, backup  # noqa: F401
from lab import faults, proc

DATA = "/srv/data"
BEAT = {"beat": "500ms"}


def ino(path):
    st = os.lstat(path)
    return st.st_dev, st.st_ino


def at(snapshot, path):
    return snapshot + os.fsencode(path)


# What is copied

def test_first_run_stores_every_file_those_of_root_too(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a": "one\n", f"{DATA}/sub/b": "two\n"})
    backup.files({f"{DATA}/secret/key": "root's own\n"}, mode=0o600)
    backup.client.path(f"{DATA}/secret").chmod(0o700)
    done = backup.run()
    assert backup.snapshots() == [done.snapshot]
    assert backup.stored(DATA) == backup.source(DATA)
    assert not backup.incoming().exists()


def test_without_the_capability_roots_files_fail_the_run_by_name(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    os.removexattr(backup.client.path(
        "/opt/postern/tools/backup/postern-backup-send"),
        "security.capability")
    done = backup.run(expect=1)
    assert "some files could not be copied" in done.err, str(done)
    assert "secret" in done.err and "Permission denied" in done.err
    assert backup.snapshots() == []


def test_second_run_shares_what_is_unchanged_and_follows_the_rest(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/{n}": n * 1000 for n in
                  ("same", "changed", "removed", "renamed", "mode")})
    os.symlink("same", backup.client.path(f"{DATA}/link"))
    backup.run()
    backup.files({f"{DATA}/changed": "anew", f"{DATA}/sub/added": "x"})
    backup.client.path(f"{DATA}/removed").unlink()
    backup.client.path(f"{DATA}/renamed").rename(
        backup.client.path(f"{DATA}/other name"))
    backup.client.path(f"{DATA}/mode").chmod(0o600)
    backup.run()
    one, two = map(backup.snapshot, (0, 1))
    assert backup.stored(DATA) == backup.source(DATA)
    assert ino(at(one, f"{DATA}/same")) == ino(at(two, f"{DATA}/same"))
    for name in ("changed", "mode"):
        assert (ino(at(one, f"{DATA}/{name}"))
                != ino(at(two, f"{DATA}/{name}"))), name
    # The old snapshot is what it was.
    assert backup.contents(at(one, DATA)) == {
        b"link": ("link", b"same"), **{
            n.encode(): ("file", n.encode() * 1000) for n in
            ("same", "changed", "removed", "renamed", "mode")}}


def test_a_change_of_same_size_and_second_is_seen(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/f": "aaaa"})
    path = backup.client.path(f"{DATA}/f")
    os.utime(path, ns=(10**18, 10**18))
    backup.run()
    path.write_text("bbbb")
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    backup.run()
    assert backup.stored(DATA)[b"f"] == ("file", b"bbbb")


def test_excludes_literal_and_pattern(backup):
    backup.setup(root=DATA, exclude=[f"{DATA}/cache", "*.o", "/nowhere",
                                     f"{DATA}/deep/er/file"])
    backup.files({f"{DATA}/{n}": n for n in (
        "keep", "x.o", "cache/big", "sub/cache/kept", "sub/y.o",
        "deep/er/file", "deep/er/other", "deep/er2/file")})
    backup.run()
    assert backup.stored(DATA) == {
        k: v for k, v in backup.source(DATA).items() if k not in
        (b"x.o", b"sub/y.o", b"deep/er/file", b"cache", b"cache/big")}


def test_one_file_system_stays_on_it(backup):
    backup.setup(root=DATA, one_file_system="yes")
    backup.files({f"{DATA}/a": "a"})
    backup.client.run(f"mkdir {DATA}/mnt && mount -t tmpfs t {DATA}/mnt "
                      f"&& echo x >{DATA}/mnt/x")
    backup.run()
    assert set(backup.stored(DATA)) == {b"a", b"mnt"}
    backup.conf(root=DATA)
    backup.run()
    assert set(backup.stored(DATA)) == {b"a", b"mnt", b"mnt/x"}


def test_roots_two_of_them_one_a_file_and_nothing_beside_them(backup):
    backup.setup(root=["/srv/one", "/srv/two/file"])
    backup.files({"/srv/one/a": "a", "/srv/two/file": "f",
                  "/srv/two/not": "no", "/srv/three/not": "no"})
    backup.run()
    assert backup.contents(backup.snapshot()) == {
        b"srv": ("dir", None), b"srv/one": ("dir", None),
        b"srv/one/a": ("file", b"a"), b"srv/two": ("dir", None),
        b"srv/two/file": ("file", b"f")}


def test_root_slash_is_the_whole_machine_without_what_is_unreal(backup):
    backup.setup(root="/", exclude=["/usr", "/var/lib", "/var/cache", "/opt",
                                    "/var/log"])
    backup.files({"/srv/x": "x", "/root/.secret": "root's"}, mode=0o600)
    backup.run("-q")
    snap = backup.snapshot()
    top = set(os.listdir(snap))
    assert {b"etc", b"root", b"srv", b"home", b"proc", b"dev"} <= top
    for name in (b"proc", b"sys", b"dev", b"run"):
        assert os.listdir(snap + b"/" + name) == [], name
    assert b"usr" not in top and not os.path.exists(snap + b"/var/lib")
    assert open(snap + b"/root/.secret", "rb").read() == b"root's"
    assert (open(snap + b"/etc/shadow", "rb").read()
            == backup.client.read("/etc/shadow", text=False))
    # The key that the backup itself is made with lies in a home: whoever
    # wants it left out says so. Nothing of the run's own files is in there.
    assert not [n for n in backup.contents(snap) if b"postern-backup." in n]


def test_root_may_exclude_where_rsync_itself_lies(backup):
    """For root an excluded folder is empty, but not one that rsync and its
    libraries are found in."""
    backup.setup(root=["/srv/x", "/usr/share/doc"], exclude=[
        "/usr/bin", "/usr/lib", "/usr/share/doc/not"],
        key=f"{CONF}/backup_key", known_hosts=f"{CONF}/backup_known_hosts")
    backup.files({"/srv/x/file": "x", "/usr/share/doc/not/this": "no"})
    backup.client.run(["chown", "-R", "root:", HOME])
    done = backup.client.run([POSTERN, "backup", "run"], check=False,
                             timeout=120, env={"HOME": HOME})
    assert done.returncode == 0, done.stderr
    snap = backup.snapshot()
    assert open(snap + b"/srv/x/file", "rb").read() == b"x"
    assert not os.path.exists(snap + b"/usr/share/doc/not")


def carries(backup):
    """The ciphers of the client's connections, by what ssh itself says."""
    path = backup.client.path("/tmp/ssh-v")
    text = path.read_text() if path.exists() else ""
    path.unlink(missing_ok=True)
    return set(re.findall(r"debug1: kex: .*cipher: (\S+)", text))


def test_the_cipher_is_the_fastest_where_nobody_chose(backup):
    """This CPU has instructions for AES, as any that runs these tests."""
    backup.client.write("/usr/local/bin/ssh-v", "#!/bin/sh\n"
                        'case " $* " in *" -G "*) exec ssh "$@" ;; esac\n'
                        'exec ssh -v -E /tmp/ssh-v "$@"\n', 0o755)
    backup.setup(root=DATA, ssh="/usr/local/bin/ssh-v")
    backup.files({f"{DATA}/a": "one\n"})
    backup.run()
    assert carries(backup) == {"aes128-gcm@openssh.com"}
    # Names only: not worth asking.
    backup.run(cmd="list", expect=None)
    assert carries(backup) == {"chacha20-poly1305@openssh.com"}
    config = f"{HOME}/.ssh/config"
    backup.client.write(config, "Ciphers aes256-ctr,aes128-gcm@openssh.com\n")
    backup.own(backup.client, f"{HOME}/.ssh")
    backup.run()
    assert carries(backup) == {"aes256-ctr"}
    backup.client.path(config).unlink()
    backup.client.write("/etc/ssh/ssh_config.d/ciphers.conf",
                        "Ciphers aes192-ctr\n")
    try:
        backup.run()
        assert carries(backup) == {"aes192-ctr"}
    finally:
        backup.client.path("/etc/ssh/ssh_config.d/ciphers.conf").unlink()


def test_metadata_is_kept_by_fake_super(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/owned": "x", f"{DATA}/suid": "s"})
    at = backup.client.path
    os.chown(at(f"{DATA}/owned"), 12345, 23456)
    os.chmod(at(f"{DATA}/suid"), 0o4755)
    os.mknod(at(f"{DATA}/null"), 0o20666, os.makedev(1, 3))
    os.chmod(at(f"{DATA}/null"), 0o666)
    os.mkfifo(at(f"{DATA}/fifo"), 0o640)
    os.link(at(f"{DATA}/owned"), at(f"{DATA}/hard"))
    os.setxattr(at(f"{DATA}/owned"), "user.note", b"kept")
    os.utime(at(f"{DATA}/owned"), ns=(1, 1234567890123456789))
    backup.run()
    snap = backup.snapshot() + os.fsencode(DATA)

    def stat_of(name):
        return os.getxattr(snap + name, "user.rsync.%stat").split()

    assert stat_of(b"/owned") == [b"100644", b"0,0", b"12345:23456"]
    assert stat_of(b"/suid") == [b"104755", b"0,0", b"0:0"]
    assert stat_of(b"/null") == [b"20666", b"1,3", b"0:0"]
    assert stat_of(b"/fifo")[0] == b"10640"
    assert os.lstat(snap + b"/owned").st_mtime_ns == 1234567890123456789
    assert ino(snap + b"/owned") == ino(snap + b"/hard")
    assert os.getxattr(snap + b"/owned", "user.note") == b"kept"
    # On the store nothing of it is real.
    for name in os.listdir(snap):
        st = os.lstat(snap + b"/" + name)
        assert st.st_uid == 4002 and st.st_mode & 0o7000 == 0, name


def test_names_of_any_bytes_below_a_store_with_spaces(backup):
    backup.setup(root=DATA, store="/srv/my store [1]")
    names = [b"\xff\xfe", b"new\nline", b" lead", b"trail ", b"'\"\\",
             b"*[x]?", b"-rf", b"\x1b[31m", b"a" * 255]
    os.makedirs(backup.client.path(DATA))
    for n in names:
        path = os.path.join(os.fsencode(backup.client.path(DATA)), n)
        with open(path, "wb") as f:
            f.write(n)
    backup.run()
    assert backup.stored(DATA) == {n: ("file", n) for n in names}
    backup.run()
    assert len(backup.snapshots()) == 2


def test_a_root_with_odd_bytes_and_compress_zstd(backup):
    odd = "/srv/da ta\\ [x]*"
    backup.setup(root=odd, compress="zstd")
    backup.files({f"{odd}/big": "0123456789abcdef" * 65536,
                  "/srv/other": "no"})
    running = backup.start("--json")
    done = running.end()
    assert done.rc == 0, str(done)
    assert set(backup.contents(backup.snapshot())) == {
        b"srv", os.fsencode(odd[1:]), os.fsencode(odd[1:] + "/big")}
    assert backup.stored(odd) == backup.source(odd)


# How much at a time

def test_bandwidth_holds_the_sender_back(backup):
    backup.setup(root=DATA, bandwidth="200K")
    backup.files({f"{DATA}/f": os.urandom(700_000)})
    done = backup.run("--json")
    # No run can be faster than its limit: 700 kB, and a burst of one second.
    assert done.of("result")[0]["seconds"] >= 2, str(done)
    backup.conf(root=DATA)
    # Long enough to be seen.
    backup.files({f"{DATA}/g": os.urandom(120_000)})
    running = backup.start("--bandwidth", "50K")
    pid = backup.wait_pid(backup.client, r"^/usr/bin/rsync --server --daemon")
    assert "--bwlimit=50 " in proc.cmdline(pid) + " "
    assert running.end().rc == 0


def test_nice_and_ionice_are_the_senders(backup):
    backup.setup(root=DATA, nice=7, ionice="idle")
    with Paused(backup) as p:
        stat = proc.read(f"/proc/{p.sender}/stat").rpartition(b")")[2].split()
        assert stat[16] == b"7"
    assert p.done.rc == 0


# What a run says

def test_quiet_run_has_no_output_and_json_has_an_object_a_line(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/f": "x" * 5000})
    done = backup.run("-q")
    assert (done.out, done.err) == ("", "")
    done = backup.run("--json")
    assert done.err == ""
    answer, = done.of("answer")
    result, = done.of("result")
    assert answer["basis"] == backup.snapshots()[0]
    assert result == {"event": "result", "job": "t",
                      "snapshot": backup.snapshots()[1], "status": 0,
                      "why": None, "files": result["files"],
                      "bytes": 5000, "added": 0,
                      "seconds": result["seconds"], "vanished": 0,
                      "changed": 0}


def test_rsync_tells_how_far_it_is_only_to_who_looks_on(backup):
    """A line a file: a run from cron does without, and its summary is as
    good."""
    backup.setup(root=DATA, bandwidth="300K")
    for i, (args, live) in enumerate([((), False), (("-q",), False),
                                      (("-q", "--json"), False),
                                      (("--json",), True)]):
        backup.files({f"{DATA}/big{i}": os.urandom(500_000)})
        running = backup.start(*args)
        pid = backup.wait_pid(backup.store, r"^/usr/bin/rsync --rsh=")
        words = proc.cmdline(pid).split()
        done = running.end()
        assert done.rc == 0, str(done)
        assert "--stats" in words
        assert ("--info=progress2" in words) == live, (args, words)
        if not args:
            assert re.search(r": 4 files, 488\.3 KiB, 488\.3 KiB new, in "
                             r"\d+ s$", done.out.strip()), str(done)
        figures = [e["percent"] for e in done.of("progress")
                   ] if "--json" in args else []
        assert any(figures) == live, str(done)
        if figures:
            result, = done.of("result")
            assert result["added"] == 500_000, str(done)


def test_failures_have_a_name_and_a_status(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/f": "x"})
    done = backup.run("-q", "nojob", expect=1)
    assert "backup.conf has no [job nojob]" in done.err
    backup.run("--no-such", expect=64)
    backup.conf(root=DATA, exclude=DATA)
    assert "exclude" in backup.run("-q", expect=1).err
    # Nobody is there.
    backup.conf(root=DATA, ssh_option="Port=2222")
    done = backup.run("-q", expect=75)
    assert "backup@h2: " in done.err and len(done.err.splitlines()) == 1
    # Not the host that it was.
    backup.conf(root=DATA)
    backup.client.write(f"{CONF}/backup_known_hosts",
                        f"h2 {backup.client.host_key}\n")
    done = backup.run("-q", expect=1)
    assert "key" in done.err.lower(), done.err
    assert backup.snapshots() == []


def test_a_key_that_is_not_accepted_is_said_so(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/f": "x"})
    backup.make_key(backup.client)
    done = backup.run("-q", expect=1)
    assert "denied" in done.err.lower(), done.err


def test_hooks_run_in_order_and_know_the_result(backup):
    log = "/tmp/hooks"
    say = ('echo "$POSTERN_HOOK $POSTERN_JOB $POSTERN_STATUS '
           f'$POSTERN_SNAPSHOT" >>{log}')
    backup.setup(root=DATA, before=say, after=say, on_failure=say)
    backup.files({f"{DATA}/f": "x"})
    done = backup.run()
    assert backup.client.read(log) == (
        f"before t  \nafter t 0 {done.snapshot}\n")
    backup.client.path(log).unlink()
    backup.conf(root=DATA, before="exit 3", on_failure=say, after=say)
    done = backup.run(expect=1)
    assert "before of t: exit 3" in done.err and len(backup.snapshots()) == 1
    assert [w.split()[0] for w in
            backup.client.read(log).splitlines()] == ["on-failure", "after"]


def test_two_jobs_one_of_which_fails_are_partly_done(backup):
    backup.setup(root=DATA, conf=f"[job u]\ndestination = backup@h2\n"
                 f"root = {DATA}\nbefore = false\n")
    backup.files({f"{DATA}/f": "x"})
    done = backup.run("t", "u", expect=2)
    assert len(backup.snapshots()) == 1 and "u: " in done.err


# A run in the midst of it

def test_files_that_vanish_meanwhile_are_a_warning(backup):
    """The sender is stopped between its list and the last file of it."""
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a{i}": os.urandom(200_000) for i in range(8)})
    running = backup.start("--json", "--bandwidth", "300K")
    running.wait_event(
        lambda e: e["event"] == "progress" and e["bytes"] > 0,
        what="byte that has arrived")
    sender = backup.wait_pid(backup.client,
                             r"^/usr/bin/rsync --server --daemon")
    os.kill(sender, signal.SIGSTOP)
    # Its list is complete, and the last file is seconds away.
    backup.client.path(f"{DATA}/a7").unlink()
    os.kill(sender, signal.SIGCONT)
    done = running.end()
    assert done.rc == 0, str(done)
    result, = done.of("result")
    assert result["vanished"] > 0 and "a7" in result["why"], str(done)
    assert "vanished" in done.err or "vanished" in result["why"]
    assert backup.stored(DATA) == backup.source(DATA)
    runs = backup.store.read(f"/srv/store/.postern/{backup.name}/runs")
    assert runs.split(" ")[2] == "warn"


def test_a_folder_that_vanishes_meanwhile_is_a_warning(backup):
    """The list of a large tree is made while its first files are read: a
    folder at the end goes away before the sender comes to it."""
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a": os.urandom(600_000)})
    backup.files({f"{DATA}/d{i:03}/{j}": "x" for i in range(200)
                  for j in range(20)})
    running = backup.start("--json", "--bandwidth", "300K")
    running.wait_event(
        lambda e: e["event"] == "progress" and e["bytes"] > 0,
        what="byte that has arrived")
    shutil.rmtree(backup.client.path(f"{DATA}/d199"))
    done = running.end()
    assert done.rc == 0, str(done)
    result, = done.of("result")
    assert result["vanished"] > 0 and "d199" in result["why"], str(done)
    stored = backup.stored(DATA)
    # It was in the list itself, what was in it was not.
    assert stored.pop(b"d199") == ("dir", None)
    assert stored == backup.source(DATA)


class Late:
    """A run whose store waits before it begins: the jail that reads is there
    by then, and knows what it lets through."""

    RECV = f"{TOOLS}/postern-backup-recv"

    def __init__(self, backup, *args):
        self.backup = backup
        b = backup.store
        b.run(f"mkfifo -m 666 /tmp/begin; mv {self.RECV} {self.RECV}.real")
        b.write(self.RECV, f"#!/bin/sh\nread x </tmp/begin\n"
                f'exec {self.RECV}.real "$@"\n', 0o755)
        self.begin = os.open(b.path("/tmp/begin"), os.O_RDWR)
        self.running = backup.start("--json", *args)

    def __enter__(self):
        backup = self.backup
        backup.wait_pid(backup.client, r"^/usr/bin/rsync --server --daemon")
        return self

    def __exit__(self, kind, value, trace):
        self.running.kill()
        self.running.end()
        os.close(self.begin)
        self.backup.store.run(f"mv {self.RECV}.real {self.RECV}; "
                              "rm /tmp/begin")

    def end(self):
        os.write(self.begin, b"go\n")
        return self.running.end()


def replace(backup, path, content):
    backup.files({path + ".new": content})
    backup.client.path(path + ".new").rename(backup.client.path(path))


def test_files_that_appear_beside_an_exclude_are_left_to_the_next_run(backup):
    backup.setup(root=DATA, exclude=f"{DATA}/private")
    backup.files({f"{DATA}/a": "as it was", f"{DATA}/b": "before",
                  f"{DATA}/sub/c": "c", f"{DATA}/private/x": "no"})
    with Late(backup) as late:
        backup.files({f"{DATA}/new\x01 one": "late", f"{DATA}/dir/d": "late",
                      f"{DATA}/sub/in time": "sub is granted as a whole"})
        replace(backup, f"{DATA}/b", "after")
        done = late.end()
    assert done.rc == 0, str(done)
    result, = done.of("result")
    assert result["vanished"] > 0 and result["status"] == 0
    head, _, names = result["why"].partition(": ")
    assert head == "left to the next run"
    assert sorted(names.split(", ")) == [
        f"{DATA}/{name}" for name in ("b", "dir/d", "new\\x01 one")]
    wanted = backup.source(DATA, skip=(b"private",))
    late = {b"new\x01 one", b"dir/d", b"b"}
    assert backup.stored(DATA) == {
        k: v for k, v in wanted.items() if k not in late}
    runs = backup.store.read(f"/srv/store/.postern/{backup.name}/runs")
    assert runs.split(" ")[2] == "warn"
    done = backup.run()
    assert backup.stored(DATA) == wanted
    assert done.err == ""


def test_what_may_not_be_read_fails_though_others_came_late(backup):
    """The same, by a sender that may not read a file of root's."""
    backup.setup(root=DATA, exclude=f"{DATA}/private")
    backup.files({f"{DATA}/a": "a", f"{DATA}/private/x": "no"})
    send = backup.client.path(f"{TOOLS}/postern-backup-send")
    os.removexattr(send, "security.capability")
    with Late(backup) as late:
        backup.files({f"{DATA}/late": "late"})
        done = late.end()
    assert done.rc == 0, str(done)
    assert done.of("result")[0]["why"] == (
        f"left to the next run: {DATA}/late")
    backup.files({f"{DATA}/roots\x01 own": "root's own"}, mode=0o600)
    with Late(backup) as late:
        backup.files({f"{DATA}/later": "late"})
        done = late.end()
    assert done.rc == 1, str(done)
    why = done.of("result")[0]["why"]
    assert "left to the next" not in why
    assert f"{DATA}/roots" in why and "some files could not be" in why
    assert len(backup.snapshots()) == 1


def test_many_that_came_late_are_named_as_far_as_there_is_room(backup):
    backup.setup(root=DATA, exclude=f"{DATA}/private")
    backup.files({f"{DATA}/private/x": "no"})
    names = [f"{DATA}/{'long name ' * 4}{i}" for i in range(60)]
    with Late(backup, "-v") as late:
        backup.files({name: "late" for name in names})
        done = late.end()
    assert done.rc == 0, str(done)
    why = done.of("result")[0]["why"]
    said = re.fullmatch(r"left to the next run: (.*) and (\d+) more "
                        r"\(-v names them\)", why)
    some = said[1].split(", ")
    assert set(some) < set(names) and len(some) + int(said[2]) == 60
    for name in names:
        assert f"{name}: came after the run had begun" in done.err


def test_the_store_takes_no_word_for_what_it_could_not_write(backup):
    """A file came late, and another one's attribute is too large for the
    file system there: that is a failure."""
    backup.setup(root=DATA, exclude=f"{DATA}/private", disk_kib=20000)
    backup.files({f"{DATA}/a": "a", f"{DATA}/private/x": "no"})
    os.setxattr(backup.client.path(f"{DATA}/a"), "user.large", b"x" * 5000)
    with Late(backup) as late:
        backup.files({f"{DATA}/late": "late"})
        done = late.end()
    assert done.rc == 1, str(done)
    assert "some files could not be copied" in done.of("result")[0]["why"]
    assert backup.snapshots() == []


def test_what_lies_beside_an_exclude_in_a_folder_of_roots_comes(backup):
    """The user may not even list it: who reads does."""
    at = f"{DATA}/roots own"
    backup.setup(root=DATA, exclude=[f"{at}/cache", f"{at}/deep/x",
                                     f"{at}/file/"])
    backup.files({f"{at}/one": "1", f"{at}/file": "2", f"{at}/deep/y": "3",
                  f"{at}/sub/z": "4", f"{at}/cache/no": "no",
                  f"{at}/deep/x": "no"}, mode=0o600)
    for folder in ("", "/cache", "/deep", "/sub"):
        backup.client.path(at + folder).chmod(0o700)
    done = backup.run()
    assert done.err == ""
    assert backup.stored(DATA) == backup.source(
        DATA, skip=(b"roots own/cache", b"roots own/deep/x"))
    assert len(backup.stored(DATA)) == 7


class Paused:
    """A run that waits in the midst of its transfer: what reads is stopped
    once what it sends has begun to arrive. Ends it, and the run, by itself.
    """

    def __init__(self, backup, *args, size=1_500_000, go_on=True,
                 settle=("", None), **kwargs):
        self.backup, self.go_on = backup, go_on
        self.old = backup.leftovers() if settle[1] else None
        if not backup.client.exists(f"{DATA}/big"):
            backup.files({f"{DATA}/big": os.urandom(size)})
        self.done = None
        self.running = backup.start("--json", "--bandwidth", "300K", *args,
                                    **kwargs)

    def __enter__(self):
        b = self.backup
        self.sender = b.wait_pid(b.client,
                                 r"^\S*rsync --server --(daemon|sender)")
        self.running.wait_event(
            lambda e: e["event"] == "progress" and e["bytes"] > 0,
            what="byte that has arrived")
        os.kill(self.sender, signal.SIGSTOP)
        return self

    def resume(self):
        try:
            os.kill(self.sender, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def __exit__(self, kind, value, trace):
        self.resume()
        if kind is not None or not self.go_on:
            self.running.kill()
        self.done = self.running.end()


def test_of_two_runs_at_once_the_second_is_busy(backup):
    backup.setup(root=DATA)
    with Paused(backup) as p:
        done = backup.run("-q", expect=75)
        assert "backup@h2: " in done.err and "another" in done.err.lower()
    assert p.done.rc == 0
    assert backup.stored(DATA) == backup.source(DATA)


# Each process: where it runs, and what finds it.
PROCESSES = {
    "run": ("client", r"^postern-backup run"),
    "ssh": ("client", r"^ssh .*backup@h2 run"),
    "send's rsync": ("client", r"^/usr/bin/rsync --server --daemon"),
    "sshd": ("store", f"^{proc.SSHD}: backup@notty"),
    "receive": ("store",
                r"^postern-backup receive"),
    "recv's rsync": ("store", r"^/usr/bin/rsync --rsh="),
    "relay": ("store", r"^/opt/postern/tools/backup/postern-backup-relay"),
}


def ours(backup):
    return [p for h in (backup.client, backup.store) for p in
            backup.pids(h, r"postern-backup|^/usr/bin/rsync")]


def break_and_check(backup, what, kill):
    """A run whose process `what` dies leaves the old snapshot, nothing that
    runs or listens, and a next run that goes on."""
    before = backup.leftovers(ignore=(r"/tmp/postern-backup\.",))
    one = backup.contents(backup.snapshot(0))
    backup.files({f"{DATA}/big": os.urandom(1_500_000),
                  f"{DATA}/late": what})
    with Paused(backup, go_on=None is kill or what == "run") as p:
        kill(p)
        p.resume()
        done = p.running.end()
    assert done.rc != 0, what
    if what == "link":
        # Ours see the silence. sshd itself waits for TCP, for minutes.
        proc.wait_for(lambda: not ours(backup), 60, "end of our processes")
        backup.client.link.heal()
        left = [line for line in before.now()
                if not re.search(f"{proc.SSHD}: backup", line)]
        assert left == []
    else:
        before.settle(deadline_s=15)
    assert len(backup.snapshots()) == 1, what
    assert backup.contents(backup.snapshot(0)) == one, what
    assert backup.incoming().exists(), what
    return done


def each_killed(backup, names):
    for what in names:
        backup.setup(root=DATA, **BEAT)
        backup.files({f"{DATA}/a": "a"})
        backup.run()
        side, pattern = PROCESSES[what]
        host = getattr(backup, side)

        def kill(p, host=host, pattern=pattern):
            # The rest of a group goes with its first.
            assert proc.kill(backup.pids(host, pattern)) > 0

        done = break_and_check(backup, what, kill)
        if what != "run":
            why = done.of("result")[0]["why"]
            assert why, f"{what}: {done}"
        again = backup.run("--json")
        assert again.of("answer")[0].get("resumed") is True, what
        assert backup.stored(DATA) == backup.source(DATA), what
        assert not backup.incoming().exists(), what
        # A killed run may leave its three small files; the next takes them.
        assert not [n for n in os.listdir(backup.client.path("/tmp"))
                    if n.startswith("postern-backup.")], what


def test_each_process_of_the_client_killed(backup):
    each_killed(backup, ["run", "ssh", "send's rsync"])


def test_each_process_of_the_store_killed(backup):
    each_killed(backup, ["sshd", "receive", "recv's rsync", "relay"])


def test_sshds_monitor_on_the_store_killed(backup):
    """Nobody needs it any more: the run goes on, and all of it ends."""
    backup.setup(root=DATA, **BEAT)
    before = backup.leftovers()
    with Paused(backup) as p:
        for pid in backup.pids(backup.store, rf"^{proc.SSHD}: backup \[priv"):
            os.kill(pid, signal.SIGKILL)
            break
        else:
            raise AssertionError("there is none")
    assert p.done.rc == 0, str(p.done)
    before.settle()
    assert backup.stored(DATA) == backup.source(DATA)


def test_link_cut_in_the_middle_of_a_file(backup):
    backup.setup(root=DATA, **BEAT)
    backup.files({f"{DATA}/a": "a"})
    backup.run()
    done = break_and_check(backup, "link",
                           lambda p: backup.client.link.cut())
    assert done.rc == 75, str(done)
    assert "nothing was heard" in done.of("result")[0]["why"], str(done)
    again = backup.run("--json")
    assert again.of("answer")[0].get("resumed") is True
    assert backup.stored(DATA) == backup.source(DATA)


def sent(host):
    """Bytes that the host has sent, of all kinds."""
    text = proc.read(f"/proc/{host.init_pid}/net/dev").decode()
    return int(re.search(r"^ *eth0:(.*)$", text, re.M)[1].split()[8])


def no_longer_busy(backup):
    done = backup.run("--json", expect=None)
    assert done.rc in (0, 75), str(done)
    return done if done.rc == 0 else None


def test_resume_takes_what_had_come_of_a_file(backup):
    backup.setup(root=DATA, **BEAT)
    size = 3_000_000
    backup.files({f"{DATA}/big": os.urandom(size)})
    running = backup.start("--json", "--bandwidth", "500K")
    running.wait_event(lambda e: e["event"] == "progress"
                       and e["bytes"] > size // 2, what="half of it")
    sender = backup.wait_pid(backup.client, PROCESSES["send's rsync"][1])
    os.kill(sender, signal.SIGSTOP)
    running.kill()
    running.end()
    partial = backup.incoming() / DATA[1:] / ".postern-partial/big"
    proc.wait_for(partial.exists, 10, "partial file")
    had = partial.stat().st_size
    assert size // 3 < had < size
    before = sent(backup.client)
    proc.wait_for(lambda: no_longer_busy(backup), 30, "free store")
    assert backup.stored(DATA) == backup.source(DATA)
    # Random bytes: each that was there already was not sent again.
    assert sent(backup.client) - before < size - had // 2


def test_interrupt_ends_a_run_cleanly(backup):
    backup.setup(root=DATA)
    before = backup.leftovers()
    for number in (signal.SIGINT, signal.SIGTERM):
        with Paused(backup) as p:
            os.kill(p.running.pid, number)
            p.resume()
            done = p.running.end()
        assert done.rc == 1 and "interrupted" in done.out, str(done)
        before.settle(deadline_s=10)
    assert backup.snapshots() == []
    assert backup.run().rc == 0
