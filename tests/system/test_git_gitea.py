# SPDX-License-Identifier: ISC
"""Gitea's and Forgejo's way behind a gateway, by the lines of docs/git.md. Here
alone a program is a stand-in: neither has a package. /usr/local/bin/gitea takes
the words, the environment and the lines of authorized_keys as theirs do in
cmd/serv.go and models/asymkey; who may what is in a table, for there is no web
server."""

import json
import shutil

import pytest

from doclib import BUILDS, TREE, tutorial
from gitsetuplib import INFO, RC, Setup, findings, settle
from lab import proc

LINES = [x for x in tutorial(TREE / "docs/git.md")
         if x.hint.startswith("gitea")]
CONF = "/etc/postern/git.conf"
CONFIG = "/etc/gitea/app.ini"
TABLE = "/etc/gitea/keys"       # NUMBER USER REPOSITORY read|write
REPOS = "/var/lib/gitea/repositories"
KEYS = "/home/git/.ssh/authorized_keys"
KEYDIR = "/var/lib/gitea-keys"
GITEA = f"""#!/bin/sh
fail() {{ echo; echo "Gitea: $1" >&2; exit 1; }}
[ "$1 $2" = "--config={CONFIG} serv" ] && [ $# = 3 ] || fail "$*"
[ "$(id -un)" = git ] || fail "Expect user 'git'"
key=${{3#key-}}
case $3 in key-*[!0-9]*|key-) fail "Key ID format error";; key-*) ;;
*) fail "Key ID format error";; esac
env >/tmp/serv.env
[ -n "$SSH_ORIGINAL_COMMAND" ] || {{ echo "Hi there, $key!"; exit 0; }}
eval "set -- $SSH_ORIGINAL_COMMAND"
[ $# -ge 2 ] || fail "Too few arguments"
path=${{2#/}} want=read
case $path in */*) ;; *) fail "Invalid repository path";; esac
case $1 in
git-receive-pack) want=write;;
git-upload-pack|git-upload-archive) ;;
git-lfs-authenticate)
	echo '{{"href":"https://gitea.example/x.git/info/lfs"}}'; exit 0;;
*) fail "Unknown git command";;
esac
path=${{path%.git}}
grep -qE "^$key [a-z]+ $path (write|$want)\\$" {TABLE} || fail "no access"
cd {REPOS} && GITEA_KEY_ID=$key && export GITEA_KEY_ID
exec "$1" "$(echo "$path" | tr A-Z a-z)"
"""
MARK = "# gitea public key\n"


def line(number, public, owner=3):
    """As writeAuthorizedStringForKey() has it."""
    return (f'{MARK}command="/usr/local/bin/gitea --config={CONFIG} serv '
            f'key-{number}",no-port-forwarding,no-X11-forwarding,'
            "no-agent-forwarding,no-pty,no-user-rc,restrict "
            f"{' '.join(public.split()[:2])} user-{owner}\n")


class Site(Setup):
    """gl has Gitea instead of gitolite: `gt` in the tutorial."""

    def gitolite(self):
        gl = self.gl
        gl.run("useradd -m -s /bin/sh git; install -d -o git -m 700 "
               f"/home/git/.ssh; install -d -o git {REPOS}/team; "
               f"runuser -l git -c 'git init -q --bare {REPOS}/team/one.git'; "
               "mount --bind /dev/null /usr/bin/gitolite")
        gl.write("/usr/local/bin/gitea", GITEA, 0o755)
        gl.write(CONFIG, "RUN_USER = git\n")
        gl.write(TABLE, "7 alice team/one write\n8 bob team/one read\n")
        self.client.run("useradd -m -s /bin/sh alice; "
                        "install -d -o alice -m 700 /home/alice/.ssh")
        self.public = {n: self.key(n) for n in ("id_ed25519", "bob", "late")}
        self.client.write("/etc/ssh/ssh_known_hosts",
                          f"gw {self.gw.host_key}\n")
        # Somebody's own line and a principal's: no keys of Gitea's.
        self.others = (f"{self.key('own').strip()} serv key-99\n{MARK}"
                       f'command="/usr/local/bin/gitea --config={CONFIG} serv '
                       'key-98",no-pty,restrict carol # user-9\n')
        self.lines = {7: line(7, self.public["id_ed25519"]),
                      8: line(8, self.public["bob"], 4)}
        self.rewrite()

    def key(self, name):
        at = self.client.path(f"/home/alice/.ssh/{name}")
        self.lab.keygen(at, name)
        self.client.run("chown -R alice: /home/alice")
        return at.with_suffix(".pub").read_text()

    def rewrite(self):
        """As Gitea does it: another file in its place."""
        self.gl.write(f"{KEYS}.tmp", "".join(self.lines.values())
                      + self.others, 0o600)
        self.gl.run(f"chown git: {KEYS}.tmp; mv {KEYS}.tmp {KEYS}")

    def walk(self):
        """The tutorial's lines, then the three commands."""
        shutil.copytree(TREE / "packaging/gitea",
                        self.gl.path("/src/packaging/gitea"))
        for x in LINES:
            if x.command != BUILDS:
                folder = "/src" if "in the source" in x.hint else "/root"
                done = self.gl.run(f"cd {folder}; {x.command}", check=False)
                assert done.returncode == x.expect, (x.command, done)
        self.commands = self.all()
        for host in (self.gw, self.gl):
            settle(host)


@pytest.fixture(scope="module")
def site(lab):
    made = Site(lab, ("h47", "h48", "h49"))
    made.walk()
    yield made
    for host in made.hosts:
        lab.remove(host)


def ssh(name):
    return (f"ssh -i /home/alice/.ssh/{name} -o IdentitiesOnly=yes "
            "-o BatchMode=yes")


def names(site):
    return sorted(site.gl.run(f"cd {KEYDIR} && echo *.pub").stdout.split())


def test_clones_and_pushes_are_giteas_to_allow(site):
    assert len(LINES) == 9 and not site.gl.exists(RC)
    assert names(site) == ["key-7.pub", "key-8.pub"]
    site.alice("git init -q -b main w && cd w && date >f && git add f && "
               "git commit -qm one && git push -q git@gw:team/one.git main && "
               "cd && git clone -q -b main git@gw:team/one c; cmp w/f c/f")
    env = dict(x.split("=", 1) for x in
               site.gl.read("/tmp/serv.env").splitlines() if "=" in x)
    assert env["SSH_ORIGINAL_COMMAND"] == "git-upload-pack 'team/one'"
    assert env["GIT_PROTOCOL"] == "version=2" and env["HOME"] == "/home/git"
    assert env["SSH_CONNECTION"].split()[0] == site.client.ip
    bob = f"GIT_SSH_COMMAND='{ssh('bob')}'"
    site.alice(f"{bob} git clone -q -b main git@gw:team/one b; cmp w/f b/f")
    done = site.alice("cd b && git commit -q --allow-empty -m x && "
                      f"{bob} git push -q origin main", check=False)
    assert done.returncode != 0 and "Gitea: no access" in done.stderr
    done = site.alice("git ls-remote git@gw:team/two", check=False)
    assert done.returncode != 0 and "Gitea: no access" in done.stderr
    ids = {json.loads(x)["id"] for x in site.gw.run(
        "postern git audit --json").stdout.splitlines()}
    assert ids - {"postern-check"} == {"key-7", "key-8"}


def test_both_sides_find_nothing_wrong(site):
    for host in (site.gw, site.gl):
        proc.wait_for(lambda h=host: findings_of(h) == {}, 60, "no finding")
        assert findings(host, 0) == {}


def findings_of(host):
    rows = [json.loads(x) for x in host.run(
        "postern git check --json", check=False).stdout.splitlines()]
    return {r["check"]: r["why"] for r in rows if r["ok"] is False}


def test_keys_that_come_and_go_on_the_web_pages_do_so_here(site):
    late = f"{ssh('late')} git@gw \"git-upload-pack 'team/one'\" </dev/null"

    def answer():
        done = site.alice(late, check=False)
        return "refused" if "Permission denied" in done.stderr else done.stderr
    assert answer() == "refused"
    site.lines[12] = line(12, site.public["late"], 5)
    with open(site.gl.path(KEYS), "a", encoding="ascii") as f:
        f.write(site.lines[12])
    proc.wait_for(lambda: "Gitea: no access" in answer(), 60, "the key")
    assert names(site) == ["key-12.pub", "key-7.pub", "key-8.pub"]
    del site.lines[12]
    site.rewrite()
    proc.wait_for(lambda: answer() == "refused", 60, "its end")
    assert names(site) == ["key-7.pub", "key-8.pub"]
    assert site.alice("git ls-remote git@gw:team/one").stdout


def test_a_file_without_a_key_of_giteas_takes_none_away(site):
    kept = site.gl.read(KEYS)
    site.gl.write(KEYS, "")
    try:
        done = site.gl.run("runuser -u git -- env HOME=/home/git gitea-keys",
                           check=False)
        assert done.returncode == 1 and "all stays as it is" in done.stderr
        assert names(site) == ["key-7.pub", "key-8.pub"]
        assert site.alice("git ls-remote git@gw:team/one").stdout
        # By hand the last ones go, too.
        site.gl.run(f"rm {KEYDIR}/key-*.pub; runuser -u git -- env "
                    "HOME=/home/git postern git push-keys --force")
        done = site.alice("git ls-remote git@gw:team/one", check=False)
        assert "Permission denied" in done.stderr, done
    finally:
        site.gl.write(KEYS, kept)
    proc.wait_for(lambda: site.alice("git ls-remote git@gw:team/one",
                                     check=False).stdout, 60, "its keys")
    assert names(site) == ["key-7.pub", "key-8.pub"]


def test_what_gitea_does_not_know_is_told_so(site):
    done = site.alice(INFO, check=False)
    assert done.returncode == 1 and "Gitea: Too few arguments" in done.stderr
    for command in ("", "ssh_info"):
        done = site.alice(f"ssh -o BatchMode=yes git@gw {command}",
                          check=False)
        assert done.returncode == 1 and done.stdout == "", done
        assert "git gateway: refused: " in done.stderr


def test_lfs_goes_on_at_the_web_server(site):
    """By an address that the client has to reach itself."""
    ask = "ssh -o BatchMode=yes git@gw git-lfs-authenticate team/one download"
    kept = [(h, h.read(CONF)) for h in (site.gw, site.gl)]
    assert "LFS is not let through" in site.alice(ask, check=False).stderr
    try:
        for host, text in kept:
            host.write(CONF, text + "lfs = yes\n")
        href = json.loads(site.alice(ask).stdout)["href"]
        assert href.startswith("https://gitea.")
    finally:
        for host, text in kept:
            host.write(CONF, text)
