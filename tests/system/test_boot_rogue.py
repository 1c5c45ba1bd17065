# SPDX-License-Identifier: ISC
"""Hosts that lie to postern boot or leave it: another's UUID, a name that passes
for a prompt of ours, prompts without end, a connection that is cut."""

import json
import subprocess

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, PASS, POSTERN, Done
from terminal import on_terminal, shown

OTHER = "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be0ff"


# Whose passphrase it is

def test_a_uuid_alone_chooses_no_passphrase(boot):
    boot.rogue(f"prompt systemd {OTHER} {OTHER} - /dev/x -")
    done = boot.run("unlock", "--json", "--secret",
                    f"cmd:touch {DIR}/ran; echo {{uuid}}", "h41")
    assert done.rc == 64 and "{uuid} without {host}" in done.err, done
    assert boot.called() == []
    assert not boot.admin.path(f"{DIR}/ran").exists()


def test_a_uuid_that_two_hosts_list_gets_nothing(boot):
    """One machine by two names: who of them is the rogue can't be told."""
    boot.rogue(f"prompt systemd {OTHER} {OTHER} - /dev/x -")
    argv = ["unlock", "--json", "--secret",
            f"cmd:touch {DIR}/ran; echo {{host}}{{uuid}}", "h41"]
    done = boot.run(*argv, "root@h41")
    last = {e["host"]: e for e in done.of("state")}
    assert done.rc == 1 and len(last) == 2, done
    for me, it in ("h41", "root@h41"), ("root@h41", "h41"):
        assert last[me]["state"] == "failed"
        assert f"disk {OTHER} is listed by {it}, too" in last[me]["detail"]
    assert set(boot.called()) == {"list"} and boot.sent() == ""
    assert not boot.admin.path(f"{DIR}/ran").exists()


# What a person is asked

def typed(out):
    return b"typed\n" if b"Passphrase of " in out else None


@pytest.mark.parametrize("name", [
    "%20" * 60 + "Passphrase%20of%20other:%20",
    "x" * 240, "%1B[2J%0APassphrase%20of%20other:%20"],
    ids=["blanks", "long", "escapes"])
def test_what_the_host_says_never_stands_for_our_question(boot, name):
    boot.rogue(f"prompt systemd {OTHER} {OTHER} - /dev/x "
               + name.replace("[", "%5B"))
    argv = boot.argv("unlock", "-t", "20s", "h41")
    _, out = on_terminal(boot.admin, argv[1:], typed, columns=80,
                         command=[POSTERN])
    lines = out.decode().split("Passphrase of h41: ")[0].splitlines()
    assert out.decode().count("Passphrase of h41: ") == 1
    assert f"It waits at: {OTHER}" in lines[-2]
    assert lines[-1].startswith("It says:     ")
    assert len(lines[-1]) < 80 and "\x1b" not in lines[-1]
    assert "  Passphrase" not in lines[-1].removeprefix("It says:     ")


# What it lists

A, B = (f"prompt systemd {x} - - /dev/{x} -" for x in "ab")


def answers(boot, *lines, **what):
    """It lists these; to "unlock ID" it does what[ID]. An agent of before there
    were sessions."""
    cases = "".join(f'"unlock {x}") {do};;\n' for x, do in what.items())
    boot.rogue(*lines, then=f'case "$SSH_ORIGINAL_COMMAND" in list) echo end; exit;;'
               f"\n{cases}esac")


def test_a_prompt_is_listed_once(boot):
    boot.rogue(A, B, A)
    for done in boot.unlock(PASS), boot.status():
        assert (done.rc, done.word) == (1, "failed"), done
        assert done.why == "it lists one prompt twice"
        assert len(done.of("prompt")) == 2
    assert boot.called() == ["list", "list"] and boot.sent() == ""


def test_many_slow_prompts_have_one_time_together(boot):
    slow = {f"p{i}": "sleep 1; echo verdict gone -; echo end; exit"
            for i in range(30)}
    answers(boot, *(f"prompt systemd {x} - - /dev/{x} -" for x in slow),
            **slow)
    done = boot.unlock(PASS, "-t", "5s", "--connect-timeout", "5s", "h41")
    assert (done.rc, done.word) == (75, "failed"), done
    assert len(boot.called()) < 30
    assert "no time is left" in done.why or "no end within" in done.why


def test_a_prompt_that_failed_is_said_whatever_becomes_of_the_next(boot):
    gone, good = (f"echo verdict {w} -; echo end; exit" for w in
                  ("gone", "accepted"))
    answers(boot, A, B, a=gone, b=good)
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    words = ["-s", f"cmd:cat {DIR}/pass", "h41"]
    done = boot.run("unlock", "-q", *words)
    assert (done.rc, done.out) == (75, "h41: gone a\n"), done
    argv = boot.argv("unlock", *words)
    status, out = on_terminal(boot.admin, argv[1:], command=[POSTERN])
    assert status == 75
    assert "h41: gone a" in shown(out) and "accepted" in shown(out)[-1]


# A connection that is lost

def cut(boot, state):
    """What a host leaves of an unlock whose connection is cut after that: all
    that the client says."""
    answers(boot, A, a="echo state ready; read x; echo $PPID "
            f">{DIR}/sent; echo state {state}; exec sleep 600")
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    with boot.admin.popen(
            boot.argv("unlock", "--json", "-s", f"cmd:cat {DIR}/pass", "h41"),
            stdout=subprocess.PIPE, text=True) as p:
        out = ""
        for line in p.stdout:
            out += line
            if json.loads(line).get("state") == state:
                boot.host.run(["kill", "-9", boot.sent().strip()])
        return Done(subprocess.CompletedProcess([], p.wait(60), out, ""))


def test_a_connection_that_is_lost_can_be_tried_again(boot):
    done = cut(boot, "testing")
    assert (done.rc, done.word) == (75, "failed"), done
    assert "the connection was lost" in done.why


def test_a_connection_that_is_lost_after_delivery_is_said_so(boot):
    done = cut(boot, "delivering")
    assert (done.rc, done.word) == (75, "delivered"), done
    assert "the connection was lost" in done.why


# What it is called

def test_another_port_is_another_host(boot):
    boot.pin(boot.host_key, name="[h41]:2222")
    done = boot.run("status", "--json", "ssh://h41:2222")
    assert (done.rc, done.word) == (0, "idle"), done
    boot.pin(boot.host_key)
    done = boot.run("status", "--json", "ssh://h41:2222")
    assert done.rc == 1 and "put a line '[h41]:2222 KEY'" in done.why, done
