# SPDX-License-Identifier: ISC
"""postern git: what a revocation does to sessions that are under way."""

import os

from gitkeylib import (DRIVER, ENV, ETC, SESSIONS, STORE, fingerprint,
                       keys)

__all__ = ["keys"]


def session(keys, ident, name):
    p = keys.gw.popen(
        keys.as_git(keys.gw, DRIVER, SESSIONS, STORE,
                    f"{ETC}/authorized_keys", ident,
                    fingerprint(keys.person(name))),
        stdin=-1, stdout=-1, text=True, env=ENV)
    p.said = p.stdout.readline().strip()
    return p


def test_a_revocation_ends_sessions_if_that_is_set(keys):
    keys.configure(revoke="end")
    keys.put("alice.pub", keys.person("a"))
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    alice, bob = session(keys, "alice", "a"), session(keys, "bob", "b")
    assert (alice.said, bob.said) == ("in", "in")
    keys.put("bob.pub", None)
    keys.push()
    assert bob.wait(20) != 0
    assert alice.poll() is None
    assert "of bob (SHA256:" in keys.log()
    late = session(keys, "bob", "b")
    assert late.said == "revoked"
    late.wait(20)
    alice.stdin.close()
    assert alice.wait(20) == 0
    # Files of those that were ended go with the next sweep.
    keys.push()
    assert os.listdir(keys.gw.path(SESSIONS)) == []


def test_a_revocation_lets_sessions_go_on_if_that_is_set(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    bob = session(keys, "bob", "b")
    keys.put("bob.pub", None)
    keys.push()
    assert keys.login("b") is None
    assert bob.poll() is None
    bob.stdin.close()
    assert bob.wait(20) == 0
