# SPDX-License-Identifier: ISC
"""One login for a host's prompts and their passphrases (bootcmd.h): what the agent
keeps to in such a session, and what the client does where it ends too early."""

import contextlib
import subprocess

from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, PASS, PORT, POSTERN, UUID, Done
from lab import proc
from terminal import on_terminal, shown
from test_boot_rogue import A

HERE = 2250
AGENT = "postern-boot-ag"


class Session:
    """A plain ssh's, in its turn: what the agent says to a list, and then to
    each line."""

    def __init__(self, boot):
        self.p = boot._start_on(
            boot.admin, ["ssh", "-o", f"UserKnownHostsFile={DIR}/known", "-o",
                         "HostKeyAlias=h41", "-p", str(PORT), "h41", "list"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0)
        assert self.answer()[0] == "postern-boot 1"

    def answer(self):
        """Until it is another one's turn, or the end."""
        said = []
        for line in self.p.stdout:
            said.append(line.decode().rstrip("\n"))
            if said[-1] in ("end", "state ready"):
                break
        return said

    def says(self, text):
        self.p.stdin.write(text.encode())
        return self.answer()

    def ends(self):
        """The agent does, and takes no other command; what it said of it."""
        with contextlib.suppress(BrokenPipeError):
            assert self.says("list\n") == []
        assert self.answer() == []
        return self.p.wait(60), self.p.stderr.read().decode()


# The agent

def test_a_session_has_a_verdict_for_each_passphrase(boot):
    """And counts tries as sessions of one do."""
    boot.keys("-t 2")
    boot.systemd()
    s = Session(boot)
    said = []
    for _ in range(3):
        assert s.says(f"unlock {UUID}\n") == ["state ready"]
        said.append(s.says("wrong\n")[-2].split()[:2])
    assert said == [["verdict", "rejected"]] * 2 + [["verdict", "busy"]]
    listed = s.says("list\n")
    assert len(listed) == 2 and UUID in listed[0], listed
    s.p.stdin.close()
    assert s.p.wait(60) == 0


def test_what_is_no_passphrase_is_not_tested_and_ends_the_session(boot):
    boot.systemd()
    before = boot.questions()
    for text, why in (("\n", "empty"), ("a\0b\n", "NUL"),
                      ("two\nlines\n", "not one line"),
                      ("x" * 514, "more than 513 bytes")):
        s = Session(boot)
        s.says(f"unlock {UUID}\n")
        said = s.says(text)
        assert said[0].startswith("verdict refused ") and said[1:] == ["end"]
        assert why.replace(" ", "%20") in said[0]
        s.ends()
    # What was cut off has no newline.
    s = Session(boot)
    s.says(f"unlock {UUID}\n")
    s.p.stdin.write(PASS.encode())
    s.p.stdin.close()
    assert "not%20one%20line" in s.answer()[0]
    assert boot.questions() == before and boot.log() == []


def test_no_other_line_is_a_command(boot):
    """Nor what is sent together with its passphrase, which would not be in
    locked memory alone."""
    boot.systemd()
    for text, why in (("id\n", "only 'list'"), ("list; id\n", "only 'list'"),
                      ("unlock -x\n", "only 'list'"),
                      ("list\0\n", "only 'list'"),
                      (f"unlock {UUID}\n{PASS}\n", "only 'list'"),
                      ("x" * 600, "more than 513 bytes")):
        s = Session(boot)
        assert s.says(text) == []
        status, err = s.ends()
        assert status == 1 and why in err and PASS not in err, (text, err)
    assert boot.log() == []


def test_a_client_that_knows_of_no_session_has_a_list(boot):
    done = boot.ssh("h41", "list", input="")
    assert (done.returncode, done.stdout) == (0, "postern-boot 1\nend\n")


# The client

def logins(boot, port=HERE):
    return boot.host.read(f"{DIR}/log.{port}").count("Accepted publickey")


# A session whose answer is late is another login: not on a busy machine.
PATIENT = ("--connect-timeout", "60s")


def unlock(boot, *words):
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    return boot.run("unlock", "--json", *PATIENT, "-p", str(HERE), "-s",
                    f"cmd:cat {DIR}/pass", *words)


def test_one_login_does_for_all_prompts(boot):
    boot.keys("-w 1")
    boot.listener(HERE)
    boot.systemd()
    boot.question("/dev/nowhere")
    proc.wait_for(lambda: len(boot.questions()) == 2, 20, "two questions")
    boot.opened()
    done = unlock(boot, "h41")
    assert sorted(e["state"] for e in done.of("state") if e["state"] in
                  ("accepted", "delivered")) == ["accepted", "delivered"], done
    assert logins(boot) == 1


def test_a_session_outlasts_the_time_of_its_list(boot):
    """Each source takes its own."""
    boot.listener(HERE)
    boot.systemd()
    boot.opened()
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    done = boot.run("unlock", "--json", "-t", "5s", "-p", str(HERE), "-s",
                    f"cmd:sleep 3; cat {DIR}/pass; : {{host}}", "h41",
                    "root@h41")
    assert done.last() == {"h41": "booting", "root@h41": "booting"}, done
    assert logins(boot) == 2


def test_a_session_that_ended_is_another_login(boot):
    """Here while a person was asked."""
    boot.listener(HERE)
    boot.systemd()
    boot.opened()
    argv = boot.argv("unlock", "h41")
    argv[argv.index(str(PORT))] = str(HERE)
    killed = []

    def react(out):
        if b"Passphrase of " not in out or killed:
            return None
        killed.extend(n for n in boot.host.pids() if proc.comm(n) == AGENT)
        proc.kill(killed)
        proc.wait_for(lambda: "ssh" not in map(proc.comm, boot.admin.pids()),
                      20, "end of its ssh")
        return PASS.encode() + b"\n"

    status, out = on_terminal(boot.admin, argv[1:], react, command=[POSTERN])
    assert status == 0 and "booting" in shown(out)[-1], out
    assert len(killed) == 1
    assert logins(boot) == 2


def test_a_session_that_says_nothing_more_gets_no_passphrase(boot):
    """As where the network was cut meanwhile."""
    boot.rogue(A, then='case "$SSH_ORIGINAL_COMMAND" in\n'
               f"list) echo end; exec cat >>{DIR}/sent;;\n"
               f"*) echo state ready; read x; echo \"$x\" >>{DIR}/got\n"
               "echo verdict accepted -; echo end; exit;;\nesac")
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    done = boot.run("unlock", "--json", "--connect-timeout", "10s", "-s",
                    f"file:{DIR}/pass", "h41")
    # Without a prompt: nothing can be said before "ready".
    assert (done.rc, done.word) == (0, "accepted"), done
    assert boot.called() == ["list", "unlock a"]
    assert boot.sent() == "unlock a\n" and boot.got().decode() == PASS + "\n"


def test_what_a_host_adds_to_its_list_is_not_taken(boot):
    """It would come after the list was looked at."""
    boot.rogue(A, then='case "$SSH_ORIGINAL_COMMAND" in\n'
               r"list) printf 'end\nprompt systemd b - - /dev/b -\n';"
               f" exec cat >>{DIR}/sent;;\n"
               f"*) echo state ready; read x; echo \"$x\" >>{DIR}/got\n"
               "echo verdict accepted -; echo end; exit;;\nesac")
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    done = boot.run("unlock", "--json", "-s", f"file:{DIR}/pass", "h41")
    assert (done.rc, done.word) == (0, "accepted"), done
    assert [p["id"] for p in done.of("prompt")] == ["a"]
    assert boot.called() == ["list", "unlock a"] and boot.sent() == ""


def test_a_rejection_elsewhere_stops_one_that_was_not_heard(boot):
    """It may not be there any more, and was sent nothing."""
    agent = ("#!/bin/sh\necho postern-boot 1\n"
             'case "$SSH_ORIGINAL_COMMAND" in\n'
             "list) echo 'prompt systemd a - - /dev/a -'; echo end;"
             " exec cat %s;;\n"
             "*) echo state ready; read x; %s; echo end;;\nesac\n")
    sent = f"{DIR}/sent.{HERE + 2}"
    boot.host.write(f"{DIR}/agent.{HERE + 1}", agent % (
        "</dev/null", f"until [ -s {sent} ]; do sleep .1; done; "
        "echo verdict rejected -"), mode=0o755)
    boot.host.write(f"{DIR}/agent.{HERE + 2}", agent % (
        f">{sent}", f"echo $x >{DIR}/got; echo verdict accepted -"),
        mode=0o755)
    conf = f"[hosts]\nknown-hosts = {DIR}/known\n"
    for name, port in ("a", HERE + 1), ("b", HERE + 2):
        boot.listener(port, command=f"{DIR}/agent.{port}")
        conf += f"[host {name}]\naddress = h41\nport = {port}\n"
    boot.admin.write(f"{DIR}/known", "".join(
        f"{name} {boot.host_key}\n" for name in "ab"))
    boot.admin.write(f"{DIR}/boot.conf", conf, mode=0o600)
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    done = Done(boot.admin.run(
        [POSTERN, "boot", "unlock", "--json", *PATIENT, "--config", f"{DIR}/boot.conf",
         "-s", f"file:{DIR}/pass", "--all"], check=False))
    assert done.last() == {"a": "rejected", "b": "left out"}, done
    assert boot.host.read(sent) == "unlock a\n"
    assert not boot.host.exists(f"{DIR}/got")


def test_sessions_that_wait_count_as_connections(boot):
    """With -j 1 the second host's list needs the place of the first one's
    session, and the other way round."""
    boot.listener(HERE)
    boot.systemd()
    boot.opened()
    done = unlock(boot, "-j", "1", "h41", "root@h41")
    assert done.last() == {"h41": "booting", "root@h41": "booting"}, done
    assert logins(boot) == 4


def test_where_nobody_is_asked_each_host_goes_on_at_once(boot):
    """So that a rejection keeps the next one from being begun at all."""
    boot.listener(HERE)
    boot.systemd()
    boot.admin.write(f"{DIR}/wrong", "wrong", mode=0o600)
    words = ["unlock", "--json", *PATIENT, "-p", str(HERE), "-j", "1", "-s",
             f"file:{DIR}/wrong", "h41", "root@h41"]
    done = boot.run(*words)
    assert done.last() == {"h41": "rejected", "root@h41": "left out"}, done
    assert (done.rc, logins(boot)) == (1, 1)
    done = boot.run(*words, "--keep-going")
    assert done.last() == {"h41": "rejected", "root@h41": "rejected"}, done
    assert logins(boot) == 3
