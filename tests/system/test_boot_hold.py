# SPDX-License-Identifier: ISC
"""The lock that whoever gives a passphrase has: nobody keeps others out by it,
by what comes to him at a terminal or by a session that says nothing."""

import fcntl
import os
import signal
import subprocess

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import AGENT, DIR, PASS, UUID
from lab import proc

ASKED = b"empty: leave it out): "
LOCK = "/run/postern-boot/lock"
LOG = "/run/postern-boot/log"
TOOL = "/usr/sbin/cryptsetup"


class Person:
    """Who is logged in by ssh -tt from admin."""

    def __init__(self, boot, command):
        self.p = boot._start_on(boot.admin, ["ssh", "-tt", "h41", command],
                                stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
        self.said = b""

    def sees(self, text):
        while text not in self.said:
            part = os.read(self.p.stdout.fileno(), 4096)
            assert part, self.said
            self.said += part

    def types(self, text):
        os.write(self.p.stdin.fileno(), text)

    def end(self):
        self.said += self.p.stdout.read()
        return self.p.wait(60)


@pytest.fixture
def slow(boot):
    """A cryptsetup that says when it has begun, and waits until it may."""
    boot.host.run(["mv", TOOL, f"{TOOL}.real"])
    boot.host.write(TOOL, f"#!/bin/sh\n: >{DIR}/begun\n"
                    f"until [ -e {DIR}/go ]; do sleep 0.1; done\n"
                    f'exec {TOOL}.real "$@"\n', mode=0o755)
    yield
    boot.host.run(f"mv {TOOL}.real {TOOL}; rm -f {DIR}/begun {DIR}/go")


def others_may(boot):
    """Another one, for another disk, is not kept out."""
    boot.keys("-w 1")
    boot.question("/dev/nowhere")
    done = boot.unlock(PASS)
    assert done.word == "delivered", done


# At a terminal

def test_who_is_stopped_keeps_nobody_out(boot):
    boot.askpass()
    person = Person(boot, f"sh -ic 'console_auth -w 2 {UUID}; cat'")
    person.sees(ASKED)
    person.types(PASS.encode() + b"\n")
    person.sees(b": waiting")
    person.types(b"\x1a")
    others_may(boot)


def test_a_terminal_that_shows_nothing_keeps_nobody_out(boot):
    boot.askpass()
    person = Person(boot, f"console_auth -w 2 {UUID}")
    person.sees(ASKED)
    person.types(PASS.encode() + b"\n\x13")
    proc.wait_for(lambda: boot.host.exists(f"{DIR}/got") and boot.got(), 20,
                  "delivery")
    others_may(boot)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT,
                                    signal.SIGQUIT, signal.SIGTERM])
def test_what_was_begun_comes_to_its_end(boot, slow, number):
    """A cut ssh, or a key, in the midst of cryptsetup's work."""
    boot.systemd()
    with boot.host.popen(["console_auth"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True) as p:
        p.stdin.write("wrong\n")
        p.stdin.close()
        proc.wait_for(lambda: boot.host.exists(f"{DIR}/begun"), 20, "test")
        p.signal_target(number)
        boot.host.write(f"{DIR}/go", "")
        p.stdout.read()
        assert p.wait(60) != 0
    assert " console rejected " in boot.host.read(LOG)


def test_who_presses_ctrl_c_does_not_wait_for_the_disk(boot):
    """What he gave is given, and written down."""
    boot.askpass()
    person = Person(boot, f"console_auth -w 600 {UUID}")
    person.sees(ASKED)
    person.types(PASS.encode() + b"\n")
    person.sees(b": waiting")
    person.types(b"\x03")
    assert person.end() == 255     # ended by a signal
    assert " console delivered " in boot.host.read(LOG)


def test_what_is_typed_ahead_is_neither_shown_nor_run(boot):
    boot.askpass()
    person = Person(boot, f"console_auth -w 2 {UUID}; "
                    "timeout --foreground 1 cat")
    person.sees(ASKED)
    person.types(PASS.encode() + b"\nfirst-ahead\n")
    person.sees(b": waiting")
    person.types(b"second-ahead\n")
    person.end()
    assert b": delivered" in person.said
    assert b"ahead" not in person.said


# By a session

def test_a_client_that_reads_nothing_keeps_nobody_out(boot):
    """All that fits is "ready", which comes before the lock."""
    boot.systemd()
    here, there = os.pipe()
    size = fcntl.fcntl(there, fcntl.F_SETPIPE_SZ, 4096)
    os.write(there, b"x" * (size - len("postern-boot 1\nstate ready\n") - 5))
    p = boot._start([AGENT], stdin=subprocess.PIPE, stdout=there,
                    env={"SSH_ORIGINAL_COMMAND": f"unlock {UUID}"})
    p.stdin.write(b"wrong\n")
    p.stdin.close()
    try:
        proc.wait_for(lambda: boot.log() == [("agent", "rejected")], 30,
                      "rejection")
        boot.opened()
        assert boot.unlock(PASS).word == "accepted"
    finally:
        os.close(here)
        os.close(there)


@pytest.mark.parametrize("command, more, last", [
    (f"unlock {UUID}", "", "state ready\n"), ("list", "", "end\n"),
    ("list", f"unlock {UUID}\n", "state ready\n")],
    ids=["unlock", "list", "session"])
def test_a_session_that_says_nothing_keeps_nobody_out(
        boot, command, more, last):
    boot.systemd()
    boot.opened()
    argv = ["ssh", "-o", f"UserKnownHostsFile={DIR}/known", "-o",
            "HostKeyAlias=h41", "-p", "2222", "h41", command]
    with boot.admin.popen(argv, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as p:
        p.stdin.write(more)
        p.stdin.flush()
        for line in p.stdout:
            if line == last:
                break
        done = boot.auth(input=PASS + "\n")
        assert done.returncode == 0, done
        assert f"{UUID}: accepted" in done.stdout
        p.stdin.close()
        p.stdout.read()


def test_nor_does_one_for_what_nobody_asks(boot):
    boot.systemd()
    argv = ["ssh", "-o", f"UserKnownHostsFile={DIR}/known", "-o",
            "HostKeyAlias=h41", "-p", "2222", "h41", "unlock /dev/nowhere"]
    with boot.admin.popen(argv, stdout=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline() == "postern-boot 1\n"
        done = boot.auth(input="wrong\n")
        assert f"{UUID}: rejected" in done.stdout, done
        assert "verdict gone" in p.stdout.read()


def test_a_test_that_is_under_way_is_waited_for(boot):
    boot.systemd()
    boot.host.run(["mkdir", "-p", "-m", "700", "/run/postern-boot"])
    with boot.host.popen(["flock", LOCK, "sh", "-c", "echo held; sleep 4"],
                         stdout=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline() == "held\n"
        assert boot.unlock("wrong").word == "rejected"


# As it was begun

def test_without_a_standard_output_nothing_of_it_is_in_a_file(boot):
    boot.systemd()
    done = boot.host.run(f"echo wrong | console_auth {UUID} >&- 2>&-",
                         check=False)
    assert done.returncode == 1
    assert boot.host.read(LOCK).strip().isdigit()
    assert " console rejected " in boot.host.read(LOG)


def test_whoever_ignores_the_end_of_children_began_it(boot):
    boot.systemd()
    done = boot.host.run(["env", "--ignore-signal=CHLD", "console_auth"],
                         input="wrong\n", check=False)
    assert f"{UUID}: rejected" in done.stdout, done
