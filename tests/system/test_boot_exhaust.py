# SPDX-License-Identifier: ISC
"""A disk whose unit of systemd's has failed: it is asked for again, with the
passphrase at hand. That the boot goes on by it: test_boot_emergency.py."""

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, DISK, PASS, QUESTIONS, UUID
from lab import proc

UNIT = r"systemd-cryptsetup@luks\x2droot.service"
SHELL = "lab-shell"
# The keyring of root is one of all hosts here: an answer of another's is in it.
DROP_IN = "/etc/systemd/system/systemd-cryptsetup@.service.d"
REPLY = f"""
for q in {QUESTIONS}/ask.*; do
    echo wrong | /lib/systemd/systemd-reply-password 1 \
        "$(sed -n s/^Socket=//p "$q")"
done
"""


def failed(boot):
    return boot.host.run(["systemctl", "is-failed", UNIT],
                         check=False).stdout.strip() == "failed"


def started(boot):
    return boot.host.run(["journalctl", "-q", "-o", "cat", "-u", UNIT]) \
        .stdout.count("Starting ")


@pytest.fixture
def unit(boot):
    """As systemd's own generator makes it; not started yet."""
    boot.host.write("/etc/crypttab", f"luks-root {DISK} none luks,tries=2\n")
    boot.host.write(f"{DROP_IN}/lab.conf", "[Service]\nKeyringMode=private\n")
    boot.host.run("systemctl daemon-reload")
    assert boot.host.exists(f"/run/systemd/generator/{UNIT}")
    yield UNIT
    boot.host.run(f"systemctl kill -s KILL '{UNIT}'; systemctl stop '{UNIT}';"
                  f"systemctl reset-failed '{UNIT}'", check=False)
    boot.host.run(f"rm -r /etc/crypttab {DROP_IN}; systemctl daemon-reload")


def test_what_has_not_failed_is_not_exhausted(boot, unit):
    assert not boot.status().of("prompt")
    boot.host.run(["systemctl", "--no-block", "start", unit])
    assert [p["kind"] for p in boot.asked()] == ["systemd"]


@pytest.fixture
def shell(boot):
    """By its words and its parent dracut's own; whether it is there."""
    def there():
        return boot.host.run(["pgrep", "-xf", "/bin/sh -i -l"],
                             check=False).returncode == 0
    boot.host.run(f"mkfifo {DIR}/fifo; systemd-run -q --collect "
                  f"--unit={SHELL} sh -c "
                  f"'exec /bin/sh -i -l <>{DIR}/fifo >/dev/null 2>&1'")
    proc.wait_for(there, 30, "shell")
    yield there
    boot.host.run(f"systemctl kill -s KILL {SHELL}; rm {DIR}/fifo",
                  check=False)


def give_up(boot, unit):
    boot.host.run(["systemctl", "--no-block", "start", unit])
    boot.asked()

    def over():
        boot.host.run(REPLY, check=False)
        return failed(boot)
    proc.wait_for(over, 30, "end of the tries")


def test_the_shell_is_left_whoever_had_the_disk_asked_for_again(boot, unit,
                                                                shell):
    give_up(boot, unit)
    # Who looked at it then, knows it.
    assert [p["kind"] for p in boot.status().of("prompt")] == ["exhausted"]
    boot.host.run(["systemctl", "--no-block", "restart", unit])
    proc.wait_for(lambda: [p["kind"] for p in boot.status().of("prompt")] ==
                  ["systemd"], 30, "prompt")
    boot.opened()
    done = boot.unlock(PASS)
    assert done.word == "accepted"
    assert "the emergency shell was ended" in done.why, done
    proc.wait_for(lambda: not shell(), 30, "end of the shell")


def test_it_is_left_where_no_header_says_that_the_disk_is_open(boot, unit,
                                                               shell):
    give_up(boot, unit)
    assert boot.status().of("prompt")
    boot.host.run(["systemctl", "reset-failed", unit])
    boot.question("/dev/nowhere")
    done = boot.unlock(PASS)
    assert done.word == "delivered"
    assert "so did the emergency shell" in done.why, done
    proc.wait_for(lambda: not shell(), 30, "end of the shell")


def test_a_shell_that_came_of_something_else_stays(boot, shell):
    """Somebody may be mending a file system in it."""
    boot.systemd()
    boot.opened()
    done = boot.unlock(PASS)
    assert (done.word, done.why) == ("accepted", UUID)
    assert shell()


def test_a_unit_that_failed_asks_again_once_the_passphrase_is_right(boot,
                                                                    unit):
    give_up(boot, unit)
    prompt, = boot.status().of("prompt")
    assert (prompt["kind"], prompt["uuid"]) == ("exhausted", UUID)
    before = started(boot)
    assert boot.unlock("wrong").word == "rejected"
    assert failed(boot) and started(boot) == before
    # There is no device mapper here: it is asked, and comes to no good.
    done = boot.unlock(PASS)
    assert started(boot) == before + 1, done
    said = [e["state"] for e in done.of("state")]
    assert said[-4:-1] == ["testing", "delivering", "waiting"], done
    assert "cryptsetup took it and ended" in done.why
    # The console, too, has it asked again.
    done = boot.auth(input=PASS + "\n")
    assert f"{UUID}: delivering" in done.stdout, done
    assert started(boot) == before + 2
