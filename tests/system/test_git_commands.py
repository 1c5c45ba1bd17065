# SPDX-License-Identifier: ISC
"""gitolite's own commands, each of them by gitolite itself and through the
gateway: done for whom gitolite allows it, refused by gitolite for whom not,
and refused before gitolite sees it where no gateway may ask for it."""

import re

import pytest

from gitlib import git, git_hosts  # noqa: F401

RC = "/home/git/.gitolite.rc"
CONF = "/root/admin/conf/gitolite.conf"
MORE = ("create", "fork", "D", "who-pushed", "lock", "readme", "motd",
        "config", "newbranch", "symbolic-ref", "option", "sskm")
WILD = """
repo t/..*
	C = alice bob
	RW+ = CREATOR
	RW = WRITERS
	R = READERS dave
	option user-configs = my\\.label
	option writer-is-owner = 1
repo locked
	RW+ = alice bob
	- = alice bob
"""


@pytest.fixture(scope="module")
def all_commands(git_hosts):
    """gitolite with all its commands, and more rules for wild repositories;
    in the end as it was."""
    gl = git_hosts.gl
    rc, conf = gl.read(RC), gl.read(CONF)
    assert rc.count("ENABLE => [") == 1
    gl.write(RC, rc.replace("ENABLE => [", "ENABLE => [\n" + "".join(
        f"            '{name}',\n" for name in MORE)))
    gl.write(CONF, re.sub(r"repo t/\.\.\*\n(\t.*\n)*", "", conf) + WILD)
    git_hosts.admin()
    yield git_hosts
    gl.write(RC, rc)
    gl.write(CONF, conf)
    gl.run("rm -rf /home/git/repositories/locked.git")
    git_hosts.admin()


# What git.conf lets through by itself, and all the rest of the table.
ALWAYS = ("info", "help", "desc", "perms", "writable")
SET = [f"command = {name}" for name in (*ALWAYS, *MORE)]


@pytest.fixture
def site(all_commands, git):
    git.conf(gw=SET, gl=SET)
    git.seed("t/a")
    return git


def ok(git, who, command, **kwargs):
    done = git.ssh(who, command, **kwargs)
    assert done.returncode == 0, (command, done)
    end = git.wait_audit("gl", lambda x: x["event"] == "end")
    assert end
    last = git.audit("gw", "end")[-1]
    assert (last["id"], last["exit"]) == (who, 0)
    assert last["verb"] == command.split()[0]
    return done.stdout + done.stderr


# How gitolite says it, in one command and another.
NO = "not authori[sz]ed|not allowed|DENIED|denied"


def denied(git, who, command, why=NO):
    """By gitolite: both sides let it through."""
    asked = len(git.audit("gl", "begin"))
    done = git.ssh(who, command)
    assert done.returncode != 0, (command, done)
    assert re.search(why, done.stderr + done.stdout), (command, done)
    assert len(git.audit("gl", "begin")) == asked + 1, command
    assert git.audit("gl", "end")[-1]["exit"] == done.returncode
    assert git.audit("gw", "end")[-1]["exit"] == done.returncode


def refused(git, who, command):
    """By the gateway: gitolite hears nothing of it."""
    asked = len(git.audit("gl"))
    done = git.ssh(who, command)
    assert done.returncode == 1 and "git gateway: refused: " in done.stderr
    assert len(git.audit("gl")) == asked, command


def reads(git, who, repo="t/a"):
    return git.run(who, f"git ls-remote git@gw:{repo}",
                   check=False).returncode == 0


def test_help_names_what_each_command_is(site):
    for command in (*MORE, "perms", "writable", "desc", "info"):
        done = site.ssh("alice", f"{command} -h")
        said = (done.stdout + done.stderr).lower()
        assert "usage" in said, (command, done)
    assert "who-pushed" in ok(site, "bob", "help")


def test_a_command_goes_through_where_both_sides_have_it_set(site):
    command = "create t/set"
    site.conf(gw=SET)
    asked = len(site.audit("gl"))
    done = site.ssh("bob", command)
    assert done.returncode == 1
    assert "git server: refused: 'create'" in done.stderr
    assert [x["event"] for x in site.audit("gl")[asked:]] == ["refused"]
    site.conf(gl=SET)
    refused(site, "bob", command)
    assert not site.gl.exists("/home/git/repositories/t/set.git")
    site.conf(gw=SET, gl=SET)
    ok(site, "bob", command)
    assert site.gl.exists("/home/git/repositories/t/set.git")


def test_perms_opens_a_repository_to_another_and_closes_it(site):
    assert not reads(site, "bob")
    ok(site, "alice", "perms t/a + READERS bob")
    assert "READERS bob" in ok(site, "alice", "perms t/a -l")
    assert reads(site, "bob")
    assert "READERS" in ok(site, "alice", "perms t/a -lr")
    denied(site, "bob", "perms t/a + WRITERS bob")
    ok(site, "alice", "perms t/a - READERS bob")
    assert not reads(site, "bob")
    refused(site, "alice", "perms t/a + READERS 'bob;id'")
    refused(site, "alice", "perms gitolite-admin + READERS bob")


def test_repositories_are_made_by_name_and_only_where_one_may(site):
    ok(site, "bob", "create t/new")
    assert reads(site, "bob", "t/new") and not reads(site, "alice", "t/new")
    ok(site, "bob", "perms -c t/newer + READERS alice")
    assert reads(site, "alice", "t/newer")
    denied(site, "dave", "create t/daves")
    denied(site, "bob", "create other/x")
    assert not site.gl.exists("/home/git/repositories/other")
    refused(site, "bob", "create ../x")
    refused(site, "bob", "create gitolite-admin")


def test_a_fork_is_ones_own(site):
    ok(site, "alice", "perms t/a + READERS bob")
    ok(site, "bob", "fork t/a t/mine")
    tips = [site.run(who, f"git ls-remote git@gw:{repo} HEAD").stdout
            for who, repo in (("alice", "t/a"), ("bob", "t/mine"))]
    assert tips[0] == tips[1] != ""
    assert not reads(site, "alice", "t/mine")
    denied(site, "alice", "fork t/mine t/theirs")
    assert not site.gl.exists("/home/git/repositories/t/theirs.git")


def test_a_repository_that_is_not_writable_takes_no_push(site):
    push = ("cd seed && git commit -q --allow-empty -m x && "
            "git push -q git@gw:t/a master")
    ok(site, "alice", "writable t/a off for a while")
    done = site.run("alice", push, check=False)
    assert done.returncode != 0 and "for a while" in done.stderr, done
    assert reads(site, "alice")
    assert "" == ok(site, "alice", "writable t/a on").strip()
    site.run("alice", push)
    denied(site, "dave", "writable t/a off x")
    site.run("alice", push)
    refused(site, "alice", "writable @all off x")


def test_what_is_deleted_is_gone_and_comes_back_from_the_trash(site):
    tip = site.run("alice", "git ls-remote git@gw:t/a HEAD").stdout
    denied(site, "alice", "D rm t/a", "locked|unlock")
    denied(site, "dave", "D unlock t/a")
    refused(site, "alice", "D rm gitolite-admin")
    ok(site, "alice", "D trash t/a")
    assert not site.gl.exists("/home/git/repositories/t/a.git")
    there = re.findall(r"t/a/\S+", ok(site, "alice", "D list-trash"))
    assert len(there) == 1
    ok(site, "alice", f"D restore {there[0]}")
    assert site.run("alice", "git ls-remote git@gw:t/a HEAD").stdout == tip
    ok(site, "alice", "D unlock t/a")
    ok(site, "alice", "D rm t/a")
    assert not site.gl.exists("/home/git/repositories/t/a.git")


def test_what_a_repository_is_called_and_how_it_is_set(site):
    ok(site, "alice", "desc t/a a repository of mine")
    assert "a repository of" in ok(site, "alice", "desc t/a")
    denied(site, "dave", "desc t/a theirs")
    ok(site, "alice", "config t/a --add my.label one")
    assert "one" in ok(site, "alice", "config t/a --get-all my.label")
    denied(site, "alice", "config t/a --add core.pager id")
    ok(site, "alice", "symbolic-ref t/a HEAD refs/heads/other")
    assert site.gl.read("/home/git/repositories/t/a.git/HEAD") == \
        "ref: refs/heads/other\n"
    denied(site, "dave", "symbolic-ref t/a HEAD refs/heads/x")
    ok(site, "alice", "readme t/a set", input="hello\n")
    assert "hello" in ok(site, "alice", "readme t/a")
    tip = site.run("alice", "git -C seed rev-parse HEAD").stdout.strip()
    assert "alice" in ok(site, "alice", f"who-pushed t/a {tip}")
