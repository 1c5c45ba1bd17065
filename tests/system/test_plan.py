# SPDX-License-Identifier: ISC
"""--dry-run: the plan, with no connection; and which hosts are in it."""

import json

import pytest

from fleet import fleet  # noqa: F401

HOSTS = "admin h1 h2 h3"


@pytest.fixture
def plan(fleet):
    """plan(*args): the rows of --dry-run --json, by host."""
    fleet.setup(0, hosts=HOSTS)

    def get(*args, expect=0):
        done = fleet.push("--dry-run", "--json", *args, expect=expect)
        return {e["host"]: e for e in done.events}

    get.fleet = fleet
    return get


def test_json_has_an_object_a_host_with_these_keys_and_types(plan):
    rows = plan()
    assert list(rows) == HOSTS.split()
    for name, row in rows.items():
        assert {k: type(v) for k, v in row.items()} == {
            "group": str, "host": str, "peer": str, "destination": str,
            "key": str, "slave": bool, "pushes": bool}
        assert row["group"] == "privileged" and row["peer"] == name
        assert row["key"] == "/var/lib/csync2/privileged.key"
        assert row["pushes"] is (name == "admin")
        assert row["destination"] == ("" if name == "admin" else name)


def test_the_plan_as_text_says_who_pushes_where_and_over_what(plan):
    done = plan.fleet.push("--dry-run", "-v")
    assert "/etc/csync2_priv.cfg: push over ssh itself" in done.out
    assert "admin (this host), pushes" in done.out
    assert "key made for this run" in done.out
    line = next(x for x in done.out.splitlines() if " -- h2 " in x)
    assert "StrictHostKeyChecking=yes" in line
    # As a person would type it: sh reads the argv back.
    plan.fleet.admin.run(["sh", "-nc", line])


def test_a_dry_run_connects_to_nothing_and_changes_nothing(plan):
    before = plan.fleet.leftovers([plan.fleet.admin])
    log = "/tmp/ssh-was-run"
    plan.fleet.admin.write("/tmp/ssh", f"#!/bin/sh\n: >{log}\nexit 1\n", 0o755)
    plan("--ssh", "/tmp/ssh")
    assert not plan.fleet.admin.exists(log)
    plan.fleet.push("--ssh", "/tmp/ssh", expect=1)
    assert plan.fleet.admin.exists(log)
    plan.fleet.admin.run("rm /tmp/ssh*")
    before.settle()


def test_host_and_exclude_narrow_the_receivers(plan):
    assert list(plan("-H", "h2")) == ["admin", "h2"]
    assert list(plan("--host", "h1", "-H", "H3")) == ["admin", "h1", "h3"]
    assert list(plan("--exclude", "h2")) == ["admin", "h1", "h3"]
    assert list(plan("-H", "h1", "-H", "h2", "-x", "h1")) == ["admin", "h2"]


def test_a_name_given_twice_counts_once(plan):
    assert list(plan("-H", "h2", "--host", "h2")) == ["admin", "h2"]
    done = plan.fleet.unlock("-C", "priv", "--dry-run", "--json",
                             "privileged", "privileged")
    assert [e["host"] for e in done.events] == HOSTS.split()


def test_a_host_named_twice_in_the_group_counts_once(plan):
    plan.fleet.config(plan.fleet.group(hosts="admin h1 h1 (h1) h2"))
    rows = plan.fleet.push("--dry-run", "--json").events
    assert [r["host"] for r in rows] == ["admin", "h1", "h2"]
    assert not any(r["slave"] for r in rows)


def test_an_unknown_host_or_group_is_a_usage_error_that_names_it(plan):
    for opt in ("-H", "--exclude"):
        done = plan.fleet.push("--dry-run", opt, "h9", expect=64)
        assert "h9: no such host" in done.err
    done = plan.fleet.unlock("-C", "priv", "--dry-run", "nosuch", expect=64)
    assert "no group 'nosuch'" in done.err and "privileged" in done.err


def test_map_names_another_destination_and_aliases_are_peers(plan):
    plan.fleet.config(plan.fleet.group(hosts="admin one@h1 h2 (h3)"))
    rows = plan("--map", "one=root@10.77.0.1", "--map", "H2=other")
    assert rows["one"]["peer"] == "h1"
    assert rows["one"]["destination"] == "root@10.77.0.1"
    assert rows["h2"]["destination"] == "other"
    assert rows["h3"]["slave"] and not rows["h2"]["slave"]
    # By the name that its peers use, too; and -H knows both.
    assert plan("--map", "h1=x")["one"]["destination"] == "x"
    assert list(plan("-H", "h1")) == list(plan("-H", "one")) == [
        "admin", "one"]


@pytest.mark.parametrize("bad", ["-oProxyCommand=x", "a b", "", "h1;id"])
def test_a_destination_that_is_none_is_refused(plan, bad):
    plan.fleet.push("--dry-run", "--map", f"h1={bad}", expect=(1, 64))


def test_two_groups_give_a_host_a_row_each(plan):
    plan.fleet.config(
        plan.fleet.group("privileged", hosts="admin h1 h2") +
        plan.fleet.group("second", hosts="admin h2 h3", key="second.key",
                         include="/srv/other"))
    done = plan.fleet.unlock("-C", "priv", "--dry-run", "--json",
                             "privileged", "second")
    rows = [(e["group"], e["host"], e["key"]) for e in done.events]
    assert ("second", "h2", "/etc/second.key") in rows
    assert ("privileged", "h2", "/var/lib/csync2/privileged.key") in rows
    assert len(rows) == 6


def test_where_the_configuration_is_as_csync2_understands_it(plan):
    f = plan.fleet
    text = f.group("elsewhere", hosts="admin h1", key="rel.key")
    f.admin.write("/tmp/any.cfg", text)
    rows = f.unlock("-c", "/tmp/any.cfg", "-n", "--json", "elsewhere").events
    assert [r["host"] for r in rows] == ["admin", "h1"]
    f.admin.write("/tmp/sys/csync2.cfg", text)
    f.admin.write("/tmp/sys/csync2_x.cfg", text)
    for args in ((), ("-C", "x")):
        rows = f.unlock(*args, "-n", "--json", "elsewhere",
                        env={"CSYNC2_SYSTEM_DIR": "/tmp/sys"}).events
        assert rows[0]["key"] == "/tmp/sys/rel.key"


def test_what_csync2_would_not_accept_is_said_with_file_and_line(plan):
    plan.fleet.config("group g {\n\thost admin h1;\n\tkey k\n}\n")
    done = plan.fleet.unlock("-C", "priv", "-n", "g", expect=1)
    assert "/etc/csync2_priv.cfg:4" in done.err
    done = plan.fleet.unlock("-C", "nosuch", "-n", "g", expect=1)
    assert "/etc/csync2_nosuch.cfg" in done.err


@pytest.mark.parametrize("hosts,says", [
    ("h1 h2", "the pushing host admin is not in group privileged"),
    ("(admin) h1", "the pushing host admin is only a slave"),
    ("admin", "no host is left to push to"),
])
def test_a_push_that_can_not_be_is_said_by_the_plan_and_stops(
        plan, hosts, says):
    plan.fleet.config(plan.fleet.group(hosts=hosts))
    assert "stop: " in plan.fleet.push("-n").out
    assert says in plan.fleet.push("-n").out
    done = plan.fleet.push(expect=1)
    assert says in done.err


def test_from_is_in_the_plan_with_what_it_sees(plan):
    rows = plan("--from", "h2")
    assert [n for n, r in rows.items() if r["pushes"]] == ["h2"]
    assert rows["admin"]["destination"] == ""
    done = plan.fleet.push("-n", "--from", "h2")
    assert "note: h2 sees the key of every receiver" in done.out


def test_unlock_conf_stands_for_options_and_argv_wins(plan):
    f = plan.fleet
    conf = ("[unlock]\nname = priv\nuser = ops\nssh-option = Port=2222\n"
            "become = sudo -n\n[map]\nh1 = gate\nh2 = gate2\n")
    f.admin.write("/etc/postern/unlock.conf", conf)

    def commands(*args):
        return f.unlock("-n", "-v", *args, "privileged").out

    out = commands()
    assert " -- gate " in out and "-l ops" in out and "Port=2222" in out
    assert "sudo -n" in out
    assert " -- mine " in commands("--map", "h1=mine")
    assert "-l me " in commands("--user", "me")
    # The user's own goes before, --config before both.
    f.admin.write("/root/.config/postern/unlock.conf",
                  "[unlock]\nname = priv\n[map]\nh1 = users\n")
    assert " -- users " in commands() and "-l ops" not in commands()
    f.admin.write("/tmp/my.conf", conf.replace("gate2", "third"))
    assert " -- third " in commands("--config", "/tmp/my.conf")


@pytest.mark.parametrize("text,says", [
    ("[unlock]\nnosuch = 1\n", ":2"),
    ("[unlock]\nuser = a\nuser = b\n", ":3"),
    ("[unlock]\njobs = many\n", ":2"),
    ("[nosuch]\nuser = a\n", ":"),
    ("[map]\nh1 = -x\n", ":2"),
])
def test_a_mistake_in_unlock_conf_is_said_with_file_and_line(
        plan, text, says):
    plan.fleet.admin.write("/tmp/my.conf", text)
    done = plan.fleet.push("-n", "--config", "/tmp/my.conf", expect=1)
    assert "/tmp/my.conf" + says in done.err


def test_json_survives_names_that_need_escaping(plan):
    plan.fleet.config(
        'group "pri\tv\u00e9 x" { host admin h1; key k; include /x; }\n')
    done = plan.fleet.unlock("-C", "priv", "-n", "--json", "pri\tv\u00e9 x")
    assert json.loads(done.out.splitlines()[0])["group"] == "pri\tv\u00e9 x"
