# SPDX-License-Identifier: ISC
"""postern git explain ID COMMAND says of each command what the real programs
do with it, and does nothing itself."""

import json

import pytest

from gitlib import POSTERN, RUN, git, git_hosts  # noqa: F401
from lab import proc
from test_git_refuse import BY_KEY, COMMANDS, RAW

SID = "0" * 16
GOOD = ["info", "help", "desc t/a", "git-upload-pack 't/a'",
        "git-upload-pack '/t/a.git'", "git-receive-pack 't/a'",
        "git-upload-archive 't/a'"]
# As a gateway may say them: what its own table refuses, too.
ASKED = [("alice", c) for c in [*GOOD, *COMMANDS[:60:3]]] + [
    (who, "info") for who in (
        "nobody", "carol", "dave", "server-gl2", "zzz-marked-for-add-x",
        "-oX", "a b", "../alice", "", "alice@laptop", "admin", "al\nice",
        "a" * 65, "alice ip=- fp=- sid=" + SID + " -- info")]


def explain(host, *words, user=None, **kwargs):
    """Its exit status and its one line."""
    as_user = ["setpriv", "--reuid", user, "--regid", user,
               "--init-groups"] if user else []
    done = host.run([*as_user, POSTERN, "explain", *words], check=False,
                    text=False, **kwargs)
    assert done.returncode in (0, 1) and done.stderr == b"", done
    said = done.stdout
    assert said.count(b"\n") == 1 and said.endswith(b"\n"), done
    assert all(0x20 <= c < 0x7f for c in said[:-1]), done
    return done.returncode, said[:-1].decode()


def test_the_gateways_verdict_is_that_of_its_forced_command(git):
    git.seed("t/a")
    for command in [*GOOD, *COMMANDS, *RAW]:
        begun = len(git.audit("gw", "begin"))
        real = git.ssh("alice", command, text=False, input=b"0000")
        begun = len(git.audit("gw", "begin")) - begun
        status, said = explain(git.gw, "--id", "alice", "--", command)
        assert status == 1 - begun, (command[:80], said, real)
        if status == 1:
            assert real.stderr.decode() == f"git gateway: {said}\n"
        else:
            assert said.startswith("/usr/bin/ssh -E ")
    # A login without a command: what sshd gives then is the same to us.
    assert explain(git.gw, "--id", "alice", "")[1] == \
        git.ssh("alice").stderr[len("git gateway: "):-1]


def test_the_servers_verdict_is_that_of_its_forced_command(git):
    git.seed("t/a")
    for who, command in ASKED:
        begun = len(git.audit("gl", "begin"))
        real = git.gw.run(
            [*BY_KEY, "-T", "git@gl", "--",
             f"v1 id={who} ip=- fp=- sid={SID} -- {command}"], check=False,
            input="0000")
        begun = len(git.audit("gl", "begin")) - begun
        status, said = explain(git.gl, "--id", who, "--", command,
                               user="git")
        assert status == 1 - begun, (who, command, said, real)
        if status == 1:
            assert real.stderr == f"git server: {said}\n"
        else:
            assert f"gitolite-shell {who}" in said


def test_settings_count_as_they_do_for_sessions(git):
    git.seed("t/a")
    limits = ["read-only = t/*", "deny-repo = t/hidden", "command = info"]
    git.conf(gw=[*limits, "login-info = yes"],
             gl=[*limits, "deny-id = da*"])
    for host, user in ((git.gw, None), (git.gl, "git")):
        for command, why in (
                ("git-receive-pack 't/a'", "can only be read"),
                ("git-upload-pack 't/hidden'", "is not reached"),
                ("help", "is not let through here"), ("info", None),
                ("git-upload-pack 't/a'", None)):
            status, said = explain(host, "--id", "alice", command, user=user)
            assert status == (why is not None), said
            assert (why or "") in said
    assert explain(git.gw, "--id", "alice", "")[0] == 0
    assert explain(git.gl, "--id", "dave", "info", user="git") == (
        1, "refused: 'dave' may not come through a gateway")


def mask(words, *keys):
    """The words, without what each session has of its own."""
    found = []
    for word in words:
        for key in keys:
            if f"{key}=" in word:
                head, tail = word.split(f"{key}=", 1)
                word = head + f"{key}=X" + tail[len(tail.split(" ")[0]):]
        found.append(word)
    return found


def test_the_argv_is_the_one_that_runs(git):
    git.seed("t/a")
    git.hold()
    client = git.start("bob", "git -c protocol.version=2 ls-remote "
                       "git@gw:t/a", stdout=-1)
    git.held()
    pid = git.wait_pid(git.gw, "/usr/bin/ssh -E")
    real = [w.decode() for w in
            proc.read(f"/proc/{pid}/cmdline").split(b"\0")[:-1]]
    git.go()
    client.communicate(timeout=60)
    said = json.loads(explain(
        git.gw, "--json", "--id", "bob", "git-upload-pack 't/a'",
        env={"GIT_PROTOCOL": "version=2"})[1])
    assert said["allowed"] and said["side"] == "gateway"
    assert said["command"] == "git-upload-pack 't/a'"
    assert real[1] == said["argv"][1] == "-E"
    del real[2], said["argv"][2]
    assert mask(said["argv"], "ip", "fp", "sid") == \
        mask(real, "ip", "fp", "sid")
    # The same as text, for a shell.
    text = explain(git.gw, "--id", "bob", "info")[1]
    words = git.gw.run(["sh", "-c", f'printf "%s\\n" {text}']).stdout
    assert words.splitlines()[-1] == \
        f"v1 id=bob ip=- fp=- sid={SID} -- info"


def test_gitolite_would_get_what_it_gets(git):
    git.seed("t/a")
    git.conf(gl=["gitolite-shell = /opt/postern/probe"])
    git.gl.write("/opt/postern/probe", "#!/bin/sh\n"
                 "tr '\\0' '\\n' </proc/self/environ >/tmp/probe\n"
                 'echo "$0 $*" >>/tmp/probe\n', 0o755)
    git.ssh("bob", "desc t/a", check=True)
    *real, argv = git.gl.read("/tmp/probe").splitlines()
    said = json.loads(explain(git.gl, "--json", "--id", "bob", "desc t/a",
                              user="git")[1])
    assert " ".join(said["argv"]) == argv == "/opt/postern/probe bob"
    own = ("SSH_CONNECTION", "POSTERN_SID")
    assert mask(said["environment"], *own)[:5] == mask(real, *own)[:5]
    assert {x.split("=")[0] for x in said["environment"]} == \
        {x.split("=")[0] for x in real}
    text = explain(git.gl, "--id", "bob", "desc t/a", user="git")[1]
    git.gl.write("/tmp/probe", "", 0o666)
    git.gl.run(["sh", "-ec", text])
    assert "SSH_ORIGINAL_COMMAND=desc t/a" in git.gl.read("/tmp/probe")


def test_nothing_comes_of_it(git):
    git.seed("t/a")

    def state():
        found = {host.name: [(p, st.st_size, st.st_mtime_ns) for p, st in
                             proc.walk(str(host.path(where)))]
                 for host, where in ((git.gw, RUN), (git.gw, "/home/git"),
                                     (git.gl, "/home/git/repositories"))}
        return found, git.audit("gw"), git.audit("gl")
    before = state()
    logged = [h.run("journalctl -q -t postern-git | wc -l").stdout
              for h in (git.gw, git.gl)]
    for command in ("git-receive-pack 't/new'", "sh"):
        explain(git.gw, "--id", "alice", command)
        explain(git.gl, "--id", "alice", command, user="git")
    assert state() == before
    assert logged == [h.run("journalctl -q -t postern-git | wc -l").stdout
                      for h in (git.gw, git.gl)]


@pytest.mark.parametrize("words, status, why", [
    (["--id", "a", "--side", "client", "info"], 64, "gateway or server"),
    (["--side", "server", "--id", "a"], 64, "which command?"),
    (["--key", "SHA256:x", "info"], 64, "a command needs --id"),
    (["info"], 64, "either --id or --key"),
    (["--id", "a", "info", "b"], 64, "one is enough"),
    (["--side", "gateway", "--id", "a", "info"], 1, "has no server"),
])
def test_what_can_not_be_asked_is_said(git, words, status, why):
    done = git.gl.run([POSTERN, "explain", *words], check=False)
    assert done.returncode == status and why in done.stderr, done
    assert done.stdout == ""


def test_the_other_side_can_be_asked_for(git):
    """A host that is both: the gateway unless --side says the server."""
    git.gw.write("/etc/postern/git.conf", git.gw.read(
        "/etc/postern/git.conf") + "[server]\nkeydir = /tmp\n")
    git.gw.write("/tmp/eve.pub", "")
    words = ["--json", "--id", "eve", "info"]
    assert json.loads(explain(git.gw, *words, user="git")[1])["side"] == \
        "gateway"
    status, said = explain(git.gw, "--side", "server", *words, user="git")
    assert status == 0 and json.loads(said)["side"] == "server"
    git.gw.run("rm /tmp/eve.pub")
