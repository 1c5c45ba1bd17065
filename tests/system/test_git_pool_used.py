# SPDX-License-Identifier: ISC
"""The pool of masters and the sessions that go through it: neither that nobody
begins one, nor a restart, nor a master that hangs ends what is under way."""

import os
import re
import signal

from gitlib import RUN, git, git_hosts  # noqa: F401
from lab import proc

INFO = "ssh -T git@gw info"


def fine(git):
    assert "hello bob" in git.ssh("bob", "info").stdout


def masters(git):
    return git.pids(git.gw, "ssh -N")


def pools(git):
    return git.pids(git.gw, "postern-git mux")


def direct(git):
    """Connections to the server besides those of masters."""
    return len([p for p in git.sshds(git.gl) if re.fullmatch(
        rf"{proc.SSHD}: git(@notty)?", proc.cmdline(p))]) - len(masters(git))


def finish(git, session):
    git.go()
    assert session.communicate(timeout=60)[0].startswith(b"hello bob")
    assert session.returncode == 0


def idle(git):
    """Nobody has wanted the pool for a day, as its lock file says."""
    os.utime(git.gw.path(f"{RUN}/mux/lock"), (1, 1))


def looked(git):
    """The pool looks whether it is wanted once a second: it did, twice."""
    pool, = pools(git)
    stat = f"/proc/{pool}/status"

    def switches():
        with open(stat, encoding="ascii") as f:
            return int(re.search(r"voluntary_ctxt_switches:\s*(\d+)",
                                 f.read())[1])
    begin = switches()
    proc.wait_for(lambda: switches() >= begin + 3, 30, "a look of the pool")


def test_a_pool_that_nobody_wants_waits_for_its_sessions(git):
    git.conf(mux=1)
    fine(git)
    git.wait_pool(1)
    git.hold()
    with git.start("bob", INFO, stdout=-1) as session:
        git.held()
        assert direct(git) == 0
        idle(git)
        looked(git)
        assert len(pools(git)) == 1
        finish(git, session)
    proc.wait_for(lambda: not pools(git), 30, "end of the pool")
    assert not masters(git)


def test_a_pool_that_is_stopped_lets_sessions_end_and_takes_no_more(git):
    git.conf(mux=2)
    fine(git)
    git.wait_pool(2)
    git.hold()
    with git.start("bob", INFO, stdout=-1) as session:
        git.held()
        os.kill(pools(git)[0], signal.SIGTERM)
        proc.wait_for(lambda: len(masters(git)) == 1, 20,
                      "end of the other master")
        assert not git.gw.exists(f"{RUN}/mux/0")
        assert not git.gw.exists(f"{RUN}/mux/1")
        with git.start("bob", INFO, stdout=-1) as second:
            git.held(2)
            assert direct(git) == 1
            assert session.poll() is None
            git.go()
            assert b"hello bob" in second.communicate(timeout=60)[0]
        assert b"hello bob" in session.communicate(timeout=60)[0]
        assert session.returncode == 0
    proc.wait_for(lambda: not pools(git), 30, "end of the pool")
    assert not masters(git)


def test_who_stops_a_pool_twice_does_not_wait(git):
    git.conf(mux=1)
    fine(git)
    git.wait_pool(1)
    git.hold()
    with git.start("bob", INFO, stdout=-1, stderr=-1) as session:
        git.held()
        pool, = pools(git)
        os.kill(pool, signal.SIGTERM)
        proc.wait_for(lambda: not git.gw.exists(f"{RUN}/mux/0"), 20,
                      "the pool to close")
        os.kill(pool, signal.SIGTERM)
        said = session.communicate(timeout=20)[1]
    assert b"the connection to the git server was lost" in said
    assert not pools(git)


def test_a_master_that_hangs_is_passed_by(git):
    git.conf(mux=1, gw=["answer-timeout = 8s"])
    fine(git)
    git.wait_pool(1)
    frozen, = masters(git)
    os.kill(frozen, signal.SIGSTOP)
    try:
        assert git.gw.exists(f"{RUN}/mux/0")
        done = git.ssh("bob", "info")
        assert done.stdout.startswith("hello bob"), done
        assert git.audit("gw", "end")[-1]["exit"] == 0
    finally:
        if proc.start_time(frozen):
            os.kill(frozen, signal.SIGCONT)


def test_a_master_that_misses_its_looks_keeps_its_sessions(git):
    """On a host that had no time for it, it may yet go on."""
    git.conf(mux=1)
    fine(git)
    git.wait_pool(1)
    git.hold()
    with git.start("bob", INFO, stdout=-1) as session:
        git.held()
        slow, = masters(git)
        os.kill(slow, signal.SIGSTOP)
        proc.wait_for(lambda: " leaving " in git.gw.read(
            f"{RUN}/mux/status"), 60, "the pool to give the master up")
        assert not git.gw.exists(f"{RUN}/mux/0")
        assert masters(git) == [slow]
        os.kill(slow, signal.SIGCONT)
        finish(git, session)
    proc.wait_for(lambda: masters(git) and slow not in masters(git), 60,
                  "new master")
    git.wait_pool(1)
    fine(git)
