# SPDX-License-Identifier: ISC
"""git push --signed: what a gateway can't forge. gl verifies the signature
that git made on the client; docs/git.md has the same hook."""

import pytest

from gitlib import ETC, git, git_hosts
from test_git_refuse import BY_KEY, wire

__all__ = ["git", "git_hosts"]

REPO = "/home/git/repositories/t/s.git"
SAW = "/tmp/cert"
HOOK = f"""#!/bin/sh
env | grep -E '^(GIT_PUSH_CERT|GL_USER)' >>{SAW}
test "$GIT_PUSH_CERT_STATUS" = G &&
test "$GIT_PUSH_CERT_NONCE_STATUS" = OK &&
test "$GIT_PUSH_CERT_SIGNER" = "$GL_USER" && exit 0
echo unsigned >&2
exit 1
"""
SIGN = ("-c gpg.format=ssh -c user.signingKey=/home/{who}/.ssh/id_ed25519"
        ".pub")
# The gateway's own git, whose ssh says what the gateway likes: here that it
# is alice who pushes.
FORGER = "#!/bin/sh\nexec %s git@gl -- \"%s\"\n"


@pytest.fixture
def signed(git):
    """alice's repository, which takes signed pushes only."""
    git.seed("t/s")
    git.gl.write("/home/git/.gitconfig", "[receive]\n\tcertNonceSeed = x7\n"
                 "[gpg \"ssh\"]\n\tallowedSignersFile = /home/git/signers\n")
    git.gl.write("/home/git/signers", "".join(
        f'{who} namespaces="git" {git.keys[who][0]}'
        for who in ("alice", "bob", "dave")))
    for name in ("pre-receive", "post-receive"):
        git.gl.write(f"{REPO}/hooks/{name}", HOOK, 0o755)
    git.gl.run(f"rm -f {SAW}; install -o git /dev/null {SAW}")
    yield git
    git.gl.run(f"rm -f {SAW} /home/git/.gitconfig /home/git/signers")
    git.gw.run("rm -rf /tmp/forge /opt/postern/forger")


def push(git, who="alice", signer="alice", more="--signed"):
    if who != signer:
        # The key of one, in the other's hands.
        git.client.run(f"cp /home/{signer}/.ssh/id_ed25519* /tmp/ && "
                       f"chown {who} /tmp/id_ed25519*")
    sign = SIGN.format(who=who) if who == signer else \
        "-c gpg.format=ssh -c user.signingKey=/tmp/id_ed25519.pub"
    done = git.run(who, f"cd seed && git commit -q --allow-empty -m more && "
                   f"git {sign} push -q {more} git@gw:t/s HEAD:master",
                   check=False)
    git.client.run("rm -f /tmp/id_ed25519*")
    return done


def saw(git):
    return dict(x.split("=", 1) for x in git.gl.read(SAW).splitlines())


def tip(git):
    return git.as_git(f"git -C {REPO} rev-parse master").stdout


def test_a_signed_push_is_verified_on_the_server(signed):
    git = signed
    assert push(git).returncode == 0
    got = saw(git)
    assert got["GIT_PUSH_CERT_STATUS"] == "G"
    assert got["GIT_PUSH_CERT_SIGNER"] == got["GL_USER"] == "alice"
    assert got["GIT_PUSH_CERT_NONCE_STATUS"] == "OK"
    cert = git.as_git(f"git -C {REPO} cat-file blob "
                      f"{got['GIT_PUSH_CERT']}").stdout
    assert cert.startswith("certificate version 0.1\npusher SHA256:")
    assert tip(git) == git.run("alice", "git -C seed rev-parse HEAD").stdout


def test_what_is_unsigned_or_signed_by_another_is_refused(signed):
    git = signed
    before = tip(git)
    done = push(git, more="")
    assert done.returncode != 0 and "remote: unsigned" in done.stderr
    assert "GIT_PUSH_CERT" not in saw(git)
    # bob's signature is a good one; it is not that of who pushes. That
    # carol's counts nobody has said: for git it is a good one all the same,
    # by nobody, so that a hook has to look at the signer.
    for signer, is_called in (("bob", "bob"), ("carol", "")):
        done = push(git, signer=signer)
        assert done.returncode != 0 and "remote: unsigned" in done.stderr
        assert saw(git)["GIT_PUSH_CERT_STATUS"] == "G"
        assert saw(git)["GIT_PUSH_CERT_SIGNER"] == is_called
    assert tip(git) == before


def test_a_gateway_can_not_push_in_anybodys_name(signed):
    git = signed
    git.gw.write("/opt/postern/forger", FORGER % (
        " ".join(BY_KEY[6:]), wire(cmd="git-receive-pack 't/s'")), 0o755)
    forge = ["setpriv", "--reuid", "git", "--regid", "git", "--init-groups",
             "sh", "-c"]
    env = {**git.env("git"), "GIT_SSH": "/opt/postern/forger",
           "GIT_SSH_VARIANT": "simple", "HOME": "/home/git"}
    git.gw.run("rm -rf /tmp/forge; install -d -o git /tmp/forge")

    def attempt(more):
        return git.gw.run([*forge, f"""cd /tmp/forge && rm -rf r &&
            git init -q r && cd r && git commit -q --allow-empty -m forged &&
            git -c gpg.format=ssh -c user.signingKey={ETC}/id_ed25519 \
            push -q {more} git@gl:t/s +HEAD:master"""], env=env, check=False)
    before = tip(git)
    for more in ("", "--signed"):
        done = attempt(more)
        assert done.returncode != 0 and "remote: unsigned" in done.stderr
        assert tip(git) == before
    assert saw(git)["GL_USER"] == "alice"
    assert saw(git)["GIT_PUSH_CERT_SIGNER"] == ""
    # It is the hook that holds it off: the gateway may say who pushes.
    git.gl.run(f"rm {REPO}/hooks/pre-receive")
    assert attempt("").returncode == 0
    assert tip(git) != before
