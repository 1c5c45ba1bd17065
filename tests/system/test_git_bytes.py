# SPDX-License-Identifier: ISC
"""audit-bytes = yes: what went in and out of a session is in its last line, on
both sides, and nothing is lost or held up by the counting."""

import pytest

from gitlib import git, git_hosts  # noqa: F401
from lab import proc

COUNT = ["audit-bytes = yes"]
KIB = 3000


@pytest.fixture(params=["direct", "mux"])
def counted(git, request):
    git.conf(gw=COUNT, gl=COUNT, mux=2 if request.param == "mux" else 0)
    if request.param == "mux":
        git.ssh("alice", "info", check=True)
        git.wait_pool(2)
    return git


def last(git, side, verb):
    return [x for x in git.audit(side, "end") if x["verb"] == verb][-1]


def test_a_push_and_a_clone_are_counted_on_both_sides(counted):
    git = counted
    git.seed("t/a", kib=KIB)
    git.run("bob", "git clone -q git@gw:t/a c && git -C c fsck --strict")
    for verb, much, few in (("git-receive-pack", "in", "out"),
                            ("git-upload-pack", "out", "in")):
        gw, gl = (last(git, side, verb) for side in ("gw", "gl"))
        assert gw["exit"] == gl["exit"] == 0
        assert (gw["in"], gw["out"]) == (gl["in"], gl["out"])
        assert KIB << 10 < gw[much] < (KIB << 10) * 2
        assert 0 < gw[few] < 10000


def test_the_last_words_of_a_command_go_out(counted):
    git = counted
    git.seed("t/a")
    said = git.ssh("bob", "info")
    assert "hello bob" in said.stdout and said.returncode == 0
    assert last(git, "gw", "info")["out"] == len(said.stdout)
    done = git.ssh("bob", "git-upload-pack 'nothing/here'")
    assert done.returncode not in (0, 255) and "DENIED" in done.stderr


def test_what_is_not_asked_for_is_not_counted(git):
    git.seed("t/a")
    for side in ("gw", "gl"):
        assert "in" not in git.audit(side, "end")[-1]


def test_who_leaves_ends_the_session_on_both_sides(counted):
    git = counted
    git.seed("t/a", kib=KIB)
    client = git.start("bob", "exec ssh -T git@gw \"git-upload-pack 't/a'\"",
                       stdin=-1, stdout=-1)
    git.wait_audit("gl", lambda x: x["event"] == "begin" and
                   x["id"] == "bob" and x["verb"] == "git-upload-pack")
    client.signal_target(9)
    client.wait()
    for side in ("gw", "gl"):
        end = git.wait_audit(side, lambda x: x["event"] == "end" and
                             x["id"] == "bob" and
                             x["verb"] == "git-upload-pack")
        assert end["in"] == 0
    proc.wait_for(lambda: not git.pids(git.gl, "postern-git-serve"), 30,
                  "end on the server")


def test_a_server_that_is_away_costs_no_byte_of_what_was_sent(git):
    """What the first ssh did not read is there for the next one."""
    git.seed("t/a")
    git.conf(gw=[*COUNT, "mirror = git@gl", "server = git@nowhere",
                 "connect-timeout = 2s"], gl=COUNT)
    git.gw.write("/etc/postern/git.conf", git.gw.read(
        "/etc/postern/git.conf").replace("server = git@gl\n", "", 1))
    # git itself says nothing before the server has: this is there at once.
    out = git.run("bob", "printf 0000 | "
                  "ssh -T git@gw \"git-upload-pack 't/a'\"").stdout
    assert "refs/heads/master" in out
    gw = last(git, "gw", "git-upload-pack")
    assert gw["via"] == "git@gl"
    assert gw["in"] == last(git, "gl", "git-upload-pack")["in"] == 4
