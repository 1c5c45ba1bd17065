# SPDX-License-Identifier: ISC
"""What the git user of a gateway can change: the keys and what sessions need,
and nothing else on the host. As root sets it up, on hosts of its own."""

import pytest

from lab import proc
from gitsetuplib import Setup, findings, wait_masters

ETC = "/etc/postern/git"
KEYS = "/var/lib/postern/git/keys"
RUN = "/run/postern-git"
KEY = f"{ETC}/id_ed25519"
CONF = "/etc/postern/git.conf"
ROW = "the git user can change keys and sessions, and nothing else"
SSH = "ssh -o BatchMode=yes git@gw"

# Tries it on all of the host, and takes it back: a name in each folder, a byte
# of no file (opened for writing, not truncated), a mode, another name.
TRY = r"""
use strict; use warnings; use Errno; use Fcntl ':mode';
sub told { print "$_[0]\n" }
sub try {
    my ($at) = @_;
    my @s = lstat $at or return;
    my $mode = $s[2];
    my $can = 0;
    if (S_ISDIR($mode)) {
        if (mkdir "$at/.tried") { rmdir "$at/.tried"; $can = 1 }
    } elsif (S_ISREG($mode)) {
        if (open my $f, '+<', $at) { close $f; $can = 1 }
    }
    $can = 1 if !S_ISLNK($mode) && chmod $mode & 07777, $at;
    if (rename $at, "$at.tried") {
        rename "$at.tried", $at or die "$at: $!";
        $can = 1;
    }
    told $at if $can;
    return if !S_ISDIR($mode) || $at =~ m{^/(proc|sys)$};
    opendir my $d, $at or return;
    my @names = sort grep { !/^\.\.?$/ } readdir $d;
    closedir $d;
    try($at eq '/' ? "/$_" : "$at/$_") for @names;
}
try('/');
"""


@pytest.fixture(scope="module")
def ready(lab):
    made = Setup(lab, ("h47", "h48", "h49"))
    made.commands = made.all()
    for host in (made.gw, made.gl):
        proc.wait_for(lambda h=host: h.run(
            ["ssh-keyscan", "-t", "ed25519", "localhost"],
            check=False).stdout, 20, "sshd after its reload")
    made.gl.run("postern git push-keys")
    wait_masters(made)
    yield made
    for host in made.hosts:
        lab.remove(host)


def changes(host, user):
    """All that the user can change on the host."""
    host.write("/usr/local/try.pl", TRY)
    done = host.run(["runuser", "-u", user, "--", "perl",
                     "/usr/local/try.pl"], timeout=300)
    host.run(["rm", "/usr/local/try.pl"])
    return set(done.stdout.splitlines())


def test_it_can_change_keys_and_sessions_and_nothing_else(ready):
    """What it can, and nobody can not; with a session just over, and with
    what another update leaves."""
    gw = ready.gw
    assert ready.alice(f"{SSH} info").stdout.startswith("hello alice,")
    more = changes(gw, "git") - changes(gw, "nobody")
    assert {KEYS, RUN} < more
    left = {x for x in more if not x.startswith((f"{KEYS}/", f"{RUN}/"))}
    assert left == {KEYS, RUN}
    # It found what it can: whatever is git's, a byte of it or its mode.
    gw.run("install -o git -m 400 /dev/null /usr/local/mine; "
           "install -d -o git -m 500 /srv/mine; "
           "install -m 666 /dev/null /srv/all")
    try:
        found = changes(gw, "git")
        assert {"/usr/local/mine", "/srv/mine", "/srv/all"} < found
    finally:
        gw.run("rm -r /usr/local/mine /srv/mine /srv/all")
    # And all goes on: sessions by the pool and without, updates.
    assert ready.alice(f"{SSH} info").stdout.startswith("hello alice,")
    ready.gl.run("postern git push-keys")


BREAKS = {
    "home": ("chown git: /home/git", "may change /home/git"),
    "in the home": ("install -o git -m 644 /dev/null /home/git/.bashrc",
                    "may change /home/git/.bashrc"),
    "deep in the home": ("install -d /home/git/.ssh; install -o git -m 600 "
                         "/dev/null /home/git/.ssh/rc",
                         "may change /home/git/.ssh/rc"),
    "mode of the home": ("chmod 777 /home/git", "may change /home/git"),
    "shell": ("usermod -s /bin/bash git", "the shell of git is /bin/bash"),
    "key": (f"chown git: {KEY}", f"may change {KEY}"),
    # One that is lent is root's: the folder that it lies in has to be, too.
    "folder of the key": ("install -d -o git /srv/k; "
                          f"cp -a {KEY} /srv/k/id; "
                          f"echo 'key = /srv/k/id' >>{CONF}",
                          "may change /srv/k"),
    # That leaves the list, and its mask without a right.
    "mode of the key": (f"chmod 600 {KEY}", f"git can't read {KEY}"),
    "folder of the state": ("chown git: /var/lib/postern/git",
                            "may change /var/lib/postern/git"),
    # Not writable, but its own to make so.
    "owner": (f"chown git: {ETC}/allowed_signers; "
              f"chmod 444 {ETC}/allowed_signers",
              f"may change {ETC}/allowed_signers"),
    "program": ("chmod 777 /usr/local/libexec/postern",
                "may change /usr/local/libexec/postern"),
    "known hosts": (f"setfacl -m u:git:rw {ETC}/known_hosts || "
                    f"chmod 666 {ETC}/known_hosts",
                    f"may change {ETC}/known_hosts"),
}
MEND = (f"chown root: {ETC}/allowed_signers; "
        f"chmod 644 {ETC}/allowed_signers; "
        "rm -rf /home/git/.bashrc /home/git/.ssh /srv/k; "
        f"sed -i '/^key = /d' {CONF}; "
        "chown root: /home/git; chmod 755 /home/git; "
        "usermod -s /bin/sh git; chmod 755 /usr/local/libexec/postern; "
        f"setfacl -b {ETC}/known_hosts; chmod 644 {ETC}/known_hosts; "
        "chown root: /var/lib/postern/git")


@pytest.mark.parametrize("what", BREAKS)
def test_the_check_sees_more_than_that(ready, what):
    gw = ready.gw
    line, why = BREAKS[what]
    gw.run(line)
    try:
        wrong = findings(gw, 1)
    finally:
        gw.run(MEND, check=False)
        gw.run("rm -rf /home/git.before-postern")
        ready.paste(gw, ready.commands[2], 0)
    # With the key alone sessions end as well: ssh would not take it.
    assert set(wrong) - {"the git server lets this gateway in"} == {ROW}
    assert why in wrong[ROW]
    wait_masters(ready)
    assert findings(gw, 0) == {}


def test_a_home_that_was_gits_is_put_aside(ready):
    """As set-ups made it before; nothing in it is run, and none is lost."""
    gw = ready.gw
    gw.run("rmdir /home/git; install -d -o git -g git /home/git; "
           "usermod -s /bin/bash git")
    gw.write("/home/git/.bashrc", "echo sourced; touch /tmp/sourced\n")
    gw.run("chown -R git: /home/git; chmod 755 /home/git")
    try:
        # That is how such an account ran it.
        done = ready.alice(f"{SSH} info")
        assert done.stdout.startswith("sourced\n")
        gw.run("rm /tmp/sourced")
        _, said = ready.paste(gw, ready.commands[2] + " -n", 0)
        assert "would do: /home/git, a home that is root's" in said
        assert "would do: the shell of git: /bin/sh" in said
        assert gw.exists("/home/git/.bashrc")
        _, said = ready.paste(gw, ready.commands[2], 0)
        assert "done: /home/git, a home that is root's" in said
        assert "what git had in /home/git, is root's" in said
        assert gw.run("ls -A /home/git; stat -c '%U %a' /home/git").stdout \
            == "root 755\n"
        assert gw.run("getent passwd git").stdout.endswith(":/bin/sh\n")
        assert "sourced" in gw.read("/home/git.before-postern/.bashrc")
        assert gw.run("runuser -u git -- cat /home/git.before-postern/"
                      ".bashrc", check=False).returncode == 1
        assert ready.alice(f"{SSH} info").stdout.startswith("hello alice,")
        assert not gw.exists("/tmp/sourced")
        # What was put aside once is not written over.
        gw.run("chown git: /home/git")
        done = gw.run(ready.commands[2], check=False)
        assert done.returncode == 1
        assert "/home/git.before-postern is there already" in done.stderr
    finally:
        gw.run("rm -rf /home/git.before-postern /tmp/sourced; "
               "chown root: /home/git; usermod -s /bin/sh git")
    _, said = ready.paste(gw, ready.commands[2], 0)
    assert "done: " not in said


def test_an_account_of_somebodys_keeps_its_home(ready):
    gw = ready.gw
    way = "postern git setup-gateway --server git@gl --here dave@gw -n"
    gw.run("useradd -m -s /bin/bash -p '*' dave")
    try:
        done = gw.run(way, check=False)
        assert done.returncode == 1
        assert "the shell of dave is /bin/bash, which may read" in done.stderr
        gw.run("usermod -s /bin/sh dave")
        done = gw.run(way, check=False)
        assert done.returncode == 1
        assert "/home/dave is not root's: on a gateway" in done.stderr
        # As it says.
        gw.run("chown root: /home/dave && chmod 755 /home/dave")
        done = gw.run(way, check=False)
        assert done.returncode == 0, done
        # The original's account is taken, with all that it has.
        gw.run("chown dave: /home/dave; usermod -s /bin/bash dave")
        gw.write("/home/dave/.ssh/authorized_keys.base", "")
        gw.run("chown -R dave: /home/dave")
        done = gw.run(way, check=False)
        assert done.returncode == 0, done
        assert "would do: /home/dave, a home that is root's" in done.stderr
    finally:
        gw.run("userdel -r dave; rm -rf /home/dave", check=False)


@pytest.mark.parametrize("side", ["gw", "gl"])
def test_the_key_can_be_read_by_git_and_changed_by_root(ready, side):
    host = getattr(ready, side)
    as_git = ["runuser", "-u", "git", "--"]
    assert host.run(["stat", "-c", "%U:%G %a", KEY]).stdout == (
        "root:root 640\n")
    host.run([*as_git, "ssh-keygen", "-y", "-f", KEY])
    for line in (f"chmod 400 {KEY}", f"sh -c ': >>{KEY}'",
                 f"mv {KEY} {KEY}.x", f"rm -f {KEY}", f"chown git {KEY}"):
        assert host.run(f"runuser -u git -- {line}",
                        check=False).returncode != 0, line


def without(host, calls, error, line):
    """line on a kernel or a file system that has not these calls."""
    return host.run(f"strace -f -qq -o /dev/null -e trace={calls} "
                    f"-e inject={calls}:error={error} {line}", check=False)


def test_without_access_control_lists_the_key_is_gits_alone(ready):
    gw, line = ready.gw, ready.commands[2]
    calls = "lsetxattr,lgetxattr", "EOPNOTSUPP"
    gw.run(f"cp {KEY} {KEY}.x; mv {KEY}.x {KEY}; chmod 600 {KEY}")
    try:
        for said in ("done: the key", "was so already: the key"):
            done = without(gw, *calls, line)
            assert done.returncode == 0 and said in done.stderr, done
            assert gw.run(["stat", "-c", "%U:%G %a", KEY]).stdout == (
                "git:git 400\n")
        assert ready.alice(f"{SSH} info").stdout.startswith("hello alice,")
    finally:
        _, said = ready.paste(gw, line, 0)
    assert "done: the key" in said
    assert gw.run(["stat", "-c", "%U:%G %a", KEY]).stdout == "root:root 640\n"


@pytest.mark.parametrize("side", ["gw", "gl"])
def test_the_check_says_what_a_kernel_does_not_enforce(ready, side):
    host = getattr(ready, side)
    assert "no Landlock here" not in host.run("postern git check").stdout
    done = without(host, "landlock_create_ruleset", "ENOSYS",
                   "postern git check")
    assert done.returncode == 0, done
    assert done.stdout.count("note: there is no Landlock here: files are "
                             "not confined") == 1
