# SPDX-License-Identifier: ISC
"""The pool of masters from the gateway to the git server: it comes by itself
or as a service, what dies of it comes back, and sessions never need it."""

import os
import re
import signal

import pytest

from gitlib import RUN, TOOLS, TREE, git, git_hosts  # noqa: F401
from lab import proc

QUICK = ["connect-timeout = 2s", "alive-interval = 1s"]


# Takes a request, says its words, and ends the connection.
FAKE = r"""
use IO::Socket::UNIX;
$| = 1;
my $s = IO::Socket::UNIX->new(Local => "%s/mux/0", Listen => 5) or die;
chmod 0777, "/run/postern-git/mux/0";
print "up\n";
while (my $c = $s->accept) {
	$c->sysread(my $data, 4096);
	$c->syswrite("%s");
	open(my $f, ">", "/tmp/asked");
	close $c;
}
"""


# A server of ssh that turns the first ones away, as sshd does beyond its
# MaxStartups; all others are sshd's.
TURNS_AWAY = r"""
use IO::Socket::INET;
$| = 1;
my $left = shift;
my $s = IO::Socket::INET->new(LocalPort => 22, Listen => 50,
	ReuseAddr => 1) or die "$!";
print "up\n";
while (my $c = $s->accept) {
	if ($left-- > 0) {
		$c->syswrite("Exceeded MaxStartups\r\n");
	} elsif (fork == 0) {
		open STDIN, "<&", $c;
		open STDOUT, ">&", $c;
		exec "/usr/sbin/sshd", "-i";
	}
	close $c;
}
"""


def fine(git):
    assert "hello bob" in git.ssh("bob", "info").stdout


def masters(git):
    return git.pids(git.gw, "ssh -N")


def test_the_pool_comes_with_the_first_session_and_once(git):
    git.conf(mux=2)
    many = [git.start("bob", "ssh -T git@gw info", stdout=-1)
            for _ in range(6)]
    for p in many:
        assert b"hello bob" in p.communicate(timeout=60)[0]
    git.wait_pool(2)
    assert len(git.pids(git.gw, "postern-git mux")) == 1
    assert len(masters(git)) == 2
    # Through a master: the server's sshd has no connection more.
    git.hold()
    with git.start("bob", "ssh -T git@gw info", stdout=-1) as held:
        git.held()
        assert len([p for p in git.sshds(git.gl) if re.fullmatch(
            rf"{proc.SSHD}: git(@notty)?", proc.cmdline(p))]) == 2
        git.go()
        assert b"hello bob" in held.communicate(timeout=60)[0]


def test_a_session_through_a_master_needs_no_ssh_of_its_own(git):
    git.conf(mux=2)
    fine(git)
    git.wait_pool(2)
    git.hold()
    with git.start("bob", "ssh -T git@gw info; echo $?", text=True,
                   stdout=-1) as ssh:
        git.held()
        assert set(git.pids(git.gw, "/usr/bin/ssh ")) == set(masters(git))
        git.go()
        said = ssh.communicate(timeout=60)[0]
    assert "hello bob" in said and said.endswith("\n0\n")
    # What the command there ends with arrives, and so do its last words.
    done = git.ssh("bob", "git-upload-pack 't/none'")
    assert done.returncode == 25 and "DENIED by fallthru" in done.stderr


# What stands at a master's socket and is none: the first bytes of it.
HELLO = r"\0\0\0\010\0\0\0\1\0\0\0\4"


@pytest.mark.parametrize("says", [
    "", r"\0\0\0\010\0\0\0\1\0\0\0\5", r"\377\377\377\377", "x" * 9000,
    HELLO + r"\0\0\0\016\200\0\0\3\0\0\0\0\0\0\0\2no",
    HELLO + r"\0\0\0\014\200\0\0\4\0\0\0\0\0\0\0\0",
], ids=["nothing", "version", "length", "flood", "refused", "end"])
def test_a_socket_where_no_master_is_costs_only_time(git, says):
    git.conf(mux=2, gw=["mux-start = service"])
    fine(git)
    git.gw.run(f"install -d -o git -g git -m 700 {RUN}/mux; "
               f"install -o git -m 600 /dev/null {RUN}/mux/0.used; "
               f"install -o git -m 600 /dev/null {RUN}/mux/1.used; "
               "rm -f /tmp/asked")
    git.gw.write("/tmp/fake.pl", FAKE % (RUN, says))
    with git.gw.popen("exec perl /tmp/fake.pl", stdout=-1) as fake:
        assert fake.stdout.readline() == b"up\n"
        fine(git)
        fake.kill()
    assert git.gw.exists("/tmp/asked")


def test_masters_that_die_come_back_and_sessions_go_on(git):
    git.conf(mux=2)
    fine(git)
    git.wait_pool(2)
    before = masters(git)
    assert proc.kill(before) > 0
    fine(git)
    git.wait_pool(2)
    assert not set(before) & set(masters(git))
    fine(git)


def test_a_master_that_is_frozen_is_replaced(git):
    git.conf(mux=1, gw=QUICK)
    fine(git)
    git.wait_pool(1)
    frozen = masters(git)[0]
    os.kill(frozen, signal.SIGSTOP)
    proc.wait_for(lambda: masters(git) and frozen not in masters(git), 60,
                  "new master")
    git.wait_pool(1)
    fine(git)


def test_a_master_that_hangs_is_passed_over_and_does_nothing_later(git):
    git.conf(mux=1, gw=["answer-timeout = 6s"])
    fine(git)
    git.wait_pool(1)
    frozen = masters(git)[0]
    os.kill(frozen, signal.SIGSTOP)
    try:
        fine(git)
    finally:
        os.kill(frozen, signal.SIGCONT)
    # It comes to this one after whatever the one before has left it.
    fine(git)
    assert masters(git) == [frozen]
    assert len(git.audit("gl", "begin")) == 3


def test_a_pool_that_is_killed_leaves_nothing_and_is_made_anew(git):
    git.conf(mux=2)
    fine(git)
    git.wait_pool(2)
    pool = git.pids(git.gw, "postern-git mux")
    os.kill(pool[0], signal.SIGKILL)
    proc.wait_for(lambda: not masters(git), 10, "end of the masters")
    # The sockets are there, and nobody behind them.
    assert git.gw.exists(f"{RUN}/mux/0")
    fine(git)
    git.wait_pool(2)
    assert git.pids(git.gw, "postern-git mux") != pool


def test_a_pool_that_nobody_wants_ends(git):
    git.conf(mux=1, gw=["mux-idle = 1s"])
    fine(git)
    proc.wait_for(lambda: git.pids(git.gw, "postern-git mux"), 30, "pool")
    proc.wait_for(lambda: not git.pids(git.gw, "postern-git mux"), 30,
                  "end of the pool")
    assert not masters(git)
    assert not git.gw.exists(f"{RUN}/mux/0")


def test_where_the_pool_is_a_service_no_session_starts_it(git):
    git.conf(mux=1, gw=["mux-start = service"])
    fine(git)
    fine(git)
    assert not git.pids(git.gw, "postern-git mux")


def test_forty_at_once_through_a_server_that_takes_ten(git):
    """More than the server's MaxSessions and MaxStartups let in: what finds no
    room in the pool goes by itself, and once more when it is turned away."""
    git.seed("t/a")
    git.conf(mux=1)
    git.gl.write("/etc/ssh/sshd_config.d/10-few.conf",
                 "MaxSessions 4\nMaxStartups 3:100:5\n")
    git.gl.run("systemctl restart ssh")
    git.gl.wait_up()
    git.gw.run("sed -i 's/^MaxStartups.*//' /etc/ssh/sshd_config; "
               "echo 'MaxStartups 100' >/etc/ssh/sshd_config.d/10-many.conf;"
               " systemctl restart ssh")
    git.gw.wait_up()
    try:
        fine(git)
        git.wait_pool(1)
        many = [git.start("bob", f"git clone -q git@gw:t/a c{i}", stderr=-1)
                for i in range(40)]
        said = [p.communicate(timeout=120)[1] for p in many]
        assert [p.returncode for p in many] == [0] * 40, said
    finally:
        git.gl.path("/etc/ssh/sshd_config.d/10-few.conf").unlink()
        git.gw.path("/etc/ssh/sshd_config.d/10-many.conf").unlink()
        for host in (git.gl, git.gw):
            host.run("systemctl restart ssh")
            host.wait_up()


@pytest.mark.parametrize("times", [5, 6])
def test_who_is_turned_away_comes_again_five_times(git, times):
    git.conf(gw=["answer-timeout = 60s"])
    git.gl.run("systemctl stop ssh; mkdir -p /run/sshd")
    git.gl.write("/tmp/turns.pl", TURNS_AWAY)
    try:
        with git.gl.popen(["perl", "/tmp/turns.pl", str(times)],
                          stdout=-1) as server:
            assert server.stdout.readline() == b"up\n"
            done = git.ssh("bob", "info")
            server.signal_target(signal.SIGKILL)
    finally:
        git.sshd_run(git.gl)
    if times == 5:
        assert "hello bob" in done.stdout, done
    else:
        assert done.returncode == 75, done
        assert "the git server does not answer (" in done.stderr


def test_the_pool_as_a_service(git):
    """The unit as it is packaged, but for where the programs are."""
    name = "postern-git-mux"
    text = (TREE / f"packaging/systemd/{name}.service").read_text()
    git.gw.write(f"/etc/systemd/system/{name}.service", text.replace(
        "/usr/local/bin/postern git", f"{TOOLS}/postern-git"))
    git.conf(mux=2, gw=["mux-start = service"])
    git.gw.run(f"rm -rf {RUN}; systemctl daemon-reload; "
               f"systemctl start {name}")
    try:
        git.wait_pool(2)
        fine(git)
        # Killed, it leaves its status; the next one writes its own.
        git.gw.path(f"{RUN}/mux/status").unlink()
        os.kill(git.pids(git.gw, "postern-git mux")[0], signal.SIGKILL)
        git.wait_pool(2)
        fine(git)
    finally:
        git.gw.run(f"systemctl stop {name}; "
                   f"rm /etc/systemd/system/{name}.service; "
                   "systemctl daemon-reload")
    assert not masters(git) and not git.gw.exists(f"{RUN}/mux/0")
    # The folder is still there for sessions.
    fine(git)
