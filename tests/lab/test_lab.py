# SPDX-License-Identifier: ISC
"""The lab itself: hosts and links do what is said of them, and nothing of
them remains."""

import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

from lab import proc
from lab.lab import ADMIN, RUNS, Lab
from lab.link import enter_net

TESTS = pathlib.Path(__file__).parents[1]


# Hosts

def test_three_hosts_boot_to_running(hosts):
    begin = time.monotonic()
    three = hosts(3, fresh=True)
    print(f"three hosts up in {time.monotonic() - begin:.2f} s")
    for host in three:
        state = host.run("systemctl is-system-running --wait", check=False)
        failed = host.run("systemctl --failed --no-legend --plain").stdout
        assert (state.stdout.strip(), failed) == ("running", "")
        assert host.run("hostname").stdout.strip() == host.name
        assert host.run("readlink /proc/1/exe").stdout.strip() \
            == "/usr/lib/systemd/systemd"


def test_a_host_that_did_not_boot_is_not_kept(lab):
    name = next(n for n in lab.names() if n not in lab.hosts and n != ADMIN)
    with pytest.raises(RuntimeError, match="did not boot"):
        lab.boot(name, binds=[("/nowhere/at/all", "/srv/x")])
    host, = lab.boot(name)
    assert host.run("hostname").stdout.strip() == name
    lab.remove(host)


def test_a_host_is_reached_by_name(hosts, lab):
    one, two = hosts(2)
    assert two.ssh("cat", input="in").stdout == "in"
    assert lab.admin.run("ssh h1 hostname").stdout == "h1\n"
    assert one.run("getent hosts h2").stdout.split() == [two.ip, "h2"]
    assert one.ssh("exit 3", check=False).returncode == 3


def test_a_changed_host_key_is_refused(hosts, lab):
    host, = hosts(1, fresh=True)
    host.run("rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -A")
    host.run("systemctl restart ssh")
    done = lab.admin.run(["ssh", host.name, "true"], check=False)
    assert done.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_the_admin_sees_the_tree_read_only(lab):
    assert lab.admin.exists("/src/meson.build")
    done = lab.admin.run("touch /src/x", check=False)
    assert "Read-only file system" in done.stderr


def test_a_command_dies_with_its_popen(hosts):
    host, = hosts(1)
    p = host.popen(["sleep", "600"])
    target = p.target
    assert proc.comm(target) == "sleep" and target in host.pids()
    p.kill()
    p.wait()
    proc.wait_for(lambda: not proc.start_time(target), 5, "end of sleep")


def test_hosts_do_not_see_each_other_s_files(hosts):
    one, two = hosts(2)
    one.write("/root/only-one", "x", mode=0o600)
    assert one.read("/root/only-one") == "x" and not two.exists(
        "/root/only-one")
    one.run("rm /root/only-one")


# Links

def connect(host, other, wait_s):
    """None after wait_s without any answer; else whether it was yes."""
    line = f"timeout {wait_s} bash -c 'exec 3<>/dev/tcp/{other.name}/22'"
    status = host.run(line, check=False).returncode
    return None if status == 124 else status == 0


def test_a_cut_link_is_silent_and_can_be_restored(hosts):
    one, two = hosts(2)
    assert connect(one, two, 10) is True
    two.link.cut()
    assert connect(one, two, 1) is None
    assert connect(two, one, 1) is None
    assert two.run("cat /sys/class/net/eth0/carrier").stdout == "1\n"
    two.link.restore()
    assert connect(one, two, 10) is True


def test_a_dropped_link_shows_its_host_no_carrier(hosts):
    one, two = hosts(2)
    two.link.down()
    assert two.run("cat /sys/class/net/eth0/carrier").stdout == "0\n"
    assert connect(one, two, 1) is None
    two.link.restore()
    assert connect(one, two, 10) is True


def test_a_narrow_link_is_narrow_until_it_is_restored(hosts):
    one, two = hosts(2)

    def port():
        return subprocess.run(
            [*enter_net(two.lab.switch), "tc", "qdisc", "show", "dev",
             two.link.port], check=True, capture_output=True,
            text=True).stdout

    two.link.limit(100)
    assert "tbf" in port() and "rate 100Mbit" in port()
    assert connect(one, two, 10) is True
    two.link.restore()
    assert "tbf" not in port()


def test_a_slow_link_delays_and_keeps_its_connections(hosts):
    one, two = hosts(2)
    with one.popen(["bash", "-c", "exec cat <>/dev/tcp/h2/22"],
                   stdout=subprocess.PIPE) as open_one:
        assert open_one.stdout.readline().startswith(b"SSH-2.0")
        two.link.slow(rtt_ms=200)
        begin = time.monotonic()
        assert connect(one, two, 10) is True
        # A handshake is one round trip; the program's start comes on top.
        assert time.monotonic() - begin >= 0.2
        ends = two.run("ss -Htn state established sport = 22").stdout
        assert one.ip in ends
        two.link.cut()
        assert connect(one, two, 1) is None
        two.link.heal()
        assert connect(one, two, 10) is True
        two.link.restore()
        open_one.kill()


def test_a_lossy_link_loses_some_and_tcp_gets_through(hosts):
    one, two = hosts(2)
    two.link.slow(loss_percent=10)
    sent = b"x" * 200_000
    done = subprocess.run(two.ssh_argv("cat"), input=sent, timeout=60,
                          stdout=subprocess.PIPE, check=True)
    assert done.stdout == sent
    counters = two.run("nstat -asz TcpRetransSegs").stdout
    assert int(re.search(r"TcpRetransSegs\s+(\d+)", counters)[1]) > 0


# csync2 as Debian ships it

CSYNC2_CFG = """
group ordinary { host h1; host h2; key /etc/csync2.key; include /srv/o; }
"""


def test_csync2_syncs_over_tls_through_its_socket_unit(hosts, leftovers):
    one, two = hosts(2, fresh=True)
    cfg = CSYNC2_CFG.replace("h1", one.name).replace("h2", two.name)
    for host in (one, two):
        host.write("/etc/csync2.cfg", cfg)
        host.write("/etc/csync2.key", "k" * 64 + "\n", mode=0o600)
        host.run("mkdir -p /srv/o; openssl req -x509 -newkey rsa:2048 -nodes"
                 " -days 600 -subj /CN=csync2 -keyout /etc/csync2_ssl_key.pem"
                 " -out /etc/csync2_ssl_cert.pem")
        host.run("systemctl start csync2.socket")
    taken = leftovers([one, two], ignore=["/var/lib/csync2", "/etc/.*db"])
    one.write("/srv/o/file", "pushed")
    one.run("csync2 -xv")
    assert two.read("/srv/o/file") == "pushed"
    taken.settle()


# The end

def traces(run):
    """What a run has on this machine."""
    netns = subprocess.run(["ip", "netns"], stdout=subprocess.PIPE,
                           text=True).stdout
    found = [n for n in netns.split() if run in n]
    found += [m[2] for m in proc.mounts("self") if run in m[2]]
    loops = subprocess.run(["losetup", "-l", "-n", "-O", "BACK-FILE"],
                           stdout=subprocess.PIPE, text=True).stdout
    found += [line for line in loops.splitlines() if run in line]
    found += [str(p) for p in RUNS.glob(f"{run}*")]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if proc.start_time(pid) and f"postern-lab-{run}".encode() \
                in proc.read(f"/proc/{pid}/cgroup"):
            found.append(f"{pid} {proc.cmdline(pid)}")
    return found


def cgroups(run):
    """Cgroups of the run, seen by a lab of its own, as the machine's mount
    of the hierarchy may be anywhere or missing."""
    with Lab() as other:
        return list(other.cgroup.parent.glob(f"*{run}*"))


def test_nothing_remains_of_a_closed_lab():
    with Lab() as lab:
        host, = lab.boot("h1")
        host.link.slow(1)
        host.run("setsid sleep 600 >/dev/null 2>&1 &")
        assert len(traces(lab.run)) > 5
        assert cgroups(lab.run)
    assert traces(lab.run) == []
    assert cgroups(lab.run) == []


OWNER = """
import sys
sys.path.insert(0, sys.argv[1])
from lab.faults import small_disk
from lab.lab import Lab
lab = Lab()
disk = small_disk(lab.boot("h1")[0], "/mnt", 256)
disk.__enter__()
print(lab.run, flush=True)
sys.stdin.read()
"""


def test_the_next_lab_removes_what_a_killed_one_left():
    with subprocess.Popen([sys.executable, "-c", OWNER, str(TESTS)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as owner:
        run = owner.stdout.readline().strip()
        assert run and traces(run)
        with Lab():
            assert traces(run), "a living run was swept"
        owner.kill()
    Lab().close()
    assert traces(run) == []
    assert cgroups(run) == []


def test_unknown_names_are_refused():
    for name in ("x1", "h0", "h99", "h01", "", "-h"):
        with pytest.raises(ValueError):
            Lab.number(name)
    assert Lab.number(ADMIN) == 250
