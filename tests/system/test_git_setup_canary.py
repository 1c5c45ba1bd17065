# SPDX-License-Identifier: ISC
"""The key that postern git check makes on the git server: it is pushed and
taken back, whatever becomes of the check."""

import re

import pytest

from gitkeylib import fingerprint
from gitsetuplib import KEYS, findings, generations, ready  # noqa: F401

HELD = """#!/bin/sh
[ -e /tmp/gate.was ] || { : >/tmp/gate.was; echo held >/tmp/gate.in; cat /tmp/gate; }
exec /usr/share/gitolite3/gitolite-shell "$@"
"""


@pytest.fixture
def held(ready):
    """A check whose session waits on gl; its process, and what ends the
    wait."""
    gl = ready.gl
    conf = gl.read("/etc/postern/git.conf")
    gl.write("/usr/local/bin/held", HELD, 0o755)
    gl.run("rm -f /tmp/gate*; mkfifo -m 666 /tmp/gate /tmp/gate.in")
    gl.write("/etc/postern/git.conf",
             conf + "gitolite-shell = /usr/local/bin/held\n")
    with gl.popen(["postern", "git", "check", "--json"], text=True,
                  stdout=-1, stderr=-1) as check:
        try:
            gl.run("read x </tmp/gate.in")
            yield check, lambda: gl.run("timeout 9 sh -c ': >/tmp/gate'")
        finally:
            gl.run("timeout 1 sh -c ': >/tmp/gate'", check=False)
            if check.poll() is None:
                check.signal_target(9)
            gl.write("/etc/postern/git.conf", conf)
            check.communicate()
            gl.run("rm -f /tmp/gate*")


def canary(ready):
    """The fingerprint of the check's key in force on the gateway, or None."""
    found = re.findall(r" postern-check\" (\S+ \S+)",
                       ready.gw.run(f"cat {KEYS}/current/authorized_keys"
                                    ).stdout)
    return fingerprint(found[0]) if found else None


def test_a_check_that_is_killed_leaves_no_way_in(ready, held):
    check, go = held
    fp = canary(ready)
    assert fp is not None
    second = ready.gl.run("postern git check --json", check=False)
    assert "another check is under way" in second.stdout
    assert canary(ready) == fp
    check.signal_target(9)
    check.wait()
    # Nobody has the key; the next push takes it away.
    ready.gl.run("systemctl start postern-git-push")
    assert canary(ready) is None


def test_a_check_that_is_interrupted_takes_its_key_back(ready, held):
    check, go = held
    before = generations(ready)
    assert canary(ready) is not None
    check.signal_target(2)
    go()
    check.wait(60)
    assert canary(ready) is None
    assert generations(ready) != before
    assert ready.gl.run("postern git status --json").returncode == 0


def test_a_check_that_a_push_overtakes_tries_again(ready):
    """Another push, between the check's own and its login: the third ssh."""
    gl, conf = ready.gl, ready.gl.read("/etc/postern/git.conf")
    gl.write("/usr/local/bin/overtake", """#!/bin/sh
echo >>/tmp/count
[ "$(wc -l </tmp/count)" != 3 ] || postern git push-keys >>/tmp/overtaken
false
""", 0o755)
    gl.write("/etc/postern/git/ssh_config",
             'Match exec "/usr/local/bin/overtake"\n')
    gl.write("/etc/postern/git.conf",
             conf + "push-ssh-config = /etc/postern/git/ssh_config\n")
    gl.run("rm -f /tmp/count /tmp/overtaken; install -m 666 /dev/null "
           "/tmp/count")
    try:
        assert findings(gl, 0) == {}
        assert "in force" in gl.read("/tmp/overtaken")
    finally:
        gl.write("/etc/postern/git.conf", conf)
        gl.run("rm -f /tmp/count /tmp/overtaken /etc/postern/git/ssh_config")
