# SPDX-License-Identifier: ISC
"""Where bench/git measures: a client, a gateway and a git server, hosts of
tests/lab, made as a person makes them: `gitolite setup`, then the three
commands of `postern git`. sshd on both is as these leave it.

The client's names: WAY-N, for people 0 to PEOPLE - 1, so `git clone ours-2:t/x`
is that of the third person by way `ours`.
"""
import contextlib
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from common import BIN, BUILD  # noqa: E402
from lab import proc  # noqa: E402
from lab.lab import Lab  # noqa: E402

LIBEXEC = "/usr/local/libexec/postern"
PROGRAMS = ("postern-git", "postern-git-proxy", "postern-git-serve",
            "postern-git-keys")
CONF = "/etc/postern/git.conf"
BASE = "/etc/postern/git/authorized_keys"
STANDIN = "/usr/local/bin/gitproxy_standin.py"
PEOPLE = 4          # the default is at most 50 sessions of one at once
HOME = "/home/alice"
SETTLE_S = 20
ADMIN = ("ssh -F none -i /root/.ssh/admin "
         "-o StrictHostKeyChecking=accept-new")
GITOLITE = "repo t/..*\n\tC = u0\n\tRW+ = u0\n\tR = @all\n"
# What the original's set-up has gl's authorized_keys say for the gateway's
# key, as a script.
UNWRAP = """#!/bin/sh
id=${SSH_ORIGINAL_COMMAND%% *}
SSH_ORIGINAL_COMMAND=${SSH_ORIGINAL_COMMAND#* }
export SSH_ORIGINAL_COMMAND
exec /usr/share/gitolite3/gitolite-shell "$id"
"""


def python():
    """Debian's, which is not in the lab's root: its one file and its folder."""
    exe = Path("/usr/bin/python3").resolve()
    return exe, Path("/usr/lib") / exe.name


class Gateway:
    def __init__(self, lab):
        self.lab = lab
        self.python, folder = python()
        self.client, self.gw, self.gl = self.hosts = lab.boot(
            "h1", "h2", "h3", binds=[(folder, folder)])
        names = "".join(f"{h.ip} {n}\n" for h, n in zip(
            self.hosts, ("client", "gw", "gl")))
        for host in self.hosts:
            host.write("/etc/hosts", host.read("/etc/hosts") + names)
        self.known = (f"gw,{self.gw.ip} {self.gw.host_key}\n"
                      f"gl,{self.gl.ip} {self.gl.host_key}\n")
        self.people()
        self.gitolite()
        self.postern()
        self.standin()
        self.direct()
        self.quiet = None

    # Making it

    def people(self):
        c = self.client
        c.run(f"useradd -m -s /bin/sh alice; install -d -m 700 {HOME}/.ssh")
        self.keys = []
        for i in range(PEOPLE):
            for name in (f"u{i}", f"s{i}"):
                self.lab.keygen(c.path(f"{HOME}/.ssh/{name}"), name)
            self.keys.append(tuple(
                c.read(f"{HOME}/.ssh/{n}{i}.pub") for n in "us"))
        c.write(f"{HOME}/.ssh/config", "".join(
            f"Host *-{i}\n\tIdentityFile ~/.ssh/u{i}\n"
            f"Host standin-{i}\n\tIdentityFile ~/.ssh/s{i}\n"
            for i in range(PEOPLE)).replace(
                "Host *-", "Host !standin-* *-") +
            "Host direct-*\n\tHostName gl\nHost *\n\tHostName gw\n"
            "\tUser git\n\tIdentitiesOnly yes\n\tBatchMode yes\n")
        c.run(f"chown -R alice: {HOME}")
        c.write("/etc/ssh/ssh_known_hosts", self.known)
        shutil.copy(BIN / "measure", c.path("/usr/local/bin/measure"))

    def gitolite(self):
        gl = self.gl
        gl.run("useradd -m -s /bin/sh git")
        self.lab.keygen(gl.path("/root/.ssh/admin"), "admin")
        gl.run("cp /root/.ssh/admin.pub /tmp; cd /home/git; "
               "runuser -u git -- env HOME=/home/git "
               "gitolite setup -pk /tmp/admin.pub; "
               f"export GIT_SSH_COMMAND='{ADMIN}'; "
               "git clone -q git@gl:gitolite-admin /root/adm")
        for i, (key, _) in enumerate(self.keys):
            gl.write(f"/root/adm/keydir/u{i}.pub", key)
        at = "/root/adm/conf/gitolite.conf"
        gl.write(at, gl.read(at) + GITOLITE)
        gl.run("cd /root/adm; git add -A; git -c user.name=a "
               "-c user.email=a@b commit -qm keys; "
               f"GIT_SSH_COMMAND='{ADMIN}' git push -q origin HEAD:master")

    def postern(self):
        """As `make install` does, then what a person types and pastes."""
        for host in (self.gw, self.gl):
            at = host.path(LIBEXEC)
            at.mkdir(parents=True)
            for name in PROGRAMS:
                shutil.copy(BUILD / "tools/git" / name, at / name)
            shutil.copy(BUILD / "postern",
                        host.path("/usr/local/bin/postern"))
            host.run("chown -R root: /usr/local")
        line = "postern git setup-gateway --server git@gl --here git@gw"
        for host in (self.gw, self.gl, self.gw):
            done = host.run(line, check=False)
            if done.returncode not in (0, 2):
                raise SystemExit(f"bench: {line}: {done}")
            line = done.stdout.strip()
        for host in (self.gw, self.gl):
            proc.wait_for(lambda h=host: h.run(
                ["ssh-keyscan", "-t", "ed25519", "localhost"],
                check=False).stdout, 20, "sshd after its reload")
        self.gl.run("postern git push-keys")
        self.conf = self.gw.read(CONF)

    def standin(self):
        """The stand-in beside ours: keys of its own in the administrator's
        part of gw's list; on gl a key that gitolite does not manage."""
        gw, gl = self.gw, self.gl
        shutil.copy(self.python, gw.path("/usr/bin/python3"))
        shutil.copy(ROOT / "bench/gitproxy_standin.py", gw.path(STANDIN))
        gw.run(f"chmod 755 {STANDIN}; install -d -o git -m 700 /home/git/.ssh")
        self.lab.keygen(gw.path("/home/git/.ssh/id_ed25519"), "standin")
        gw.run("chown -R git: /home/git/.ssh")
        gw.write("/etc/ssh/ssh_known_hosts", self.known)
        gw.write(BASE, gw.read(BASE) + "".join(
            f'restrict,command="{STANDIN} u{i}" {key}'
            for i, (_, key) in enumerate(self.keys)))
        gl.write("/usr/local/bin/unwrap", UNWRAP, 0o755)
        at = "/home/git/.ssh/authorized_keys"
        gl.write(at, 'restrict,command="/usr/local/bin/unwrap" ' + gw.read(
            "/home/git/.ssh/id_ed25519.pub") + gl.read(at), 0o600)
        gl.run("chown git: " + at)

    def direct(self):
        """gl takes GIT_PROTOCOL from direct clients and from the stand-in,
        too: protocol v2 for all. Both take many clients at once."""
        for host in (self.gw, self.gl):
            host.write("/etc/ssh/sshd_config.d/60-bench.conf",
                       "MaxStartups 100:30:200\nAcceptEnv GIT_PROTOCOL\n")
            host.run("systemctl reload ssh")

    # Work

    def alice(self, script, **kwargs):
        return self.client.run(
            ["setpriv", "--reuid", "alice", "--regid", "alice",
             "--init-groups", "sh", "-ec", f"cd; {script}"],
            env={"HOME": HOME, "USER": "alice", "LOGNAME": "alice",
                 "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
                 "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"},
            **{"timeout": 600, **kwargs})

    def seed(self, repo, files, kib):
        """Packed as `git gc` leaves it, or each clone would look for deltas
        anew."""
        self.alice(f"""
            rm -rf seed; git init -q -b master seed; cd seed
            for i in $(seq {files}); do
                head -c {kib}K /dev/urandom >file$i
                git add .; git commit -qm "commit $i"
            done
            git push -q direct-0:{repo} master; cd; rm -rf seed""")
        self.gl.run(["runuser", "-u", "git", "--", "git", "-C",
                     f"/home/git/repositories/{repo}.git", "repack", "-adq",
                     "--window=0"], timeout=600)

    def mux(self, n):
        """Sessions from now on use n masters; the pool itself stays up."""
        self.gw.write(CONF, self.conf.replace(
            "[gateway]\n", f"[gateway]\nmux = {n}\n"))

    def pool(self):
        """Until both masters are up."""
        def up():
            at = "/run/postern-git/mux/status"
            return self.gw.exists(at) and self.gw.read(at).count(" up ") == 2
        proc.wait_for(up, 60, "pool of two masters")

    def settle(self):
        """Until nobody is left of what the last command started."""
        if self.quiet is None:
            self.quiet = self.count()
        try:
            proc.wait_for(lambda: self.count() <= self.quiet, SETTLE_S,
                          "end of the last command")
        except proc.Deadline:
            self.quiet = self.count()       # who came to stay

    def count(self):
        """Processes of the hosts; a relay between them is none."""
        return sum(len(proc.pids_in(h.cgroup)) for h in self.hosts)

    def cpu(self):
        """Seconds that all three hosts have used."""
        texts = [(h.cgroup / "cpu.stat").read_text() for h in self.hosts]
        return sum(int(t.split("usage_usec ")[1].split()[0])
                   for t in texts) / 1e6

    def logins(self):
        """Connections that gl's sshd has let in since it is up."""
        return int(self.gl.run(
            "journalctl --sync; journalctl -q -o cat -t sshd "
            "-g '^Accepted' | wc -l").stdout)

    @classmethod
    @contextlib.contextmanager
    def up(cls):
        if os.geteuid() != 0:
            raise SystemExit("bench/git: needs root, for namespaces")
        with Lab() as lab:
            yield cls(lab)
