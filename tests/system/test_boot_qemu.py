# SPDX-License-Identifier: ISC
"""postern boot and a machine that really boots: an initramfs asks for the
passphrase of its root, and goes on, or doesn't. The machines: qemulib.py."""

import pytest
from lab import proc
from qemulib import _guests, guests  # noqa: F401
from qemulib import ASKED, BOOT_S, DATA, LONG, NO_KEY, ODD, PASS, UP, UUID
from qemulib import accepts, agent, is_up, logged, refuses, states, until

# One disk

def test_a_wrong_passphrase_costs_nothing_and_the_right_one_boots(guests):
    g = guests.boot()
    refuses(guests.unlock("wrong", g), 1, "rejected")
    accepts(guests.unlock(PASS, g))
    is_up(g)
    # Who reads at the console was given none of them.
    assert g.said().count(ASKED) == 1 and NO_KEY not in g.said()
    assert logged(g) == [["agent", "rejected"], ["agent", "delivering"],
                         ["agent", "accepted"]]


@pytest.mark.parametrize("ask", ["askpass", "systemd", "plymouth"])
def test_other_ways_to_ask_take_it_as_well(guests, ask):
    g = guests.boot(ask=ask)
    # Its words on the console may come before its question.
    prompt, = proc.wait_for(lambda: guests.status(g).of("prompt"), 120,
                            "prompt")
    assert (prompt["kind"], prompt["uuid"]) == (ask, UUID)
    refuses(guests.unlock("wrong", g), 1, "rejected")
    accepts(guests.unlock(PASS, g))
    is_up(g)
    assert NO_KEY not in g.said()
    assert logged(g)[-1] == ["agent", "accepted"]


def test_another_host_key_gets_no_passphrase(guests):
    g = guests.boot()
    pinned = (guests.dir / "me.pub").read_text()
    guests.pin(" ".join(pinned.split()[:2]))
    done = refuses(guests.unlock(PASS, g), 1, "failed")
    for key in pinned, guests.host_key:
        assert guests.fingerprint(key) in done.why, done
    assert "boot host key changed" in done.why
    guests.pin(guests.host_key)
    # It has not seen it, and boots by the one that it gets now.
    assert guests.shell(g, "ls /run/postern-boot 2>&1 || true").count(
        "log") == 0
    accepts(guests.unlock(PASS, g))
    g.wait(UP)


def test_a_network_that_comes_late(guests):
    g = guests.start(linked=False)
    g.wait(ASKED)
    refuses(guests.unlock(PASS, g, options=["--connect-timeout", "2s"]), 75,
            "unreachable")
    g.link(True)
    proc.wait_for(lambda: guests.status(g).of("prompt"), BOOT_S, "prompt")
    accepts(guests.unlock(PASS, g))
    is_up(g)


def test_a_live_session_ends_with_the_initramfs(guests):
    g = guests.boot()
    with guests.ssh(g, "echo here; exec sleep 1000",
                    "emergency_config") as p:
        assert p.stdout.readline() == "here\n"
        accepts(guests.unlock(PASS, g))
        is_up(g)
        p.kill()


# Several

def test_two_disks_have_a_passphrase_each_to_the_byte(guests):
    """Every printable byte, blanks at both ends and UTF-8; 512 bytes; an empty
    one is none."""
    g = guests.boot("root", "data")
    done = guests.unlock("", g)
    assert done.rc == 1, done
    assert done.of("state")[-1]["detail"] == "secret: an empty passphrase"
    accepts(guests.unlock(ODD + "\nsecond line\n", g))
    g.wait(ASKED, 2)
    prompt, = proc.wait_for(lambda: guests.status(g).of("prompt"), BOOT_S,
                            "second prompt")
    assert prompt["uuid"] == DATA
    refuses(guests.unlock(LONG[1:], g), 1, "rejected")
    accepts(guests.unlock({(g, DATA): LONG + "\n"}, g))
    is_up(g)


def test_two_disks_that_are_asked_for_at_once(guests):
    g = guests.boot("root", "data", ask="systemd")
    assert {p["uuid"] for p in guests.status(g).of("prompt")} == {UUID, DATA}
    done = accepts(guests.unlock({(g, UUID): PASS, (g, DATA): LONG}, g))
    assert states(done).count("accepted") == 2
    is_up(g)


# At the same time

def test_the_console_is_faster(guests):
    """The second disk holds the boot up, so that it can be seen."""
    g = guests.boot("root", "data")
    with agent(guests, g) as p:
        guests.answer(g, PASS)
        g.wait(ASKED, 2)
        said = p.communicate(PASS + "\n", timeout=BOOT_S)[0].splitlines()
    assert said[-2:] == ["verdict accepted -", "end"], said
    assert "state delivering" not in said
    assert logged(g, guests) == [["agent", "accepted"]]
    accepts(guests.unlock(LONG, g))
    is_up(g)


def test_an_agent_that_is_killed_leaves_the_prompt_as_it_was(guests):
    g = guests.boot("slow")
    p = guests.popen("unlock", "--json", "--secret", guests.secret(PASS),
                     g.name)
    with p:
        until(p, "testing")
        guests.shell(g, "kill -9 $(pidof postern-boot-agent)")
        p.stdout.read()
        assert p.wait(BOOT_S) == 75
    assert "postern-boot-agent" not in guests.shell(g, "ps | grep -v grep")
    accepts(guests.unlock(PASS, g))
    is_up(g)
    assert g.said().count(ASKED) == 1


# Where the passphrase is

def test_the_booted_machine_has_it_nowhere_in_its_memory(guests):
    """Pages that nobody has any more are the kernel's, which wipes them if it
    is told so: what was found would be held by a process, a file or a log."""
    secret = PASS.encode()
    g = guests.boot("slow", append="init_on_free=1")
    assert g.holds(secret) == 0
    p = guests.popen("unlock", "--json", "--secret", guests.secret(PASS),
                     g.name)
    with p:
        until(p, "testing")
        assert g.holds(secret) > 0
        words = guests.shell(g, "cat /proc/[0-9]*/cmdline "
                             "/proc/[0-9]*/environ; dmesg")
        assert "test-passphrase" in words and PASS not in words
        said = p.stdout.read()
        assert p.wait(BOOT_S) == 0, said + p.stderr.read()
    is_up(g)
    assert g.holds(secret) == 0
    assert secret not in g.said()
