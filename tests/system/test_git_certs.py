# SPDX-License-Identifier: ISC
"""People who come with certificates: an authority that root trusts on the
gateway, its principals being gitolite's users. Real ssh-keygen -s, sshd and
gitolite; the two lines of sshd's are those of docs/git.md."""

import os
import re
import subprocess

import pytest

from gitkeylib import fingerprint
from gitlib import ETC, LOG, RUN, STORE, git, git_hosts
from test_git_keys_gitolite import Site

__all__ = ["git", "git_hosts"]

CA = f"{ETC}/user_ca.pub"
DROP_IN = "/etc/ssh/sshd_config.d/40-git-ca.conf"
TEXT = f"""Match User git
	TrustedUserCAKeys {CA}
	AuthorizedPrincipalsFile {STORE}/current/principals
Match all
"""


class People:
    """carol on the client has keys that are in no keydir, and certificates
    for them."""

    def __init__(self, site):
        self.site, self.git = site, site.git
        self.ca = site.git.lab.dir / "user_ca"
        if not self.ca.exists():
            site.git.lab.keygen(self.ca, "ca")
        site.gw.write(CA, self.ca.with_suffix(".pub").read_text())
        site.gw.write(DROP_IN, TEXT)
        self.sshd()

    def sshd(self):
        self.site.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
        self.site.gw.wait_up()

    def close(self):
        for path in (CA, DROP_IN):
            self.site.gw.path(path).unlink()
        self.git.client.run("rm -rf /home/carol/certs")
        self.site.close()

    def cert(self, principals, *options, kind="ed25519", name="k", ca=None):
        """A new key of carol's and a certificate; the key's public line."""
        at = self.git.client.path("/home/carol/certs")
        at.mkdir(exist_ok=True)
        key = at / name
        for old in at.glob(f"{name}*"):
            old.unlink()
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key],
                       check=True)
        who = ["-n", principals] if principals else []
        subprocess.run(["ssh-keygen", "-q", "-s", ca or self.ca, "-I", "carol",
                        *who, *options, f"{key}.pub"], check=True)
        self.git.client.run("chown -R carol: /home/carol/certs")
        return key.with_suffix(".pub").read_text()

    def ssh(self, command="info", name="k", options=()):
        return self.git.ssh("carol", command, options=[
            "-i", f"/home/carol/certs/{name}", "-o", "IdentitiesOnly=yes",
            *options])


@pytest.fixture(params=["file", "index"])
def people(git, request):
    made = People(Site(git, index=request.param == "index"))
    made.site.admin()
    yield made
    made.close()


@pytest.fixture
def ending(git):
    made = People(Site(git, revoke="end"))
    made.site.admin()
    yield made
    made.close()


def out(people, *options, **kwargs):
    """Nobody is let in, and nothing reached the server."""
    asked = len(people.git.audit("gl"))
    done = people.ssh(*options, **kwargs)
    assert done.returncode == 255 and "Permission denied" in done.stderr, done
    assert len(people.git.audit("gl")) == asked


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificates_principal_is_the_user(people, kind):
    git = people.git
    tip = git.seed("t/a")
    public = people.cert("alice", kind=kind)
    assert people.ssh().stdout.startswith("hello alice,")
    got = git.run("carol", "git clone -q git@gw:t/a a && "
                  "git -C a rev-parse HEAD", env={
                      "GIT_SSH_COMMAND": "ssh -i certs/k"}).stdout.strip()
    assert got == tip
    # The key's own fingerprint, as sshd's log has it, on both sides.
    for side in ("gw", "gl"):
        end = git.audit(side, "end")[-1]
        assert (end["id"], end["fp"]) == ("alice", fingerprint(public))
    logged = people.site.gw.run("journalctl -q -o cat -u ssh").stdout
    assert f"-CERT {fingerprint(public)} ID carol" in logged


def test_the_key_alone_opens_nothing(people):
    people.cert("alice")
    assert people.ssh().returncode == 0
    people.git.client.path("/home/carol/certs/k-cert.pub").unlink()
    out(people)


def test_certificates_that_are_refused(people):
    other = people.git.lab.dir / "other_ca"
    if not other.exists():
        people.git.lab.keygen(other, "other")
    for principals, options, ca in (
            ("git", (), None), ("root", (), None), ("carol", (), None),
            ("", (), None), ("Alice", (), None), ("alice ", (), None),
            ("#", (), None), ("*", (), None),
            ("alice", ("-V", "20200101:20200102"), None),
            ("alice", ("-O", "source-address=192.0.2.1"), None),
            # What the certificate forces is not what the gateway does.
            ("alice", ("-O", "force-command=/usr/bin/id"), None),
            ("alice", ("-h",), None), ("alice", (), other)):
        people.cert(principals, *options, ca=ca)
        out(people)
    people.cert("alice")
    assert people.ssh().stdout.startswith("hello alice,")


def test_a_certificate_opens_no_more_than_a_key(people):
    people.cert("alice", "-O", "permit-pty", "-O", "permit-port-forwarding")
    git = people.git
    for words in (["-tt", "git@gw"], ["-s", "git@gw", "sftp"],
                  ["-W", f"{git.gl.ip}:22", "git@gw"]):
        done = git.client.run(
            ["setpriv", "--reuid", "carol", "--regid", "carol",
             "--init-groups", "ssh", "-o", "BatchMode=yes", "-i",
             "/home/carol/certs/k", *words], env=git.env("carol"),
            check=False)
        assert done.returncode != 0 and "SSH-2.0" not in done.stdout, words
        assert "Permission denied" not in done.stderr, done
    done = people.ssh("sh")
    assert done.returncode == 1 and "there is no shell here" in done.stderr


def test_of_several_principals_the_first_by_name_counts(people):
    people.cert("zzz,bob,alice")
    assert people.ssh().stdout.startswith("hello alice,")


def test_who_leaves_the_keydir_comes_by_no_certificate(people):
    site = people.site
    site.keydir("carol.pub", people.git.keys["carol"][0])
    assert site.admin() == ""
    people.cert("carol")
    assert people.ssh().stdout.startswith("hello carol,")
    site.keydir("carol.pub", None)
    assert site.admin() == ""
    out(people)


def test_a_certificate_that_root_revokes_is_out(people):
    people.cert("alice")
    gw = people.site.gw
    at = people.git.client.path("/home/carol/certs/k-cert.pub")
    gw.write("/tmp/cert.pub", at.read_text())
    gw.run(f"ssh-keygen -q -k -f {ETC}/revoked -s {CA} /tmp/cert.pub")
    gw.write(DROP_IN, TEXT.replace(
        "\tTrusted", f"\tRevokedKeys {ETC}/revoked\n\tTrusted"))
    people.sshd()
    out(people)
    gw.path(f"{ETC}/revoked").unlink()


def test_keys_from_before_there_were_principals_get_them_by_the_next_push(
        people):
    """An update of postern changes no key: a push is to bring them anyway."""
    site = people.site
    people.cert("alice")
    site.gw.run(f"rm {STORE}/current/principals")
    out(people)
    assert site.admin() == ""
    assert people.ssh().stdout.startswith("hello alice,")


def test_a_session_by_certificate_ends_with_the_users_last_key(ending):
    """revoke = end: its key is in no list, and that is no revocation."""
    site, git = ending.site, ending.git
    site.keydir("carol.pub", git.keys["carol"][0])
    site.keydir("y/carol@two.pub", ending.cert("", name="other"))
    site.admin()
    ending.cert("carol")
    git.hold()
    with git.start("carol", "exec ssh -T -i certs/k git@gw info",
                   stdout=-1, stderr=-1, text=True) as carol:
        git.held()
        assert len(os.listdir(site.gw.path(f"{RUN}/sessions"))) == 1
        site.keydir("carol.pub", None)
        site.admin()
        assert carol.poll() is None
        site.keydir("y/carol@two.pub", None)
        site.admin()
        said = carol.communicate(timeout=60)
    assert carol.returncode != 0
    assert "this session was ended by the gateway" in said[1]
    end = git.audit("gw", "end")[-1]
    assert re.fullmatch(r"SHA256:\S{43}", end["fp"]) and end["why"]
    assert git.gw.exists(f"{LOG}/audit")
