# SPDX-License-Identifier: ISC
"""Root on one member, while a push is under way: with all that it can read
there it tries to write on the other members and on the pusher."""

import re
import signal
import subprocess

import pytest

import attack
from fleet import KEY, fleet  # noqa: F401
from lab import proc

RECEIVER = r"^(/usr/sbin/)?csync2 -N receiver"


@pytest.fixture
def group(fleet):
    """admin, h1, h2 (the attacker's), h3: the privileged group beside an
    ordinary one, each host with its always-on daemon. No TLS: what stops the
    attacker has to be the key."""
    fleet.setup(3)
    fleet.config("nossl * *;\n" + fleet.group())
    fleet.ordinary()
    for h in fleet.all:
        h.write("/etc/csync2.cfg", "nossl * *;\n" + h.read("/etc/csync2.cfg"))
    fleet.scripts({f"s{i}": f"#!/bin/sh\necho {i}\n" for i in range(4)})
    fleet.daemon()
    h2 = fleet.host(2)
    attack.put(h2, "scan.pl", "speak.pl")
    h2.run("rm -rf /root/loot")
    yield fleet
    fleet.each("rm -rf /root/*.pl /root/loot /srv/priv/evil* "
               "/usr/local/bin/csync2; systemctl stop csync2.socket "
               "'csync2@*.service'")


class Files:
    """Files of honest hosts that change although no push changes them. The
    attacker's connections leave processes: those wait for a locked FIFO."""

    def __init__(self, fleet):
        self.before = fleet.leftovers(
            [fleet.admin, fleet.host(1), fleet.host(3)],
            ignore=(r"/srv/priv(/|$)", r"/var/lib/csync2(/|$)"))

    def touched(self):
        return [line for line in self.before.now() if ": file " in line]


def signal_all(pids, number):
    assert proc.kill(pids, number) > 0


def battery(fleet, key, targets, ports=()):
    """Everything that the attacker can do with a key; what was answered."""
    h2 = fleet.host(2)
    h2.write("/srv/priv/evil", "evil of h2")
    h2.write("/root/loot/k0", key + "\n", 0o600)
    peers = " ".join(fleet.host(t).name for t in targets)
    under_way = [attack.speak(h2, fleet.host(t), config, name, key)
                 for t in targets
                 for config, name in (("priv", "h2"), ("", "h2"),
                                      ("", "admin"), ("", "receiver"))]
    said = [p.communicate(timeout=100)[0] for p in under_way]
    said.append(h2.run(attack.COMMANDS, timeout=100, env={
        "PEERS": peers, "PORTS": " ".join(map(str, ports))}).stdout)
    return "\n".join(said)


def assert_nothing_reached(fleet, files):
    for h in (fleet.admin, fleet.host(1), fleet.host(3)):
        assert not h.exists("/srv/priv/evil"), h.name
        assert not h.exists("/srv/pub/evil"), h.name
    fleet.assert_same(1, 3)
    assert files.touched() == []


def listeners(host):
    """{port}: of 127.0.0.1 on the host."""
    out = host.run(["ss", "-Hltn", "src", "127.0.0.1"]).stdout
    return {int(line.split()[3].rpartition(":")[2])
            for line in out.splitlines()}


def test_with_the_key_of_a_pipe_push_nothing_reaches_another_host(
        group, secret_search):
    fleet, h2 = group, group.host(2)
    h2.write("/usr/local/bin/csync2", attack.TAKES, 0o755)
    targets = [fleet.admin.ip, fleet.host(1).ip, fleet.host(3).ip]
    files = Files(fleet)
    # Slow until they are stopped: so that there is a middle of the push.
    for h in fleet.members:
        h.link.slow(rtt_ms=60)
    push = fleet.start_push("--host-timeout", "120s")
    stopped = {}

    def stop_those_in_the_middle():
        for i in {1, 2, 3} - stopped.keys():
            if fleet.host(i).exists("/srv/priv/s0"):
                stopped[i] = fleet.pids(i, RECEIVER)
                signal_all(stopped[i], signal.SIGSTOP)
        return len(stopped) == 3

    try:
        proc.wait_for(stop_those_in_the_middle, 20, "middle of the push")
        assert all(stopped.values())
        for h in fleet.members:
            h.link.restore()
        key = proc.wait_for(lambda: h2.exists("/root/loot/k0") and
                            h2.read("/root/loot/k0").strip(), 20, "key")
        # That it is the key: the others don't have it.
        mine = secret_search([h2], key.encode())
        assert {hit.comm for hit in mine} >= {"csync2"}
        others = secret_search(fleet.all[:2] + fleet.all[3:], key.encode())
        assert {hit.host for hit in others} <= {"admin"}
        # No port but those that are always open, on any host.
        assert attack.scan(h2, *targets) == {
            (t, p) for t in targets for p in (22, 30865)}
        ports = listeners(fleet.admin)
        assert len(ports) >= 3, "the pusher's listeners are not seen"
        said = battery(fleet, key, ("admin", 1, 3), ports)
        assert "Permission denied!" in said, said
        assert "PUT" not in said
    finally:
        for pids in stopped.values():
            signal_all(pids, signal.SIGCONT)
    done = push.end(60)
    assert done.rc == 0, str(done)
    assert_nothing_reached(fleet, files)


def test_in_a_shared_window_the_same_key_writes_and_verify_names_it(group):
    fleet, h2 = group, group.host(2)
    fleet.push()
    taken = h2.popen(["dd", f"if={KEY}", "bs=4096", "count=1"], text=True,
                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    window = fleet.start("-C", "priv", "--json", "--accept-risk", "--verify",
                         "privileged", "--", "sh", "-c",
                         "until [ -e /tmp/go ]; do sleep 0.1; done")
    key = taken.communicate(timeout=20)[0].strip()
    said = battery(fleet, key, (1, 3))
    assert "PUT" in said
    assert fleet.host(3).read("/srv/priv/evil")
    fleet.admin.write("/tmp/go", "")
    done = window.end(30)
    assert done.rc != 0
    assert "/srv/priv/evil" in done.err


def test_with_the_key_of_its_turn_in_the_fifo_way_nothing_reaches_another(
        group):
    fleet, h2 = group, group.host(2)
    files = Files(fleet)
    h2.write("/root/loot/key", "")
    taken = h2.popen(f"dd if={KEY} bs=4096 count=1 2>/dev/null | "
                     "head -n 1 >/root/loot/new; "
                     "mv /root/loot/new /root/loot/key",
                     stdout=subprocess.DEVNULL)
    # Sessions from before the push: let in when a key is in the FIFO, used
    # with the key that h2 has learned by then.
    early = [attack.speak(h2, fleet.host(t), "priv", "h2", "unknown",
                          SILENCE="60", AFTER="/root/loot/key")
             for t in (1, 3)]
    for t in (1, 3):
        fleet.wait_pid(t, "^/usr/sbin/csync2 -i")
    fleet.host(3).link.slow(rtt_ms=60)
    push = fleet.start_push("--fifo", "--accept-risk", "--host-timeout",
                            "120s")
    client = []
    try:
        proc.wait_for(lambda: fleet.host(3).exists("/srv/priv/s0"), 30,
                      "middle of h3's turn")
        client = fleet.pids("admin", r"csync2 .*-P h3 -x")
        assert client
        signal_all(client, signal.SIGSTOP)
        fleet.host(3).link.restore()
        taken.wait(20)
        key = h2.read("/root/loot/key").strip()
        assert len(key) >= 32
        said = battery(fleet, key, ("admin", 1, 3))
    finally:
        signal_all(client, signal.SIGCONT)
    assert "Permission denied!" in said, said
    assert "PUT" not in said
    done = push.end(60)
    assert done.rc == 0, str(done)
    for p in early:
        p.kill()
    before, after = [p.communicate()[0] for p in early]
    # Their FIFOs were open for it, and it was heard.
    assert "PATCH: HELLO h2: OK" in before, before
    assert "PATCH: HELLO h2: OK" in after, after
    assert "PATCH: Permission denied!" in after, after
    assert "PUT" not in before + after
    assert_nothing_reached(fleet, files)


def half_open(host):
    return host.run(["ss", "-Htn", "state", "syn-recv"]).stdout


def test_the_pushers_listener_is_out_of_reach_from_other_hosts(group):
    fleet, h2 = group, group.host(2)
    h1 = fleet.host(1)
    h1.link.slow(rtt_ms=60)
    push = fleet.start_push("--host-timeout", "60s")
    client = []
    connect = r"""use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0);
        $SIG{ALRM} = sub { print "silence"; exit };
        alarm 2;
        connect($s, sockaddr_in($ARGV[1], inet_aton($ARGV[0])))
            or do { print "$!"; exit };
        print "connected ";
        syswrite($s, "CONFIG \n");
        sysread($s, my $b, 100); print defined $b ? "got <$b>" : "$!";"""
    try:
        proc.wait_for(lambda: h1.exists("/srv/priv/s0"), 20, "middle")
        client = fleet.pids("admin", r"csync2 -N 127.0.0.1 .*-P 127.0.0.1")
        assert client
        signal_all(client, signal.SIGSTOP)
        ports = listeners(fleet.admin)
        assert ports
        for port in ports:
            out = h2.run(["perl", "-e", connect, fleet.admin.ip, str(port)])
            assert out.stdout == "Connection refused"
        port = str(min(ports))
        with attack.loopback_by_wire(h2, fleet.admin):
            out = h2.run(["perl", "-e", connect, "127.0.0.1", port]).stdout
            assert out == "silence" and half_open(fleet.admin) == ""
            # The control: a kernel that was told to take it.
            with attack.takes_martians(fleet.admin):
                h2.run(["perl", "-e", connect, "127.0.0.1", port])
                assert f":{port} " in half_open(fleet.admin)
        # Another user of the pusher connects, and gets nothing.
        out = fleet.admin.run(["setpriv", "--reuid", "nobody",
                               "--clear-groups", "perl", "-e", connect,
                               "127.0.0.1", port]).stdout
        assert out.startswith("connected") and re.search("got <>|reset", out)
    finally:
        signal_all(client, signal.SIGCONT)
        h1.link.restore()
    done = push.end(60)
    assert done.rc == 0, str(done)
    assert "is none of ours" in done.err


@pytest.mark.parametrize("way", [
    (), ("--fifo", "--accept-risk"), ("--shared", "--accept-risk")],
    ids=["default", "fifo", "shared"])
def test_a_stolen_address_gets_nothing(group, way):
    """h2 takes over the address of h3, which is down."""
    fleet, h2, h3 = group, group.host(2), group.host(3)
    h3.link.cut()
    h2.run(f"ip addr add {h3.ip}/24 dev eth0; rm -f /root/taken")
    attack.lie(h2, "done-first")
    careless = ["-oUserKnownHostsFile=/dev/null", "-oStrictHostKeyChecking=no"]
    try:
        with attack.neighbour(fleet.admin, h3, h2):
            # The control: the address is h2's now, for those who don't look.
            out = fleet.admin.run(["ssh", *careless, "h3", "true"]).stdout
            assert "postern done 0" in out
            h2.run("rm /root/taken")
            for options in ((), careless):
                done = fleet.push("--json", "-H", "h3", *way, *options,
                                  expect=1)
                assert "host key" in done.last("h3")["detail"]
                assert not h2.exists("/root/taken")
    finally:
        attack.honest(h2)
        h2.run(f"ip addr del {h3.ip}/24 dev eth0")
