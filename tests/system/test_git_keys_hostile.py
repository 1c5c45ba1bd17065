# SPDX-License-Identifier: ISC
"""postern git: what a hostile or broken git server sends to the gateway, and
what a hostile gateway answers. Nothing of it takes effect; the old keys go on
working; the log says what it was."""

import os
import re
import subprocess

import pytest

from gitkeylib import BEGIN, END, ENV, ETC, KEYDIR, STATE, keys, text
from lab import proc

__all__ = ["keys"]

NOW = 2000          # a sequence above that of old()
BEGIN_SIG = b"-----BEGIN SSH SIGNATURE-----\n"


@pytest.fixture
def old(keys):
    """alice's key is in force, sequence 1000."""
    assert keys.signed(text(1000, [keys.line("alice", "a")])).word == "ok"
    assert keys.login("a") == "alice"
    return keys


def good(keys, sequence=NOW, **lies):
    """A push that would let bob in, and alice no more."""
    return text(sequence, [keys.line("bob", "b")], **lies)


# name: the signed text, and what the log says of it.
TEXTS = {
    "no end": (lambda k: good(k, end=b""), "cut off"),
    "half an end": (lambda k: good(k)[:-9], "cut off"),
    "empty text": (lambda k: b"\n", "line 1 is not as the head"),
    "two starts": (lambda k: BEGIN + good(k), "line 2 is not as the head"),
    "a start within": (
        lambda k: text(NOW, [k.line("bob", "b"), BEGIN.strip()]),
        "another mark"),
    "more lines than counted": (lambda k: good(k, count=0), "more lines"),
    "fewer lines than counted": (lambda k: good(k, count=2),
                                 "1 lines of keys came, and the head says 2"),
    "another sum": (lambda k: good(k, sha="0" * 64), "sha256"),
    "an old sequence": (lambda k: good(k, 999), "older than"),
    "the same sequence": (lambda k: good(k, 1000), "older than"),
    "no sequence": (lambda k: good(k, 0), "sequence"),
    "a sequence beyond": (lambda k: good(k, 1 << 63), "sequence"),
    "a negative sequence": (lambda k: good(k, -1), "sequence"),
    "another format": (
        lambda k: good(k).replace(b"format 1", b"format 2"), "version"),
    "another server": (lambda k: good(k, server="other"),
                       "keys of 'other'"),
    "a server that is an option": (lambda k: good(k, server="-oX=y"),
                                   "server"),
    "something behind": (lambda k: good(k) + b"x", "follows the end"),
    "twice": (lambda k: good(k) * 2, "follows the end"),
    "CRLF": (lambda k: good(k).replace(b"\n", b"\r\n"), "line 1 is not"),
    "NUL in the head": (lambda k: good(k).replace(b"count", b"\0count"),
                        "count"),
    "NUL in a key": (
        lambda k: good(k).replace(b" ssh-", b"\0ssh-"), "sha256"),
    "a head without end": (lambda k: BEGIN + b"A" * 100000,
                           "longer than any of"),
    "raw authorized_keys": (
        lambda k: b'command="gitolite-shell bob" ' +
        k.person("b").encode() + b"\n", "line 1 is not"),
    "too many keys": (lambda k: good(k, count=200001), "more keys than"),
    "nobody at all": (lambda k: text(NOW, []), "only 0 keys"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_signed_text_that_is_not_whole_is_refused(old, name):
    make, why = TEXTS[name]
    with old.unchanged(reason=why):
        answer = old.signed(make(old))
        assert answer.word == ("stale" if "older" in why else "refused")
        assert answer.rc != 0


def test_what_is_not_signed_by_the_server_is_refused(old):
    data = good(old)
    old.key("mallory")
    sig = old.sign(data)
    streams = {
        "nothing came": b"",
        "does not begin with one": data,
        "cut off": sig[:100],
        "a line that is no base64": sig.replace(b"\n", b"\r\n").replace(
            b"\r", b"", 1) + data,
        "the signature is not good": sig + text(NOW, [old.line(
                "eve", "b")]),
        "their end did not come|nothing": sig,
    }
    for why, stream in streams.items():
        with old.unchanged(reason=why):
            assert old.send(stream).word == "refused", why
    with old.unchanged(reason="the signature is not good, or not that of"):
        assert old.signed(data, key="mallory").word == "refused"
        assert old.signed(data, namespace="git").word == "refused"
        assert old.signed(data, namespace="file").word == "refused"
        # Of another text by the right key.
        assert old.send(old.sign(good(old, 3000)) + data).word == "refused"


def test_a_signature_that_does_not_end_is_refused(old):
    with old.unchanged(reason="it does not end"):
        assert old.send(BEGIN_SIG + (b"A" * 76 + b"\n") * 10000).word == \
            "refused"
    with old.unchanged(reason="too long"):
        assert old.send(BEGIN_SIG + b"A" * (1 << 20)).word == "refused"


def pour(keys, first, rest):
    """first, then what the command rest prints, into auth-update."""
    keys.gl.write("/tmp/first", first)
    argv = " ".join(f"'{w}'" for w in keys.ssh_argv())
    return keys.gl.run(f"(cat /tmp/first; {rest}) 2>/dev/null | {argv}",
                       check=False, timeout=120).stdout


def test_a_gigabyte_is_not_read(old):
    with old.unchanged(reason="does not begin with one"):
        said = pour(old, b"", "head -c 1G /dev/zero")
        assert said.startswith("v1 refused ")
    # A good head, then one line without an end.
    data = good(old, count=200000)
    head = data[:data.index(b"\n\n") + 2]
    with old.unchanged(reason="more than the 201326592 bytes"):
        said = pour(old, old.sign(data) + head + b"bob ssh-ed25519 ",
                    "head -c 1G /dev/zero | tr '\\0' A")
        assert said.startswith("v1 refused ")


# What is in a line, and not in its key.
LINES = {
    "--auth-update": b"--auth-update KEY",
    "an option": b"-oProxyCommand=id KEY",
    "two words": b"admin info KEY",
    "quoted": b"'admin info' KEY",
    "a blank in front": b" bob KEY",
    "a shell": b"$(id) KEY",
    "a second command": b'a",command="id KEY',
    "a backslash": b"bob\\ KEY",
    "a path": b"../x KEY",
    "a slash": b"a/b KEY",
    "no id": b"KEY",
    "only an id": b"bob",
    "nothing": b"",
    "65 characters": b"b" * 65 + b" KEY",
    "Latin-1": b"b\xf6b KEY",
    "UTF-8": "böb KEY".encode(),
    "NUL": b"bob\0 KEY",
    "a tab": b"bob\tKEY",
    "two blanks": b"bob  KEY",
    "CR": b"bob KEY\r",
    "CR within": b"bob\rx KEY",
    "U+2028": "bob KEY \u2028".encode(),
    "VT": b"bob\x0b KEY",
    "NEL": b"bob KEY \x85",
    "NEL in UTF-8": "bob KEY \x85".encode(),
    "a comment": b"bob KEY x",
    "options": b'bob command="id" KEY',
    "another type": b"bob ssh-rsa BLOB",
    "an unknown type": b"bob ssh-foo BLOB",
    "short": b"bob ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA",
    "no base64": b"bob ssh-ed25519 !!!!",
    "a private key": b"bob -----BEGIN OPENSSH PRIVATE KEY-----",
    "a megabyte": b"bob ssh-ed25519 " + b"A" * (1 << 20),
    "an escape": b"bob\033[2J KEY",
    "a comment line": b"# bob",
}


def test_bad_lines_are_left_out_and_all_others_are_taken(old):
    public = old.person("b")
    blob = public.split()[1]
    lines = [line.replace(b"KEY", public.encode()).replace(
        b"BLOB", blob.encode()) for line in LINES.values()]
    answer = old.signed(text(NOW, [*lines, old.line("carol", "c")]))
    assert (answer.word, answer.keys, answer.skipped) == ("ok", 1, len(lines))
    assert old.ids() == {"carol": [old.person("c").split()[1]]}
    assert old.login("c") == "carol"
    # What was revoked by the same push is out.
    assert old.login("a") is None
    assert old.login("b") is None
    log = old.log()
    for n, name in enumerate(LINES):
        assert f"skipped line {n + 8}: " in log, name
    assert "\033" not in log


def test_the_push_key_opens_nothing_else(old):
    stream = old.sign(good(old)) + good(old)
    for command in ("id", "auth-update; id", "auth-update  --force",
                    "git-upload-pack 'r'", "scp -f x", "--auth-update",
                    "auth-update\n", "auth-update --force --force",
                    "/usr/lib/openssh/sftp-server", "auth-update \x1b[2J"):
        with old.unchanged(reason="alone, not for"):
            answer = old.send(stream, command)
            assert answer.word == "refused", command
            assert "\x1b" not in answer.why


def test_a_writer_that_stalls_holds_up_nobody(old):
    data = good(old)
    stream = old.sign(data) + data
    with old.gl.popen(old.ssh_argv(), env=ENV, stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE) as stalls:
        stalls.stdin.write(stream[:-20])
        stalls.stdin.flush()
        # ssh has passed it on once another one's answer is there.
        old.put("carol.pub", old.person("c"))
        old.push()
        assert old.login("c") == "carol"
        assert stalls.poll() is None
        stalls.stdin.close()
        assert stalls.stdout.read().startswith(b"v1 refused ")
    assert old.login("c") == "carol"


def test_a_writer_that_stalls_is_ended_at_the_deadline(old):
    old.configure(update_timeout="2s")
    data = good(old)
    stream = old.sign(data) + data
    for length in (0, 50, len(stream) - 20, len(stream)):
        with old.unchanged(reason="did not come within 2 s"):
            with old.gl.popen(old.ssh_argv(), env=ENV,
                              stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as stalls:
                stalls.stdin.write(stream[:length])
                stalls.stdin.flush()
                proc.wait_for(lambda p=stalls: p.poll() is not None, 20,
                              "end of the update")
                assert stalls.stdout.read().startswith(b"v1 busy ")


ANSWERS = {
    "a program": b"#!/bin/sh\nid >/home/git/owned\n",
    "two files of the original": b"ssh-ed25519 AAAA git@gw\n#!/bin/sh\n"
                                 b"exec ssh -qT git@gw\n",
    "nothing": b"",
    "binary": bytes(range(256)) * 4,
    "an escape": b"v1 ok sequence=1 keys=1 skipped=0 \x1b]0;x\x07\n",
    "a gigantic one": b"v1 ok " + b"x" * (1 << 20),
    "other numbers": b"v1 ok sequence=x keys=1 skipped=0\n",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_never_more_than_a_line_of_text(keys, name):
    # The original installed what the gateway answered, and ran it.
    keys.put("alice.pub", keys.person("a"))
    keys.gw.write("/opt/postern/answer", ANSWERS[name])
    keys.gw.write(f"{ETC}/authorized_keys", 'restrict,command="cat >/dev/null'
                  '; cat /opt/postern/answer" %s\n' % keys.public("push"))

    def tree():
        return keys.gl.run(
            "find /home/git /opt /etc /var/lib/postern /usr/local -newer "
            "/tmp/mark -type f; find /home/git /var/lib/postern -perm /111 "
            "-type f").stdout
    keys.gl.run("rm -f /home/git/a*; touch /tmp/mark")
    done = keys.push("--timeout", "5s", expect=1)
    assert "did not reach the gateway: " in done.stderr
    assert set(tree().split()) == {f"{STATE}/{n}" for n in
                                   ("sequence", "pushed", "push.lock")}
    assert not keys.gl.exists("/home/git/owned")
    assert "\x1b" not in done.stderr and done.stdout == ""
    assert re.search("not an answer of a gateway|says more than|no answer|"
                     "Host key", done.stderr), done.stderr


def test_a_file_name_cannot_forge_a_mark(keys):
    keys.put("alice.pub", keys.person("a"))
    name = b"/x\n" + END.strip() + b"\n.pub"
    with open(os.fsencode(keys.gl.path(KEYDIR)) + name, "wb") as f:
        f.write(keys.person("b").encode())
    keys.put("zoe.pub", keys.person("c"))
    keys.push(expect=2)
    assert sorted(keys.ids()) == ["alice", "zoe"]


def test_a_gateway_that_refuses_is_quoted_with_its_reason(old):
    old.configure(min_keys=5)
    old.put("alice.pub", old.person("a"))
    done = old.push(expect=1)
    assert "h2 refused the keys: only 1 keys, and there must be at least 5" \
        in done.stderr
    assert old.gl.read(f"{STATE}/pushed").endswith(
        "if this is meant, push with --force\n")
