# SPDX-License-Identifier: ISC
"""--from: another host of the group pushes."""

import re
import signal

import pytest

from fleet import fleet  # noqa: F401
from lab import proc


@pytest.fixture
def three(fleet):
    fleet.setup(3)
    fleet.scripts({"s1": "#!/bin/sh\n", "d/s2": "x"}, on="h1")
    return fleet


def test_it_pushes_what_it_has_with_no_ssh_key_of_its_own(three):
    one = three.host(1)
    # It can log in nowhere by itself.
    assert one.run("ls /root/.ssh").stdout.split() == ["authorized_keys"]
    assert one.run("ssh -o BatchMode=yes h2 true", check=False).returncode
    before = three.leftovers()
    done = three.push("--from", "h1", "--json", "--verify")
    assert done.states("h1")[0] == "pushes"
    assert {h: done.last(h)["state"] for h in ("admin", "h2", "h3")} == {
        h: "verified" for h in ("admin", "h2", "h3")}
    want = three.tree(1)
    assert want and all(three.tree(h) == want for h in three.all)
    three.assert_locked()
    before.settle()
    assert one.exists("/var/lib/postern/unlock/h1")
    assert not three.admin.exists("/var/lib/postern")


def test_verify_compares_with_what_the_pushing_host_has(three):
    three.scripts({"mine": "of admin alone"})
    three.scripts({"extra": "x"}, on="h3")
    done = three.push("--from", "h1", "--json", "--verify", expect=2)
    assert done.last("h2")["state"] == "verified"
    for host, name in (("h3", "extra"), ("admin", "mine")):
        assert done.last(host)["state"] == "differs", str(done)
        assert "not as they are on h1" in done.last(host)["detail"]
        assert [e["text"] for e in done.of("extra", host)] == [
            f"/srv/priv/{name}"], str(done)


def test_the_run_says_what_that_host_sees(three):
    done = three.push("--from", "h1")
    assert "h1 sees the key of every receiver" in done.out + done.err


def test_deletions_and_repairs_go_out_from_it_as_well(three):
    three.push("--from", "h1")
    three.scripts({"s1": None}, on="h1")
    three.scripts({"d/s2": "evil"}, on="h3")
    three.push("--from", "h1")
    assert all(three.tree(h) == three.tree(1) for h in three.all)
    assert "s1" not in three.tree(2)


def test_an_admin_that_is_in_no_group_needs_another_to_push(three):
    three.config(three.group(hosts="h1 h2 h3"))
    done = three.push(expect=1)
    assert "the pushing host admin is not in group" in done.err
    assert "--from" in done.err
    three.push("--from", "h1")
    assert three.tree(2) == three.tree(3) == three.tree(1) != {}
    assert three.tree("admin") == {}


@pytest.mark.parametrize("hosts,who,says", [
    ("admin h2 h3", "h1", "the pushing host h1 is not in group"),
    ("admin (h1) h2", "h1", "the pushing host h1 is only a slave"),
])
def test_a_host_that_may_not_push_stops_it(three, hosts, who, says):
    three.config(three.group(hosts=hosts))
    done = three.push("--from", who, expect=1)
    assert says in done.err
    assert three.tree(2) == {}


def test_from_this_host_is_the_plain_push(three):
    three.scripts({"mine": "1"})
    done = three.push("--from", "admin", "--json")
    assert done.states("admin") == ["pushes"]
    assert all("mine" in three.tree(h) for h in three.all)


def test_aliases_and_map_name_the_pusher_too(three):
    three.config(three.group(hosts="admin one@h1 h2"))
    three.push("--from", "one", "--map", "one=root@10.77.0.1")
    assert three.tree(2) == three.tree(1)


def test_a_pusher_that_is_down_is_said_once_for_all(three):
    three.host(1).link.cut()
    done = three.push("--from", "h1", "--connect-timeout", "3s", "--json",
                      expect=75)
    for name in ("h2", "h3"):
        assert "the pushing host h1" in done.last(name)["detail"]


def test_a_pusher_without_csync2_is_said(three):
    three.each("mv /usr/sbin/csync2 /root/kept", [1])
    try:
        done = three.push("--from", "h1", "--json", expect=1)
    finally:
        three.each("mv /root/kept /usr/sbin/csync2", [1])
    assert "csync2 is not installed" in done.last("h2")["detail"]


def test_a_pusher_that_forbids_forwarding_is_said(three):
    three.each("cp /etc/ssh/sshd_config /root/kept; sed -i '1i "
               "AllowTcpForwarding no' /etc/ssh/sshd_config; "
               "systemctl restart ssh", [1])
    try:
        done = three.push("--from", "h1", "--json", "--host-timeout", "5s",
                          expect=(1, 75), timeout=30)
    finally:
        three.each("mv /root/kept /etc/ssh/sshd_config; "
                   "systemctl restart ssh", [1])
    assert "forward" in done.last("h2")["detail"], str(done)


def test_a_receiver_that_is_down_fails_alone(three):
    three.host(3).link.cut()
    done = three.push("--from", "h1", "--connect-timeout", "3s", "--json",
                      expect=2)
    assert done.last("h3")["detail"].startswith("unreachable")
    assert three.tree(2) == three.tree("admin") == three.tree(1)


@pytest.mark.parametrize("state,host", [
    ("pushes", "h1"), ("ready", "h2"), ("reading", "h2"), ("synced", "h3")])
def test_kill_9_of_postern_leaves_nothing_there(three, state, host):
    three.host(1).run("i=0; while [ $i -lt 60 ]; do echo $i >/srv/priv/f$i; "
                      "i=$((i+1)); done")
    before = three.leftovers()
    if state == "synced":
        three.host(2).link.slow(rtt_ms=60)
    run = three.start_push("--from", "h1")
    run.wait_state(state, host)
    run.kill(signal.SIGKILL)
    run.end()
    before.settle(5)
    three.host(2).link.restore()
    three.assert_locked()
    three.push("--from", "h1", "--verify")


def test_a_pusher_that_loses_its_link_ends_its_part_by_itself(three):
    three.host(1).run("head -c 20000000 /dev/urandom >/srv/priv/big")
    three.host(1).link.slow(rtt_ms=100)
    before = three.leftovers()
    run = three.start_push("--from", "h1", "--host-timeout", "6s")
    run.wait_state("reading", "h2")
    three.host(1).link.cut()
    # No beat any more: its watchdog.
    proc.wait_for(lambda: not three.pids(1, r"csync2|^sh -c"), 8,
                  "end of the pusher")
    done = run.end(40)
    assert done.rc in (1, 75), str(done)
    # What stays is the system's: its sshd, until TCP gives up.
    left = [line for line in before.now() if line.startswith("h1: ")
            and not re.search(f"{proc.SSHD}: ", line)
            and "h1: tcp" not in line]
    assert left == []


def test_strangers_on_the_pusher_gain_nothing(three):
    """Another user there connects to the forwarded ports."""
    three.each("""cat >/tmp/stranger.pl <<'END'
use Socket; my %seen; $| = 1; $SIG{TERM} = sub { exit 0 };
sub dial { socket(my $s, PF_INET, SOCK_STREAM, 6);
  connect($s, sockaddr_in($_[0], INADDR_LOOPBACK)) or return;
  syswrite($s, "CONFIG \\n"); push @held, $s; print "connected\\n"; }
print "ready\\n";
while (1) { open(my $t, "<", "/proc/net/tcp"); while (<$t>) {
  my @w = split; next unless $w[3] eq "0A" && $w[1] =~ /^0100007F:(.*)/;
  my $p = hex $1; dial($p) unless $seen{$p}++; } }
END""", [1])
    with three.host(1).popen(
            ["setpriv", "--reuid", "65534", "--regid", "65534",
             "--clear-groups", "perl", "/tmp/stranger.pl"],
            stdout=-1, text=True) as p:
        assert p.stdout.readline() == "ready\n"
        done = three.push("--from", "h1", "--json", expect=None)
        p.signal_target(signal.SIGTERM)
        connected = p.communicate(timeout=10)[0].count("connected")
    assert connected, "no stranger was quick enough: no test"
    # There nobody can tell who connects: it may cost the push, said so, and
    # never lets anything in.
    assert done.rc in (0, 1, 2), str(done)
    for name in ("h2", "h3"):
        if done.last(name)["state"] == "failed":
            assert "someone else connected" in done.last(name)["detail"], \
                str(done)
    three.push("--from", "h1", "--verify")
