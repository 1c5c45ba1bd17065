# SPDX-License-Identifier: ISC
"""A disk whose header has a token, which opens it without any passphrase: that
says nothing of the passphrase that somebody gave."""

import ctypes
import subprocess

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, DISK, UUID

PORT = 2225
NAME = b"postern-boot-test"
TEST = ["cryptsetup", "open", "--test-passphrase", "--key-file=-", DISK]
TOOL = "/usr/sbin/cryptsetup"


def with_key(secret):
    """In a child: a session keyring of its own, which has the disk's key."""
    keys = ctypes.CDLL("libkeyutils.so.1", use_errno=True)

    def enter():
        if keys.keyctl_join_session_keyring(None) == -1 or \
                keys.add_key(b"user", NAME, secret, len(secret), -3) == -1:
            raise OSError(ctypes.get_errno(), "keyring")
    return enter


@pytest.fixture
def token(boot):
    """The disk has one, and an sshd whose sessions can reach what it names; a
    function that runs a command on the host there."""
    secret = b"of-the-token-55d1"
    boot.host.run(f"printf %s 'correct horse battery staple' >{DIR}/old; "
                  f"printf %s {secret.decode()} | cryptsetup luksAddKey -q "
                  "--pbkdf pbkdf2 --pbkdf-force-iterations 1000 "
                  f"--key-slot 5 --key-file={DIR}/old {DISK} -; "
                  f"cryptsetup token add --token-id 3 --key-slot 5 "
                  f"--key-description {NAME.decode()} {DISK}")
    boot._start(["/usr/sbin/sshd", "-D", "-f", f"{DIR}/sshd_config", "-p",
                 str(PORT), "-o", "PidFile=none"],
                preexec_fn=with_key(secret), stderr=subprocess.DEVNULL)
    boot.wait_port(PORT)
    yield lambda argv, **kwargs: boot.host.run(
        argv, preexec_fn=with_key(secret), check=False, **kwargs)
    boot.host.run(f"cryptsetup token remove --token-id 3 {DISK}; "
                  f"cryptsetup luksKillSlot -q {DISK} 5; rm {DIR}/old")


@pytest.fixture
def old(boot):
    """A cryptsetup from before 2.4, as far as it knows no --token-type."""
    boot.host.run(["mv", TOOL, f"{TOOL}.new"])
    boot.host.write(TOOL, "#!/bin/sh\ncase \"$*\" in *--token-type*)\n"
                    "\techo 'unknown option' >&2; exit 1 ;;\nesac\n"
                    f'exec {TOOL}.new "$@"\n', mode=0o755)
    yield
    boot.host.run(["mv", f"{TOOL}.new", TOOL])


def states(done):
    return [e["state"] for e in done.of("state")]


def test_a_token_answers_for_no_passphrase(boot, token):
    boot.keys("-t 2")
    boot.systemd()
    before = boot.questions()
    # What would say so of any.
    assert token(TEST, input="wrong").returncode == 0
    for _ in range(2):
        done = boot.unlock("wrong", "-p", str(PORT), "h41")
        assert done.word == "rejected", done
    # Both were tries, and cost the boot none.
    assert boot.unlock("wrong", "-p", str(PORT), "h41").word == "busy"
    assert boot.questions() == before
    assert boot.log() == [("agent", "rejected")] * 2


def test_nor_at_the_console(boot, token):
    boot.systemd()
    before = boot.questions()
    done = token(["console_auth", UUID], input="wrong\n")
    assert done.returncode == 1 and f"{UUID}: rejected" in done.stdout
    assert boot.questions() == before


def test_an_old_cryptsetup_tests_as_well(boot, old):
    boot.systemd()
    before = boot.questions()
    assert boot.unlock("wrong").word == "rejected"
    assert boot.questions() == before


def test_an_old_cryptsetup_is_not_asked_of_a_disk_with_tokens(
        boot, token, old):
    """It would ask the token, whatever it is told: so the boot itself tests
    the passphrase, and it counts as a guess."""
    boot.keys("-t 1 -w 20")
    boot.question(DISK, times=2)
    done = boot.unlock("wrong", "-p", str(PORT), "h41")
    assert done.word == "rejected" and "delivering" in states(done), done
    assert boot.unlock("wrong").word == "busy"
    assert boot.log() == [("agent", "delivering"), ("agent", "rejected")]
