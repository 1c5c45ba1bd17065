# SPDX-License-Identifier: ISC
"""docs/git.md line by line, as it stands there, on fresh machines: desk,
which reaches gw and gv only; gw and gl, with gitolite; gv and gs, with
git-shell. Beside the lines of doclib.py: `as printed` is the line that the
command before it has printed for this host."""

import json
import re
import subprocess

import pytest

from doclib import BUILDS, LINE_S, TREE, Machines, tutorial
from gitkeylib import fingerprint
from lab import proc

# Others have these: test_git_mirror_setup.py, test_git_gitea.py.
LINES = [line for line in tutorial(TREE / "docs/git.md")
         if not line.hint.startswith(("a mirror", "gitea"))]
HOSTS = ("desk", "gw", "gl", "gv", "gs")
BEHIND = ("gl", "gs")
WORDS = re.compile(r"'(ssh-\S+)[^']*'")
CLIENTS, PEOPLE = 60, 6


class Walk:
    """The tutorial, once, to its end; what came of each line."""

    def __init__(self, lab):
        self.lab = lab
        self.hosts = dict(zip(HOSTS, lab.fresh(len(HOSTS))))
        self.printed = None
        self.people()
        for line in LINES:
            self.do(line)
            if line.rc != line.expect:
                break

    def close(self):
        for host in self.hosts.values():
            self.lab.remove(host)

    def people(self):
        """Who they are, their keys, which host keys they know, who reaches
        whom: all that the tutorial takes for granted."""
        desk, gl = self.hosts["desk"], self.hosts["gl"]
        # The lab has it everywhere; a server of git-shell has not.
        self.hosts["gs"].run("mount --bind /dev/null /usr/bin/gitolite")
        for name, host in self.hosts.items():
            host.run(["hostname", name])
            host.write("/etc/hosts", host.read("/etc/hosts") + "".join(
                f"{h.ip} {n}\n" for n, h in self.hosts.items()))
        for host, user, knows in ((desk, "alice", ("gw", "gv")),
                                  (gl, "ada", ("gl",))):
            host.run(f"useradd -m -s /bin/bash {user}")
            home = host.path(f"/home/{user}/.ssh")
            home.mkdir(mode=0o700)
            self.lab.keygen(home / "id_ed25519", f"{user}@{host.name}")
            (home / "known_hosts").write_text("".join(
                f"{n} {self.hosts[n].host_key}\n" for n in knows))
            host.write(f"/home/{user}/.gitconfig",
                       f"[user]\nname={user}\nemail={user}@x\n")
        self.lab.keygen(desk.path("/home/alice/alice-work"), "work")
        self.lab.keygen(desk.path("/root/user_ca"), "ca")
        desk.run("chown -R alice: /home/alice")
        gl.run("chown -R ada: /home/ada; "
               "cp /home/ada/.ssh/id_ed25519.pub /tmp/ada.pub")
        self.hosts["gw"].write("/tmp/user_ca.pub",
                               desk.read("/root/user_ca.pub"))
        for name in BEHIND:
            host = self.hosts[name]
            host.write("/tmp/alice.pub",
                       desk.read("/home/alice/.ssh/id_ed25519.pub"))
            for here, there in ((desk, host), (host, desk)):
                here.run(["ip", "route", "add", "blackhole",
                          f"{there.ip}/32"])

    def do(self, line):
        host, command = self.hosts[line.host], line.command
        if line.hint.startswith("as printed"):
            # Of the same words but for the keys, which nobody could know.
            assert WORDS.sub("KEY", self.printed) == command.replace(
                "'KEY'", "KEY").replace("'HOSTKEY'", "KEY"), self.printed
            command = self.printed
        if command == BUILDS:
            line.rc, line.out = Machines.install(host)
            return
        if command == "postern git check" and line.host == "gw":
            self.wait_masters(host)
        folder = "/src" if line.hint == "in the source" else "~"
        done = host.run(Machines.argv(line.user, command, folder),
                        check=False, timeout=LINE_S)
        line.rc, line.out = done.returncode, done.stdout + done.stderr
        if "postern git setup-" in command:
            self.printed = done.stdout.strip()
        if "setup-" in command or "systemctl reload ssh" in command:
            proc.wait_for(lambda: host.run(
                ["ssh-keyscan", "-t", "ed25519", "localhost"],
                check=False).stdout, 30, "sshd after its reload")

    @staticmethod
    def wait_masters(host):
        def up():
            said = host.run("postern git status --json", check=False).stdout
            return json.loads(said or "{}").get("masters-up") == 2
        proc.wait_for(up, 60, "two masters")

    def line(self, words, nth=0):
        return [x for x in LINES if words in x.command][nth]

    def run(self, name, user, command, **kwargs):
        return self.hosts[name].run(Machines.argv(user, command), **kwargs)


@pytest.fixture(scope="module")
def walk(lab):
    made = Walk(lab)
    yield made
    made.close()


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_line_of_the_tutorial_does_what_it_says(walk, line):
    assert line.rc == line.expect, f"{line.command}\n{line.out}"


def test_what_is_seen_is_what_the_tutorial_says(walk):
    assert "hello alice, this is git@gl" in walk.line("git@gw info").out
    assert "alice ssh-ed25519 SHA256:" in walk.line("explain --id").out
    assert "there is no generation before" in walk.line("rollback").out
    checks = [x for x in LINES if x.command == "postern git check"]
    assert len(checks) == 3
    ends = [x for x in LINES if "setup-gateway" in x.command
            and "--key" in x.command]
    assert len(ends) == 2
    for line in ends:
        assert "asked for its keys: " in line.out, line.out
        assert "things were tried, all is well" in line.out
    for line in checks:
        assert "WRONG" not in line.out and line.out.count("ok ") >= 4


def test_the_certificate_let_in_and_nothing_else_did(walk):
    line = walk.line("ssh -i alice-work")
    assert "hello alice" in line.out
    public = walk.hosts["desk"].read("/home/alice/alice-work.pub")
    log = walk.hosts["gw"].run("journalctl -q -o cat -t postern-git").stdout
    assert f"id=alice ip={walk.hosts['desk'].ip} fp={fingerprint(public)}" \
        in log
    done = walk.run("desk", "alice", "mv alice-work-cert.pub aside; "
                    "ssh -o IdentitiesOnly=yes -o BatchMode=yes "
                    "-i alice-work git@gw info", check=False)
    assert done.returncode == 255 and "Permission denied" in done.stderr


def test_what_is_not_signed_is_told_so(walk):
    assert "this repository takes pushes that are signed by who pushes" in \
        walk.line("-m second").out
    tip = walk.run("desk", "alice", "git ls-remote git@gw:projects/signed "
                   "HEAD; git -C signed rev-parse HEAD~1").stdout.split()
    assert tip[0] == tip[2]


def test_git_shell_says_which_of_its_users_it_was(walk):
    """Its hook finds the id; another repository can be closed to all."""
    gs = walk.hosts["gs"]
    hook = "/home/git/projects/two.git/hooks/post-receive"
    gs.write(hook, '#!/bin/sh\necho "it is $POSTERN_ID"\n', 0o755)
    done = walk.run("desk", "alice", "cd two && git commit -q --allow-empty "
                    "-m more && git push origin HEAD:main")
    assert "it is alice" in done.stderr
    done = walk.run("desk", "alice", "ssh git@gv info", check=False)
    assert done.returncode != 0 and "unrecognized command" in done.stderr
    gs.run("echo 'read-only = projects/*' >>/etc/postern/git.conf")
    done = walk.run("desk", "alice", "cd two && git commit -q --allow-empty "
                    "-m no && git push origin HEAD:main", check=False)
    assert done.returncode != 0 and "can only be read" in done.stderr
    # No other name of it says otherwise.
    for url in ("git@gv:/home/git/projects/two", "git@gv:/projects/two.git",
                "ssh://git@gv/home/git/projects/two.git"):
        done = walk.run("desk", "alice", f"cd two && git push {url} HEAD:no",
                        check=False)
        assert done.returncode != 0, (url, done)
    assert not gs.run("cd /home/git/projects/two.git && runuser -u git -- "
                      "git branch --list no").stdout
    walk.run("desk", "alice", "git clone -q git@gv:projects/two again && "
             "cmp two/when again/when")
    # A key that goes is out with the next push of the keys.
    gs.run("mv /srv/git-keys/alice.pub /srv/git-keys/bob.pub && "
           "postern git push-keys --force")
    walk.run("desk", "alice", "printf 0000 | ssh git@gv git-upload-pack "
             "\"'projects/two'\"")
    assert "id=bob" in gs.run("journalctl -q -o cat -t postern-git").stdout


def test_sixty_clients_at_once_where_sshd_is_as_the_tutorial_leaves_it(walk):
    """Six users with ten clients each, at a server whose sshd has what
    setup-server wrote, and at a gateway as the tutorial has it."""
    gl, desk = walk.hosts["gl"], walk.hosts["desk"]
    assert "maxstartups 100:30:200" in gl.run("sshd -T").stdout
    gw = walk.hosts["gw"]
    assert "maxstartups 200:" in gw.run("sshd -T").stdout
    keys = desk.path("/home/alice/keys")
    keys.mkdir()
    for n in range(PEOPLE):
        walk.lab.keygen(keys / f"u{n}", f"u{n}")
        gl.write(f"/home/ada/gitolite-admin/keydir/u{n}.pub",
                 (keys / f"u{n}.pub").read_text())
    desk.run("chown -R alice: /home/alice/keys")
    gl.run("chown -R ada: /home/ada")
    walk.run("gl", "ada", "cd gitolite-admin && git add . && "
             "git commit -q -m more && git push -q", timeout=120)
    clients = [desk.popen(Machines.argv(
        "alice", f"GIT_SSH_COMMAND='ssh -i keys/u{n % PEOPLE} "
        "-o IdentitiesOnly=yes' git clone -q git@gw:projects/one "
        f"many{n}"), stderr=subprocess.PIPE, text=True)
        for n in range(CLIENTS)]
    said = [p.communicate(timeout=LINE_S)[1] for p in clients]
    assert [p.returncode for p in clients] == [0] * CLIENTS, said
    walk.run("desk", "alice", " && ".join(
        f"cmp one/when many{n}/when" for n in range(CLIENTS)))
    ends = [x for x in gl.run("journalctl -q -o cat -t postern-git")
            .stdout.splitlines() if re.search(r"^end .* id=u\d .*exit=0", x)]
    assert len(ends) == CLIENTS
