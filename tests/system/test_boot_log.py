# SPDX-License-Identifier: ISC
"""The log of an initramfs: who gave a passphrase, to what, when, and how it
ended. bootlib.py has what is real there and what is not."""

import json
import re
import subprocess

from bootlib import _boot, boot  # noqa: F401
from bootlib import AGENT, DIR, PASS, UUID
from lab import proc

LOG = "/run/postern-boot/log"


def shown(boot):
    """The lines of the log, as a person sees them."""
    return [line for line in boot.run("log", "h41").out.splitlines()
            if line.startswith("h41| ")]


def fingerprint(boot):
    return subprocess.run(
        ["ssh-keygen", "-lf", boot.lab.key.with_suffix(".pub")], text=True,
        check=True, capture_output=True).stdout.split()[1]


def test_without_a_passphrase_there_is_no_log(boot):
    boot.systemd()
    assert boot.log() == []
    assert shown(boot) == []
    assert not boot.host.exists(LOG)


def test_who_when_what_and_how_it_ended(boot):
    boot.systemd()
    boot.unlock("wrong passphrase")
    boot.opened()
    boot.unlock(PASS)
    done = boot.run("log", "--json", "h41")
    assert (done.rc, done.word) == (0, "seen"), done
    said = done.of("log")
    assert [e["verdict"] for e in said] == [
        "rejected", "delivering", "accepted"]
    for e in said:
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", e["time"])
        assert {k: e[k] for k in ("host", "by", "kind", "id", "key",
                                  "from")} == {
            "host": "h41", "by": "agent", "kind": "systemd", "id": UUID,
            "key": fingerprint(boot), "from": boot.admin.ip}
    line = (f"agent accepted systemd {UUID} {fingerprint(boot)} "
            f"{boot.admin.ip}")
    assert shown(boot)[2] == f"h41| {said[2]['time']} {line}"
    # What the real system finds in /run.
    kept = boot.host.read(LOG)
    assert kept.splitlines()[2] == f"{said[2]['time']} {line}"
    assert PASS not in kept and "wrong" not in kept
    assert boot.host.run(["stat", "-c", "%a", LOG]).stdout == "600\n"


def test_an_sshd_that_tells_no_key_leaves_the_address(boot):
    boot.systemd()
    boot._start(["/usr/sbin/sshd", "-D", "-f", f"{DIR}/sshd_config", "-p",
                 "2224", "-o", "ExposeAuthInfo=no", "-o", "PidFile=none"])
    boot.wait_port(2224)
    boot.unlock("wrong", "-p", "2224", "h41")
    entry, = boot.run("log", "--json", "h41").of("log")
    assert (entry["key"], entry["from"]) == (None, boot.admin.ip)
    assert shown(boot)[0].endswith(f" {UUID} - {boot.admin.ip}")


def test_a_delivery_is_in_the_log_whatever_becomes_of_the_agent(boot):
    """As when the real system begins and ends what is left."""
    boot.keys("-w 60")
    boot.askpass()
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    argv = boot.argv("unlock", "--json", "--secret", f"cmd:cat {DIR}/pass",
                     "h41")
    with boot.admin.popen(argv, stdout=subprocess.PIPE, text=True) as p:
        for line in p.stdout:
            if json.loads(line).get("state") == "waiting":
                break
        pid, = [n for n in boot.host.pids() if proc.comm(n) ==
                "postern-boot-ag"]
        proc.kill([pid])
        p.stdout.read()
        assert p.wait(60) != 0
    assert boot.log() == [("agent", "delivering")]


def test_what_was_not_tried_is_not_in_the_log(boot):
    boot.keys("-t 1")
    boot.systemd()
    assert boot.unlock("wrong").word == "rejected"
    for _ in range(2):
        assert boot.unlock("wrong").word == "busy"
    boot.ssh("h41", f"unlock {UUID}", input="cut off")
    assert boot.log() == [("agent", "rejected")]


def test_a_log_that_can_not_be_written_keeps_nobody_out(boot):
    boot.host.run(["mkdir", "-p", LOG])
    boot.systemd()
    boot.opened()
    done = boot.unlock(PASS)
    assert (done.rc, done.word) == (0, "accepted"), done
    assert f"not in the log: {LOG}: Is a directory" in done.why


def test_the_log_does_not_grow_without_bound(boot):
    """Of what there is the last lines are shown, and no others."""
    old = (f"2026-11-22T21:50:00Z agent rejected systemd {UUID} - "
           "192.0.2.9\n")
    boot.host.run(["mkdir", "-p", "-m", "700", "/run/postern-boot"])
    boot.host.write(LOG, old * (65536 // len(old)) + "\x1b[2Jgarbage\n" +
                    old.replace("rejected", "gone"), mode=0o600)
    boot.systemd()
    boot.unlock("wrong")
    assert len(boot.host.read(LOG).splitlines()) == 1
    assert len(boot.host.read(f"{LOG}.old")) > 65536
    said = boot.log()
    # 500 lines, of which one is none.
    assert len(said) == 499
    assert said[-3:] == [("agent", "rejected"), ("agent", "gone"),
                         ("agent", "rejected")]


def test_who_guesses_on_and_on_pushes_nothing_out(boot):
    """The first and the last of what is the same are kept."""
    old = (f"2026-11-22T21:5{{}}:00Z agent {{}} systemd {UUID} "
           f"{fingerprint(boot)} {boot.admin.ip}\n")
    boot.host.run(["mkdir", "-p", "-m", "700", "/run/postern-boot"])
    first = old.format(0, "gone") + old.format(1, "rejected")
    boot.host.write(LOG, first + old.format(2, "rejected"), mode=0o600)
    boot.systemd()
    boot.unlock("wrong")
    kept = boot.host.read(LOG)
    assert kept.startswith(first) and len(kept.splitlines()) == 3, kept
    assert not kept.splitlines()[2].startswith("2026-11-22T21:52")
    assert boot.log() == [("agent", "gone")] + [("agent", "rejected")] * 2


def test_half_a_line_spoils_no_other(boot):
    """As one leaves it who is killed while he writes."""
    old = (f"2026-11-22T21:50:00Z agent {{}} systemd {UUID} - "
           "192.0.2.9\n")
    boot.host.run(["mkdir", "-p", "-m", "700", "/run/postern-boot"])
    boot.host.write(f"{LOG}.old", old.format("gone") + "2026-11-22T2",
                    mode=0o600)
    boot.host.write(LOG, old.format("failed") + "2026-11-22T21:5",
                    mode=0o600)
    boot.systemd()
    boot.unlock("wrong")
    assert boot.log() == [("agent", "gone"), ("agent", "failed"),
                          ("agent", "rejected")]


def test_a_certificate_tells_whose_it_is(boot):
    """The key in it, which its holder and the authority know."""
    boot.systemd()
    ca = boot.lab.dir / "ca"
    boot.lab.keygen(ca, "authority")
    public = boot.lab.dir / "id_ed25519.pub"
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "me", "-n", "root",
                    public], check=True)
    cert = boot.lab.dir / "id_ed25519-cert.pub"
    boot.admin.write(f"{DIR}/cert.pub", cert.read_text())
    boot.host.write(f"{DIR}/keys", 'cert-authority,restrict,command="'
                    f'{AGENT} -w 5" {ca.with_suffix(".pub").read_text()}',
                    mode=0o600)
    try:
        boot.admin.write(f"{DIR}/pass", "wrong", mode=0o600)
        done = boot.run("unlock", "--json", "-o",
                        f"CertificateFile={DIR}/cert.pub", "--secret",
                        f"cmd:cat {DIR}/pass", "h41")
        assert done.word == "rejected", done
    finally:
        for path in ca, ca.with_suffix(".pub"), cert:
            path.unlink()
    boot.keys()
    entry, = boot.run("log", "--json", "h41").of("log")
    assert entry["key"] == fingerprint(boot)


def test_the_log_of_a_hostile_host_stays_text(boot):
    boot.host.write(f"{DIR}/evil", "#!/bin/sh\n"
                    "printf 'postern-boot 1\\nlog 2026-11-22T21:50:00Z agent "
                    "accepted systemd x %s %s\\nend\\n' '%1B%5B2J' '%0Ah42'"
                    "\n", mode=0o755)
    boot.host.write(f"{DIR}/keys", f'restrict,command="{DIR}/evil" '
                    f"{boot.key}", mode=0o600)
    assert [line.split(" x ")[1] for line in shown(boot)] == [
        "%1B%5B2J %0Ah42"]
    assert boot.run("log", "--json", "h41").of("log")[0]["key"] == "\x1b[2J"
