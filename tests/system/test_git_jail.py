# SPDX-License-Identifier: ISC
"""How the programs of postern git are confined: as the kernel has it of their
processes, and what a program in ssh's place can do there."""

import pytest

from gitkeylib import fingerprint
from gitlib import CONF, GATE, LOG, RUN, STORE, TOOLS, git, git_hosts
from lab import proc
from test_git_keys_gitolite import Site

__all__ = ["git", "git_hosts"]

# In ssh's place on the gateway: what was taken over does what it likes.
EVIL = f"""#!/bin/sh
try() {{ w=$1; shift; "$@" >/dev/null 2>&1 && echo "CAN $w" >&2 || :; }}
put() {{ sh -c ': >"$1"' x "$1.$(id -u).$$"; }}
try run put {RUN}/evil
try log put {LOG}/evil
try etc cat {CONF}
try tmp put /tmp/evil
try shm put /dev/shm/evil
try keys put {STORE}/evil
try srv cat /srv/open
try home ls /home
try inet perl -MSocket -e 'socket my $s, AF_INET, SOCK_STREAM, 0 or die'
try netlink perl -MSocket -e 'socket my $s, 16, SOCK_RAW, 0 or die'
try setuid test "$(/usr/local/bin/who -u)" = 0
exit 1
"""
CAN = ["CAN run", "CAN log", "CAN etc", "CAN inet"]


def state(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        has = dict(line.rstrip("\n").split(":\t", 1) for line in f)
    return has["NoNewPrivs"], has["Seccomp"]


def of(git, host, program, words=""):
    """Of the one that runs program, not of the shell that sshd starts it by."""
    def found():
        return [p for p in git.pids(host, words)
                if proc.cmdline(p).split(" ")[0].endswith(program)]
    return state(proc.wait_for(found, 30, program)[-1])


def test_a_program_in_sshs_place_is_held(git):
    gw = git.gw
    gw.write("/opt/postern/evil", EVIL, 0o755)
    gw.run("echo open >/srv/open; chmod 644 /srv/open; "
           f"install -d -o git -m 700 {STORE}; "
           "cp /usr/bin/id /usr/local/bin/who; chmod 4755 /usr/local/bin/who")
    git.conf(gw=["ssh = /opt/postern/evil"])
    try:
        # Without any jail, as git, it could do all of this.
        free = gw.run(["runuser", "-u", "git", "--", "/opt/postern/evil"],
                      check=False).stderr.splitlines()
        done = git.ssh("alice", "info")
    finally:
        gw.run(f"rm -rf /srv/open {STORE} /tmp/evil.* /dev/shm/evil.* "
               f"{RUN}/evil.* /usr/local/bin/who /opt/postern/evil")
    words = {"run", "log", "etc", "tmp", "shm", "keys", "srv", "home",
             "inet", "netlink", "setuid"}
    assert words == {x.split()[1] for x in free}
    assert [x for x in done.stderr.splitlines()
            if x.startswith("CAN ")] == CAN, done


@pytest.mark.parametrize("mux", [0, 2])
def test_the_kernel_has_it_of_each_process(git, mux):
    git.conf(mux=mux)
    git.hold()
    with git.start("alice", "ssh git@gw info", stdout=-1, stderr=-1) as ssh:
        git.held()
        assert of(git, git.gw, "/postern-git-proxy") == ("1", "2")
        # Also what it started: an ssh, or the pool.
        assert of(git, git.gw, "/ssh", "-F none") == ("1", "2")
        assert not mux or of(git, git.gw, "/postern-git", "mux") == ("1", "2")
        proc.wait_for(lambda: of(git, git.gl, "/postern-git-serve") ==
                      ("1", "2"), 20, "its jail")
        # gitolite and its hooks may run sudo, or send a mail.
        assert of(git, git.gl, "cat", GATE) == ("0", "0")
        git.go()
        out, err = ssh.communicate(timeout=60)
        assert ssh.returncode == 0, err
        assert out.startswith(b"hello alice")
    assert git.audit("gl", "end")[-1]["exit"] == 0


def test_a_log_where_git_may_not_look_ends_no_session(git):
    for host in (git.gw, git.gl):
        host.run("install -d -m 700 /var/log/closed")
        host.write(CONF, host.read(CONF).replace(LOG, "/var/log/closed"))
    try:
        done = git.ssh("alice", "info")
        assert done.returncode == 0, done
        assert done.stdout.startswith("hello alice")
    finally:
        for host in (git.gw, git.gl):
            host.run("rm -r /var/log/closed")


def test_a_log_that_is_rotated_goes_on_in_the_jail(git):
    git.hold()
    with git.start("alice", "ssh git@gw info", stdout=-1, stderr=-1) as ssh:
        git.held()
        for host in (git.gw, git.gl):
            host.run(f"mv {LOG}/audit {LOG}/audit.1")
        git.go()
        assert ssh.wait(60) == 0
    for side in ("gw", "gl"):
        assert git.wait_audit(side, lambda r: r["event"] == "end")


def test_a_session_is_confined_before_it_reads_whose_it_is(git):
    gw, key = git.gw, git.keys["alice"][0]
    gw.write("/tmp/auth", "publickey " + " ".join(key.split()[:2]) + "\n",
             0o644)
    try:
        calls = gw.run(
            ["runuser", "-u", "git", "--", "env", "SSH_USER_AUTH=/tmp/auth",
             "SSH_ORIGINAL_COMMAND=x", "strace", "-qq",
             f"{TOOLS}/postern-git-proxy", "alice"], check=False)
    finally:
        gw.run(["rm", "/tmp/auth"])
    lines = calls.stderr.splitlines()
    opened = next(i for i, x in enumerate(lines) if '"/tmp/auth"' in x)
    fd = lines[opened].split(" = ")[1]
    read = next(i for i, x in enumerate(lines) if i > opened and
                x.startswith(f"read({fd}, \"publickey "))
    ruled = [i for i, x in enumerate(lines) if "PR_SET_SECCOMP" in x or
             "SECCOMP_SET_MODE_FILTER" in x]
    assert opened < ruled[0] < read, calls.stderr
    assert git.audit("gw")[-1]["fp"] == fingerprint(key)


def test_the_lookup_is_confined_before_it_reads_the_index(git):
    site = Site(git, index=True)
    try:
        site.keydir("carol.pub", git.keys["carol"][0])
        site.admin()
        calls = git.gw.run(
            ["runuser", "-u", "git", "--", "strace", "-qq",
             f"{TOOLS}/postern-git-keys", fingerprint(git.keys["carol"][0]),
             f"{STORE}/current/index"])
    finally:
        site.close()
    assert "carol" in calls.stdout
    names = [x.split("(")[0] for x in calls.stderr.splitlines()]
    rows = [i for i, x in enumerate(calls.stderr.splitlines())
            if "PR_SET_SECCOMP" in x]
    ruled = names.index("landlock_restrict_self")
    opened = max(i for i, x in enumerate(names) if x == "mmap"
                 and i < ruled)
    assert opened < ruled < rows[0] < names.index("write")


def test_an_update_is_confined_before_it_reads(git):
    with git.gw.popen(["runuser", "-u", "git", "--",
                       f"{TOOLS}/postern-git-proxy", "--auth-update"],
                      stdin=-1, stdout=-1, stderr=-1) as update:
        # It waits for what we never send.
        proc.wait_for(lambda: of(git, git.gw, "/postern-git-proxy") ==
                      ("1", "2"), 20, "its jail")
        update.stdin.close()
        assert update.wait(30) == 1
