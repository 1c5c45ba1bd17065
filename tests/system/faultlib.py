# SPDX-License-Identifier: ISC
"""What can go wrong with hosts while a push or a window is under way."""

import contextlib
import subprocess

from lab import proc
from windowlib import gone

FIFO = ("--fifo", "--accept-risk")
SHARED = ("--shared", "--accept-risk")
HOLD = ("--hold", "--accept-risk")
WAYS = {"pipe": (), "fifo": FIFO, "shared": SHARED, "hold": HOLD}
# What csync2 itself writes where FIFOs are used.
DATABASE = r"/var/lib/csync2/.*\.db3"
SECRET = "S3cret.that_is_gone_in_time.0123456789abcdefABC"


def windows(fleet, members=3, setup=True, **group):
    """admin, h1 … as --fifo wants them: certificates, the daemon, and
    csync2's databases, made by a first push. Several sessions that make the
    same one at once disturb each other ("schema has changed")."""
    if setup:
        fleet.setup(members, **group)
    fleet.tls()
    fleet.daemon()
    fleet.scripts({"backup": "#!/bin/sh\necho backup\n"})
    fleet.push(*FIFO)
    return fleet


def many(fleet, text, n=40):
    """So many new files that their push over a slow link takes its time."""
    fleet.scripts({f"f{i}": f"{text} {i}\n" for i in range(n)})


def middle(fleet, *args, host=2, **kwargs):
    """A push that has just begun to write on one host."""
    many(fleet, "of the middle", 60)
    before = len(fleet.tree(host))
    fleet.host(host).link.slow(rtt_ms=60)
    run = fleet.start_push(*args, **kwargs)
    proc.wait_for(lambda: len(fleet.tree(host)) > before + 2, 30,
                  "files on the host")
    assert len(fleet.tree(host)) < before + 50, "too late to be a test"
    return run


def start_known(fleet, *args):
    """postern with a key that the test knows: SECRET."""
    run = fleet.start_push("--key", "fd:0", *args, stdin=subprocess.PIPE)
    with run.popen.stdin as pipe:
        pipe.write(SECRET + "\n")
    run.popen.stdin = None
    return run


def no_key(hosts, search, deadline_s=5):
    """Until SECRET is nowhere on the hosts; fails naming where it is."""
    hits = []

    def look():
        hits[:] = search(hosts, SECRET.encode())
        return not hits

    try:
        proc.wait_for(look, deadline_s, "end of the key")
    except proc.Deadline as e:
        raise AssertionError("\n".join([str(e), *map(str, hits)])) from None


def locked_without_key(fleet, search):
    """Nothing of ours is left on any host, and no member can sync."""
    gone(*fleet.all)
    no_key(fleet.all, search)
    fleet.assert_locked()


@contextlib.contextmanager
def another_host_key(host):
    host.run("cp -a /etc/ssh /root/ssh.kept; "
             "rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 "
             "-N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh")
    try:
        yield
    finally:
        host.run("rm -r /etc/ssh; mv /root/ssh.kept /etc/ssh; "
                 "systemctl restart ssh")


@contextlib.contextmanager
def nobody_let_in(host):
    """admin's key opens nothing there."""
    host.run("mv /root/.ssh/authorized_keys /root/kept")
    try:
        yield
    finally:
        host.run("mv /root/kept /root/.ssh/authorized_keys")


@contextlib.contextmanager
def operators(fleet):
    """On each member a user ops whom admin's key lets in, and sudo."""
    fleet.each("useradd -m ops; mkdir -p ~ops/.ssh; cp /root/.ssh/authorized"
               "_keys ~ops/.ssh/; chown -R ops: ~ops; echo 'ops ALL=(ALL) "
               "NOPASSWD: ALL' >/etc/sudoers.d/ops; chmod 440 "
               "/etc/sudoers.d/ops", fleet.members)
    try:
        yield ("--user", "ops", "--become", "sudo -n")
    finally:
        fleet.each("userdel -r ops 2>/dev/null; rm /etc/sudoers.d/ops",
                   fleet.members)
