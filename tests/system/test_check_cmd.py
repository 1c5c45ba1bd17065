# SPDX-License-Identifier: ISC
"""--check, and what it stops: risks, --accept-risk, --strict."""

import pytest

from fleet import fleet
from windowlib import gone

__all__ = ["fleet"]

FILES = {"backup": "#!/bin/sh\necho backup\n"}


@pytest.fixture
def two(fleet):
    fleet.setup(2)
    fleet.tls()
    fleet.scripts(FILES)
    return fleet


def safe(fleet):
    """A configuration without a risk: one host pushes, no daemon."""
    fleet.config(fleet.group(hosts="admin (h1 h2)"))


def findings(done):
    return {(e["id"], e["level"], e.get("host"))
            for e in done.of("finding")}


def test_an_ordinary_group_on_a_root_daemon_stops_the_fifo_ways(two):
    safe(two)
    two.ordinary()
    two.daemon()
    for way in (["--fifo"], ["--shared"], ["--hold", "--for", "1s"]):
        done = two.push(*way, "--json", expect=1)
        assert ("ordinary-group", "risk", "admin") in findings(done)
        assert "--accept-risk" in done.err
        # Nobody was asked to open anything.
        assert "ready" not in {e["state"] for e in done.of("state")}
    assert two.tree(1) == {}
    done = two.unlock("-C", "priv", "privileged", "--", "touch",
                      "/tmp/ran", expect=1)
    assert not two.admin.exists("/tmp/ran") and done.out == ""
    # The pipe adds no risk: it goes on, and says it all the same.
    done = two.push()
    assert "[ordinary-group]" in done.out
    assert "--cage" in done.out
    two.assert_same()
    two.scripts({"more": "x\n"})
    done = two.push("--strict", expect=1)
    assert "--strict" in done.err and "more" not in two.tree(1)
    two.push("--fifo", "--accept-risk")
    two.assert_same()
    gone(*two.all)


@pytest.mark.parametrize("way", [
    (), ("--fifo",), ("--shared",), ("--hold", "--for", "1s")],
    ids=["default", "fifo", "shared", "hold"])
def test_strict_stops_at_what_is_no_risk_either(two, way):
    safe(two)
    # A compare with two patterns: a warning, in each way.
    two.config(two.admin.read("/etc/csync2_priv.cfg").replace(
        "include /srv/priv;", "compare /srv/none /srv/priv;"))
    done = two.push(*way, "--json", "--strict", expect=1)
    assert "risk" not in {f[1] for f in findings(done) if way == ()}
    assert ("compare", "warning", None) in findings(done), str(done)
    assert "--strict" in done.err
    assert not done.of("state") and two.tree(1) == {}
    gone(*two.all)


def test_full_members_are_a_risk_of_windows_only(two):
    done = two.push("--shared", "--json", expect=1)
    assert ("not-slave", "risk", "h1") in findings(done)
    assert "not-slave" not in {f[0] for f in findings(two.push("--json"))}
    two.assert_same()


def test_the_status_of_check(two):
    safe(two)
    done = two.push("--check", "--json")
    assert "risk" not in {f[1] for f in findings(done)}
    two.ordinary()
    done = two.push("--check", "--json", expect=1)
    risks = [e for e in done.of("finding") if e["level"] == "risk"]
    # This host is known to run no daemon; of the others the worst is assumed.
    assert {e["host"] for e in risks} == {"h1", "h2"}
    for e in risks:
        assert e["id"] == "ordinary-group"
        assert e["file"] == "/etc/csync2.cfg" and e["line"] == 1
        assert "ordinary" in e["text"] and "--cage" in e["cure"]
    text = two.push("--check", expect=1).out
    assert "risk: /etc/csync2.cfg:1: h1: " in text
    # Which only they can tell.
    done = two.push("--check", "--hosts", "--json")
    assert "ordinary-group" not in {f[0] for f in findings(done)}
    assert two.tree(1) == {}
    gone(*two.all)


def test_a_group_that_was_not_chosen_may_be_privileged_too(two):
    other = "/var/lib/csync2/other.key"
    two.config(two.group(hosts="admin (h1 h2)") +
               two.group("other", hosts="admin (h1 h2)", key=other,
                         include="/srv/other"))
    two.each(f"mkfifo -m 600 {other}")
    two.daemon()
    done = two.push("--check", "--hosts", "--json", expect=None)
    assert "ordinary-group" not in {f[0] for f in findings(done)}, str(done)
    # What one host has is said of that host.
    two.host(2).run(f"rm {other}; echo {'x' * 40} >{other}")
    done = two.push("--check", "--hosts", "--json", expect=1)
    assert {f for f in findings(done) if f[0] == "ordinary-group"} == {
        ("ordinary-group", "risk", "h2")}, str(done)


def test_pins_are_those_of_the_configuration_that_is_pushed(two):
    safe(two)
    two.admin.run(": >/var/lib/csync2/admin.db3")
    done = two.push("--check", "--json")
    text, = (e["text"] for e in done.of("finding")
             if e["id"] == "pins-unknown")
    assert "no database /var/lib/csync2/admin_priv.db3" in text, text


def test_a_database_that_others_write_is_a_risk(two):
    safe(two)
    two.host(1).run("chmod 777 /var/lib/csync2")
    try:
        done = two.push("--check", "--hosts", "--json", expect=1)
        assert ("database-mode", "risk", "h1") in findings(done), str(done)
    finally:
        two.host(1).run("chmod 755 /var/lib/csync2")


def test_check_asks_hosts_for_what_is_wrong_there(two):
    safe(two)
    one, far = two.members
    one.run("chmod 644 /var/lib/csync2/privileged.key; "
            "chmod 644 /etc/csync2_ssl_key.pem")
    far.link.cut()
    done = two.push("--check", "--hosts", "--json", "--connect-timeout",
                    "2s", expect=2)
    assert done.last("h2")["state"] == "failed"
    assert done.last("h1")["state"] == "answered"
    said = [e for e in done.of("finding", "h1")]
    assert any("privileged.key" in e["text"] for e in said), str(done)
    assert any("csync2_ssl_key.pem" in e["text"] for e in said), str(done)
    gone(two.admin, one)


def test_a_host_down_does_not_hide_behind_a_good_check(two):
    safe(two)
    two.daemon()
    two.members[1].link.cut()
    done = two.push("--fifo", "--accept-risk", "--json",
                    "--connect-timeout", "2s", expect=2)
    assert done.last("h2")["state"] == "failed"
    two.assert_same(1)
