# SPDX-License-Identifier: ISC
"""Much data, and hosts that are restarted while it is on its way."""

import os
import signal

import pytest

from gitlib import GATE, git, git_hosts
from lab import proc

__all__ = ["git", "git_hosts"]

MIB = 200
# A part of what git sends, then nothing as long as the gate is shut.
PART = f"""#!/bin/sh
/usr/share/gitolite3/gitolite-shell "$@" | perl -e '
	while ($r = sysread(STDIN, $b, 65536)) {{
		syswrite(STDOUT, $b);
		$n += $r;
		system("cat", "{GATE}") if $n > 3e6 && !$shut++;
	}}'
"""


def test_two_hundred_megabytes_go_and_come(git):
    """By a master of the pool, and by an ssh of its own."""
    git.conf(mux=2)
    git.ssh("alice", "info", check=True)
    git.wait_pool(2)
    # No time goes into compressing what can't be.
    git.run("alice", f"""
        git init -q -b master big && cd big
        git config core.compression 0 && git config core.bigFileThreshold 1m
        head -c {MIB}M /dev/urandom >data
        git add data && git commit -qm big
        git push -q git@gw:t/big master""", timeout=300)
    want = git.run("alice", "sha256sum <big/data").stdout
    assert git.audit("gw", "end")[-1]["verb"] == "git-receive-pack"
    for mux in (2, 0):
        git.conf(mux=mux)
        git.run("bob", "rm -rf b; git clone -q --bare git@gw:t/big b",
                timeout=300)
        got = git.run("bob", "git -C b cat-file blob master:data | "
                      "sha256sum", timeout=120).stdout
        assert got == want
        assert git.audit("gl", "end")[-1]["exit"] == 0


def gone(git):
    """Nothing of it is left, on either host."""
    def look():
        return not (git.pids(git.gw, "postern-git-proxy") or
                    git.pids(git.gl, "postern-git-serve") or
                    git.pids(git.gl, "upload-pack"))
    proc.wait_for(look, 30, "end of the session")


@pytest.mark.parametrize("mux", [0, 1])
@pytest.mark.parametrize("side", ["gw", "gl"])
def test_a_host_that_is_restarted_amid_a_clone(git, side, mux):
    git.seed("t/a", kib=8192)
    git.conf(mux=mux)
    if mux:
        git.ssh("bob", "info", check=True)
        git.wait_pool(1)
    git.hold()
    git.gl.write("/opt/postern/held", PART, 0o755)
    host = git.gw if side == "gw" else git.gl
    with git.start("bob", "git clone git@gw:t/a c", stderr=-1,
                   text=True) as clone:
        git.held()
        # All its connections, as a reboot ends them.
        for pid in git.sshds(host):
            os.kill(pid, signal.SIGKILL)
        said = clone.communicate(timeout=60)[1]
    assert clone.returncode != 0
    if side == "gl":
        assert "the connection to the git server was lost" in said, said
    gone(git)
    assert not git.client.exists("/home/bob/c")
    host.run("systemctl reset-failed ssh; systemctl restart ssh")
    host.wait_up()
    git.conf(mux=mux)
    # By themselves: nobody has touched the other host.
    if mux:
        git.wait_pool(1)
    git.run("bob", "git clone -q git@gw:t/a c && git -C c fsck --strict")
