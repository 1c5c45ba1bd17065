# SPDX-License-Identifier: ISC
"""postern git: things that were wrong, each too small for a file of its own."""

from gitlib import ETC, LOG, git, git_hosts  # noqa: F401


def fine(git):
    assert "hello bob" in git.ssh("bob", "info").stdout


def test_a_mirror_that_was_asked_and_did_not_answer_is_not_named(git):
    git.conf(gw=["mirror = git@nowhere.invalid"])
    git.gl.run("systemctl stop ssh; pkill -x sshd", check=False)
    done = git.run("bob", "git ls-remote git@gw:t/a", check=False)
    assert "does not answer" in done.stderr
    end = git.audit("gw", "end")[-1]
    assert "nowhere.invalid" in end["why"] and "via" not in end
    git.sshd_run(git.gl)
    fine(git)


def test_a_repository_reaches_gitolite_by_its_name(git):
    """.git3 is gitolite's own way to ask for a trace of level 3."""
    git.seed("t/a")
    done = git.run("bob", "git ls-remote git@gw:/t/a.git3")
    assert "refs/heads/master" in done.stdout
    assert done.stderr == ""
    assert git.audit("gl", "end")[-1]["repo"] == "t/a"


def test_paths_of_ours_may_have_blanks_and_percent_signs(git):
    odd = f"{ETC}/of the 100%h"
    git.gw.run(f"mkdir -p '{odd}'; cp -p {ETC}/id_ed25519 {ETC}/known_hosts "
               f"'{odd}'; install -d -o git -g git -m 700 '{odd}/run'")
    try:
        git.conf(mux=1, gw=[f"key = {odd}/id_ed25519",
                            f"known-hosts = {odd}/known_hosts",
                            f"run-dir = {odd}/run"])
        fine(git)
        git.wait_pool(1, f"{odd}/run")
        fine(git)
    finally:
        git.conf()
        git.end_pool()
        git.gw.run(f"rm -rf '{odd}'")


def test_a_line_of_the_audit_that_was_cut_spoils_no_other(git):
    """The disk was full amid a line."""
    fine(git)
    at = git.gw.path(f"{LOG}/audit")
    with at.open("a") as f:
        f.write('{"event":"beg')
    fine(git)
    lines = at.read_text().splitlines()
    assert lines.count('{"event":"beg') == 1
    assert '"event":"end"' in lines[-1]
