# SPDX-License-Identifier: ISC
"""postern backup run, mode = direct: the store comes to a one-time sshd."""

import os
import re
import signal
import subprocess

import pytest

from backuplib import CONF, STORE, backup  # noqa: F401
from directlib import DATA, Grant, listening, needles, private_keys
from lab import proc
from lab.proc import SSHD
from test_backup_run import Paused


@pytest.fixture
def direct(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA, mode="direct")
    b.files({f"{DATA}/a": "one\n", f"{DATA}/sub/b": "two\n",
             f"{DATA}/odd \\ name\x01*": "three\n"})
    b.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    return b


def test_one_run_stores_every_file_those_of_root_too(direct):
    done = direct.run()
    assert direct.snapshots() == [done.snapshot]
    assert direct.stored(DATA) == direct.source(DATA)
    at = f"{STORE}/.postern/laptop/snap/{done.snapshot}"
    assert "mode direct\n" in direct.store.read(at)


def test_second_run_links_what_did_not_change_and_drops_what_went(direct):
    direct.run()
    direct.client.path(f"{DATA}/sub/b").unlink()
    direct.run()
    one, two = (os.stat(direct.snapshot(i) + b"/srv/data/a") for i in (0, 1))
    assert one.st_ino == two.st_ino
    assert direct.stored(DATA) == direct.source(DATA)


def test_mode_direct_on_the_command_line(direct):
    direct.conf(root=DATA)
    direct.run("--mode", "direct")
    assert direct.stored(DATA) == direct.source(DATA)


def test_excludes_nice_bandwidth_and_several_roots(direct):
    direct.files({"/srv/more of it/c": "c", f"{DATA}/x.o": "object"})
    direct.conf(root=[DATA, "/srv/more of it"], mode="direct", nice=5,
                ionice="idle", bandwidth="100M", compress="zstd",
                one_file_system="yes", exclude=[f"{DATA}/sub", "*.o"])
    direct.run()
    assert direct.stored(DATA) == direct.source(
        DATA, skip=(b"sub", b"x.o"))
    assert direct.stored("/srv/more of it") == \
        direct.source("/srv/more of it")


def test_port_and_addresses_of_the_configuration_are_used(direct):
    direct.conf(root=DATA, mode="direct", direct_from="10.77.0.77")
    done = direct.run(expect=1)
    assert "unreachable" in done.err
    grant = Grant(direct, direct_port=4444, direct_from=direct.store.ip)
    assert grant.port == 4444 and grant.listens()
    grant.end()


def test_no_sshd_is_an_error_that_names_it(direct):
    direct.client.run(["mv", "/usr/sbin/sshd", "/usr/sbin/sshd.away"])
    try:
        done = direct.run(expect=1)
    finally:
        direct.client.run(["mv", "/usr/sbin/sshd.away", "/usr/sbin/sshd"])
    assert "/usr/sbin/sshd" in done.err and "direct" in done.err


# Over IPv6


@pytest.fixture
def six(direct):
    """Both have an address of version 6 as well; ssh goes there by it."""
    hosts = ((direct.client, "fd77::1/64"), (direct.store, "fd77::2/64"))
    for host, address in hosts:
        host.run(["ip", "addr", "add", address, "dev", "eth0", "nodad"])
    direct.by_six = {"ssh_option": ["HostName=fd77::2", "HostKeyAlias=h2"]}
    yield direct
    for host, address in hosts:
        host.run(["ip", "addr", "del", address, "dev", "eth0"])


def test_over_ipv6_the_store_comes_to_the_address_that_leads_to_it(six):
    six.conf(root=DATA, mode="direct", **six.by_six)
    done = six.run()
    assert six.stored(DATA) == six.source(DATA)
    at = f"{STORE}/.postern/laptop/snap/{done.snapshot}"
    assert "mode direct\n" in six.store.read(at)
    # The store's address in the file itself, in the one form that has a port.
    six.conf(root=DATA, mode="direct", ssh_option="HostKeyAlias=h2")
    conf = f"{CONF}/backup.conf"
    six.client.write(conf, six.client.read(conf).replace(
        "backup@h2", "ssh://backup@[fd77::2]:22"))
    six.own(six.client, CONF)
    assert six.run().snapshot == six.snapshots()[-1] != done.snapshot
    grant = Grant(six, **six.by_six)
    lines = proc.read(f"/proc/{six.client.init_pid}/net/tcp6").decode()
    # fd77::1, as the kernel prints it, and nowhere else.
    assert re.findall(rf"(\w+):{grant.port:04X} \S+ 0A ", lines) == [
        "000077FD000000000000000001000000"]
    # Who comes by version 4 comes to nobody.
    late = grant.ssh(SENDER, input="")
    assert late.returncode == 255 and "Connection refused" in late.stderr
    assert grant.end().rc == 1


# The store, hostile: it has the key, and a plain ssh.


SENDER = "rsync --server --sender -logDtpre.iLsfxCIvu --numeric-ids . " + DATA


def served(done):
    """Whether an rsync answered: its first bytes are its protocol's number.
    """
    return done.stdout[1:4] == "\0\0\0" and 30 <= ord(done.stdout[0]) < 40


def test_the_key_opens_one_session_and_no_second(direct):
    grant = Grant(direct)
    first = grant.ssh(SENDER, input="")
    assert served(first), first
    second = grant.ssh(SENDER, input="")
    assert second.returncode == 255 and second.stdout == "", second
    assert "Connection refused" in second.stderr
    assert not grant.listens()
    assert grant.end().rc == 1


@pytest.mark.parametrize("comes", [False, True])
def test_a_store_that_claims_what_it_has_not_read_is_not_believed(
        direct, comes):
    grant = Grant(direct)
    if comes:
        grant.ssh(SENDER, input="")
    direct.store.write(f"{grant.dir}/lie", "")
    done = grant.end()
    assert done.rc == 1 and "has not read" in done.err, str(done)


def test_two_connections_at_once_are_one_session(direct):
    grant = Grant(direct)
    with direct.store.popen(direct.as_user(
            direct.store, *grant.ssh_argv(SENDER)), env=direct.ENV,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as one, direct.store.popen(
            direct.as_user(direct.store, *grant.ssh_argv(SENDER)),
            env=direct.ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as two:
        proc.wait_for(lambda: direct.pids(direct.client,
                                          "^rsync --server"), 20, "sender")
        proc.wait_for(lambda: one.poll() is not None
                      or two.poll() is not None, 20, "end of the second")
        left = [p for p in (one, two) if p.poll() is None]
        assert len(left) == 1
        assert len(direct.pids(direct.client, "^rsync --server")) == 1
        assert not grant.listens()
        grant.end()
        left[0].wait(20)


def test_nothing_listens_after_the_deadline(direct):
    grant = Grant(direct, connect_timeout="2s")
    done = grant.running.end()
    assert done.rc == 75 and "nobody came" in done.err, str(done)
    late = grant.ssh(SENDER, input="")
    assert late.returncode == 255 and "Connection refused" in late.stderr
    grant.b.store.write(f"{grant.dir}/end", "")


def test_who_came_before_the_deadline_is_hung_up_on_at_it(direct):
    """A connection that waits with its key until nobody looks any more."""
    grant = Grant(direct, connect_timeout="3s")
    wait = f"""use IO::Socket::INET;
        my $s = IO::Socket::INET->new("h1:{grant.port}") or die $!;
        syswrite $s, "SSH-2.0-later\r\n";
        sysread $s, my $b, 4 or die; $| = 1; print "$b\n";
        1 while sysread $s, $b, 4096; print "over\n";"""
    with direct.store.popen(["perl", "-e", wait], stdout=subprocess.PIPE,
                            text=True) as p:
        assert p.stdout.readline() == "SSH-\n"
        assert strangers(direct)
        done = grant.running.end()
        assert done.rc == 75 and "nobody came" in done.err, str(done)
        assert p.stdout.readline() == "over\n"
    assert not strangers(direct)
    grant.b.store.write(f"{grant.dir}/end", "")


def strangers(b):
    return b.pids(b.client, rf"{SSHD}: \[accepted\]")


def test_a_stranger_who_connects_50_times_uses_nothing_up(direct):
    grant = Grant(direct)
    scan = f"""use IO::Socket::INET;
        my @s;
        for (1..50) {{
            my $s = IO::Socket::INET->new("h1:{grant.port}") or die $!;
            push @s, $s;
            syswrite $s, "SSH-2.0-scan\r\n" if $_ < 10;
        }}
        $| = 1; print "done\n"; sleep 60;"""
    with direct.store.popen(["perl", "-e", scan], stdout=subprocess.PIPE,
                            text=True) as p:
        assert p.stdout.readline() == "done\n"
        # As many of them as may be there at once are there.
        proc.wait_for(lambda: len(strangers(direct)) >= 16, 10,
                      "strangers")
        done = grant.ssh(SENDER, input="")
        p.kill()
    assert served(done), done
    grant.end()


def test_who_comes_from_elsewhere_is_hung_up_on_at_once(direct):
    three = direct.lab.first(3)[2]
    grant = Grant(direct)
    code = f"""use IO::Socket::INET;
        my $s = IO::Socket::INET->new("h1:{grant.port}") or die $!;
        my $n = sysread $s, my $b, 100; print $n ? "read $b" : "hung up";"""
    done = three.run(["perl", "-e", code])
    assert done.stdout == "hung up"
    assert not direct.pids(direct.client, f"{SSHD} -i")
    assert served(grant.ssh(SENDER, input=""))
    grant.end()


def test_a_wrong_key_is_denied_and_uses_nothing_up(direct):
    grant = Grant(direct)
    direct.lab.keygen(direct.store.path("/tmp/grant/wrong"), "wrong")
    direct.own(direct.store, "/tmp/grant")
    done = grant.ssh(SENDER, key="/tmp/grant/wrong", input="")
    assert done.returncode == 255 and "Permission denied" in done.stderr
    assert served(grant.ssh(SENDER, input=""))
    grant.end()


REFUSED = {
    "a shell": "sh -c id", "no command": "",
    "another program": "/bin/cat /etc/passwd",
    "a daemon": "rsync --server --daemon .",
    "the receiving form": "rsync --server -logDtpre.iLsfxCIvu . /srv/data",
    "secluded arguments": SENDER.replace("-logDtpre", "-logDtprse"),
    "following links": SENDER.replace("-logDtpre", "-logDtprLe"),
    "following links to folders": SENDER.replace("-logDtpre", "-logDtprke"),
    "cvs rules": SENDER.replace("-logDtpre", "-logDtprCe"),
    "files-from": SENDER.replace(" . ", " --files-from=/etc/shadow . "),
    "exclude-from": SENDER.replace(" . ", " --exclude-from=/etc/shadow . "),
    "log-file": SENDER.replace(" . ", " --log-file=/tmp/x . "),
    "write-batch": SENDER.replace(" . ", " --write-batch=/tmp/x . "),
    "copy-devices": SENDER.replace(" . ", " --copy-devices . "),
    "removing": SENDER.replace(" . ", " --remove-source-files . "),
    "rsh": SENDER.replace(" . ", " --rsh=sh . "),
    "rsync-path": SENDER.replace(" . ", " --rsync-path=sh . "),
    "remote options": SENDER.replace(" . ", " -M--super . "),
    "fake-super": SENDER.replace(" . ", " --fake-super . "),
    "config": SENDER.replace(" . ", " --config=/tmp/x . "),
    "debug": SENDER.replace(" . ", " --debug=ALL9 . "),
    "info": SENDER.replace(" . ", " --info=ALL9 . "),
    "iconv": SENDER.replace(" . ", " --iconv=utf8,latin1 . "),
    "max-alloc": SENDER.replace(" . ", " --max-alloc=99G . "),
    "no timeout": SENDER.replace(" . ", " --timeout=0 . "),
    "named users": SENDER.replace(" --numeric-ids", ""),
    "dot dot": SENDER + "/../../etc", "two slashes": SENDER + "//sub",
    "below the root": SENDER + "/sub", "above it": SENDER[:-5],
    "the root and more": SENDER + " /etc",
    "tilde": SENDER.replace(DATA, "~root"),
    "variable": SENDER.replace(DATA, "$HOME"),
    "glob": SENDER.replace(DATA, "/srv/dat*"),
    "quotes": SENDER.replace(DATA, f"'{DATA}'"),
    "substitution": SENDER + " $(id)", "second command": SENDER + "; id",
    "pipe": SENDER + " | sh", "newline": SENDER + "\nid",
    "slashes": SENDER + "/" * 5000,
    "200 options": SENDER.replace(" . ", " --inplace" * 200 + " . "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_gate_refuses_through_the_real_sshd(direct, what):
    grant = Grant(direct)
    done = grant.ssh(REFUSED[what], input="")
    assert done.returncode == 1 and done.stdout == "", done
    assert "refused" in done.stderr, done
    # The owner of the client is told; the grant is used up.
    ended = grant.end()
    assert "the gate to this machine: refused" in ended.err, str(ended)
    assert not grant.listens()


def test_an_excluded_folder_is_unreadable_whatever_the_store_asks(direct):
    grant = Grant(direct, exclude=f"{DATA}/sub")
    direct.store.run(["install", "-d", "-o", "backup", "/tmp/got"])
    rsh = " ".join(grant.ssh_argv("x")[:-3])
    done = direct.store.run(direct.as_user(
        direct.store, "rsync", "-a", "--numeric-ids", "-e", rsh,
        f"{grant.user}@h1:{DATA}", "/tmp/got/"), check=False,
        env=direct.ENV)
    grant.end()
    assert done.returncode == 23, done
    assert "sub/b" in done.stderr and "Permission denied" in done.stderr
    assert direct.store.exists("/tmp/got/data/a")
    assert not direct.store.exists("/tmp/got/data/sub/b")


def test_forwarding_and_terminals_are_off(direct):
    grant = Grant(direct)
    argv = grant.ssh_argv("x")
    direct.store.popen(direct.as_user(
        direct.store, *argv[:-3], "-W", "127.0.0.1:22", *argv[-3:-2]),
        env=direct.ENV).wait(20)
    done = direct.store.run(direct.as_user(
        direct.store, *argv[:-3], "-N", "-L", "7777:127.0.0.1:22", "-R",
        "7778:127.0.0.1:22", "-oExitOnForwardFailure=yes", *argv[-3:-2]),
        check=False, env=direct.ENV)
    assert done.returncode == 255, done
    assert served(grant.ssh(SENDER, input=""))
    grant.end()


# During and after


def started(b):
    """A run that copies."""
    running = b.start("--json")
    running.wait_event(lambda e: e["event"] == "progress"
                       and e.get("percent", 0) > 0, what="progress")
    return running


@pytest.mark.parametrize("side, pattern", [
    ("client", r"^\S*postern-backup run"), ("client", r"^ssh "),
    pytest.param("client", rf"{SSHD} -i|{SSHD}: \[|{SSHD}: backup \[priv|"
                 rf"^{SSHD}: .*accepted", id="client-sshd of root"),
    pytest.param("client", f"{SSHD}: backup@notty", id="client-sshd of backup"),
    ("client", r"postern-backup-gate"),
    ("client", r"rsync --server --sender"),
    ("store", r"^\S*postern-backup receive"), ("store", r"^ssh .*-p|^ssh .*ssh://"),
    ("store", r"/usr/bin/rsync "), ("store", r"postern-backup-relay")])
def test_nothing_is_left_after_kill_9_and_the_next_run_goes_on(
        direct, side, pattern):
    direct.files({f"{DATA}/big": os.urandom(3_000_000)})
    direct.conf(root=DATA, mode="direct", bandwidth="600K")
    taken = direct.leftovers([rf"{STORE}(/|$)", r"/tmp/postern-backup\."])
    host = getattr(direct, side)
    before = listening(direct.client)
    running = started(direct)
    assert listening(direct.client) == before
    os.kill(direct.wait_pid(host, pattern), signal.SIGKILL)
    assert running.end().rc != 0
    taken.settle(10)
    direct.conf(root=DATA, mode="direct")
    done = direct.run("--json")
    assert done.of("answer")[0].get("resumed") is True, str(done)
    assert direct.stored(DATA) == direct.source(DATA)
    assert not list(direct.client.path("/tmp").glob("postern-backup.*"))


OF_OURS = (rf"^\S*postern-backup|rsync |{SSHD} -i|{SSHD}: backup@notty|"
           r"^ssh .*(-p|ssh://)")


def test_link_cut_in_the_middle_of_a_file(direct):
    direct.client.run(f"head -c 20000000 /dev/urandom >{DATA}/big")
    direct.conf(root=DATA, mode="direct", bandwidth="2M", beat="500ms")
    running = started(direct)
    direct.client.link.cut()
    done = running.end()
    assert done.rc == 75, str(done)
    assert "nothing was heard" in done.of("result")[0]["why"], str(done)
    # At the client at once; at the store when its ssh has heard nothing.
    assert not direct.pids(direct.client, OF_OURS)
    proc.wait_for(lambda: not [
        p for p in direct.pids(direct.store, OF_OURS)
        if not re.search(f"{SSHD}: ", proc.cmdline(p))], 60,
        "end of all at the store")
    direct.client.link.heal()
    assert direct.snapshots() == []
    direct.conf(root=DATA, mode="direct")
    done = direct.run("--json")
    assert done.of("answer")[0].get("resumed") is True, str(done)
    assert direct.stored(DATA) == direct.source(DATA)


def test_a_killed_run_takes_its_session_along_whatever_the_store_does(direct):
    grant = Grant(direct)
    taken = direct.leftovers([r"/tmp(/|$)"])
    with direct.store.popen(direct.as_user(
            direct.store, *grant.ssh_argv(SENDER)), env=direct.ENV,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as p:
        direct.wait_pid(direct.client, "rsync --server --sender")
        os.kill(direct.wait_pid(direct.client, r"^\S*postern-backup run"),
                signal.SIGKILL)
        proc.wait_for(lambda: not direct.pids(
            direct.client, f"rsync|{SSHD}: backup|{SSHD} -i|gate"), 10,
            "end of all that serves the store")
        p.kill()
    grant.running.end()
    direct.store.write(f"{grant.dir}/end", "")


OURS = ("postern-backup", "postern")


def test_no_private_key_is_anywhere_but_in_locked_memory_and_ssh(
        direct, secret_search):
    with Paused(direct) as p:
        there, here = private_keys(direct.store), private_keys(direct.client)
        # The login key at the store, the host key at the client.
        assert len(there) == 1 and len(here) == 1
        assert set(there.values()) != set(here.values())
        seed, login = needles(*there.values())
        _, host = needles(*here.values())
        hits = secret_search([direct.client, direct.store], login + host)
        forgotten = secret_search([direct.client], [seed])
    assert p.done.rc == 0, str(p.done)
    # In nobody's file, argv, environment or log, whatever it is.
    assert {h.place for h in hits} <= {"memory", "fd"}, hits
    for hit in hits:
        assert hit.place == "memory" or "memfd:postern" in hit.detail, hit
        assert hit.comm.startswith(("ssh", *OURS)), hit
        assert not hit.comm.startswith(OURS) or hit.place == "fd" \
            or hit.detail.startswith("/memfd:postern"), hit
    # The client forgets what it has given away.
    assert not [h for h in forgotten if h.comm.startswith(OURS)]
    assert secret_search([direct.client, direct.store], login + host) == []
