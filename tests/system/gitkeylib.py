# SPDX-License-Identifier: ISC
"""The way of the keys: a git server (h1) and a gateway (h2), hosts of the lab.

    from gitkeylib import keys          # the fixture; in each test file

    def test_something(keys):
        keys.put("alice.pub", keys.person("a"))
        keys.push()
        assert keys.login("a") == "alice"

There is no gitolite here: a folder is the keydir, so that any file can be in
it. On the gateway the forced command of each key is /bin/echo, which says
whose key sshd took it for. All else is real: sshd, ssh, ssh-keygen, the user
git on both, a drop-in of sshd's, root's own file with the push key.
"""

import base64
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
OPT = "/opt/postern"
TOOLS = f"{OPT}/tools/git"
POSTERN = f"{TOOLS}/postern-git"
PROXY = f"{TOOLS}/postern-git-proxy"
LOOKUP = f"{TOOLS}/postern-git-keys"
DRIVER = f"{OPT}/git_keys"
TRIGGER = f"{OPT}/push-authkeys"
SK_SOFT = "tests/unit/git/sk_soft.so"
PROGRAMS = {"tests/unit/git/git_keys": DRIVER,
            **{f"tools/git/{os.path.basename(p)}": p
               for p in (POSTERN, PROXY, LOOKUP)}}
CONF = "/etc/postern/git.conf"
UID = {"h1": 4201, "h2": 4202}
STORE = "/var/lib/postern/git/keys"
STATE = "/var/lib/postern/git"
ETC = "/etc/postern/git"
KEYDIR = "/home/git/.gitolite/keydir"
SESSIONS = "/run/postern-git/sessions"
SERVER = "gl"
ENV = {"HOME": "/home/git", "USER": "git", "LOGNAME": "git"}

USER = r"""
id -u git 2>/dev/null | grep -qx {uid} || {{
	userdel git 2>/dev/null
	groupadd -g {uid} git
	useradd -u {uid} -g {uid} -d /home/git -m -s /bin/sh git
	usermod -p '*' git
}}
"""
CLEAN = r"""
rm -rf /etc/postern /var/lib/postern /run/postern-git /home/git/.gitolite
install -d -o root -g root -m 755 /etc/postern {etc} /var/lib/postern
install -d -o git -g git -m 700 {state} {store} /run/postern-git
install -d -o git -g git -m 755 /home/git/.gitolite {keydir}
"""
# Both ways at once would hide a mistake of one of them.
FILE = """Match User git
\tAuthorizedKeysFile {etc}/authorized_keys {store}/current/authorized_keys
"""
INDEX = """Match User git
\tAuthorizedKeysFile {etc}/authorized_keys
\tAuthorizedKeysCommand {lookup} %f
\tAuthorizedKeysCommandUser git
"""
DROP_IN = "/etc/ssh/sshd_config.d/50-postern-git.conf"
REPLY = re.compile(r"v1 (\w+) sequence=(\d+) keys=(\d+) skipped=(\d+) ?(.*)")
BEGIN = b"-----BEGIN POSTERN GIT KEYS-----\n"
END = b"-----END POSTERN GIT KEYS-----\n"


class Reply:
    """The gateway's answer to a push that the test made by hand."""

    def __init__(self, done):
        self.rc, self.out, self.err = (done.returncode, done.stdout,
                                       done.stderr)
        text = done.stdout.decode(errors="replace").strip()
        found = REPLY.fullmatch(text)
        assert found, f"no answer: {done}"
        self.word, self.why = found[1], found[5]
        self.sequence, self.keys, self.skipped = map(int, found.groups()[1:4])

    def __repr__(self):
        return f"{self.word} {self.sequence} {self.keys} {self.why}"


def text(sequence, lines, server=SERVER, count=None, sha=None,
         begin=BEGIN, end=END):
    """A push's text; what is given instead of the right value lies."""
    body = b"".join(line + b"\n" for line in lines)
    sha = sha or hashlib.sha256(body).hexdigest()
    count = len(lines) if count is None else count
    return (begin + f"format 1\nserver {server}\nsequence {sequence}\n"
            f"count {count}\nsha256 {sha}\n\n".encode() + body + end)


class Keys:
    def __init__(self, lab):
        self.lab = lab
        self.gl, self.gw = lab.first(2)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gitkeys."))

    def close(self):
        shutil.rmtree(self.dir)
        for host in (self.gl, self.gw):
            host.path(DROP_IN).unlink(missing_ok=True)
        self.gw.run("systemctl reload ssh")

    # Making one

    def setup(self, index=False, **conf):
        for host in (self.gl, self.gw):
            host.link.restore()
            host.run(USER.format(uid=UID[host.name]))
            host.run(CLEAN.format(etc=ETC, state=STATE, store=STORE,
                                  keydir=KEYDIR))
            host.path(TOOLS).mkdir(parents=True, exist_ok=True)
            host.run(["ln", "-sf", POSTERN, TRIGGER])
            for source, target in PROGRAMS.items():
                self.install(host, BUILD / source, target)
        self.push_key = self.key("push", self.gl, f"{ETC}/id_ed25519")
        self.gl.write(f"{ETC}/known_hosts",
                      f"{self.gw.name} {self.gw.host_key}\n")
        self.gw.write(f"{ETC}/allowed_signers",
                      f"{SERVER} {self.public('push')}\n")
        self.gw.path(SESSIONS).parent.mkdir(exist_ok=True)
        self.configure(index, **conf)
        self.server()
        self.gw.run("systemctl reset-failed ssh; systemctl restart ssh")
        self.gw.wait_up()
        self.since = self.gw.run(
            "journalctl -n 0 --show-cursor").stdout.split()[-1]
        return self

    @staticmethod
    def install(host, source, target):
        at = host.path(target)
        want = source.stat()
        if at.exists() and at.stat().st_mtime_ns == want.st_mtime_ns:
            return
        new = at.with_name(at.name + ".new")
        shutil.copy(source, new)
        new.chmod(0o755)
        os.utime(new, ns=(want.st_mtime_ns, want.st_mtime_ns))
        new.rename(at)

    def key(self, name, host=None, at=None, kind="ed25519", bits=None,
            provider=None):
        """A key pair of this name; its private half on a host, for git."""
        path = self.dir / name
        path.unlink(missing_ok=True)
        more = ["-b", str(bits)] if bits else []
        more += ["-w", str(provider)] if provider else []
        subprocess.run(["ssh-keygen", "-q", "-t", kind, *more, "-N", "",
                        "-C", name, "-f", str(path)], check=True)
        if host:
            host.write(at, path.read_bytes(), 0o640)
            host.run(["chown", "root:git", at])
        return path

    def public(self, name):
        return (self.dir / f"{name}.pub").read_text().rsplit(None, 1)[0]

    def person(self, name, **kwargs):
        """The public line of one of the people's keys, made at need."""
        if not (self.dir / name).exists():
            self.key(name, **kwargs)
        return self.public(name)

    def line(self, ident, name):
        """As it stands in a push."""
        return f"{ident} {self.person(name)}".encode()

    def configure(self, index=False, **conf):
        """The gateway: keys of git.conf, '_' for '-'."""
        self.settings(self.gw, "gateway", server=f"git@{self.gl.name}",
                      server_name=SERVER, proxy="/bin/echo", **conf)
        self.gw.write(f"{ETC}/authorized_keys", 'restrict,command="%s '
                      '--auth-update" %s\n' % (PROXY, self.public("push")))
        self.gw.write(DROP_IN, (INDEX if index else FILE).format(
            etc=ETC, store=STORE, lookup=LOOKUP))

    def server(self, **conf):
        """The same of the git server."""
        self.settings(self.gl, "server", name=SERVER, keydir=KEYDIR,
                      gateway=f"git@{self.gw.name}", **conf)

    @staticmethod
    def settings(host, section, **conf):
        host.write(CONF, f"[{section}]\n" + "".join(
            f"{k.replace('_', '-')} = {v}\n" for k, v in conf.items()))

    # The git server

    @staticmethod
    def as_git(host, *argv):
        uid = str(UID[host.name])
        return ["setpriv", "--reuid", uid, "--regid", uid, "--init-groups",
                *argv]

    def put(self, name, content):
        """A file of the keydir; content None: it goes. A line gets its end.
        """
        target = self.gl.path(f"{KEYDIR}/") / name
        if content is None:
            target.unlink()
            return
        if isinstance(content, str):
            content = (content + "\n").encode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def push(self, *args, expect=0):
        """postern git push-keys."""
        done = self.gl.run(self.as_git(self.gl, POSTERN, "push-keys", *args),
                           check=False, env=ENV)
        assert expect is None or done.returncode == expect, done
        return done

    def trigger(self):
        """As gitolite calls it, which wants 0."""
        return self.gl.run(self.as_git(self.gl, TRIGGER, "POST_COMPILE",
                                       "gitolite-admin"), env=ENV)

    # A push by hand

    def sign(self, data, key="push", namespace="postern-git"):
        return subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f",
             str(self.dir / key)], input=data, check=True,
            stdout=subprocess.PIPE).stdout

    def ssh_argv(self, *command, key=f"{ETC}/id_ed25519", options=()):
        return self.as_git(
            self.gl, "ssh", "-F", "none", "-T", "-oBatchMode=yes", *options,
            "-oIdentitiesOnly=yes", f"-oUserKnownHostsFile={ETC}/known_hosts",
            "-oIdentityFile=" + key, "--", f"git@{self.gw.name}", *command)

    def send(self, data, *command, timeout=60):
        """Bytes to auth-update, through the real sshd."""
        return Reply(self.gl.run(self.ssh_argv(*command), input=data,
                                 check=False, text=False, env=ENV,
                                 timeout=timeout))

    def signed(self, data, *command, **kwargs):
        return self.send(self.sign(data, **kwargs) + data, *command)

    # The gateway

    def login(self, name, options=()):
        """Whose key sshd takes it for; None: nobody's."""
        self.person(name)
        at = f"/home/git/{name}"
        self.gl.write(at, (self.dir / name).read_bytes(), 0o600)
        self.gl.run(["chown", "git:git", at])
        done = self.gl.run(self.ssh_argv(key=at, options=options),
                           check=False, env=ENV)
        if done.returncode == 0:
            return done.stdout.strip()
        assert "Permission denied" in done.stderr, done
        return None

    def current(self):
        """The generation in force, or None."""
        link = self.gw.path(f"{STORE}/current")
        if not os.path.lexists(link):
            return None
        found = re.fullmatch(r"generations/(\d+)", os.readlink(link))
        assert found, os.readlink(link)
        return int(found[1])

    def state(self):
        """What is in force, to be compared: generation, both files."""
        gen = self.current()
        if gen is None:
            return None
        at = self.gw.path(f"{STORE}/generations/{gen}")
        return gen, *((at / n).read_bytes()
                      for n in ("authorized_keys", "index"))

    def ids(self):
        """{id: [base64, …]} of the authorized_keys in force, which has to be
        whole; the index has to have the same."""
        gen, lines, index = self.state()
        found = {}
        for line in lines.decode().splitlines():
            if line.startswith("#"):
                continue
            key = re.fullmatch(r'restrict,command="/bin/echo (\S+)" '
                               r'\S+ (\S+)', line)
            assert key, line
            found.setdefault(key[1], []).append(key[2])
        assert index[:8] == b"PSTNGITK"
        assert hashlib.sha256(index[:32] + index[64:]).digest() == index[32:64]
        count = int.from_bytes(index[12:16], "little")
        text = index[64 + 40 * count:].decode()
        assert sorted(text.splitlines()) == sorted(
            line for line in lines.decode().splitlines()
            if not line.startswith("#"))
        assert int.from_bytes(index[24:32], "little") == gen
        return found

    def log(self, host=None):
        """What our programs have written to the gateway's log since setup."""
        host = host or self.gw
        if host is self.gw:
            host.run("journalctl --sync")
            # --after-cursor would pass over the first line that matches.
            return host.run(["journalctl", "-t", "postern-git", "-t",
                             "postern-git-keys", "-o", "cat",
                             f"--cursor={self.since}"]).stdout
        return host.run("journalctl -t postern-git -o cat").stdout

    @contextlib.contextmanager
    def unchanged(self, person="a", ident="alice", reason=None):
        """Whatever is done inside has no effect: the same keys are in force,
        people still get in, and the log says why (reason: a pattern)."""
        before = self.state()
        yield
        assert self.state() == before
        left = [n for n in os.listdir(self.gw.path(f"{STORE}/generations"))
                if not n.isdigit()]
        assert left == []
        assert self.login(person) == ident
        if reason:
            assert re.search(reason, self.log()), self.log()


def fingerprint(public):
    blob = base64.b64decode(public.split()[1])
    return "SHA256:" + base64.b64encode(
        hashlib.sha256(blob).digest()).decode().rstrip("=")


@pytest.fixture
def keys(lab):
    made = Keys(lab)
    yield made.setup()
    made.close()
