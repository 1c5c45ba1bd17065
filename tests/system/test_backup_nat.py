# SPDX-License-Identifier: ISC
"""A client that nobody can connect to, like one behind a NAT: no sshd, no
authorized_keys, and what comes to it is dropped unless its own ssh asked."""

import os
import stat

import pytest

from backuplib import CONF, HOME, backup  # noqa: F401
from directlib import listening, private_keys
from lab import proc

DATA = "/srv/data"
# In front of the table of what is this host's own: answers of an sshd come
# in, and nothing else does.
WALL = """
ip rule add pref 20 lookup local
ip rule add pref 5 iif eth0 ipproto tcp sport 22 lookup local
ip rule add pref 6 iif eth0 blackhole
ip rule del pref 0
"""
GONE = """
ip rule add pref 0 lookup local
for n in 5 6 20; do ip rule del pref $n; done
systemctl start ssh
"""


def can_connect(b, port=22):
    done = b.store.run(["timeout", "2", "bash", "-c",
                        f"exec 3<>/dev/tcp/{b.client.ip}/{port}"],
                       check=False)
    return done.returncode == 0


@pytest.fixture
def walled(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA)
    # As on a machine on which postern has only been installed.
    b.client.run(f"rm -rf {CONF} {HOME}/.ssh")
    assert can_connect(b)
    b.client.run(WALL)
    try:
        assert not can_connect(b), "the wall lets in what it should not"
        b.client.run(["systemctl", "stop", "ssh"])
        yield b
    finally:
        b.client.run(GONE)
        proc.wait_for(lambda: can_connect(b), 20, "sshd of the client")


def set_up(b):
    print_ = b.store.run(["ssh-keygen", "-lf",
                          "/etc/ssh/ssh_host_ed25519_key.pub"]).stdout
    done = b.run("--client", b.name, "--fingerprint", print_.split()[1],
                 f"backup@{b.store.name}", cmd="setup")
    line = done.out.split("--key ")[1].strip().strip("'")
    b.accept(b.name, line, "--allow", "run,list,restore,verify")
    text = b.client.read(f"{CONF}/backup.conf")
    b.client.write(f"{CONF}/backup.conf",
                   text.replace(f"root = {HOME}\n", f"root = {DATA}\n"))


def keys(b):
    """Files of the client that hold a private key of ssh."""
    found = set()
    for top in ("/home", "/etc", "/root", "/tmp", "/run", "/var", "/srv",
                "/dev/shm"):
        for path, st in proc.walk(os.fsencode(b.client.path(top))):
            if stat.S_ISREG(st.st_mode) and st.st_size < 1 << 16:
                with open(path, "rb") as f:
                    if b"PRIVATE KEY" in f.read():
                        found.add(path)
    return found


def test_all_works_where_nobody_can_connect_to_the_client(walled):
    b = walled
    set_up(b)
    b.files({f"{DATA}/a": "one\n", f"{DATA}/big": os.urandom(700_000)})
    b.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    had = keys(b)
    running = b.start("--bandwidth", "200K")
    b.wait_pid(b.client, r"^/usr/bin/rsync --server --daemon")
    # No key is made for a run in channel mode, and nobody listens for it.
    assert keys(b) == had and private_keys(b.client) == {}
    assert listening(b.client) == set()
    done = running.end()
    assert done.rc == 0, str(done)
    assert keys(b) == had
    assert b.stored(DATA) == b.source(DATA)
    b.run("latest", DATA, "--to", f"{HOME}/out", cmd="restore", expect=2)
    assert b.source(f"{HOME}/out{DATA}") == b.source(DATA)
    b.run(cmd="verify")
    assert b.snapshots()[0] in b.run(cmd="list").out
    # Where the store has to connect, it can't: the wall is one.
    b.client.write(f"{CONF}/backup.conf", b.client.read(
        f"{CONF}/backup.conf") + "connect-timeout = 3s\n")
    b.run("--mode", "direct", expect=(1, 75))
    assert not b.client.exists(f"{HOME}/.ssh/authorized_keys")
    assert len(b.snapshots()) == 1
