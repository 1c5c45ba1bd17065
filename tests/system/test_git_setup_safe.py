# SPDX-License-Identifier: ISC
"""postern git setup-gateway and setup-server do no harm: whom else sshd would
let in as the git user, accounts and files that are somebody's own, what git
may do while root works in its folders. On hosts of their own, which a first
set-up of test_git_setup.py's finds as they are."""

import pytest

from lab import proc
from test_git_setup import Setup

ETC = "/etc/postern/git"


@pytest.fixture(scope="module")
def ready(lab):
    made = Setup(lab, ("h44", "h45", "h46"))
    made.commands = made.all()
    for host in (made.gw, made.gl):
        proc.wait_for(lambda h=host: h.run(
            ["ssh-keyscan", "-t", "ed25519", "localhost"],
            check=False).stdout, 20, "sshd after its reload")
    made.gl.run("postern git push-keys")
    yield made
    for host in made.hosts:
        lab.remove(host)


@pytest.mark.parametrize("side", ["gw", "gl"])
def test_the_key_is_the_git_users_alone(ready, side):
    """The group of git is a web server's, too, where it shows repositories."""
    host, key = getattr(ready, side), f"{ETC}/id_ed25519"
    line = ready.commands[0 if side == "gw" else 1]
    host.run("useradd -G git www")
    try:
        host.run(f"chown root:git {key}; chmod 640 {key}")
        _, said = ready.paste(host, line, 0)
        assert f"done: the key {key}" in said
        done = host.run(f"runuser -u www -- cat {key}", check=False)
        assert done.returncode != 0 and "PRIVATE" not in done.stdout
        assert host.run(f"stat -c '%U:%G %a' {key}").stdout == (
            "git:git 400\n")
    finally:
        host.run("userdel -r www", check=False)


def test_a_public_key_that_was_never_written_is_made_again(ready):
    pub = f"{ETC}/id_ed25519.pub"
    old = ready.gw.read(pub)
    first, _ = ready.paste(ready.gw, ready.commands[0], 0)
    try:
        for spoil in (f"rm {pub}", f": >{pub}"):
            ready.gw.run(spoil)
            again, said = ready.paste(ready.gw, ready.commands[0], 0)
            assert again == first and f"done: {pub}" in said
            assert ready.gw.read(pub).split()[:2] == old.split()[:2]
    finally:
        ready.gw.write(pub, old)


def test_a_pinned_key_is_found_behind_a_name_that_ends_alike(ready):
    hosts = f"{ETC}/known_hosts"
    old = ready.gw.read(hosts)
    ready.gw.write(hosts, f"backup-gl {ready.client.host_key}\n{old}")
    try:
        _, said = ready.paste(ready.gw, ready.commands[0], 0)
        assert "was so already: host key of git@gl pinned" in said
    finally:
        ready.gw.write(hosts, old)
