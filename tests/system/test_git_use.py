# SPDX-License-Identifier: ISC
"""What people do with git@gw: all of it reaches gitolite on a host that they
do not, with git as it comes and a home that is empty but for a key."""

import re
import time

import pytest

from gitlib import git, git_hosts  # noqa: F401
from lab import proc


@pytest.fixture(params=["direct", "mux"])
def way(git, request):
    """Each session by an ssh of its own, or by a master of the pool."""
    if request.param == "mux":
        git.conf(mux=2)
        git.ssh("alice", "info", check=True)
        git.wait_pool(2)
    return git


def test_the_client_has_no_way_to_the_server(git):
    done = git.client.run("ssh -F none -o ConnectTimeout=2 -o BatchMode=yes "
                          "git@gl info", check=False)
    assert done.returncode == 255
    assert git.gw.run("ssh -F none -o BatchMode=yes -o ConnectTimeout=5 "
                      f"-o UserKnownHostsFile=/etc/postern/git/known_hosts "
                      "nobody@gl true", check=False).stderr.count(
                          "Permission denied") == 1


def test_push_clone_fetch_and_tags(way):
    git = way
    tip = git.seed("t/a", commits=3)
    git.run("bob", "git clone -q git@gw:t/a one && cd one && "
            f"test $(git rev-parse HEAD) = {tip} && git tag | grep -qx v1")
    git.run("alice", "cd seed && git commit -q --allow-empty -m more && "
            "git tag v2 && git push -q git@gw:t/a master v2")
    more = git.run("alice", "git -C seed rev-parse HEAD").stdout.strip()
    got = git.run("bob", "cd one && git fetch -q --tags && "
                  "git rev-parse origin/master v2").stdout.split()
    assert got == [more, more]
    assert git.run("bob", "git ls-remote git@gw:t/a v1").returncode == 0


def test_names_that_gitolite_takes_are_one_repository(git):
    tip = git.seed("t/a")
    for name in ("t/a.git", "/t/a", "/t/a.git", "t/a/"):
        out = git.run("bob", f"git ls-remote git@gw:{name} HEAD").stdout
        assert out.split() == [tip, "HEAD"], name
    out = git.run("bob", "git ls-remote ssh://git@gw/t/a HEAD").stdout
    assert out.split() == [tip, "HEAD"]


def test_two_megabytes_arrive_whole(way):
    git = way
    git.seed("t/big", kib=2048)
    git.run("bob", "git clone -q git@gw:t/big b && git -C b fsck --strict")
    assert git.run("bob", "sha256sum <b/file1").stdout == git.run(
        "alice", "sha256sum <seed/file1").stdout


def test_words_of_the_server_arrive_whole_beside_its_output(way):
    git = way
    git.conf_more(git.gl, "gitolite-shell = /opt/postern/probe")
    git.gl.write("/opt/postern/probe", "#!/bin/sh\nseq 60000 >&2\n"
                 "seq 50000\nseq 60001 60002 >&2\nexit 3\n", 0o755)
    done = git.ssh("alice", "info")
    assert done.returncode == 3
    assert done.stdout.split() == [str(i) for i in range(1, 50001)]
    assert done.stderr.split() == [str(i) for i in range(1, 60003)]
    # Who reads none of it ends it, and who stops reading is waited for.
    done = git.run("alice", "set +e; ssh -T git@gw info 2>&1 >/dev/null | "
                   "{ head -c 4 >/dev/null; sleep 1; wc -l; }")
    assert done.stdout.strip() == "60000", done
    with git.start("alice", "exec ssh -T git@gw info 2>&- >/dev/null") as p:
        assert p.wait(60) != 0


def test_protocol_v2_is_spoken_and_v0_too(way):
    git = way
    git.seed("t/a")
    for version in ("2", "0"):
        done = git.run("bob", f"git -c protocol.version={version} "
                       "ls-remote git@gw:t/a", env={"GIT_TRACE_PACKET": "1"})
        assert ("ls-remote< version 2" in done.stderr) == (version == "2")
    git.conf(gl=["gitolite-shell = /opt/postern/probe"])
    git.gl.write("/opt/postern/probe", "#!/bin/sh\nenv >/tmp/probe\n"
                 'exec /usr/share/gitolite3/gitolite-shell "$@"\n', 0o755)
    git.run("bob", "git ls-remote git@gw:t/a")
    assert "GIT_PROTOCOL=version=2" in git.gl.read(
        "/tmp/probe").splitlines()


def test_the_servers_environment_is_made_anew(git):
    git.seed("t/a")
    git.conf(gl=["gitolite-shell = /opt/postern/probe"])
    git.gl.write("/opt/postern/probe", "#!/bin/sh\n"
                 "tr '\\0' '\\n' </proc/self/environ >/tmp/probe\n"
                 'exec /usr/share/gitolite3/gitolite-shell "$@"\n', 0o755)
    git.run("bob", "git ls-remote git@gw:t/a")
    env = dict(x.split("=", 1) for x in
               git.gl.read("/tmp/probe").splitlines())
    assert env.pop("POSTERN_SID") == git.audit("gl")[-1]["sid"]
    assert env == {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
        "HOME": "/home/git", "USER": "git", "LOGNAME": "git",
        "SSH_CONNECTION": f"{git.client.ip} 0 0.0.0.0 0",
        "SSH_ORIGINAL_COMMAND": "git-upload-pack 't/a'",
        "GIT_PROTOCOL": "version=2"}


def test_shallow_and_partial_clones(way):
    git = way
    git.seed("t/a", commits=4)
    git.as_git("git -C /home/git/repositories/t/a.git config "
               "uploadpack.allowFilter true")
    git.run("bob", "git clone -q --depth 2 git@gw:t/a s")
    assert git.run("bob", "git -C s rev-list --count HEAD").stdout == "2\n"
    git.run("bob", "cd s && git fetch -q --unshallow")
    assert git.run("bob", "git -C s rev-list --count HEAD").stdout == "4\n"
    git.run("bob", "git clone -q --no-checkout --filter=blob:none "
            "git@gw:t/a p")
    lack = git.run("bob", "git -C p rev-list --objects --missing=print HEAD")
    assert len(re.findall(r"^\?", lack.stdout, re.M)) == 4
    git.run("bob", "git -C p checkout -q master && test -e p/file4")


def test_an_archive(way):
    git = way
    git.seed("t/a", commits=2)
    out = git.run("bob", "git archive --remote=git@gw:t/a v1 | tar t").stdout
    assert out.split() == ["file1", "file2"]


def test_gitolites_own_commands(git):
    git.seed("t/a")
    done = git.ssh("bob", "info")
    assert done.returncode == 0 and "hello bob, this is git@" in done.stdout
    assert re.search(r"^ R\s+t/a$", done.stdout, re.M), done.stdout
    assert "secret" not in done.stdout
    assert git.ssh("bob", "desc t/a").returncode == 0
    done = git.ssh("bob")
    assert done.returncode == 1 and "there is no shell here" in done.stderr
    assert git.audit("gw")[-1]["event"] == "refused"
    git.conf(gw=["login-info = yes"])
    assert "hello bob" in git.ssh("bob").stdout


def test_each_has_ones_own_rights(git):
    git.seed("t/a")
    git.run("bob", "git clone -q git@gw:t/a a")
    done = git.run("bob", "cd a && git commit -q --allow-empty -m no && "
                   "git push -q", check=False)
    assert done.returncode != 0 and "DENIED by fallthru" in done.stderr
    done = git.run("bob", "git ls-remote git@gw:secret", check=False)
    assert "DENIED" in done.stderr
    git.run("alice", "git ls-remote git@gw:secret")


def test_all_keys_of_a_user_are_that_user(git):
    git.seed("t/a")
    seen = set()
    for key in ("id_ed25519", "second"):
        done = git.ssh("dave", "info", options=[
            "-i", f"/home/dave/.ssh/{key}", "-o", "IdentitiesOnly=yes"])
        assert "hello dave," in done.stdout
        seen.add(git.audit("gw")[-1]["fp"])
    public = [git.client.run(["ssh-keygen", "-lf",
                              f"/home/dave/.ssh/{key}.pub"]).stdout.split()[1]
              for key in ("id_ed25519", "second")]
    assert seen == set(public)


def test_gitolites_log_has_the_clients_address(git):
    git.seed("t/only-here")
    lines = [x for x in git.gitolite_log().splitlines() if "only-here" in x
             and "\tssh\t" in x]
    assert lines
    for x in lines:
        assert "\tssh\tARGV=alice\tSOC=" in x and x.endswith(
            f"FROM={git.client.ip}"), x


def test_both_sides_write_down_the_same_session(git):
    git.seed("t/a")
    git.run("bob", "git ls-remote git@gw:t/a")
    ends = [git.audit(side, "end")[-1] for side in ("gw", "gl")]
    public = git.client.run(["ssh-keygen", "-lf",
                             "/home/bob/.ssh/id_ed25519.pub"]).stdout.split()
    for x in ends:
        x.pop("time"), x.pop("ms")      # the next test's
    assert ends[0] == ends[1]
    assert ends[0] == {
        "event": "end", "sid": ends[0]["sid"], "id": "bob",
        "ip": git.client.ip, "fp": public[1], "verb": "git-upload-pack",
        "repo": "t/a", "exit": 0}
    for side in ("gw", "gl"):
        assert git.audit(side, "begin")[-1]["sid"] == ends[0]["sid"]
    for host in (git.gw, git.gl):
        out = host.run(["journalctl", "-q", "-o", "cat", "-t",
                        "postern-git", "--no-pager"]).stdout
        assert ends[0]["sid"] in out


def test_a_session_took_as_long_as_both_sides_say(git):
    """The gateway's time has the server's in it, and the client's has both."""
    git.hold()
    began = time.monotonic()
    with git.start("bob", "ssh -T git@gw info", stdout=-1) as ssh:
        git.held()
        held = time.monotonic()
        git.wait_audit("gl", lambda x: x["event"] == "begin")
        proc.wait_for(lambda: time.monotonic() > held + 0.3, 30, "0.3 s")
        least = time.monotonic() - held
        git.go()
        ssh.communicate(timeout=60)
    most = time.monotonic() - began
    gw, gl = (git.wait_audit(side, lambda x: x["event"] == "end")
              for side in ("gw", "gl"))
    assert gw["sid"] == gl["sid"]
    # Whole milliseconds of each.
    assert 1000 * least - 1 <= gl["ms"] <= gw["ms"] + 1 <= 1000 * most + 2
    for side, end in (("gw", gw), ("gl", gl)):
        begin, = git.audit(side, "begin")
        for x in (begin, end):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", x["time"])
        assert begin["time"] <= end["time"]


def test_a_failing_command_ends_with_gitolites_status(git):
    done = git.ssh("bob", "git-upload-pack 'nothing/here'")
    assert done.returncode not in (0, 255) and "DENIED" in done.stderr
    assert git.audit("gw")[-1]["exit"] == done.returncode
