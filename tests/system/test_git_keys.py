# SPDX-License-Identifier: ISC
"""postern git: keys from the git server's keydir into force on the gateway."""

import base64
import json
import os
import re

import pytest

from gitkeylib import (BUILD, ENV, ETC, KEYDIR, LOOKUP, OPT, POSTERN, SK_SOFT,
                       STORE, fingerprint, keys)

__all__ = ["keys"]


@pytest.fixture(params=["file", "index"])
def both(request, keys):
    """The gateway with a file of keys, and with the index."""
    if request.param == "index":
        keys.setup(index=True)
    return keys


def test_keys_are_in_force_when_the_push_is_over(both):
    both.put("alice.pub", both.person("a"))
    both.put("team/bob@laptop.pub", both.person("b"))
    both.push()
    assert both.login("a") == "alice"
    assert both.login("b") == "bob"
    assert both.login("c") is None


def test_a_key_that_is_removed_is_out_when_the_push_is_over(both):
    both.put("alice.pub", both.person("a"))
    both.put("bob.pub", both.person("b"))
    both.push()
    both.put("bob.pub", None)
    both.push()
    assert both.login("b") is None
    assert both.login("a") == "alice"


def test_a_key_that_is_changed_is_the_new_one_alone(both):
    both.put("alice.pub", both.person("a"))
    both.push()
    both.put("alice.pub", both.person("c"))
    both.push()
    assert both.login("a") is None
    assert both.login("c") == "alice"


# Those of a device have a test of their own.
KINDS = [("ed25519", None), ("rsa", 2048), ("ecdsa", 256), ("ecdsa", 384),
         ("ecdsa", 521)]


def test_several_keys_of_one_person_and_all_types(both):
    for kind, bits in KINDS:
        name = f"{kind}{bits or ''}"
        line = both.person(name, kind=kind, **(
            {"bits": bits} if bits else {}))
        assert line.startswith(f"ecdsa-sha2-nistp{bits} " if kind == "ecdsa"
                               else f"ssh-{kind} ")
        both.put(f"alice@{name}.pub", line)
    both.put("bob.pub", both.person("b"))
    both.push()
    for kind, bits in KINDS:
        assert both.login(f"{kind}{bits or ''}") == "alice"
    assert list(both.ids()) == ["alice", "bob"]
    for kind, bits in KINDS:
        both.put(f"alice@{kind}{bits or ''}.pub", None)
    both.push("--force")
    for kind, bits in KINDS:
        assert both.login(f"{kind}{bits or ''}") is None


# Both types, of which a device would make but one here: the public halves are
# an ed25519 key and a point of a curve.
def security_keys(keys):
    def field(data):
        return len(data).to_bytes(4, "big") + data

    def line(kind, *fields):
        blob = b"".join(map(field, (kind.encode(), *fields, b"ssh:")))
        return f"{kind} {base64.b64encode(blob).decode()}"
    point = base64.b64decode(keys.person("p", kind="ecdsa",
                                         bits=256).split()[1])[-65:]
    edwards = base64.b64decode(keys.person("e").split()[1])[-32:]
    return [line("sk-ssh-ed25519@openssh.com", edwards),
            line("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", point)]


def test_security_keys_are_taken_and_found(keys):
    lines = security_keys(keys)
    keys.put("alice.pub", lines[0] + " alice@token")
    keys.put("bob.pub", lines[1])
    keys.push()
    assert keys.ids() == {"alice": [lines[0].split()[1]],
                          "bob": [lines[1].split()[1]]}
    # As OpenSSH reads the file, and as it asks the lookup.
    listed = keys.gw.run(["ssh-keygen", "-lf",
                          f"{STORE}/current/authorized_keys"]).stdout
    assert [x.split()[-1] for x in listed.splitlines()] == [
        "(ED25519-SK)", "(ECDSA-SK)"]
    for line, who in zip(lines, ("alice", "bob")):
        fp = fingerprint(line)
        assert fp in listed
        found = keys.gw.run(keys.as_git(keys.gw, LOOKUP, fp)).stdout
        assert found == f'restrict,command="/bin/echo {who}" {line}\n'


@pytest.mark.parametrize("kind, name", [
    ("ed25519-sk", "sk-ssh-ed25519@openssh.com"),
    ("ecdsa-sk", "sk-ecdsa-sha2-nistp256@openssh.com")])
def test_a_security_key_logs_in(both, kind, name):
    """A key of software in a device's place; all else is OpenSSH's."""
    both.key("token", kind=kind, provider=BUILD / SK_SOFT)
    both.install(both.gl, BUILD / SK_SOFT, f"{OPT}/sk_soft.so")
    use = [f"-oSecurityKeyProvider={OPT}/sk_soft.so"]
    assert both.person("token").startswith(f"{name} ")
    both.put("bob.pub", both.person("b"))
    both.push()
    assert both.login("token", use) is None
    both.put("alice.pub", both.person("token"))
    both.push()
    assert both.login("token", use) == "alice"
    both.put("alice.pub", None)
    both.push()
    assert both.login("token", use) is None


def test_a_name_with_a_domain_stays_whole(keys):
    # The original made alice@laptop another identity.
    keys.put("a@b.com.pub", keys.person("a"))
    keys.put("alice@laptop.pub", keys.person("b"))
    keys.push()
    assert keys.login("a") == "a@b.com"
    assert keys.login("b") == "alice"


def test_the_first_of_two_files_with_one_key_has_it(keys):
    keys.put("zoe.pub", keys.person("a"))
    keys.put("alice.pub", keys.person("a"))
    done = keys.push()
    assert keys.login("a") == "alice"
    assert "keydir/zoe.pub left out: the same key as keydir/alice.pub" in \
        done.stderr


def test_bad_files_are_named_and_do_not_stop_the_good_ones(keys):
    # In the original one bad line refused all, so that revocation froze.
    keys.put("alice.pub", keys.person("a"))
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    keys.put("bob.pub", None)
    bad = {
        "-oProxyCommand=id.pub": keys.person("c"),
        "--auth-update.pub": keys.person("c"),
        "admin info.pub": keys.person("c"),
        "$(id).pub": keys.person("c"),
        'a",command="id.pub': keys.person("c"),
        "back\\.pub": keys.person("c"),
        "two.pub": keys.person("c") + "\n" + keys.person("d"),
        "options.pub": 'command="id" ' + keys.person("c"),
        "short.pub": keys.person("c")[:-8],
        "type.pub": "ssh-rsa " + keys.person("c").split()[1],
        "private.pub": (keys.dir / "c").read_text(),
        "crlf.pub": keys.person("c").replace(" ", "\r\n", 1),
        "nul.pub": keys.person("c").encode() + b" x\0y\n",
        "sep.pub": keys.person("c") + " x\u2028y",
        "vt.pub": keys.person("c") + " x\x0by",
        "nel.pub": keys.person("c") + " x\x85y",
        "big.pub": "ssh-ed25519 " + "A" * (1 << 20),
        "empty.pub": b"",
    }
    for name, content in bad.items():
        keys.put(name, content)
    latin = os.fsencode(keys.gl.path(KEYDIR)) + b"/l\xe4tin.pub"
    newline = os.fsencode(keys.gl.path(KEYDIR)) + \
        b"/x\n# gitolite end\n.pub"
    # No mistake, so not a word about it; and not let in.
    keys.put("server-1.pub", keys.person("c"))
    for path in (latin, newline):
        with open(path, "wb") as f:
            f.write(keys.person("c").encode() + b"\n")
    done = keys.push(expect=2)
    for name in bad:
        shown = name.replace("\\", "\\\\")
        assert f"keydir/{shown} left out: " in done.stderr, name
    assert "keydir/l\\xe4tin.pub left out" in done.stderr
    assert "server-1" not in done.stderr
    assert "keydir/x\\x0a# gitolite end\\x0a.pub left out" in done.stderr
    assert keys.ids() == {"alice": [keys.person("a").split()[1]]}
    assert keys.login("b") is None
    assert keys.login("c") is None


def test_a_trigger_is_quiet_and_never_fails(keys):
    keys.put("alice.pub", keys.person("a"))
    done = keys.trigger()
    assert (done.stdout, done.stderr) == ("", "")
    assert keys.login("a") == "alice"
    keys.put("bad name.pub", keys.person("b"))
    done = keys.trigger()
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "keydir/bad name.pub left out" in done.stderr


def test_a_gateway_that_is_down_is_said_and_the_trigger_goes_on(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.gw.run("systemctl stop ssh")
    try:
        keys.server(push_timeout="2s")
        done = keys.push(expect=1)
        assert re.search("did not reach the gateway: .*Connection refused",
                         done.stderr)
        assert keys.trigger().stderr.count("\n") == 1
    finally:
        keys.gw.run("systemctl start ssh")
        keys.gw.wait_up()
    keys.push()
    assert keys.login("a") == "alice"


def test_a_silent_gateway_does_not_hold_a_push_for_ever(keys):
    keys.put("alice.pub", keys.person("a"))
    # What is given on the command line counts, and not this.
    keys.server(push_timeout="1h")
    keys.gw.link.cut()
    done = keys.push("--timeout", "3s", expect=None)
    assert done.returncode in (1, 75)
    assert "did not reach the gateway" in done.stderr


def test_another_host_key_is_refused_at_once(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.gl.write(f"{ETC}/known_hosts", f"h2 {keys.public('push')}\n")
    done = keys.push("--json", expect=1)
    assert '"tries":1' in done.stdout
    assert "ost key verification failed" in done.stdout
    assert keys.current() is None


def test_what_is_shown_was_escaped_once(keys):
    """A name passes several hands, each of which could escape it again."""
    keys.put("alice.pub", keys.person("a"))
    keys.put("z\\\x1b/bob.pub", keys.person("a"))
    keys.put("z\\\x1b/eve x.pub", keys.person("b"))
    done = keys.push(expect=2)
    folder = r"keydir/z\\\x1b/"
    same = folder + "bob.pub{} left out: the same key as keydir/alice.pub"
    bad = folder + "eve x.pub{} left out: "
    for line in (same, bad):
        assert line.format("") in done.stderr
        assert line.format("") in keys.log(keys.gl)
    lint = [POSTERN, "lint-keys", KEYDIR]
    said = keys.gl.run(lint, check=False).stdout
    assert same.format(":") in said and bad.format(":") in said
    rows = [json.loads(x) for x in keys.gl.run(
        [*lint, "--json"], check=False).stdout.splitlines()]
    assert sorted(r["file"] for r in rows if r["event"] == "bad") == [
        folder + "bob.pub", folder + "eve x.pub"]
    # The gateway's answer, and what a client reads.
    done = keys.gl.run(keys.ssh_argv("a\\b\x1b"), check=False, env=ENV,
                       input="")
    assert r"not for 'a\\b\x1b'" in done.stdout


def test_a_key_of_roots_own_file_is_nobodys(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.put("mallory.pub", keys.public("push"))
    keys.push()
    assert list(keys.ids()) == ["alice"]
    assert "its key is that of /etc/postern/git/authorized_keys:1" in \
        keys.log()
    # So the push key still updates.
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    assert keys.login("b") == "bob"


def test_too_few_keys_are_refused_but_with_force(keys):
    for name in "abcdefghijkl":
        keys.put(f"{name}.pub", keys.person(name))
    keys.push()
    for name in "bcdefghijkl":
        keys.put(f"{name}.pub", None)
    with keys.unchanged("d", "d"):
        done = keys.push(expect=1)
        assert "11 of 12 keys would go" in done.stderr
    keys.push("--force")
    assert keys.login("d") is None
    assert keys.login("a") == "a"
    keys.put("a.pub", None)
    done = keys.push(expect=1)
    assert "at least 1" in done.stderr
