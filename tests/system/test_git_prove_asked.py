# SPDX-License-Identifier: ISC
"""What a gateway that was taken over has of the questions that a check and a
set-up ask of the git server."""

import json

from gitprovelib import ready  # noqa: F401
from gitsetuplib import ETC, KEYS


def probe(ready, command, gitproto="version=2", stdin="", ident=None):
    """As a gateway that was taken over asks."""
    proto = f" gitproto={gitproto}" if gitproto else ""
    return ready.gw.run(
        ["runuser", "-u", "git", "--", "timeout", "30", "ssh", "-F", "none",
         "-T", "-i", f"{ETC}/id_ed25519", "-o",
         f"UserKnownHostsFile={ETC}/known_hosts", "git@gl",
         f"v1 id={ident or 'postern-check'} ip=- fp=- "
         f"sid=0123456789abcdef{proto} -- {command}"],
        input=stdin, check=False)


WAY = "postern-check ip=- fp=- gitproto=version=2 serves=gitolite"


def test_a_gateway_gains_nothing_by_the_questions_of_a_check(ready):
    done = probe(ready, "info")
    way, greets = done.stdout.splitlines()
    assert way == WAY and greets.startswith("hello postern-check, this is ")
    # Of gitolite-admin, which it is, nothing: what is sent is not read.
    ask = ("0014command=ls-refs\n0001" "0009peel\n0000")
    done = probe(ready, "git-upload-pack 'postern-check'", stdin=ask)
    assert (done.returncode, done.stdout) == (
        0, f"{WAY}\npostern-check git=2\n"), done
    for proto in ("", "version=1"):
        done = probe(ready, "git-upload-pack 'postern-check'", proto)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert "version 2 of git's protocol" in done.stderr
    for command in ("git-upload-pack 't/x'", "git-receive-pack "
                    "'postern-check'", "git-upload-pack 'gitolite-admin'",
                    "git-upload-pack 'postern-check' 't/x'", "help", "info x",
                    "key-push --force", "key-push x", "key-status x", "id"):
        done = probe(ready, command)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert "is no user, and may ask" in done.stderr, done
    # Nobody else has these questions.
    for command in ("key-push", "key-status"):
        done = probe(ready, command, ident="alice")
        assert done.returncode == 1 and "postern-check" not in done.stdout
    log = ready.gl.run("journalctl -q -o cat -t postern-git").stdout
    assert "id=postern-check" in log


def test_a_gateway_may_ask_for_a_push_and_has_no_word_in_it(ready):
    """All that comes of it is what the timer does anyway."""
    key = ready.client.path("/home/alice/.ssh/asked")
    ready.lab.keygen(key, "carl@client")
    at = "/home/git/.gitolite/keydir/carl.pub"
    ready.gl.write(at, key.with_suffix(".pub").read_text())
    lock = "/var/lib/postern/git/asked.lock"
    try:
        done = probe(ready, "key-push", stdin="x" * 1000)
        assert done.returncode == 0, done
        assert done.stdout.splitlines()[1].startswith("postern-check pushed=")
        assert " carl\" " in ready.gw.read(f"{KEYS}/current/authorized_keys")
        gl = json.loads(ready.gl.run("postern git status --json").stdout)
        assert f"pushed={gl['sequence']} keys={gl['keys']} " in done.stdout
        done = probe(ready, "key-status")
        assert done.stdout.splitlines()[1] == (
            f"postern-check sequence={gl['sequence']} keys={gl['keys']} "
            f"pushed={gl['pushed']} taken={gl['sequence']} ok=yes")
        # One at a time.
        with ready.gl.popen(["flock", lock, "-c", "echo on; cat"], text=True,
                            stdin=-1, stdout=-1) as held:
            assert held.stdout.readline() == "on\n"
            done = probe(ready, "key-push")
            assert done.returncode == 75, done
            held.stdin.close()
            held.wait()
    finally:
        ready.gl.run(f"rm {at}; postern git push-keys --force")
