# SPDX-License-Identifier: ISC
"""exec = yes: what sshd started on the gateway becomes the ssh of the session.
What is judged, limited and written at the beginning stays; what needs somebody
who waits for the end does not."""

import os

from gitlib import CONF, LOG, RUN, git, git_hosts
from lab import proc
from test_git_keys_gitolite import Site

__all__ = ["git", "git_hosts"]

EXEC = "exec = yes"


def test_git_works_and_no_process_of_ours_waits(git):
    git.conf(gw=[EXEC], mux=2)
    tip = git.seed("t/x", kib=300, commits=3)
    git.run("bob", "git clone -q git@gw:t/x c")
    assert git.run("bob", "git -C c rev-parse HEAD").stdout.strip() == tip
    git.hold()
    with git.start("alice", "ssh git@gw info", stdout=-1, stderr=-1) as ssh:
        git.held()
        # Neither a pool nor us: sshd's own child is the ssh.
        assert git.pids(git.gw, "postern-git mux") == []
        ours = [p for p in git.gw.pids()
                if proc.cmdline(p).split(" ")[0].endswith("-git-proxy")]
        assert ours == []
        git.go()
        out, err = ssh.communicate(timeout=60)
    assert (ssh.returncode, out[:11]) == (0, b"hello alice"), err


def test_what_came_of_it_only_the_server_writes_down(git):
    git.conf(gw=[EXEC])
    done = git.ssh("bob", "git-upload-pack 'secret'")
    # As it came through: no 255, which ssh alone has.
    assert done.returncode not in (0, 255) and "DENIED" in done.stderr, done
    begin, = git.audit("gw")
    assert begin["event"] == "begin" and begin["verb"] == "git-upload-pack"
    end = git.audit("gl", "end")[-1]
    assert end["sid"] == begin["sid"] and end["exit"] == done.returncode


def test_it_judges_and_refuses_as_ever(git):
    git.conf(gw=[EXEC, "rate-per-id = 2"])
    done = git.ssh("alice", "git-upload-pack 't/x'; id")
    assert done.returncode == 1 and "refused: " in done.stderr
    assert [x["event"] for x in git.audit("gw")] == ["refused"]
    assert git.audit("gl") == []
    for _ in range(2):
        assert git.ssh("alice", "info").returncode == 0
    done = git.ssh("alice", "info")
    assert done.returncode == 75 and "refused: " in done.stderr, done


def test_a_server_that_is_away_ends_it_with_sshs_own_words(git):
    """No other host is asked, and no line of ours says why."""
    git.conf(gw=[EXEC, "mirror = git@gl2", "connect-timeout = 2s"])
    git.gl.run("systemctl stop ssh.socket ssh", check=False)
    try:
        done = git.ssh("alice", "info")
    finally:
        git.sshd_run(git.gl)
    assert done.returncode == 255, done
    assert "Connection refused" in done.stderr
    assert "the git server does not answer" not in done.stderr
    assert [x["event"] for x in git.audit("gw")] == ["begin"]


def test_an_ssh_that_is_not_there_is_told(git):
    git.conf(gw=[EXEC, "ssh = /usr/bin/no-such-ssh"])
    done = git.ssh("alice", "info")
    assert done.returncode == 1, done
    assert "/usr/bin/no-such-ssh: No such file" in done.stderr
    assert [x["event"] for x in git.audit("gw")] == ["begin", "end"]


def test_a_revocation_ends_such_a_session(git):
    """It is found by pid and start, which exec leaves as they are."""
    site = Site(git, exec="yes", revoke="end")
    try:
        site.keydir("carol.pub", git.keys["carol"][0])
        site.admin()
        git.hold()
        with git.start("carol", "ssh git@gw info", stdout=-1,
                       stderr=-1) as ssh:
            git.held()
            name, = os.listdir(git.gw.path(f"{RUN}/sessions"))
            assert git.gw.run(f"cat /proc/{name.split('.')[0]}/comm"
                              ).stdout == "ssh\n"
            site.keydir("carol.pub", None)
            site.admin()
            out, _ = ssh.communicate(timeout=60)
        assert ssh.returncode != 0 and out == b""
        # The pushes that came by swept what was left behind.
        site.admin()
        assert os.listdir(git.gw.path(f"{RUN}/sessions")) == []
    finally:
        git.go()
        site.close()


def test_explain_shows_what_would_run(git):
    git.conf(gw=[EXEC])
    said = git.gw.run("/opt/postern/tools/git/postern-git explain --id alice "
                      "info").stdout
    assert " -E " not in said and "LogLevel=INFO" in said
    assert EXEC in git.gw.read(CONF) and LOG in git.gw.read(CONF)
