# SPDX-License-Identifier: ISC
"""postern git, run by root at a terminal: gitolite's settings are Perl of
git's, and whoever can write them is not to reach that terminal."""

import os
import pty

from gitlib import TOOLS, git, git_hosts
from test_git_keys_gitolite import RC, Site

__all__ = ["git", "git_hosts"]

RAN, GOT = "/tmp/settings-ran", "/tmp/settings-got-it"
PERL = f"""
open(my $ran, ">", "{RAN}");
if (open(my $tty, "+<", "/dev/tty")) {{ open(my $got, ">", "{GOT}"); }}
"""


def at_terminal(host, *args):
    """Root's command, with a terminal as its standard input."""
    here, there = pty.openpty()
    try:
        with host.popen(["setsid", "-c", *args], stdin=there, stdout=-1,
                        stderr=-2, text=True) as p:
            os.close(there)
            return p.communicate(timeout=60)[0]
    finally:
        os.close(here)


def test_what_runs_as_git_can_not_open_roots_terminal(git):
    site = Site(git)
    try:
        site.gl.run(f"rm -f {RAN} {GOT}")
        site.gl.write(RC, PERL + site.gl.read(RC))
        said = at_terminal(site.gl, f"{TOOLS}/postern-git", "check")
        assert site.gl.exists(RAN), said
        assert not site.gl.exists(GOT), said
        # The same from a program that has the terminal, for comparison.
        at_terminal(site.gl, "runuser", "-u", "git", "--", "env",
                    "HOME=/home/git", "gitolite", "query-rc", "UMASK")
        assert site.gl.exists(GOT)
    finally:
        site.gl.run(f"rm -f {RAN} {GOT}")
        site.close()
