# SPDX-License-Identifier: ISC
"""postern git status on the gateway: what the git server has, and how each
connection to it does."""

import json

from gitprovelib import CONF, changed, ready  # noqa: F401
from gitsetuplib import ETC, wait_masters
from lab import proc


def status(host, code=0):
    done = host.run("postern git status", check=False)
    assert done.returncode == code, done
    return done.stdout


def js(host, code=0):
    done = host.run("postern git status --json", check=False)
    assert done.returncode == code, done
    return json.loads(done.stdout)


def test_the_gateways_status_sees_what_the_git_server_has(ready):
    ready.gl.run("postern git push-keys")
    gw, gl = js(ready.gw), js(ready.gl)
    assert gw["agree"] is True and gw["not-asked"] is None
    assert (gw["server-sequence"], gw["server-keys"], gw["server-ok"]) == (
        gl["sequence"], gl["keys"], True)
    assert f"  git server   sequence {gl['sequence']}, {gl['keys']} keys, " \
        "pushed " in status(ready.gw)
    assert " ago: the same\n" in status(ready.gw)
    # Others than the server's: it is seen from this side as well.
    key = ready.client.path("/home/alice/.ssh/drift")
    ready.lab.keygen(key, "dave@client")
    at = "/home/git/.gitolite/keydir/dave.pub"
    ready.gl.write(at, key.with_suffix(".pub").read_text())
    ready.gl.run("systemctl stop postern-git-push.timer")
    try:
        ready.gl.run("postern git push-keys")
        ready.gw.run("postern git rollback")
        assert js(ready.gw, 1)["agree"] is False
        text = status(ready.gw, 1)
        assert "DRIFT, this gateway has others\n" in text
        assert "they were rolled back from" in text
        assert "DRIFT" in ready.gl.run("postern git status", check=False
                                       ).stdout
        # A push that failed there is known here.
        ready.gw.run(f"mv {ETC}/allowed_signers {ETC}/off; "
                     f"echo >{ETC}/allowed_signers")
        ready.gl.run("postern git push-keys --timeout 2s", check=False)
        ready.gw.run(f"mv {ETC}/off {ETC}/allowed_signers")
        assert js(ready.gw, 1)["server-ok"] is False
        assert "its last push FAILED" in status(ready.gw, 1)
    finally:
        ready.gl.run(f"rm {at}; postern git push-keys --force; "
                     "systemctl start postern-git-push.timer")
    assert js(ready.gw)["agree"] is True


def test_the_gateways_status_says_how_each_connection_does(ready, changed):
    """Up, since when, with how many sessions, and what it failed of."""
    wait_masters(ready)
    ready.gw.run("systemctl restart postern-git-mux")
    wait_masters(ready)
    masters = js(ready.gw)["connections"]
    assert [(m["number"], m["state"], m["starts"], m["sessions"],
             m["failed"], m["why"]) for m in masters] == [
        (n, "up", 1, 0, 0, None) for n in range(2)]
    text = status(ready.gw)
    assert "  connections  2 of 2 up\n" in text
    for n in range(2):
        assert f"\n    {n}  up for " in text
    assert text.count(" s, 0 sessions, started 1 time\n") == 2
    # A session that goes on.
    changed(ready.gl, CONF, ready.gl.read(CONF) +
            "gitolite-shell = /usr/local/bin/goes-on\n")
    ready.gl.write("/usr/local/bin/goes-on",
                   "#!/bin/sh\necho on\nexec cat\n", 0o755)
    with ready.client.popen(
            ["runuser", "-u", "alice", "--", "ssh", "-o", "BatchMode=yes",
             "git@gw", "info"], env={"HOME": "/home/alice"}, text=True,
            stdin=-1, stdout=-1) as session:
        assert session.stdout.readline() == "on\n"
        assert sorted(m["sessions"] for m in js(ready.gw)["connections"]) == [
            0, 1]
        assert ", 1 session, started 1 time\n" in status(ready.gw)
        session.stdin.close()
        session.wait()
    # One that was ended, by its process: it comes again, and it is told.
    pid = ready.gw.run("pgrep -u git -f -- '-oControlPath=.*/mux/0|"
                       "ControlPath=\"/run/postern-git/mux/0' | head -1"
                       ).stdout.strip()
    ready.gw.run(["kill", "-9", pid])
    proc.wait_for(lambda: js(ready.gw)["connections"][0]["starts"] == 2
                  and js(ready.gw)["masters-up"] == 2, 30, "master 0 again")
    one = js(ready.gw)["connections"][0]
    assert one["failed"] >= masters[0]["since"] and one["why"]
    assert "\\" not in one["why"]
    text = status(ready.gw)
    assert "started 2 times; last failed " in text and f": {one['why']}" in text
    # Without the pool, and without one that is wanted.
    ready.gw.run("systemctl stop postern-git-mux")
    try:
        assert "  connections  0 of 2 up: nothing keeps them, see " in \
            status(ready.gw)
        changed(ready.gw, CONF, ready.gw.read(CONF) + "mux = 0\n")
        assert "  connections  none are kept: each session makes its own" in \
            status(ready.gw)
    finally:
        ready.gw.run("systemctl start postern-git-mux")
