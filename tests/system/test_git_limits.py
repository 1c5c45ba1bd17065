# SPDX-License-Identifier: ISC
"""How many sessions there may be: at once and a minute, of each user and in
all."""

import os
import signal

from gitlib import git, git_hosts  # noqa: F401
from lab import proc
from test_git_faults import AGAIN, fine, proxies


def test_sessions_at_once_are_limited_for_each_id_and_in_all(git):
    git.conf(gw=["sessions-per-id = 1", "sessions = 2"])
    git.hold()
    with git.start("bob", "ssh -T git@gw info", stdout=-1) as first:
        git.held()
        done = git.ssh("bob", "info")
        assert done.returncode == AGAIN and "refused: 'bob' has 1 " \
            "sessions at once" in done.stderr, done
        with git.start("alice", "ssh -T git@gw info", stdout=-1) as second:
            git.held(2)
            done = git.ssh("dave", "info")
            assert done.returncode == AGAIN
            assert "2 sessions at once, which is the limit here" in \
                done.stderr
            refused = git.audit("gw", "refused")
            assert [x["id"] for x in refused] == ["bob", "dave"]
            os.kill(proxies(git)[0], signal.SIGKILL)
            proc.wait_for(lambda: len(proxies(git)) == 1, 10, "end of one")
            git.go()
            first.communicate(timeout=60), second.communicate(timeout=60)
    fine(git)


def test_sessions_a_minute_are_limited(git):
    git.conf(gw=["rate-per-id = 2"])
    for _ in range(2):
        fine(git)
    done = git.ssh("bob", "info")
    assert done.returncode == AGAIN
    assert "'bob' has 2 sessions a minute" in done.stderr
    assert git.ssh("alice", "info").returncode == 0


def test_sessions_a_minute_are_limited_in_all(git):
    git.conf(gw=["rate = 1", "rate-per-id = 2"])
    fine(git)
    for who in ("alice", "bob"):
        done = git.ssh(who, "info")
        assert done.returncode == AGAIN and done.stdout == "", done
        assert "refused: 1 sessions a minute, which is the limit here" in \
            done.stderr
        refused = git.audit("gw", "refused")[-1]
        assert refused["id"] == who and "1 sessions a minute" in \
            refused["why"]
    assert [x["id"] for x in git.audit("gl", "begin")] == ["bob"]
    # Whose own limit it is reads so, also then.
    done = git.ssh("bob", "info")
    assert done.returncode == AGAIN
    assert "'bob' has 2 sessions a minute" in done.stderr
