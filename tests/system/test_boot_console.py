# SPDX-License-Identifier: ISC
"""console_auth and console_peek, for who has a shell in the initramfs: by an
emergency key, which the host's own sshd stands for here, or at the console."""

import os
import subprocess

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, DISK, PASS, TREE, UUID
from lab import proc

ASKED = b"empty: leave it out): "


def talk(boot, command, *answers):
    """By ssh -tt from admin; each answer once it is asked for: the exit status
    and all that the terminal showed."""
    said = b""
    with boot.admin.popen(["ssh", "-tt", "h41", command],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as p:
        for n, answer in enumerate(answers, 1):
            while said.count(ASKED) < n:
                part = os.read(p.stdout.fileno(), 4096)
                assert part, said
                said += part
            p.stdin.write(answer.encode() + b"\n")
            p.stdin.flush()
        said += p.stdout.read()
    return p.returncode, said.decode()


def peeking(boot, *words):
    return boot.host.run(["console_peek", *words], check=False)


# Who asks

def test_who_asks_is_listed(boot):
    done = boot.auth("-l")
    assert (done.returncode, done.stdout) == (0, "")
    boot.systemd()
    done = boot.auth("--list")
    assert done.returncode == 0 and done.stdout.startswith(
        f"{UUID} (systemd) {DISK}: "), done


def test_nobody_asks_is_75(boot):
    done = boot.auth(input=PASS + "\n")
    assert done.returncode == 75 and done.stderr == \
        "console_auth: no prompt waits here\n"
    boot.systemd()
    before = boot.questions()
    done = boot.auth("/dev/other", input=PASS + "\n")
    assert done.returncode == 75 and "of that id" in done.stderr
    assert boot.questions() == before


# From standard input

def test_a_wrong_passphrase_is_rejected_and_costs_no_try(boot):
    boot.systemd()
    before = boot.questions()
    done = boot.auth(input="wrong\n")
    assert done.returncode == 1, done
    assert done.stdout == (f"{UUID}: testing\n{UUID}: rejected: the passphrase"
                           " doesn't open this disk\n")
    assert boot.questions() == before


def test_the_right_one_opens_the_disk(boot):
    boot.systemd()
    boot.opened()
    done = boot.auth(UUID, input=PASS + "\n")
    assert done.returncode == 0, done
    assert done.stdout.endswith(f"{UUID}: accepted\n")
    proc.wait_for(lambda: not boot.questions(), 20, "answer")


@pytest.mark.parametrize("text, why", [
    ("", "not one line"), ("\n", "empty"), ("cut off", "not one line"),
    ("two\nlines\n", "not one line"), ("a\0b\n", "NUL"),
    ("x" * 513 + "\n", "more than 513 bytes")],
    ids=["nothing", "empty", "cut", "lines", "nul", "long"])
def test_what_is_no_passphrase_is_refused(boot, text, why):
    boot.systemd()
    done = boot.auth(input=text)
    assert done.returncode == 1 and why in done.stderr, done
    assert done.stdout == "" and boot.log() == []


def test_of_several_prompts_one_has_to_be_named(boot):
    boot.question("/dev/nowhere")
    boot.systemd()
    proc.wait_for(lambda: len(boot.questions()) == 2, 20, "two questions")
    before = boot.questions()
    done = boot.auth(input=PASS + "\n")
    assert done.returncode == 64 and "name the id of one" in done.stderr
    assert UUID in done.stderr and "/dev/nowhere (systemd)" in done.stderr
    assert boot.questions() == before
    boot.opened()
    assert boot.auth(UUID, input=PASS + "\n").returncode == 0
    # The other one still waits, and has got nothing.
    assert len(boot.questions()) == 1 and boot.got() == b""


# On a terminal

@pytest.mark.parametrize("command", ["console_auth", "setsid -w console_auth"],
                         ids=["terminal", "none-of-its-own"])
def test_a_person_is_asked_without_echo(boot, command):
    """As the shell of an initramfs has it, too: with no /dev/tty."""
    boot.askpass()
    boot.opened()
    status, said = talk(boot, command, PASS)
    assert status == 0 and f"{UUID}: accepted" in said, said
    assert f"Passphrase for {UUID} (askpass, 1 wrong) {DISK}: root_crypt" \
        in said
    assert PASS not in said
    proc.wait_for(lambda: boot.started[0].poll() is not None, 20,
                  "end of askpass")
    assert boot.got() == PASS.encode()


def test_each_prompt_is_asked_for_and_may_be_left_out(boot):
    boot.question("/dev/nowhere")
    boot.systemd()
    boot.opened()
    proc.wait_for(lambda: len(boot.questions()) == 2, 20, "two questions")
    order = [line.split()[0] for line in
             boot.auth("-l").stdout.splitlines()]
    answers = {UUID: PASS, "/dev/nowhere": ""}
    status, said = talk(boot, "console_auth", *(answers[i] for i in order))
    assert status == 2, said
    assert f"{UUID}: accepted" in said and "/dev/nowhere: left out" in said
    assert len(boot.questions()) == 1


def test_nothing_stays_of_what_a_person_typed(boot, secret_search):
    boot.systemd()
    secret = "typed-at-the-console-77ab"
    status, said = talk(boot, "console_auth", secret)
    assert status == 1 and "rejected" in said and secret not in said
    # sshd's, of the session that is about to end.
    assert secret_search([boot.host], secret.encode(), allow_mem=lambda hit:
                         hit.comm == "sshd") == []


def two(boot, answers):
    """A person with two prompts; what is answered by id, with what comes
    before it."""
    boot.question("/dev/nowhere")
    boot.systemd()
    boot.opened()
    proc.wait_for(lambda: len(boot.questions()) == 2, 20, "two questions")
    order = [line.split()[0] for line in
             boot.auth("-l").stdout.splitlines()]
    return talk(boot, "console_auth", *(answers[i] for i in order))


def test_what_is_no_passphrase_counts_for_its_prompt_alone(boot):
    status, said = two(boot, {UUID: PASS, "/dev/nowhere": "x" * 513})
    assert status == 2, said
    assert f"{UUID}: accepted" in said
    assert "/dev/nowhere: refused: the answer is longer than" in said


def test_who_gives_up_at_the_second_has_given_the_first(boot):
    boot.question("/dev/nowhere")
    boot.systemd()
    boot.opened()
    proc.wait_for(lambda: len(boot.questions()) == 2, 20, "two questions")
    first = boot.auth("-l").stdout.split()[0]
    good = PASS if first == UUID else "any"
    status, said = talk(boot, "console_auth -w 1", good, "\x04")
    ended = status, "no answer was given" in said
    assert ended == (2 if first == UUID else 1, True), said


def test_the_terminal_is_the_one_behind_standard_input(boot):
    """Where its name is none, or another's: after a change of root."""
    boot.systemd()
    status, said = talk(boot, "exec setsid -w unshare -m sh -c 'mount -t "
                        "devpts -o newinstance none /dev/pts; "
                        "exec console_auth'", "wrong")
    assert status == 1 and f"{UUID}: rejected" in said, said


# Never into a shell

def test_a_shell_on_the_console_gets_nothing(boot):
    """Of the original's ways the worst: it typed the passphrase into whatever
    read there, and a shell would run it."""
    shell = boot._terminal(["sh", "-i"])
    proc.wait_for(lambda: b"# " in os.read(shell.console, 100), 20, "shell")
    for command in f"touch {DIR}/typed", "exit":
        assert boot.auth(input=command + "\n").returncode == 75
    boot.console()
    assert boot.auth(input=f"touch {DIR}/typed\n").returncode == 1
    assert shell.poll() is None and not boot.host.exists(f"{DIR}/typed")


# As the agent does it

def test_tries_are_counted_together_with_the_agents(boot):
    boot.keys("-t 2")
    boot.systemd()
    assert boot.unlock("wrong").word == "rejected"
    assert boot.auth("-t", "2", input="wrong\n").returncode == 1
    done = boot.auth("-t", "2", input=PASS + "\n")
    assert done.returncode == 75 and \
        "busy: 2 passphrases in a minute are enough" in done.stdout
    assert boot.unlock(PASS).word == "busy"


def test_what_was_given_at_the_console_is_in_the_log(boot):
    boot.systemd()
    boot.auth(input="wrong\n")
    talk(boot, "console_auth", "wrong")
    talk(boot, "env -u SSH_CONNECTION console_auth", "wrong")
    said = boot.run("log", "--json", "h41").of("log")
    assert {(e["by"], e["verdict"], e["id"]) for e in said} == {
        ("console", "rejected", UUID)}
    assert [e["from"] for e in said][:2] == [None, boot.admin.ip]
    assert said[2]["from"].startswith("/dev/pts/")


# The screen

def test_the_screen_is_printed(boot):
    rows = ["Please enter passphrase", "", "\x1b[2Jx"]
    data = bytes([4, 30, 0, 0]) + b"".join(
        bytes([c, 7]) for row in rows + [""]
        for c in row.ljust(30).encode())
    boot.host.path("/dev/vcsa").write_bytes(data)
    done = peeking(boot)
    assert (done.returncode, done.stdout) == (
        0, "Please enter passphrase\n\n?[2Jx\n")
    assert boot.host.run("console_peek >/dev/full", check=False
                         ).returncode == 1


def test_a_console_without_a_screen_is_said_to_have_none(boot):
    done = peeking(boot)
    assert done.returncode == 1 and "a serial console has none" in done.stderr


# The command line

@pytest.mark.parametrize("words", [
    ["console_auth", "-x"], ["console_auth", "-w"],
    ["console_auth", "-w", "0"], ["console_auth", "-t", "61"],
    ["console_auth", "a", "b"], ["console_auth", "-l", "a"],
    ["console_peek", "a"], ["console_peek", "-l"],
    ["console_peek", "--list"]])
def test_a_wrong_command_line_is_64(boot, words):
    done = boot.host.run(words, check=False, input="")
    assert done.returncode == 64 and done.stdout == "", done
    assert done.stderr.startswith(f"{words[0]}: "), done


@pytest.mark.parametrize("name", ["console_auth", "console_peek"])
def test_help_and_manual_name_every_option(boot, name):
    text = boot.host.run([f"/usr/local/bin/{name}", "--help"]).stdout
    assert text.startswith(f"usage: {name}")
    assert boot.host.run([name, "-h"]).stdout == text
    page = (TREE / f"man/{name}.1").read_text()
    for word in text.split():
        if word.startswith("--"):
            assert f"-{word[2:]}" in page.replace("\\-", "-"), word


def test_only_root_may(boot):
    boot.systemd()
    done = boot.host.run("exec setpriv --reuid 65534 --clear-groups "
                         "console_auth", check=False, input=PASS + "\n")
    assert done.returncode == 1 and "not root" in done.stderr


def test_the_examples_of_the_manual_do_what_they_say(boot):
    page = (TREE / "man/console_auth.1").read_text()
    text = page.split(".Sh EXAMPLES")[1].split(".Sh ")[0]
    commands = [line[2:] for line in text.splitlines()
                if line.startswith("# ")]
    boot.systemd()
    boot.opened()
    # Who sits at the administrator's machine calls the host web1.
    boot.admin.write(f"{DIR}/pass", PASS + "\n", mode=0o600)
    listed = boot.host.run(commands[0])
    assert UUID in listed.stdout
    given = boot.admin.run(commands[1].replace("web1", "h41").replace(
        "pass show disk/h41", f"cat {DIR}/pass"), check=False)
    assert given.returncode == 0 and f"{UUID}: accepted" in given.stdout
    assert len(commands) == 2
