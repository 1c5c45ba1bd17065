# SPDX-License-Identifier: ISC
"""A mirror that a set-up made, by the lines of docs/git.md: what it denies, when
it serves, and what says whether it would."""

import json
import re
import shutil

import pytest

from doclib import BUILDS, TREE, tutorial
from gitkeylib import fingerprint
from gitlib import CONF, ETC
from lab import proc
from test_git_mirror import HELD
from gitsetuplib import RC, Setup, findings

# A gateway that the set-up made, and the lines of docs/git.md for a mirror.
LINES = [x for x in tutorial(TREE / "docs/git.md")
         if x.hint.startswith("a mirror")]
REPLACED = re.compile(r"'ssh-\S+[^']*'")
ROW = "each mirror lets this gateway in"


def copy_git(ready):
    """What gitolite's mirroring would have brought by now."""
    ready.gl.run("tar -C /home -cf /tmp/git.tar --exclude .gitolite.rc git")
    shutil.copy(ready.gl.path("/tmp/git.tar"), ready.gl2.path("/tmp/git.tar"))
    ready.gl2.run("tar -C /home -xf /tmp/git.tar")


@pytest.fixture(scope="module")
def ready(lab):
    made = Setup(lab, ("h47", "h48", "h49"))
    made.gl2, = lab.fresh(1)
    made.gl2.run("useradd -m -s /bin/sh -p '*' git")
    for host in (made.gw, made.client):
        host.write("/etc/hosts",
                   host.read("/etc/hosts") + f"{made.gl2.ip} gl2\n")
    made.gl2.write("/etc/hosts", made.gl2.read("/etc/hosts")
                   + f"{made.gw.ip} gw\n")
    rc = made.gl.read("/home/git/.gitolite.rc")
    made.all()
    proc.wait_for(lambda: made.gw.run(
        ["ssh-keyscan", "-t", "ed25519", "localhost"],
        check=False).stdout, 20, "sshd after its reload")
    made.alice("git init -q -b master s && cd s && date >f && git add f && "
               "git commit -qm one && git push -q git@gw:t/x master")
    copy_git(made)
    made.gl2.write("/home/git/.gitolite.rc", rc)
    made.gl2.run("chown git: /home/git/.gitolite.rc")
    yield made
    for host in (*made.hosts, made.gl2):
        host.link.restore()
        lab.remove(host)


def walk(ready):
    """Each line as it stands there, with what was printed for it."""
    printed, said = None, {}
    for line in LINES:
        host, command = getattr(ready, line.host), line.command
        if "as printed" in line.hint:
            assert REPLACED.sub("'K'", printed) == re.sub(
                "'(HOST)?KEY'", "'K'", command), printed
            command = printed
        if command == BUILDS:
            ready.install(host)
            continue
        done = host.run(command, check=False)
        assert done.returncode == line.expect, done
        printed = done.stdout.strip()
        said[line.command] = (command, done)
    return said


def state(ready, code, *words):
    done = ready.gw.run(["postern", "git", "status", *words], check=False)
    assert done.returncode == code, done
    return done.stdout


def test_a_mirror_is_set_up_by_the_lines_of_the_tutorial(ready):
    assert json.loads(state(ready, 0, "--json"))["mirrors"] == []
    # Nothing that is not pinned is asked.
    dry = ready.gw.run("postern git setup-gateway --mirror git@gl2 -n",
                       check=False)
    assert dry.returncode == 2 and "done: " not in dry.stderr
    said = walk(ready)
    first, there, last, check, status = said.values()
    assert "missing: the host key of git@gl2" in first[1].stderr
    assert "mirror = " not in first[1].stderr
    assert ("done: host key of git@gl2 pinned: "
            + fingerprint(ready.gl2.host_key)) in last[1].stderr
    assert f"done: {CONF}: mirror = git@gl2" in last[1].stderr
    assert "checked: git@gl2 lets this gateway in" in last[1].stderr
    assert f"ok     {ROW}\n" in check[1].stdout
    assert "  mirror       git@gl2: would serve reads\n" in status[1].stdout
    assert json.loads(state(ready, 0, "--json"))["mirrors"] == [
        {"mirror": "git@gl2", "asked": True, "ok": True, "why": None}]
    # Twice is once.
    for host, (command, _) in ((ready.gl2, there), (ready.gw, last)):
        assert "done: " not in ready.paste(host, command, 0)[1]
    # It has nothing to bring keys with, and takes nothing but reads.
    gl2 = ready.gl2
    assert gl2.run(f"ls {ETC}").stdout == "authorized_keys\ngitolite\n"
    assert "postern" not in gl2.run("ls /etc/systemd/system").stdout
    for verb, code in (("upload", 0), ("receive", 1)):
        done = gl2.run(["postern", "git", "explain", "--side", "server",
                        "--id", "alice", f"git-{verb}-pack 't/x'"],
                       check=False)
        assert done.returncode == code, done
    assert "can only be read" in done.stdout + done.stderr


WHO = "who may change gitolite's settings is denied to the gateway"


UNASKED = "nobody may come through a gateway before gitolite was asked"


def test_a_mirror_denies_who_administers_gitolite(mirrored):
    ready, gl2 = mirrored, mirrored.gl2
    at = "/var/lib/postern/git/admins"
    as_git = "cd /home/git; runuser -u git -- env HOME=/home/git"
    explain = ["postern", "git", "explain", "--side", "server", "--id",
               "admin", "git-upload-pack 't/x'"]

    def denied(why="rules all"):
        done = gl2.run(explain, check=False)
        return done.returncode == 1 and why in done.stdout

    # As the set-up has left it.
    assert gl2.read(at) == "admin\n" and denied()
    assert findings(gl2, 0) == {}
    try:
        # Where nobody asked it serves nobody; that is seen and said.
        gl2.run(["rm", at])
        assert denied(UNASKED) and denied("postern git setup-server --mirror")
        assert UNASKED in findings(gl2, 1)[WHO]
        found, = json.loads(state(ready, 2, "--json"))["mirrors"]
        assert not found["ok"] and UNASKED in found["why"]
        assert UNASKED in findings(ready.gw, 1)[ROW]
        # gitolite's mirroring compiles; there are no keys to be pushed.
        done = gl2.run(f"{as_git} gitolite trigger POST_COMPILE")
        assert done.stderr == "" and gl2.read(at) == "admin\n"
        assert denied() and findings(gl2, 0) == {}
        state(ready, 0)
        # By hand, too; that there is nothing to push is told there.
        gl2.run(["rm", at])
        done = gl2.run("postern git push-keys", check=False)
        assert done.returncode == 1 and "no gateway" in done.stderr, done
        assert denied()
    finally:
        gl2.run(f"{as_git} gitolite trigger POST_COMPILE")


def test_a_mirror_that_was_not_told_who_administers_it_serves_nobody(
        mirrored):
    """Not even when the server is cut off; the client reads why."""
    ready, gl2 = mirrored, mirrored.gl2
    at = "/var/lib/postern/git/admins"
    ready.gl.link.cut()
    gl2.run(f"mv {at} {at}.off")
    try:
        done = ready.alice("git ls-remote git@gw:t/x", check=False)
        assert done.returncode != 0 and done.stdout == "", done
        assert f"git server: refused: {UNASKED}" in done.stderr
        gl2.run(f"mv {at}.off {at}")
        assert "HEAD" in ready.alice("git ls-remote git@gw:t/x").stdout
    finally:
        gl2.run(f"mv {at}.off {at}", check=False)
        ready.gl.link.restore()


@pytest.fixture
def mirrored(ready):
    if "mirror = " not in ready.gw.read(CONF):
        walk(ready)
    return ready


def test_a_mirror_that_was_set_up_serves_when_the_server_is_cut(mirrored):
    ready = mirrored
    ready.gl.link.cut()
    try:
        ready.alice("rm -rf c && git clone -q git@gw:t/x c && cmp s/f c/f")
    finally:
        ready.gl.link.restore()
    assert '"via":"git@gl2"' in ready.gw.run(
        "postern git audit --json").stdout.replace('": ', '":')


def test_the_status_says_of_each_mirror_whether_it_would_serve(mirrored):
    ready, keys = mirrored, f"{ETC}/authorized_keys"
    command = "postern git setup-gateway --mirror ssh://git@gl2:22"
    conf, kept = ready.gw.read(CONF), ready.gl2.read(keys)
    try:
        # A second one, behind the first.
        _, said = ready.paste(ready.gw, command, 0)
        assert "done: " in said
        names = ["git@gl2", "ssh://git@gl2:22"]
        assert [x["mirror"] for x in json.loads(
            state(ready, 0, "--json"))["mirrors"]] == names
        ready.gw.write(CONF, conf)
        public = kept.split('" ', 1)[1]
        for text, why in (("", "Permission denied"),
                          *((held + public, "postern-check" if held else
                             "status 127") for held in HELD)):
            ready.gl2.write(keys, text)
            found, = json.loads(state(ready, 2, "--json"))["mirrors"]
            assert not found["ok"] and "git@gl2: " in found["why"]
            assert why in found["why"]
            assert "WOULD SERVE NOTHING: git@gl2: " in state(ready, 2)
            assert "git@gl2" in findings(ready.gw, 1)[ROW]
            # And the set-up says what is to be done.
            _, said = ready.paste(
                ready.gw, command, 2 if text == "" else 1)
            assert ("one step is left: " if text == "" else "WRONG: ") in said
            ready.gw.write(CONF, conf)
    finally:
        ready.gl2.write(keys, kept)
        ready.gw.write(CONF, conf)
    state(ready, 0)
    # A frozen one has the time that is given; ssh has a longer one.
    ready.gl2.run("systemctl kill -s STOP ssh")
    try:
        found, = json.loads(state(ready, 2, "--json", "-t",
                                  "2s"))["mirrors"]
        assert found["why"].startswith("git@gl2: took too long"), found
    finally:
        ready.gl2.run("systemctl kill -s CONT ssh")


SHELL = "/usr/share/gitolite3/gitolite-shell"


@pytest.mark.parametrize("program, why", [
    (None, "gitolite-shell"),
    ("echo 'FATAL: no home' >&2; exit 1", "FATAL: no home"),
    ("exec sleep 60", "took too long"),
])
def test_a_mirror_whose_gitolite_fails_would_not_serve(mirrored, program, why):
    """postern-git-serve answers there all the same."""
    ready, gl2 = mirrored, mirrored.gl2
    conf = ready.gw.read(CONF)
    gl2.run(f"mv {SHELL} {SHELL}.off")
    if program is not None:
        gl2.write(SHELL, f"#!/bin/sh\n{program}\n", 0o755)
    limit = ["--timeout", "6s"] if "sleep" in str(program) else []
    try:
        found, = json.loads(state(ready, 2, "--json", *limit))["mirrors"]
        assert not found["ok"] and why in found["why"], found
        rows = [json.loads(x) for x in ready.gw.run(
            ["postern", "git", "check", "--json", *limit], check=False
            ).stdout.splitlines()]
        row, = (r for r in rows if r["check"] == ROW)
        assert row["ok"] is False and why in row["why"], row
        _, said = ready.paste(ready.gw, " ".join(
            ["postern git setup-gateway --mirror ssh://git@gl2:22", *limit]),
            1)
        assert "WRONG: ssh://git@gl2:22 lets this host in, but: " in said
        assert why in said and "can't be reached" not in said
    finally:
        gl2.run(f"mv {SHELL}.off {SHELL}")
        ready.gw.write(CONF, conf)
    state(ready, 0)


def test_a_mirror_with_another_program_than_gitolite_is_not_asked_to_greet(
        mirrored):
    ready, gl2 = mirrored, mirrored.gl2
    conf = gl2.read(CONF) if gl2.exists(CONF) else ""
    gl2.run(f"mv {RC} {RC}.off; install -d /home/git/keydir")
    gl2.write("/usr/local/bin/another", "#!/bin/sh\nexit 1\n", 0o755)
    gl2.write(CONF, f"{conf}\n[server]\nkeydir = /home/git/keydir\n"
              "gitolite-shell = /usr/local/bin/another\n")
    try:
        assert json.loads(state(ready, 0, "--json"))["mirrors"][0]["ok"]
        assert ROW not in findings(ready.gw, 0)
    finally:
        gl2.run(f"mv {RC}.off {RC}; rmdir /home/git/keydir")
        gl2.write(CONF, conf)
    state(ready, 0)


def test_no_mirror_is_set_up_beside_exec_and_one_that_is_set_is_not_asked(
        mirrored):
    ready, conf = mirrored, mirrored.gw.read(CONF)
    with_exec = conf + "exec = yes\n"
    ready.gw.write(CONF, with_exec)
    try:
        done = ready.gw.run("postern git setup-gateway --mirror git@gl2",
                            check=False)
        assert done.returncode == 1 and done.stdout == "", done
        assert "exec = yes, with which no session asks a mirror" in done.stderr
        assert ready.gw.read(CONF) == with_exec
        rows = [json.loads(x) for x in ready.gw.run(
            "postern git check --json").stdout.splitlines()]
        row, = (r for r in rows if r["check"] == ROW)
        assert row["ok"] is None
        assert "no session asks one: exec" in row["note"]
        assert "git@gl2: would serve reads; no session asks it (exec)\n" in \
            state(ready, 0)
        # One that is dead is nobody's trouble.
        ready.gw.write(CONF, with_exec.replace("mirror = git@gl2",
                                               "mirror = git@client"))
        assert ROW not in findings(ready.gw, 0)
        found, = json.loads(state(ready, 0, "--json"))["mirrors"]
        assert (found["asked"], found["ok"]) == (False, False), found
    finally:
        ready.gw.write(CONF, conf)


def test_what_can_be_no_mirror_is_told(mirrored):
    ready = mirrored
    for host, words, code, why in (
            ("gw", "setup-gateway --mirror git@gl2 --server git@gl", 64,
             "without --server"),
            ("gw", "setup-gateway --mirror git@gl", 1,
             "is the git server itself"),
            ("gl2", "setup-gateway --mirror git@gl", 1, "has no server"),
            ("gw", "setup-gateway --mirror git@gl2 --here root@gw", 1,
             "the gateway's logins are not root's"),
            ("gw", "setup-server --mirror --gateway git@gw", 1,
             "this host is a gateway already"),
            ("gl", "setup-server --mirror --gateway git@gw", 1,
             "this host is a git server already"),
            ("gw", "setup-gateway --mirror git@gl2 --host-key "
             f"'{ready.gw.host_key}'", 1, "another host key"),
            ("gl2", "setup-server --mirror --gateway git@gw --host-key x", 64,
             "without --host-key")):
        machine = getattr(ready, host)
        before = machine.read(CONF)
        done = machine.run(f"postern git {words}", check=False)
        assert why in done.stderr and done.returncode == code, done
        assert machine.read(CONF) == before
