# SPDX-License-Identifier: ISC
"""A hostile client in mode = direct, beyond its request: what stands at the
port that it names, and what its sender says; and in either mode a sender that
lies of sizes."""

import re
import secrets
import subprocess
import textwrap

import pytest

from backuplib import HOME, backup  # noqa: F401
from directlib import key_file, listening
from framelib import fields, frame, unescape
from lab import proc
from test_backup_attack import (DATA, DIRECT, FAKE_SEND,  # noqa: F401
                                FakeSender, Hostile, drop, target, unconfined)

PORT = 4444
MAX_KIB = 32 << 10

# The store's own deadline for a connection, made short.
SHORT = """#!/bin/sh
for w; do
	shift
	case $w in -oConnectTimeout=*) w=-oConnectTimeout=2 ;; esac
	set -- "$@" "$w"
done
exec /usr/bin/ssh "$@"
"""
LISTENER = r"""use IO::Socket::INET;
my $l = IO::Socket::INET->new(LocalPort => %d, Listen => 9, ReuseAddr => 1)
    or die $!;
$SIG{PIPE} = sub { exit };
$| = 1;
print "up\n";
my $s = $l->accept;
$s->autoflush(1);
%s
1 while sysread $s, my $b, 9999;
"""
# What it does with a connection, and then waits.
SAYS = {
    "nothing": "",
    "hangs up": "exit;",
    "garbage": r'print {$s} pack "C*", map { 128 + $_ % 128 } 1 .. 99999;',
    "another protocol": r'print {$s} "HTTP/1.1 400 Bad Request\r\n\r\n";',
    "a banner without end": r'print {$s} "x" x 70, "\r\n" while 1;',
    "a line without end": r'print {$s} "x" x 4096 while 1;',
    "a name alone": r'print {$s} "SSH-2.0-OpenSSH_9.2\r\n";',
    "packets of nonsense":
        r'print {$s} "SSH-2.0-OpenSSH_9.2\r\n"; print {$s} "\0" x 999 '
        'while 1;',
}


def ask(b, key=None, **more):
    """The store's last word to a request whose key was given, and its end."""
    request = {**dict(DIRECT), **more}
    with Hostile(b) as h:
        assert h.ask(*request.items())[0] == 0
        h.frames.send(frame("K", key or secrets.token_bytes(32)))
        told = fields(h.frames.until("R")[1])
        assert h.frames.until("R") is None
    assert told[b"status"] in (b"1", b"75"), told
    why = unescape(told[b"why"])
    assert not re.search(r"[\x00-\x1f\x7f]", why), why
    return why


@pytest.fixture
def hasty(target):  # noqa: F811
    ssh = "/usr/local/bin/ssh"
    target.store.write(ssh, SHORT, 0o755)
    yield target
    target.store.path(ssh).unlink()


def test_what_is_no_sshd_ends_the_run(hasty):
    b = hasty
    for what, says in SAYS.items():
        with b.client.popen(["perl", "-e", LISTENER % (PORT, says)],
                            stdout=subprocess.PIPE, text=True) as p:
            assert p.stdout.readline() == "up\n"
            why = ask(b, port=str(PORT))
            p.kill()
        assert f"ssh://{b.client.ip}:{PORT}: " in why, (what, why)


@pytest.fixture
def another(target):  # noqa: F811
    """An sshd on the client that is not the one-time one, at PORT."""
    b = target
    b.ssh = f"ssh://{b.client.ip}:{PORT}: "
    with b.client.popen(["/usr/sbin/sshd", "-D", "-p", str(PORT), "-o",
                         "PidFile=none"]) as p:
        proc.wait_for(lambda: f"{PORT:04X}" in listening(b.client), 20,
                      "sshd")
        yield b
        p.kill()


def test_another_sshd_than_the_request_promises(another):
    """One that the request does not tell of, though it would let the store
    in; the same with its own host key, which knows no such key; none; and
    none of the machine's own ports."""
    b = another
    key, host_key = secrets.token_bytes(32), {"host-key": b.client.host_key}
    let_in(b, key, "touch /tmp/got")
    why = ask(b, key, port=str(PORT))
    assert f"{b.ssh}host key" in why, why
    why = ask(b, port=str(PORT), **host_key)
    assert b.ssh in why and "ermission denied" in why, why
    assert not b.client.exists("/tmp/got")
    # The premise: with both it is in.
    why = ask(b, key, port=str(PORT), **host_key)
    assert b.client.exists("/tmp/got"), why
    why = ask(b, port="4445")
    assert "4445: unreachable" in why, why
    with Hostile(b) as h:
        status, why = h.ask(*{**dict(DIRECT), "port": "22"}.items())
    assert status == 1 and "port" in why, why


def let_in(b, seed, command):
    """That sshd takes the one-time key, for a command of its choice."""
    b.client.write("/tmp/key", key_file(seed), 0o600)
    public = b.client.run(["ssh-keygen", "-y", "-f", "/tmp/key"]).stdout
    b.client.write(f"{HOME}/.ssh/authorized_keys",
                   f'command="{command}" {public}', 0o600)
    b.own(b.client, f"{HOME}/.ssh")


def test_a_session_that_never_ends_ends_with_its_client(another):
    """It takes the key, answers whatever ssh asks, and says nothing: the store
    waits as long as the client is there, and no longer."""
    b = another
    seed = secrets.token_bytes(32)
    let_in(b, seed, "cat >/tmp/got")
    request = {**dict(DIRECT), "port": str(PORT),
               "host-key": b.client.host_key}
    with Hostile(b) as h:
        assert h.ask(*request.items())[0] == 0
        h.frames.send(frame("K", seed))
        b.wait_pid(b.client, "^cat")
        proc.wait_for(lambda: b.client.path("/tmp/got").stat().st_size, 20,
                      "byte of the store's rsync")
        assert b.pids(b.store, "^ssh ")
    proc.wait_for(lambda: not b.pids(
        b.store, "^postern-backup receive|rsync |^ssh "), 30, "its end")


# What its sender does, behind the one-time sshd of its own

SENDERS = {
    "nothing": "exit 0",
    "other words": "yes no rsync | head -n 100000",
    "a greeting without end": r"exec cat /dev/zero",
    "24 for nothing": "exit 24",
    "23 for nothing": "exit 23",
    "255, as ssh": "exit 255",
    "a signal": "kill -9 $$",
}


def test_what_is_no_rsync_ends_the_run(target):
    b = target
    b.conf(root=DATA, mode="direct")
    for what, script in SENDERS.items():
        with FakeSender(b, f"#!/bin/sh\n{script}\n"):
            done = b.run("--json", expect=None)
        assert done.rc == 1, (what, str(done))
        why = done.of("result")[0]["why"]
        assert "rsync's status here" in why or "ssh://" in why, (what, why)
        good(b)


def good(b):
    """The next run is a good one, and gone from what the fixture compares."""
    made = b.run("--json").snapshot
    assert b.stored(DATA) == b.source(DATA)
    drop(b, made)


NAME = f"/srv/data/{'x' * 500}$i"
FLOODS = ["flood", f'file has vanished: "{NAME}"',
          f'rsync: [sender] send_files failed to open "{NAME}": '
          'Permission denied (13)']
FLOOD = """#!/usr/bin/perl
for my $i (1 .. 100000) {{ print STDERR "{line}\\n" }}
open my $f, ">", "/tmp/flooded";
select undef, undef, undef, 0.1 until -e "/tmp/go";
exit 23;
"""


def test_a_flood_of_complaints_costs_little(another):
    """Of whatever kind they are, the store counts, and keeps a few. They come
    from its own sshd: the gate would not let all through."""
    b, seed = another, secrets.token_bytes(32)
    request = {**dict(DIRECT), "port": str(PORT),
               "host-key": b.client.host_key}
    let_in(b, seed, "/tmp/flood")
    for line in FLOODS:
        b.client.run("rm -f /tmp/go /tmp/flooded")
        b.client.write("/tmp/flood", FLOOD.format(
            line=line.replace('"', '\\"')), 0o755)
        with Hostile(b) as h:
            assert h.ask(*request.items())[0] == 0
            h.frames.send(frame("K", seed))
            proc.wait_for(lambda: b.client.exists("/tmp/flooded"), 25,
                          "flood")
            pid = b.wait_pid(b.store, "^postern-backup receive")
            status = proc.read(f"/proc/{pid}/status").decode()
            b.client.write("/tmp/go", "")
            told = fields(h.frames.until("R")[1])
            assert h.frames.until("R") is None
        assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) < MAX_KIB, status
        assert told[b"status"] == b"1" and len(told[b"why"]) < 2000, told


# Sizes

# LD_PRELOAD: the sender's list says that every file has one byte.
LIAR = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <sys/stat.h>
    int lstat(const char *p, struct stat *st)
    {
        int (*real)(const char *, struct stat *) =
            dlsym(RTLD_NEXT, "lstat");
        int rc = real(p, st);
        if (rc == 0 && S_ISREG(st->st_mode)) st->st_size = 1;
        return rc;
    }
    int lstat64(const char *p, struct stat64 *st)
    {
        int (*real)(const char *, struct stat64 *) =
            dlsym(RTLD_NEXT, "lstat64");
        int rc = real(p, st);
        if (rc == 0 && S_ISREG(st->st_mode)) st->st_size = 1;
        return rc;
    }
    """
# As the gate starts it: what is behind "-- rsync" is what the store asked for.
DIRECT_SEND = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec /usr/bin/rsync "$@"
"""


@pytest.mark.parametrize("mode", ["channel", "direct"])
def test_a_sender_that_lies_of_sizes_is_held_to_its_quota(
        backup, mode):  # noqa: F811
    """A file that grows as it is read: its list said 1 byte."""
    b = backup
    b.setup(root=DATA, mode=mode, accept=("--quota", "2M"), disk_kib=32768)
    b.files({f"{DATA}/a": "a"})
    b.run()
    b.files({f"{DATA}/liar": "x" * (12 << 20)})
    src = b.client.path("/tmp/liar.c")
    src.write_text(textwrap.dedent(LIAR))
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o",
                    str(b.client.path("/tmp/liar.so")), str(src), "-ldl"],
                   check=True)
    send = DIRECT_SEND if mode == "direct" else FAKE_SEND.format(
        conf="/tmp/rsyncd.conf")
    with unconfined(b, DATA) as fake:
        fake.path.write_text(send.replace(
            "exec ", "exec env LD_PRELOAD=/tmp/liar.so "))
        done = b.run("-q", expect=1)
    assert "quota" in done.err, done.err
    assert len(b.snapshots()) == 1 and not b.incoming().exists()
