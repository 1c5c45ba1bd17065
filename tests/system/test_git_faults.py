# SPDX-License-Identifier: ISC
"""What fails: a server that is gone, frozen or refuses, sessions that are cut.
Each time people read why, and nothing hangs: who
waits here for a person has a deadline of 60 s. Which of the gateway's own has
ended a wait is known by the others, which are set to an hour."""

import os
import signal

import pytest

from gitlib import ETC, LOG, RUN, git, git_hosts  # noqa: F401
from lab import proc

QUICK = ["connect-timeout = 2s", "alive-interval = 1s"]
AGAIN = 75


def only(**times):
    """Of the gateway's deadlines these, and all others much too late."""
    late = dict.fromkeys(("connect", "alive"), "1h")
    late.update({k: f"{v}s" for k, v in times.items()})
    return ["session-timeout = 1h", f"connect-timeout = {late['connect']}",
            f"alive-interval = {late['alive']}",
            f"answer-timeout = {late.get('answer', '1h')}"]


def waited(git, seconds):
    """The last session's own line: not less than its deadline, either."""
    end = git.audit("gw", "end")[-1]
    assert end["exit"] == AGAIN and end["ms"] >= seconds * 1000, end


def proxies(git, kind="postern-git-proxy"):
    # Not the shell that sshd starts it with.
    return [p for p in git.pids(git.gw, kind) if proc.comm(p) != "sh"]


def gone(git):
    """Nothing of a session is left on either host."""
    def look():
        return not proxies(git) and not git.pids(
            git.gl, "postern-git-serve") and not git.pids(git.gl, "cat /tmp")
    proc.wait_for(look, 30, "end of the session")
    assert not [n for n in os.listdir(git.gw.path(f"{RUN}/sessions"))]


def fine(git):
    assert "hello bob" in git.ssh("bob", "info").stdout


# A server that does not answer.

@pytest.mark.parametrize("mux", [0, 1])
def test_a_server_that_is_down(git, mux):
    git.seed("t/a")
    git.conf(gw=QUICK, mux=mux)
    if mux:
        fine(git)
        git.wait_pool(1)
    git.gl.run("systemctl stop ssh; pkill -x sshd", check=False)
    done = git.run("bob", "git clone git@gw:t/a", check=False)
    assert ("git gateway: the git server does not answer (ssh: connect to "
            "host gl port 22: Connection refused)") in done.stderr, done
    assert git.ssh("bob", "info").returncode == AGAIN
    end = git.audit("gw", "end")[-1]
    assert end["exit"] == AGAIN and "Connection refused" in end["why"]
    git.sshd_run(git.gl)
    fine(git)
    if mux:
        git.wait_pool(1)


def test_a_server_behind_a_cut_link(git):
    git.conf(gw=only(connect=2))
    git.gl.link.cut()
    done = git.ssh("bob", "info")
    assert done.returncode == AGAIN
    waited(git, 2)
    assert "does not answer (ssh: connect to host gl port 22: " \
        "Connection timed out)" in done.stderr
    git.gl.link.restore()
    fine(git)


@pytest.mark.parametrize("mux, times", [
    (0, {"connect": 2}), (1, {"connect": 2, "alive": 1}),
    (1, {"answer": 4})])
def test_a_server_that_is_frozen(git, mux, times):
    git.conf(gw=only(**times), mux=mux)
    if mux:
        fine(git)
        git.wait_pool(1)
    git.freeze(git.gl)
    done = git.ssh("bob", "info")
    assert done.returncode == AGAIN, done
    assert "git gateway: the git server does not answer" in done.stderr
    waited(git, min(times.values()))
    git.sshd_run(git.gl)
    fine(git)
    if mux:
        git.wait_pool(1)


def test_the_answer_has_a_deadline_of_its_own(git):
    git.conf(gw=only(answer=2))
    git.freeze(git.gl)
    done = git.ssh("bob", "info")
    assert done.returncode == AGAIN
    waited(git, 2)
    assert "does not answer; try again later" in done.stderr
    assert not proxies(git, "ssh -E")
    git.sshd_run(git.gl)
    fine(git)


@pytest.mark.parametrize("mux", [0, 1])
def test_a_session_has_an_end(git, mux):
    git.conf(gw=["session-timeout = 2s"], mux=mux)
    if mux:
        fine(git)
        git.wait_pool(1)
    git.hold()
    done = git.ssh("bob", "info")
    assert done.returncode == AGAIN
    assert "took longer than the gateway allows" in done.stderr
    gone(git)


@pytest.mark.parametrize("mux", [0, 1])
def test_a_session_of_a_frozen_server_has_an_end(git, mux):
    """The master that has its descriptors lets go of them, too, though
    nobody asks whether the server is alive as often as that would want."""
    git.conf(gw=["session-timeout = 2s", "alive-interval = 1h",
                 "answer-timeout = 3s"], mux=mux)
    if mux:
        fine(git)
        git.wait_pool(1)
    git.hold()
    with git.start("bob", "ssh -T git@gw info", text=True, stdout=-1,
                   stderr=-1) as ssh:
        git.held()
        git.freeze(git.gl)
        said = ssh.communicate(timeout=60)[1]
    assert ssh.returncode == AGAIN
    assert "took longer than the gateway allows" in said
    git.sshd_run(git.gl)
    gone(git)


def test_a_wrong_host_key_is_no_server(git):
    known = f"{ETC}/known_hosts"
    kept = git.gw.read(known)
    git.gw.write(known, f"gl {git.client.host_key}\n")
    try:
        done = git.ssh("bob", "info")
        assert done.returncode == 1
        assert "set up wrongly (host key changed)" in done.stderr
        git.gw.write(known, "")
        done = git.ssh("bob", "info")
        assert "set up wrongly (host key not known)" in done.stderr
    finally:
        git.gw.write(known, kept)
    fine(git)


def test_reads_go_to_a_mirror_and_writes_do_not(git):
    git.mirror()
    git.gw.write("/etc/postern/git.conf", "[gateway]\nserver = git@gl2\n"
                 "mux = 0\n")
    git.lab.hosts["h34"].write("/etc/postern/git.conf", "[server]\n")
    git.seed("t/a")
    tip = git.seed("t/b")
    git.conf(gw=[*QUICK, "mirror = git@gl2"])
    git.gl.run("systemctl stop ssh; pkill -x sshd", check=False)
    out = git.run("bob", "git ls-remote git@gw:t/b HEAD").stdout
    assert out.split() == [tip, "HEAD"]
    assert git.audit("gw", "end")[-1]["via"] == "git@gl2"
    done = git.run("alice", "cd seed && git commit -q --allow-empty -m x && "
                   "git push -q git@gw:t/b master", check=False)
    assert done.returncode != 0 and "Connection refused" in done.stderr
    assert git.run("bob", "git ls-remote git@gw:t/b HEAD").stdout.split() \
        == [tip, "HEAD"]
    # A server that is there decides alone.
    git.sshd_run(git.gl)
    done = git.run("bob", "git ls-remote git@gw:t/b", check=False)
    assert done.returncode != 0
    assert git.audit("gw", "end")[-1].get("via") is None


# Sessions that are cut.

@pytest.mark.parametrize("mux", [0, 1])
def test_a_connection_that_is_lost(git, mux):
    git.seed("t/a")
    git.conf(gw=QUICK, mux=mux)
    if mux:
        fine(git)
        git.wait_pool(1)
    git.hold()
    with git.start("bob", "git clone git@gw:t/a", text=True,
                   stderr=-1) as clone:
        git.held()
        git.gl.link.cut()
        said = clone.communicate(timeout=60)[1]
    assert clone.returncode != 0
    assert "the connection to the git server was lost" in said, said
    git.gl.link.restore()
    git.conf()
    fine(git)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("mux", [0, 1])
def test_a_session_that_is_ended_on_the_gateway(git, how, mux):
    git.conf(mux=mux)
    if mux:
        fine(git)
        git.wait_pool(1)
    git.hold()
    with git.start("bob", "ssh -T git@gw info", text=True,
                   stderr=-1) as ssh:
        git.held()
        os.kill(proxies(git)[0], how)
        said = ssh.communicate(timeout=60)[1]
    assert ssh.returncode not in (0, None)
    if how == signal.SIGTERM:
        assert "this session was ended by the gateway" in said
        gone(git)
    proc.wait_for(lambda: not git.pids(git.gl, "postern-git-serve"), 30,
                  "end of the command on gl")
    git.go()
    fine(git)


def test_people_who_leave_take_their_command_with_them(git):
    git.hold()
    with git.start("bob", "exec ssh -T git@gw git-upload-pack \"'t/a'\"",
                   stdout=-1, stdin=-1) as ssh:
        git.held()
        os.kill(git.wait_pid(git.client, "ssh -T git@gw"), signal.SIGKILL)
        ssh.communicate(timeout=60)
    # Though it reads nothing, and nobody lets it go on.
    gone(git)
    assert git.audit("gw", "end")[-1]["why"] == "the client has left"
    assert git.audit("gl", "end")


def test_a_gateway_that_is_restarted_under_a_clone(git):
    git.seed("t/a")
    git.hold()
    with git.start("bob", "git clone git@gw:t/a", stderr=-1) as clone:
        git.held()
        # Its sessions, as a reboot ends them.
        assert proc.kill(git.sshds(git.gw)) > 0
        clone.communicate(timeout=60)
    assert clone.returncode != 0
    git.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
    git.gw.wait_up()
    git.go()
    gone(git)
    git.run("bob", "git clone -q git@gw:t/a again")


def test_a_gateways_sshd_that_is_restarted_ends_nothing(git):
    git.seed("t/a")
    git.hold()
    with git.start("bob", "git clone -q git@gw:t/a") as clone:
        git.held()
        git.gw.run("systemctl restart ssh")
        git.gw.wait_up()
        git.go()
        assert clone.wait(60) == 0


# What is written down.

def test_a_log_that_can_not_be_written_ends_no_session(git):
    git.gw.run(f"rm -rf {LOG}/audit; mkdir {LOG}/audit")
    fine(git)
    out = git.gw.run(["journalctl", "-q", "-o", "cat", "-t", "postern-git",
                      "-n", "5", "--no-pager"]).stdout
    assert f"{LOG}/audit: Is a directory" in out


def test_lines_as_text(git):
    git.gw.write("/etc/postern/git.conf", git.gw.read(
        "/etc/postern/git.conf").replace("audit = json", "audit = text"))
    git.ssh("bob", "git-upload-pack 'a\"b'")
    git.ssh("bob", "info")
    lines = git.gw.read(f"{LOG}/audit").splitlines()
    assert [x.split()[1] for x in lines] == ["refused", "begin", "end"]
    assert 'why="' in lines[0] and lines[2].endswith(" exit=0")
    assert " id=bob " in lines[2] and " verb=info repo=- " in lines[2]


def test_a_gateway_without_its_folder_says_so(git):
    git.gw.run(f"rm -rf {RUN}")
    done = git.ssh("bob", "info")
    assert done.returncode == 1 and RUN in done.stderr
    git.gw.run(f"install -d -o git -m 777 {RUN}")
    os.chmod(git.gw.path(RUN), 0o777)
    done = git.ssh("bob", "info")
    assert done.returncode == 1 and "nobody else may write" in done.stderr
