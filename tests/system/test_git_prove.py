# SPDX-License-Identifier: ISC
"""A set-up's end: it brings the keys and tries the whole way; who is not
there, who refuses, and who lets in and fails are told apart."""

import json

import pytest

from gitprovelib import (CONF, GITOLITE, SHELL, changed, edit,  # noqa: F401
                         ready)
from gitsetuplib import DROPIN, ETC, INFO, KEYS


def test_who_comes_first_says_what_is_left_and_who_comes_second_proves_it(
        ready):
    one, two, three = ready.said
    assert "it prints what is to be run here then" in one
    assert "asked for" not in two and "checked" not in one + two
    assert "one step is left: the git server does not let this host in yet, " \
        "so run there what is printed above" in two
    assert "checked: 13 things were tried, all is well" in three
    assert "WRONG" not in one + two + three
    # Nobody pushed by hand, and no timer.
    assert ready.alice(INFO).stdout.startswith("hello alice,")


def test_a_set_up_that_is_repeated_brings_the_keys_and_tries_it_all(ready):
    old = ready.gl.run("postern git status --json").stdout
    _, said = ready.paste(ready.gw, ready.for_gw, 0)
    assert "done: " not in said and "all is well" in said
    new = json.loads(ready.gl.run("postern git status --json").stdout)
    assert new["sequence"] > json.loads(old)["sequence"]
    assert f"in force, sequence {new['sequence']}" in said
    _, said = ready.paste(ready.gl, ready.for_gl, 0)
    assert "done: " not in said and "all is well" in said
    # What is wrong is named, and fails it.
    ready.gl.run(f"mv {SHELL} {SHELL}.off")
    try:
        _, said = ready.paste(ready.gw, ready.for_gw + " --timeout 5s", 1)
    finally:
        ready.gl.run(f"mv {SHELL}.off {SHELL}")
    assert f"WRONG: {GITOLITE}: " in said and "cure: " in said
    assert "all is well" not in said


@pytest.mark.parametrize("side, line", [("gw", "for_gw"), ("gl", "for_gl")])
def test_another_side_that_is_down_leaves_a_set_up_unproved(ready, side,
                                                            line):
    other = ready.gl if side == "gw" else ready.gw
    other.run("systemctl stop ssh.socket ssh", check=False)
    try:
        _, said = ready.paste(getattr(ready, side),
                              getattr(ready, line) + " --timeout 2s", 2)
    finally:
        other.run("systemctl start ssh")
        other.wait_up()
    assert "not tried: the " in said and " can't be reached: " in said
    assert "postern git check tries it again" in said


def test_a_push_that_the_gateway_refuses_fails_its_set_up(ready):
    """It is let in there, so that nothing is left to be run."""
    ready.gw.run(f"mv {ETC}/allowed_signers {ETC}/off; "
                 f"echo >{ETC}/allowed_signers")
    line = ready.for_gw.split(" --key ")[0] + " --timeout 5s"
    before = asked(ready)
    try:
        _, said = ready.paste(ready.gw, line, 1)
    finally:
        ready.gw.run(f"mv {ETC}/off {ETC}/allowed_signers")
    assert "WRONG: the git server lets this host in, but: " in said
    assert "the keys did not reach the gateway" in said
    # It says no, and is asked no more.
    assert asked(ready) == before + 1


def asked(ready):
    """How often the gateway has asked the git server for a push."""
    ready.gl.run("journalctl --sync")
    lines = ready.gl.run("journalctl -q -o cat -t postern-git").stdout
    return len([x for x in lines.splitlines()
                if x.startswith("begin ") and " verb=key-push" in x])


@pytest.mark.parametrize("host, name, was, now, why", [
    ("gw", "authorized_keys", "restrict,command=",
     'from="192.0.2.1",restrict,command=', "Permission denied"),
    ("gw", "authorized_keys", "postern-git-proxy --auth-update", "nothing",
     "status 127"),
    ("gl", "known_hosts", None, None, "Host key verification failed"),
])
def test_a_push_that_can_not_arrive_is_asked_for_once(
        ready, changed, host, name, was, now, why):
    """Nothing that passes by itself, unlike an sshd that is away."""
    there, path = getattr(ready, host), f"{ETC}/{name}"
    changed(there, path, edit(there, path, was, now) if was else
            f"gw {ready.client.host_key}\n")
    before = asked(ready)
    _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0], 1)
    assert "WRONG: the git server lets this host in, but: " in said
    assert "the keys did not reach the gateway: " in said and why in said
    assert asked(ready) == before + 1


def test_an_ssh_that_can_not_be_run_is_this_hosts_own_fault(ready, changed):
    """It runs by runuser, whose status is no session's."""
    changed(ready.gw, CONF, edit(ready.gw, CONF, "[gateway]\n",
                                 "[gateway]\nssh = /usr/bin/no-such-ssh\n"))
    _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0], 1)
    assert "WRONG: the git server was not asked: ssh failed on this host" in \
        said
    assert "(runuser: failed to execute /usr/bin/no-such-ssh: " in said
    assert "can't be reached" not in said and "lets this host in" not in said


LOSE = """#!/bin/sh
# The connection by which the git server was asked for this push, once.
[ -e /tmp/lost ] && exit 1
: >/tmp/lost
p=$$
while case $(cat /proc/$p/comm) in sshd*) false;; esac; do
	p=$(cut -d ' ' -f 4 /proc/$p/stat)
done
kill -9 $p
exit 1
"""


def test_a_session_that_is_lost_on_its_way_is_asked_for_again(ready, changed):
    """It has said by then that it came to postern-git-serve."""
    gl = ready.gl
    gl.write("/usr/local/bin/lose", LOSE, 0o755)
    gl.write(f"{ETC}/ssh_config", 'Match exec "/usr/local/bin/lose"\n')
    changed(gl, CONF, gl.read(CONF) + f"push-ssh-config = {ETC}/ssh_config\n")
    before = asked(ready)
    try:
        _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0], 0)
        assert gl.exists("/tmp/lost")
    finally:
        gl.run(f"rm -f /tmp/lost {ETC}/ssh_config /usr/local/bin/lose")
    assert "all is well" in said and asked(ready) > before + 1


def refusals(host):
    host.run("journalctl --sync")
    return host.run("journalctl -q -o cat -u ssh").stdout.count(
        "Connection closed by authenticating user git ")


def test_a_set_up_makes_few_logins_that_are_refused(ready, changed):
    """sshd may count them, and shuts out whom it refuses often."""
    changed(ready.gw, DROPIN, edit(
        ready.gw, DROPIN, f" {KEYS}/current/authorized_keys", ""))
    before = refusals(ready.gw)
    _, said = ready.paste(ready.gl, ready.for_gl, 1)
    assert "WRONG: a key that was pushed is let in: git@gw refused" in said
    # The one of a key that nobody knows, and twice that one.
    assert refusals(ready.gw) == before + 3


def test_a_push_that_finds_nobody_is_asked_for_again(ready, changed):
    """The gateway's sshd is away, as after a change of its settings."""
    changed(ready.gl, CONF, ready.gl.read(CONF) + "push-timeout = 2s\n")
    # Its folder goes with it, without which sshd -T says nothing.
    ready.gw.run("systemctl stop ssh.socket ssh; install -d /run/sshd")
    before = asked(ready)
    try:
        _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0]
                              + " --timeout 15s", 1)
    finally:
        ready.gw.run("systemctl start ssh")
        ready.gw.wait_up()
    assert "WRONG: the git server lets this host in, but: " in said
    assert asked(ready) > before + 1


@pytest.mark.parametrize("side, line, program, who", [
    ("gw", "for_gw", "postern-git-serve", "the git server"),
    ("gl", "for_gl", "postern-git-proxy --auth-update", "the gateway"),
])
def test_another_side_that_lets_it_in_and_fails_is_wrong(
        ready, changed, side, line, program, who):
    """Not one that can't be reached."""
    other = ready.gl if side == "gw" else ready.gw
    path = f"{ETC}/authorized_keys"
    changed(other, path, edit(other, path, program, "nothing"))
    _, said = ready.paste(getattr(ready, side),
                          getattr(ready, line) + " --timeout 5s", 1)
    assert f"WRONG: {who} lets this host in, but: " in said
    assert "status 127" in said and "can't be reached" not in said


@pytest.mark.parametrize("side, words, who", [
    ("gw", "setup-gateway --server git@gl --here git@gw", "the git server"),
    ("gl", "setup-server --gateway git@gw --here git@gl", "the gateway"),
])
def test_another_host_key_than_the_pinned_one_is_wrong(ready, changed, side,
                                                       words, who):
    host, path = getattr(ready, side), f"{ETC}/known_hosts"
    name = "gl" if side == "gw" else "gw"
    changed(host, path, f"{name} {ready.client.host_key}\n")
    _, said = ready.paste(host, f"postern git {words} --timeout 5s", 1)
    assert f"WRONG: {who} does not show the host key that is pinned" in said
    assert "can't be reached" not in said
