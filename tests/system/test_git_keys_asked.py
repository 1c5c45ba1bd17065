# SPDX-License-Identifier: ISC
"""postern git: what is asked of keys: whose one is, by a person and by sshd,
and what a push would make of a file."""

import json
import os

from gitkeylib import (KEYDIR, LOOKUP, POSTERN, STORE, UID, fingerprint,
                       keys)

__all__ = ["keys"]


def test_explain_says_whose_key_one_is(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.put("alice@home.pub", keys.person("b"))
    keys.push()
    ask = [POSTERN, "explain"]
    done = keys.gw.run([*ask, "--id", "alice"])
    for name in "ab":
        assert fingerprint(keys.person(name)) in done.stdout
    done = keys.gw.run([*ask, "--key", fingerprint(keys.person("b"))])
    assert done.stdout.startswith("alice ssh-ed25519 SHA256:")
    done = keys.gw.run([*ask, "--json", "--id", "alice"])
    assert {json.loads(line)["fingerprint"]
            for line in done.stdout.splitlines()} == {
        fingerprint(keys.person(name)) for name in "ab"}
    for question in (("--id", "bob"), ("--id=-x",),
                     ("--key", fingerprint(keys.person("c"))),
                     ("--key", fingerprint(keys.public("push")))):
        done = keys.gw.run([*ask, *question], check=False)
        assert done.returncode == 1 and done.stdout == "", question
        assert done.stderr
    assert keys.gw.run(ask, check=False).returncode == 64


def test_lint_keys_names_what_would_be_left_out(keys):
    keys.put("alice.pub", keys.person("a"))
    lint = [POSTERN, "lint-keys"]
    done = keys.gl.run([*lint, KEYDIR])
    assert f"keydir/alice.pub: alice ssh-ed25519 " \
        f"{fingerprint(keys.person('a'))}\n" == done.stdout
    keys.put("x y.pub", keys.person("b"))
    done = keys.gl.run([*lint, KEYDIR], check=False)
    assert done.returncode == 1
    assert "keydir/x y.pub: left out: " in done.stdout
    done = keys.gl.run([*lint, f"{KEYDIR}/x y.pub"], check=False)
    assert done.returncode == 1
    keys.push(expect=2)
    current = f"{STORE}/current/authorized_keys"
    assert keys.gw.run([*lint, current]).stdout.count("\n") == 1
    keys.gw.write("/tmp/keys", "# fine\n\nssh-ed25519 AAAA\n")
    done = keys.gw.run([*lint, "--json", "/tmp/keys"], check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["file"] == "/tmp/keys:3"


def test_the_lookup_fails_closed(keys):
    keys.setup(index=True)
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    index = keys.gw.path(f"{STORE}/generations/{keys.current()}/index")
    whole = index.read_bytes()
    look = keys.as_git(keys.gw, LOOKUP, fingerprint(keys.person("a")))
    assert keys.person("a") in keys.gw.run(look).stdout
    damages = [b"", whole[:40], whole[:-5], whole + b"x", b"x" + whole[1:],
               whole[:70] + bytes([whole[70] ^ 0xff]) + whole[71:],
               whole.replace(keys.person("a").split()[1].encode(),
                             keys.person("b").split()[1].encode())]
    for n, damage in enumerate(damages):
        index.write_bytes(damage)
        done = keys.gw.run(look, check=False)
        assert done.stdout == "", n
    assert keys.login("a") is None
    # What only sshd knows to be wrong.
    index.write_bytes(whole.replace(b"restrict", b"restrikt"))
    assert keys.login("a") is None
    index.unlink()
    assert keys.login("a") is None
    index.write_bytes(whole)
    os.chown(index, UID["h2"], UID["h2"])
    index.chmod(0o666)
    assert keys.login("a") is None
    index.chmod(0o600)
    assert keys.login("a") == "alice"
    for wrong in ("", "SHA256:", "MD5:aa", "../x"):
        done = keys.gw.run(keys.as_git(keys.gw, LOOKUP, wrong), check=False)
        assert (done.returncode, done.stdout) == (1, "")
    assert keys.gw.run(keys.as_git(keys.gw, LOOKUP),
                       check=False).returncode == 64
