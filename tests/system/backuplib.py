# SPDX-License-Identifier: ISC
"""A machine that is backed up, and a store: two hosts of the lab.

    from backuplib import backup        # the fixture; in each test file

    def test_something(backup):
        backup.setup(root=["/srv/data"])        # h1 asks, h2 keeps
        done = backup.run()
        assert backup.tree(done.snapshot) == backup.source("/srv/data")

The user on both is called backup, with other numbers; on the client a
program that carries cap_dac_read_search reads for it what only root may.
Programs lie in /opt/postern as in a build tree; the key and backup.conf are
the user's own. Hosts are shared by the session and cleaned between tests.
"""

import json
import os
import pathlib
import re
import signal
import stat
import struct
import subprocess
import threading

import pytest

from lab import faults
from lab import leftovers as lab_leftovers
from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
OPT = "/opt/postern"
POSTERN = f"{OPT}/postern"
TOOLS = f"{OPT}/tools/backup"
PROGRAMS = ("postern-backup", "postern-backup-send", "postern-backup-recv",
            "postern-backup-relay", "postern-backup-gate")
UID = {"h1": 4001, "h2": 4002}
HOME = "/home/backup"
CONF = f"{HOME}/.config/postern"
STORE = "/srv/store"
CLIENT = "laptop"
CAP_DAC_READ_SEARCH = 2
SNAPSHOT = re.compile(r"^[a-z0-9][a-z0-9._-]*\.\d{4}-\d\d-\d\d\.\d+$")

# What a session of ssh leaves by itself.
IGNORE = (r"/run/sshd", r"/run/motd\.dynamic", r"/var/log/",
          r"/run/systemd/", r"/run/user", r"/var/lib/systemd/")

USER = r"""
id -u backup | grep -qx {uid} || {{
	userdel backup 2>/dev/null; groupdel backup 2>/dev/null
	groupadd -g {uid} backup
	useradd -u {uid} -g {uid} -d {home} -m -s /bin/sh backup
}}
"""

CLEAN = r"""
umask 022
for m in $(awk '$2 ~ "^/srv/" {{print $2}}' /proc/mounts | sort -r); do
	umount -l "$m"
done
rm -rf /srv/* {home}/.[!.]* {home}/* /etc/postern
rm -rf /tmp/* /run/postern-backup.*
install -d -o backup -g backup -m 700 {home} {home}/.ssh {home}/.config \
	{home}/.config/postern
"""


class Done:
    """How one `postern backup` ended. events: the objects of --json."""

    def __init__(self, args, rc, out, err):
        self.args, self.rc, self.out, self.err = args, rc, out, err
        self.events = []
        if "--json" in args:
            self.events = [json.loads(line) for line in out.splitlines()]

    def of(self, event):
        return [e for e in self.events if e["event"] == event]

    @property
    def snapshot(self):
        for e in self.of("result"):
            return e.get("snapshot")
        found = re.search(r"\S+\.\d{4}-\d\d-\d\d\.\d+", self.out)
        return found.group() if found else None

    def __str__(self):
        return (f"postern backup {' '.join(map(str, self.args))} ended with "
                f"{self.rc}\n{self.out}\n{self.err}")


class Running:
    """One that is under way; its two streams are read by threads, so that
    waiting for a line has a deadline and nothing fills up."""

    def __init__(self, args, popen):
        self.args, self.popen = args, popen
        self.lines, self.errors = [], []
        self.threads = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((popen.stdout, self.lines),
                         (popen.stderr, self.errors))]
        for t in self.threads:
            t.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)

    def wait_event(self, hit, deadline_s=30, what="event"):
        def look():
            return next((e for e in map(json.loads, list(self.lines))
                         if hit(e)), None)
        try:
            return proc.wait_for(look, deadline_s, what)
        except proc.Deadline as e:
            raise proc.Deadline(
                f"{e}\n{''.join(self.lines)}{''.join(self.errors)}") from None

    @property
    def pid(self):
        return self.popen.target

    def kill(self, number=signal.SIGKILL):
        """postern itself: a change of uid ends what ends with its parent."""
        if self.popen.poll() is None:
            os.kill(self.pid, number)

    def end(self, deadline_s=60):
        self.popen.wait(deadline_s)
        for t in self.threads:
            t.join(deadline_s)
        return Done(self.args, self.popen.returncode, "".join(self.lines),
                    "".join(self.errors))


def fake_kind(path):
    try:
        mode = int(os.getxattr(path, "user.rsync.%stat").split()[0], 8)
    except OSError:
        return "file"
    return {stat.S_IFREG: "file", stat.S_IFLNK: "link"}.get(
        stat.S_IFMT(mode), "other")


class Backup:
    def __init__(self, lab):
        self.lab = lab
        self.client, self.store = lab.first(2)
        self.dir = STORE
        self.disk = None

    def close(self):
        if self.disk:
            self.disk.__exit__(None, None, None)
        self.disk = None

    # Making one

    def setup(self, name=CLIENT, store=STORE, conf="", accept=(), policy="",
              disk_kib=0, **job):
        """Two clean hosts, one client's key accepted. conf: more lines of
        the job; job: keys of it, a list where a key comes again; policy:
        lines of the store's own backup.conf, with a [store] first; disk_kib:
        the store is a small ext4 of its own."""
        self.dir = store
        self.name = name
        for h in (self.client, self.store):
            h.link.restore()
            self.install(h)
            h.run(CLEAN.format(home=HOME))
        self.close()
        if disk_kib:
            self.disk = faults.small_disk(self.store, store, disk_kib,
                                          options=("-N", "2000"))
            self.disk.__enter__()
        self.store.run(["install", "-d", "-o", "backup", "-g", "backup",
                        "-m", "700", store])
        self.store.run(["mkdir", "-p", "/srv"])
        if policy:
            self.policy(policy)
        public = self.make_key(self.client)
        self.accept(name, public, *accept)
        self.conf(conf, **job)
        return self

    def install(self, host):
        host.run(USER.format(uid=UID[host.name], home=HOME))
        at = host.path(OPT)
        (at / "tools/backup").mkdir(parents=True, exist_ok=True)
        (at / "meson-private").mkdir(exist_ok=True)
        for name in ("postern", *(f"tools/backup/{p}" for p in PROGRAMS)):
            self.put(BUILD / name, at / name)
        send = at / "tools/backup/postern-backup-send"
        os.chown(send, 0, UID[host.name])
        os.chmod(send, 0o750)
        if host is self.client:
            # setcap cap_dac_read_search=p. Source: struct vfs_cap_data.
            os.setxattr(send, "security.capability", struct.pack(
                "<IIIII", 0x02000000, 1 << CAP_DAC_READ_SEARCH, 0, 0, 0))

    @staticmethod
    def put(source, target):
        """A copy that is there whole or not at all, and only if need be."""
        want = source.stat()
        if target.exists() and target.stat().st_mtime_ns == want.st_mtime_ns:
            return
        new = target.with_name(target.name + ".new")
        new.write_bytes(source.read_bytes())
        new.chmod(0o755)
        os.utime(new, ns=(want.st_mtime_ns, want.st_mtime_ns))
        new.rename(target)

    def own(self, host, path):
        host.run(["chown", "-R", "backup:backup", path])

    def make_key(self, host, name="backup_key"):
        """The user's key and known_hosts there; the public half."""
        key = host.path(f"{CONF}/{name}")
        key.unlink(missing_ok=True)
        self.lab.keygen(key, "backup")
        host.write(f"{CONF}/backup_known_hosts",
                   f"{self.store.name} {self.store.host_key}\n")
        self.own(host, CONF)
        return host.read(f"{CONF}/{name}.pub").strip()

    def accept(self, name, public, *more):
        return self.owner("accept", "--store", self.dir, "--client", name,
                          "--key", public, *more)

    def policy(self, text):
        """The store's own backup.conf."""
        self.store.write(f"{CONF}/backup.conf", text)
        self.own(self.store, f"{HOME}/.config")

    def conf(self, more="", job="t", **keys):
        """The client's backup.conf, of one job."""
        lines = [f"[job {job}]", f"destination = backup@{self.store.name}"]
        for key, value in keys.items():
            for v in value if isinstance(value, (list, tuple)) else [value]:
                lines.append(f"{key.replace('_', '-')} = {v}")
        self.client.write(f"{CONF}/backup.conf",
                          "\n".join(lines) + "\n" + more)
        self.own(self.client, f"{HOME}/.config")

    # Running

    @staticmethod
    def as_user(host, *argv):
        uid = str(UID[host.name])
        return ["setpriv", "--reuid", uid, "--regid", uid, "--init-groups",
                *argv]

    TOOL = POSTERN + " backup"
    ENV = {"HOME": HOME, "USER": "backup", "LOGNAME": "backup"}

    def run(self, *args, expect=0, timeout=120, cmd="run", **kwargs):
        """postern backup run on the client, to its end."""
        done = self.client.run(
            self.as_user(self.client, POSTERN, "backup", cmd, *args),
            check=False, timeout=timeout, env=self.ENV, **kwargs)
        done = Done(args, done.returncode, done.stdout, done.stderr)
        if expect is not None:
            wanted = expect if isinstance(expect, tuple) else (expect,)
            assert done.rc in wanted, str(done)
        return done

    def start(self, *args, cmd="run", **kwargs):
        """The same in the background: a Running."""
        return Running(args, self.client.popen(
            self.as_user(self.client, POSTERN, "backup", cmd, *args),
            text=True, env=self.ENV, **{"stdout": subprocess.PIPE,
                                        "stderr": subprocess.PIPE, **kwargs}))

    def owner(self, cmd, *args, expect=0, **kwargs):
        """postern backup CMD on the store, as its owner."""
        done = self.store.run(
            self.as_user(self.store, POSTERN, "backup", cmd, *args),
            check=False, env=self.ENV, **kwargs)
        done = Done(args, done.returncode, done.stdout, done.stderr)
        assert expect is None or done.rc == expect, str(done)
        return done

    # What is there

    def snapshots(self, name=None):
        """Names, the oldest first."""
        at = self.store.path(f"{self.dir}/{name or self.name}")
        return sorted((n for n in os.listdir(at) if SNAPSHOT.match(n)),
                      key=lambda n: int(n.rpartition(".")[2]))

    def snapshot(self, which=-1, name=None):
        """Where a snapshot is on this machine, as bytes."""
        if isinstance(which, int):
            which = self.snapshots(name)[which]
        return os.fsencode(self.store.path(
            f"{self.dir}/{name or self.name}/{which}"))

    def incoming(self, name=None):
        return self.store.path(f"{self.dir}/{name or self.name}/.incoming")

    @staticmethod
    def contents(root, skip=()):
        """{path: (kind, content)} below root (bytes), all names. What
        --fake-super keeps in a file, as it stands for it: a link or other.
        """
        found = {}
        linked = {}         # what has many names is read once
        for path, st in proc.walk(root):
            rel = path[len(root.rstrip(b"/")) + 1:]
            if any(rel == s or rel.startswith(s + b"/") for s in skip):
                continue
            if stat.S_ISREG(st.st_mode):
                inode = st.st_dev, st.st_ino
                if inode not in linked:
                    with open(path, "rb") as f:
                        found[rel] = fake_kind(path), f.read()
                    if st.st_nlink > 1:
                        linked[inode] = found[rel]
                else:
                    found[rel] = linked[inode]
            elif stat.S_ISLNK(st.st_mode):
                found[rel] = ("link", os.readlink(path))
            elif stat.S_ISDIR(st.st_mode):
                found[rel] = ("dir", None)
            else:
                found[rel] = ("other", None)
        return found

    def source(self, path, skip=()):
        return self.contents(os.fsencode(self.client.path(path)), skip)

    def stored(self, path, which=-1, name=None):
        """What a snapshot has below a path of the client."""
        return self.contents(self.snapshot(which, name)
                             + os.fsencode("/" + path.strip("/")))

    def files(self, files, on=None, mode=0o644):
        """Write {path: content} on the client, as root."""
        for path, content in files.items():
            (on or self.client).write(path, content, mode)

    # Processes

    def pids(self, host, pattern):
        return [p for p in host.pids()
                if re.search(pattern, proc.cmdline(p))]

    def wait_pid(self, host, pattern, deadline_s=30):
        return proc.wait_for(lambda: self.pids(host, pattern), deadline_s,
                             f"process like {pattern} on {host.name}")[0]

    def leftovers(self, ignore=()):
        """Of both hosts: all but what is stored, and the user's files."""
        return lab_leftovers.Leftovers(
            [self.client, self.store], (*IGNORE, *ignore))


def keys_line(backup, command):
    """The store runs another command for the key that was accepted."""
    path = "/home/backup/.ssh/authorized_keys"
    line = re.sub(r'command="[^"]*"', lambda _: f'command="{command}"',
                  backup.store.read(path))
    backup.store.write(path, line, mode=0o600)
    backup.own(backup.store, path)


@pytest.fixture
def backup(lab):
    made = Backup(lab)
    yield made
    made.close()
    for h in lab.hosts.values():
        if h.alive():
            h.link.restore()
