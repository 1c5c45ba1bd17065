# SPDX-License-Identifier: ISC
"""postern git on hosts as they are: a gateway on which there is no gitolite,
no Perl and no Python; one that ran the original; a git server without systemd;
other users of both sshds, for whom nothing changes."""

import json
import shlex

import pytest

from gitkeylib import REPLY, text
from lab import proc
from gitsetuplib import DROPIN, ETC, KEYS, RC, Setup, findings
from test_git_setup_safe_init import INIT

STATE = "/var/lib/postern/git"
TIMER = "postern-git-push.timer"
CRON = "/etc/cron.d/postern-git"
# What of a host's programs a gateway has to do without.
BARE = r"""
set -e
rm -rf /usr/share/gitolite3 /usr/share/perl* /usr/lib/*/perl* /usr/bin/perl*
rm -rf /usr/bin/gitolite /usr/bin/python* /usr/lib/python3
for x in gitolite perl python3 python; do
	! command -v $x
done
"""
BOB = "id -u bob || useradd -m -s /bin/sh -p '*' bob"


def sshd_says(host, who):
    """All that sshd says for somebody; {word: its lines}."""
    done = host.run(["sshd", "-T", *(["-C", who] if who else [])])
    says = {}
    for line in done.stdout.splitlines():
        says.setdefault(line.split()[0], []).append(line)
    return says


OTHERS = ("", "user=bob,host=x,addr=10.0.0.1",
          "user=root,host=y,addr=10.77.0.9", "user=gitolite,host=x,addr=::1")


@pytest.fixture(scope="module")
def ready(lab):
    made = Setup(lab, ("h47", "h48", "h49"))
    made.gw.run(BARE)
    for host in (made.gw, made.gl):
        host.run(BOB)
    made.before = [[sshd_says(h, who) for who in OTHERS]
                   for h in (made.gw, made.gl)]
    made.commands = made.all()
    for host in (made.gw, made.gl):
        proc.wait_for(lambda h=host: h.run(
            ["ssh-keyscan", "-t", "ed25519", "localhost"],
            check=False).stdout, 20, "sshd after its reload")
    made.gl.run("postern git push-keys")
    yield made
    for host in made.hosts:
        lab.remove(host)


def sequence(ready):
    """Of the last push that there was."""
    return int(ready.gl.read(f"{STATE}/sequence").split()[0])


def wait_push(ready, last, deadline_s):
    """Until the gateway has a later one than that."""
    proc.wait_for(lambda: int(ready.gw.read(f"{KEYS}/refreshed").split()[0])
                  > last, deadline_s, "a push")


INFO = "ssh -o BatchMode=yes git@gw info"


def new_key(ready, name):
    """A key of alice's on the client; its public line."""
    key = ready.client.path(f"/home/alice/.ssh/{name}")
    ready.lab.keygen(key, name)
    ready.client.run("chown alice: /home/alice/.ssh/*")
    return key.with_suffix(".pub").read_text().strip()


def test_a_gateway_needs_no_gitolite_perl_or_python(ready):
    ready.alice("""
        git init -q -b master s && cd s && date >f && git add f &&
        git commit -qm one && git push -q git@gw:t/x master
        cd && git clone -q git@gw:t/x c && cmp s/f c/f""")
    gw = ready.gw
    assert findings(gw, 0) == findings(ready.gl, 0) == {}
    assert " keys" in gw.run("postern git status").stdout
    assert "git-upload-pack" in gw.run("postern git audit").stdout
    done = gw.run("postern git explain --id alice \"git-upload-pack 't/x'\"")
    assert "v1 id=alice " in done.stdout
    # Also what is for a bad day.
    was = gw.run(f"readlink {KEYS}/current").stdout
    ready.gl.write("/tmp/k.pub", new_key(ready, "extra") + "\n")
    keydir = "/home/git/.gitolite/keydir"
    ready.gl.run(f"install -m 644 /tmp/k.pub {keydir}/extra.pub; "
                 "postern git push-keys")
    assert gw.run(f"readlink {KEYS}/current").stdout != was
    gw.run("postern git rollback")
    assert gw.run(f"readlink {KEYS}/current").stdout == was
    ready.gl.run(f"rm {keydir}/extra.pub; postern git push-keys")
    assert ready.alice(INFO).stdout.startswith("hello alice,")


def test_for_other_users_sshd_says_what_it_said_before(ready):
    """But for MaxStartups, which is nobody's own: setup_sshd.c."""
    for host, before in zip((ready.gw, ready.gl), ready.before):
        for who, was in zip(OTHERS, before):
            now = sshd_says(host, who)
            assert was.pop("maxstartups") == ["maxstartups 10:30:100"]
            assert now.pop("maxstartups") == ["maxstartups 100:30:200"]
            assert now == was and len(now) > 50, who
    git = "user=git,host=x,addr=10.0.0.1"
    # Sessions of a whole team share a few connections.
    assert sshd_says(ready.gl, git)["maxsessions"] == ["maxsessions 200"]
    for host in (ready.gw, ready.gl):
        assert sshd_says(host, git)["disableforwarding"] == [
            "disableforwarding yes"]


def test_another_user_has_terminal_forwards_and_files_as_before(ready):
    gw, public = ready.gw, new_key(ready, "bobs")
    gw.run("install -d -o bob -m 700 /home/bob/.ssh")
    gw.write("/home/bob/.ssh/authorized_keys", public + "\n")
    gw.write("/home/bob/note", "hello\n")
    gw.run("chown -R bob: /home/bob")
    ssh = "-i .ssh/bobs -o IdentitiesOnly=yes -o BatchMode=yes"
    try:
        out = ready.alice(f"ssh {ssh} -tt bob@gw tty").stdout
        assert out.startswith("/dev/pts/"), out
        ready.alice(f"sftp -q {ssh} bob@gw:note got && grep hello got")
        out = ready.alice(f"ssh {ssh} -W {ready.gl.ip}:22 bob@gw </dev/null |"
                          " head -c 7").stdout
        assert out == "SSH-2.0"
        out = ready.alice(f"ssh {ssh} bob@gw 'echo $SSH_USER_AUTH'").stdout
        assert out == "\n"
    finally:
        gw.run("rm -rf /home/bob/.ssh /home/bob/note")


# An installation of the original: on the gateway its file, as the original's
# own set-up has it, with two keys of its own.
@pytest.fixture
def original(ready):
    gw, gl = ready.gw, ready.gl
    old_push = "/home/git/.ssh/id_original"
    gl.run(f"install -d -o git -m 700 /home/git/.ssh; rm -f {old_push}*; "
           f"runuser -u git -- ssh-keygen -q -t ed25519 -N '' -C gl "
           f"-f {old_push}")
    base = ('command="/usr/local/bin/gitolite-proxy --auth-update",'
            "no-port-forwarding,no-X11-forwarding,no-agent-forwarding,"
            f'no-pty {gl.read(f"{old_push}.pub").strip()}\n'
            'command="/usr/local/bin/gitolite-proxy alice",no-pty '
            f"{new_key(ready, 'old')}\n")
    kept = gw.read(f"{ETC}/authorized_keys")
    # In a home that a set-up has made root's already.
    gw.run("install -d -m 755 /home/git/.ssh")
    at = "/home/git/.ssh/authorized_keys.base"
    gw.write(at, base)
    gw.run(["rm", f"{ETC}/authorized_keys"])
    try:
        _, said = ready.paste(gw, ready.commands[2], 0)
        assert f"taken over: {at}" in said
        assert gw.read(at) == base
        yield old_push
    finally:
        gw.run("rm -r /home/git/.ssh")
        gw.write(f"{ETC}/authorized_keys", kept)
        gl.run(f"rm -f {old_push}* /tmp/push*")
        gl.run("postern git push-keys")


def push_by_hand(ready, key, lines, sequence, sign=True):
    """What gl's programs would send, by that key: the gateway's answer."""
    gl = ready.gl
    data = text(sequence, lines, server="gitolite").decode()
    gl.write("/tmp/push", data)
    # The git server's own key signs, as it is the one that setup exchanged.
    gl.run("runuser -u git -- ssh-keygen -q -Y sign -n postern-git -f "
           f"{ETC}/id_ed25519 </tmp/push >/tmp/push.sig")
    if not sign:
        gl.write("/tmp/push.sig", "")
    done = gl.run("cat /tmp/push.sig /tmp/push | runuser -u git -- ssh -F "
                  f"none -T -i {key} -o IdentitiesOnly=yes -o BatchMode=yes "
                  f"-o UserKnownHostsFile={ETC}/known_hosts git@gw",
                  check=False)
    found = REPLY.fullmatch(done.stdout.strip())
    assert found, done
    return found[1], found[5]


def test_the_originals_lines_go_on_working(ready, original):
    """Both of them, as its base file has them, with the keys that they have."""
    old = "ssh -i .ssh/old -o IdentitiesOnly=yes -o BatchMode=yes git@gw"
    assert ready.alice(f"{old} info").stdout.startswith("hello alice,")
    # The old key reaches the update and nothing else.
    gl = ready.gl
    done = gl.run("runuser -u git -- ssh -F none -T -i "
                  f"{original} -o IdentitiesOnly=yes -o BatchMode=yes "
                  f"-o UserKnownHostsFile={ETC}/known_hosts git@gw id "
                  "</dev/null", check=False)
    assert "uid=" not in done.stdout and done.returncode != 0, done
    carol = new_key(ready, "carol")
    lines = [f"{who} {' '.join(key.split()[:2])}".encode() for who, key in (
        ("alice", ready.client.read("/home/alice/.ssh/id_ed25519.pub")),
        ("alice", carol))]
    next_one = sequence(ready) + 1
    before = ready.gw.run(f"readlink {KEYS}/current").stdout
    # What the original sent had no signature: keys of anybody's.
    word, why = push_by_hand(ready, original, lines, next_one, sign=False)
    assert word == "refused", why
    assert ready.gw.run(f"readlink {KEYS}/current").stdout == before
    word, why = push_by_hand(ready, original, lines, next_one)
    assert word == "ok", why
    assert ready.gw.run(f"readlink {KEYS}/current").stdout != before
    new = old.replace(".ssh/old", ".ssh/carol")
    assert ready.alice(f"{new} info").stdout.startswith("hello alice,")


@pytest.fixture
def no_timer(ready):
    """Nothing pushes by itself, meanwhile."""
    ready.gl.run(["systemctl", "stop", TIMER])
    ready.gl.run("postern git push-keys")
    yield
    ready.gl.run(["systemctl", "start", TIMER])


def test_the_timer_pushes_by_itself(ready, no_timer):
    """Once after it was started, and again and again; sooner than packaged."""
    gl, at = ready.gl, f"/etc/systemd/system/{TIMER}.d"
    gl.run(["mkdir", at])
    gl.write(f"{at}/soon.conf", "[Timer]\nOnActiveSec=\nOnUnitActiveSec=\n"
             "OnActiveSec=1s\nOnUnitActiveSec=2s\nRandomizedDelaySec=0\n"
             "AccuracySec=1ms\n")
    last = sequence(ready)
    try:
        gl.run(f"systemctl daemon-reload; systemctl start {TIMER}")
        wait_push(ready, last, 30)
        wait_push(ready, sequence(ready), 30)
    finally:
        gl.run(f"systemctl stop {TIMER}; rm -r {at}; "
               "systemctl daemon-reload")
    done = gl.run("systemctl show -P Result postern-git-push")
    assert done.stdout == "success\n"


@pytest.fixture
def without_systemd(ready, no_timer):
    """gl, set up again where another init runs: (run, what it said)."""
    gl = ready.gl

    def run(*argv, **kwargs):
        return gl.run([*INIT, *argv], **kwargs)

    gl.run(["rm", DROPIN])
    gl.run("systemctl restart ssh")
    gl.wait_up()
    there = "the git server lets this gateway in"
    assert there in findings(ready.gw, 1)
    try:
        done = run("sh", "-c", ready.commands[1])
        yield run, done.stderr
    finally:
        gl.run(f"rm -f {CRON}*; systemctl start {TIMER}; "
               f"{ready.commands[1]}")
    assert there not in findings(ready.gw, 0)


def test_without_systemd_sshd_and_cron_do_it_on_the_server(
        ready, without_systemd):
    run, said = without_systemd
    gl = ready.gl
    assert f"done: {DROPIN}" in said and f"done: {CRON}" in said
    # The sshd that runs has heard of it: a signal, and no restart.
    proc.wait_for(lambda: "Received SIGHUP; restarting." in gl.run(
        "journalctl -q -u ssh -o cat -n 20").stdout, 30, "SIGHUP")
    gl.wait_up()
    assert findings(ready.gw, 0) == {}
    line = gl.read(CRON)
    assert line.startswith("*/5 * * * * git ") and line.endswith(" -q\n")
    assert gl.run(["stat", "-c", "%U %a", CRON]).stdout == "root 644\n"
    _, again = ready.paste(gl, " ".join(map(shlex.quote, [
        *INIT, "sh", "-c", ready.commands[1]])), 0)
    assert f"was so already: {CRON}" in again and "done: " not in again
    # A cron that is Debian's takes it, each minute for once.
    gl.write(CRON, line.replace("*/5 ", "* "))
    last = sequence(ready)
    with gl.popen(["cron", "-f"]) as cron:
        try:
            wait_push(ready, last, 150)
        finally:
            cron.signal_target(15)
            cron.wait(30)
    gl.write(CRON, line)
    # The check looks for it, and for no timer.
    finding = "keys are brought again by themselves"
    for wrong in (set(), {finding}):
        done = run("postern", "git", "check", "--json", check=False)
        rows = [json.loads(x) for x in done.stdout.splitlines()]
        assert {r["check"] for r in rows if r["ok"] is False} == wrong, rows
        assert finding in [r["check"] for r in rows]
        gl.run(["rm", "-f", CRON])
    assert CRON in [r["why"] for r in rows if r["ok"] is False][0]


@pytest.mark.parametrize("words", ["push-authkeys", "push-authkeys -kfn x"])
def test_whatever_runs_gitolites_triggers_pushes_the_keys(
        ready, no_timer, words):
    """gitolite's own commands on the server, and words behind the trigger's
    name in its settings."""
    gl = ready.gl
    kept = gl.read(RC)
    assert kept.count("'push-authkeys'") == 1
    gl.write(RC, kept.replace("'push-authkeys'", f"'{words}'"))
    as_git = "cd /home/git; runuser -u git -- env HOME=/home/git"
    try:
        for command in ("gitolite setup", "gitolite trigger POST_COMPILE",
                        "env GL_REPO=gitolite-admin "
                        "gitolite trigger POST_COMPILE",
                        "gitolite setup -pk /tmp/admin.pub"):
            last = sequence(ready)
            done = gl.run(f"{as_git} {command}")
            assert "did not reach" not in done.stderr, command
            assert sequence(ready) > last, command
        # They are the keys of that moment.
        name = f"dora{len(words)}"
        key = new_key(ready, name)
        gl.write("/home/git/.gitolite/keydir/dora.pub", key + "\n")
        gl.run(f"{as_git} gitolite trigger POST_COMPILE")
        ssh = f"ssh -i .ssh/{name} -o IdentitiesOnly=yes -o BatchMode=yes"
        done = ready.alice(f"{ssh} git@gw info")
        assert done.stdout.startswith("hello dora,")
    finally:
        gl.write(RC, kept)
        gl.run("rm -f /home/git/.gitolite/keydir/dora.pub; chown git: "
               f"{RC}; {as_git} gitolite setup")
