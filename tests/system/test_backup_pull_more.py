# SPDX-License-Identifier: ISC
"""postern backup pull: a store's owner who means harm, with the key that may
run one command; a host without postern; a link that is cut."""

import os
import subprocess

import pytest

from backuplib import CONF, HOME, POSTERN, STORE, backup  # noqa: F401
from framelib import Frames, frame, text
from lab import faults, proc
from test_backup_attack_store import (DATA, MARK, OPEN, PULL, SENDER, by_hand,
                                      received, state, victim)  # noqa: F401
from test_backup_attack_store import pull as drive
from test_backup_pull import LINK, authorize, bare, pull, section, start  # noqa: F401
from test_backup_run import sent

MB = 1 << 20


class Owner:
    """Plain ssh to the host, with the owner's key, and frames by hand."""

    def __init__(self, b, command="x"):
        self.popen = b.store.popen(
            b.as_user(b.store, "ssh", "-T", "-oBatchMode=yes",
                      "-oIdentitiesOnly=yes", f"-i{HOME}/.ssh/id_ed25519",
                      "backup@h1", command), env=b.ENV,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.frames = Frames(self.popen.stdout.fileno(),
                             self.popen.stdin.fileno())

    def __enter__(self):
        kind, self.request = self.frames.take()
        assert kind == "Q"
        self.frames.send(frame("A", text(("status", "0"))))
        return self

    def __exit__(self, kind, value, trace):
        self.popen.stdin.close()
        self.err = self.popen.stderr.read().decode()
        self.popen.wait(30)
        self.popen.stdout.close()
        self.popen.stderr.close()

    def over(self):
        self.frames.send(frame("E", "0"))
        self.frames.send(frame("R", text(("status", "1"), ("why", "no"))))


@pytest.fixture
def owned(victim):
    """The victim of test_backup_attack_store.py, whom this owner may pull."""
    b = victim
    b.lab.keygen(b.store.path(f"{HOME}/.ssh/id_ed25519"), "owner")
    b.store.write(f"{HOME}/.ssh/known_hosts", f"h1 {b.client.host_key}\n")
    b.own(b.store, f"{HOME}/.ssh")
    public = b.store.read(f"{HOME}/.ssh/id_ed25519.pub").strip()
    b.client.write(f"{HOME}/.ssh/authorized_keys", "restrict,command="
                   f'"{POSTERN} backup run --stdio" {public}\n', 0o600)
    b.own(b.client, f"{HOME}/.ssh")
    b.before = state(b.client)
    return b


def nothing_else(seen, tmp_path):
    assert MARK not in seen and b"hidden-name" not in seen
    assert set(received(tmp_path).values()) <= {OPEN}


def test_the_owner_gets_what_the_hosts_roots_say(owned, tmp_path):
    """The others' premise: this way does bring files."""
    with Owner(owned) as owner:
        rc, out, seen = drive(owner, tmp_path, *PULL)
        owner.over()
    assert rc in (0, 23), out
    assert len(received(tmp_path)) == 3
    nothing_else(seen, tmp_path)


@pytest.mark.parametrize("option, source", [
    ("--copy-links", "root/"), ("-L", "root/"), ("--filter=!", "root/"),
    ("--files-from=/etc/postern-secret", "root/"), ("-s", "root/"),
    ("--log-file=/tmp/log", "root/"), ("--remove-source-files", "root/"),
    ("", "root/etc/"), ("", f"root{DATA}/private/"), ("", "root/srv/beside/"),
    ("", f"root{DATA}/out/"), ("", "root/../etc")])
def test_the_owner_can_not_ask_for_more(owned, tmp_path, option, source):
    more = (f"-M{option}",) if option else ()
    with Owner(owned) as owner:
        _, _, seen = drive(owner, tmp_path, *PULL, *more,
                           source="x::" + source)
    assert "refused: " in owner.err, owner.err
    assert owner.popen.returncode == 1
    nothing_else(seen.replace(source.encode(), b""), tmp_path)
    assert received(tmp_path) == {}


@pytest.mark.parametrize("rules", [("!",), ("+ *",), (
    f"+ {DATA}/private/***", "+ *.key")])
def test_no_rule_of_the_owner_widens_what_is_read(owned, rules):
    with Owner(owned) as owner:
        data = by_hand(owner, *SENDER, "root/", rules=rules)
        owner.frames.send(frame("R", text(("status", "1"), ("why", "no"))))
    assert b"hidden-name" not in data and b"x.key" not in data
    assert MARK not in data and b"postern-secret" not in data


@pytest.mark.parametrize("command", [
    "postern backup run --stdio --config /run/evil.conf", "sh", "id; id",
    "postern backup list", "rsync --server --sender . /", "sftp",
    "postern backup run --stdio other"])
def test_the_owners_key_runs_the_one_command(owned, command):
    """Whatever it asks for, what comes is the request of the host's own."""
    owned.client.write("/run/evil.conf", "[job evil]\nroot = /etc\n")
    with Owner(owned, command) as owner:
        assert f"root {DATA}\n".encode() in owner.request
        assert b"root /etc\n" not in owner.request
        owner.over()


# A link that is cut

def test_a_pull_whose_link_is_cut_ends_and_the_next_goes_on(pull):
    b = pull
    b.files({f"{DATA}/big": os.urandom(3 * MB)})
    b.conf(root=DATA, bandwidth="300K", beat="500ms")
    running = start(b, "--store", STORE, "--json", "h1")
    running.wait_event(lambda e: e["event"] == "progress" and e["bytes"] > 0,
                       what="byte that has arrived")
    b.client.link.cut()
    done = running.end()
    assert done.rc == 75, str(done)
    assert "nothing was heard" in done.of("result")[0]["why"], str(done)
    # sshd alone waits for TCP there.
    proc.wait_for(lambda: not b.pids(
        b.client, "^postern-backup|^/usr/bin/rsync"), 60, "end at the host")
    b.client.link.heal()
    b.conf(root=DATA)
    done = b.owner("pull", "--store", STORE, "--json", "h1")
    assert done.of("answer")[0].get("resumed") is True
    assert b.stored(DATA, name="h1") == b.source(DATA)


# [client NAME], for a host without postern

def test_one_file_system_of_a_host_without_postern(bare):
    bare.client.run(f"mkdir {DATA}/mnt && mount -t tmpfs t {DATA}/mnt "
                    f"&& echo x >{DATA}/mnt/x")
    for line, there in (("one-file-system = yes", False),
                        ("one-file-system = no", True)):
        section(bare, line)
        bare.owner("pull", "h1")
        assert (b"mnt/x" in bare.stored(DATA, name="h1")) == there


@pytest.fixture(params=["ext4", "btrfs"])
def disk(request, bare):
    """The store is a file system of its own."""
    bare.disk = faults.small_disk(bare.store, STORE, 256 << 10,
                                  kind=request.param)
    bare.disk.__enter__()
    bare.store.run(["chown", "backup:", STORE])
    bare.store.run(["chmod", "700", STORE])
    section(bare)
    return bare


def test_one_file_system_set_later_of_a_host_without_postern(disk):
    """It can't say what is mounted there: the next begins anew."""
    b = disk
    b.client.run(f"mkdir {DATA}/mnt && mount -t tmpfs t {DATA}/mnt "
                 f"&& echo x >{DATA}/mnt/x")
    b.owner("pull", "h1")
    b.owner("pull", "h1")
    assert b"mnt/x" in b.stored(DATA, name="h1")
    # A broken run has left it, too.
    b.files({f"{DATA}/z/big": os.urandom(3 * MB)})
    running = start(b, "--json", "--bandwidth", "300K", "h1")
    running.wait_event(lambda e: e["event"] == "progress" and e["bytes"] > 0,
                       what="byte that has arrived")
    running.kill()
    running.end()
    proc.wait_for(lambda: not b.pids(b.store, "^/usr/bin/rsync"), 30, "end")
    section(b, "one-file-system = yes")
    for resumed in (False, False):
        done = b.owner("pull", "--json", "h1")
        assert done.of("answer")[0].get("resumed", False) is resumed
        got = b.stored(DATA, name="h1")
        assert b"mnt/x" not in got and b"mnt" in got and b"z/big" in got
    # From then on it goes on as ever.
    assert done.of("answer")[0]["basis"] == b.snapshots("h1")[-2]


def test_compress_of_a_host_without_postern(bare):
    took = {}
    for i, compress in enumerate(("none", "zlib", "zstd")):
        bare.files({f"{DATA}/{i}": f"{i}123456789abcdef" * (MB // 8)})
        section(bare, f"compress = {compress}")
        before = sent(bare.client)
        bare.owner("pull", "h1")
        took[compress] = sent(bare.client) - before
        assert bare.stored(DATA, name="h1") == bare.source(DATA)
    assert took["none"] > 2 * MB, took
    assert max(took["zlib"], took["zstd"]) < MB // 4, took


# [client NAME], for any

@pytest.mark.parametrize("postern", ["there", "not there"])
def test_bandwidth_of_a_client_holds_its_pull_back(pull, postern):
    if postern == "not there":
        authorize(pull)
        pull.client.run(["rm", "-f", LINK])
        pull.client.run(["chown", "backup", f"{DATA}/secret"])
    pull.files({f"{DATA}/f": os.urandom(700_000)})
    section(pull, "bandwidth = 200K")
    done = pull.owner("pull", "--json", "h1")
    # No run can be faster than its limit: 700 kB, and a burst of one second.
    assert done.of("result")[0]["seconds"] >= 2, str(done)
    assert pull.stored(DATA, name="h1") == pull.source(DATA)
