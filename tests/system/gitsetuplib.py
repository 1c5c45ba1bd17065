# SPDX-License-Identifier: ISC
"""Two hosts that the three commands of `postern git` set up, and a client.

    from gitsetuplib import ready       # the fixture; in each test file

    def test_something(ready):
        ready.alice("git clone git@gw:t/x")
        assert findings(ready.gw, 0) == {}

A test leaves them as it found them: files of tests share them, those that come
one after the other, and nothing is set up twice. Who breaks them makes a Setup
of his own, and removes its hosts.
"""

import json
import os
import pathlib
import shutil

import pytest

from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
LIBEXEC = "/usr/local/libexec/postern"
PROGRAMS = ("postern-git", "postern-git-proxy", "postern-git-serve",
            "postern-git-keys")
ETC = "/etc/postern/git"
DROPIN = "/etc/ssh/sshd_config.d/50-postern-git.conf"
RC = "/home/git/.gitolite.rc"
ADMIN = ("GIT_SSH_COMMAND='ssh -F none -i /root/.ssh/admin "
         "-o StrictHostKeyChecking=accept-new'")
NAMES = ("client", "gw", "gl")
KEYS = "/var/lib/postern/git/keys"
CHECK = "/run/postern-git-check"
INFO = "ssh -o BatchMode=yes git@gw info"
AT = ("h41", "h42", "h43")


def kept(lab):
    """The set-ups that files of tests share: by the names of their hosts."""
    if not hasattr(lab, "git_setups"):
        lab.git_setups = {}
    return lab.git_setups


def end(lab, names):
    for host in kept(lab).pop(names).hosts:
        lab.remove(host)


def shared(lab, names):
    """The one of these names, made where there is none; another one ends."""
    if names not in kept(lab):
        for other in list(kept(lab)):
            end(lab, other)
        made = Setup(lab, names)
        kept(lab)[names] = made
    return kept(lab)[names]


def settle(host):
    proc.wait_for(lambda: host.run(
        ["ssh-keyscan", "-t", "ed25519", "localhost"],
        check=False).stdout, 20, "sshd after its reload")


class Setup:
    """Three hosts: gw with sshd and our programs; gl with gitolite, set up
    as its manual says, besides; the client with git."""

    def __init__(self, lab, names):
        self.lab, self.commands = lab, None
        for other in [n for n in kept(lab) if set(n) & set(names)]:
            end(lab, other)
        self.client, self.gw, self.gl = self.hosts = lab.boot(*names)
        for host in self.hosts:
            host.write("/etc/hosts", host.read("/etc/hosts") + "".join(
                f"{h.ip} {n}\n" for h, n in zip(self.hosts, NAMES)))
        self.install(self.gw)
        self.install(self.gl)
        self.gitolite()
        for here, there in ((self.client, self.gl), (self.gl, self.client)):
            here.run(["ip", "route", "add", "blackhole", f"{there.ip}/32"])

    @staticmethod
    def install(host):
        """As `make install` does."""
        at = host.path(LIBEXEC)
        at.mkdir(parents=True)
        for name in PROGRAMS:
            shutil.copy(BUILD / "tools/git" / name, at / name)
        host.path("/usr/local/bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILD / "postern", host.path("/usr/local/bin/postern"))
        host.run(f"ln -s {LIBEXEC}/postern-git-proxy "
                 "/usr/local/bin/gitolite-proxy; "
                 "chown -R root: /usr/local/bin /usr/local/libexec")

    def gitolite(self):
        """gitolite, and alice in it; she may make repositories t/..."""
        gl = self.gl
        gl.run("useradd -m -s /bin/sh git")
        self.lab.keygen(gl.path("/root/.ssh/admin"), "admin")
        self.client.run("useradd -m -s /bin/sh alice; "
                        "install -d -o alice -m 700 /home/alice/.ssh")
        key = self.client.path("/home/alice/.ssh/id_ed25519")
        self.lab.keygen(key, "alice@client")
        self.client.run("chown -R alice: /home/alice")
        self.client.write("/etc/ssh/ssh_known_hosts",
                          f"gw {self.gw.host_key}\n")
        gl.run("cp /root/.ssh/admin.pub /tmp; cd /home/git; "
               "runuser -u git -- env HOME=/home/git "
               "gitolite setup -pk /tmp/admin.pub")
        gl.write("/tmp/alice.pub", key.with_suffix(".pub").read_text())
        gl.write("/tmp/conf", "repo gitolite-admin\n\tRW+ = admin\n"
                 "repo t/..*\n\tC = alice\n\tRW+ = alice\n")
        gl.run(f"""
            set -e
            {ADMIN} git clone -q git@gl:gitolite-admin /root/adm
            cd /root/adm
            cp /tmp/alice.pub keydir; cp /tmp/conf conf/gitolite.conf
            git add -A; git -c user.name=a -c user.email=a@b commit -qm alice
            """)
        self.admin()

    def admin(self):
        """git push to gitolite-admin as gitolite's admin does it on gl."""
        done = self.gl.run(f"cd /root/adm && {ADMIN} git push -q "
                           "git@gl:gitolite-admin HEAD:master")
        return done.stdout + done.stderr

    def alice(self, cmd, check=True):
        return self.client.run(
            ["runuser", "-u", "alice", "--", "sh", "-ec", f"cd; {cmd}"],
            env={"HOME": "/home/alice", "GIT_AUTHOR_NAME": "a",
                 "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                 "GIT_COMMITTER_EMAIL": "a@b"}, check=check)

    @staticmethod
    def paste(host, line, status):
        """Runs what a person pastes; what it prints for the other side."""
        done = host.run(line, check=False)
        assert done.returncode == status, done
        lines = done.stdout.splitlines()
        assert len(lines) == 1, done
        return lines[0], done.stderr

    def all(self):
        """The three commands, of which a person wrote the first."""
        first = "postern git setup-gateway --server git@gl --here git@gw"
        for_gl, _ = self.paste(self.gw, first, 2)
        for_gw, self.half = self.paste(self.gl, for_gl, 2)
        _, self.whole = self.paste(self.gw, for_gw, 0)
        return first, for_gl, for_gw

    def set_up(self):
        """All three, as long as nobody has run them here."""
        if self.commands is None:
            self.commands = self.all()
            for host in (self.gw, self.gl):
                settle(host)
        return self


@pytest.fixture(scope="module")
def fresh(lab):
    """Nobody has run anything there."""
    if AT in kept(lab) and kept(lab)[AT].commands:
        end(lab, AT)
    return shared(lab, AT)


@pytest.fixture(scope="module")
def ready(lab):
    return shared(lab, AT).set_up()


def findings(host, status):
    done = host.run("postern git check --json", check=False)
    assert done.returncode == status, done.stdout
    rows = [json.loads(x) for x in done.stdout.splitlines()]
    assert len(rows) >= 4
    return {r["check"]: r["why"] for r in rows if r["ok"] is False}


def generations(ready):
    return ready.gw.run(f"readlink {KEYS}/current; ls {KEYS}/generations"
                        ).stdout


def wait_masters(ready):
    """The pool's own, after the last restart."""
    proc.wait_for(lambda: json.loads(ready.gw.run(
        "postern git status --json", check=False).stdout)["masters-up"] == 2,
        40,
        "two masters")


def breaks(host, path):
    """(break, mend) of a file of the host."""
    return (lambda: host.run(f"mv {path} {path}.off"),
            lambda: host.run(f"mv {path}.off {path}"))


@pytest.fixture
def drop_in(ready):
    """Lines of the gateway's drop-in replaced, and in force; put back."""
    old = ready.gw.read(DROPIN)

    def change(*pairs):
        new = old
        for was, now in pairs:
            assert was in new
            new = new.replace(was, now)
        ready.gw.write(DROPIN, new)
        ready.gw.run("systemctl reload ssh")

    yield change
    ready.gw.write(DROPIN, old)
    ready.gw.run("systemctl reload ssh")


@pytest.fixture
def no_timer(ready):
    """No push meanwhile, which would mend what is broken."""
    ready.gl.run("systemctl stop postern-git-push.timer")
    yield
    ready.gl.run("systemctl start postern-git-push.timer")


def sshd_says(host):
    return dict(x.split(" ", 1) for x in host.run(
        ["sshd", "-T", "-C", "user=git,host=x,addr=10.0.0.1"]
    ).stdout.splitlines())
