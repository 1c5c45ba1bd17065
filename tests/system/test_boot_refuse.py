# SPDX-License-Identifier: ISC
"""What postern-boot-agent refuses, whoever holds its key, and what the client
refuses of a host: other keys, other programs."""

import time

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import AGENT, BUILD, DIR, FIFO, PASS, PORT, POSTERN, UUID

OTHER = ["", "id", "sh", "list; id", "list\nid", "unlock", "unlock -x",
         "unlock a b", "/bin/sh -c list", "scp -t /tmp", "internal-sftp",
         "LIST", "list "]
# As fast as a machine can, with nothing of sshd's in the way.
GUESSES = f"""
for i in $(seq 1000); do
    echo wrong | SSH_ORIGINAL_COMMAND='unlock {UUID}' {AGENT} -t 3
done | sed -n 's/^verdict \\([a-z]*\\).*/\\1/p' | sort | uniq -c
"""


# The agent

@pytest.mark.parametrize("command", OTHER)
def test_no_other_command_runs(boot, command):
    done = boot.ssh("h41", *([command] if command else []))
    assert done.returncode == 1, done
    assert "only 'list', 'unlock ID', 'peek' and 'log'" in done.stderr
    assert done.stdout == ""


def test_no_terminal_is_given_nor_taken(boot):
    done = boot.ssh("-tt", "h41", "list")
    assert "PTY allocation request failed" in done.stderr
    # Of a line without restrict the agent refuses it itself.
    boot.keys(options="no-agent-forwarding")
    done = boot.ssh("-tt", "h41", "list")
    assert done.returncode == 1 and "no terminal here" in \
        done.stdout + done.stderr


def test_nothing_is_forwarded(boot):
    done = boot.ssh("-W", "localhost:22", "h41")
    assert done.returncode != 0 and "SSH-2.0" not in done.stdout
    assert "administratively prohibited" in done.stderr or \
        "open failed" in done.stderr


@pytest.mark.parametrize("text, why", [
    ("", "not one line"), ("\n", "empty"), ("cut off", "not one line"),
    ("two\nlines\n", "not one line"), ("a\0b\n", "NUL"),
    ("x" * 513 + "\n", "more than 513 bytes"),
    ("x" * 300000, "more than 513 bytes")],
    ids=["nothing", "empty", "cut", "lines", "nul", "long", "flood"])
def test_what_is_no_passphrase_is_neither_tested_nor_delivered(
        boot, text, why):
    boot.systemd()
    before = boot.questions()
    done = boot.ssh("h41", f"unlock {UUID}", input=text)
    said = done.stdout.splitlines()
    assert said[0] == "postern-boot 1" and said[-1] == "end", done
    assert said[-2].startswith("verdict refused ")
    assert why.replace(" ", "%20") in said[-2]
    assert "state testing" not in said and boot.questions() == before


def test_only_so_many_are_tried_in_a_minute(boot):
    boot.keys("-t 3")
    boot.systemd()
    assert [boot.unlock("wrong").word for _ in range(3)] == ["rejected"] * 3
    for _ in range(2):
        done = boot.unlock(PASS)
        assert (done.rc, done.word) == (75, "busy"), done
        assert "3 passphrases in a minute are enough" in done.why
    # Of all who hold a key to it, not of each connection.
    said = boot.ssh("h41", f"unlock {UUID}", input="wrong\n").stdout
    assert "verdict busy" in said
    assert len(boot.questions()) == 1


def test_of_a_thousand_guesses_three_a_minute_are_tested(boot):
    boot.systemd()
    began = time.monotonic()
    said = boot.host.run(GUESSES, timeout=600).stdout.split()
    minutes = 1 + int(time.monotonic() - began) // 60
    times = {word: int(n) for n, word in zip(said[::2], said[1::2])}
    assert set(times) == {"rejected", "busy"} and sum(times.values()) == 1000
    assert 3 <= times["rejected"] <= 3 * minutes
    assert len(boot.questions()) == 1


def test_the_right_one_uses_up_no_try(boot):
    boot.keys("-t 1")
    boot.console()
    words = [boot.unlock(p).word for p in (PASS, PASS, PASS, "no", PASS)]
    assert words == ["failed"] * 3 + ["rejected", "busy"]


def test_times_of_tries_that_cannot_be_read_are_a_failure(boot):
    boot.console()
    boot.host.run("mkdir -p /run/postern-boot; "
                  "echo x >/run/postern-boot/tries")
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (1, "failed"), done
    assert "/run/postern-boot/tries: not the times of tries" in done.why
    assert "testing" not in [e["state"] for e in done.of("state")]
    assert boot.log() == []


def test_a_prompt_that_nobody_waits_at_is_gone(boot):
    said = boot.ssh("h41", f"unlock {UUID}", input=PASS + "\n").stdout
    assert "verdict gone nobody%20waits" in said
    # Later it may be.
    assert boot.ssh("h41", f"unlock {UUID}", input="").returncode == 75
    assert "state ready" not in said


def test_a_fifo_that_others_may_read_gets_nothing(boot):
    boot.askpass()
    boot.host.run(["chmod", "644", FIFO])
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (1, "failed"), done
    assert "open to others" in done.why and boot.got() == b""


def test_the_agent_is_static_and_small(boot):
    if "sanitize" in BUILD.name:
        return      # which can't be, and is in no image
    assert "statically linked" in boot.host.run(
        f"ldd {AGENT} 2>&1", check=False).stdout
    assert (BUILD / "tools/boot/postern-boot-agent").stat().st_size < 1 << 20


def test_a_screen_is_shown_line_by_line_and_escaped(boot):
    rows = ["Please enter passphrase", "", "\x1b[2Jx"]
    data = bytes([4, 30, 0, 0]) + b"".join(
        bytes([c, 7]) for row in rows + [""]
        for c in row.ljust(30).encode())
    boot.host.path("/dev/vcsa").write_bytes(data)
    done = boot.run("peek", "--json", "h41")
    assert [e["text"] for e in done.of("screen")] == [
        "Please enter passphrase", "", "?[2Jx"]
    assert done.rc == 0
    assert "h41| Please enter passphrase\n" in boot.run("peek", "h41").out


# The client

def test_a_changed_boot_host_key_names_both_fingerprints(boot):
    boot.admin.run(f"cd {DIR} && rm -f other* && "
                   "ssh-keygen -q -t ed25519 -N '' -f other")
    other = boot.admin.read(f"{DIR}/other.pub")
    boot.pin(other)
    fp = boot.admin.run(f"ssh-keygen -lf {DIR}/other.pub").stdout.split()[1]
    real = boot.host.run(
        f"ssh-keygen -lf {DIR}/host_key.pub").stdout.split()[1]
    for done in boot.status(), boot.unlock(PASS):
        assert (done.rc, done.word) == (1, "failed"), done
        assert f"pinned is {fp} ({DIR}/known:2), it shows {real}" in done.why
        assert "somebody answers in its place" in done.why


def test_a_key_that_is_not_pinned_is_never_taken(boot):
    # Not even that of the real system, which admin's ssh knows.
    boot.pin(boot.host.host_key, name="other")
    done = boot.status("-o", "StrictHostKeyChecking=no")
    assert (done.rc, done.word) == (1, "failed"), done
    assert "its boot host key is not pinned: put a line 'h41 KEY'" in done.why
    boot.pin(boot.host_key)
    done = boot.run("status", "--json", "-p", "22", "h41")
    assert done.rc == 1 and "the boot host key changed" in done.why


def test_a_host_without_the_agent_is_said_to_have_none(boot):
    # What is in place of it notes what it is asked, and what it gets.
    boot.host.write(f"{DIR}/rogue", "#!/bin/sh\n"
                    f'echo "$SSH_ORIGINAL_COMMAND" >>{DIR}/called\n'
                    f"echo hello; cat >>{DIR}/sent\n", mode=0o755)
    boot.host.write(f"{DIR}/keys", f'restrict,command="{DIR}/rogue" '
                    f"{boot.key}", mode=0o600)
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (1, "failed"), done
    assert "no postern-boot agent answers there" in done.why
    assert boot.called() == ["list"] and boot.sent() == ""
    # Nor to a shell, which says so itself.
    boot.host.write(f"{DIR}/keys", boot.key, mode=0o600)
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (1, "failed"), done
    assert "not found" in done.why


def test_what_a_hostile_host_says_stays_text(boot):
    boot.host.write(f"{DIR}/evil", "#!/bin/sh\n"
                    "printf 'postern-boot 1\\nprompt systemd x - - /dev/x "
                    "%s\\nend\\n' '%1B%5B2Jevil'\n", mode=0o755)
    boot.host.write(f"{DIR}/keys", f'restrict,command="{DIR}/evil" '
                    f"{boot.key}", mode=0o600)
    out = boot.run("status", "h41").out
    assert "\x1b" not in out and "\\x1b[2Jevil" in out
    boot.host.write(f"{DIR}/evil", "#!/bin/sh\nyes 'prompt'\n", mode=0o755)
    done = boot.status()
    assert done.rc == 1 and "no postern-boot agent answers" in done.why


# A fleet

def test_hosts_have_a_verdict_each(boot):
    boot.systemd()
    boot.opened()
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    done = boot.run("unlock", "--json", "--connect-timeout", "3s", "--secret",
                    f"cmd:test {{host}}/{{uuid}} = h41/{UUID} && "
                    f"cat {DIR}/pass", "h41", "h60")
    assert done.last() == {"h41": "booting", "h60": "unreachable"}, done
    assert done.rc == 2
    assert boot.run("status", "--connect-timeout", "3s", "h59", "h60").rc == 75


def test_a_rejection_stops_the_fleet_unless_told_otherwise(boot):
    # One host by two names: what counts is the order.
    boot.systemd()
    boot.admin.write(f"{DIR}/pass", "wrong", mode=0o600)
    words = ["unlock", "--json", "-j", "1", "--secret",
             f"cmd:cat {DIR}/pass", "h41", "root@h41"]
    done = boot.run(*words)
    assert done.last() == {"h41": "rejected", "root@h41": "left out"}, done
    assert done.rc == 1
    done = boot.run(*words, "--keep-going")
    assert done.last() == {"h41": "rejected", "root@h41": "rejected"}, done


def test_a_dry_run_shows_the_commands_and_connects_to_nothing(boot):
    done = boot.run("unlock", "-n", "h41", "h60")
    lines = done.out.splitlines()
    assert done.rc == 0 and len(lines) == 2
    assert f"UserKnownHostsFile=\"{DIR}/known\"" in lines[0]
    assert lines[0].endswith("-- h41 list") and f"Port={PORT}" in lines[0]


@pytest.mark.parametrize("words", [
    ["unlock"], ["nonsense", "h41"], ["unlock", "-x", "h41"],
    ["unlock", "--timeout", "0", "h41"], ["status", "--secret", "tty", "h41"]])
def test_a_wrong_command_line_is_64(boot, words):
    done = boot.admin.run([POSTERN, "boot", *words], check=False)
    assert done.returncode == 64 and done.stdout == "", done


def test_no_host_is_an_option(boot):
    done = boot.admin.run([POSTERN, "boot", "status", "--",
                           "-oProxyCommand=touch"], check=False)
    assert done.returncode == 1 and "begins with '-'" in done.stderr


# Another sshd

def test_dropbear_does_as_well(boot):
    boot.host.run(
        f"cd {DIR} && rm -f db && dropbearkey -t ed25519 -f db >/dev/null")
    key = [line for line in boot.host.run(
        f"dropbearkey -y -f {DIR}/db").stdout.splitlines()
        if line.startswith("ssh-ed25519")][0]
    boot.systemd()
    boot.opened()
    boot.pin(" ".join(key.split()[:2]))
    kept = boot.host.read("/root/.ssh/authorized_keys")
    boot.host.write("/root/.ssh/authorized_keys",
                    f'restrict,command="{AGENT} -w 5" '
                    f"{' '.join(boot.key.split()[:2])} me@lab", mode=0o600)
    server = boot._start(["dropbear", "-F", "-s", "-j", "-k", "-p", "2223",
                          "-r", f"{DIR}/db"])
    try:
        boot.wait_port(2223)
        boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
        done = boot.run("unlock", "--json", "-p", "2223", "--secret",
                        f"cmd:cat {DIR}/pass", "h41")
        assert (done.rc, done.word) == (0, "accepted"), done
        assert "only 'list'" in boot.ssh("h41", "id", port=2223).stderr
        # It tells the comment of the key's line.
        done = boot.run("log", "--json", "-p", "2223", "h41")
        assert [(e["verdict"], e["key"], e["from"]) for e in
                done.of("log")][-1] == ("accepted", "me@lab", boot.admin.ip)
    finally:
        boot.host.write("/root/.ssh/authorized_keys", kept, mode=0o600)
        server.kill()
