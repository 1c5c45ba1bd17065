# SPDX-License-Identifier: ISC
"""What holds for each way of unlocking, or for each but the default one, whose
own tests are test_pipe*.py."""

import json
import re
import signal

import pytest

from fleet import Done, fleet
from windowlib import gone, holder, window

__all__ = ["fleet"]

# The words before the group, and behind it.
WAYS = {
    "fifo": (["--fifo", "--accept-risk"], []),
    "shared": (["--shared", "--accept-risk"], []),
    # Where not all are open csync2 would wait for ever.
    "command": (["--accept-risk"], [
        "--", "sh", "-c", "[ \"$POSTERN_FAILED\" ] || csync2 -C priv -x"]),
}
ways = pytest.mark.parametrize("way", WAYS)


def ready(fleet, n, **group):
    fleet.setup(n, **group)
    fleet.tls()
    fleet.daemon()
    fleet.scripts({"backup": "#!/bin/sh\necho backup\n"})


def push(fleet, way, *args, group="privileged", **kwargs):
    """With --json, which a command leaves standard error for."""
    before, behind = WAYS[way]
    done = fleet.unlock("-C", "priv", "--json", *before, *args, group,
                        *behind, **{"expect": None, **kwargs})
    lines = (done.out + done.err).splitlines()
    made = Done(done.args, done.rc, done.out, done.err)
    made.events = [json.loads(s) for s in lines if s.startswith("{")]
    return made


# Whom ssh does not reach

@pytest.fixture
def four(fleet):
    """h1 cut off, h2 with another host key, h3 that lets nobody in, h4."""
    ready(fleet, 4)
    h1, h2, h3, _ = fleet.members
    h2.run("cp -a /etc/ssh /root/ssh.kept; rm /etc/ssh/ssh_host_ed25519_key*;"
           " ssh-keygen -q -t ed25519 -N '' -f "
           "/etc/ssh/ssh_host_ed25519_key; systemctl restart ssh")
    h3.run("mv /root/.ssh/authorized_keys /root/kept")
    h1.link.cut()
    yield fleet
    h1.link.restore()
    h2.run("rm -r /etc/ssh; mv /root/ssh.kept /etc/ssh; "
           "systemctl restart ssh")
    h3.run("mv /root/kept /root/.ssh/authorized_keys")


def all_named(done):
    assert done.rc == 2, str(done)
    for host, why in (("h1", "unreachable"), ("h2", "host key changed"),
                      ("h3", "not permitted")):
        last = done.last(host)
        assert last["state"] == "failed", str(done)
        assert last["detail"].startswith(why + ": "), last


@pytest.mark.parametrize("way", ["fifo", "shared"])
def test_hosts_that_ssh_does_not_reach_are_named_the_others_served(four, way):
    done = push(four, way, "--connect-timeout", "3s")
    all_named(done)
    assert done.last("h4")["state"] == "synced", str(done)
    four.assert_same(4)
    gone(four.admin, four.host(4))


def test_a_command_runs_without_those_that_ssh_does_not_reach(four):
    # By csync2 itself for h4 alone: it would wait at the FIFOs of the others.
    done = four.unlock("-C", "priv", "--accept-risk", "--json",
                       "--connect-timeout", "3s", "privileged", "--",
                       "csync2", "-C", "priv", "-P", "h4", "-x", expect=2)
    done.events = [json.loads(s) for s in done.err.splitlines()
                   if s.startswith("{")]
    all_named(done)
    assert done.last("h4")["state"] == "closed"
    four.assert_same(4)
    gone(four.admin, four.host(4))


@pytest.mark.parametrize("args, good", [
    (("--check", "--hosts"), "answered"), (("--setup",), "set up")])
def test_check_and_setup_name_them_too(four, args, good):
    done = four.push(*args, "--json", "--connect-timeout", "3s", expect=2)
    all_named(done)
    assert done.last("h4")["state"] == good


# Names, users, numbers

@pytest.mark.parametrize("way", ["fifo", "shared"])
def test_peers_have_the_names_that_the_group_gives_them(fleet, way):
    """Left of @ what the host calls itself, right of it where its peers
    find it."""
    ready(fleet, 2, hosts="admin h1@back1 (h2@back2)")
    kept = fleet.admin.read("/etc/hosts")
    fleet.admin.write("/etc/hosts", kept + "".join(
        f"{fleet.host(i).ip} back{i}\n" for i in (1, 2)))
    try:
        done = push(fleet, way, "--map", "h1=h1", "--map", "back2=h2")
    finally:
        fleet.admin.write("/etc/hosts", kept)
    assert done.rc == 0, str(done)
    assert done.last("h1")["state"] == done.last("h2")["state"] == "synced"
    fleet.assert_same()


@pytest.mark.parametrize("way", [
    (), ("--fifo", "--accept-risk"), ("--shared", "--accept-risk")],
    ids=["default", "fifo", "shared"])
def test_who_is_excluded_is_left_alone(fleet, way):
    ready(fleet, 2)
    before = fleet.leftovers([fleet.host(2)])
    done = fleet.push("--json", *way, "--exclude", "h2")
    assert not done.of("state", "h2")
    fleet.assert_same(1)
    assert fleet.tree(2) == {}
    before.settle()


@pytest.fixture
def no_root(fleet):
    """Three hosts that root can't log in to; ops can, and may use sudo."""
    ready(fleet, 2)
    fleet.each(
        "useradd -m ops; mkdir -p ~ops/.ssh; cp /root/.ssh/authorized_keys "
        "~ops/.ssh/; chown -R ops: ~ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' "
        ">/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops; "
        "mv /root/.ssh/authorized_keys /root/kept", fleet.members)
    yield fleet
    fleet.each("mv /root/kept /root/.ssh/authorized_keys; userdel -r ops "
               "2>/dev/null; rm /etc/sudoers.d/ops", fleet.members)


BECOME = ("--user", "ops", "--become", "sudo -n")


@ways
def test_become_where_root_can_not_log_in(no_root, way):
    done = push(no_root, way, "--connect-timeout", "5s")
    assert done.last("h1")["detail"].startswith("not permitted"), str(done)
    before = no_root.leftovers(ignore=[r"/var/lib/csync2/.*\.db3"])
    done = push(no_root, way, *BECOME, expect=0)
    no_root.assert_same()
    gone(*no_root.all)
    before.settle()


def test_check_and_setup_become_root_as_well(no_root):
    done = no_root.push("--check", "--hosts", "--json", *BECOME,
                        expect=(0, 1))
    assert {done.last(h)["state"] for h in ("h1", "h2")} == {"answered"}
    no_root.each("rm /var/lib/csync2/privileged.key", no_root.members)
    no_root.push("--setup", *BECOME)
    for h in no_root.members:
        assert h.run("stat -c '%F %a %U' /var/lib/csync2/privileged.key"
                     ).stdout == "fifo 600 root\n"


def test_jobs_does_not_bound_what_a_window_holds(fleet):
    ready(fleet, 3)
    # Ends by itself should it never open.
    run = window(fleet, "-j", "1", "--for", "60s")
    for h in fleet.members:
        assert holder(h)["main"]
    run.kill(signal.SIGINT)
    done = run.end()
    assert done.rc == 0, str(done)
    # One handshake after another, all the same.
    under_way = 0
    for e in done.of("state"):
        under_way += {"connecting": 1, "ready": -1}.get(e["state"], 0)
        assert under_way <= 1, done.out


# What is said, and where the configuration is

NOTE = "whoever is root on one member can push to the others"


@pytest.mark.parametrize("args", [
    ("--hold", "--for", "1s", "privileged"),
    ("privileged", "--", "true"), ("--shared", "privileged")],
    ids=["hold", "command", "shared"])
def test_one_line_says_what_a_shared_key_does_not_protect(fleet, args):
    ready(fleet, 1)
    done = fleet.unlock("-C", "priv", "--accept-risk", *args)
    said = [s for s in (done.out + done.err).splitlines() if NOTE in s]
    assert len(said) == 1, str(done)
    # And by the plan.
    done = fleet.unlock("-C", "priv", "--dry-run", *args)
    assert done.out.count(NOTE) == 1


def test_the_other_ways_say_no_such_thing(fleet):
    ready(fleet, 1)
    for way in ((), ("--fifo", "--accept-risk")):
        done = fleet.push(*way)
        assert NOTE not in done.out + done.err


@pytest.mark.parametrize("way", ["fifo", "shared"])
def test_c_is_the_file_that_csync2_reads_or_is_refused(fleet, way):
    ready(fleet, 1)
    before, _ = WAYS[way]
    text = fleet.admin.read("/etc/csync2_priv.cfg")
    # csync2 would not read it, but /etc/csync2.cfg, and push nothing.
    fleet.admin.write("/tmp/any.cfg", text)
    fleet.admin.write("/etc/csync2.cfg", text.replace("/srv/priv", "/srv/x"))
    for args in (["-c", "/tmp/any.cfg"], ["-c", "/etc/any.cfg"],
                 ["-c", "/etc/csync2_priv.cfg", "-C", "other"]):
        done = fleet.unlock(*args, *before, "privileged", expect=64)
        assert "csync2 itself reads" in done.err
    assert fleet.tree(1) == {}
    fleet.unlock("-c", "/etc/csync2_priv.cfg", *before, "privileged")
    fleet.assert_same()


def test_the_plan_of_each_way_names_scripts_and_paths(fleet):
    ready(fleet, 2)
    key = "/var/lib/csync2/privileged.key"
    for args, way, here, there in (
            (["--fifo"], "through FIFOs, one receiver after another",
             "push-fifo.sh: csync2 -P PEER -x", "holder.sh"),
            (["--shared"], "one key in all FIFOs", "push-fifo.sh",
             "holder.sh"),
            (["--hold"], "hold a shared window open", "holder.sh",
             "holder.sh"),
            (["--check"], "ask each host", "probe.sh", "probe.sh")):
        text = fleet.push("--dry-run", *args).out
        assert way in text.splitlines()[0], text
        parts = re.split(r"^  (?=\w)", text, flags=re.M)[1:]
        assert [p.split()[0] for p in parts] == ["admin", "h1", "h2"], text
        assert f"<{here}" in parts[0] and "ssh" not in parts[0].split("<")[0]
        for part, name in zip(parts[1:], ("h1", "h2")):
            assert f" -- {name} " in part and f"<{there}" in part, text
            assert key in part, text
    fleet.unlock("-C", "priv", "-n", "privileged", "--", "false")
