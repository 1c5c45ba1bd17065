# SPDX-License-Identifier: ISC
"""LFS: off until both sides say so, and then by gitolite's own rights."""

import pathlib
import subprocess

import pytest

from gitlib import git, git_hosts  # noqa: F401
from lab.link import enter_net

PORT = "8188"
RC = "/home/git/.gitolite.rc"
# What a site installs into gitolite: who may, and where the objects are.
COMMAND = """#!/bin/sh
set -e
op=R
[ "$2" = download ] || op=W
gitolite access -q "$1" "$GL_USER" $op any || {
	echo "$GL_USER: no $2 of $1" >&2
	exit 1
}
printf '{"href":"http://%s/%s","header":{"X-Test-User":"%s"}}' \\
	ADDRESS "$1" "$GL_USER"
"""
PUSH = """
git init -q -b master w && cd w && git lfs install --local >/dev/null
git lfs track '*.bin' >/dev/null
head -c 300K /dev/urandom >a.bin
git add . && git commit -qm one
git push -q git@gw:t/lfs master
"""


@pytest.fixture
def lfs(git):
    """gitolite with LFS, and a store of objects that the client reaches."""
    kept = git.gl.read(RC)
    at = "/opt/local/commands/git-lfs-authenticate"
    git.gl.write(at, COMMAND.replace("ADDRESS", f"{git.gw.ip}:{PORT}"), 0o755)
    git.gl.write(RC, kept.replace(
        "    ENABLE => [", "    LOCAL_CODE => '/opt/local',\n"
        "    ENABLE => [\n 'git-lfs-authenticate',"))
    server = subprocess.Popen(
        [*enter_net(git.lab.netns(git.gw.name)), "/usr/bin/python3",
         str(pathlib.Path(__file__).with_name("lfs_server.py")), git.gw.ip,
         PORT], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "ready\n"
        yield git
    finally:
        server.kill()
        server.communicate()
        git.gl.write(RC, kept)


def test_objects_go_and_come(lfs):
    git = lfs
    git.conf(gw=["lfs = yes"], gl=["lfs = yes"])
    git.run("alice", PUSH)
    git.run("bob", "git lfs install >/dev/null && git clone -q git@gw:t/lfs l")
    assert git.run("bob", "sha256sum <l/a.bin").stdout == git.run(
        "alice", "sha256sum <w/a.bin").stdout
    verbs = {(x["id"], x["verb"], x["exit"]) for x in git.audit("gl", "end")}
    assert ("alice", "git-lfs-authenticate", 0) in verbs
    assert ("bob", "git-lfs-authenticate", 0) in verbs


def test_who_may_not_write_uploads_nothing(lfs):
    git = lfs
    git.conf(gw=["lfs = yes"], gl=["lfs = yes"])
    git.run("alice", PUSH)
    done = git.ssh("bob", "git-lfs-authenticate t/lfs upload")
    assert done.returncode != 0 and "bob: no upload of t/lfs" in done.stderr
    done = git.ssh("bob", "git-lfs-authenticate t/lfs download")
    assert done.returncode == 0 and '"X-Test-User":"bob"' in done.stdout


@pytest.mark.parametrize("gw, gl", [((), ("lfs = yes",)), (("lfs = yes",), ())])
def test_without_both_sides_it_is_refused_and_does_not_hang(lfs, gw, gl):
    git = lfs
    git.conf(gw=gw, gl=gl)
    done = git.run("alice", PUSH, check=False)
    assert done.returncode != 0
    assert "LFS is not let through here" in done.stderr, done
    refused = git.audit("gl" if gw else "gw", "refused")
    assert any("LFS" in x["why"] for x in refused)
