# SPDX-License-Identifier: ISC
"""How sshd finds a key: by the file or by the index, set by a second run, and
held against git.conf by the check."""

import pytest

from gitsetuplib import (CHECK, ETC, INFO, KEYS, LIBEXEC,  # noqa: F401
                         findings, no_timer, ready, sshd_says, wait_masters)
from lab import proc
from test_git_setup import STATE


@pytest.fixture
def lookup(ready):
    """Sets how sshd finds a key; in the end it is as it was."""
    def to(how, status=0):
        done = ready.gw.run(f"{ready.commands[0]} --lookup {how}",
                            check=False)
        assert done.returncode == status, done
        return done.stderr
    conf = ready.gw.read("/etc/postern/git.conf")
    yield to
    ready.gw.write("/etc/postern/git.conf", conf)
    to("file")
    ready.gw.write("/etc/postern/git.conf", conf)


def test_the_lookup_is_switched_by_a_second_run(ready, lookup):
    ready.gl.run("postern git push-keys")
    assert sshd_says(ready.gw)["authorizedkeyscommand"] == "none"
    said = lookup("index")
    assert "done: /etc/postern/git.conf: lookup = index" in said
    says = sshd_says(ready.gw)
    assert says["authorizedkeysfile"] == f"{ETC}/authorized_keys {CHECK}"
    assert says["authorizedkeyscommand"] == (
        f"{LIBEXEC}/postern-git-keys %f "
        "/var/lib/postern/git/keys/current/index")
    assert says["authorizedkeyscommanduser"] == "git"
    assert ready.alice(INFO).stdout.startswith("hello alice,")
    assert "done: " not in lookup("index")
    # Without the option it stays what git.conf says.
    _, said = ready.paste(ready.gw, ready.commands[0], 0)
    assert "done: " not in said
    # The command is what lets her in: nothing else has her key.
    ready.gw.run(f"chmod -x {LIBEXEC}/postern-git-keys")
    try:
        assert ready.alice(INFO, check=False).returncode == 255
    finally:
        ready.gw.run(f"chmod +x {LIBEXEC}/postern-git-keys")
    # Nobody's session over the pool is ended by it.
    pid = "systemctl show -P MainPID postern-git-mux"
    was = ready.gw.run(pid).stdout
    lookup("file")
    assert ready.gw.run(pid).stdout == was
    assert sshd_says(ready.gw)["authorizedkeyscommand"] == "none"
    conf = ready.gw.read("/etc/postern/git.conf")
    assert conf.count("lookup") == conf.count("lookup = file") == 1
    assert ready.alice(INFO).stdout.startswith("hello alice,")


def test_a_command_that_sshd_would_not_run_is_not_set(ready, lookup):
    """It is only at a login that sshd looks: then all would be locked out."""
    before = ready.gw.run(STATE).stdout
    for path in (f"{LIBEXEC}/postern-git-keys", "/usr/local"):
        mode = ready.gw.run(["stat", "-c", "%a", path]).stdout.strip()
        ready.gw.run(["chmod", "g+w", path])
        try:
            said = lookup("index", 1)
        finally:
            ready.gw.run(["chmod", mode, path])
        assert "sshd would not run" in said and path in said
        assert ready.gw.run(STATE).stdout == before
    assert "--lookup: one of: file index" in lookup("both", 64)


def test_no_other_command_of_sshds_lets_a_git_user_in(ready):
    """One for everybody else's keys would let in with a shell."""
    key = ready.client.path("/home/alice/.ssh/other")
    ready.lab.keygen(key, "other")
    ready.client.run("chown alice: /home/alice/.ssh/*")
    public = key.with_suffix(".pub").read_text().strip()
    ready.gw.write("/usr/local/bin/keys", f"#!/bin/sh\necho '{public}'\n",
                   0o755)
    mine = "/etc/ssh/sshd_config.d/90-mine.conf"
    ready.gw.write(mine, "AuthorizedKeysCommand /usr/local/bin/keys\n"
                   "AuthorizedKeysCommandUser nobody\n")
    ssh = "ssh -i .ssh/other -o IdentitiesOnly=yes -o BatchMode=yes"
    ready.gw.run("id -u bob || useradd -m bob -p '*'; systemctl reload ssh")
    try:
        proc.wait_for(lambda: ready.alice(
            f"{ssh} bob@gw true", check=False).returncode == 0, 20, "bob")
        done = ready.alice(f"{ssh} git@gw id", check=False)
        assert done.returncode == 255 and done.stdout == ""
    finally:
        ready.gw.run(f"rm {mine}; systemctl reload ssh; userdel -r bob",
                     check=False)


def test_the_check_holds_sshd_against_the_lookup_that_is_set(ready, lookup,
                                                             no_timer):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    conf = ready.gw.read("/etc/postern/git.conf")
    lookup("index")
    assert findings(ready.gw, 0) == {}
    # Its timer stands still, so that no push mends what is broken here.
    assert list(findings(ready.gl, 1)) == [
        "keys are brought again by themselves"]
    sshd, found = ("sshd on this gateway reads the keys",
                   "a key that is in force is found by sshd")
    index = f"{KEYS}/current/index"
    text = ready.gw.run(f"od -An -v -tx1 {index}").stdout
    for break_it, mend, finding, why in (
            (f"chmod g+w {LIBEXEC}", f"chmod g-w {LIBEXEC}", found,
             "sshd would not run"),
            (f"sed -i s/restrict/restrikt/ {KEYS}/generations/*/index",
             f"sed -i s/restrikt/restrict/ {KEYS}/generations/*/index",
             found, "index"),
            ("sed -i s/lookup.*/lookup\\ =\\ file/ /etc/postern/git.conf",
             "sed -i s/lookup.*/lookup\\ =\\ index/ "
             "/etc/postern/git.conf", sshd, "authorizedkeysfile")):
        ready.gw.run(break_it)
        try:
            wrong = findings(ready.gw, 1)
        finally:
            ready.gw.run(mend)
        # Damaged keys are not in force either, which is another row.
        assert list(wrong)[0] == finding and why in wrong[finding]
    assert ready.gw.run(f"od -An -v -tx1 {index}").stdout == text
    # The other way round: set to index, and sshd reads the file.
    lookup("file")
    ready.gw.write("/etc/postern/git.conf", conf + "lookup = index\n")
    assert "lookup = index" in findings(ready.gw, 1)[sshd]
    ready.gw.write("/etc/postern/git.conf", conf)
    assert findings(ready.gw, 0) == {}
    # What sshd's StrictModes would not read.
    ready.gw.run("chmod g+w /var/lib/postern")
    try:
        assert "sshd would not read" in findings(ready.gw, 1)[found]
    finally:
        ready.gw.run("chmod g-w /var/lib/postern")
