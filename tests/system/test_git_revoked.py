# SPDX-License-Identifier: ISC
"""postern git: a key that is out opens no session any more, also over a
connection that it opened before. sshd looks at keys once for a connection."""

import pytest

from gitlib import ETC, SSHD, STORE, git, git_hosts
from test_git_keys_gitolite import Site

__all__ = ["git", "git_hosts"]

LAPTOP = "/home/carol/laptop"
SOCKET = "/home/carol/standing"
TWO = "carol@laptop.pub"


@pytest.fixture(params=["file", "index"])
def site(git, request):
    """carol has two keys, and a connection stands by the second one."""
    made = Site(git, index=request.param == "index")
    git.lab.keygen(git.client.path(LAPTOP), "laptop")
    made.keydir("carol.pub", git.keys["carol"][0])
    made.keydir(TWO, git.client.read(f"{LAPTOP}.pub"))
    made.admin()
    git.client.run(f"chown carol: {LAPTOP}")
    git.run("carol", f"ssh -MNf -S {SOCKET} -i {LAPTOP} "
            "-o IdentitiesOnly=yes git@gw")
    yield made
    git.run("carol", f"ssh -S {SOCKET} -O exit git@gw", check=False)
    git.client.run(f"rm -f {LAPTOP}* {SOCKET}")
    made.gl.run(f"rm -f /root/admin/keydir/{TWO}")
    made.close()


def standing(git, command="info"):
    return git.ssh("carol", command, options=["-S", SOCKET])


def test_a_revoked_key_opens_no_session_over_a_connection_that_stands(site):
    git = site.git
    assert standing(git).stdout.startswith("hello carol")
    git.hold()
    with git.start("carol", f"ssh -T -S {SOCKET} git@gw info",
                   stdout=-1) as before:
        git.held()
        site.keydir(TWO, None)
        assert site.admin() == ""
        asked = len(git.audit("gl"))
        done = standing(git)
        assert (done.returncode, done.stdout) == (1, "")
        assert "refused: the key was revoked" in \
            done.stderr
        # The server was not asked, and the gateway's audit has it.
        assert len(git.audit("gl")) == asked
        assert git.audit("gw", "refused")[-1]["id"] == "carol"
        # revoke = keep: what ran before goes on.
        git.go()
        assert before.communicate(timeout=60)[0].startswith(b"hello carol")
    assert before.returncode == 0
    # Her other key is as good as ever.
    assert site.lets_in("carol") == "hello carol"


def test_a_key_of_roots_own_needs_no_push(git):
    """No generation, not even a folder of them; and with what is unknown."""
    for sshd in (SSHD["gw"], SSHD["gw"].replace("ExposeAuthInfo yes", "")):
        git.gw.write("/etc/ssh/sshd_config.d/50-postern-git.conf", sshd)
        git.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
        git.gw.wait_up()
        for revoke in ("keep", "end"):
            git.conf(gw=[f"revoke = {revoke}"])
            assert git.ssh("bob", "info").stdout.startswith("hello bob")
    git.gw.write("/etc/ssh/sshd_config.d/50-postern-git.conf", SSHD["gw"])
    git.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
    git.gw.wait_up()


def test_keys_that_can_not_be_read_let_nobody_in_and_say_so(site):
    """They are no revocation, and root is to know."""
    git = site.git
    index = site.gw.path(f"{STORE}/current/index")
    whole = index.read_bytes()
    index.write_bytes(whole[:70])
    try:
        done = standing(git)
        assert done.returncode == 1 and done.stdout == ""
        assert "index of keys is damaged" in done.stderr
        assert "index of keys is damaged" in site.gw.run(
            "journalctl -t postern-git -o cat").stdout
    finally:
        index.write_bytes(whole)
    assert standing(git).stdout.startswith("hello carol")
    assert site.gw.exists(f"{ETC}/authorized_keys")
