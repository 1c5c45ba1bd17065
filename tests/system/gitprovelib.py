# SPDX-License-Identifier: ISC
"""Hosts that were set up from the git server's side, and what a test changes
on them: gitsetuplib.py has the rest.

    from gitprovelib import changed, ready      # fixtures; in each test file
"""

import pytest

from gitsetuplib import DROPIN, settle, shared

CONF = "/etc/postern/git.conf"
SHELL = "/usr/share/gitolite3/gitolite-shell"
IN = "a key of this check's is let in by sshd here"
THROUGH = "its session comes to the git server, with address and protocol"
GITOLITE = "gitolite answers it"
VERSION2 = "git answers in version 2 of its protocol"
GONE = "the key is refused once it is gone"
LETS = "the git server lets this gateway in"


def set_up(pair):
    """From gl's side: what each of the three says, and the lines."""
    first = "postern git setup-server --gateway git@gw --here git@gl"
    for_gw, one = pair.paste(pair.gl, first, 2)
    for_gl, two = pair.paste(pair.gw, for_gw, 2)
    _, three = pair.paste(pair.gl, for_gl, 0)
    return (one, two, three), (for_gl, for_gw)


@pytest.fixture(scope="module")
def ready(lab):
    pair = shared(lab, ("h47", "h48", "h49"))
    if pair.commands is None:
        pair.said, pair.commands = set_up(pair)
        pair.for_gl, pair.for_gw = pair.commands
    return pair


@pytest.fixture
def changed(ready):
    """Files of a host replaced until the test ends; sshd looks again."""
    kept = []

    def change(host, path, text, mode=None):
        kept.append((host, path, host.read(path),
                     host.run(["stat", "-c", "%a", path]).stdout.strip()))
        host.write(path, text, mode or int(kept[-1][3], 8))
        if path == DROPIN:
            host.run("systemctl reload ssh")
            settle(host)
    yield change
    for host, path, text, mode in reversed(kept):
        host.write(path, text, int(mode, 8))
        if path == DROPIN:
            host.run("systemctl reload ssh")
            settle(host)


def edit(host, path, was, now):
    old = host.read(path)
    assert was in old
    return old.replace(was, now)
