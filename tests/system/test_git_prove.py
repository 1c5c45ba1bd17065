# SPDX-License-Identifier: ISC
"""The whole way, proved from either side: a set-up's end, `postern git check`
on the gateway, and what a gateway that was taken over has of the questions
that these ask. On hosts of their own, which are set up from the git server's
side."""

import json
import subprocess

import pytest

from lab import proc
from test_git_setup import (CHECK, DROPIN, ETC, INFO, KEYS, LIBEXEC,
                            Setup, findings, wait_masters)

CONF = "/etc/postern/git.conf"
SHELL = "/usr/share/gitolite3/gitolite-shell"
IN = "a key of this check's is let in by sshd here"
THROUGH = "its session comes to the git server, with address and protocol"
GITOLITE = "gitolite answers it"
VERSION2 = "git answers in version 2 of its protocol"
GONE = "the key is refused once it is gone"
LETS = "the git server lets this gateway in"


@pytest.fixture(scope="module")
def pair(lab):
    made = Setup(lab, ("h47", "h48", "h49"))
    yield made
    for host in made.hosts:
        lab.remove(host)


def set_up(pair):
    """From gl's side: what each of the three says, and the lines."""
    first = "postern git setup-server --gateway git@gw --here git@gl"
    for_gw, one = pair.paste(pair.gl, first, 2)
    for_gl, two = pair.paste(pair.gw, for_gw, 2)
    _, three = pair.paste(pair.gl, for_gl, 0)
    return (one, two, three), (for_gl, for_gw)


@pytest.fixture(scope="module")
def ready(pair):
    pair.said, (pair.for_gl, pair.for_gw) = set_up(pair)
    return pair


def test_who_comes_first_says_what_is_left_and_who_comes_second_proves_it(
        ready):
    one, two, three = ready.said
    assert "it prints what is to be run here then" in one
    assert "asked for" not in two and "checked" not in one + two
    assert "one step is left: the git server does not let this host in yet, " \
        "so run there what is printed above" in two
    assert "checked: 13 things were tried, all is well" in three
    assert "WRONG" not in one + two + three
    # Nobody pushed by hand, and no timer.
    assert ready.alice(INFO).stdout.startswith("hello alice,")


def test_a_set_up_that_is_repeated_brings_the_keys_and_tries_it_all(ready):
    old = ready.gl.run("postern git status --json").stdout
    _, said = ready.paste(ready.gw, ready.for_gw, 0)
    assert "done: " not in said and "all is well" in said
    new = json.loads(ready.gl.run("postern git status --json").stdout)
    assert new["sequence"] > json.loads(old)["sequence"]
    assert f"in force, sequence {new['sequence']}" in said
    _, said = ready.paste(ready.gl, ready.for_gl, 0)
    assert "done: " not in said and "all is well" in said
    # What is wrong is named, and fails it.
    ready.gl.run(f"mv {SHELL} {SHELL}.off")
    try:
        _, said = ready.paste(ready.gw, ready.for_gw + " --timeout 5s", 1)
    finally:
        ready.gl.run(f"mv {SHELL}.off {SHELL}")
    assert f"WRONG: {GITOLITE}: " in said and "cure: " in said
    assert "all is well" not in said


@pytest.mark.parametrize("side, line", [("gw", "for_gw"), ("gl", "for_gl")])
def test_another_side_that_is_down_leaves_a_set_up_unproved(ready, side,
                                                            line):
    other = ready.gl if side == "gw" else ready.gw
    other.run("systemctl stop ssh.socket ssh", check=False)
    try:
        _, said = ready.paste(getattr(ready, side),
                              getattr(ready, line) + " --timeout 2s", 2)
    finally:
        other.run("systemctl start ssh")
        other.wait_up()
    assert "not tried: the " in said and " can't be reached: " in said
    assert "postern git check tries it again" in said


def test_a_push_that_the_gateway_refuses_fails_its_set_up(ready):
    """It is let in there, so that nothing is left to be run."""
    ready.gw.run(f"mv {ETC}/allowed_signers {ETC}/off; "
                 f"echo >{ETC}/allowed_signers")
    line = ready.for_gw.split(" --key ")[0] + " --timeout 5s"
    before = asked(ready)
    try:
        _, said = ready.paste(ready.gw, line, 1)
    finally:
        ready.gw.run(f"mv {ETC}/off {ETC}/allowed_signers")
    assert "WRONG: the git server lets this host in, but: " in said
    assert "the keys did not reach the gateway" in said
    # It says no, and is asked no more.
    assert asked(ready) == before + 1


def asked(ready):
    """How often the gateway has asked the git server for a push."""
    ready.gl.run("journalctl --sync")
    lines = ready.gl.run("journalctl -q -o cat -t postern-git").stdout
    return len([x for x in lines.splitlines()
                if x.startswith("begin ") and " verb=key-push" in x])


@pytest.mark.parametrize("host, name, was, now, why", [
    ("gw", "authorized_keys", "restrict,command=",
     'from="192.0.2.1",restrict,command=', "Permission denied"),
    ("gw", "authorized_keys", "postern-git-proxy --auth-update", "nothing",
     "status 127"),
    ("gl", "known_hosts", None, None, "Host key verification failed"),
])
def test_a_push_that_can_not_arrive_is_asked_for_once(
        ready, changed, host, name, was, now, why):
    """Nothing that passes by itself, unlike an sshd that is away."""
    there, path = getattr(ready, host), f"{ETC}/{name}"
    changed(there, path, edit(there, path, was, now) if was else
            f"gw {ready.client.host_key}\n")
    before = asked(ready)
    _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0], 1)
    assert "WRONG: the git server lets this host in, but: " in said
    assert "the keys did not reach the gateway: " in said and why in said
    assert asked(ready) == before + 1


def test_an_ssh_that_can_not_be_run_is_this_hosts_own_fault(ready, changed):
    """It runs by runuser, whose status is no session's."""
    changed(ready.gw, CONF, edit(ready.gw, CONF, "[gateway]\n",
                                 "[gateway]\nssh = /usr/bin/no-such-ssh\n"))
    _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0], 1)
    assert "WRONG: the git server was not asked: ssh failed on this host" in \
        said
    assert "(runuser: failed to execute /usr/bin/no-such-ssh: " in said
    assert "can't be reached" not in said and "lets this host in" not in said


LOSE = """#!/bin/sh
# The connection by which the git server was asked for this push, once.
[ -e /tmp/lost ] && exit 1
: >/tmp/lost
p=$$
while case $(cat /proc/$p/comm) in sshd*) false;; esac; do
	p=$(cut -d ' ' -f 4 /proc/$p/stat)
done
kill -9 $p
exit 1
"""


def test_a_session_that_is_lost_on_its_way_is_asked_for_again(ready, changed):
    """It has said by then that it came to postern-git-serve."""
    gl = ready.gl
    gl.write("/usr/local/bin/lose", LOSE, 0o755)
    gl.write(f"{ETC}/ssh_config", 'Match exec "/usr/local/bin/lose"\n')
    changed(gl, CONF, gl.read(CONF) + f"push-ssh-config = {ETC}/ssh_config\n")
    before = asked(ready)
    try:
        _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0], 0)
        assert gl.exists("/tmp/lost")
    finally:
        gl.run(f"rm -f /tmp/lost {ETC}/ssh_config /usr/local/bin/lose")
    assert "all is well" in said and asked(ready) > before + 1


def refusals(host):
    host.run("journalctl --sync")
    return host.run("journalctl -q -o cat -u ssh").stdout.count(
        "Connection closed by authenticating user git ")


def test_a_set_up_makes_few_logins_that_are_refused(ready, changed):
    """sshd may count them, and shuts out whom it refuses often."""
    changed(ready.gw, DROPIN, edit(
        ready.gw, DROPIN, f" {KEYS}/current/authorized_keys", ""))
    before = refusals(ready.gw)
    _, said = ready.paste(ready.gl, ready.for_gl, 1)
    assert "WRONG: a key that was pushed is let in: git@gw refused" in said
    # The one of a key that nobody knows, and twice that one.
    assert refusals(ready.gw) == before + 3


def test_a_push_that_finds_nobody_is_asked_for_again(ready, changed):
    """The gateway's sshd is away, as after a change of its settings."""
    changed(ready.gl, CONF, ready.gl.read(CONF) + "push-timeout = 2s\n")
    # Its folder goes with it, without which sshd -T says nothing.
    ready.gw.run("systemctl stop ssh.socket ssh; install -d /run/sshd")
    before = asked(ready)
    try:
        _, said = ready.paste(ready.gw, ready.for_gw.split(" --key ")[0]
                              + " --timeout 15s", 1)
    finally:
        ready.gw.run("systemctl start ssh")
        ready.gw.wait_up()
    assert "WRONG: the git server lets this host in, but: " in said
    assert asked(ready) > before + 1


@pytest.mark.parametrize("side, line, program, who", [
    ("gw", "for_gw", "postern-git-serve", "the git server"),
    ("gl", "for_gl", "postern-git-proxy --auth-update", "the gateway"),
])
def test_another_side_that_lets_it_in_and_fails_is_wrong(
        ready, changed, side, line, program, who):
    """Not one that can't be reached."""
    other = ready.gl if side == "gw" else ready.gw
    path = f"{ETC}/authorized_keys"
    changed(other, path, edit(other, path, program, "nothing"))
    _, said = ready.paste(getattr(ready, side),
                          getattr(ready, line) + " --timeout 5s", 1)
    assert f"WRONG: {who} lets this host in, but: " in said
    assert "status 127" in said and "can't be reached" not in said


@pytest.mark.parametrize("side, words, who", [
    ("gw", "setup-gateway --server git@gl --here git@gw", "the git server"),
    ("gl", "setup-server --gateway git@gw --here git@gl", "the gateway"),
])
def test_another_host_key_than_the_pinned_one_is_wrong(ready, changed, side,
                                                       words, who):
    host, path = getattr(ready, side), f"{ETC}/known_hosts"
    name = "gl" if side == "gw" else "gw"
    changed(host, path, f"{name} {ready.client.host_key}\n")
    _, said = ready.paste(host, f"postern git {words} --timeout 5s", 1)
    assert f"WRONG: {who} does not show the host key that is pinned" in said
    assert "can't be reached" not in said


@pytest.fixture
def changed(ready):
    """Files of a host replaced until the test ends; sshd looks again."""
    kept = []

    def change(host, path, text, mode=None):
        kept.append((host, path, host.read(path),
                     host.run(["stat", "-c", "%a", path]).stdout.strip()))
        host.write(path, text, mode or int(kept[-1][3], 8))
        if path == DROPIN:
            host.run("systemctl reload ssh")
            settle(host)
    yield change
    for host, path, text, mode in reversed(kept):
        host.write(path, text, int(mode, 8))
        if path == DROPIN:
            host.run("systemctl reload ssh")
            settle(host)


def settle(host):
    proc.wait_for(lambda: host.run(
        ["ssh-keyscan", "-t", "ed25519", "localhost"],
        check=False).stdout, 20, "sshd after its reload")


def edit(host, path, was, now):
    old = host.read(path)
    assert was in old
    return old.replace(was, now)


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


def probe(ready, command, gitproto="version=2", stdin="", ident=None):
    """As a gateway that was taken over asks."""
    proto = f" gitproto={gitproto}" if gitproto else ""
    return ready.gw.run(
        ["runuser", "-u", "git", "--", "timeout", "30", "ssh", "-F", "none",
         "-T", "-i", f"{ETC}/id_ed25519", "-o",
         f"UserKnownHostsFile={ETC}/known_hosts", "git@gl",
         f"v1 id={ident or 'postern-check'} ip=- fp=- "
         f"sid=0123456789abcdef{proto} -- {command}"],
        input=stdin, check=False)


WAY = "postern-check ip=- fp=- gitproto=version=2 serves=gitolite"


def test_a_gateway_gains_nothing_by_the_questions_of_a_check(ready):
    done = probe(ready, "info")
    way, greets = done.stdout.splitlines()
    assert way == WAY and greets.startswith("hello postern-check, this is ")
    # Of gitolite-admin, which it is, nothing: what is sent is not read.
    ask = ("0014command=ls-refs\n0001" "0009peel\n0000")
    done = probe(ready, "git-upload-pack 'postern-check'", stdin=ask)
    assert (done.returncode, done.stdout) == (
        0, f"{WAY}\npostern-check git=2\n"), done
    for proto in ("", "version=1"):
        done = probe(ready, "git-upload-pack 'postern-check'", proto)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert "version 2 of git's protocol" in done.stderr
    for command in ("git-upload-pack 't/x'", "git-receive-pack "
                    "'postern-check'", "git-upload-pack 'gitolite-admin'",
                    "git-upload-pack 'postern-check' 't/x'", "help", "info x",
                    "key-push --force", "key-push x", "key-status x", "id"):
        done = probe(ready, command)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert "is no user, and may ask" in done.stderr, done
    # Nobody else has these questions.
    for command in ("key-push", "key-status"):
        done = probe(ready, command, ident="alice")
        assert done.returncode == 1 and "postern-check" not in done.stdout
    log = ready.gl.run("journalctl -q -o cat -t postern-git").stdout
    assert "id=postern-check" in log


def test_a_gateway_may_ask_for_a_push_and_has_no_word_in_it(ready):
    """All that comes of it is what the timer does anyway."""
    key = ready.client.path("/home/alice/.ssh/asked")
    ready.lab.keygen(key, "carl@client")
    at = "/home/git/.gitolite/keydir/carl.pub"
    ready.gl.write(at, key.with_suffix(".pub").read_text())
    lock = "/var/lib/postern/git/asked.lock"
    try:
        done = probe(ready, "key-push", stdin="x" * 1000)
        assert done.returncode == 0, done
        assert done.stdout.splitlines()[1].startswith("postern-check pushed=")
        assert " carl\" " in ready.gw.read(f"{KEYS}/current/authorized_keys")
        gl = json.loads(ready.gl.run("postern git status --json").stdout)
        assert f"pushed={gl['sequence']} keys={gl['keys']} " in done.stdout
        done = probe(ready, "key-status")
        assert done.stdout.splitlines()[1] == (
            f"postern-check sequence={gl['sequence']} keys={gl['keys']} "
            f"pushed={gl['pushed']} taken={gl['sequence']} ok=yes")
        # One at a time.
        with ready.gl.popen(["flock", lock, "-c", "echo on; cat"], text=True,
                            stdin=-1, stdout=-1) as held:
            assert held.stdout.readline() == "on\n"
            done = probe(ready, "key-push")
            assert done.returncode == 75, done
            held.stdin.close()
            held.wait()
    finally:
        ready.gl.run(f"rm {at}; postern git push-keys --force")


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


def status(host, code=0):
    done = host.run("postern git status", check=False)
    assert done.returncode == code, done
    return done.stdout


def js(host, code=0):
    done = host.run("postern git status --json", check=False)
    assert done.returncode == code, done
    return json.loads(done.stdout)


def test_the_gateways_status_sees_what_the_git_server_has(ready):
    ready.gl.run("postern git push-keys")
    gw, gl = js(ready.gw), js(ready.gl)
    assert gw["agree"] is True and gw["not-asked"] is None
    assert (gw["server-sequence"], gw["server-keys"], gw["server-ok"]) == (
        gl["sequence"], gl["keys"], True)
    assert f"  git server   sequence {gl['sequence']}, {gl['keys']} keys, " \
        "pushed " in status(ready.gw)
    assert " ago: the same\n" in status(ready.gw)
    # Others than the server's: it is seen from this side as well.
    key = ready.client.path("/home/alice/.ssh/drift")
    ready.lab.keygen(key, "dave@client")
    at = "/home/git/.gitolite/keydir/dave.pub"
    ready.gl.write(at, key.with_suffix(".pub").read_text())
    ready.gl.run("systemctl stop postern-git-push.timer")
    try:
        ready.gl.run("postern git push-keys")
        ready.gw.run("postern git rollback")
        assert js(ready.gw, 1)["agree"] is False
        text = status(ready.gw, 1)
        assert "DRIFT, this gateway has others\n" in text
        assert "they were rolled back from" in text
        assert "DRIFT" in ready.gl.run("postern git status", check=False
                                       ).stdout
        # A push that failed there is known here.
        ready.gw.run(f"mv {ETC}/allowed_signers {ETC}/off; "
                     f"echo >{ETC}/allowed_signers")
        ready.gl.run("postern git push-keys --timeout 2s", check=False)
        ready.gw.run(f"mv {ETC}/off {ETC}/allowed_signers")
        assert js(ready.gw, 1)["server-ok"] is False
        assert "its last push FAILED" in status(ready.gw, 1)
    finally:
        ready.gl.run(f"rm {at}; postern git push-keys --force; "
                     "systemctl start postern-git-push.timer")
    assert js(ready.gw)["agree"] is True


def test_the_gateways_status_says_how_each_connection_does(ready, changed):
    """Up, since when, with how many sessions, and what it failed of."""
    wait_masters(ready)
    ready.gw.run("systemctl restart postern-git-mux")
    wait_masters(ready)
    masters = js(ready.gw)["connections"]
    assert [(m["number"], m["state"], m["starts"], m["sessions"],
             m["failed"], m["why"]) for m in masters] == [
        (n, "up", 1, 0, 0, None) for n in range(2)]
    text = status(ready.gw)
    assert "  connections  2 of 2 up\n" in text
    for n in range(2):
        assert f"\n    {n}  up for " in text
    assert text.count(" s, 0 sessions, started 1 time\n") == 2
    # A session that goes on.
    changed(ready.gl, CONF, ready.gl.read(CONF) +
            "gitolite-shell = /usr/local/bin/goes-on\n")
    ready.gl.write("/usr/local/bin/goes-on",
                   "#!/bin/sh\necho on\nexec cat\n", 0o755)
    with ready.client.popen(
            ["runuser", "-u", "alice", "--", "ssh", "-o", "BatchMode=yes",
             "git@gw", "info"], env={"HOME": "/home/alice"}, text=True,
            stdin=-1, stdout=-1) as session:
        assert session.stdout.readline() == "on\n"
        assert sorted(m["sessions"] for m in js(ready.gw)["connections"]) == [
            0, 1]
        assert ", 1 session, started 1 time\n" in status(ready.gw)
        session.stdin.close()
        session.wait()
    # One that was ended, by its process: it comes again, and it is told.
    pid = ready.gw.run("pgrep -u git -f -- '-oControlPath=.*/mux/0|"
                       "ControlPath=\"/run/postern-git/mux/0' | head -1"
                       ).stdout.strip()
    ready.gw.run(["kill", "-9", pid])
    proc.wait_for(lambda: js(ready.gw)["connections"][0]["starts"] == 2
                  and js(ready.gw)["masters-up"] == 2, 30, "master 0 again")
    one = js(ready.gw)["connections"][0]
    assert one["failed"] >= masters[0]["since"] and one["why"]
    assert "\\" not in one["why"]
    text = status(ready.gw)
    assert "started 2 times; last failed " in text and f": {one['why']}" in text
    # Without the pool, and without one that is wanted.
    ready.gw.run("systemctl stop postern-git-mux")
    try:
        assert "  connections  0 of 2 up: nothing keeps them, see " in \
            status(ready.gw)
        changed(ready.gw, CONF, ready.gw.read(CONF) + "mux = 0\n")
        assert "  connections  none are kept: each session makes its own" in \
            status(ready.gw)
    finally:
        ready.gw.run("systemctl start postern-git-mux")
