# SPDX-License-Identifier: ISC
"""A mirror: what only reads goes there when the git server does not answer,
whatever has become of it, with a pool of connections and without one; what
writes waits for the server."""

import json
import os
import signal

import pytest

from gitlib import CONF, ETC, LOG, POSTERN, git, git_hosts  # noqa: F401
from lab import proc

QUICK = ["connect-timeout = 2s", "alive-interval = 1s"]
MIRROR = "mirror = git@gl2"
# What a key could be held to on a mirror instead of our program.
HELD = ("", r'restrict,command="git-shell -c \"$SSH_ORIGINAL_COMMAND\"" ',
        'restrict,command="/usr/share/gitolite3/gitolite-shell bob" ')


@pytest.fixture
def gl2(git):
    """The second server, with t/b as the first one has it: its tip."""
    host = git.mirror()
    host.link.restore()
    host.write(CONF, f"[server]\naudit = json\naudit-file = {LOG}/audit\n")
    host.run(f"rm -rf {LOG}/* /home/git/repositories/t")
    host.tip = git.seed("t/b", kib=300)
    git.gw.write(CONF, "[gateway]\nserver = git@gl2\nmux = 0\n")
    git.run("alice", "cd seed && git push -q git@gw:t/b master v1")
    host.run(f"rm -f {LOG}/*")
    yield host
    host.run("rm -rf /home/git/repositories/t")


def down(git):
    git.gl.run("systemctl stop ssh; pkill -x sshd", check=False)


GONE = {"down": down, "frozen": lambda git: git.freeze(git.gl),
        "cut": lambda git: git.gl.link.cut()}


@pytest.mark.parametrize("mux", [0, 1])
@pytest.mark.parametrize("how", GONE)
def test_reads_go_to_the_mirror_and_writes_do_not(git, gl2, how, mux):
    git.conf(gw=[*QUICK, MIRROR], mux=mux)
    read = "git ls-remote git@gw:t/b HEAD"
    want = [gl2.tip, "HEAD"]
    assert git.run("bob", read).stdout.split() == want
    if mux:
        git.wait_pool(1)
    # As long as the server answers, nobody asks the mirror.
    assert git.audit(gl2) == []
    assert git.audit("gw", "end")[-1].get("via") is None
    GONE[how](git)
    assert git.run("bob", read).stdout.split() == want
    end = git.audit("gw", "end")[-1]
    assert (end["via"], end["exit"]) == ("git@gl2", 0)
    there = git.audit(gl2, "end")[-1]
    assert (there["sid"], there["id"]) == (end["sid"], "bob")
    # All of it, through the same descriptors.
    git.run("bob", "git clone -q git@gw:t/b b && git -C b fsck --strict && "
            f"test $(git -C b rev-parse HEAD) = {gl2.tip}")
    done = git.run("alice", "cd seed && git commit -q --allow-empty -m x && "
                   "git push -q git@gw:t/b master", check=False)
    assert done.returncode != 0
    assert "the git server does not answer" in done.stderr, done
    assert "git-receive-pack" not in [x.get("verb") for x in git.audit(gl2)]
    assert git.run("bob", read).stdout.split() == want
    # It is back: from now on it answers, and the push arrives.
    git.gl.link.restore()
    git.sshd_run(git.gl)
    git.run("alice", "cd seed && git push -q git@gw:t/b master")
    asked = len(git.audit(gl2))
    assert git.run("bob", read).stdout.split()[0] != gl2.tip
    assert len(git.audit(gl2)) == asked


def masters(git):
    return [p for p in git.pids(git.gw, "ControlMaster=yes")
            if proc.comm(p) == "ssh"]


def test_a_connection_that_may_still_answer_shares_nothing_with_a_mirror(
        git, gl2):
    """A master that has the session's descriptors, and hangs: two would read
    one client."""
    git.conf(gw=["connect-timeout = 2s", "answer-timeout = 15s",
                 "alive-interval = 5s", MIRROR], mux=1)
    git.ssh("bob", "info", check=True)
    git.wait_pool(1)
    master, = masters(git)
    before = len(list(proc.fds(master)))
    git.freeze(git.gl)
    with git.start("bob", "git ls-remote git@gw:t/b", text=True,
                   stderr=-1) as bob:
        proc.wait_for(lambda: len(list(proc.fds(master))) >= before + 4, 8,
                      "session at the master")
        os.kill(master, signal.SIGSTOP)
        said = bob.communicate(timeout=60)[1]
    assert bob.returncode != 0
    assert "the git server does not answer; try again later" in said
    assert git.audit(gl2) == []
    assert git.audit("gw", "end")[-1].get("via") is None
    git.sshd_run(git.gl)


def test_the_check_tries_each_mirror(git, gl2):
    row = "each mirror lets this gateway in"

    def look():
        done = git.gw.run([POSTERN, "check", "--json"], check=False)
        rows = [json.loads(x) for x in done.stdout.splitlines()]
        found, = (r for r in rows if r["check"] == row)
        return found["ok"], found["why"] or ""

    git.gw.run("install -d -o git -g git -m 700 /var/lib/postern/git "
               "/var/lib/postern/git/keys")
    keys = f"{ETC}/authorized_keys"
    kept = gl2.read(keys)
    try:
        git.conf()
        assert look() == (True, "")
        git.conf(gw=[*QUICK, MIRROR])
        assert look() == (True, "")
        # What it would do for anybody, it does not do for this.
        assert {x["id"] for x in git.audit(gl2)} == {"postern-check"}
        gl2.write(keys, "")
        ok, why = look()
        assert not ok and "git@gl2" in why and "Permission denied" in why
        # A key that is held to nothing, or to what repeats a command that it
        # does not know, our id in it.
        for held in HELD:
            gl2.write(keys, held + kept.split('" ', 1)[1])
            ok, why = look()
            assert not ok and "git@gl2" in why, held
            assert ("postern-check" in why) is (held != ""), why
        gl2.write(keys, kept)
        git.conf(gw=[*QUICK, MIRROR, "mirror = git@client"])
        ok, why = look()
        assert not ok and "git@client" in why
    finally:
        gl2.write(keys, kept)
        git.gw.run("rm -rf /var/lib/postern")
