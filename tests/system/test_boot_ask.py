# SPDX-License-Identifier: ISC
"""How postern boot asks for passphrases: one at a time, on the one terminal,
while connections of other hosts go on; and what becomes of that terminal."""

import os
import pty
import select
import signal
import termios

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, PASS, PORT, POSTERN
from lab import proc
from test_boot_rogue import A, B, answers
from terminal import on_terminal, shown

QUESTION = b"Passphrase of "
GOOD = "echo state ready; read x; echo $x >>{0}/sent; echo verdict accepted -" \
       "; echo end; exit".format(DIR)


def asking(boot, *words):
    """Its process, at the question, and the terminal's two ends."""
    here, there = pty.openpty()
    p = boot.admin.popen(
        ["setsid", "-c", POSTERN, *boot.argv(*words)[1:]], stdin=there,
        stdout=there, stderr=there, env={"TERM": "xterm"})
    out = b""
    while QUESTION not in out:
        assert select.select([here], [], [], 60)[0], out
        out += os.read(here, 65536)
    return p, here, there


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def drain(fd):
    out = b""
    while select.select([fd], [], [], 0)[0]:
        out += os.read(fd, 65536)
    return out


@pytest.mark.parametrize("how", ["key", "signal"])
def test_an_interruption_gives_the_terminal_back(boot, how):
    boot.systemd()
    p, here, there = asking(boot, "unlock", "h41")
    try:
        assert not echoes(there)
        if how == "key":
            os.write(here, b"\x03")
        else:
            # To the one that the person knows, not to the one that asks.
            first, = [n for n in boot.admin.pids() if b"unlock" in
                      cmdline(n) and b"--read" not in cmdline(n)]
            os.kill(first, signal.SIGTERM)
        assert p.wait(30) != 0
        assert echoes(there)
        assert b"interrupted" in drain(here)
        assert not [n for n in boot.admin.pids() if b"--read" in cmdline(n)]
    finally:
        os.close(here)
        os.close(there)


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read()
    except OSError:
        return b""


def test_from_cron_it_asks_nobody_and_is_silent_when_all_is_well(boot):
    boot.systemd()
    boot.opened()
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    first, again = [boot.admin.run(
        ["setsid", "-w", *boot.argv("unlock", "-q", "h41", *words)],
        check=False) for words in ([], ["-s", f"cmd:cat {DIR}/pass"])]
    assert first.returncode == 1 and "no terminal to ask on" in first.stderr
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_an_answer_that_doesnt_come_costs_its_own_host_alone(boot):
    answers(boot, A, a=GOOD)
    status, out = on_terminal(
        boot.admin, boot.argv("unlock", "-t", "3s", "h41", "root@h41")[1:],
        lambda out: b"typed\n" if QUESTION + b"root@h41" in out else None,
        command=[POSTERN])
    assert status == 2 and b"no answer on the terminal in time" in out, out
    assert boot.sent() == "typed\n"


def test_so_does_one_that_is_no_passphrase(boot):
    """Too long, it is typed again; empty, the host is left out."""
    answers(boot, A, a=GOOD)
    typed = iter([b"x" * 600 + b"\n", b"\n", b"typed\n"])
    seen = []

    def react(out):
        if out.count(QUESTION) > len(seen):
            seen.append(1)
            return next(typed)
        return None

    status, out = on_terminal(
        boot.admin, boot.argv("unlock", "h41", "root@h41")[1:], react,
        command=[POSTERN])
    assert status == 2 and len(seen) == 3, out
    assert b"more than 512 bytes: type it again" in out
    assert b"left out" in out and boot.sent() == "typed\n"


def test_what_came_of_others_is_said_whatever_ends_the_questions(boot):
    """An end of file: nobody is there any more."""
    boot.rogue(A)
    status, out = on_terminal(
        boot.admin, boot.argv("unlock", "--json", "h41")[1:],
        lambda out: b"\x04" if QUESTION in out else None,
        command=[POSTERN])
    assert status == 1 and b"no answer was given" in out, out
    assert b'"event":"end"' in out


def test_each_prompt_gets_what_was_typed_for_it(boot):
    answers(boot, A, B, a=GOOD, b=GOOD)
    typed = iter([b"first\n", b"second\n"])
    seen = []

    def react(out):
        if out.count(QUESTION) > len(seen):
            seen.append(1)
            return next(typed)
        return None

    status, out = on_terminal(
        boot.admin, boot.argv("unlock", "h41")[1:], react,
        command=[POSTERN])
    assert status == 0, out
    assert boot.sent() == "first\nsecond\n"
    assert boot.called() == ["list", "unlock a", "unlock b"]
    assert "booting" in shown(out)[-1]
    assert b"first" not in out and b"second" not in out


@pytest.mark.parametrize("words", [[], ["-v"], ["--json"]], ids=str)
def test_while_a_person_is_asked_nothing_that_a_host_says_is_printed(
        boot, words):
    """The second host comes up meanwhile: its prompt is listed behind the
    answer, not behind the question."""
    boot.rogue(A)
    boot.host.write(f"{DIR}/late", "#!/bin/sh\necho postern-boot 1\n"
                    f"echo words >&2\necho prompt systemd late - - "
                    "/dev/late -\n"
                    f"touch {DIR}/said\necho end\n", mode=0o755)
    boot.admin.write(
        f"{DIR}/boot.conf", f"[hosts]\nknown-hosts = {DIR}/known\n"
        f"real-port = 2241\n[host a]\naddress = h41\nport = {PORT}\n"
        "[host b]\naddress = h41\nport = 2240\n", mode=0o600)
    boot.admin.write(f"{DIR}/known", "".join(
        f"{n} {boot.host_key}\n" for n in "ab"))
    state = {}

    def react(out):
        if QUESTION not in out:
            return None
        if "asked" not in state:
            state["asked"] = out
            boot.listener(2240, command=f"{DIR}/late")
            proc.wait_for(lambda: boot.host.exists(f"{DIR}/said") and not [
                n for n in boot.admin.pids() if b"Port=2240" in cmdline(n)],
                30, "the second host's list")
            return b"typed\n"
        return b"\x03" if out.count(QUESTION) == 2 and \
            state.setdefault("twice", out) is out else None

    _, out = on_terminal(
        boot.admin, ["boot", "unlock", "--wait", "60s", *words, "--config",
                     f"{DIR}/boot.conf", "--all"], react, columns=80,
        command=[POSTERN])
    boot.host.run(["rm", "-f", f"{DIR}/said"])
    first = out.index(QUESTION + b"a: ")
    said = out.index(b"late", first)
    between = out[first + len(QUESTION) + 3:said]
    # The newline of the answer comes first.
    assert between.lstrip(b" ").startswith((b"\r\n", b"\n")), out
    assert QUESTION + b"b: " in out


def test_a_rejection_elsewhere_ends_no_question_of_a_host_that_has_begun(boot):
    """Of its second disk, which asks once the first is open."""
    script = ("#!/bin/sh\necho postern-boot 1\n"
              'case "$SSH_ORIGINAL_COMMAND" in\n%s\nesac\necho end\n')
    boot.host.write(f"{DIR}/agent.a", script % (
        f"list) n=$(grep -c . {DIR}/sent); [ $n = 2 ] || "
        "echo prompt systemd disk$n - - /dev/$n -;;\n"
        f'unlock*) echo state ready; read p; echo "$p" >>{DIR}/sent; '
        "echo verdict accepted -;;"), mode=0o755)
    boot.host.write(f"{DIR}/agent.b", script % (
        "list) echo prompt systemd b - - /dev/b -;;\n"
        "unlock*) echo state ready; read p; "
        f"while [ ! -e {DIR}/go.2243 ]; do sleep .1; done; "
        "echo verdict rejected -;;"), mode=0o755)
    boot.host.run(f": >{DIR}/sent")
    boot.listener(2242, command=f"{DIR}/agent.a")
    boot.listener(2243, command=f"{DIR}/agent.b")
    boot.listener(2244, key="/etc/ssh/ssh_host_ed25519_key")
    boot.admin.write(
        f"{DIR}/boot.conf", f"[hosts]\nknown-hosts = {DIR}/known\n"
        f"real-known-hosts = {DIR}/real\n[host a]\naddress = h41\n"
        "port = 2242\nreal-port = 2244\n[host b]\naddress = h41\n"
        "port = 2243\nreal-port = 2241\nsecret = cmd:echo {host}\n",
        mode=0o600)
    boot.admin.write(f"{DIR}/known", "".join(
        f"{n} {boot.host_key}\n" for n in "ab"))
    boot.admin.write(f"{DIR}/real", f"h41 {boot.host.host_key}\n")
    seen = []

    def calls_b():
        return [n for n in boot.admin.pids() if b"Port=2243" in cmdline(n)]

    def react(out):
        if out.count(QUESTION + b"a: ") == len(seen):
            return None
        seen.append(1)
        if len(seen) == 2:
            proc.wait_for(calls_b, 30, "the unlock of the other host")
            boot.host.run(["touch", f"{DIR}/go.2243"])
            proc.wait_for(lambda: not calls_b(), 30, "its end")
        return b"typed%d\n" % len(seen)

    status, out = on_terminal(
        boot.admin, ["boot", "unlock", "--wait", "60s", "--config",
                     f"{DIR}/boot.conf", "--all"], react, columns=80,
        command=[POSTERN])
    boot.host.run(f"rm -f {DIR}/agent.*")
    assert boot.sent() == "typed1\ntyped2\n", out
    assert status == 2 and b"no passphrase" not in out, out
    assert [line.split() for line in shown(out)[-2:]] == [
        ["a", "up"], ["b", "rejected", "b"]], out
