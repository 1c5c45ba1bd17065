# SPDX-License-Identifier: ISC
"""postern boot unlock --wait: hosts that come up late, or never; and what comes
after a passphrase: the real system's sshd with its own key. Which of its sshds
is the initramfs' and which the real system's is a matter of their keys alone."""

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, POSTERN, Done
from waitlib import LATE, REAL, REAL_KEY, Waiting, known, wait  # noqa: F401

FLEET = 2300


def test_a_host_that_is_late_goes_through_all_states(boot, wait):
    w = wait()
    assert "Connection refused" in w.until("waiting")
    server = boot.listener(LATE)
    assert "no prompt waits there" in w.until("waiting")
    boot.opened()
    boot.systemd()
    w.until("accepted")
    w.until("booting")
    server.kill()
    server.wait()
    boot.listener(REAL, key=REAL_KEY)
    done = w.done()
    states = [e["state"] for e in done.of("state")]
    assert [s for i, s in enumerate(states) if s not in states[:i]] == [
        "connecting", "waiting", "prompt seen", "testing", "delivering",
        "accepted", "booting", "up"], done
    assert done.rc == 0 and done.events[-1]["ok"] == 1


def test_one_that_never_comes_up_can_be_tried_again(boot, wait):
    done = wait(time="2s").done()
    assert (done.rc, done.last()) == (75, {"h41": "unreachable"}), done
    assert "not in time: " in done.why
    boot.listener(LATE)
    done = wait(time="2s").done()
    assert (done.rc, done.last()) == (75, {"h41": "idle"}), done
    assert "not in time: no prompt waits there" in done.why


def test_one_whose_disk_is_open_and_that_never_comes_up_is_booting(
        boot, wait):
    boot.listener(LATE)
    boot.systemd()
    boot.opened()
    done = wait(time="5s").done()
    assert (done.rc, done.last()) == (75, {"h41": "booting"}), done
    assert done.word == "accepted"
    last = done.of("state")[-1]["detail"]
    assert last.startswith("its own sshd was not seen in time: ")


def test_one_that_is_up_already_needs_nothing(boot, wait):
    boot.listener(REAL, key=REAL_KEY)
    done = wait().done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done
    log = boot.host.read(f"{DIR}/log.{REAL}")
    assert "[preauth]" in log and "Accepted" not in log


def test_a_changed_boot_host_key_is_an_error_at_once(boot, wait):
    boot.listener(LATE, key=REAL_KEY)
    done = wait(time="10m").done()
    assert (done.rc, done.last()) == (1, {"h41": "failed"}), done
    assert "the boot host key changed: pinned is" in done.why


# What an agent says meanwhile

def script(boot, text, real=True):
    """In the agent's place at LATE; $n is 1 with the first unlock."""
    boot.host.write(
        f"{DIR}/turn", "#!/bin/sh\necho postern-boot 1\n"
        f'echo "$SSH_ORIGINAL_COMMAND" >>{DIR}/called\n'
        f"n=$(grep -c unlock {DIR}/called)\n"
        f'get() {{ echo state ready; read p; echo "$p" >>{DIR}/sent; }}\n'
        f'case "$SSH_ORIGINAL_COMMAND" in\n{text}\nesac\necho end\n',
        mode=0o755)
    if real:
        boot.listener(REAL, key=REAL_KEY)
    return boot.listener(LATE, command=f"{DIR}/turn")


A = "echo prompt systemd a - - /dev/a -"
B = "echo prompt systemd b - - /dev/b -"


def test_a_disk_that_asks_after_another_is_open_gets_its_passphrase(
        boot, wait):
    """As cryptsetup does without systemd."""
    script(boot, f'list) [ $n = 0 ] && {A}; [ $n = 1 ] && {B};;\n'
           "unlock*) get; echo verdict accepted -;;")
    done = wait("--secret", "cmd:echo {host}").done()
    # Its own sshd answers all the time: only one look comes between.
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done
    assert boot.called()[:4] == ["list", "unlock a", "list", "unlock b"]
    assert boot.sent() == "h41\nh41\n"


@pytest.mark.parametrize("first", ["verdict busy -", "verdict gone -", ""],
                         ids=["busy", "gone", "lost"])
def test_what_may_become_other_is_tried_again(boot, wait, first):
    """With the passphrase that was read once."""
    script(boot, f"list) [ $n = 2 ] || {A};;\n"
           f"unlock*) get; [ $n = 2 ] || {{ "
           f"{'echo ' + first if first else 'kill -9 $PPID'}; "
           "echo end; exit; }; echo verdict accepted -;;")
    boot.host.run(f"rm -f {DIR}/read")
    done = wait("--secret", f"cmd:echo x >>{DIR}/read; echo {{host}}").done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done
    assert [c for c in boot.called() if c != "list"] == ["unlock a"] * 2
    assert boot.admin.read(f"{DIR}/read") == "x\n"
    boot.admin.run(["rm", f"{DIR}/read"])


def test_a_delivery_that_nobody_saw_the_end_of_is_judged_by_what_comes(
        boot, wait):
    script(boot, f"list) {A};;\nunlock*) get; echo verdict delivered -;;")
    done = wait("--secret", "cmd:echo {host}").done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done
    # It is not given twice to who asks on.
    assert boot.called().count("unlock a") == 1


def test_a_host_that_is_booted_once_more_gets_its_passphrase_again(
        boot, wait):
    """As after a second power cut: what was accepted once is right."""
    server = script(boot, f"list) [ $n = 1 ] && [ ! -e {DIR}/cut.2230 ] || "
                    f"[ $n = 2 ] || {A};;\n"
                    "unlock*) get; echo verdict accepted -;;", real=False)
    boot.host.run(f"rm -f {DIR}/cut.2230")
    w = wait("-v")
    w.until("booting")
    server.kill()
    server.wait()
    w.heard(f"port {LATE}: Connection refused")
    boot.host.run(["touch", f"{DIR}/cut.2230"])
    boot.listener(LATE, command=f"{DIR}/turn")
    w.until("accepted")
    boot.listener(REAL, key=REAL_KEY)
    done = w.done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done
    assert [c for c in boot.called() if c != "list"] == ["unlock a"] * 2


@pytest.mark.parametrize("verdict", ["accepted", "delivered"])
def test_one_that_asks_on_for_what_it_was_given_is_said(boot, wait, verdict):
    """It may have been the wrong passphrase, which is not sent again."""
    server = script(boot, f"list) {A};;\nunlock*) get; echo verdict {verdict} "
                    "-;;", real=False)
    w = wait("-v", time="20s")
    w.until("booting")
    # At once, and in the end.
    assert w.until("booting") == "it asks again, or still: a"
    if verdict == "delivered":
        server.kill()
        server.wait()
        w.heard(f"port {LATE}: Connection refused")
        boot.listener(LATE, command=f"{DIR}/turn")
        assert w.until("booting") == ""
        assert w.until("booting") == "it asks again, or still: a"
    done = w.done()
    assert (done.rc, done.last()) == (75, {"h41": "booting"}), done
    assert done.of("state")[-1]["detail"] == (
        "its own sshd was not seen in time: it asks again, or still: a")
    assert boot.called().count("unlock a") == 1


# More than one

def fleet(boot, n, **special):
    """boot.conf of n hosts, each behind a port of one machine; rogue agents,
    that want the passphrase "for NAME". special: what a host's says for its
    verdict, or None where nobody listens."""
    conf = (f"[hosts]\nuser = root\n"
            f"secret = cmd:echo for {{host}}\nknown-hosts = {DIR}/known\n"
            f"real-known-hosts = {DIR}/real\n")
    pins = ""
    for i in range(n):
        name = f"s{i}"
        verdict = special.get(name, "accepted")
        conf += (f"[host {name}]\naddress = h41\nport = {FLEET + i}\n"
                 f"real-port = {REAL if verdict else FLEET + i}\n")
        pins += f"{name} {boot.host_key}\n"
        if not verdict:
            continue
        boot.host.write(
            f"{DIR}/agent.{name}", "#!/bin/sh\n"
            f'echo "{name} $SSH_ORIGINAL_COMMAND" >>{DIR}/called\n'
            "echo postern-boot 1\n"
            f'case "$SSH_ORIGINAL_COMMAND" in list) [ -e {DIR}/gone.{name} ]'
            f" || echo 'prompt systemd id-{name} - - /dev/{name} -';;\n"
            "*) echo state ready; read p; "
            f'[ "$p" = "for {name}" ] || exit 1; echo "$p" >>{DIR}/sent; '
            f"while [ -e {DIR}/hold.{name} ]; do sleep .1; done; "
            f"touch {DIR}/gone.{name}; echo verdict {verdict} -;;\nesac\n"
            "echo end\n", mode=0o755)
        boot.listener(FLEET + i, command=f"{DIR}/agent.{name}")
    boot.admin.write(f"{DIR}/boot.conf", conf, mode=0o600)
    boot.admin.write(f"{DIR}/known", pins)
    known(boot, boot.host.host_key)


@pytest.fixture
def _gone(boot):
    yield
    boot.host.run(f"rm -f {DIR}/gone.* {DIR}/agent.* {DIR}/hold.*")


def run(boot, *words):
    return Done(boot.admin.run(
        [POSTERN, "boot", "unlock", "--json", "--config", f"{DIR}/boot.conf",
         "--all", *words], check=False))


def test_ten_at_once_with_one_that_rejects_and_one_that_never_comes(
        boot, _gone):
    fleet(boot, 10, s3="rejected", s7=None)
    boot.listener(REAL, key=REAL_KEY)
    # They are not up before they were unlocked, as far as anybody asks. The
    # one that never comes is waited for to the end: more of it is for a
    # machine that is busy.
    for time in "8s", "40s":
        boot.host.run(f"rm -f {DIR}/called {DIR}/sent {DIR}/gone.*")
        done = run(boot, "--wait", time, "--keep-going", "-j", "4")
        last = done.last()
        if [*last.values()].count("up") == 8:
            break
    assert last.pop("s3") == "rejected" and last.pop("s7") == "unreachable"
    assert set(last.values()) == {"up"} and len(last) == 8, done
    assert done.rc == 2
    assert done.events[-1] == {"event": "end", "ok": 8, "failed": 2,
                               "status": 2}
    assert sorted(boot.sent().splitlines()) == sorted(
        f"for s{i}" for i in range(10) if i != 7)
    # A rejected passphrase was not sent a second time.
    assert [c for c in boot.called() if c.startswith("s3 unlock")] == [
        "s3 unlock id-s3"]


def test_a_rejection_ends_the_waiting_of_the_others(boot, _gone):
    """But of those that have their passphrase."""
    fleet(boot, 3, s0="rejected", s1=None)
    boot.host.run(["touch", f"{DIR}/hold.s0"])
    w = Waiting(boot, "--config", f"{DIR}/boot.conf", "--all", "--wait", "60s",
                "--connect-timeout", "5s")
    try:
        w.until("booting", host="s2")
        boot.host.run(["rm", f"{DIR}/hold.s0"])
        w.until("rejected", host="s0")
        boot.listener(REAL, key=REAL_KEY)
        done = w.done()
    finally:
        w.close()
    assert done.last() == {"s0": "rejected", "s1": "left out", "s2": "up"}
    assert done.rc == 2 and "--keep-going" in [
        e for e in done.of("state") if e["host"] == "s1"][-1]["detail"]


def test_a_fleet_gets_its_passphrases_although_one_host_is_down(boot, _gone):
    """-j counts connections, not hosts: who is down keeps nobody out."""
    fleet(boot, 4, s0=None, s1=None)
    boot.listener(REAL, key=REAL_KEY)
    done = run(boot, "--wait", "10s", "-j", "1")
    assert done.last() == {"s0": "unreachable", "s1": "unreachable",
                           "s2": "up", "s3": "up"}, done


# What is left

def test_nothing_is_left_of_it(boot, wait):
    """Neither when it is over nor when it is interrupted."""
    count = "find /tmp -maxdepth 1 -name 'postern-boot.*' | wc -l"
    before = boot.admin.run(count).stdout
    boot.listener(LATE)
    boot.systemd()
    boot.opened()
    w = wait()
    w.until("booting")
    boot.admin.run("pkill -INT -x postern-boot")
    done = w.done()
    assert "interrupted" in done.err
    assert boot.admin.run(count).stdout == before
    assert boot.admin.run("pgrep -x ssh", check=False).stdout == ""
