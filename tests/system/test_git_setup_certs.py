# SPDX-License-Identifier: ISC
"""postern git check: certificates that sshd takes, and what they let in."""

import json

import pytest

from gitsetuplib import (ETC, KEYS, drop_in, findings,  # noqa: F401
                         ready, wait_masters)

CERTS = "no certificate is a login without a user's id"
PRINCIPALS = f"AuthorizedPrincipalsFile {KEYS}/current/principals"


@pytest.fixture
def authority(ready):
    """A certificate for `git` of alice's, and the line that trusts it."""
    ready.client.run("cd /home/alice/.ssh; "
                     "ssh-keygen -q -t ed25519 -N '' -f ca; "
                     "ssh-keygen -q -t ed25519 -N '' -f k; "
                     "ssh-keygen -q -s ca -I x -n git k.pub; chown alice: *")
    for host in (ready.gw, ready.gl):
        host.write(f"{ETC}/user_ca.pub",
                   ready.client.read("/home/alice/.ssh/ca.pub"))
    yield f"TrustedUserCAKeys {ETC}/user_ca.pub"
    ready.client.run("cd /home/alice/.ssh; rm ca* k*")
    for host in (ready.gw, ready.gl):
        host.run(["rm", f"{ETC}/user_ca.pub"])


# For all users: in a Match sshd 9.2 passes it over.
COMMANDED = ("Match User git", "AuthorizedPrincipalsCommand /bin/echo\n"
             "AuthorizedPrincipalsCommandUser git\nMatch User git")


@pytest.mark.parametrize("principals, more, wrong, shell", [
    (PRINCIPALS, [], False, False),
    # Nobody's certificate is taken at all.
    ("TrustedUserCAKeys none", [], False, False),
    ("", [], True, True),
    ("AuthorizedPrincipalsFile /etc/principals", [], True, False),
    (PRINCIPALS, [COMMANDED], True, False),
])
def test_the_check_sees_certificates_that_are_logins(
        ready, authority, drop_in, principals, more, wrong, shell):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    drop_in((PRINCIPALS, f"{principals}\n\t{authority}"), *more)
    found = findings(ready.gw, int(principals != PRINCIPALS or wrong))
    assert (CERTS in found) is wrong
    assert not wrong or "user_ca.pub" in found[CERTS]
    # As the check has it, so it is.
    done = ready.alice("ssh -i .ssh/k -o IdentitiesOnly=yes "
                       "-o BatchMode=yes git@gw id", check=False)
    assert done.returncode == (0 if shell else 255), done
    assert ("(git)" in done.stdout) is shell


def test_the_check_notes_certificates_that_are_logins_on_the_server(
        ready, authority):
    mine = "/etc/ssh/sshd_config.d/90-ca.conf"

    def notes():
        rows = ready.gl.run("postern git check --json").stdout.splitlines()
        return [r["note"] for r in map(json.loads, rows) if r["note"]]

    try:
        for more, n in (("", 1), ("AuthorizedPrincipalsFile /etc/p\n", 0)):
            ready.gl.write(mine, f"{authority}\n{more}")
            found = [x for x in notes() if "past gateway" in x]
            assert len(found) == n, more
    finally:
        ready.gl.run(["rm", mine])
