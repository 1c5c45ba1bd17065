# SPDX-License-Identifier: ISC
"""A mirror: what only reads goes there when the git server does not answer,
whatever has become of it, with a pool of connections and without one; what
writes waits for the server."""

import json
import os
import re
import shutil
import signal

import pytest

from doclib import BUILDS, TREE, tutorial
from gitkeylib import fingerprint
from gitlib import CONF, ETC, LOG, POSTERN, git, git_hosts  # noqa: F401
from lab import proc
from test_git_setup import Setup, findings

QUICK = ["connect-timeout = 2s", "alive-interval = 1s"]
MIRROR = "mirror = git@gl2"


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
        # A key that is held to nothing.
        gl2.write(keys, kept.split('" ', 1)[1])
        ok, why = look()
        assert not ok and "git@gl2" in why
        gl2.write(keys, kept)
        git.conf(gw=[*QUICK, MIRROR, "mirror = git@client"])
        ok, why = look()
        assert not ok and "git@client" in why
    finally:
        gl2.write(keys, kept)
        git.gw.run("rm -rf /var/lib/postern")


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
        {"mirror": "git@gl2", "ok": True, "why": None}]
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


def test_a_mirror_denies_who_administers_gitolite(mirrored):
    ready, gl2 = mirrored, mirrored.gl2
    at, line = "/var/lib/postern/git/admins", "deny-admins denies nobody"
    as_git = "cd /home/git; runuser -u git -- env HOME=/home/git"
    explain = ["postern", "git", "explain", "--side", "server", "--id",
               "admin", "git-upload-pack 't/x'"]

    def denied():
        done = gl2.run(explain, check=False)
        return done.returncode == 1 and "rules all" in done.stdout

    def warned():
        return gl2.run("journalctl -q -t postern-git -o cat").stdout.count(
            line)

    # As the set-up has left it.
    assert gl2.read(at) == "admin\n" and denied()
    assert findings(gl2, 0) == {}
    before = warned()
    try:
        # As it is where nobody asked: that is seen and said.
        gl2.run(["rm", at])
        assert not denied()
        assert "admin may write to gitolite-admin" in findings(gl2, 1)[WHO]
        state(ready, 0)
        assert warned() > before
        # gitolite's mirroring compiles; there are no keys to be pushed.
        done = gl2.run(f"{as_git} gitolite trigger POST_COMPILE")
        assert done.stderr == "" and gl2.read(at) == "admin\n"
        assert denied() and findings(gl2, 0) == {}
        before = warned()
        state(ready, 0)
        assert warned() == before
        # By hand, too; that there is nothing to push is told there.
        gl2.run(["rm", at])
        done = gl2.run("postern git push-keys", check=False)
        assert done.returncode == 1 and "no gateway" in done.stderr, done
        assert denied()
    finally:
        gl2.run(f"{as_git} gitolite trigger POST_COMPILE")


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
        for text, why in (("", "Permission denied"),
                          (kept.split('" ', 1)[1], "")):
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
