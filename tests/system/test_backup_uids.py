# SPDX-License-Identifier: ISC
"""A uid for each client's receiver: root keeps the store, the rsync that
receives is a user that can do nothing else there."""

import contextlib
import os
import re
import shutil
import signal

import pytest

from backuplib import BUILD, CLIENT, CONF, OPT, STORE, backup  # noqa: F401
from lab import proc
from vaultlib import OTHER, UIDS, vault  # noqa: F401

DATA = "/srv/data"
EVIL = BUILD / "tests/unit/backup/backup_evil_uid"
ME, YOU = UIDS[CLIENT], UIDS[OTHER]
SUBVOLUME = 256         # the inode of its top


@pytest.fixture(params=["ext4", "btrfs"])
def kind(request):
    return request.param


def fill(b):
    b.files({f"{DATA}/a": "one\n", f"{DATA}/sub/b": "two\n",
             f"{DATA}/target": "to come\n"})
    # What is open to all in the source is open to all in the store, too:
    # nothing but the client's folder keeps others out.
    b.client.run(["chmod", "-R", "a+rX", DATA])


def test_each_client_is_received_by_a_user_of_its_own(vault, kind):
    vault.setup(kind=kind, root=DATA)
    fill(vault)
    vault.run()
    vault.run("other")
    vault.files({f"{DATA}/sub/b": "two, changed\n"})
    vault.run()
    for name, uid in UIDS.items():
        snapshot = os.fsdecode(vault.snapshot(name=name))
        assert vault.owners(snapshot) == {(uid, uid)}
        # On btrfs nobody but root can make it writable again.
        top = os.stat(snapshot)
        assert (top.st_ino == SUBVOLUME) == (kind == "btrfs")
        assert top.st_uid == (0 if kind == "btrfs" else uid)
        folder = os.stat(vault.at(name))
        assert folder.st_uid == 0 and folder.st_mode & 0o7777 == 0o710
    assert vault.stored(DATA) == vault.source(DATA)
    one, two = (os.stat(vault.snapshot(i) + b"/srv/data/a") for i in (0, 1))
    if kind == "ext4":
        assert one.st_ino == two.st_ino
    # All that root and the client do with it goes on as ever.
    assert f"uid {ME}" in vault.owner("show", vault.snapshots()[-1]).out
    vault.owner("verify", CLIENT, OTHER)
    vault.run(cmd="verify")
    # Owners are root's to give.
    vault.run("latest", DATA, "--to", "/tmp/back", cmd="restore", expect=2)
    assert vault.source(f"/tmp/back{DATA}") == vault.source(DATA)
    assert vault.run("latest", f"{DATA}/a", cmd="cat").out == "one\n"
    vault.policy(more="keep-last = 1\n")
    vault.owner("prune")
    assert len(vault.snapshots()) == 1


def test_a_client_with_a_user_is_accepted_again(vault):
    """Its folder has an access control list by then; what chmod leaves of
    that lets nobody in, and the next run mends it."""
    vault.setup(root=DATA)
    fill(vault)
    vault.run()
    folder = vault.at(CLIENT)
    key = vault.client.read(f"{CONF}/{CLIENT}_key.pub").strip()
    for _ in range(2):
        vault.accept(CLIENT, key, "--allow", "run,list")
        vault.run()
        os.chmod(folder, 0o700)
    vault.run()
    assert os.stat(folder).st_mode & 0o7777 == 0o710


def test_the_receiver_has_one_uid_no_group_and_no_capability(vault):
    vault.setup(root=DATA)
    fill(vault)
    with stopped(vault) as receiver:
        text = proc.read(f"/proc/{receiver}/status").decode()
        found = dict(re.findall(r"^(\w+):\t(.*)$", text, re.M))
        assert found["Uid"].split() == [str(ME)] * 4
        assert found["Gid"].split() == [str(ME)] * 4
        assert found["Groups"].split() == []
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(found[name], 16) == 0, name
        assert found["NoNewPrivs"] == "1"
        # Who reads the requests is root, and knows no shell.
        receive, = vault.pids(vault.store, r"^postern-backup receive")
        assert os.stat(f"/proc/{receive}").st_uid == 0


@contextlib.contextmanager
def stopped(vault):
    """A run in the midst of its transfer; its receiver's pid."""
    vault.files({f"{DATA}/big": os.urandom(1_500_000)})
    running = vault.start("--json", "--bandwidth", "300K")
    running.wait_event(lambda e: e["event"] == "progress" and e["bytes"] > 0,
                       what="byte that has arrived")
    sender = vault.wait_pid(vault.client,
                            r"^/usr/bin/rsync --server --daemon")
    os.kill(sender, signal.SIGSTOP)
    try:
        yield vault.wait_pid(vault.store, r"^/usr/bin/rsync --rsh=")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(sender, signal.SIGCONT)
        vault.ended = running.end()


def test_a_run_that_lost_its_receive_is_gone_on_with_by_the_same_user(vault):
    vault.setup(root=DATA)
    fill(vault)
    with stopped(vault):
        receive, = vault.pids(vault.store, r"^postern-backup receive")
        os.kill(receive, signal.SIGKILL)
    assert vault.ended.rc != 0
    done = vault.run("--json")
    assert done.of("answer")[0].get("resumed") is True
    assert vault.stored(DATA) == vault.source(DATA)


def replaced(vault):
    """The key of the client laptop gets a receiver that is hostile."""
    shutil.copy(EVIL, vault.store.path("/opt/evil"))
    vault.store.write("/opt/receive", "#!/bin/sh\n"
                      "mount --bind /opt/evil /usr/bin/rsync && exec "
                      f"{OPT}/postern backup receive --client {CLIENT} "
                      "--allow run\n", 0o755)
    vault.forced(CLIENT, "unshare -m --propagation private /opt/receive")


def test_whatever_it_does_the_receiver_ends_with_who_started_it(vault):
    """A change of uid takes away what the kernel ends it by."""
    vault.setup(kind="btrfs", root=DATA)
    vault.files({f"{DATA}/target": "stay"})
    vault.run()
    replaced(vault)
    running = vault.start("-q")
    report = vault.incoming() / "report"
    proc.wait_for(lambda: report.exists() and "groups" in report.read_text(),
                  30, "its report")
    there = vault.wait_pid(vault.store, r"^/usr/bin/rsync --rsh=")
    assert os.stat(f"/proc/{there}").st_uid == ME
    receive, = vault.pids(vault.store, r"^postern-backup receive")
    os.kill(receive, signal.SIGKILL)
    proc.wait_for(lambda: not vault.pids(vault.store, r"^/usr/bin/rsync"),
                  15, "end of the jail")
    assert running.end().rc != 0


TRY = r"""
use strict;
my ($me, $you, $mine, $yours) = @ARGV;
$| = 1;
sub try { my ($what, $ok) = @_; print(($ok ? "did" : "not"), " $what\n"); }
# Another client's, by its path, with modes that let everybody in below.
try("list other", opendir(my $d, $you));
try("read other", open(my $f, "<", "$yours/srv/data/a"));
try("write other", open(my $g, ">>", "$yours/srv/data/a"));
try("create other", open(my $h, ">", "$you/new"));
try("stat other", -e "$yours/srv/data");
try("unlink other", unlink "$yours/srv/data/a");
try("list admin", opendir(my $e, "@STORE@/.postern"));
# Its own, but for .incoming.
try("make", mkdir "$me/made");
try("rename", rename($mine, "$me/gone"));
try("rmdir", rmdir $mine);
try("chmod folder", chmod(0777, $me));
# struct btrfs_ioctl_vol_args, u64: linux/btrfs.h
open(my $top, "<", $mine) or print "can not open it: $!\n";
my $flags = pack "Q", 0;
try("writable", ioctl($top, 0x4008941a, $flags));
my $args = pack "q a4088", 0, $mine =~ s{.*/}{}r;
open(my $dir, "<", $me) or print "can not open its folder: $!\n";
try("destroy", defined $dir && ioctl($dir, 0x5000940f, $args));
if ("@KIND@" eq "btrfs") {
	try("write", open(my $i, ">>", "$mine/srv/data/a"));
	try("unlink", unlink "$mine/srv/data/a");
	try("chmod", chmod(0777, "$mine/srv/data/a"));
	try("chmod it", chmod(0777, $mine));
}
try("read", open(my $j, "<", "$mine/srv/data/a"));
"""


def attempt(vault, kind, uid):
    """What TRY could do as that uid, in no jail at all."""
    code = TRY.replace("@STORE@", STORE).replace("@KIND@", kind)
    who = ["setpriv", "--reuid", str(uid), "--regid", str(uid),
           "--clear-groups"] if uid else []
    done = vault.store.run(
        [*who, "perl", "-e", code, f"{STORE}/{CLIENT}", f"{STORE}/{OTHER}",
         f"{STORE}/{CLIENT}/{vault.snapshots()[-1]}",
         f"{STORE}/{OTHER}/{vault.snapshots(OTHER)[-1]}"])
    return done.stdout.splitlines()


def test_a_receivers_uid_alone_reaches_no_other_client(vault, kind):
    """No Landlock, no namespace: the same uid, out of its jail."""
    vault.setup(kind=kind, root=DATA)
    fill(vault)
    vault.run()
    vault.run("other")
    was = [vault.contents(vault.snapshot(name=n)) for n in UIDS]
    said = attempt(vault, kind, ME)
    # It passes through its own folder: so it has tried.
    assert said[-1] == "did read", said
    assert [x for x in said[:-1] if x.startswith("did ")] == [], said
    assert [vault.contents(vault.snapshot(name=n)) for n in UIDS] == was
    # A third one does not even do that.
    assert [x for x in attempt(vault, kind, 4103) if x.startswith("did ")] \
        == []
    # And what is tried can be done, by who may.
    said = attempt(vault, kind, 0)
    could = {x[4:] for x in said if x.startswith("did ")}
    assert {"list other", "read other", "stat other", "create other",
            "make", "rename"} <= could, said


def test_on_btrfs_roots_attempts_are_real_ones(vault):
    """The two ioctls of TRY, by root: else their failing says nothing."""
    vault.setup(kind="btrfs", root=DATA)
    fill(vault)
    for job in ("t", "other"):
        vault.run(job)
    code = TRY.replace('try("rename", rename($mine, "$me/gone"));', "")
    at = [f"{STORE}/{CLIENT}", f"{STORE}/{OTHER}",
          f"{STORE}/{CLIENT}/{vault.snapshots()[0]}",
          f"{STORE}/{OTHER}/{vault.snapshots(OTHER)[0]}"]
    said = vault.store.run(
        ["perl", "-e", code.replace("@STORE@", STORE).replace(
            "@KIND@", "btrfs"), *at]).stdout.splitlines()
    assert "did writable" in said and "did destroy" in said, said
    assert vault.snapshots() == []


def test_a_hostile_program_in_the_receivers_place_changes_no_snapshot(vault):
    vault.setup(kind="btrfs", root=DATA)
    fill(vault)
    first = vault.run("--json").snapshot
    vault.run("other")
    vault.files({f"{DATA}/target": first})
    vault.run()
    names = vault.snapshots()
    was = [vault.contents(vault.snapshot(n)) for n in names]
    replaced(vault)
    done = vault.run("-q", expect=1)
    assert "status here 5" in done.err, str(done)
    said = (vault.incoming() / "report").read_text().splitlines()
    assert said[:3] == [f"uid {ME} {ME} {ME}", f"gid {ME} {ME} {ME}",
                        "groups 0"], said
    assert said[-1] == "tried" and "may read it" in said, said
    assert [x for x in said if x.startswith("did ")] == [], said
    assert vault.snapshots() == names
    assert [vault.contents(vault.snapshot(n)) for n in names] == was
    assert os.listdir(vault.at(CLIENT)) and not os.path.exists(
        vault.at(CLIENT, "made"))


def test_a_receiver_that_comes_or_goes_begins_anew_and_loses_nothing(
        vault, kind):
    vault.setup(kind=kind, users=False, root=DATA)
    fill(vault)
    with stopped(vault):
        receive, = vault.pids(vault.store, r"^postern-backup receive")
        os.kill(receive, signal.SIGKILL)
    vault.run()
    assert vault.owners(vault.snapshot()) == {(0, 0)}
    for users, uid in ((True, ME), (True, ME), (False, 0)):
        vault.policy(users)
        done = vault.run("--json")
        answer, = done.of("answer")
        assert vault.owners(vault.snapshot()) == {(uid, uid)}
        assert vault.stored(DATA) == vault.source(DATA)
        # Only who received the last one can be built upon it.
        same = len(vault.snapshots()) == 3
        assert ("basis" in answer) == same, answer
    mode = os.stat(vault.at(CLIENT)).st_mode
    assert mode & 0o7777 == 0o700
    assert len(vault.snapshots()) == 4
    # What another uid left in the midst is not gone on with.
    with stopped(vault):
        receive, = vault.pids(vault.store, r"^postern-backup receive")
        os.kill(receive, signal.SIGKILL)
    assert vault.incoming().exists()
    vault.policy(True)
    done = vault.run("--json")
    assert done.of("answer")[0].get("resumed") is None, str(done)
    assert vault.owners(vault.snapshot()) == {(ME, ME)}
    assert vault.stored(DATA) == vault.source(DATA)


def test_without_root_it_is_an_error_that_says_so(backup):
    backup.setup(root=DATA, policy=f"[store]\ndir = {STORE}\n"
                 f"[client {CLIENT}]\nuser = daemon\n")
    backup.files({f"{DATA}/a": "a"})
    done = backup.run("-q", expect=1)
    assert "user = daemon: only root can receive" in done.err, str(done)
    assert backup.snapshots() == []
    assert "failed" not in done.out


@pytest.mark.parametrize("line, why", [
    ("user = nobody-at-all", "there is no such user"),
    ("user = root", "is root"),
    ("user = recv-laptop", "metadata = real")])
def test_a_user_that_can_not_be_is_an_error_that_says_so(vault, line, why):
    vault.setup(users=False, root=DATA)
    vault.policy(False, more=f"{why}\n" if " = " in why else "",
                 clients=f"[client {CLIENT}]\n{line}\n")
    fill(vault)
    done = vault.run("-q", expect=1)
    assert why in done.err and vault.snapshots() == [], str(done)


def test_two_clients_may_not_have_the_same_user(vault):
    vault.setup(users=False, root=DATA)
    vault.policy(False, clients="".join(
        f"[client {n}]\nuser = recv-laptop\n" for n in UIDS))
    fill(vault)
    done = vault.run("-q", expect=1)
    assert done.err.strip(), str(done)
    done = vault.owner("status", expect=1)
    assert "each needs one of its own" in done.err
    assert vault.snapshots() == []


def test_two_names_of_one_uid_are_the_same_user(vault):
    """useradd -o: else each would be the other's receiver."""
    vault.setup(users=False, root=DATA)
    vault.store.run(f"useradd -o -u {ME} -g {ME} -d /nonexistent "
                    "-s /usr/sbin/nologin recv-twin")
    try:
        vault.policy(False, clients=f"[client {CLIENT}]\nuser = recv-laptop\n"
                     f"[client {OTHER}]\nuser = recv-twin\n")
        fill(vault)
        done = vault.owner("status", expect=1)
        assert ("users of the same uid, 'recv-laptop' and 'recv-twin' "
                f"({ME}): each needs one of its own") in done.err, str(done)
        vault.run("-q", expect=1)
        assert vault.snapshots() == [] and vault.snapshots(OTHER) == []
    finally:
        vault.store.run("userdel recv-twin")


def test_in_direct_mode_it_is_that_user_too(vault):
    vault.setup(root=DATA, mode="direct")
    fill(vault)
    done = vault.run()
    assert vault.owners(vault.snapshot()) == {(ME, ME)}
    assert vault.stored(DATA) == vault.source(DATA)
    at = f"{STORE}/.postern/{CLIENT}/snap/{done.snapshot}"
    record = vault.store.read(at)
    assert "mode direct\n" in record and f"receiver {ME}\n" in record


# metadata = real: root's own receiver, with the capabilities that it takes.

def test_metadata_that_is_real_is_on_the_files_themselves(vault):
    vault.setup(users=False, more="metadata = real\n", root=DATA)
    vault.files({f"{DATA}/owned": "x", f"{DATA}/suid": "s"})
    at = vault.client.path
    os.chown(at(f"{DATA}/owned"), 12345, 23456)
    os.chmod(at(f"{DATA}/suid"), 0o4755)
    os.mknod(at(f"{DATA}/null"), 0o20666, os.makedev(1, 3))
    os.chmod(at(f"{DATA}/null"), 0o666)
    os.mkfifo(at(f"{DATA}/fifo"), 0o640)
    os.link(at(f"{DATA}/owned"), at(f"{DATA}/hard"))
    os.symlink("owned", at(f"{DATA}/link"))
    os.setxattr(at(f"{DATA}/owned"), "user.note", b"kept")
    for _ in range(2):
        done = vault.run()
        snap = os.fsdecode(vault.snapshot()) + DATA
        for name in os.listdir(snap):
            one, two = os.lstat(f"{snap}/{name}"), os.lstat(at(
                f"{DATA}/{name}"))
            for field in ("st_mode", "st_uid", "st_gid", "st_rdev",
                          "st_size", "st_mtime_ns"):
                assert getattr(one, field) == getattr(two, field), \
                    f"{name} {field}"
            if name != "link":
                assert not [x for x in os.listxattr(f"{snap}/{name}")
                            if x.startswith("user.rsync")], name
        assert os.lstat(f"{snap}/owned").st_ino == \
            os.lstat(f"{snap}/hard").st_ino
        assert os.getxattr(f"{snap}/owned", "user.note") == b"kept"
    assert len(os.listdir(snap)) == 6
    record = vault.store.read(f"{STORE}/.postern/{CLIENT}/snap/"
                              f"{done.snapshot}")
    assert "real-metadata yes\n" in record
    one, two = (os.stat(vault.snapshot(i) + b"/srv/data/owned")
                for i in (0, 1))
    assert one.st_ino == two.st_ino
    vault.run(cmd="verify")
