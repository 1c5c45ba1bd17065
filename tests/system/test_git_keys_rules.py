# SPDX-License-Identifier: ISC
"""postern git: what may not keep a revocation from the gateway: a slip in
root's own file, a rule meant for a mistake, an answer that was lost."""

import base64
import json
import os

import pytest

from gitkeylib import (DRIVER, ENV, ETC, POSTERN, PROXY, SESSIONS, STORE,
                       fingerprint, keys, text)

__all__ = ["keys"]

LOST = "/run/postern-git/lost"


def slip(keys, line):
    at = keys.gw.path(f"{ETC}/authorized_keys")
    at.write_text(line + "\n" + at.read_text())


def test_a_slip_in_roots_own_file_keeps_no_key_in_force(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    slip(keys, "ssh-dss AAAAB3NzaC1kc3MAAACBAO")
    slip(keys, "ssh-ed2551 " + keys.person("c").split()[1])
    keys.put("bob.pub", None)
    keys.push()
    assert keys.login("b") is None
    assert keys.login("a") == "alice"
    log = keys.log()
    for n in (1, 2):
        assert f"{ETC}/authorized_keys:{n}: " in log, log
    # The push key, in the third line, is still nobody's.
    keys.put("mallory.pub", keys.public("push"))
    keys.push()
    assert list(keys.ids()) == ["alice"]
    done = keys.gw.run([POSTERN, "explain", "--key",
                        fingerprint(keys.public("push"))], check=False)
    assert f"root's own, in {ETC}/authorized_keys:3" in done.stderr


def test_a_person_with_most_of_a_small_sites_keys_can_be_revoked(keys):
    keys.put("alice.pub", keys.person("a"))
    for name in "bcd":
        keys.put(f"bob@{name}.pub", keys.person(name))
    keys.push()
    for name in "bcd":
        keys.put(f"bob@{name}.pub", None)
    keys.push()
    assert list(keys.ids()) == ["alice"]


def status(keys):
    done = keys.gl.run([POSTERN, "status", "--json"])
    return json.loads(done.stdout.splitlines()[0])


def test_a_push_whose_answer_was_lost_is_in_force_when_it_comes_again(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    keys.put("bob.pub", None)
    # The gateway's first answer does not arrive, and so says its status.
    keys.gw.write(f"{ETC}/lose", f"""#!/bin/sh
if [ -e {LOST} ]; then exec {PROXY} --auth-update; fi
: >{LOST}
{PROXY} --auth-update >/dev/null
kill -9 $PPID
""", 0o755)
    at = keys.gw.path(f"{ETC}/authorized_keys")
    at.write_text(at.read_text().replace(f"{PROXY} --auth-update",
                                         f"{ETC}/lose"))
    done = keys.push("--json")
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["tries"] == 2, said
    assert keys.gw.exists(LOST)
    assert status(keys)["ok"] is True
    assert keys.login("b") is None


def test_the_same_push_again_is_the_same_until_another_one_comes(keys):
    def push(n, *people):
        return text(n, [keys.line(p, p) for p in people])
    old, new = push(10, "a", "b"), push(20, "a")
    assert keys.signed(old).word == "ok"
    assert keys.signed(old).word == "same"
    assert keys.signed(new).word == "ok"
    assert keys.signed(new).word == "same"
    # Other keys by the same number, and those from before.
    assert keys.signed(push(20, "a", "b")).word == "stale"
    assert keys.signed(old).word == "stale"
    # A number that brought nothing new counts, too.
    same = push(30, "a")
    assert keys.signed(same).word == "same"
    assert keys.signed(same).word == "same"
    assert keys.signed(new).word == "stale"
    assert list(keys.ids()) == ["a"]


def test_a_push_that_was_stored_and_never_in_force_is_taken(keys):
    def push(n, *people):
        return text(n, [keys.line(p, p) for p in people])
    new = push(20, "a", "b")
    assert keys.signed(push(10, "a")).word == "ok"
    noted = keys.gw.read(f"{STORE}/refreshed")
    assert keys.signed(new).word == "ok"
    # As a kill before the switch leaves it.
    keys.gw.run(f"cd {STORE} && ln -sfn generations/10 current")
    keys.gw.path(f"{STORE}/refreshed").write_text(noted)
    keys.gw.run(f"chown -h git: {STORE}/current")
    assert keys.signed(new).word == "ok"
    assert keys.current() == 20
    assert keys.login("b") == "b"


def test_what_was_rolled_back_before_it_was_noted_is_not_taken_again(keys):
    def push(n, *people):
        return text(n, [keys.line(p, p) for p in people])
    new = push(20, "a", "b")
    assert keys.signed(push(10, "a")).word == "ok"
    noted = keys.gw.read(f"{STORE}/refreshed")
    assert keys.signed(new).word == "ok"
    # As a kill just behind the switch leaves it.
    keys.gw.path(f"{STORE}/refreshed").write_text(noted)
    keys.gw.run([POSTERN, "rollback"])
    assert keys.current() == 10
    assert keys.signed(new).word == "stale"
    assert keys.current() == 10


def test_keys_of_a_large_site_arrive(keys):
    """More than a megabyte of them."""
    keys.server(push_timeout="60s")
    keys.put("alice.pub", keys.person("a"))
    blob = base64.b64decode(
        keys.person("rsa", kind="rsa", bits=4096).split()[1])
    for n in range(2000):
        # Other moduli, whose private halves nobody has.
        other = blob[:-4] + (2 * n + 1).to_bytes(4, "big")
        keys.put(f"k/u{n}.pub", f"ssh-rsa {base64.b64encode(other).decode()}")
    keys.push()
    assert len(keys.ids()) == 2001
    assert keys.login("a") == "alice"


def test_what_dead_sessions_left_goes_with_the_next_push(keys):
    """revoke = keep ends none, and a proxy that was killed left its file."""
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.gw.run(keys.as_git(keys.gw, "sh", "-c", f"mkdir -p -m 700 {SESSIONS}"
                            f" && : >{SESSIONS}/999999.1"))
    alice = keys.gw.popen(
        keys.as_git(keys.gw, DRIVER, SESSIONS, STORE,
                    f"{ETC}/authorized_keys", "alice",
                    fingerprint(keys.person("a"))),
        stdin=-1, stdout=-1, text=True, env=ENV)
    with alice:
        assert alice.stdout.readline() == "in\n"
        keys.put("alice.pub", keys.person("b"))
        keys.push()
        left = os.listdir(keys.gw.path(SESSIONS))
        assert len(left) == 1 and left != ["999999.1"]
        assert alice.poll() is None
        alice.stdin.close()
        assert alice.wait(20) == 0


DAMAGES = [
    "cd {s}/current/ && : >authorized_keys && : >index && : >principals",
    "cd {s}/current/ && echo x >authorized_keys && head -c 90 index >i && "
    "mv i index",
    "cd {s}/current/ && rm authorized_keys index principals",
    "rm {s}/current", "rm -r {s}/generations/*", "rm -r {s}/*",
]


@pytest.mark.parametrize("index", [False, True], ids=["file", "index"])
def test_no_damage_of_the_keys_locks_the_git_server_out(keys, index):
    """Its own is in another file, which no push writes: the next one mends
    all, also where it brings what was there before."""
    keys.setup(index=index)
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    assert keys.login("a") == "alice"
    for damage in DAMAGES:
        keys.gw.run(keys.as_git(keys.gw, "sh", "-ec",
                                damage.format(s=STORE)))
        assert keys.login("a") is None, damage
        keys.push()
        assert keys.login("a") == "alice", damage
        assert list(keys.ids()) == ["alice"]
