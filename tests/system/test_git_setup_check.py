# SPDX-License-Identifier: ISC
"""postern git check and status: what is wrong on a host, or on the way between
two, is named with its cure, and what is not is not."""

import base64
import json

import pytest

from gitsetuplib import (DROPIN, ETC, KEYS, RC, breaks,  # noqa: F401
                         drop_in, findings, generations, ready, wait_masters)


def test_the_check_finds_nothing_wrong(ready):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    before = generations(ready)
    conf = ready.gl.read("/etc/postern/git.conf")
    ready.gl.write("/etc/postern/git.conf", f"{conf}deny-admins = no\n")
    try:
        said = ready.gl.run("postern git check").stdout
        assert "       note: admin may write to gitolite-admin: a g" in said
        ready.gl.write("/etc/postern/git.conf", conf)
        for host, rows in ((ready.gl, 13), (ready.gw, 15)):
            assert findings(host, 0) == {}
            said = host.run("postern git check").stdout
            assert said.count("ok     ") == len(said.splitlines()) == rows
    finally:
        ready.gl.write("/etc/postern/git.conf", conf)
    # Its key came and went, and nothing is left of it.
    assert generations(ready) == before
    assert not ready.gl.exists("/run/postern-git-check")
    assert "postern-check" in ready.gl.run(
        "journalctl -t postern-git -o cat").stdout


@pytest.mark.parametrize("side, other, path, finding, why", [
    ("gw", "gl", f"{ETC}/authorized_keys",
     "the git server lets this gateway in", "Permission denied"),
    ("gw", "gw", f"{ETC}/known_hosts",
     "the git server lets this gateway in", "Host key verification"),
    ("gw", "gw", DROPIN, "sshd on this gateway reads the keys",
     "authorizedkeysfile"),
    ("gw", "gw", "/var/lib/postern/git/keys/current",
     "keys are in force, and not too old", "no keys have come"),
    ("gl", "gl", RC, "gitolite runs the trigger", "gitolite"),
    ("gl", "gl", "/var/lib/postern/git/admins",
     "who may change gitolite's settings is denied to the gateway",
     "nobody may come through a gateway before gitolite was asked"),
    ("gl", "gl", DROPIN, "sshd on this server reads the gateway's key",
     "authorizedkeysfile"),
    ("gl", "gw", f"{ETC}/authorized_keys", "the gateway takes the keys",
     "Permission denied"),
    ("gl", "gw", f"{ETC}/allowed_signers", "the gateway takes the keys",
     "allowed_signers"),
    ("gl", "gl", "/usr/share/gitolite3/gitolite-shell",
     "gitolite is where git.conf says", "No such file"),
])
def test_the_check_names_what_is_wrong(ready, side, other, path, finding,
                                       why):
    ready.gl.run("postern git push-keys")
    off, on = breaks(getattr(ready, other), path)
    off()
    try:
        wrong = findings(getattr(ready, side), 1)
        text = getattr(ready, side).run("postern git check", check=False)
    finally:
        on()
    assert finding in wrong and why in wrong[finding]
    assert f"WRONG  {finding}" in text.stdout
    assert "cure: " in text.stdout


NO_FILE = (f" {KEYS}/current/authorized_keys", "")
COMMAND = ("AuthorizedKeysCommand none",
           "AuthorizedKeysCommand /usr/local/bin/keys %t %k\n"
           "\tAuthorizedKeysCommandUser git")


@pytest.mark.parametrize("keys, changes, whys", [
    # What was pushed is not what sshd reads.
    ("", [NO_FILE], {
        "a key that was pushed is let in": "refused a key that it has taken",
    }),
    ("", [("AcceptEnv GIT_PROTOCOL", "AcceptEnv X")], {
        "who it is and git's protocol come through": "gitproto="}),
    # Anybody comes in, with a shell.
    ('echo "$1 $2"', [NO_FILE, COMMAND], {
        "the gateway refuses a key that nobody knows": "let in a key",
        "a key that was pushed is let in": "status 127"}),
    # One that forgets nothing.
    (f"cat {KEYS}/current/authorized_keys >>/tmp/seen; cat /tmp/seen",
     [NO_FILE, COMMAND], {
         "a key that went is refused at once": "let in a key that is gone"}),
])
def test_the_check_tries_what_sshd_really_does(ready, drop_in, keys, changes,
                                               whys):
    """What sshd -T says on the gateway is not asked from here."""
    ready.gw.write("/usr/local/bin/keys", f"#!/bin/sh\n{keys}\n", 0o755)
    drop_in(*changes)
    before = generations(ready)
    try:
        wrong = findings(ready.gl, 1)
    finally:
        ready.gw.run("rm -f /tmp/seen")
    assert list(wrong) == list(whys)
    for finding, why in whys.items():
        assert why in wrong[finding]
    assert generations(ready) == before


def test_where_git_shell_serves_the_check_wants_no_gitolite(ready):
    gl = ready.gl
    conf = gl.read("/etc/postern/git.conf")
    off, on = breaks(gl, RC)
    gl.write("/usr/local/bin/plain", "#!/bin/sh\n"
             'exec git-shell -c "$SSH_ORIGINAL_COMMAND"\n', 0o755)
    gl.run("install -d /srv/git-keys; "
           "install -m 644 /home/git/.gitolite/keydir/alice.pub /srv/git-keys")
    plain = (f"{conf}gitolite-shell = /usr/local/bin/plain\n"
             "keydir = /srv/git-keys\n")
    gl.write("/etc/postern/git.conf", plain)
    off()
    try:
        done = gl.run("postern git check --json", check=False)
        text = gl.run("postern git check").stdout
        there = ready.gw.run("postern git check --json", check=False)
        gl.write("/etc/postern/git.conf",
                 plain.replace("bin/plain", "bin/none"))
        wrong = findings(gl, 1)
    finally:
        on()
        gl.write("/etc/postern/git.conf", conf)
        gl.run("rm -r /srv/git-keys; postern git push-keys --force")
    rows = [json.loads(x) for x in done.stdout.splitlines()]
    not_here = [r["check"] for r in rows if r["ok"] is None]
    assert not_here == ["gitolite runs the trigger",
                        "who may change gitolite's settings is denied to the gateway",
                        "gitolite answers it",
                        "git answers in version 2 of its protocol"]
    assert all("not here" in r["note"] for r in rows if r["ok"] is None)
    assert done.returncode == 0 and len(rows) == 13
    assert "WRONG" not in text and text.count("note: not here: ") == 4
    # The gateway hears of it from the server.
    rows = [json.loads(x) for x in there.stdout.splitlines()]
    assert [r["check"] for r in rows if r["ok"] is None] == not_here[2:]
    assert there.returncode == 0 and all(
        "another program" in r["note"] for r in rows if r["ok"] is None)
    # What does not serve is seen all the same.
    assert list(wrong) == ["gitolite is where git.conf says"]


def test_the_check_advises_the_index_for_many_keys(ready):
    """In a word; it is no mistake."""
    many = ready.gl.path("/home/git/.gitolite/keydir/many")
    many.mkdir(mode=0o755)
    for i in range(2100):
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + i.to_bytes(32, "big")
        (many / f"p{i}.pub").write_bytes(
            b"ssh-ed25519 " + base64.b64encode(blob))
    done = ready.gl.run("postern git push-keys --timeout 60s")
    assert "keys are in force" in done.stdout
    try:
        rows = [json.loads(x) for x in ready.gw.run(
            "postern git check --json").stdout.splitlines()]
        notes = [r["note"] for r in rows if r["note"]]
        assert len(notes) == 1 and "--lookup index" in notes[0]
        assert "note: " in ready.gw.run("postern git check").stdout
    finally:
        ready.gl.run("rm -r /home/git/.gitolite/keydir/many; "
                     "postern git push-keys --force")


def test_the_check_sees_a_pool_and_a_timer_that_stand_still(ready):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    ready.gw.run("systemctl stop postern-git-mux")
    ready.gl.run("systemctl stop postern-git-push.timer")
    try:
        assert findings(ready.gw, 1) == {
            "connections to the git server stand ready": "0 of 2 are up"}
        assert list(findings(ready.gl, 1)) == [
            "keys are brought again by themselves"]
    finally:
        ready.gw.run("systemctl start postern-git-mux")
        ready.gl.run("systemctl start postern-git-push.timer")


def test_the_check_sees_keys_that_are_too_old(ready):
    """A day is what they have by themselves."""
    gw, gl = ready.gw, ready.gl
    wait_masters(ready)
    gl.run("systemctl stop postern-git-push.timer; postern git push-keys")
    sequence, _, *rest = gw.read(f"{KEYS}/refreshed").split()
    try:
        for ago, finds in ((86000, []), (87000, [
                "keys are in force, and not too old"])):
            then = gw.run("date +%s").stdout.strip()
            gw.write(f"{KEYS}/refreshed", " ".join(
                [sequence, str(int(then) - ago), *rest]) + "\n")
            assert list(findings(gw, len(finds))) == finds
    finally:
        gl.run("systemctl start postern-git-push.timer; "
               "postern git push-keys")


def test_a_refusal_is_escaped_once(ready):
    said = ready.alice(r"""ssh git@gw "git-upload-pack 'a\\b'" """,
                       check=False).stderr
    assert r"a\\b" in said and r"a\\\\b" not in said


def test_status_of_both_sides(ready):
    def status(host, code=0):
        done = host.run("postern git status --json", check=False)
        assert done.returncode == code, done
        return json.loads(done.stdout)
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    gw, gl = status(ready.gw), status(ready.gl)
    assert gw["side"] == "gateway" and gl["side"] == "server"
    assert gw["sequence"] == gl["sequence"] > 0
    assert gw["keys"] == gl["keys"] > 0
    assert gl["ok"] and not gw["stale"] and gw["generation"] > 0
    assert f"sequence {gw['sequence']}, " in ready.gw.run(
        "postern git status").stdout
    # The gateway gone: the server says so, and does not hide its drift.
    ready.gw.run("systemctl stop ssh.socket ssh", check=False)
    try:
        ready.gl.run("postern git push-keys --timeout 2s", check=False)
        gl = status(ready.gl, 1)
        assert not gl["ok"] and gl["why"] and gl["not-asked"]
        assert "FAILED, the gateway has older keys" in ready.gl.run(
            "postern git status", check=False).stdout
    finally:
        ready.gw.run("systemctl start ssh")
        ready.gw.wait_up()
    ready.gl.run("postern git push-keys")
    assert status(ready.gl)["ok"] and status(ready.gl)["agree"]
    assert status(ready.gw)["sequence"] == status(ready.gl)["sequence"]


def test_check_and_status_before_any_setup_say_so(ready):
    off, on = breaks(ready.gl, "/etc/postern/git.conf")
    off()
    ready.gl.write("/etc/postern/git.conf", "[server]\nstate-dir = /srv/none\n")
    try:
        for cmd in ("check", "status"):
            done = ready.gl.run(f"postern git {cmd}", check=False)
            assert done.returncode == 1
            assert "neither [gateway] has a server" in done.stderr
    finally:
        on()
