# SPDX-License-Identifier: ISC
"""The cage of csync2's daemon on hosts with a real systemd: what gets out
without it, and that nothing does with it while ordinary syncs work."""

import contextlib
import os
import re
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest

import scripts
from lab import proc

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")
CAGE_TEXT = BUILD / "tests" / "unit" / "unlock" / "cage_text"
DROPIN = "/etc/systemd/system/csync2@.service.d/50-postern-cage.conf"
CONF = """
nossl * *;
group pub {{
	host {h1} {h2};
	key /etc/csync2.pub.key;
	include /srv/pub;
	include "/srv/with space%n'";
	{backup}
	auto younger;
}}
"""
BACKUP = 'backup-directory "/var/backups/c\\2 %n";'
FOLDERS = ["/srv/pub", "/srv/with space%n'", "/var/backups/c\\2 %n"]
FIFO = "/var/lib/csync2/privileged.key"
SECRETS = f"{FIFO}\n/srv/priv\n"


class Pair:
    """h1, whose daemon is under attack, and h2, where the attacker is root."""

    def __init__(self, h1, h2):
        self.h1, self.h2 = h1, h2
        for h in (h1, h2):
            for folder in FOLDERS + ["/srv/priv"]:
                h.run(["mkdir", "-p", folder])
            h.write("/etc/csync2.pub.key", "k" * 40 + "\n", 0o600)
            h.run(["mkfifo", "-m", "600", FIFO])
            h.run(["systemctl", "start", "csync2.socket"])
        self.configure(BACKUP)

    def configure(self, backup):
        for h in (self.h1, self.h2):
            h.write("/etc/csync2.cfg", CONF.format(
                h1=self.h1.name, h2=self.h2.name, backup=backup))

    def needs(self):
        made = subprocess.run(
            [CAGE_TEXT, self.h1.path("/etc/csync2.cfg"), self.h1.name,
             FIFO],
            text=True, capture_output=True)
        assert made.returncode == 0, made.stderr
        # The configuration was read from outside of the host.
        text = made.stdout.replace(str(self.h1.path("/")).rstrip("/"), "")
        text, needs = text.split("#END\n")
        return text, needs

    def cage(self, **variables):
        text, needs = self.needs()
        return scripts.run(self.h1, "cage", text + "#END\n",
                           **{"needs": needs, **variables})

    def prove(self):
        _, needs = self.needs()
        return scripts.run(self.h1, "cage-test", needs=needs,
                           secrets=SECRETS, names=f"{self.h1.name}\n{self.h2.name}\n",
                           timeout=120)

    def sync(self, name, content):
        self.h2.write(f"/srv/pub/{name}", content)
        done = self.h2.run(["csync2", "-xv"], check=False)
        return done

    def run_caged(self):
        """csync2 -xv on h1 as postern-unlock(1) says to run it: in a unit
        with the same drop-in."""
        unit = "/etc/systemd/system/csync2-local.service"
        self.h1.write(unit, "[Service]\nType=oneshot\n"
                      "ExecStart=/usr/sbin/csync2 -xv\n")
        self.h1.run(f"mkdir {unit}.d && ln -s {DROPIN} {unit}.d && "
                    "systemctl daemon-reload")
        return self.h1.run("systemctl start csync2-local.service; "
                           "journalctl -o cat -u csync2-local.service",
                           check=False).stdout

    def cage_fact(self):
        cage, = scripts.run(self.h1, "probe").facts("cage")
        return cage

    def database(self, host):
        return f"/var/lib/csync2/{host.name}.db3"

    def edit_database(self, statement, *values):
        """On h2. SQLite would not find it below /proc/PID/root."""
        with tempfile.NamedTemporaryFile() as f:
            f.write(self.h2.read(self.database(self.h2), text=False))
            f.flush()
            db = sqlite3.connect(f.name)
            db.execute(statement, values)
            db.commit()
            db.close()
            self.h2.write(self.database(self.h2),
                          Path(f.name).read_bytes(), 0o600)

    def push_name(self, path):
        """h2's csync2 sends path, which no pattern gave: who is root there
        writes it into the database's list of what is to be sent."""
        self.edit_database(
            "INSERT INTO dirty (filename, forced, myname, peername) "
            "VALUES (?, 1, ?, ?)", path, self.h2.name, self.h1.name)
        self.h2.run(["csync2", "-uv"], check=False)
        # What was refused would be sent again with each sync.
        self.edit_database("DELETE FROM dirty WHERE filename = ?", path)


def database_with_action(command):
    with tempfile.NamedTemporaryFile() as f:
        db = sqlite3.connect(f.name)
        db.executescript("""
            CREATE TABLE file (filename, checktxt,
                UNIQUE (filename) ON CONFLICT REPLACE);
            CREATE TABLE dirty (filename, forced, myname, peername,
                UNIQUE (filename, peername) ON CONFLICT IGNORE);
            CREATE TABLE hint (filename, recursive,
                UNIQUE (filename, recursive) ON CONFLICT IGNORE);
            CREATE TABLE action (filename, command, logfile,
                UNIQUE (filename, command) ON CONFLICT IGNORE);
            CREATE TABLE x509_cert (peername, certdata,
                UNIQUE (peername) ON CONFLICT IGNORE);""")
        db.execute("INSERT INTO action VALUES ('/srv/pub/a', ?, '/dev/null')",
                   (command,))
        db.commit()
        db.close()
        return Path(f.name).read_bytes()


@pytest.fixture
def pair(hosts):
    return Pair(*hosts(2, fresh=True))


def kept(said):
    broke = [a for a in said.of("attack") if " BROKE" in a]
    no = [w for w in said.of("works") if w.split(" ")[1] != "yes"]
    return broke, no


def kernel():
    return tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))


def nothing_left(host):
    left = host.run("find / /run /tmp -xdev -name '*postern-cage-test*' -o "
                    "-path '/run/postern.*'").stdout
    left += host.run("systemctl list-units --all --no-legend "
                     "'postern-cage-test*'").stdout
    left += host.run("pgrep -a -x -f 'sleep 300' || :").stdout
    left += host.run("ipcs -m | grep '^0x' || :").stdout
    assert left == ""


@contextlib.contextmanager
def socket_to(pair, host):
    """A connection of h2's to the daemon of host, open as long as this."""
    peer = pair.h2.popen(
        ["perl", "-MIO::Socket::INET", "-e",
         '$s = IO::Socket::INET->new("$ARGV[0]:30865") or die $!; '
         '<STDIN>', host.name], stdin=subprocess.PIPE, text=True)
    try:
        yield peer
    finally:
        peer.kill()
        peer.communicate()


def test_cage_test_sees_what_an_uncaged_daemon_lets_out(pair):
    said = pair.prove()
    assert said.refused is None, said
    broke = {a.split(" ")[0] for a in said.of("attack") if " BROKE" in a}
    assert {"write-cron", "dotdot", "symlink", "proc-root", "mknod-disk",
            "mount", "systemd-run", "unix-socket", "setuid", "unshare", "kill",
            "ptrace", "kill-thread", "keyring", "io-uring", "trusted-files",
            "memory-call", "dev-shm", "terminals", "limits", "priority", "shared-memory",
            "setuid-kept", "privileged", "left-on-host"} <= broke, said
    if kernel() >= (6, 6):
        assert "setuid-new-call" in broke, said
    assert "module" in broke or not os.path.exists("/proc/modules"), said
    nothing_left(pair.h1)


def test_no_attack_gets_out_of_the_cage_and_syncs_work(pair):
    said = pair.cage()
    assert said.refused is None, said
    assert said.lines[-1] == "done cage"
    said = pair.prove()
    assert said.refused is None, said
    assert kept(said) == ([], []), said
    assert not [a for a in said.of("attack") if " untried" in a], said
    nothing_left(pair.h1)
    done = pair.sync("a", "from h2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pair.h1.read("/srv/pub/a") == "from h2"
    done = pair.sync("a", "changed, with a backup")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pair.h1.read("/srv/pub/a") == "changed, with a backup"


@pytest.mark.parametrize("caged", [False, True])
def test_a_member_writes_outside_of_its_group_unless_caged(pair, caged):
    pair.configure(backup="")
    if caged:
        assert pair.cage().refused is None
    assert pair.sync("a", "1").returncode == 0
    pair.h2.write("/srv/priv/dotdot", "evil")
    pair.push_name("/srv/pub/../priv/dotdot")
    pair.h2.run("ln -s /srv/priv /srv/pub/link")
    done = pair.sync("b", "1")
    assert pair.h1.exists("/srv/pub/link"), done.stdout + done.stderr
    # A folder here, a symlink there: csync2 looks at its own side only.
    pair.h2.run(["rm", "/srv/pub/link"])
    pair.h2.write("/srv/pub/link/symlink", "evil")
    pair.push_name("/srv/pub/link/symlink")
    pair.h2.write("/etc/cron.d/evil", "* * * * * root true\n")
    pair.push_name("/srv/pub/../../etc/cron.d/evil")
    for path in ("/srv/priv/dotdot", "/srv/priv/symlink",
                 "/etc/cron.d/evil"):
        assert pair.h1.exists(path) != caged, path
    pair.h2.run(["rm", "-r", "/srv/pub/link"])
    done = pair.sync("c", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pair.h1.read("/srv/pub/c") == "2"


@pytest.mark.parametrize("caged", [False, True])
def test_a_command_put_into_the_database_has_no_effect_when_caged(pair,
                                                                  caged):
    pair.configure(backup="")
    if caged:
        assert pair.cage().refused is None
    assert pair.sync("a", "1").returncode == 0
    pair.h2.write(pair.database(pair.h1), database_with_action(
        "echo x >/srv/pub/ran; echo x >/root/ran"))
    # The younger file wins.
    pair.h2.run(["touch", "-d", "tomorrow", pair.database(pair.h1)])
    # The daemon dies of its new database, once it is there.
    pair.push_name("/srv/pub/../.." + pair.database(pair.h1))
    done = pair.sync("b", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pair.h1.read("/srv/pub/b") == "2"
    # A local csync2 runs it, so that one belongs into the cage too.
    pair.h1.write("/srv/pub/here", "from h1")
    if caged:
        assert not pair.h1.exists("/root/ran")
        said = pair.run_caged()
    else:
        said = pair.h1.run(["csync2", "-xv"], check=False).stdout
    assert pair.h1.exists("/srv/pub/ran"), said
    assert pair.h2.exists("/srv/pub/here"), said
    assert pair.h1.exists("/root/ran") != caged


def test_cage_test_sh_says_that_there_is_no_daemon_to_cage(pair):
    for place in ("/etc", "/lib"):
        pair.h1.run(f"rm -f {place}/systemd/system/csync2@.service")
    pair.h1.run(["systemctl", "daemon-reload"])
    assert scripts.run(pair.h1, "cage-test").refused == "systemd"


def test_cage_sh_refuses_what_would_keep_the_daemon_from_working(pair):
    text, needs = pair.needs()

    def refusal(text=text + "#END\n", needs=needs, **kw):
        said = scripts.run(pair.h1, "cage", text, needs=needs, **kw)
        assert not pair.h1.exists(DROPIN)
        return said.refused

    assert refusal(text=text) == "input"
    assert refusal(needs=needs + "rw /srv/none\n") == "missing"
    assert refusal(needs=needs + "ro /etc/none\n") == "missing"
    assert refusal(needs=needs + "rw /etc/hostname\n") == "not-folder"
    pair.h1.run("ln -s /srv/priv /srv/link")
    assert refusal(needs=needs + "rw /srv/link\n") == "symlink"


def test_cage_sh_binds_what_only_root_decides(pair):
    _, needs = pair.needs()

    def refusal(more):
        return pair.cage(dry="1", needs=needs + more).refused

    pair.h1.run("mkdir -p /srv/open/x /srv/theirs/x /srv/pub/sub/x; "
                "chmod 777 /srv/open /srv/pub/sub; chown 1 /srv/theirs; "
                "ln -s /srv/priv /srv/link; mkdir /srv/priv/x; "
                "echo k >/srv/pub/key; ln -s /etc/hostname /srv/pub/klink; "
                "ln -s /etc/hostname /etc/k1; ln -s ../srv/pub/key /etc/k2; "
                "ln -s /srv/pub/klink /etc/k3; ln -s /etc/hostname /srv/open/k")
    assert refusal("") is None
    assert refusal("rw /srv/open\n") is None
    assert refusal("rw /srv/open/x\n") == "parent"
    assert refusal("rw /srv/theirs/x\n") == "parent"
    # A symlink before the last part of a path.
    assert refusal("rw /srv/link/x\n") == "parent"
    # Nothing is mounted there: it comes with /srv/pub.
    assert refusal("rw /srv/pub/sub/x\n") is None
    assert refusal("ro /etc/k1\n") is None
    for key in ("/srv/pub/klink", "/etc/k2", "/etc/k3"):
        assert refusal(f"ro {key}\n") == "symlink", key
    assert refusal("ro /srv/open/k\n") == "parent"
    assert refusal("file /var/lib/csync2/h.db3\n") is None
    assert refusal("file /srv/pub\n") == "folder"
    assert not pair.h1.exists(DROPIN)


def test_cage_sh_puts_back_what_was_there_when_it_is_not_in_force(pair):
    other = DROPIN.replace("50-postern-cage", "60-mine")
    pair.h1.write(other, "[Service]\nTemporaryFileSystem=\n")
    said = pair.cage()
    assert said.refused == "force", said
    assert said.of("note") == [f"{DROPIN} is as it was before"], said
    assert not pair.h1.exists(DROPIN) and pair.h1.exists(other)
    pair.h1.run(["rm", other])
    assert pair.cage().refused is None
    before = pair.h1.read(DROPIN)
    pair.configure(backup="")
    pair.h1.write(other, "[Service]\nExecStart=\n"
                  "ExecStart=+/usr/sbin/csync2 -i\n")
    assert pair.cage().refused == "force"
    assert pair.h1.read(DROPIN) == before
    pair.h1.run(["rm", other])
    assert pair.cage().refused is None
    assert pair.h1.read(DROPIN) != before


def test_the_cage_that_was_written_is_in_force_until_the_cfg_changes(pair):
    assert pair.cage().refused is None
    assert pair.cage_fact() == "in-force"
    pair.configure(BACKUP)
    assert pair.cage_fact() == "installed, /etc/csync2.cfg is newer"
    # The same text: what it was made from was read again.
    said = pair.cage()
    assert said.refused is None, said
    assert said.of("step")[0] == "kept " + DROPIN
    assert pair.cage_fact() == "in-force"


def test_connections_from_before_the_cage_are_ended(pair):
    with socket_to(pair, pair.h1):
        proc.wait_for(lambda: pair.h1.run(
            "systemctl list-units --no-legend 'csync2@*.service'").stdout,
            20, "a connection to the daemon")
        said = pair.cage()
        assert said.refused is None
        assert "done end 1 connections from before the cage" in \
            said.of("step"), said


def test_cage_sh_says_its_steps_and_is_done_once(pair):
    said = pair.cage(dry="1")
    assert [s.split(" ")[0] for s in said.of("step")] == ["would", "would"]
    assert not pair.h1.exists(DROPIN)
    said = pair.cage()
    assert said.of("step")[0] == "done write " + DROPIN
    assert pair.h1.run(f"ls -A {os.path.dirname(DROPIN)}; stat -c '%a %U' "
                       f"{DROPIN}").stdout == \
        "50-postern-cage.conf\n644 root\n"
    text, _ = pair.needs()
    assert pair.h1.read(DROPIN) == text
    assert pair.cage().of("step")[0] == "kept " + DROPIN
