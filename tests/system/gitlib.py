# SPDX-License-Identifier: ISC
"""People, a gateway and a git server: three hosts of the lab.

    from gitlib import git, git_hosts       # the fixtures; in each test file

    def test_something(git):
        git.conf(gw=["lfs = yes"])
        git.seed("t/x")                     # alice pushes a commit
        git.run("bob", "git clone git@gw:t/x")
        assert git.audit("gw")[-1]["exit"] == 0

alice, bob and carol work on the client with git as it comes and nothing in
their homes but a key; gw is sshd and our programs; gl is gitolite3 and our
forced command, and the client has no way there. Anyone but carol is known to
gitolite: t/... are alice's to make and to write, bob may read them; dave has
two key files. Hosts are a session's; settings, pool, locks and logs are new
for each test.
"""

import contextlib
import json
import os
import pathlib
import re
import shlex

import pytest

from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
OPT = "/opt/postern"
TOOLS = f"{OPT}/tools/git"
POSTERN = f"{TOOLS}/postern-git"
PROGRAMS = ("postern-git", "postern-git-proxy", "postern-git-serve")
ETC = "/etc/postern/git"
CONF = "/etc/postern/git.conf"
RUN = "/run/postern-git"
# Of tests that push keys: the others' keys are lines by hand.
STORE = "/var/lib/postern/git/keys"
STATE = "/var/lib/postern/git"
LOG = "/var/log/postern-git"
GATE = "/tmp/gate"
PEOPLE = ("alice", "bob", "carol", "dave")
AT = {"client": "h31", "gw": "h32", "gl": "h33", "gl2": "h34"}

USERS = r"""
umask 022
for u in %s; do
	id -u $u >/dev/null 2>&1 || useradd -m -s /bin/sh $u
	usermod -p '*' $u
done
"""

SSHD = {
    "gw": f"""Match User git
	AuthorizedKeysFile {ETC}/authorized_keys .ssh/authorized_keys
	AcceptEnv GIT_PROTOCOL
	ExposeAuthInfo yes
""",
    "gl": f"""MaxSessions 100
MaxStartups 100:30:200
Match User git
	AuthorizedKeysFile {ETC}/authorized_keys .ssh/authorized_keys
""",
}

GITOLITE = """\
repo gitolite-admin
	RW+ = admin
repo t/..*
	C = alice
	RW+ = alice dave
	R = bob
repo secret
	RW+ = alice
"""

ADMIN = f"""
export GIT_SSH_COMMAND='ssh -F none -i /root/.ssh/admin \
	-o UserKnownHostsFile=/root/.ssh/gl_hosts'
cd /root/admin
git add -A
git -c user.name=admin -c user.email=a@gl commit -q --allow-empty -m keys
git push -q origin HEAD:master
"""


class Git:
    def __init__(self, lab):
        self.lab = lab
        self.client, self.gw, self.gl = lab.boot(
            AT["client"], AT["gw"], AT["gl"])
        self.keys = {}
        for host in (self.client, self.gw, self.gl):
            self._name(host)
        self._people()
        self._server(self.gl, "gl")
        self._gateway()
        self._isolate(self.gl)
        self.clean()

    # Making them, once

    @staticmethod
    def _name(host):
        text = host.read("/etc/hosts")
        host.write("/etc/hosts", text + "".join(
            f"{host.lab.address(host.lab.number(n))} {alias}\n"
            for alias, n in AT.items()))

    def _isolate(self, server):
        """No packet goes from the client to the server, or back."""
        for here, there in ((self.client, server), (server, self.client)):
            here.run(["ip", "route", "add", "blackhole", f"{there.ip}/32"])

    def _people(self):
        self.client.run(USERS % " ".join(PEOPLE))
        self.client.write("/etc/ssh/ssh_known_hosts",
                          f"gw {self.gw.host_key}\n")
        for who in PEOPLE:
            for key in ("id_ed25519", "second")[:1 + (who == "dave")]:
                at = self.client.path(f"/home/{who}/.ssh/{key}")
                at.parent.mkdir(exist_ok=True)
                self.lab.keygen(at, f"{who}@client")
                self.keys.setdefault(who, []).append(
                    at.with_suffix(".pub").read_text())
            self.client.run(["chown", "-R", f"{who}:", f"/home/{who}"])

    def _install(self, host):
        host.run(USERS % "git")
        at = host.path(TOOLS)
        at.mkdir(parents=True, exist_ok=True)
        for name in PROGRAMS:
            (at / name).write_bytes((BUILD / "tools/git" / name).read_bytes())
            (at / name).chmod(0o755)
        host.run(["install", "-d", "-m", "755", ETC])
        host.run(["install", "-d", "-o", "git", "-m", "750", LOG])

    def _sshd(self, host, name):
        host.write("/etc/ssh/sshd_config.d/50-postern-git.conf", SSHD[name])
        host.run(["systemctl", "restart", "ssh"])
        host.wait_up()

    def _server(self, host, name):
        """gitolite on the host, with everybody's keys."""
        self._install(host)
        self.lab.keygen(host.path("/root/.ssh/admin"), "admin")
        host.run("cp /root/.ssh/admin.pub /tmp/admin.pub && cd /home/git && "
                 "runuser -u git -- env HOME=/home/git "
                 "gitolite setup -pk /tmp/admin.pub")
        host.write("/root/.ssh/gl_hosts", f"{name} {host.host_key}\n")
        self.administers(host)
        self._sshd(host, "gl")
        host.run("export GIT_SSH_COMMAND='ssh -F none -i /root/.ssh/admin "
                 "-o UserKnownHostsFile=/root/.ssh/gl_hosts'; "
                 f"git clone -q git@{name}:gitolite-admin /root/admin")
        host.write("/root/admin/conf/gitolite.conf", GITOLITE)
        for who, keys in self.keys.items():
            if who == "carol":
                continue
            for key, where in zip(keys, (f"{who}.pub", f"x/{who}@two.pub")):
                host.write(f"/root/admin/keydir/{where}", key)
        self.admin(host)

    @staticmethod
    def administers(host):
        """Who administers gitolite is noted, as by the trigger."""
        host.run(f"install -d -o git -g git -m 700 {STATE}; rm -rf "
                 f"{STATE}/*; echo admin >{STATE}/admins; "
                 f"chown git: {STATE}/admins")

    def admin(self, host=None):
        """Push what is in /root/admin of the server."""
        (host or self.gl).run(ADMIN)

    def _gateway(self):
        gw = self.gw
        self._install(gw)
        self.lab.keygen(gw.path(f"{ETC}/id_ed25519"), "gateway")
        gw.run(f"chown root:git {ETC}/id_ed25519; "
               f"chmod 640 {ETC}/id_ed25519")
        self.trust(self.gl, "gl")
        self._sshd(gw, "gw")

    def trust(self, server, name):
        """The gateway's key on the server, the server's host key here."""
        public = self.gw.read(f"{ETC}/id_ed25519.pub")
        server.write(f"{ETC}/authorized_keys", "restrict,command="
                     f'"{TOOLS}/postern-git-serve" {public}')
        hosts = f"{ETC}/known_hosts"
        known = self.gw.read(hosts) if self.gw.exists(hosts) else ""
        self.gw.write(hosts, known + f"{name} {server.host_key}\n")

    def lines(self, people):
        """The gateway's keys, as root's own lines: {id: [public key]}."""
        self.gw.write(f"{ETC}/authorized_keys", "".join(
            f'restrict,command="{TOOLS}/postern-git-proxy {who}" {key}'
            for who, keys in people.items() for key in keys))

    def mirror(self):
        """A second git server, gl2."""
        if AT["gl2"] not in self.lab.hosts:
            host, = self.lab.boot(AT["gl2"])
            self._name(host)
            self._server(host, "gl2")
            self._isolate(host)
            self.trust(host, "gl2")
        return self.lab.hosts[AT["gl2"]]

    # For each test

    def clean(self):
        for host in (self.client, self.gw, self.gl):
            host.link.restore()
        self.end_pool()
        self.gw.run(f"rm -rf {RUN} {LOG}/* {STORE}; "
                    f"install -d -o git -g git -m 700 {RUN}")
        self.sshd_run(self.gl)
        proc.kill(self.pids(self.gl, f"cat {GATE}"))
        self.gl.run(f"rm -rf {LOG}/* /home/git/repositories/t {GATE}*")
        self.administers(self.gl)
        for who in PEOPLE:
            self.client.run(f"rm -rf /home/{who}/[!.]* /home/{who}/.g* "
                            f"/home/{who}/.l*")
        # Tests of the keys' way write these.
        self.gw.run("rm -f /home/git/.ssh/authorized_keys")
        self.lines(self.keys)
        self.conf()

    @staticmethod
    def sshds(host):
        return [p for p in host.pids()
                if re.fullmatch(proc.SSHD, proc.comm(p))]

    def freeze(self, host):
        """No sshd of the host does anything any more."""
        for pid in self.sshds(host):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 19)

    def sshd_run(self, host):
        for pid in self.sshds(host):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 18)
        if host.run("systemctl is-active -q ssh", check=False).returncode:
            host.run("systemctl start ssh")
            host.wait_up()

    def end_pool(self):
        """Ends a pool of masters; its ssh go with it."""
        pool = [p for p in self.gw.pids()
                if "postern-git mux" in proc.cmdline(p)]
        proc.kill(pool, 15)
        for pid in pool:
            # It waits half a minute for sessions that a test left.
            proc.wait_for(lambda p=pid: not proc.start_time(p), 45,
                          "end of the pool")

    def conf(self, gw=(), gl=(), mux=0):
        """Both git.conf, with more lines."""
        audit = f"audit = json\naudit-file = {LOG}/audit\n"
        self.gw.write(CONF, "[gateway]\nserver = git@gl\n" + audit +
                      f"mux = {mux}\n" + "".join(f"{x}\n" for x in gw))
        self.gl.write(CONF, "[server]\n" + audit + "".join(
            f"{x}\n" for x in gl))

    @staticmethod
    def env(who):
        return {"HOME": f"/home/{who}", "USER": who, "LOGNAME": who,
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": who, "GIT_AUTHOR_EMAIL": f"{who}@c",
                "GIT_COMMITTER_NAME": who, "GIT_COMMITTER_EMAIL": f"{who}@c"}

    @staticmethod
    def argv(who, cmd):
        return ["setpriv", "--reuid", who, "--regid", who, "--init-groups",
                "sh", "-ec", f"cd; {cmd}"]

    def run(self, who, cmd, env=None, **kwargs):
        """A line for sh, as one of the people, in their home."""
        return self.client.run(self.argv(who, cmd),
                               env={**self.env(who), **(env or {})}, **kwargs)

    def start(self, who, cmd, **kwargs):
        return self.client.popen(self.argv(who, cmd), env=self.env(who),
                                 **kwargs)

    def as_git(self, cmd, host=None):
        """A line for sh on gl, as git."""
        return (host or self.gl).run(
            ["setpriv", "--reuid", "git", "--regid", "git", "--init-groups",
             "sh", "-ec", cmd], env={"HOME": "/home/git", "USER": "git"})

    def ssh(self, who, command=None, options=(), env=None, **kwargs):
        """A plain ssh git@gw, with the command as one argument (str or
        bytes), or without any."""
        words = [] if command is None else [command]
        return self.client.run(
            ["setpriv", "--reuid", who, "--regid", who, "--init-groups",
             "ssh", "-T", "-o", "BatchMode=yes", *options, "git@gw", "--",
             *words], env={**self.env(who), **(env or {})},
            **{"check": False, **kwargs})

    def seed(self, repo, kib=1, commits=1):
        """alice makes the repository; its tip."""
        self.run("alice", f"""
            rm -rf seed && git init -q -b master seed && cd seed
            for i in $(seq {commits}); do
                head -c {kib}K /dev/urandom >file$i
                git add . && git commit -qm "commit $i"
            done
            git tag -a v1 -m one
            git push -q git@gw:{shlex.quote(repo)} master v1""", timeout=120)
        return self.run("alice", "git -C seed rev-parse HEAD").stdout.strip()

    def hold(self):
        """From now on each command waits on gl before gitolite sees it,
        until go()."""
        self.gl.write("/opt/postern/held", f"""#!/bin/sh
cat {GATE} >/dev/null
exec /usr/share/gitolite3/gitolite-shell "$@"
""", 0o755)
        self.gl.run(f"rm -f {GATE}; mkfifo -m 666 {GATE}")
        self.conf_more(self.gl, "gitolite-shell = /opt/postern/held")

    def conf_more(self, host, line):
        host.write(CONF, host.read(CONF) + line + "\n")

    def held(self, n=1):
        """Waits until n commands wait."""
        proc.wait_for(lambda: len(self.pids(self.gl, f"cat {GATE}")) == n,
                      30, f"{n} held commands")

    def go(self):
        """All that wait go on, and nobody waits any more."""
        self.gl.run(f"rm -f {GATE}.x; mv {GATE} {GATE}.x; : >{GATE}; "
                    f"timeout 5 sh -c ': >{GATE}.x'", check=False)

    # What came of it

    def audit(self, side, event=None):
        """The lines of gw's or gl's file, as objects."""
        host = {"gw": self.gw, "gl": self.gl}.get(side, side)
        if not host.exists(f"{LOG}/audit"):
            return []
        lines = [json.loads(x) for x in
                 host.read(f"{LOG}/audit").splitlines()]
        return [x for x in lines if event in (None, x["event"])]

    def wait_audit(self, side, hit, deadline_s=30):
        return proc.wait_for(
            lambda: next((x for x in self.audit(side) if hit(x)), None),
            deadline_s, f"audit line on {side}")

    def gitolite_log(self):
        done = self.gl.run("cat /home/git/.gitolite/logs/*")
        return done.stdout

    def pids(self, host, text):
        return [p for p in host.pids() if text in proc.cmdline(p)]

    def wait_pid(self, host, text, deadline_s=30):
        return proc.wait_for(lambda: self.pids(host, text), deadline_s,
                             f"process '{text}' on {host.name}")[0]

    def wait_pool(self, masters, run=RUN):
        """Until so many masters are up."""
        def up():
            path = f"{run}/mux/status"
            if not self.gw.exists(path):
                return False
            return self.gw.read(path).count(" up ") == masters
        proc.wait_for(up, 30, f"pool of {masters}")


@pytest.fixture(scope="session")
def git_hosts(lab):
    # For pytest a fixture that two files import is two: hosts are made once.
    if not hasattr(lab, "git"):
        lab.git = Git(lab)
    return lab.git


@pytest.fixture
def git(git_hosts):
    git_hosts.clean()
    yield git_hosts
    git_hosts.end_pool()
    for host in (git_hosts.client, git_hosts.gw, git_hosts.gl):
        if host.alive():
            host.link.restore()
