# SPDX-License-Identifier: ISC
"""postern git check on the gateway: through its own sshd, with a key that it
makes, to the answers of gitolite and of git."""

import json
import subprocess

import pytest

from gitprovelib import (CONF, GITOLITE, GONE, IN, LETS, SHELL,  # noqa: F401
                         THROUGH, VERSION2, changed, edit, ready)
from gitsetuplib import (CHECK, DROPIN, ETC, LIBEXEC, findings,
                         wait_masters)


@pytest.mark.parametrize("side, path, was, now, finds", [
    # sshd does not read the file of the check's key.
    ("gw", DROPIN, f" {CHECK}", "", {
        IN: "refused the key", "sshd on this gateway reads the keys": CHECK}),
    ("gw", DROPIN, "AcceptEnv GIT_PROTOCOL", "AcceptEnv X", {
        "sshd on this gateway reads the keys": "acceptenv",
        THROUGH: "gitproto="}),
    # The gateway's key is no longer held to anything there.
    ("gl", f"{ETC}/authorized_keys", "restrict,command=", "#", {
        LETS: "Permission denied", THROUGH: "not permitted"}),
    ("gl", f"{ETC}/authorized_keys", "postern-git-serve", "nothing", {
        LETS: "status 127", THROUGH: "status 127"}),
])
def test_the_check_on_the_gateway_names_what_is_wrong(
        ready, changed, side, path, was, now, finds):
    wait_masters(ready)
    host = getattr(ready, side)
    if side == "gl":
        # What stands already would go on.
        ready.gw.run("systemctl stop postern-git-mux")
        finds = {**finds, "connections to the git server stand ready": "0 of"}
    changed(host, path, edit(host, path, was, now))
    try:
        wrong = findings(ready.gw, 1)
    finally:
        ready.gw.run("systemctl start postern-git-mux")
    assert list(wrong) == [r for r in ORDER if r in finds]
    for finding, why in finds.items():
        assert why in wrong[finding], wrong


ORDER = ("sshd on this gateway reads the keys", LETS,
         "connections to the git server stand ready", IN, THROUGH, GITOLITE,
         VERSION2, GONE)


@pytest.mark.parametrize("program, finds", [
    ("exit 0\n", {THROUGH: "ended well, and not at"}),
    ("echo no such luck >&2; exit 3\n", {THROUGH: "no such luck"}),
    (None, {IN: "can't be run"}),
])
def test_the_check_on_the_gateway_sees_a_proxy_that_is_broken(
        ready, program, finds):
    wait_masters(ready)
    at = f"{LIBEXEC}/postern-git-proxy"
    ready.gw.run(f"mv {at} {at}.off")
    if program is not None:
        ready.gw.write(at, f"#!/bin/sh\n{program}", 0o755)
    try:
        wrong = findings(ready.gw, 1)
    finally:
        ready.gw.run(f"mv {at}.off {at}")
    assert list(wrong) == list(finds)
    for finding, why in finds.items():
        assert why in wrong[finding]


@pytest.mark.parametrize("shell, on_gw, on_gl", [
    # The environment does not reach git.
    (f'unset GIT_PROTOCOL; exec {SHELL} "$@"',
     {VERSION2: "000eversion 2"}, {VERSION2: "000eversion 2"}),
    ('echo "FATAL: half of it" >&2; exit 1', {
        GITOLITE: "FATAL: half of it", VERSION2: "FATAL"},
     {"a key that was pushed is let in": "FATAL: half of it"}),
    ("echo hello", {GITOLITE: "but not with", VERSION2: "but not with"},
     {"a key that was pushed is let in": "but not with"}),
])
def test_a_gitolite_that_is_broken_is_seen_from_both_sides(
        ready, changed, shell, on_gw, on_gl):
    wait_masters(ready)
    conf = ready.gl.read(CONF)
    ready.gl.write("/usr/local/bin/broken", f"#!/bin/sh\n{shell}\n", 0o755)
    changed(ready.gl, CONF, conf + "gitolite-shell = /usr/local/bin/broken\n")
    for host, finds in ((ready.gw, on_gw), (ready.gl, on_gl)):
        wrong = findings(host, 1)
        assert list(wrong) == list(finds)
        for finding, why in finds.items():
            assert why in wrong[finding], wrong


def test_an_sshd_that_forgets_nothing_is_seen_on_the_gateway(ready, changed):
    wait_masters(ready)
    ready.gw.write("/usr/local/bin/keys", "#!/bin/sh\n"
                   f"cat {CHECK} >>/tmp/seen 2>/dev/null; cat /tmp/seen\n",
                   0o755)
    changed(ready.gw, DROPIN, edit(
        ready.gw, DROPIN, "AuthorizedKeysCommand none",
        "AuthorizedKeysCommand /usr/local/bin/keys\n"
        "\tAuthorizedKeysCommandUser git").replace(f" {CHECK}", ""))
    try:
        wrong = findings(ready.gw, 1)
    finally:
        ready.gw.run("rm -f /tmp/seen /usr/local/bin/keys")
    assert list(wrong) == ["sshd on this gateway reads the keys", GONE]
    assert "let in a key that is gone" in wrong[GONE]


HELD = f"""#!/bin/sh
[ -e /tmp/gate.was ] || {{
	: >/tmp/gate.was; echo held >/tmp/gate.in; cat /tmp/gate; }}
exec {SHELL} "$@"
"""


@pytest.fixture
def held(ready, changed):
    """A check on gw whose session waits on gl."""
    gl = ready.gl
    gl.write("/usr/local/bin/held", HELD, 0o755)
    gl.run("rm -f /tmp/gate*; mkfifo -m 666 /tmp/gate /tmp/gate.in; "
           "touch /tmp/gate.was")
    changed(gl, CONF, gl.read(CONF) + "gitolite-shell = /usr/local/bin/held\n")
    wait_masters(ready)
    gl.run("rm /tmp/gate.was")
    with ready.gw.popen(["postern", "git", "check", "--json"], text=True,
                        stdout=-1, stderr=-1) as check:
        try:
            # The first is the gateway's own question, the next one comes
            # through its sshd.
            for n in range(2):
                gl.run("timeout 30 sh -c 'read x </tmp/gate.in'")
                if n == 0:
                    gl.run("rm /tmp/gate.was; "
                           "timeout 9 sh -c ': >/tmp/gate'")
            yield check
        finally:
            gl.run("timeout 1 sh -c ': >/tmp/gate'", check=False)
            if check.poll() is None:
                check.signal_target(9)
            check.communicate()
            gl.run("rm -f /tmp/gate*")
            ready.gw.run(["rm", "-f", CHECK])


def test_a_check_that_is_killed_on_the_gateway_leaves_no_way_in(ready, held):
    line = ready.gw.read(CHECK)
    assert line.startswith("# SHA256:") and (
        f'\nrestrict,command="{LIBEXEC}/postern-git-proxy postern-check" '
        "ssh-ed25519 ") in line
    stat = ready.gw.run(["stat", "-c", "%U:%G %a", CHECK]).stdout
    assert stat == "root:git 640\n"
    second = ready.gw.run("postern git check --json", check=False)
    assert "another check is under way" in second.stdout
    held.signal_target(9)
    held.wait()
    assert ready.gw.read(CHECK) == line
    # Nobody has that key; with one that somebody has, sshd lets in, and the
    # gateway's program does not, since no check holds the file.
    key = ready.client.path("/home/alice/.ssh/mine")
    ready.lab.keygen(key, "mine")
    ready.client.run("chown alice: /home/alice/.ssh/*")
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    sum_ = subprocess.run(["ssh-keygen", "-lf", key], text=True, check=True,
                          capture_output=True).stdout.split()[1]
    ready.gw.write(CHECK, f'# {sum_}\nrestrict,command="{LIBEXEC}/postern-git'
                   f'-proxy postern-check" {public}\n', 0o640)
    ready.gw.run(["chgrp", "git", CHECK])
    ssh = ("ssh -i .ssh/mine -o IdentitiesOnly=yes -o BatchMode=yes "
           "git@gw info")
    done = ready.alice(ssh, check=False)
    assert done.returncode == 1 and "the key was revoked" in done.stderr, done
    # Held, it is what a check does.
    with ready.gw.popen(["flock", CHECK, "-c", "echo on; cat"], text=True,
                        stdin=-1, stdout=-1) as check:
        assert check.stdout.readline() == "on\n"
        ready.gl.run("touch /tmp/gate.was")
        assert "hello postern-check," in ready.alice(ssh).stdout
        check.stdin.close()
        check.wait()
    # The next check finds nothing in its way, also if the git user locks what
    # it may read for ever; and leaves nothing.
    wait_masters(ready)
    with ready.gw.popen(["runuser", "-u", "git", "--", "flock", "-s", CHECK,
                         "-c", "echo on; cat"], text=True, stdin=-1,
                        stdout=-1) as locked:
        assert locked.stdout.readline() == "on\n"
        assert findings(ready.gw, 0) == {}
        locked.stdin.close()
        locked.wait()
    lock = ready.gw.run(["stat", "-c", "%U %a", f"{CHECK}.lock"]).stdout
    assert lock == "root 600\n"
    assert not ready.gw.exists(CHECK)


SLOW = "/usr/local/bin/slow"


@pytest.fixture
def slow_sshd(ready):
    """An sshd on gw that says nothing, for ever, to whoever asks it."""
    ready.gw.write(SLOW, "#!/bin/sh\nexec sleep 1000\n", 0o755)
    wait_masters(ready)
    ready.gw.run(f"mount --bind {SLOW} /usr/sbin/sshd")
    yield
    ready.gw.run("umount /usr/sbin/sshd")


def test_a_program_that_does_not_answer_has_the_time_that_is_given(
        ready, slow_sshd):
    done = ready.gw.run("postern git check --timeout 1s --json", check=False)
    rows = {r["check"]: r for r in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    for row in ("sshd on this gateway reads the keys", IN):
        assert "sshd: took too long" in rows[row]["why"], rows
    line = ready.for_gw + " --timeout 1s"
    done = ready.gw.run(line, check=False)
    assert done.returncode == 75 and "sshd: took too long" in done.stderr


def test_another_side_that_does_not_answer_has_the_time_that_is_given(ready):
    """Both have their own limits, which are far longer, and say so in other
    words."""
    wait_masters(ready)
    for here, there in ((ready.gw, ready.gl), (ready.gl, ready.gw)):
        there.link.cut()
        try:
            done = here.run("postern git status --json --timeout 300ms",
                            check=False)
            checked = here.run("postern git check --json --timeout 300ms",
                               check=False) if here is ready.gw else None
        finally:
            there.link.restore()
        said = json.loads(done.stdout)
        assert (done.returncode, said["agree"]) == (2, None)
        assert "took too long" in said["not-asked"]
        rows = [json.loads(x) for x in checked.stdout.splitlines()
                ] if checked else []
        why = [r["why"] for r in rows if r["check"] == LETS]
        assert len(why) == (1 if checked else 0)
        assert all(w.startswith("git@gl: took too long") for w in why)
