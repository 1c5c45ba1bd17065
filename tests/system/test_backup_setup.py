# SPDX-License-Identifier: ISC
"""postern backup setup on one machine and accept on another, real sshd: what
is made, who is let in, and that the key runs one command."""

import os
import pathlib
import pty
import re
import select
import shlex

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("POSTERN_BUILD", "build")
POSTERN = f"/src/{BUILD}/postern"
KEYS = "/home/vault/.ssh/authorized_keys"
CONF = "/home/ann/.config/postern"
OWN_LINE = "# mine\n\n"


class User:
    def __init__(self, host, name):
        self.host, self.name = host, name

    def argv(self, *words):
        if self.name == "root":
            return list(words)
        return ["runuser", "-l", self.name, "-c", shlex.join(words)]

    def run(self, *words, expect=0, **kwargs):
        done = self.host.run(self.argv(*words), check=False, **kwargs)
        assert done.returncode == expect, \
            f"{words} ended with {done.returncode}\n" \
            f"{done.stdout}{done.stderr}"
        return done

    def backup(self, *words, **kwargs):
        return self.run(POSTERN, "backup", *words, **kwargs)


@pytest.fixture(scope="module")
def machines(lab):
    """(client, store), with users ann and vault; gone afterwards."""
    names = [n for n in reversed(lab.names())
             if n != "admin" and n not in lab.hosts][:2]
    made = lab.boot(*names, binds=((TREE, "/src"),))
    made[0].run("useradd -m -s /bin/sh ann")
    made[1].run("useradd -m -s /bin/sh vault")
    yield made
    for host in made:
        lab.remove(host)


class Pair:
    def __init__(self, client, store):
        self.client, self.store = client, store
        self.ann, self.vault = User(client, "ann"), User(store, "vault")
        self.dest = f"vault@{store.name}"

    def clean(self):
        self.client.run(f"rm -rf {CONF} /etc/postern")
        self.store.run(
            "rm -rf /srv/backup /etc/postern; mkdir -p /etc/postern && "
            "install -d -o vault -g vault -m 700 /srv/backup && "
            "printf '[store]\\ndir = /srv/backup\\n' "
            ">/etc/postern/backup.conf && "
            f"install -d -o vault -g vault -m 700 {os.path.dirname(KEYS)} && "
            f"rm -f {KEYS}")
        self.store.write(KEYS, OWN_LINE, 0o600)
        self.store.run(f"chown vault:vault {KEYS}")

    def fingerprint(self):
        out = self.store.run("ssh-keygen -lf "
                             "/etc/ssh/ssh_host_ed25519_key.pub").stdout
        return out.split()[1]

    def setup(self, *words, **kwargs):
        return self.ann.backup("setup", "--client", "laptop", *words,
                               self.dest, **kwargs)

    def set_up(self):
        """Through setup and accept, as the tutorial has it."""
        line = self.setup("--fingerprint", self.fingerprint()).stdout
        self.vault.run("sh", "-c", line.replace(
            "postern", POSTERN, 1).rstrip() + " --allow run,list")
        return line

    def ssh(self, *command, options=(), key=f"{CONF}/backup_key", **kwargs):
        return self.client.run(self.ann.argv(
            "timeout", "20", "ssh", "-F", "/dev/null", "-i", key, "-o",
            "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
            f"UserKnownHostsFile={CONF}/backup_known_hosts", *options,
            self.dest, *command), check=False, **kwargs)


@pytest.fixture
def pair(machines):
    made = Pair(*machines)
    made.clean()
    return made


def on_terminal(user, words, answer):
    """Run it at a terminal of its own, say answer when asked; (rc, text)."""
    here, there = pty.openpty()
    try:
        p = user.host.popen(
            ["setsid", "-c", "runuser", "-u", user.name, "--", "env",
             f"HOME=/home/{user.name}", *words],
            stdin=there, stdout=there, stderr=there)
        os.close(there)
        out = b""
        while True:
            assert select.select([here], [], [], 60)[0], f"hangs: {out!r}"
            try:
                part = os.read(here, 65536)
            except OSError:     # EIO: nobody has the other end any more
                break
            if not part:
                break
            out += part
            if answer and b"Type yes" in out:
                os.write(here, answer)
                answer = None
        return p.wait(30), out.decode()
    finally:
        os.close(here)


def stat(host, path):
    return host.run(["stat", "-c", "%a %U", path]).stdout.strip()


# setup

def test_setup_makes_a_key_pins_the_host_key_and_prints_one_line(pair):
    done = pair.setup("--fingerprint", pair.fingerprint())
    key = " ".join(pair.client.read(f"{CONF}/backup_key.pub").split()[:2])
    assert done.stdout == \
        f"postern backup accept --client laptop --key '{key}'\n"
    assert stat(pair.client, f"{CONF}/backup_key") == "600 ann"
    assert stat(pair.client, CONF) == "700 ann"
    assert pair.client.read(f"{CONF}/backup_known_hosts") == \
        f"{pair.store.name} {pair.store.host_key}\n"
    conf = pair.client.read(f"{CONF}/backup.conf")
    assert f"destination = {pair.dest}\nroot = /home/ann\n" in conf
    assert not pair.client.run("ls -d /tmp/postern-*", check=False).stdout
    # What it wrote is what the others read.
    assert "exclude = " not in done.stdout
    assert "[job home]" in pair.ann.backup("usage").stdout


def test_setup_keeps_what_is_there(pair):
    print_ = ("--fingerprint", pair.fingerprint())
    first = pair.setup(*print_).stdout
    pair.client.run(f"echo '# my own' >>{CONF}/backup.conf")
    files = [pair.client.read(f"{CONF}/{n}") for n in (
        "backup_key", "backup_known_hosts", "backup.conf")]
    assert pair.setup(*print_).stdout == first
    # Nothing is asked about what was said before.
    again = pair.setup()
    assert again.stdout == first and "pinned already" in again.stderr
    assert files == [pair.client.read(f"{CONF}/{n}") for n in (
        "backup_key", "backup_known_hosts", "backup.conf")]


def test_setup_pins_nothing_without_a_yes(pair):
    done = pair.setup(expect=1)
    assert "--fingerprint" in done.stderr and done.stdout == ""
    assert pair.fingerprint() in done.stderr
    wrong = "SHA256:" + "A" * 43
    assert f"not {wrong}" in pair.setup("--fingerprint", wrong,
                                        expect=1).stderr
    words = [POSTERN, "backup", "setup", "--client", "laptop", pair.dest]
    for answer in (b"no\n", b"\n", b"y\n", b"\x04"):
        rc, out = on_terminal(pair.ann, words, answer)
        assert rc == 1 and "was not confirmed" in out, out
        assert "accept --client" not in out
    assert not pair.client.exists(f"{CONF}/backup_known_hosts")
    rc, out = on_terminal(pair.ann, words, b"yes\n")
    assert rc == 0 and pair.fingerprint() in out, out
    assert "accept --client laptop --key 'ssh-ed25519 " in out
    assert pair.store.host_key in pair.client.read(
        f"{CONF}/backup_known_hosts")


def test_setup_stops_at_a_host_key_that_has_changed(pair):
    pair.setup("--fingerprint", pair.fingerprint())
    path = f"{CONF}/backup_known_hosts"
    other = pair.client.host_key
    pair.client.run(["sh", "-c", f"echo '{pair.store.name} {other}' >{path}"])
    done = pair.setup("--fingerprint", pair.fingerprint(), expect=1)
    assert "another one than the one pinned" in done.stderr
    assert pair.client.read(path) == f"{pair.store.name} {other}\n"


def test_how_ssh_gets_there_goes_into_the_first_configuration(pair):
    """Nobody has to say it again: what comes after goes the same way."""
    config, program = "/home/ann/ssh_config", "/home/ann/asks-ssh"
    pair.client.write(config, f"Host attic\n\tHostName {pair.store.name}\n"
                      "\tUser vault\n")
    pair.client.write(program, '#!/bin/sh\necho "$*" >>/tmp/ssh.asked\n'
                      'exec /usr/bin/ssh "$@"\n', 0o755)
    pair.client.run("install -m 666 /dev/null /tmp/ssh.asked")
    pair.dest = "attic"
    how = ("-F", config, "-o", "ServerAliveInterval=7", "-o",
           "ServerAliveCountMax=9", "--ssh", program)
    # A path that the next command would read from elsewhere is none.
    done = pair.setup("-F", "ssh_config", expect=64)
    assert "--ssh-config: not an absolute path" in done.stderr
    done = pair.setup("--ssh", "./asks-ssh", expect=64)
    assert "--ssh: neither an absolute path nor a name" in done.stderr
    assert not pair.client.exists(CONF)
    line = pair.setup(*how, "--fingerprint", pair.fingerprint()).stdout
    assert pair.client.read(f"{CONF}/backup.conf").endswith(
        f"ssh = {program}\nssh-config = {config}\n"
        "ssh-option = ServerAliveInterval=7\n"
        "ssh-option = ServerAliveCountMax=9\n")
    pair.vault.run("sh", "-c", line.replace("postern", POSTERN, 1))
    pair.client.run("truncate -s 0 /tmp/ssh.asked")
    pair.ann.backup("run", "-q")
    asked, = [line for line in pair.client.read("/tmp/ssh.asked").splitlines()
              if line.endswith(" run")]
    for words in (f"-F {config} ", "ServerAliveInterval=7",
                  "ServerAliveCountMax=9", " attic run"):
        assert words in asked, asked
    assert len(os.listdir(pair.store.path("/srv/backup/laptop"))) == 1


def test_setup_rehearses(pair):
    done = pair.setup("-n")
    assert done.stdout == "" and pair.fingerprint() in done.stderr
    assert not pair.client.exists(CONF)


def test_setup_says_why_there_is_no_host_key(pair):
    done = pair.ann.backup("setup", "ann@h60.invalid", expect=1)
    assert "no host key: unreachable" in done.stderr, done.stderr
    assert "alias" not in done.stderr
    done = pair.ann.backup("setup", "--", "-oProxyCommand=x", expect=1)
    assert "never begins with '-'" in done.stderr


# accept

def test_an_accepted_key_runs_one_command_and_nothing_else(pair):
    pair.set_up()
    text = pair.store.read(KEYS)
    key = " ".join(pair.client.read(f"{CONF}/backup_key.pub").split()[:2])
    assert text == OWN_LINE + (
        f'restrict,command="{POSTERN} backup receive --client laptop '
        f'--allow run,list" {key} postern-backup-laptop\n')
    for path in ("laptop", ".postern", ".postern/laptop"):
        assert stat(pair.store, f"/srv/backup/{path}") == "700 vault"
    assert "allow = run,list\n" in pair.store.read(
        "/srv/backup/.postern/laptop/client.conf")
    done = pair.ssh("id; touch /tmp/evil")
    assert "postern-backup" in done.stderr, done.stderr
    assert "uid=" not in done.stdout and done.returncode != 255
    pair.ssh("sftp", options=("-s",), input="put /etc/passwd /tmp/evil\n")
    assert not pair.store.exists("/tmp/evil")
    done = pair.ssh("x", options=("-tt",), input="")
    assert "PTY allocation request failed" in done.stderr
    done = pair.ssh(options=("-N", "-o", "ExitOnForwardFailure=yes", "-R",
                             "7777:127.0.0.1:22"))
    assert done.returncode == 255 and "forwarding failed" in done.stderr
    done = pair.ssh(options=("-W", "127.0.0.1:22"), input="")
    assert "SSH-2.0" not in done.stdout


def test_accept_replaces_the_clients_old_key(pair):
    pair.set_up()
    old = pair.store.read(KEYS)
    pair.client.run(pair.ann.argv("mv", f"{CONF}/backup_key", f"{CONF}/old"))
    pair.set_up()
    new = pair.store.read(KEYS)
    assert new != old and new.count("\n") == old.count("\n")
    assert pair.ssh("x").returncode != 255
    done = pair.ssh("x", key=f"{CONF}/old")
    assert "Permission denied" in done.stderr


def test_a_new_key_keeps_what_the_old_one_was_allowed(pair):
    pair.set_up()
    conf = "/srv/backup/.postern/laptop/client.conf"
    public = pair.client.read(f"{CONF}/backup_key.pub")
    other = pair.client.run("ssh-keygen -q -t ed25519 -N '' -f /tmp/k && "
                            "cat /tmp/k.pub && rm /tmp/k*").stdout
    accept = ("accept", "--client", "laptop", "--key")
    pair.vault.backup(*accept, public, "--quota", "4M", "--allow", "run,list")
    pair.vault.backup(*accept, other)
    assert "allow = run,list\nquota = 4194304\n" in pair.store.read(conf)
    assert "--allow run,list" in pair.store.read(KEYS)
    pair.vault.backup(*accept, public, "--quota", "0", "--allow", "run")
    assert pair.store.read(conf).endswith("allow = run\n")


def test_accept_refuses_a_key_that_is_let_in_already(pair):
    pair.set_up()
    before = pair.store.read(KEYS)
    public = pair.client.read(f"{CONF}/backup_key.pub")
    done = pair.vault.backup("accept", "--client", "other", "--key", public,
                             expect=1)
    assert "client laptop has this key already" in done.stderr
    assert pair.store.read(KEYS) == before
    assert not pair.store.exists("/srv/backup/other")
    # Without a forced command, and in front of ours, it could do anything.
    public = public.replace("postern-backup-laptop", "ann@laptop")
    pair.store.write(KEYS, public + OWN_LINE, 0o600)
    done = pair.vault.backup("accept", "--client", "laptop", "--key", public,
                             expect=1)
    assert "for something else" in done.stderr
    assert pair.store.read(KEYS) == public + OWN_LINE


def test_accept_rehearses_and_takes_a_key_from_anywhere(pair):
    pair.setup("--fingerprint", pair.fingerprint())
    public = pair.client.read(f"{CONF}/backup_key.pub")
    pair.store.write("/tmp/laptop.pub", public)
    want = pair.vault.backup("accept", "--client", "laptop", "--key", public,
                             "-n").stdout
    assert re.fullmatch(r'restrict,command="[^"]*" ssh-ed25519 \S+ '
                        r'postern-backup-laptop\n', want)
    for key, given in (("-", public), ("/tmp/laptop.pub", None)):
        assert pair.vault.backup("accept", "--client", "laptop", "--key", key,
                                 "-n", input=given).stdout == want
    assert pair.store.read(KEYS) == OWN_LINE
    assert pair.store.run("ls -A /srv/backup").stdout == ""
    done = pair.vault.backup("accept", "--client", "laptop", "--key",
                             "/etc/passwd", expect=1)
    assert "--key: more than one line" in done.stderr


def test_root_accepts_for_a_user_with_that_users_rights(pair):
    pair.setup("--fingerprint", pair.fingerprint())
    public = pair.client.read(f"{CONF}/backup_key.pub")
    root = User(pair.store, "root")
    root.backup("accept", "--user", "vault", "--client", "laptop", "--key",
                public, "--quota", "5G")
    assert stat(pair.store, KEYS) == "600 vault"
    assert stat(pair.store, "/srv/backup/laptop") == "700 vault"
    assert "quota = 5368709120\n" in pair.store.read(
        "/srv/backup/.postern/laptop/client.conf")
    assert pair.ssh("x").returncode != 255
    # A link in the user's home leads root nowhere.
    pair.store.run(f"ln -sf /etc/motd-evil {KEYS}")
    done = root.backup("accept", "--user", "vault", "--client", "laptop",
                       "--key", public, expect=1)
    assert "symbolic link" in done.stderr
    assert not pair.store.exists("/etc/motd-evil")
    done = pair.vault.backup("accept", "--user", "root", "--client", "x",
                             "--key", public, expect=64)
    assert "only root" in done.stderr


def test_accept_wants_a_store_that_is_the_users_own(pair):
    public = f"{pair.store.host_key}"
    pair.store.run("chmod 770 /srv/backup")
    done = pair.vault.backup("accept", "--client", "a", "--key", public,
                             expect=1)
    assert "writable by nobody else" in done.stderr
    done = pair.vault.backup("accept", "--client", "a", "--key", public,
                             "--store", "/nowhere", expect=1)
    assert "/nowhere: No such file" in done.stderr
    for name in ("..", "a/b", ".postern", "A", "a.2026-01-31.1"):
        pair.vault.backup("accept", "--client", name, "--key", public,
                          expect=64)
    assert pair.store.read(KEYS) == OWN_LINE


def test_accept_remove_takes_the_key_and_leaves_the_snapshots(pair):
    pair.set_up()
    pair.store.run(pair.vault.argv("touch", "/srv/backup/laptop/kept"))
    pair.vault.backup("accept", "--remove", "--client", "laptop", "-n")
    assert "postern-backup-laptop" in pair.store.read(KEYS)
    pair.vault.backup("accept", "--remove", "--client", "laptop")
    assert pair.store.read(KEYS) == OWN_LINE
    assert pair.store.exists("/srv/backup/laptop/kept")
    assert "Permission denied" in pair.ssh("x").stderr
    done = pair.vault.backup("accept", "--remove", "--client", "laptop",
                             expect=1)
    assert "has no key of client laptop" in done.stderr
