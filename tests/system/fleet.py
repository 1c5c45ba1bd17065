# SPDX-License-Identifier: ISC
"""A csync2 group on hosts of the lab, and postern unlock on admin.

    from fleet import fleet             # the fixture; in each test file

    def test_something(fleet):
        fleet.setup(3)                  # admin, h1…h3: group privileged
        fleet.scripts({"backup": "#!/bin/sh\\n"})
        done = fleet.push("--json")     # -C priv … privileged
        assert fleet.tree(1) == fleet.tree("admin")

Hosts are shared by the session and cleaned, not booted, between tests.
"""

import json
import os
import pathlib
import re
import stat
import subprocess
import tempfile

import pytest

from lab import leftovers as lab_leftovers
from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
POSTERN = f"/src/{BUILD.resolve().relative_to(TREE)}/postern"
KEY = "/var/lib/csync2/privileged.key"
# What a push may change besides the group's own files.
IGNORE = (r"/var/lib/postern(/|$)", r"/var/log/sudo", r"/run/sudo(/|$)",
          r"/var/lib/sudo(/|$)", r"/root/\.ssh(/|$)", r"/run/motd\.dynamic$")

MARK = re.compile(r"/run/postern\.[^/]*/mark")
# The promise is 5 s from when the client is gone; the test may just have ended.
ENDS_S = 8

CLEAN = r"""
umask 022
systemctl stop csync2.socket 'csync2@*.service' 2>/dev/null
rm -rf /etc/csync2*.cfg /etc/csync2*.key /etc/csync2_ssl_* /var/lib/postern \
	/etc/postern /root/.config /srv/priv /srv/pub /srv/other \
	/var/log/actions /usr/local/sbin/csync2 /etc/systemd/system/csync2@.service.d
find /var/lib/csync2 -mindepth 1 -delete
find /tmp -mindepth 1 -maxdepth 1 -not -name '.*' -exec rm -rf {} +
mkdir -p /srv/priv /srv/pub
"""


class Done:
    """How one run of postern ended. events: the objects of --json."""

    def __init__(self, args, rc, out, err):
        self.args, self.rc, self.out, self.err = args, rc, out, err
        self.events = []
        if "--json" in args:
            self.events = [json.loads(line) for line in out.splitlines()]

    def of(self, event, host=None):
        return [e for e in self.events if e.get("event") == event
                and host in (None, e.get("host"))]

    def states(self, host):
        return [e["state"] for e in self.of("state", host)]

    def last(self, host):
        """The last state event of a host."""
        return self.of("state", host)[-1]

    def __str__(self):
        return (f"postern unlock {' '.join(self.args)} ended with {self.rc}\n"
                f"{self.out}\n{self.err}")


class Running:
    """A postern that is under way: --json events as they come."""

    def __init__(self, fleet, args, popen):
        self.fleet, self.args, self.popen = fleet, args, popen
        self.seen = []

    def wait_state(self, state, host=None, deadline_s=20):
        """Until the event {"state": state} of that host (or of any) came."""
        def hit(e):
            return (e.get("event") == "state" and e["state"] == state
                    and host in (None, e["host"]))
        return self.wait_event(hit, f"state {state}")

    def wait_event(self, hit, what):
        for line in self.popen.stdout:
            self.seen.append(json.loads(line))
            if hit(self.seen[-1]):
                return self.seen[-1]
        raise AssertionError(f"{what} never came: {self.seen}\n"
                             f"{self.popen.stderr.read()}")

    @property
    def pid(self):
        """postern's own pid (that of the program, not the dispatcher)."""
        return self.popen.target

    def kill(self, number):
        os.kill(self.pid, number)

    def end(self, deadline_s=30):
        out, err = self.popen.communicate(timeout=deadline_s)
        before = "".join(json.dumps(e) + "\n" for e in self.seen)
        done = Done(self.args, self.popen.returncode, before + out, err)
        if "--json" not in self.args:
            done.out = out
        return done


class Fleet:
    """The hosts of one test. Its methods take a host, its number or name."""

    def __init__(self, lab):
        self.lab = lab
        self.members = []
        self._certs = {}

    @property
    def admin(self):
        return self.lab.admin

    @property
    def all(self):
        return [self.admin, *self.members]

    def host(self, which):
        if isinstance(which, int):
            which = f"h{which}"
        if isinstance(which, str):
            return self.lab.hosts[which]
        return which

    # Making one

    def setup(self, n, config=None, **group):
        """admin and h1…hn, clean, with group privileged of all of them in
        csync2_priv.cfg (or config, a whole file) and its FIFO."""
        self.members = self.lab.first(n)
        self.clean()
        text = config if config is not None else self.group(**group)
        self.config(text)
        for h in self.all:
            h.write("/etc/csync2_priv.cfg", text)
        self.each(f"mkfifo -m 600 {KEY}")
        return self

    def group(self, name="privileged", hosts=None, more="",
              include="/srv/priv", key=KEY):
        """The text of one group; more goes in as it is."""
        if hosts is None:
            hosts = " ".join(h.name for h in self.all)
        return (f"group {name} {{\n\thost {hosts};\n\tkey {key};\n"
                f"\tinclude {include};\n\t{more}\n}}\n")

    def config(self, text, name="priv", hosts=None):
        file = f"csync2_{name}.cfg" if name else "csync2.cfg"
        for h in hosts or self.all:
            h.write(f"/etc/{file}", text)

    def ordinary(self, hosts=None):
        """csync2.cfg: an ordinary group, with one static key."""
        hosts = hosts or self.all
        key = "ordinary.key.of.the.lab.0123456789"
        self.config(self.group("ordinary", include="/srv/pub",
                               hosts=" ".join(h.name for h in hosts),
                               key="/etc/csync2.key"), name="", hosts=hosts)
        for h in hosts:
            h.write("/etc/csync2.key", key + "\n", mode=0o600)

    def tls(self, hosts=None):
        """A certificate a host, all of the subject CN=csync2."""
        for h in hosts or self.all:
            if h.name not in self._certs:
                self._certs[h.name] = self._certificate()
            key, cert = self._certs[h.name]
            h.write("/etc/csync2_ssl_key.pem", key, mode=0o600)
            h.write("/etc/csync2_ssl_cert.pem", cert)

    @staticmethod
    def _certificate():
        with tempfile.TemporaryDirectory() as d:
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                 "-days", "600", "-subj", "/CN=csync2", "-keyout",
                 f"{d}/key", "-out", f"{d}/cert"], check=True,
                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return [pathlib.Path(d, n).read_bytes() for n in ("key", "cert")]

    def daemon(self, hosts=None):
        """Debian's always-on daemon: a csync2 -i for each connection."""
        self.each("systemctl start csync2.socket", hosts)

    def each(self, line, hosts=None, check=True):
        """A shell line on all hosts at once; their stdout, in order."""
        hosts = [self.host(h) for h in hosts] if hosts else self.all
        started = [h.popen(line, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT) for h in hosts]
        outs = [p.communicate(timeout=60)[0] for p in started]
        for h, p, out in zip(hosts, started, outs):
            assert not check or p.returncode == 0, f"{h.name}: {line}: {out}"
        return outs

    def clean(self):
        """Whole links, no group, nothing that an earlier test wrote."""
        for h in self.all:
            h.link.restore()
        self.each(CLEAN)

    # Files

    def scripts(self, files, folder="/srv/priv", on="admin", mode=0o755):
        """Write {name: content}; None removes."""
        h = self.host(on)
        for name, content in files.items():
            if content is None:
                h.path(f"{folder}/{name}").unlink()
            else:
                h.write(f"{folder}/{name}", content, mode)

    def tree(self, which, folder="/srv/priv"):
        """What is below a folder: {path: (mode, uid, gid, content)}; the
        content of a link is where it points to, that of a folder None. What
        goes meanwhile, as a part of a file does when it is whole, is not
        there."""
        root = str(self.host(which).path(folder))
        found = {}
        for path, st in proc.walk(root):
            content = None
            try:
                if stat.S_ISREG(st.st_mode):
                    content = pathlib.Path(path).read_bytes()
                elif stat.S_ISLNK(st.st_mode):
                    content = os.readlink(path)
            except FileNotFoundError:
                continue
            found[path[len(root) + 1:]] = (
                oct(st.st_mode), st.st_uid, st.st_gid, content)
        return found

    def assert_same(self, *which, folder="/srv/priv"):
        """The members (or those given) have what admin has."""
        want = self.tree("admin", folder)
        for h in which or self.members:
            assert self.tree(h, folder) == want, self.host(h).name

    # Running

    def unlock(self, *args, expect=0, on="admin", **kwargs):
        """postern unlock ARGS to its end; expect: its exit status, a tuple
        of them, or None."""
        done = self.host(on).run([POSTERN, "unlock", *args], check=False,
                                 **kwargs)
        done = Done(args, done.returncode, done.stdout, done.stderr)
        if expect is not None:
            wanted = expect if isinstance(expect, tuple) else (expect,)
            assert done.rc in wanted, str(done)
        return done

    @staticmethod
    def argv(*args):
        return [POSTERN, "unlock", *args]

    def push(self, *args, **kwargs):
        return self.unlock("-C", "priv", *args, "privileged", **kwargs)

    def start(self, *args, on="admin", **kwargs):
        """postern unlock ARGS in the background: a Running."""
        return Running(self, args, self.host(on).popen(
            [POSTERN, "unlock", *args], text=True, **{
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                **kwargs}))

    def start_push(self, *args, **kwargs):
        return self.start("-C", "priv", "--json", *args, "privileged",
                          **kwargs)

    # What is there

    def leftovers(self, hosts=None, ignore=()):
        return lab_leftovers.Leftovers(hosts or self.all,
                                       (*IGNORE, *ignore))

    def pids(self, which, pattern):
        """Processes of a host whose command line the pattern is found in."""
        return [p for p in self.host(which).pids()
                if re.search(pattern, proc.cmdline(p))]

    def wait_pid(self, which, pattern, deadline_s=20):
        return proc.wait_for(lambda: self.pids(which, pattern), deadline_s,
                             f"process like {pattern}")[0]

    def assert_locked(self, *which):
        """A csync2 of the group hangs there, in the open of its FIFO."""
        for h in map(self.host, which or self.all):
            p = h.popen(["csync2", "-C", "priv", "-L"],
                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                proc.wait_for(lambda: self._opens_fifo(p), 10,
                              f"csync2 that hangs on {h.name}")
            finally:
                p.kill()
                p.communicate()

    @staticmethod
    def _opens_fifo(p):
        assert p.poll() is None, f"csync2 ended: {p.stderr.read()}"
        # 257: openat. Where nobody writes, only a FIFO's open sleeps.
        words = proc.read(f"/proc/{p.target}/syscall").split()
        return (proc.comm(p.target) == "csync2" and words[:1] == [b"257"]
                and proc.read(f"/proc/{p.target}/stat").rpartition(b")")[2]
                .split()[0] == b"S")


    def ours(self):
        """Lines: what still runs on a host because of a postern, which after
        a test is nothing, whatever else the test looks at. A script of ours
        and what that started have the mark of its folder open."""
        return [f"{h.name}: {pid} {proc.cmdline(pid)[:80]}"
                for h in self.all if h.alive() for pid in h.pids()
                if proc.comm(pid) == "postern-unlock" or any(
                    link.endswith("/9") and MARK.match(target)
                    for link, target, _ in proc.fds(pid))]


@pytest.fixture
def fleet(lab):
    made = Fleet(lab)
    yield made
    for h in lab.hosts.values():
        if h.alive():
            h.link.restore()
    try:
        proc.wait_for(lambda: not made.ours(), ENDS_S, "end of all of ours")
    except proc.Deadline as e:
        raise AssertionError("\n".join([str(e), *made.ours()])) from None
