# SPDX-License-Identifier: ISC
"""postern git setup-gateway and setup-server: from two hosts on which nobody
edited anything to a first clone. What the commands print is run on the other
side as it stands; that is all a person does."""

import base64
import json
import os
import pathlib
import re
import shutil

import pytest

from gitkeylib import fingerprint
from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
LIBEXEC = "/usr/local/libexec/postern"
PROGRAMS = ("postern-git", "postern-git-proxy", "postern-git-serve",
            "postern-git-keys")
ETC = "/etc/postern/git"
DROPIN = "/etc/ssh/sshd_config.d/50-postern-git.conf"
RC = "/home/git/.gitolite.rc"
ADMIN = ("GIT_SSH_COMMAND='ssh -F none -i /root/.ssh/admin "
         "-o StrictHostKeyChecking=accept-new'")
UNITS = {"gw": ["postern-git-mux.service"],
         "gl": ["postern-git-push.service", "postern-git-push.timer"]}
# Everything that a set-up writes, with owner, mode and content; not what
# pushes do, and sessions: its own, in the end, among them.
STATE = f"""
for f in $(find /etc/postern /etc/ssh/sshd_config.d /var/lib/postern \
    /etc/systemd/system /etc/tmpfiles.d {RC} /run/postern-git \
    -maxdepth 3 ! -path '*/mux/*' ! -path '*/generations/*' \
    ! -path '*/slots/*' ! -path '*/sessions/*' ! -name stale \
    ! -name '*lock' ! -name refreshed ! -name sequence ! -name pushed 2>/dev/null |
    sort); do
    stat -c '%n %F %U %G %a' $f; [ -f $f ] && md5sum <$f || :
done
"""
NAMES = ("client", "gw", "gl")
KEYS = "/var/lib/postern/git/keys"
CHECK = "/run/postern-git-check"


class Setup:
    """Three hosts: gw with sshd and our programs; gl with gitolite, set up
    as its manual says, besides; the client with git."""

    def __init__(self, lab, names=("h41", "h42", "h43")):
        self.lab = lab
        self.client, self.gw, self.gl = self.hosts = lab.boot(*names)
        for host in self.hosts:
            host.write("/etc/hosts", host.read("/etc/hosts") + "".join(
                f"{h.ip} {n}\n" for h, n in zip(self.hosts, NAMES)))
        self.install(self.gw)
        self.install(self.gl)
        self.gitolite()
        for here, there in ((self.client, self.gl), (self.gl, self.client)):
            here.run(["ip", "route", "add", "blackhole", f"{there.ip}/32"])

    @staticmethod
    def install(host):
        """As `make install` does."""
        at = host.path(LIBEXEC)
        at.mkdir(parents=True)
        for name in PROGRAMS:
            shutil.copy(BUILD / "tools/git" / name, at / name)
        host.path("/usr/local/bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILD / "postern", host.path("/usr/local/bin/postern"))
        host.run(f"ln -s {LIBEXEC}/postern-git-proxy "
                 "/usr/local/bin/gitolite-proxy; "
                 "chown -R root: /usr/local/bin /usr/local/libexec")

    def gitolite(self):
        """gitolite, and alice in it; she may make repositories t/..."""
        gl = self.gl
        gl.run("useradd -m -s /bin/sh git")
        self.lab.keygen(gl.path("/root/.ssh/admin"), "admin")
        self.client.run("useradd -m -s /bin/sh alice; "
                        "install -d -o alice -m 700 /home/alice/.ssh")
        key = self.client.path("/home/alice/.ssh/id_ed25519")
        self.lab.keygen(key, "alice@client")
        self.client.run("chown -R alice: /home/alice")
        self.client.write("/etc/ssh/ssh_known_hosts",
                          f"gw {self.gw.host_key}\n")
        gl.run("cp /root/.ssh/admin.pub /tmp; cd /home/git; "
               "runuser -u git -- env HOME=/home/git "
               "gitolite setup -pk /tmp/admin.pub")
        gl.write("/tmp/alice.pub", key.with_suffix(".pub").read_text())
        gl.write("/tmp/conf", "repo gitolite-admin\n\tRW+ = admin\n"
                 "repo t/..*\n\tC = alice\n\tRW+ = alice\n")
        gl.run(f"""
            set -e
            {ADMIN} git clone -q git@gl:gitolite-admin /root/adm
            cd /root/adm
            cp /tmp/alice.pub keydir; cp /tmp/conf conf/gitolite.conf
            git add -A; git -c user.name=a -c user.email=a@b commit -qm alice
            """)
        self.admin()

    def admin(self):
        """git push to gitolite-admin as gitolite's admin does it on gl."""
        done = self.gl.run(f"cd /root/adm && {ADMIN} git push -q "
                           "git@gl:gitolite-admin HEAD:master")
        return done.stdout + done.stderr

    def alice(self, cmd, check=True):
        return self.client.run(
            ["runuser", "-u", "alice", "--", "sh", "-ec", f"cd; {cmd}"],
            env={"HOME": "/home/alice", "GIT_AUTHOR_NAME": "a",
                 "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                 "GIT_COMMITTER_EMAIL": "a@b"}, check=check)

    @staticmethod
    def paste(host, line, status):
        """Runs what a person pastes; what it prints for the other side."""
        done = host.run(line, check=False)
        assert done.returncode == status, done
        lines = done.stdout.splitlines()
        assert len(lines) == 1, done
        return lines[0], done.stderr

    def all(self):
        """The three commands, of which a person wrote the first."""
        first = "postern git setup-gateway --server git@gl --here git@gw"
        for_gl, _ = self.paste(self.gw, first, 2)
        for_gw, self.half = self.paste(self.gl, for_gl, 2)
        _, self.whole = self.paste(self.gw, for_gw, 0)
        return first, for_gl, for_gw


@pytest.fixture(scope="module")
def fresh(lab):
    return Setup(lab)


@pytest.fixture(scope="module")
def ready(fresh):
    fresh.commands = fresh.all()
    for host in (fresh.gw, fresh.gl):
        proc.wait_for(lambda h=host: h.run(
            ["ssh-keyscan", "-t", "ed25519", "localhost"],
            check=False).stdout, 20, "sshd after its reload")
    return fresh


def test_a_dry_run_says_all_and_changes_nothing(fresh):
    for host, line in ((fresh.gw, "setup-gateway --server git@gl"),
                       (fresh.gl, "setup-server --gateway git@gw")):
        before = host.run(STATE).stdout
        done = host.run(f"postern git {line} --dry-run", check=False)
        assert done.returncode == 2, done
        assert "would do: the key" in done.stderr
        assert f"would do: {DROPIN}" in done.stderr
        assert "done: " not in done.stderr
        assert host.run(STATE).stdout == before


def test_from_two_fresh_hosts_to_a_first_clone(ready):
    """Nothing is to be waited for, nor asked for."""
    assert "one step is left: the gateway does not let this host in yet" in \
        ready.half
    assert "WRONG" not in ready.half + ready.whole
    assert re.search(r"asked for its keys: \d+ are in force, sequence \d+$",
                     ready.whole, re.M)
    assert "checked: 15 things were tried, all is well" in ready.whole
    ready.alice("""
        git init -q -b master s && cd s && date >f && git add f &&
        git commit -qm one && git push -q git@gw:t/x master
        cd && git clone -q git@gw:t/x c && cmp s/f c/f""")


def test_a_change_of_gitolite_admin_goes_through_by_itself(ready):
    ready.gl.run("postern git push-keys")
    key = ready.client.path("/home/alice/.ssh/new")
    ready.lab.keygen(key, "bob@client")
    ready.client.run("chown alice: /home/alice/.ssh/*")
    ssh = "ssh -i .ssh/new -o IdentitiesOnly=yes -o BatchMode=yes git@gw info"
    assert ready.alice(ssh, check=False).returncode == 255
    ready.gl.write("/root/adm/keydir/bob.pub",
                   key.with_suffix(".pub").read_text())
    ready.gl.run("cd /root/adm && git add -A && git -c user.name=a "
                 "-c user.email=a@b commit -qm bob")
    assert "did not reach" not in ready.admin()
    assert ready.alice(ssh).stdout.startswith("hello bob,")


def findings(host, status):
    done = host.run("postern git check --json", check=False)
    assert done.returncode == status, done.stdout
    rows = [json.loads(x) for x in done.stdout.splitlines()]
    assert len(rows) >= 4
    return {r["check"]: r["why"] for r in rows if r["ok"] is False}


def generations(ready):
    return ready.gw.run(f"readlink {KEYS}/current; ls {KEYS}/generations"
                        ).stdout


def wait_masters(ready):
    """The pool's own, after the last restart."""
    proc.wait_for(lambda: json.loads(ready.gw.run(
        "postern git status --json", check=False).stdout)["masters-up"] == 2,
        40,
        "two masters")


def test_the_check_finds_nothing_wrong(ready):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    before = generations(ready)
    conf = ready.gl.read("/etc/postern/git.conf")
    ready.gl.write("/etc/postern/git.conf", f"{conf}deny-admins = no\n")
    try:
        said = ready.gl.run("postern git check").stdout
        assert "       note: admin may write to gitolite-admin: a g" in said
        ready.gl.write("/etc/postern/git.conf", conf)
        for host, rows in ((ready.gl, 13), (ready.gw, 15)):
            assert findings(host, 0) == {}
            said = host.run("postern git check").stdout
            assert said.count("ok     ") == len(said.splitlines()) == rows
    finally:
        ready.gl.write("/etc/postern/git.conf", conf)
    # Its key came and went, and nothing is left of it.
    assert generations(ready) == before
    assert not ready.gl.exists("/run/postern-git-check")
    assert "postern-check" in ready.gl.run(
        "journalctl -t postern-git -o cat").stdout


def breaks(host, path):
    """(break, mend) of a file of the host."""
    return (lambda: host.run(f"mv {path} {path}.off"),
            lambda: host.run(f"mv {path}.off {path}"))


@pytest.mark.parametrize("side, other, path, finding, why", [
    ("gw", "gl", f"{ETC}/authorized_keys",
     "the git server lets this gateway in", "Permission denied"),
    ("gw", "gw", f"{ETC}/known_hosts",
     "the git server lets this gateway in", "Host key verification"),
    ("gw", "gw", DROPIN, "sshd on this gateway reads the keys",
     "authorizedkeysfile"),
    ("gw", "gw", "/var/lib/postern/git/keys/current",
     "keys are in force, and not too old", "no keys have come"),
    ("gl", "gl", RC, "gitolite runs the trigger", "gitolite"),
    ("gl", "gl", "/var/lib/postern/git/admins",
     "who may change gitolite's settings is denied to the gateway",
     "nobody may come through a gateway before gitolite was asked"),
    ("gl", "gl", DROPIN, "sshd on this server reads the gateway's key",
     "authorizedkeysfile"),
    ("gl", "gw", f"{ETC}/authorized_keys", "the gateway takes the keys",
     "Permission denied"),
    ("gl", "gw", f"{ETC}/allowed_signers", "the gateway takes the keys",
     "allowed_signers"),
    ("gl", "gl", "/usr/share/gitolite3/gitolite-shell",
     "gitolite is where git.conf says", "No such file"),
])
def test_the_check_names_what_is_wrong(ready, side, other, path, finding,
                                       why):
    ready.gl.run("postern git push-keys")
    off, on = breaks(getattr(ready, other), path)
    off()
    try:
        wrong = findings(getattr(ready, side), 1)
        text = getattr(ready, side).run("postern git check", check=False)
    finally:
        on()
    assert finding in wrong and why in wrong[finding]
    assert f"WRONG  {finding}" in text.stdout
    assert "cure: " in text.stdout


@pytest.fixture
def drop_in(ready):
    """Lines of the gateway's drop-in replaced, and in force; put back."""
    old = ready.gw.read(DROPIN)

    def change(*pairs):
        new = old
        for was, now in pairs:
            assert was in new
            new = new.replace(was, now)
        ready.gw.write(DROPIN, new)
        ready.gw.run("systemctl reload ssh")

    yield change
    ready.gw.write(DROPIN, old)
    ready.gw.run("systemctl reload ssh")


NO_FILE = (f" {KEYS}/current/authorized_keys", "")
COMMAND = ("AuthorizedKeysCommand none",
           "AuthorizedKeysCommand /usr/local/bin/keys %t %k\n"
           "\tAuthorizedKeysCommandUser git")


@pytest.mark.parametrize("keys, changes, whys", [
    # What was pushed is not what sshd reads.
    ("", [NO_FILE], {
        "a key that was pushed is let in": "refused a key that it has taken",
    }),
    ("", [("AcceptEnv GIT_PROTOCOL", "AcceptEnv X")], {
        "who it is and git's protocol come through": "gitproto="}),
    # Anybody comes in, with a shell.
    ('echo "$1 $2"', [NO_FILE, COMMAND], {
        "the gateway refuses a key that nobody knows": "let in a key",
        "a key that was pushed is let in": "status 127"}),
    # One that forgets nothing.
    (f"cat {KEYS}/current/authorized_keys >>/tmp/seen; cat /tmp/seen",
     [NO_FILE, COMMAND], {
         "a key that went is refused at once": "let in a key that is gone"}),
])
def test_the_check_tries_what_sshd_really_does(ready, drop_in, keys, changes,
                                               whys):
    """What sshd -T says on the gateway is not asked from here."""
    ready.gw.write("/usr/local/bin/keys", f"#!/bin/sh\n{keys}\n", 0o755)
    drop_in(*changes)
    before = generations(ready)
    try:
        wrong = findings(ready.gl, 1)
    finally:
        ready.gw.run("rm -f /tmp/seen")
    assert list(wrong) == list(whys)
    for finding, why in whys.items():
        assert why in wrong[finding]
    assert generations(ready) == before


CERTS = "no certificate is a login without a user's id"
PRINCIPALS = f"AuthorizedPrincipalsFile {KEYS}/current/principals"


@pytest.fixture
def authority(ready):
    """A certificate for `git` of alice's, and the line that trusts it."""
    ready.client.run("cd /home/alice/.ssh; "
                     "ssh-keygen -q -t ed25519 -N '' -f ca; "
                     "ssh-keygen -q -t ed25519 -N '' -f k; "
                     "ssh-keygen -q -s ca -I x -n git k.pub; chown alice: *")
    for host in (ready.gw, ready.gl):
        host.write(f"{ETC}/user_ca.pub",
                   ready.client.read("/home/alice/.ssh/ca.pub"))
    yield f"TrustedUserCAKeys {ETC}/user_ca.pub"
    ready.client.run("cd /home/alice/.ssh; rm ca* k*")
    for host in (ready.gw, ready.gl):
        host.run(["rm", f"{ETC}/user_ca.pub"])


# For all users: in a Match sshd 9.2 passes it over.
COMMANDED = ("Match User git", "AuthorizedPrincipalsCommand /bin/echo\n"
             "AuthorizedPrincipalsCommandUser git\nMatch User git")


@pytest.mark.parametrize("principals, more, wrong, shell", [
    (PRINCIPALS, [], False, False),
    # Nobody's certificate is taken at all.
    ("TrustedUserCAKeys none", [], False, False),
    ("", [], True, True),
    ("AuthorizedPrincipalsFile /etc/principals", [], True, False),
    (PRINCIPALS, [COMMANDED], True, False),
])
def test_the_check_sees_certificates_that_are_logins(
        ready, authority, drop_in, principals, more, wrong, shell):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    drop_in((PRINCIPALS, f"{principals}\n\t{authority}"), *more)
    found = findings(ready.gw, int(principals != PRINCIPALS or wrong))
    assert (CERTS in found) is wrong
    assert not wrong or "user_ca.pub" in found[CERTS]
    # As the check has it, so it is.
    done = ready.alice("ssh -i .ssh/k -o IdentitiesOnly=yes "
                       "-o BatchMode=yes git@gw id", check=False)
    assert done.returncode == (0 if shell else 255), done
    assert ("(git)" in done.stdout) is shell


def test_the_check_notes_certificates_that_are_logins_on_the_server(
        ready, authority):
    mine = "/etc/ssh/sshd_config.d/90-ca.conf"

    def notes():
        rows = ready.gl.run("postern git check --json").stdout.splitlines()
        return [r["note"] for r in map(json.loads, rows) if r["note"]]

    try:
        for more, n in (("", 1), ("AuthorizedPrincipalsFile /etc/p\n", 0)):
            ready.gl.write(mine, f"{authority}\n{more}")
            found = [x for x in notes() if "past gateway" in x]
            assert len(found) == n, more
    finally:
        ready.gl.run(["rm", mine])


def test_where_git_shell_serves_the_check_wants_no_gitolite(ready):
    gl = ready.gl
    conf = gl.read("/etc/postern/git.conf")
    off, on = breaks(gl, RC)
    gl.write("/usr/local/bin/plain", "#!/bin/sh\n"
             'exec git-shell -c "$SSH_ORIGINAL_COMMAND"\n', 0o755)
    gl.run("install -d /srv/git-keys; "
           "install -m 644 /home/git/.gitolite/keydir/alice.pub /srv/git-keys")
    plain = (f"{conf}gitolite-shell = /usr/local/bin/plain\n"
             "keydir = /srv/git-keys\n")
    gl.write("/etc/postern/git.conf", plain)
    off()
    try:
        done = gl.run("postern git check --json", check=False)
        text = gl.run("postern git check").stdout
        there = ready.gw.run("postern git check --json", check=False)
        gl.write("/etc/postern/git.conf",
                 plain.replace("bin/plain", "bin/none"))
        wrong = findings(gl, 1)
    finally:
        on()
        gl.write("/etc/postern/git.conf", conf)
        gl.run("rm -r /srv/git-keys; postern git push-keys --force")
    rows = [json.loads(x) for x in done.stdout.splitlines()]
    not_here = [r["check"] for r in rows if r["ok"] is None]
    assert not_here == ["gitolite runs the trigger",
                        "who may change gitolite's settings is denied to the gateway",
                        "gitolite answers it",
                        "git answers in version 2 of its protocol"]
    assert all("not here" in r["note"] for r in rows if r["ok"] is None)
    assert done.returncode == 0 and len(rows) == 13
    assert "WRONG" not in text and text.count("note: not here: ") == 4
    # The gateway hears of it from the server.
    rows = [json.loads(x) for x in there.stdout.splitlines()]
    assert [r["check"] for r in rows if r["ok"] is None] == not_here[2:]
    assert there.returncode == 0 and all(
        "another program" in r["note"] for r in rows if r["ok"] is None)
    # What does not serve is seen all the same.
    assert list(wrong) == ["gitolite is where git.conf says"]


HELD = """#!/bin/sh
[ -e /tmp/gate.was ] || { : >/tmp/gate.was; echo held >/tmp/gate.in; cat /tmp/gate; }
exec /usr/share/gitolite3/gitolite-shell "$@"
"""


@pytest.fixture
def held(ready):
    """A check whose session waits on gl; its process, and what ends the
    wait."""
    gl = ready.gl
    conf = gl.read("/etc/postern/git.conf")
    gl.write("/usr/local/bin/held", HELD, 0o755)
    gl.run("rm -f /tmp/gate*; mkfifo -m 666 /tmp/gate /tmp/gate.in")
    gl.write("/etc/postern/git.conf",
             conf + "gitolite-shell = /usr/local/bin/held\n")
    with gl.popen(["postern", "git", "check", "--json"], text=True,
                  stdout=-1, stderr=-1) as check:
        try:
            gl.run("read x </tmp/gate.in")
            yield check, lambda: gl.run("timeout 9 sh -c ': >/tmp/gate'")
        finally:
            gl.run("timeout 1 sh -c ': >/tmp/gate'", check=False)
            if check.poll() is None:
                check.signal_target(9)
            gl.write("/etc/postern/git.conf", conf)
            check.communicate()
            gl.run("rm -f /tmp/gate*")


def wire(ready, fp, command="info", ident="postern-check"):
    """As a gateway that was taken over would ask."""
    return ready.gw.run(
        ["runuser", "-u", "git", "--", "timeout", "20", "ssh", "-F", "none",
         "-T", "-i", f"{ETC}/id_ed25519", "-o",
         f"UserKnownHostsFile={ETC}/known_hosts", "git@gl",
         f"v1 id={ident} ip=10.0.0.1 fp={fp} sid=0123456789abcdef "
         f"-- {command}"], check=False)


def canary(ready):
    """The fingerprint of the check's key in force on the gateway, or None."""
    found = re.findall(r" postern-check\" (\S+ \S+)",
                       ready.gw.run(f"cat {KEYS}/current/authorized_keys"
                                    ).stdout)
    return fingerprint(found[0]) if found else None


def test_a_check_that_is_killed_leaves_no_way_in(ready, held):
    check, go = held
    fp = canary(ready)
    assert fp is not None
    second = ready.gl.run("postern git check --json", check=False)
    assert "another check is under way" in second.stdout
    assert canary(ready) == fp
    check.signal_target(9)
    check.wait()
    # Nobody has the key; the next push takes it away.
    ready.gl.run("systemctl start postern-git-push")
    assert canary(ready) is None


def test_a_check_that_is_interrupted_takes_its_key_back(ready, held):
    check, go = held
    before = generations(ready)
    assert canary(ready) is not None
    check.signal_target(2)
    go()
    check.wait(60)
    assert canary(ready) is None
    assert generations(ready) != before
    assert ready.gl.run("postern git status --json").returncode == 0


def test_a_check_that_a_push_overtakes_tries_again(ready):
    """Another push, between the check's own and its login: the third ssh."""
    gl, conf = ready.gl, ready.gl.read("/etc/postern/git.conf")
    gl.write("/usr/local/bin/overtake", """#!/bin/sh
echo >>/tmp/count
[ "$(wc -l </tmp/count)" != 3 ] || postern git push-keys >>/tmp/overtaken
false
""", 0o755)
    gl.write("/etc/postern/git/ssh_config",
             'Match exec "/usr/local/bin/overtake"\n')
    gl.write("/etc/postern/git.conf",
             conf + "push-ssh-config = /etc/postern/git/ssh_config\n")
    gl.run("rm -f /tmp/count /tmp/overtaken; install -m 666 /dev/null "
           "/tmp/count")
    try:
        assert findings(gl, 0) == {}
        assert "in force" in gl.read("/tmp/overtaken")
    finally:
        gl.write("/etc/postern/git.conf", conf)
        gl.run("rm -f /tmp/count /tmp/overtaken /etc/postern/git/ssh_config")


@pytest.fixture
def no_timer(ready):
    """No push meanwhile, which would mend what is broken."""
    ready.gl.run("systemctl stop postern-git-push.timer")
    yield
    ready.gl.run("systemctl start postern-git-push.timer")


def test_the_check_holds_sshd_against_the_lookup_that_is_set(ready, lookup,
                                                             no_timer):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    conf = ready.gw.read("/etc/postern/git.conf")
    lookup("index")
    assert findings(ready.gw, 0) == {}
    # Its timer stands still, so that no push mends what is broken here.
    assert list(findings(ready.gl, 1)) == [
        "keys are brought again by themselves"]
    sshd, found = ("sshd on this gateway reads the keys",
                   "a key that is in force is found by sshd")
    index = f"{KEYS}/current/index"
    text = ready.gw.run(f"od -An -v -tx1 {index}").stdout
    for break_it, mend, finding, why in (
            (f"chmod g+w {LIBEXEC}", f"chmod g-w {LIBEXEC}", found,
             "sshd would not run"),
            (f"sed -i s/restrict/restrikt/ {KEYS}/generations/*/index",
             f"sed -i s/restrikt/restrict/ {KEYS}/generations/*/index",
             found, "index"),
            ("sed -i s/lookup.*/lookup\\ =\\ file/ /etc/postern/git.conf",
             "sed -i s/lookup.*/lookup\\ =\\ index/ "
             "/etc/postern/git.conf", sshd, "authorizedkeysfile")):
        ready.gw.run(break_it)
        try:
            wrong = findings(ready.gw, 1)
        finally:
            ready.gw.run(mend)
        # Damaged keys are not in force either, which is another row.
        assert list(wrong)[0] == finding and why in wrong[finding]
    assert ready.gw.run(f"od -An -v -tx1 {index}").stdout == text
    # The other way round: set to index, and sshd reads the file.
    lookup("file")
    ready.gw.write("/etc/postern/git.conf", conf + "lookup = index\n")
    assert "lookup = index" in findings(ready.gw, 1)[sshd]
    ready.gw.write("/etc/postern/git.conf", conf)
    assert findings(ready.gw, 0) == {}
    # What sshd's StrictModes would not read.
    ready.gw.run("chmod g+w /var/lib/postern")
    try:
        assert "sshd would not read" in findings(ready.gw, 1)[found]
    finally:
        ready.gw.run("chmod g-w /var/lib/postern")


def test_the_check_advises_the_index_for_many_keys(ready):
    """In a word; it is no mistake."""
    many = ready.gl.path("/home/git/.gitolite/keydir/many")
    many.mkdir(mode=0o755)
    for i in range(2100):
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + i.to_bytes(32, "big")
        (many / f"p{i}.pub").write_bytes(
            b"ssh-ed25519 " + base64.b64encode(blob))
    done = ready.gl.run("postern git push-keys --timeout 60s")
    assert "keys are in force" in done.stdout
    try:
        rows = [json.loads(x) for x in ready.gw.run(
            "postern git check --json").stdout.splitlines()]
        notes = [r["note"] for r in rows if r["note"]]
        assert len(notes) == 1 and "--lookup index" in notes[0]
        assert "note: " in ready.gw.run("postern git check").stdout
    finally:
        ready.gl.run("rm -r /home/git/.gitolite/keydir/many; "
                     "postern git push-keys --force")


def test_a_refusal_is_escaped_once(ready):
    said = ready.alice(r"""ssh git@gw "git-upload-pack 'a\\b'" """,
                       check=False).stderr
    assert r"a\\b" in said and r"a\\\\b" not in said


def test_the_check_sees_a_pool_and_a_timer_that_stand_still(ready):
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    ready.gw.run("systemctl stop postern-git-mux")
    ready.gl.run("systemctl stop postern-git-push.timer")
    try:
        assert findings(ready.gw, 1) == {
            "connections to the git server stand ready": "0 of 2 are up"}
        assert list(findings(ready.gl, 1)) == [
            "keys are brought again by themselves"]
    finally:
        ready.gw.run("systemctl start postern-git-mux")
        ready.gl.run("systemctl start postern-git-push.timer")


@pytest.mark.parametrize("side, unit", [("gw", "postern-git-mux.service"),
                                        ("gl", "postern-git-push.timer")])
def test_a_set_up_starts_again_what_was_stopped(ready, side, unit):
    """As the check advises: stopped, or kept from coming up with the host."""
    host, command = getattr(ready, side), ready.commands[
        {"gw": 2, "gl": 1}[side]]
    states = f"systemctl is-active {unit}; systemctl is-enabled {unit}"
    line = f"{unit} runs, and comes up with the host\n"
    try:
        for break_it, states_then in (
                ("stop", "inactive\nenabled\n"),
                ("-q disable", "active\ndisabled\n"),
                ("-q disable --now", "inactive\ndisabled\n")):
            host.run(f"systemctl {break_it} {unit}")
            dry = host.run(f"{command} -n").stderr
            assert f"would do: {line}" in dry
            assert host.run(states, check=False).stdout == states_then
            _, said = ready.paste(host, command, 0)
            assert f"done: {line}" in said and said.count("done: ") == 1
            assert host.run(states).stdout == "active\nenabled\n"
        _, said = ready.paste(host, command, 0)
        assert f"was so already: {line}" in said and "done: " not in said
    finally:
        host.run(f"systemctl -q enable --now {unit}")


def test_the_check_sees_keys_that_are_too_old(ready):
    """A day is what they have by themselves."""
    gw, gl = ready.gw, ready.gl
    wait_masters(ready)
    gl.run("systemctl stop postern-git-push.timer; postern git push-keys")
    sequence, _, *rest = gw.read(f"{KEYS}/refreshed").split()
    try:
        for ago, finds in ((86000, []), (87000, [
                "keys are in force, and not too old"])):
            then = gw.run("date +%s").stdout.strip()
            gw.write(f"{KEYS}/refreshed", " ".join(
                [sequence, str(int(then) - ago), *rest]) + "\n")
            assert list(findings(gw, len(finds))) == finds
    finally:
        gl.run("systemctl start postern-git-push.timer; "
               "postern git push-keys")


@pytest.mark.parametrize("side, program", [("gw", "mux"),
                                           ("gl", "push-keys --quiet")])
def test_the_units_are_the_packaged_ones(ready, side, program):
    host, names = getattr(ready, side), UNITS[side]
    for name in names:
        packaged = (TREE / "packaging/systemd" / name).read_text()
        here = host.read(f"/etc/systemd/system/{name}")
        assert here == packaged.replace("/usr/local/bin/postern git ",
                                        f"{LIBEXEC}/postern-git ")
        assert name.endswith(".timer") or (
            f"\nExecStart={LIBEXEC}/postern-git {program}" in here)
    done = host.run(["systemd-analyze", "--man=no", "verify", *(
        f"/etc/systemd/system/{n}" for n in names)], check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    left = host.run("ls /etc/systemd/system").stdout.split()
    assert [n for n in left if n.startswith("postern")] == names


def test_the_units_hold_what_they_run(ready):
    """As systemd understood them, and as the kernel has it of the pool."""
    for host, name, home in (
            (ready.gw, "postern-git-mux", "yes"),
            (ready.gl, "postern-git-push", "read-only")):
        has = dict(x.split("=", 1) for x in host.run(
            ["systemctl", "show", name]).stdout.splitlines())
        for key, value in {
                "User": "git", "NoNewPrivileges": "yes",
                "CapabilityBoundingSet": "", "ProtectSystem": "strict",
                "ProtectHome": home, "PrivateTmp": "yes",
                "PrivateDevices": "yes", "ProtectKernelModules": "yes",
                "ProtectControlGroups": "yes", "RestrictNamespaces": "yes",
                "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes",
                "SystemCallArchitectures": "native"}.items():
            # What is empty is not listed.
            assert has.get(key, "") == value, (name, key)
        assert set(has["RestrictAddressFamilies"].split()) == {
            "AF_UNIX", "AF_INET", "AF_INET6"}
    wait_masters(ready)
    pid = ready.gw.run("systemctl show -P MainPID postern-git-mux"
                       ).stdout.strip()
    state = dict(x.split(":\t", 1) for x in ready.gw.run(
        ["cat", f"/proc/{pid}/status"]).stdout.splitlines())
    assert state["NoNewPrivs"] == "1" and state["Seccomp"] == "2"
    assert int(state["CapBnd"], 16) == int(state["CapEff"], 16) == 0
    # All that a push does, with these hands tied.
    ready.gl.run("systemctl start postern-git-push")
    assert json.loads(ready.gl.run("postern git status --json").stdout)["ok"]


def test_status_of_both_sides(ready):
    def status(host, code=0):
        done = host.run("postern git status --json", check=False)
        assert done.returncode == code, done
        return json.loads(done.stdout)
    ready.gl.run("postern git push-keys")
    wait_masters(ready)
    gw, gl = status(ready.gw), status(ready.gl)
    assert gw["side"] == "gateway" and gl["side"] == "server"
    assert gw["sequence"] == gl["sequence"] > 0
    assert gw["keys"] == gl["keys"] > 0
    assert gl["ok"] and not gw["stale"] and gw["generation"] > 0
    assert f"sequence {gw['sequence']}, " in ready.gw.run(
        "postern git status").stdout
    # The gateway gone: the server says so, and does not hide its drift.
    ready.gw.run("systemctl stop ssh.socket ssh", check=False)
    try:
        ready.gl.run("postern git push-keys --timeout 2s", check=False)
        gl = status(ready.gl, 1)
        assert not gl["ok"] and gl["why"] and gl["not-asked"]
        assert "FAILED, the gateway has older keys" in ready.gl.run(
            "postern git status", check=False).stdout
    finally:
        ready.gw.run("systemctl start ssh")
        ready.gw.wait_up()
    ready.gl.run("postern git push-keys")
    assert status(ready.gl)["ok"] and status(ready.gl)["agree"]
    assert status(ready.gw)["sequence"] == status(ready.gl)["sequence"]


def test_check_and_status_before_any_setup_say_so(ready):
    off, on = breaks(ready.gl, "/etc/postern/git.conf")
    off()
    ready.gl.write("/etc/postern/git.conf", "[server]\nstate-dir = /srv/none\n")
    try:
        for cmd in ("check", "status"):
            done = ready.gl.run(f"postern git {cmd}", check=False)
            assert done.returncode == 1
            assert "neither [gateway] has a server" in done.stderr
    finally:
        on()


def test_twice_changes_nothing(ready):
    first, for_gl, for_gw = ready.commands
    for host, line in ((ready.gw, for_gw), (ready.gl, for_gl),
                       (ready.gw, first)):
        before = host.run(STATE).stdout
        assert ETC in before
        _, said = ready.paste(host, line, 0)
        assert "done: " not in said
        assert said.count("was so already: ") > 8
        assert host.run(STATE).stdout == before


def test_what_the_git_user_may_write(ready):
    """On gw the key folder and the run folder, nothing else of ours."""
    for host, mine in ((ready.gw, r"/var/lib/postern/git|/run/postern-git"),
                       (ready.gl, "/var/lib/postern/git")):
        done = host.run(["runuser", "-u", "git", "--", "find", "/etc",
                         "/usr/local", "/run/postern-git",
                         "/var/lib/postern", "-writable", "!", "-type", "l"],
                        check=False)
        for path in done.stdout.split():
            assert re.match(mine, path), path


def test_another_host_key_is_not_pinned_over_the_first(ready):
    _, _, for_gw = ready.commands
    other = ready.client.host_key
    line = re.sub(r"--host-key '.*?'", f"--host-key '{other}'", for_gw)
    before = ready.gw.run(STATE).stdout
    done = ready.gw.run(line, check=False)
    assert done.returncode == 1
    assert "another host key of gl is pinned" in done.stderr
    assert ready.gw.run(STATE).stdout == before


def test_what_sshd_does_not_take_is_put_back(ready):
    """An earlier line wins in sshd: then the drop-in would be a promise that
    nobody keeps."""
    earlier = "/etc/ssh/sshd_config.d/00-mine.conf"
    ready.gw.write(earlier, "Match User git\n\tExposeAuthInfo no\n")
    old = ready.gw.read(DROPIN)
    changed = old.replace("\tDisableForwarding yes\n", "")
    ready.gw.write(DROPIN, changed)
    try:
        done = ready.gw.run(ready.commands[0], check=False)
        assert done.returncode == 1
        assert "sshd does not say 'exposeauthinfo yes'" in done.stderr
        assert ready.gw.read(DROPIN) == changed
        ready.gw.write(earlier, "NoSuchWord yes\n")
        done = ready.gw.run(ready.commands[0], check=False)
        assert done.returncode == 1
        assert "00-mine.conf: terminating" in done.stderr
        assert ready.gw.read(DROPIN) == changed
    finally:
        ready.gw.run(["rm", "-f", earlier])
        ready.gw.write(DROPIN, old)


INFO = "ssh -o BatchMode=yes git@gw info"


def sshd_says(host):
    return dict(x.split(" ", 1) for x in host.run(
        ["sshd", "-T", "-C", "user=git,host=x,addr=10.0.0.1"]
    ).stdout.splitlines())


@pytest.fixture
def lookup(ready):
    """Sets how sshd finds a key; in the end it is as it was."""
    def to(how, status=0):
        done = ready.gw.run(f"{ready.commands[0]} --lookup {how}",
                            check=False)
        assert done.returncode == status, done
        return done.stderr
    conf = ready.gw.read("/etc/postern/git.conf")
    yield to
    ready.gw.write("/etc/postern/git.conf", conf)
    to("file")
    ready.gw.write("/etc/postern/git.conf", conf)


def test_the_lookup_is_switched_by_a_second_run(ready, lookup):
    ready.gl.run("postern git push-keys")
    assert sshd_says(ready.gw)["authorizedkeyscommand"] == "none"
    said = lookup("index")
    assert "done: /etc/postern/git.conf: lookup = index" in said
    says = sshd_says(ready.gw)
    assert says["authorizedkeysfile"] == f"{ETC}/authorized_keys {CHECK}"
    assert says["authorizedkeyscommand"] == (
        f"{LIBEXEC}/postern-git-keys %f "
        "/var/lib/postern/git/keys/current/index")
    assert says["authorizedkeyscommanduser"] == "git"
    assert ready.alice(INFO).stdout.startswith("hello alice,")
    assert "done: " not in lookup("index")
    # Without the option it stays what git.conf says.
    _, said = ready.paste(ready.gw, ready.commands[0], 0)
    assert "done: " not in said
    # The command is what lets her in: nothing else has her key.
    ready.gw.run(f"chmod -x {LIBEXEC}/postern-git-keys")
    try:
        assert ready.alice(INFO, check=False).returncode == 255
    finally:
        ready.gw.run(f"chmod +x {LIBEXEC}/postern-git-keys")
    # Nobody's session over the pool is ended by it.
    pid = "systemctl show -P MainPID postern-git-mux"
    was = ready.gw.run(pid).stdout
    lookup("file")
    assert ready.gw.run(pid).stdout == was
    assert sshd_says(ready.gw)["authorizedkeyscommand"] == "none"
    conf = ready.gw.read("/etc/postern/git.conf")
    assert conf.count("lookup") == conf.count("lookup = file") == 1
    assert ready.alice(INFO).stdout.startswith("hello alice,")


def test_a_command_that_sshd_would_not_run_is_not_set(ready, lookup):
    """It is only at a login that sshd looks: then all would be locked out."""
    before = ready.gw.run(STATE).stdout
    for path in (f"{LIBEXEC}/postern-git-keys", "/usr/local"):
        mode = ready.gw.run(["stat", "-c", "%a", path]).stdout.strip()
        ready.gw.run(["chmod", "g+w", path])
        try:
            said = lookup("index", 1)
        finally:
            ready.gw.run(["chmod", mode, path])
        assert "sshd would not run" in said and path in said
        assert ready.gw.run(STATE).stdout == before
    assert "--lookup: one of: file index" in lookup("both", 64)


def test_no_other_command_of_sshds_lets_a_git_user_in(ready):
    """One for everybody else's keys would let in with a shell."""
    key = ready.client.path("/home/alice/.ssh/other")
    ready.lab.keygen(key, "other")
    ready.client.run("chown alice: /home/alice/.ssh/*")
    public = key.with_suffix(".pub").read_text().strip()
    ready.gw.write("/usr/local/bin/keys", f"#!/bin/sh\necho '{public}'\n",
                   0o755)
    mine = "/etc/ssh/sshd_config.d/90-mine.conf"
    ready.gw.write(mine, "AuthorizedKeysCommand /usr/local/bin/keys\n"
                   "AuthorizedKeysCommandUser nobody\n")
    ssh = "ssh -i .ssh/other -o IdentitiesOnly=yes -o BatchMode=yes"
    ready.gw.run("id -u bob || useradd -m bob -p '*'; systemctl reload ssh")
    try:
        proc.wait_for(lambda: ready.alice(
            f"{ssh} bob@gw true", check=False).returncode == 0, 20, "bob")
        done = ready.alice(f"{ssh} git@gw id", check=False)
        assert done.returncode == 255 and done.stdout == ""
    finally:
        ready.gw.run(f"rm {mine}; systemctl reload ssh; userdel -r bob",
                     check=False)


def test_local_code_of_ones_own_is_not_overridden(ready):
    kept = ready.gl.run(f"cat {RC}").stdout
    assert ready.gl.exists(f"{RC}.before-postern")
    mine = kept.replace("    ENABLE => [",
                        '    LOCAL_CODE => "/home/git/mine",\n'
                        "    ENABLE => [", 1)
    ready.gl.write(RC, mine)
    try:
        done = ready.gl.run(ready.commands[1], check=False)
        assert done.returncode == 1
        assert "sets LOCAL_CODE already" in done.stderr
        assert ready.gl.read(RC) == mine
    finally:
        ready.gl.write(RC, kept)


def test_an_installation_of_the_original_is_taken_over(ready):
    """Its authorized_keys.base is imported once; a line of it that runs
    gitolite-proxy KEY-ID goes on letting that key in."""
    gw = ready.gw
    key = ready.client.path("/home/alice/.ssh/old")
    ready.lab.keygen(key, "old@client")
    ready.client.run("chown alice: /home/alice/.ssh/*")
    public = key.with_suffix(".pub").read_text().strip()
    push = re.search(r" --key '(.*?)'", ready.commands[2])[1]
    kept = gw.read(f"{ETC}/authorized_keys")
    gw.run("chown git: /home/git; "
           "install -d -o git -g git -m 700 /home/git/.ssh")
    gw.write("/home/git/.ssh/authorized_keys.base",
             'command="/usr/local/bin/gitolite-proxy --auth-update",no-pty '
             f"{push} git@gl\n"
             'command="/usr/local/bin/gitolite-proxy alice",no-pty '
             f"{public}\n")
    gw.run(["rm", f"{ETC}/authorized_keys"])
    try:
        _, said = ready.paste(gw, ready.commands[2], 0)
        assert "taken over: " in said
        assert gw.read(f"{ETC}/authorized_keys").count(push) == 1
        done = ready.gl.run("postern git push-keys", check=False)
        assert done.returncode == 0, done
        assert ready.alice("ssh -i .ssh/old -o IdentitiesOnly=yes "
                           "-o BatchMode=yes git@gw info"
                           ).stdout.startswith("hello alice,")
    finally:
        gw.run("rm -rf /home/git/.ssh /home/git.before-postern; "
               "chown root: /home/git")
        gw.write(f"{ETC}/authorized_keys", kept)
