# SPDX-License-Identifier: ISC
"""postern boot with those who ask for a disk's passphrase: systemd-cryptsetup,
initramfs-tools' askpass, cryptsetup on a console. The disk's header, the
prompts and the tests of passphrases are real; see bootlib.py for what can't be."""

import json
import pathlib
import signal
import subprocess

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, DISK, PASS, PORT, POSTERN, TREE, UUID
from lab import proc

# Every printable byte, UTF-8 of two to four bytes, blanks at both ends.
ODD = " " + "".join(map(chr, range(0x21, 0x7f))) + " äß€𝄞 "

COPY = "/tmp/askers"


# What waits

def test_nobody_asks(boot):
    done = boot.status()
    assert (done.rc, done.word, done.of("prompt")) == (0, "idle", [])
    # It may be too early: later is another matter.
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (75, "idle")
    assert done.events[-1] == {"event": "end", "ok": 0, "failed": 1,
                               "status": 75}


def test_a_prompt_of_systemds_is_listed(boot):
    prompt, = boot.systemd()
    assert prompt["kind"] == "systemd" and prompt["host"] == "h41"
    assert (prompt["id"], prompt["uuid"]) == (UUID, UUID)
    assert prompt["device"] == DISK and "luks-root" in prompt["name"]
    text = boot.run("status", "h41").out
    assert f"h41: prompt: {UUID} (systemd) {DISK}: " in text


def test_a_prompt_of_askpass_is_listed_with_its_tries(boot):
    prompt, = boot.askpass(tried=2)
    assert {k: prompt[k] for k in ("kind", "uuid", "name", "tries")} == {
        "kind": "askpass", "uuid": UUID, "name": "root_crypt", "tries": 2}
    assert "(askpass, 2 wrong)" in boot.run("status", "h41").out


def test_other_questions_and_dead_ones_are_not_listed(boot):
    boot.host.run(["mkdir", "-p", "/run/systemd/ask-password"])
    boot.question("/dev/nowhere")
    q = boot.questions()[0]
    text = boot.host.read(q)
    for name, change in {
            "dead": ("PID=", "PID=99"), "late": ("NotAfter=0", "NotAfter=1"),
            "other": ("cryptsetup:", "ssh:"), "odd": ("[Ask]", "[Ask")}.items():
        assert change[0] in text
        boot.host.write(f"/run/systemd/ask-password/ask.{name}",
                        text.replace(*change))
    assert len(boot.status().of("prompt")) == 1


# What becomes of a passphrase

def test_a_wrong_one_is_rejected_and_costs_the_boot_no_try(boot):
    boot.systemd()
    before = boot.questions()
    done = boot.unlock("wrong passphrase")
    assert (done.rc, done.word) == (1, "rejected"), done
    assert "doesn't open this disk" in done.why
    assert [e["state"] for e in done.of("state")][-2:] == [
        "testing", "rejected"]
    assert boot.questions() == before and len(before) == 1


def test_the_right_one_gets_to_systemd_and_the_disk_opens(boot):
    boot.systemd()
    boot.opened()
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (0, "accepted"), done
    assert [e["state"] for e in done.of("state")][-5:] == [
        "testing", "delivering", "waiting", "accepted", "booting"]
    # systemd-cryptsetup took it as its answer.
    proc.wait_for(lambda: not boot.questions(), 20, "answer")


def test_a_disk_that_does_not_open_is_no_success(boot):
    boot.systemd()
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (1, "failed"), done
    assert "the disk is not open" in done.why
    assert not boot.questions()


def test_askpass_gets_the_very_bytes(boot):
    boot.askpass()
    boot.opened()
    done = boot.unlock(PASS + "\n")
    assert (done.rc, done.word) == (0, "accepted"), done
    proc.wait_for(lambda: boot.started[0].poll() is not None, 20,
                  "end of askpass")
    assert boot.got() == PASS.encode()


def test_what_was_handed_over_and_never_opens_is_said_so(boot):
    boot.keys("-w 1")
    boot.askpass()
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (75, "delivered"), done


@pytest.mark.parametrize("passphrase", [ODD, "x", "y" * 512],
                         ids=["odd", "one", "longest"])
def test_a_disk_without_a_header_gets_any_passphrase(boot, passphrase):
    """Nothing can be tested, so who asks is the only judge: here one that
    is content, and ends."""
    boot.question("/dev/nowhere")
    done = boot.unlock(passphrase + "\nsecond line\n")
    assert (done.rc, done.word) == (75, "delivered"), done
    assert boot.got() == passphrase.encode() + b"\n"
    assert "testing" not in [e["state"] for e in done.of("state")]


def test_what_is_asked_again_was_rejected(boot):
    boot.question("/dev/nowhere", times=2)
    done = boot.unlock("no good")
    assert (done.rc, done.word) == (1, "rejected"), done
    assert "asked again" in done.why


def test_cryptsetup_on_a_console_goes_on_where_it_could_not_be_opened(boot):
    p = boot.console()
    prompt, = boot.status().of("prompt")
    assert (prompt["kind"], prompt["uuid"], prompt["name"]) == (
        "cryptsetup", UUID, "luks-root")
    assert boot.unlock("wrong").word == "rejected"
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (1, "failed"), done
    assert "could not open it" in done.why
    assert p.poll() is None


# Others who ask, and ask again

def ssh_unlock(boot):
    """A session whose agent waits for the passphrase."""
    p = boot.admin.popen(
        ["ssh", "-o", f"UserKnownHostsFile={DIR}/known", "-o",
         "HostKeyAlias=h41", "-p", str(PORT), "h41", f"unlock {UUID}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "postern-boot 1\n"
    assert p.stdout.readline() == "state ready\n"
    return p


def console_answers(boot, answer):
    """Somebody else is faster, as systemd is with the answer of another disk."""
    q, = boot.questions()
    socket = [line.split("=", 1)[1] for line in
              boot.host.read(q).splitlines() if line.startswith("Socket=")]
    boot.host.run(["/lib/systemd/systemd-reply-password", "1", *socket],
                  input=answer)
    proc.wait_for(lambda: q not in boot.questions(), 20, "end of question")


def test_what_systemd_asks_anew_meanwhile_gets_the_answer(boot):
    boot.question(DISK, times=2)
    with ssh_unlock(boot) as p:
        console_answers(boot, "another disk's")
        p.stdin.write(PASS + "\n")
        p.stdin.close()
        said = p.stdout.read().splitlines()
    assert "state delivering" in said, said
    # Who asked has it, and ends; without device mapper nothing opens.
    assert said[-2].startswith("verdict failed cryptsetup%20took%20it"), said
    assert boot.got().decode() == f"another disk's\n{PASS}\n"


def test_a_disk_that_another_answer_opened_is_accepted(boot):
    boot.systemd()
    with ssh_unlock(boot) as p:
        console_answers(boot, PASS)
        boot.opened()
        p.stdin.write(PASS + "\n")
        p.stdin.close()
        said = p.stdout.read().splitlines()
    assert said[-2:] == ["verdict accepted -", "end"], said
    assert "state delivering" not in said
    # Nor is a passphrase asked for by then.
    said = boot.ssh("h41", f"unlock {UUID}", input="").stdout.splitlines()
    assert said == ["postern-boot 1", "verdict accepted -", "end"]


def test_two_disks_are_two_prompts_with_a_verdict_each(boot):
    """The second one has no header: it is asked for again, the first opens."""
    boot.keys("-w 3")
    boot.systemd()
    boot.question("/dev/nowhere", times=2)
    proc.wait_for(lambda: len(boot.questions()) == 2, 20, "two questions")
    boot.opened()
    done = boot.unlock(PASS, "--keep-going", "h41")
    verdicts = {e["detail"].split(":")[0]: e["state"]
                for e in done.of("state") if e["state"] in
                ("accepted", "rejected")}
    assert verdicts == {UUID: "accepted", "/dev/nowhere": "rejected"}, done
    assert done.rc == 1


def test_two_who_ask_for_one_disk_are_one_prompt(boot):
    boot.console()
    boot.systemd()
    assert [p["kind"] for p in boot.status().of("prompt")] == ["systemd"]


def test_nobody_but_root_asks(boot):
    """A process with the name and the words, on a terminal: a shell that
    waits in a script called 'open'."""
    boot.host.run(f"mkdir -p {COPY} && cp /bin/sh {COPY}/cryptsetup && "
                  f"echo read x >{COPY}/open")
    seen = []
    for uid in "0", "65534":
        p = boot._terminal(
            f"cd {COPY} && exec setpriv --reuid={uid} --clear-groups "
            "./cryptsetup open /dev/nowhere name")
        proc.wait_for(lambda: proc.comm(p.target) == "cryptsetup", 20, "shell")
        seen.append([q["kind"] for q in boot.status().of("prompt")])
        p.signal_target(signal.SIGKILL)
        p.wait(20)
    assert seen == [["cryptsetup"], []]


# The manual

def test_the_examples_of_the_manual_do_what_they_say(boot):
    page = (TREE / "man/postern-boot.1").read_text()
    text = page.split(".Sh EXAMPLES")[1].split(".Sh ")[0]
    commands = [line[2:] for line in text.splitlines()
                if line.startswith("# ")]
    kept = boot.admin.read("/root/.ssh/config")
    boot.admin.write("/root/.ssh/config", "Host web1\n\tHostName "
                     f"{boot.host.ip}\n\tPort {PORT}\n{kept}", mode=0o600)
    boot.admin.write("/etc/postern/boot.known_hosts",
                     f"web1 {boot.host_key}\n")
    boot.admin.write("/usr/local/bin/pass", "#!/bin/sh\n[ \"$*\" = \"show "
                     f"disk/web1/{UUID}\" ] && echo '{PASS}'\n", mode=0o755)
    try:
        boot.systemd()
        boot.opened()
        said = [boot.admin.run(c.replace("postern", POSTERN, 1)).stdout
                for c in commands]
    finally:
        boot.admin.write("/root/.ssh/config", kept, mode=0o600)
        boot.admin.run("rm /etc/postern/boot.known_hosts /usr/local/bin/pass;"
                       " rmdir --ignore-fail-on-non-empty /etc/postern")
    assert UUID in said[0] and len(said) == 2
    assert f"web1: accepted {UUID}" in said[1]


# Where the passphrase is

def is_locked(hit):
    """Whether the mapping is one of ours, and locked."""
    place = hit.detail.split()[-1]
    flags, here = "", False
    for line in pathlib.Path(f"/proc/{hit.pid}/smaps").read_text().splitlines():
        if "-" in line.split()[0] and ":" not in line.split()[0]:
            here = line.split()[0] == place
        elif here and line.startswith("VmFlags:"):
            flags = line
    return hit.comm in ("postern-boot", "postern-boot-ag") and \
        "lo" in flags.split()


def test_the_passphrase_is_seen_nowhere_but_where_it_has_to_be(
        boot, secret_search):
    """While the agent waits for what comes of it, and afterwards."""
    passphrase = "seen-nowhere-3f9c71"
    boot.host.run(f"printf %s '{PASS}' >{DIR}/old; printf %s '{passphrase}' "
                  f">{DIR}/new; cryptsetup luksAddKey -q --pbkdf pbkdf2 "
                  "--pbkdf-force-iterations 1000 "
                  f"--key-file {DIR}/old {DISK} {DIR}/new; "
                  f"rm {DIR}/old {DIR}/new")
    boot.keys("-w 60")
    boot.askpass()
    argv = boot.argv("unlock", "--json", "--secret", "fd:0", "h41")
    with boot.admin.popen(argv, stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.PIPE) as p:
        p.stdin.write(passphrase)
        p.stdin.close()
        for line in p.stdout:
            if json.loads(line).get("state") == "waiting":
                break
        # It is in ssh's and sshd's buffers, in locked memory of ours, and in
        # askpass' output, by its own design.
        hits = secret_search(
            [boot.admin, boot.host], passphrase.encode(),
            allow_mem=lambda hit: hit.comm in ("ssh", "sshd") or is_locked(
                hit))
        assert [h for h in hits if f"{DIR}/got" not in h.detail] == []
        boot.opened()
        assert p.wait(60) == 0
    left = secret_search([boot.admin, boot.host], passphrase.encode())
    assert [h for h in left if f"{DIR}/got" not in h.detail] == []
