# SPDX-License-Identifier: ISC
"""Who administers gitolite, as the git server of postern git knows it: asked
beside a push, which does not wait for it; asked again where that failed."""

import json
import subprocess

import pytest

from gitkeylib import TREE
from gitlib import BUILD, STORE, git, git_hosts
from lab import proc
from test_git_keys_gitolite import PUSH, Site

__all__ = ["git", "git_hosts"]

STATE = "/var/lib/postern/git"
ADMINS = f"{STATE}/admins"
GITOLITE = "/usr/local/bin/gitolite"
UNIT = "postern-git-push.service"
BEFORE = "is denied to the gateway as of before: "


@pytest.fixture
def site(git):
    made = Site(git)
    made.conf = made.gl.read("/root/admin/conf/gitolite.conf")
    made.admin()
    assert made.gl.read(ADMINS) == "admin\n"
    yield made
    made.gl.run(f"rm -f {GITOLITE} /root/admin/keydir/DENIED.pub")
    made.gl.write("/root/admin/conf/gitolite.conf", made.conf)
    made.admin()
    made.close()


def instead(site, text):
    """What `gitolite access` does on the git server."""
    site.gl.write(GITOLITE, f"#!/bin/sh\n[ $1 = access ] && {{ {text}; }}\n"
                  'exec /usr/bin/gitolite "$@"\n', 0o755)


def status(site, code):
    done = site.gl.run([PUSH, "status", "--json"], check=False)
    assert done.returncode == code, done
    return json.loads(done.stdout)["admins-late"]


def administer(site, who):
    site.gl.write("/root/admin/conf/gitolite.conf",
                  site.conf.replace("RW+ = admin", f"RW+ = admin {who}"))


def test_a_gitolite_that_hangs_puts_no_revocation_off(site):
    gl = site.gl
    site.keydir("carol.pub", site.git.keys["carol"][0])
    site.admin()
    assert site.lets_in("carol") == "hello carol"
    gl.run("rm /home/git/.gitolite/keydir/carol.pub")
    # Of as many seconds as no test has.
    instead(site, "exec sleep 86399")
    with gl.popen([PUSH, "push-keys", "--timeout", "1h"],
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                  text=True) as push:
        try:
            proc.wait_for(lambda: "carol" not in site.gw.read(
                f"{STORE}/current/authorized_keys"), 25, "the revocation")
            hangs = [p for p in gl.pids()
                     if proc.cmdline(p).endswith("sleep 86399")]
            assert len(hangs) == 1 and push.poll() is None
        finally:
            proc.kill([p for p in gl.pids()
                       if proc.cmdline(p).endswith("sleep 86399")])
        out, err = push.communicate(timeout=60)
    assert push.returncode == 0 and "in force on git@gw" in out
    assert site.lets_in("carol") is None
    assert BEFORE in err and "signal" in err
    # The push's time is all the time that there is.
    done = gl.run([PUSH, "push-keys", "--timeout", "1s"], timeout=25)
    assert BEFORE in done.stderr and "in force on git@gw" in done.stdout
    assert gl.read(ADMINS) == "admin\n"


def test_what_could_not_be_asked_is_asked_again(site):
    gl = site.gl
    assert status(site, 0) is False
    instead(site, "echo broken >&2; exit 1")
    administer(site, "alice")
    said = site.admin()
    assert BEFORE in said and "broken" in said
    assert gl.read(ADMINS) == "admin\n"
    assert status(site, 1) is True
    assert "admins       NOT those" in gl.run([PUSH, "status"],
                                              check=False).stdout
    # As confined as the timer has it.
    unit = (TREE / "packaging/systemd" / UNIT).read_text()
    gl.write(f"/etc/systemd/system/{UNIT}", unit.replace(
        "/usr/local/bin/postern git ", f"{PUSH} "))
    gl.run("systemctl daemon-reload")
    try:
        gl.run(f"systemctl start {UNIT}")
        assert gl.read(ADMINS) == "admin\n"
        gl.run(["rm", GITOLITE])
        gl.run(f"systemctl start {UNIT}")
        assert gl.read(ADMINS) == "admin\nalice\n"
        assert status(site, 0) is False
        # And nobody is asked for nothing.
        instead(site, "echo broken >&2; exit 1")
        done = gl.run([PUSH, "push-keys", "-q"])
        assert done.stderr == ""
    finally:
        gl.run(f"rm /etc/systemd/system/{UNIT}; systemctl daemon-reload")


def test_no_push_takes_away_what_another_is_writing(site):
    gl = site.gl
    gl.run(["rm", ADMINS])
    with gl.popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                   "inject=rename,renameat,renameat2:delay_enter=2000000",
                   PUSH, "push-keys"], stdout=subprocess.PIPE,
                  stderr=subprocess.PIPE, text=True) as slow:
        proc.wait_for(lambda: gl.run(
            f"grep -lx admin {STATE}/.postern.*", check=False).stdout, 30,
            "the names half written")
        gl.run([PUSH, "push-keys", "-q"])
        out, err = slow.communicate(timeout=60)
    assert slow.returncode == 0 and err == "", (out, err)
    assert gl.read(ADMINS) == "admin\n"


def test_as_long_as_nobody_was_asked_nobody_comes_through(site):
    """Whoever comes could be one of them: also when asking fails."""
    gl, git = site.gl, site.git
    assert site.lets_in("alice") == "hello alice"
    instead(site, "echo broken >&2; exit 1")
    gl.run(["rm", ADMINS])
    for command in ("info", "git-upload-pack 't/a'"):
        asked = len(git.audit("gl"))
        done = git.ssh("alice", command)
        assert done.returncode == 1 and done.stdout == "", done
        assert "git server: refused: nobody may come through a gateway " \
            "before gitolite was asked who may write to gitolite-admin: " \
            f"{ADMINS}: No such file" in done.stderr, done
        assert "as root: postern git push-keys" in done.stderr
        assert [x["event"] for x in git.audit("gl")[asked:]] == ["refused"]
    # The keys are pushed all the same, which asks; in vain here.
    gl.run([PUSH, "push-keys"])
    assert git.ssh("alice", "info").returncode == 1
    gl.run(["rm", GITOLITE])
    gl.run([PUSH, "push-keys"])
    assert site.lets_in("alice") == "hello alice"
    # An answer that has nobody is one, too.
    gl.run(f": >{ADMINS}")
    assert site.lets_in("alice") == "hello alice"


def test_a_user_may_have_any_name(site):
    """Also one that gitolite says to others."""
    site.keydir("DENIED.pub", site.git.keys["carol"][0])
    administer(site, "DENIED")
    site.admin()
    assert site.gl.read(ADMINS) == "DENIED\nadmin\n"


@pytest.mark.parametrize("program", ["postern-git-proxy",
                                     "postern-git-serve"])
def test_a_forced_command_has_nothing_of_the_set_up_in_it(program):
    """It is started for each session, and is what a peer talks to."""
    names = subprocess.run(["nm", "--defined-only", BUILD / "tools/git" /
                            program], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()[2::3]
    assert "gitjail_enter" in names or "sandbox_new" in names
    assert [x for x in names if x.startswith(("setup_", "canary_")) or
            x == "check_run"] == ["setup_plain"]
