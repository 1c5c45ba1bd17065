# SPDX-License-Identifier: ISC
"""Commands of a length that no git sends, through the real sshd: of no byte,
and of as many as a line can hold; what is written down of them is short."""

import pytest

from gitlib import ETC, LOG, git, git_hosts  # noqa: F401
from test_git_refuse import ended_well, state


def long_command(git, size):
    """A command of so many bytes, in words that one argv can have."""
    words, left = [], size
    while left > 0:
        words.append("x" * min(left, 60 << 10))
        left -= len(words[-1]) + 1
    assert len(" ".join(words)) == size
    return git.client.run(
        ["setpriv", "--reuid", "alice", "--regid", "alice", "--init-groups",
         "ssh", "-T", "git@gw", *words], env=git.env("alice"), check=False)


@pytest.mark.parametrize("audit", ["json", "text"])
def test_the_line_of_a_long_command_is_short_and_says_so(git, audit):
    git.gw.write("/etc/postern/git.conf", git.gw.read(
        "/etc/postern/git.conf").replace("audit = json", f"audit = {audit}"))
    # The longest that Linux lets sshd give to a program: in "NAME=..." and
    # a NUL, 128 KiB.
    size = (128 << 10) - len("SSH_ORIGINAL_COMMAND=") - 1
    done = long_command(git, size)
    assert done.returncode == 1 and done.stdout == ""
    why = f"longer than 3072 bytes: {size}, which begin with 'xxxxx"
    assert why in done.stderr and "xxx...'" in done.stderr
    line, = git.gw.read(f"{LOG}/audit").splitlines()
    assert why in line and "xxx...'" in line and len(line) < 500
    log = git.gw.run(["journalctl", "-q", "-o", "cat", "-t", "postern-git",
                      "-n", "1", "--no-pager"]).stdout
    assert why in log and len(log) < 500
    assert git.audit("gl") == []


def test_more_than_a_command_line_holds_is_refused(git):
    """sshd can't start anything with it: what is written down is sshd's own
    line of the login, with the key."""
    since = git.gw.run("journalctl -n 0 --show-cursor").stdout.split()[-1]
    for size in (128 << 10, 192 << 10):
        done = long_command(git, size)
        assert done.returncode == 1 and done.stdout == ""
        assert "Argument list too long" in done.stderr, done.stderr
        assert len(done.stderr) < 500
    log = git.gw.run(["journalctl", "-q", "-o", "cat", "-u", "ssh",
                      f"--after-cursor={since}"]).stdout
    assert log.count("Accepted publickey for git") == 2
    assert git.audit("gw") == [] and git.audit("gl") == []
    ended_well(git)


@pytest.fixture
def empty(git):
    """exec of nothing, as bob; OpenSSH's client asks for a shell instead."""
    key = "/home/bob/nobodys-format"
    git.run("bob", f"dropbearconvert openssh dropbear .ssh/id_ed25519 {key}")
    # Its list of known hosts has another place.
    yield lambda: git.run(
        "bob", f"dbclient -y -i {key} -T git@gw ''", check=False)
    git.run("bob", f"rm {key} .ssh/known_hosts")


def test_a_command_of_no_byte_is_none(git, empty):
    git.gw.write(f"{ETC}/authorized_keys",
                 f'restrict,command="env" {git.keys["bob"][0]}')
    assert "SSH_ORIGINAL_COMMAND=" in empty().stdout.splitlines()
    git.lines(git.keys)
    before = state(git)
    done = empty()
    assert done.returncode == 1 and done.stdout == "", done
    assert "git gateway: refused: no command was given" in done.stderr
    refused, = git.audit("gw")
    assert refused["event"] == "refused" and refused["id"] == "bob"
    assert git.audit("gl") == [] and state(git) == before
    git.conf(gw=["login-info = yes"])
    assert "hello bob" in empty().stdout
    ended_well(git)
