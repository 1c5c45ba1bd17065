# SPDX-License-Identifier: ISC
"""What the command line, unlock.conf and the exit status promise, with real
pushes: how hosts are reached, where the key comes from, what is said."""

import re

import pytest

from fleet import POSTERN, fleet  # noqa: F401
from terminal import on_terminal

KEY = "K" * 20 + "0123456789._abcdefgh"


@pytest.fixture
def two(fleet):
    fleet.setup(2)
    fleet.scripts({"s1": "#!/bin/sh\n"})
    return fleet


# What is said

def test_json_events_are_objects_with_known_names(two):
    done = two.push("--json", "--verify", "-H", "h1")
    assert {e["event"] for e in done.events} <= {
        "state", "finding", "note", "end"}
    end = done.events[-1]
    assert end == {"event": "end", "ok": 1, "failed": 0, "status": 0}
    for e in done.of("state"):
        assert isinstance(e["host"], str) and isinstance(e["state"], str)
    assert done.err == "" or not done.err.startswith("{")


def test_without_a_terminal_each_event_is_a_line(two):
    two.config(two.group(hosts="admin h1 h60"))
    out = two.push("--connect-timeout", "3s", expect=2).out
    lines = out.splitlines()
    assert [s for s in lines if s.startswith("h1: ")] == [
        "h1: connecting", "h1: ready", "h1: reading", "h1: synced"], out
    assert [s for s in lines if s.startswith("h60: ")] == [
        "h60: connecting", "h60: failed unreachable: no answer within 3 s"]
    assert "admin: pushes" in lines
    assert "\x1b" not in out


def test_a_quiet_run_says_nothing_when_all_is_well(two):
    done = two.push("-q")
    assert (done.out, done.err) == ("", "")
    two.assert_same()


def test_a_quiet_run_names_what_failed(two):
    two.config(two.group(hosts="admin h1 h60"))
    done = two.push("-q", "--connect-timeout", "3s", expect=2)
    assert re.search(r"^h60: failed unreachable: no answer within 3 s$", done.out + done.err, re.M)
    assert "h1: " not in done.out + done.err


# Exit statuses

def test_the_exit_status_tells_all_some_none_usage_and_later(two):
    assert two.push(expect=0)
    two.config(two.group(hosts="admin h1 h60"))
    down = ["--connect-timeout", "3s"]
    assert two.push("--json", *down, expect=2).events[-1] == {
        "event": "end", "ok": 1, "failed": 1, "status": 2}
    # Unreachable may pass: try again later.
    two.config(two.group(hosts="admin h59 h60"))
    two.push(*down, expect=75)
    two.config(two.group(hosts="admin h1"))
    two.each("chmod 700 /usr/sbin/csync2; mv /usr/sbin/csync2 /root/c2",
             [1])
    try:
        two.push(expect=1)
    finally:
        two.each("mv /root/c2 /usr/sbin/csync2; chmod 755 /usr/sbin/csync2",
                 [1])


@pytest.mark.parametrize("args", [
    [], ["--nosuch", "g"], ["-j", "0", "g"], ["-j", "x", "g"],
    ["--connect-timeout", "0", "g"], ["--connect-timeout", "soon", "g"],
    ["--fifo", "--shared", "g"], ["--hold", "--check", "g"],
    ["--key", "nosuch:x", "privileged"], ["--test", "g"], ["--hosts", "g"],
    ["--hold", "--from", "h1", "g"], ["--strict", "--accept-risk", "g"],
    ["--map", "h1", "g"], ["--map", "a=b", "--map", "A=c", "g"],
    ["--from"],
])
def test_wrong_usage_is_64_and_says_why(two, args):
    done = two.unlock("-C", "priv", *args, expect=64)
    assert done.err.strip()


def test_another_push_of_the_group_under_way_is_75(two):
    slow = two.group(more='action { pattern *; exec "sleep 30"; '
                     'logfile "/dev/null"; do-local-only; }')
    two.config(slow)
    with two.start_push("--host-timeout", "30s").popen as p:
        two.wait_pid("admin", r"^sleep 30")
        done = two.push("--json", expect=75)
        assert "another push" in done.last("h1")["detail"]
        p.signal_target(15)
        p.communicate(timeout=20)


# How hosts are reached

def test_user_and_become_reach_a_host_without_root_login(two):
    two.each("useradd -m ops; mkdir -p ~ops/.ssh; cp /root/.ssh/authorized"
             "_keys ~ops/.ssh/; chown -R ops: ~ops; echo 'ops ALL=(ALL) "
             "NOPASSWD: ALL' >/etc/sudoers.d/ops; chmod 440 "
             "/etc/sudoers.d/ops; rm -f /root/.sudo_as_admin_successful",
             [1, 2])
    try:
        done = two.push("--json", "--user", "ops", expect=1)
        assert "not as root (see --become)" in done.last("h1")["detail"]
        before = two.leftovers()
        # The pushing host itself is this one, as root: sudo is there, too.
        two.push("--user", "ops", "--become", "sudo -n", "--verify")
        two.assert_same()
        before.settle()
    finally:
        two.each("userdel -r ops 2>/dev/null; rm /etc/sudoers.d/ops", [1, 2])


def test_become_lets_a_plain_user_push_from_this_host(two):
    two.each("useradd -m ops; cp -r /root/.ssh ~ops/; sed -i "
             "s,/root/,/home/ops/, ~ops/.ssh/config; chown -R ops: ~ops; "
             "echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops",
             ["admin"])
    try:
        before = two.leftovers()
        done = two.admin.run(
            ["setpriv", "--reuid", "ops", "--regid", "ops", "--init-groups",
             POSTERN, "unlock", "-C", "priv", "--become", "sudo -n",
             "privileged"], env={"HOME": "/home/ops", "USER": "ops"},
            check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        two.assert_same()
        before.settle()
    finally:
        two.each("userdel -r ops 2>/dev/null; rm /etc/sudoers.d/ops",
                 ["admin"])


def test_map_reaches_names_that_are_no_ssh_destination(two):
    two.config(two.group(hosts="admin web db"))
    two.push(expect=(1, 75))
    two.push("--map", "web=h1", "--map", f"db=root@{two.host(2).ip}",
             "--verify")
    two.assert_same()


def test_ssh_gets_our_F_and_o(two):
    two.admin.write("/tmp/ssh_config", "Include /root/.ssh/config\n"
                    "Host gate\n\tHostName 10.77.0.1\n\tHostKeyAlias h1\n")
    two.config(two.group(hosts="admin gate"))
    two.push("-F", "/tmp/ssh_config")
    two.assert_same(1)
    done = two.push("--json", "-F", "/tmp/ssh_config", "-o", "Port=9",
                    expect=75)
    assert "unreachable" in done.last("gate")["detail"]


def test_o_can_not_relax_the_check_of_host_keys(two):
    two.admin.write("/tmp/none", "")
    done = two.push("--json", "-H", "h1", "-o", "StrictHostKeyChecking=no",
                    "-o", "UserKnownHostsFile=/tmp/none", expect=1)
    assert "host key not known" in done.last("h1")["detail"]
    assert two.admin.read("/tmp/none") == ""


def test_jobs_bounds_the_handshakes_under_way(fleet):
    fleet.setup(4)
    fleet.scripts({"s1": "x"})
    done = fleet.push("--json", "-j", "1")
    connecting = 0
    for e in done.of("state"):
        connecting += {"connecting": 1, "ready": -1}.get(e["state"], 0)
        assert connecting <= 1, done.out
    fleet.assert_same()


def test_connect_timeout_bounds_a_host_that_is_silent(two):
    two.host(2).link.cut()
    done = two.push("--json", "--connect-timeout", "3s", expect=2,
                    timeout=30)
    assert done.last("h1")["state"] == "synced"
    assert done.last("h2")["detail"].startswith("unreachable")


# Where the key comes from

def wiretap(fleet):
    """csync2 on h1 writes down what its peer says."""
    fleet.each(r"""
mkdir -p /usr/local/sbin
cat >/usr/local/sbin/csync2 <<'END'
#!/bin/sh
case $* in *-i*) tee /tmp/wire | /usr/sbin/csync2 "$@" ;;
*) exec /usr/sbin/csync2 "$@" ;; esac
END
chmod 755 /usr/local/sbin/csync2""", [1])


@pytest.mark.parametrize("args,kwargs", [
    (["--key", "file:/tmp/key"], {}),
    (["--key", "cmd:cat /tmp/key"], {}),
    (["-k", "fd:0"], {"input": KEY + "\nmore\n"}),
])
def test_the_key_comes_from_where_it_is_said(two, args, kwargs):
    two.admin.write("/tmp/key", KEY + "\nsecond line\n", 0o600)
    wiretap(two)
    two.push("-H", "h1", *args, **kwargs)
    two.assert_same(1)
    assert f" {KEY} ".encode() in two.host(1).read("/tmp/wire", text=False)


def test_a_random_key_is_another_one_in_each_push(two):
    wiretap(two)
    keys = set()
    for _ in range(2):
        two.push("-H", "h1", "--key", "random")
        wire = two.host(1).read("/tmp/wire", text=False)
        keys |= set(re.findall(rb"SIG ([A-Za-z0-9._]{32,}) ", wire))
    assert len(keys) == 2


def test_the_key_is_asked_for_on_the_terminal_without_echo(two):
    typed = []

    def answer(out):
        if b"csync2 key: " in out and not typed:
            typed.append(KEY.encode() + b"\n")
            return typed[0]
        return None

    rc, out = on_terminal(two.admin, ["-C", "priv", "-H", "h1", "--key",
                                      "tty", "privileged"], answer)
    assert typed and rc == 0 and KEY.encode() not in out and b"synced" in out
    two.assert_same(1)


@pytest.mark.parametrize("args,says", [
    (["--key", "file:/nonexistent"], "/nonexistent"),
    (["--key", "file:/tmp/short"], "at least 32"),
    (["--key", "file:/tmp/bad"], "none of A-Z"),
    (["--key", "cmd:exit 3"], ""),
    (["--key", "cmd:cat /tmp/key; exit 3"], "failed"),
    (["--key", "fd:77"], ""),
])
def test_a_key_that_is_none_stops_before_any_connection(two, args, says):
    two.admin.write("/tmp/short", "short\n")
    two.admin.write("/tmp/bad", "!" * 40 + "\n")
    two.admin.write("/tmp/key", KEY + "\n")
    done = two.push("--json", *args, expect=1)
    assert says in done.err and done.err.strip()
    assert KEY not in done.err and "!!" not in done.err
    assert not done.of("state")


def test_the_terminal_that_is_none_is_said(two):
    done = two.admin.run(["setsid", POSTERN, "unlock", "-C", "priv",
                          "--key", "tty", "privileged"], check=False)
    assert done.returncode == 1 and "tty" in done.stderr


# Where the configuration is

def test_unlock_conf_and_its_map_are_used_by_a_push(two):
    two.config(two.group(hosts="admin web h2"))
    two.admin.write("/etc/postern/unlock.conf",
                    "[unlock]\nname = priv\njobs = 2\n\n[map]\nweb = h1\n")
    two.unlock("privileged")
    two.assert_same()


def test_c_and_CSYNC2_SYSTEM_DIR_choose_the_configuration(two):
    text = two.admin.read("/etc/csync2_priv.cfg").replace(
        "group privileged", "group moved")
    two.admin.write("/root/moved.cfg", text)
    two.unlock("-c", "/root/moved.cfg", "-H", "h1", "moved")
    two.assert_same(1)
    two.admin.write("/tmp/sys/csync2_priv.cfg", text)
    two.unlock("-C", "priv", "moved", env={"CSYNC2_SYSTEM_DIR": "/tmp/sys"})
    two.assert_same(2)
    two.admin.run("rm /root/moved.cfg")


def test_self_is_who_we_are_in_the_configuration(two):
    two.config(two.group(hosts="boss h1 h2"))
    two.push(expect=1)
    two.push("-N", "Boss")
    two.assert_same()


def test_no_state_is_kept_when_asked_so(two):
    two.push("--state", "-")
    two.assert_same()
    assert not two.admin.exists("/var/lib/postern")
    two.push("--state", "/root/scans")
    assert two.admin.exists("/root/scans/admin/priv.privileged/base.db3")
    two.admin.run("rm -r /root/scans")
