# SPDX-License-Identifier: ISC
"""Hosts that fail in every way while others are pushed to; the default push."""

import os
import signal

import pytest

from fleet import fleet  # noqa: F401
from lab import faults, proc

RECEIVER = r"^csync2 -N receiver"


@pytest.fixture
def three(fleet):
    fleet.setup(3)
    fleet.scripts({"s1": "#!/bin/sh\n", "s2": "x\n" * 1000})
    return fleet


def fails(fleet, *args, host="h2", expect=2, others=("h1", "h3")):
    """One host fails, the others are synced. What is said of it."""
    done = fleet.push("--json", *args, expect=expect)
    for name in others:
        assert done.last(name)["state"] == "synced", str(done)
        fleet.assert_same(name)
    last = done.last(host)
    assert last["state"] == "failed", str(done)
    assert done.events[-1]["failed"] == 1
    return last["detail"]


def test_a_host_that_was_never_up_is_unreachable(fleet):
    fleet.setup(2, hosts="admin h1 h60 h2")
    fleet.scripts({"s": "x"})
    assert fails(fleet, "--connect-timeout", "3s", host="h60",
                 others=("h1", "h2")).startswith("unreachable")


def test_a_host_without_sshd_is_unreachable(three):
    three.each("systemctl stop ssh", [2])
    try:
        assert "unreachable" in fails(three)
        assert "refused" in fails(three).lower()
    finally:
        three.each("systemctl start ssh", [2])


def test_a_name_that_does_not_resolve_is_unreachable(three):
    three.config(three.group(hosts="admin h1 h3 nosuch"))
    assert "unreachable" in fails(three, host="nosuch")


def test_a_silent_host_is_given_up_after_connect_timeout(three):
    three.host(2).link.cut()
    assert "no answer within 3 s" in fails(three, "--connect-timeout", "3s")


def test_a_host_whose_sshd_says_nothing_is_given_up(three):
    three.each("""systemctl stop ssh
for i in 1 2 3; do :; done
setsid perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,6);
setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1);
bind(S,sockaddr_in(22,INADDR_ANY)); listen(S,9); sleep 300' \
</dev/null >/dev/null 2>&1 &""", [2])
    try:
        detail = fails(three, "--connect-timeout", "3s")
        assert "no answer within 3 s" in detail or "timed out" in detail
    finally:
        three.each("pkill -x perl; systemctl start ssh", [2])


def other_host_key(host):
    host.run("cp -a /etc/ssh /root/ssh.kept; "
             "rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 "
             "-N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh")


def old_host_key(host):
    host.run("rm -r /etc/ssh; mv /root/ssh.kept /etc/ssh; "
             "systemctl restart ssh")


def test_a_changed_host_key_is_named(three):
    other_host_key(three.host(2))
    try:
        assert "host key changed" in fails(three)
    finally:
        old_host_key(three.host(2))


def test_an_unknown_host_key_is_named_and_never_learnt(three):
    known = three.admin.read("/root/.ssh/known_hosts")
    three.admin.write("/root/.ssh/known_hosts", "".join(
        line + "\n" for line in known.splitlines()
        if not line.startswith("h2,")))
    before = three.admin.read("/root/.ssh/known_hosts")
    try:
        assert "host key not known" in fails(three)
        assert three.admin.read("/root/.ssh/known_hosts") == before
    finally:
        three.admin.write("/root/.ssh/known_hosts", known)


def test_a_key_that_is_not_let_in_is_named(three):
    three.each("mv /root/.ssh/authorized_keys /root/kept", [2])
    try:
        detail = fails(three)
        assert "not permitted" in detail or "denied" in detail.lower()
    finally:
        three.each("mv /root/kept /root/.ssh/authorized_keys", [2])


def test_a_receiver_without_csync2_is_named(three):
    three.each("mv /usr/sbin/csync2 /root/kept", [2])
    try:
        assert "csync2 is not installed" in fails(three)
    finally:
        three.each("mv /root/kept /usr/sbin/csync2", [2])


@pytest.mark.parametrize("how", [
    "mount --bind /run /run; mount -o remount,bind,ro /run",
    "mount -t tmpfs -o nr_inodes=2 none /run; mkdir /run/sshd",
    "mkdir -p /var/r/sshd; mount --bind /var/r /run",
], ids=["read-only", "full", "on disk"])
def test_a_receiver_whose_run_is_of_no_use_is_named(three, how):
    three.each(how, [2])
    try:
        assert "/run" in fails(three)
    finally:
        three.each("umount /run; rm -rf /var/r", [2])


def test_a_full_disk_of_a_receiver_is_reported(three):
    three.admin.run("head -c 900000 /dev/urandom >/srv/priv/big")
    with faults.small_disk(three.host(2), "/srv/priv", 512):
        fails(three)
        done = three.push("--json", "-H", "h2", expect=1)
        assert "/srv/priv/big" in [e["text"] for e in
                                   done.of("dirty", "h2")], str(done)
        assert "csync2 there: Write-error" in done.last("h2")["detail"]


# Deaths and stalls in the middle of a push

def middle(fleet, *args):
    """A push of which h1's and h3's part is over and h2's is in its middle:
    a slow link, many files."""
    fleet.admin.run("i=0; while [ $i -lt 80 ]; do echo $i >/srv/priv/f$i; "
                    "i=$((i+1)); done")
    fleet.host(2).link.slow(rtt_ms=80)
    run = fleet.start_push(*args)
    proc.wait_for(lambda: len(fleet.tree(2)) > 2, 20, "file on h2")
    proc.wait_for(lambda: fleet.tree(1) == fleet.tree(3)
                  == fleet.tree("admin"), 20, "files on h1 and h3")
    assert len(fleet.tree(2)) < 60, "too late to be a test"
    return run


def only_h2_failed(fleet, run, taken, status=2):
    """run ends with that, nothing is left, and the next push works."""
    done = run.end(30)
    assert done.rc == status, str(done)
    for name in ("h1", "h3"):
        assert done.last(name)["state"] == "synced", str(done)
    last = done.last("h2")
    assert last["state"] == "failed", str(done)
    fleet.host(2).link.restore()
    taken.settle(8)
    fleet.push("--verify")
    fleet.assert_same()
    return last["detail"]


@pytest.mark.parametrize("what", ["csync2", "sh", "sshd"])
def test_a_receiver_that_dies_in_its_push_fails_alone(three, what):
    before = three.leftovers()
    run = middle(three)
    pattern = {"csync2": RECEIVER, "sh": r"^sh -c", "sshd": r"^sshd: root@"}
    # The oldest: the one that sshd has started, not what that forked.
    os.kill(min(three.pids(2, pattern[what]), key=proc.start_time),
            signal.SIGKILL)
    assert only_h2_failed(three, run, before)


def test_a_csync2_that_is_killed_on_the_pushing_host_fails_its_host(three):
    before = three.leftovers()
    run = middle(three)
    os.kill(three.wait_pid("admin", r"^csync2 .* -u$"), signal.SIGKILL)
    assert only_h2_failed(three, run, before)


def test_a_receiver_has_60_seconds_unless_told_otherwise(three):
    """What ends it when its network was cut silently."""
    run = middle(three)
    assert three.pids(2, r"^timeout -k 2 60 sh -c ")
    three.host(2).link.restore()
    assert run.end().rc in (0, 2)


def test_a_link_cut_in_the_middle_ends_both_sides(three):
    before = three.leftovers()
    run = middle(three, "--host-timeout", "5s")
    three.host(2).link.cut()
    # Nobody tells the receiver: its own deadline, and timeout's 2 seconds.
    proc.wait_for(lambda: not three.pids(2, "csync2"), 12,
                  "end of the receiver")
    assert "5 s (--host-timeout)" in only_h2_failed(three, run, before)


def test_a_host_that_crashes_in_its_push_fails_alone(fleet):
    fleet.setup(1)
    victim, = fleet.lab.fresh(1)
    try:
        fleet.config(fleet.group(hosts=f"admin h1 {victim.name}"))
        fleet.admin.run("head -c 30000000 /dev/urandom >/srv/priv/big")
        victim.link.slow(rtt_ms=100)
        run = fleet.start_push("--host-timeout", "6s")
        proc.wait_for(lambda: [p for p in victim.pids() if
                               proc.cmdline(p).startswith("csync2 -N rec")],
                      20, "push on the victim")
        victim.crash()
        done = run.end(20)
        assert done.rc == 2, str(done)
        assert done.last("h1")["state"] == "synced"
        assert done.last(victim.name)["state"] == "failed"
    finally:
        fleet.lab.remove(victim)


def test_one_that_stalls_among_ten_is_ended_and_the_others_are_done(fleet):
    fleet.setup(10)
    fleet.scripts({"s": "x"})
    before = fleet.leftovers()
    # Its csync2 stops at its first breath.
    fleet.each("""mkdir -p /usr/local/sbin
printf '#!/bin/sh\\nkill -STOP $$\\nexec /usr/sbin/csync2 "$@"\\n' \
>/usr/local/sbin/csync2; chmod 755 /usr/local/sbin/csync2""", [7])
    done = fleet.push("--json", "--host-timeout", "4s", expect=2)
    fleet.each("rm /usr/local/sbin/csync2", [7])
    assert done.events[-1]["ok"] == 9, str(done)
    assert "4 s (--host-timeout)" in done.last("h7")["detail"]
    order = [e["host"] for e in done.of("state")
             if e["state"] in ("synced", "failed")]
    assert order[-1] == "h7"
    before.settle(8)
    fleet.push("-H", "h7")
    fleet.assert_same()


def test_a_full_disk_of_the_pushing_host_is_reported(fleet):
    fleet.setup(1)
    fleet.admin.run("i=0; while [ $i -lt 300 ]; do echo $i >/srv/priv/a-file"
                    "-with-a-name-$i; i=$((i+1)); done")
    before = fleet.leftovers(ignore=[r"/dev/lab-loop"])
    with faults.small_disk(fleet.admin, "/var/lib/postern", 128):
        done = fleet.push("--json", expect=1)
    assert "the scan on the pushing host" in done.last("h1")["detail"], \
        str(done)
    before.settle()
    fleet.push()
    fleet.assert_same()


def test_a_state_folder_that_others_can_write_is_refused(fleet):
    fleet.setup(1)
    fleet.scripts({"s": "x"})
    fleet.push()
    fleet.each("chmod -R o+w /var/lib/postern", ["admin"])
    done = fleet.push("--json", expect=1)
    assert "others than root can write" in done.last("h1")["detail"]
