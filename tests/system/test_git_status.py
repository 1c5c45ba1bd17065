# SPDX-License-Identifier: ISC
"""postern git status: keys that are too old are an alarm, and the git server
sees whether the gateway has what it pushed."""

import json
import os
import time

from gitkeylib import (CONF, ENV, ETC, POSTERN, STATE, STORE,  # noqa: F401
                       keys)
from gitlib import git, git_hosts  # noqa: F401
from lab import proc


def status(host, code, *words):
    done = host.run([POSTERN, "status", *words], check=False)
    assert done.returncode == code, done
    return done.stdout


def said(host, code):
    return json.loads(status(host, code, "--json"))


def test_the_server_asks_what_the_gateway_has(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    gl = said(keys.gl, 0)
    assert gl["agree"] and gl["gateway-sequence"] == gl["sequence"]
    assert gl["gateway-keys"] == gl["keys"] == 1
    assert f"sequence {gl['sequence']}, 1 keys: the same" in \
        status(keys.gl, 0)
    # The same keys again: another sequence, and no generation.
    keys.push()
    again = said(keys.gl, 0)
    assert again["sequence"] > gl["sequence"] and again["agree"]
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    keys.gw.run([POSTERN, "rollback"])
    gl = said(keys.gl, 1)
    assert gl["ok"] and gl["agree"] is False and gl["gateway-keys"] == 1
    text = status(keys.gl, 1)
    assert "DRIFT" in text and "rolled back" in text
    # What it was rolled back to is right from now on.
    keys.put("bob.pub", None)
    keys.push()
    assert said(keys.gl, 0)["agree"]
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    assert said(keys.gl, 0)["agree"]
    # What a push left that did not come to its end is no rollback.
    left = f"{STORE}/generations/{keys.current() + 1000}"
    keys.gw.run(["install", "-d", "-o", "git", "-g", "git", "-m", "700", left])
    assert said(keys.gl, 0)["agree"]
    assert not keys.send(b"", "auth-status").why
    keys.gw.run(["rmdir", left])


def test_a_gateway_that_can_not_be_asked_is_no_agreement(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    text = keys.gw.read("/etc/postern/git/authorized_keys")
    keys.gw.write("/etc/postern/git/authorized_keys", "")
    gl = said(keys.gl, 2)
    assert gl["ok"] and gl["agree"] is None
    assert "Permission denied" in gl["not-asked"]
    assert "gateway      could not be asked: " in status(keys.gl, 2)
    keys.push(expect=None)
    assert said(keys.gl, 1)["ok"] is False
    keys.gw.write("/etc/postern/git/authorized_keys", text)
    keys.push()
    assert said(keys.gl, 0)["agree"]


def test_what_is_wrong_is_not_hidden_by_what_can_not_be_asked(keys):
    """On a host with both sides' settings, either way round."""
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    gw, text = keys.gw, keys.gw.read(CONF)
    both = (f"{text}[server]\ngateway = git@{keys.gw.name}\n"
            "state-dir = /var/lib/postern/server\n")
    gw.run("install -d -o git -g git -m 700 /var/lib/postern/server")
    gw.write(CONF, both)
    note = "/var/lib/postern/server/pushed"
    for why, stale, code in (("ok", "1h", 2), ("no route", "1h", 1),
                             ("ok", "1s", 1)):
        gw.write(note, f"1000 5 1 {why}\n")
        gw.run(["chown", "git:git", note])
        gw.write(CONF, both.replace(
            "[server]", f"stale-after = {stale}\n[server]"))
        if stale == "1s":
            age(gw, 3600)
        sides = [json.loads(x) for x in
                 status(gw, code, "--json").splitlines()]
        # Neither has been asked, which alone would be 2.
        assert [s["side"] for s in sides] == ["server", "gateway"]
        assert all(s["not-asked"] for s in sides), sides
        assert sides[0]["ok"] is (why == "ok")
        assert sides[1]["stale"] is (stale == "1s")


def test_the_last_push_is_the_one_with_the_newest_keys(keys):
    """One that hangs while another comes and goes does not hide it."""
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    ssh_config = f"{ETC}/ssh_config"
    keys.gl.write("/usr/local/bin/hang", """#!/bin/sh
[ -e /tmp/hung ] || { : >/tmp/hung; echo >/tmp/hangs; cat /tmp/hang; }
false
""", 0o755)
    keys.gl.write(ssh_config, 'Match exec "/usr/local/bin/hang"\n')
    keys.gl.run("rm -f /tmp/hung /tmp/hang /tmp/hangs; "
                "mkfifo -m 666 /tmp/hang /tmp/hangs")
    keys.server(push_ssh_config=ssh_config, push_timeout="60s")
    try:
        with keys.gl.popen(keys.as_git(keys.gl, POSTERN, "push-keys"),
                           env=ENV, text=True, stdout=-1) as old:
            keys.gl.run("read x </tmp/hangs")
            keys.put("bob.pub", keys.person("b"))
            keys.push()
            new = said(keys.gl, 0)
            keys.gl.run("timeout 9 sh -c ': >/tmp/hang'")
            out, _ = old.communicate(timeout=60)
        assert old.returncode == 0 and "of a later push already" in out
        now = said(keys.gl, 0)
        assert (now["sequence"], now["keys"]) == (new["sequence"], 2)
    finally:
        keys.gl.run("timeout 1 sh -c ': >/tmp/hang'; rm -f /tmp/hung "
                    "/tmp/hang /tmp/hangs /usr/local/bin/hang", check=False)


def test_a_question_changes_nothing(keys):
    assert keys.send(b"", "auth-status").sequence == 0
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    with keys.unchanged("a", "alice"):
        before = keys.gw.read(f"{STORE}/refreshed")
        reply = keys.send(b"", "auth-status")
        assert (reply.word, reply.keys, reply.rc) == ("now", 1, 0)
        assert reply.sequence == keys.current()
        # A question is no push, whatever comes with it.
        assert keys.send(b"x" * 100, "auth-status").word == "now"
        assert keys.send(b"", "auth-status --force").word == "refused"
        assert keys.gw.read(f"{STORE}/refreshed") == before


def test_root_follows_no_link_that_the_git_user_made(keys):
    """Neither a file nor a folder of it leads root elsewhere."""
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.gw.run("""
        install -d -o git -g git -m 700 /run/postern-git/mux
        install -d -m 700 /root/mux && echo '0 up 1 1' >/root/mux/status
        cp /root/mux/status /run/postern-git/mux""")
    # Its git server has no gitolite that could be asked.
    assert said(keys.gw, 2)["masters-up"] == 1
    for change in ("ln -sf /root/mux/status mux/status",
                   "rm -r mux; ln -s /root/mux mux",
                   "rm mux; mkdir mux; mkfifo mux/status"):
        keys.gw.run(f"cd /run/postern-git; {change}")
        assert said(keys.gw, 2)["masters-up"] == 0, change
    assert said(keys.gl, 0)["pushed"] > 0
    keys.gl.run(f"cd {STATE}; mv sequence /root; ln -s /root/sequence .")
    assert said(keys.gl, 1)["agree"] is False
    for change in ("mv pushed /root; ln -s /root/pushed .",
                   "rm pushed; mkfifo pushed"):
        keys.gl.run(f"cd {STATE}; {change}")
        assert said(keys.gl, 1)["pushed"] == 0, change
        assert "not compared, nothing was pushed" in status(keys.gl, 1)
    keys.gw.run("rm -r /root/mux")
    keys.gl.run("rm /root/pushed /root/sequence")


def test_keys_that_are_too_old_fail_the_status(keys):
    assert said(keys.gw, 1)["generation"] == 0
    keys.configure(stale_after="1h")
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    gw = said(keys.gw, 2)
    assert gw["stale"] is False and gw["agree"] is None and gw["not-asked"]
    assert "  git server   could not be asked: git@" in status(keys.gw, 2)
    age(keys.gw, 2 * 3600)
    assert said(keys.gw, 1)["stale"] is True
    assert "TOO OLD" in status(keys.gw, 1)
    keys.configure(stale_after="0s")
    assert said(keys.gw, 2)["stale"] is False
    keys.configure(stale_after="1h")
    keys.push()
    assert said(keys.gw, 2)["stale"] is False


def age(host, seconds):
    """The last push was so long ago."""
    sequence, _, *rest = host.read(f"{STORE}/refreshed").split()
    put(host, sequence, int(time.time()) - seconds, *rest)


def put(host, *words):
    host.write(f"{STORE}/refreshed", " ".join(map(str, words)) + "\n")
    host.run(["chown", "git:git", f"{STORE}/refreshed"])


def told(host, word):
    host.run("journalctl --sync")
    return host.run(["journalctl", "-q", "-t", "postern-git", "-o",
                     "cat"]).stdout.count(word)


def test_sessions_and_the_pool_tell_it_once(git):
    """Until it is mended, which is told as well."""
    gw = git.gw
    old, fresh = told(gw, "the keys are too old"), told(gw, "are fresh again")
    git.ssh("bob", "info")
    assert told(gw, "the keys are too old") == old    # there is no store
    gw.run(f"install -d -o git -g git -m 700 {os.path.dirname(STORE)} "
           f"{STORE}")
    try:
        put(gw, 5, int(time.time()) - 3 * 86400, 1, 0)
        for _ in range(3):
            git.ssh("bob", "info", check=True)
        assert told(gw, "the keys are too old") == old + 1
        # As an alarm, which a pager picks out of all the rest.
        assert "the keys are too old" in gw.run(
            ["journalctl", "-q", "-t", "postern-git", "-p", "alert..alert",
             "-n", "1", "-o", "cat"]).stdout
        git.conf(mux=1)
        git.ssh("bob", "info", check=True)
        git.wait_pool(1)
        assert told(gw, "the keys are too old") == old + 1
        put(gw, 6, int(time.time()), 1, 0)
        for _ in range(2):
            git.ssh("bob", "info", check=True)
        assert told(gw, "are fresh again") == fresh + 1
        # The pool by itself, with nobody there.
        git.end_pool()
        put(gw, 6, int(time.time()) - 3 * 86400, 1, 0)
        pool = gw.popen(["setpriv", "--reuid", "git", "--regid", "git",
                         "--init-groups", POSTERN, "mux", "-q"])
        proc.wait_for(lambda: told(gw, "the keys are too old") == old + 2,
                      30, "the pool's alarm")
        git.end_pool()
        pool.wait()
    finally:
        gw.run("rm -rf /var/lib/postern")
