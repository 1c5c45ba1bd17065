# SPDX-License-Identifier: ISC
"""postern git: a push to gitolite-admin changes who gets in at the gateway.
Real gitolite with our trigger, real git clients, nothing in between."""

import os
import subprocess

import pytest

from gitkeylib import fingerprint
from gitlib import BUILD, ETC, RUN, SSHD, STORE, TOOLS, git, git_hosts

from lab import proc

__all__ = ["git", "git_hosts"]

LOCAL = "/opt/postern/gitolite"
RC = "/home/git/.gitolite.rc"
PUSH = f"{TOOLS}/postern-git"


class Site:
    """gitlib's hosts, with keys by way of pushes and not by hand."""

    def __init__(self, git, index=False, **gateway):
        self.git, self.gw, self.gl = git, git.gw, git.gl
        self.programs()
        self.gw.run(f"rm -rf {os.path.dirname(STORE)}; install -d -o git -g "
                    f"git -m 700 {os.path.dirname(STORE)} {STORE}")
        self.gl.run("rm -rf /var/lib/postern/git; install -d -o git -g git "
                    f"-m 700 /var/lib/postern/git; rm -rf {LOCAL}; "
                    f"install -d {LOCAL}/triggers; ln -s {PUSH} "
                    f"{LOCAL}/triggers/push-authkeys; rm -f {ETC}/push*")
        git.lab.keygen(self.gl.path(f"{ETC}/push"), "push")
        self.gl.run(f"chown root:git {ETC}/push; chmod 640 {ETC}/push")
        public = self.gl.read(f"{ETC}/push.pub").strip()
        self.gl.write(f"{ETC}/push_hosts", f"gw {self.gw.host_key}\n")
        self.gw.write(f"{ETC}/allowed_signers", f"gitolite {public}\n")
        self.gw.write(f"{ETC}/authorized_keys", "restrict,command="
                      f'"{TOOLS}/postern-git-proxy --auth-update" {public}\n')
        self.sshd(index)
        git.conf(gw=[f"{k.replace('_', '-')} = {v}"
                     for k, v in gateway.items()],
                 gl=["gateway = git@gw", f"push-key = {ETC}/push",
                     f"push-known-hosts = {ETC}/push_hosts"])
        self.trigger()

    def programs(self):
        for host in (self.gw, self.gl):
            at = host.path(f"{TOOLS}/postern-git-keys")
            at.write_bytes(
                (BUILD / "tools/git/postern-git-keys").read_bytes())
            at.chmod(0o755)

    def sshd(self, index):
        files = f"{ETC}/authorized_keys"
        more = (f"\tAuthorizedKeysCommand {TOOLS}/postern-git-keys %f\n"
                "\tAuthorizedKeysCommandUser git\n")
        if not index:
            files, more = files + f" {STORE}/current/authorized_keys", ""
        self.gw.write("/etc/ssh/sshd_config.d/50-postern-git.conf",
                      f"Match User git\n\tAuthorizedKeysFile {files}\n{more}"
                      "\tAcceptEnv GIT_PROTOCOL\n\tExposeAuthInfo yes\n")
        self.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
        self.gw.wait_up()

    def trigger(self):
        """Into gitolite's settings, as its manual says."""
        self.kept = self.gl.read(RC)
        lines = (f'    LOCAL_CODE => "{LOCAL}",\n'
                 "    POST_COMPILE => ['push-authkeys'],\n")
        self.gl.write(RC, self.kept.replace("    ENABLE => [",
                                            lines + "    ENABLE => [", 1))

    def close(self):
        self.gl.write(RC, self.kept)
        self.gl.run("cd /root/admin && git checkout -q -f HEAD && "
                    "git clean -qfd && rm -rf keydir/carol.pub "
                    "keydir/eve* keydir/y", check=False)
        self.git.admin()
        self.gw.write("/etc/ssh/sshd_config.d/50-postern-git.conf",
                      SSHD["gw"])
        self.gw.write(f"{ETC}/authorized_keys", "")
        self.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
        self.gw.wait_up()

    def keydir(self, name, content):
        at = self.gl.path("/root/admin/keydir/") / name
        if content is None:
            at.unlink()
        else:
            at.parent.mkdir(exist_ok=True)
            at.write_text(content)

    def admin(self):
        """git push of gitolite-admin; what the admin reads of it."""
        done = self.gl.run("""
            export GIT_SSH_COMMAND='ssh -F none -i /root/.ssh/admin \
                -o UserKnownHostsFile=/root/.ssh/gl_hosts'
            cd /root/admin && git add -A && git -c user.name=admin \
                -c user.email=a@gl commit -q --allow-empty -m keys &&
            git push -q origin HEAD:master""")
        return done.stdout + done.stderr

    def lets_in(self, who):
        """None, or how gitolite greets."""
        done = self.git.ssh(who, "info")
        if done.returncode == 0:
            return done.stdout.split(",")[0]
        assert "Permission denied" in done.stderr, done
        return None


@pytest.fixture(params=["file", "index"])
def site(git, request):
    made = Site(git, index=request.param == "index")
    yield made
    made.close()


@pytest.fixture
def ending(git):
    made = Site(git, revoke="end")
    yield made
    made.close()


def test_a_push_to_gitolite_admin_decides_who_gets_in(site):
    assert site.admin() == ""
    assert site.lets_in("alice") == "hello alice"
    assert site.lets_in("carol") is None
    # In force when git push is over: no later.
    site.keydir("carol.pub", site.git.keys["carol"][0])
    assert site.admin() == ""
    assert site.lets_in("carol") == "hello carol"
    # Changed: the new key and not the old one.
    site.gl.run("rm -f /tmp/new*; ssh-keygen -q -t ed25519 -N '' -f /tmp/new")
    site.keydir("carol.pub", site.gl.read("/tmp/new.pub"))
    assert site.admin() == ""
    assert site.lets_in("carol") is None
    site.keydir("carol.pub", site.git.keys["carol"][0])
    assert site.admin() == ""
    assert site.lets_in("carol") == "hello carol"
    site.keydir("carol.pub", None)
    assert site.admin() == ""
    assert site.lets_in("carol") is None
    assert site.lets_in("alice") == "hello alice"


def test_what_is_left_out_reaches_who_pushed_it(site):
    site.keydir("eve x.pub", site.git.keys["carol"][0])
    said = site.admin()
    assert "remote: " in said
    assert "keydir/eve x.pub left out: " in said
    assert site.lets_in("carol") is None
    assert site.lets_in("alice") == "hello alice"
    # gitolite's own ssh-authkeys dies of such a name: ours went before it.
    assert "bad pubkey file 'keydir/eve x.pub'" in said


def test_gitolites_own_triggers_run_when_the_gateway_is_down(site):
    site.admin()
    site.gw.run("systemctl stop ssh")
    site.git.conf_more(site.gl, "push-timeout = 2s")
    site.keydir("carol.pub", site.git.keys["carol"][0])
    said = site.admin()
    assert "the keys did not reach the gateway" in said
    # ssh-authkeys comes behind ours: gitolite's own file has the key.
    blob = site.git.keys["carol"][0].split()[1]
    assert blob in site.gl.read("/home/git/.ssh/authorized_keys")
    site.gw.run("systemctl start ssh")
    site.gw.wait_up()
    # The timer's work, until which the old keys are in force.
    assert site.lets_in("carol") is None
    site.gl.run([PUSH, "push-keys"])
    assert site.lets_in("carol") == "hello carol"


def test_the_clone_of_who_is_revoked_is_ended_if_that_is_set(ending):
    site, git = ending, ending.git
    site.keydir("carol.pub", git.keys["carol"][0])
    site.admin()
    git.seed("t/x")
    git.hold()
    bob = git.start("bob", "git clone -q git@gw:t/x b",
                    stderr=subprocess.PIPE, text=True)
    carol = git.start("carol", "git clone -q git@gw:t/x c",
                      stderr=subprocess.PIPE, text=True)
    git.held(2)
    files = os.listdir(site.gw.path(f"{RUN}/sessions"))
    assert len(files) == 2
    site.keydir("carol.pub", None)
    site.admin()
    carol.communicate(timeout=20)
    assert carol.returncode != 0
    assert bob.poll() is None
    git.go()
    bob.communicate(timeout=60)
    assert bob.returncode == 0
    assert fingerprint(git.keys["carol"][0]) in site.gw.run(
        "journalctl -t postern-git -o cat").stdout


def test_a_session_that_was_let_in_just_before_is_ended_too(ending):
    """Between sshd's look at the keys and the session's entry, the key goes:
    the proxy looks again after it has entered."""
    site, git = ending, ending.git
    site.keydir("carol.pub", git.keys["carol"][0])
    site.admin()
    assert site.lets_in("carol") == "hello carol"
    # The push key's line is not carol's: what sshd would have done by the
    # old keys is done by hand.
    site.keydir("carol.pub", None)
    site.admin()
    public = git.keys["carol"][0].strip()
    site.gw.write("/home/git/.ssh/authorized_keys", "restrict,command="
                  f'"{TOOLS}/postern-git-proxy carol" {public}\n', 0o600)
    site.gw.run("chown -R git: /home/git/.ssh")
    site.gw.write("/etc/ssh/sshd_config.d/50-postern-git.conf",
                  "Match User git\n\tAuthorizedKeysFile "
                  ".ssh/authorized_keys\n\tExposeAuthInfo yes\n")
    site.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
    site.gw.wait_up()
    done = git.ssh("carol", "info")
    assert done.returncode != 0
    assert "revoked" in done.stderr


@pytest.fixture(params=["keep", "end"])
def revoking(git, request):
    made = Site(git, revoke=request.param)
    yield made
    made.close()


def test_a_connection_from_before_the_revocation_opens_nothing_more(
        git, revoking):
    """sshd looks at the keys once a connection; a client may keep it, and ask
    for one command after another."""
    site = revoking
    site.keydir("carol.pub", git.keys["carol"][0])
    site.admin()
    kept = "/home/carol/kept"
    by = ["-S", kept, "-o", "ControlMaster=no"]
    with git.start("carol", f"exec ssh -MN -S {kept} git@gw",
                   stderr=subprocess.PIPE) as master:
        proc.wait_for(lambda: git.client.exists(kept), 30, "connection")
        assert "hello carol" in git.ssh("carol", "info", options=by).stdout
        site.keydir("carol.pub", None)
        site.admin()
        done = git.ssh("carol", "info", options=by)
        assert done.returncode == 1 and done.stdout == "", done
        assert "refused: the key was revoked" in done.stderr
        assert git.audit("gw", "refused")[-1]["id"] == "carol"
        assert master.poll() is None
        os.kill(git.pids(git.client, "ssh -MN")[0], 9)


def test_a_compromised_gateway_gains_no_file_on_the_server(site):
    """The original installed what the gateway answered as a program."""
    site.admin()
    before = site.gl.run("find /home/git /usr/local /opt -type f -perm /111 | "
                         "sort | xargs -d '\\n' md5sum").stdout
    site.gw.write("/opt/postern/answer", "#!/bin/sh\nid\n")
    public = site.gl.read(f"{ETC}/push.pub").strip()
    site.gw.write(f"{ETC}/authorized_keys", "restrict,command="
                  '"cat >/dev/null; cat /opt/postern/answer" '
                  f"{public}\n")
    assert "not an answer of a gateway" in site.admin()
    assert before == site.gl.run(
        "find /home/git /usr/local /opt -type f -perm /111 | sort | "
        "xargs -d '\\n' md5sum").stdout
