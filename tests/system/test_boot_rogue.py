# SPDX-License-Identifier: ISC
"""Hosts that lie to postern boot: another's UUID, a name that passes for a
prompt of ours."""

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, PASS, POSTERN, UUID
from terminal import on_terminal

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
