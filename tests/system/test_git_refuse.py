# SPDX-License-Identifier: ISC
"""Hostile input through the real sshd: refused on the gateway, and on the
server where the gateway itself is the attacker; written down; without effect.
"""

import os

import pytest

from gitlib import ETC, TOOLS, git, git_hosts  # noqa: F401
from lab import proc

FP = "SHA256:" + "A" * 43
SID = "0123456789abcdef"

# What a client may send as its command. Each would do something else than one
# command of the table on one repository.
COMMANDS = [
    "git-upload-pack 't/a'\nid", "git-upload-pack 't/a\n'", "info\n",
    "git-upload-pack 't/a'\r", "git-upload-pack '\x1b[2Jt/a'",
    "-v", "--auth-update", "-oProxyCommand=id",
    "git-upload-pack --upload-pack=id 't/a'",
    "git-upload-pack '--upload-pack=id'", "git-upload-pack '-t'",
    "git-upload-pack 't/a' 't/b'", "git-upload-pack 't/a", "git-upload-pack",
    "git-upload-pack t/a", "git-upload-pack 't/a';id",
    "git-upload-pack 't/a' ; id", "git-upload-pack $(id)",
    "git-upload-pack '$(id)'", "git-upload-pack `id`",
    "git-upload-pack 't/a' | id", "git-upload-pack 't/a' && id",
    "git-upload-pack '../../etc'", "git-upload-pack 't/../../etc'",
    "git-upload-pack '/etc/passwd/..'", "git upload-pack 't/a'",
    "git-upload-pack  't/a'", " git-upload-pack 't/a'",
    "git-receive-pack 'gitolite-admin'", "git-upload-pack 'gitolite-admin'",
    "git-upload-pack '/gitolite-admin.git/'",
    "USER=bob SOC=git-receive-pack 't/a'", "CREATOR=bob git-upload-pack",
    "mirror push gl2 t/a", "/usr/lib/openssh/sftp-server", "internal-sftp",
    "scp -f x", "scp -t /home/git", "rsync --server --sender . /",
    "sh", "/bin/sh -c id", "bash", "perl -e 1", "id", "access t/a", "sudo",
    "git-lfs-transfer t/a upload", "git-lfs-authenticate t/a upload",
    "git-upload-pack 't/a\u2028'", "git-upload-pack 't/\u00fc'",
    "v1 id=alice ip=- fp=- sid=0123456789abcdef -- info",
    "git-upload-pack 't/a'" + " " * 5000, "x" * (100 << 10),
    "info -h;id", "info $(id)", "desc ../x", "perms t/a -c",
    "git-shell -c id", "''", "' '", "\\", "git-upload-pack 't/a'\\",
    " ", "\t", "\n",
]
RAW = [b"git-upload-pack 't/\xff\xfe'", b"\x80\x81", b"info \x85",
       b"git-upload-pack 't/a'\x0b", b"info\x7f"]


def state(git):
    """All that a command might have changed on the two hosts."""
    found = {}
    for host, folder in (
            (git.gl, "/home/git/repositories"), (git.gl, "/home/git/.ssh"),
            (git.gl, "/etc/postern"), (git.gl, "/var/lib/postern"),
            (git.gw, "/home/git"), (git.gw, "/etc/postern"),
            (git.gw, "/var/lib/postern")):
        for path, st in proc.walk(str(host.path(folder))):
            found[host.name, path] = (st.st_mode, st.st_size, st.st_mtime_ns)
    return found


def ended_well(git):
    assert "hello alice" in git.ssh("alice", "info").stdout


@pytest.mark.parametrize("client", ["str", "bytes"])
def test_no_other_command_gets_through_the_gateway(git, client):
    git.seed("t/a")
    before = state(git)
    for command in COMMANDS if client == "str" else RAW:
        lines = len(git.audit("gw"))
        asked = len(git.audit("gl"))
        done = git.ssh("alice", command, text=False)
        assert done.returncode == 1, (command[:80], done)
        assert done.stdout == b"", command[:80]
        assert done.stderr.startswith(b"git gateway: refused: "), done
        said = done.stderr.rstrip(b"\n")
        assert all(0x20 <= c < 0x7f for c in said), (command[:80], said)
        refused = git.audit("gw")[lines:]
        assert [x["event"] for x in refused] == ["refused"], command[:80]
        assert refused[0]["id"] == "alice" and refused[0]["why"]
        assert len(git.audit("gl")) == asked, command[:80]
    assert state(git) == before
    ended_well(git)


def test_a_protocol_that_git_never_sends_is_refused(git):
    git.seed("t/a")
    git.gl.write("/opt/postern/probe", "#!/bin/sh\n"
                 'echo "$GIT_PROTOCOL" >/tmp/probe\n'
                 'exec /usr/share/gitolite3/gitolite-shell "$@"\n', 0o755)
    git.conf(gl=["gitolite-shell = /opt/postern/probe"])

    def ask(value, **kwargs):
        return git.ssh("alice", "git-upload-pack 't/a'",
                       options=["-o", "SendEnv=GIT_PROTOCOL"],
                       env={"GIT_PROTOCOL": value}, **kwargs)

    before, asked = state(git), len(git.audit("gl"))
    for value in ("version=2:$(id)", "version=2;id", "version=2\nX=1",
                  "x" * 300, "version=2 ", "\u00fc"):
        lines = len(git.audit("gw"))
        done = ask(value)
        assert done.returncode == 1 and "refused" in done.stderr, value
        assert done.stdout == "", value
        refused, = git.audit("gw")[lines:]
        assert refused["event"] == "refused", refused
        assert refused["id"] == "alice", refused
        assert "GIT_PROTOCOL" in refused["why"], refused
        assert len(git.audit("gl")) == asked, value
    assert state(git) == before
    # What git would ignore is taken out.
    for value, gets in (("version=1:agent=x", "version=1"),
                        ("agent=x:version=2:version=0", "version=2"),
                        ("agent=x", ""), ("version=3", "")):
        ask(value, input="0000", check=True)
        assert git.audit("gl", "end")[-1]["exit"] == 0
        assert git.gl.read("/tmp/probe") == f"{gets}\n", value


def sshd_log(git, cursor):
    """What the gateway's sshd has written since."""
    git.gw.run("journalctl --sync")
    return git.gw.run(["journalctl", "-q", "-o", "cat", "-u", "ssh",
                       f"--after-cursor={cursor}"]).stdout


@pytest.mark.parametrize("words, log, why", [
    (["-tt", "git@gw"], "", "there is no shell here"),
    (["-s", "git@gw", "sftp"], "", "sftp"),
    (["-N", "-o", "ExitOnForwardFailure=yes", "-R", "9:127.0.0.1:22",
      "git@gw"], "", None),
    (["-W", "{gl}:22", "git@gw"], "refused local port forward: ", None)])
def test_no_terminal_forwarding_or_subsystem(git, words, log, why):
    since = git.gw.run("journalctl -n 0 --show-cursor").stdout.split()[-1]
    before = state(git)
    done = git.client.run(
        ["setpriv", "--reuid", "alice", "--regid", "alice", "--init-groups",
         "ssh", "-o", "BatchMode=yes",
         *(w.format(gl=git.gl.ip) for w in words)],
        env=git.env("alice"), check=False)
    assert done.returncode != 0, done
    assert done.stdout.strip() == "" or why, done
    assert "SSH-2.0" not in done.stdout
    said = sshd_log(git, since)
    assert said.count("Accepted publickey for git") == 1 and log in said
    # Ours are asked only for what would be a session.
    assert [x["event"] for x in git.audit("gw")] == ["refused"] * bool(why)
    for x in git.audit("gw"):
        assert x["id"] == "alice" and why in x["why"], x
    assert git.audit("gl") == [] and state(git) == before
    ended_well(git)


@pytest.mark.parametrize("who", [
    "--auth-updat", "-oProxyCommand=id", "../x", "a b", "", "'admin info'",
    "x;id", "$(id)", "`id`", "a" * 65])
def test_ids_that_no_line_should_have_do_nothing(git, who):
    """root's own file is not read as ours is; nobody's session is written
    down under such a name."""
    key = git.keys["alice"][0]
    quoted = "'" + who.replace("'", "'\\''") + "'"
    git.gw.write(f"{ETC}/authorized_keys", "restrict,command="
                 f'"{TOOLS}/postern-git-proxy {quoted}" {key}')
    before = state(git)
    for command in ("info", "git-receive-pack 't/new'"):
        done = git.ssh("alice", command)
        assert done.returncode == 1 and done.stdout == "", done
        assert done.stderr.startswith("git gateway: "), done
        assert "key id" in done.stderr, done
    refused = git.audit("gw")
    assert [x["event"] for x in refused] == ["refused"] * 2
    for x in refused:
        assert "key id" in x["why"] and x["id"] is None, x
        assert x["ip"] == git.client.ip, x
    log = git.gw.run(["journalctl", "-q", "-o", "cat", "-t", "postern-git",
                      "-n", "2", "--no-pager"]).stdout
    assert log.startswith('{"event":"refused",'), log
    assert git.audit("gl") == [] and state(git) == before
    git.lines(git.keys)
    ended_well(git)


# The gateway itself is the attacker: it says on its own key whatever it likes.

def wire(id="alice", ip="10.0.0.1", fp=FP, sid=SID, proto="",
         cmd="git-upload-pack 't/a'"):
    return f"v1 id={id} ip={ip} fp={fp} sid={sid}{proto} -- {cmd}"


DENIED = ["server-gl2", "zzz-marked-for-add-x"]
WIRES = [
    "", "info", "sh", "id", "git-upload-pack 't/a'", wire(id="nobody"),
    wire(id="carol"), wire(id="server-gl2"), wire(id="zzz-marked-for-add-x"),
    wire(id="-oX"), wire(id="a b"), wire(id="../alice"), wire(id=""),
    wire(id="alice@laptop"), wire(id="dave@two"),
    wire(cmd="git-receive-pack 'gitolite-admin'"),
    wire(id="admin", cmd="git-upload-pack 'gitolite-admin'"),
    wire(cmd="USER=bob SOC=git-receive-pack 't/a'"),
    wire(cmd="mirror push x t/a"), wire(cmd="sudo bob info"),
    wire(cmd="git-upload-pack 't/a';id"), wire(cmd="id"),
    wire(cmd="git-upload-pack '../../etc'"), wire(cmd="sh -c id"),
    wire(cmd="git-lfs-transfer t/a upload"), wire(cmd=""),
    wire(ip="10.0.0.1\nX"), wire(ip="$(id)"), wire(fp="SHA256:x"),
    wire(sid="x"), wire(sid="../../../../etc/x"),
    wire(proto=" gitproto=version=2:$(id)"), wire(proto=" gitproto="),
    wire() + "\n" + wire(), "v2" + wire()[2:], wire().replace(" -- ", " - "),
    wire(cmd="git-upload-pack 't/a'" + " " * 5000), "x" * 65536,
    wire(cmd="git-upload-pack '\x1b[2Jt/a'"), wire(cmd="info\r"),
    wire(cmd="git-upload-pack 't/\u00fc'"), wire(cmd="info\u2028"),
]


# By the gateway's own key, as the user git there.
BY_KEY = ["setpriv", "--reuid", "git", "--regid", "git", "--init-groups",
          "ssh", "-F", "none", "-i", f"{ETC}/id_ed25519", "-o",
          "BatchMode=yes", "-o", f"UserKnownHostsFile={ETC}/known_hosts"]


@pytest.fixture
def gateway(git):
    def say(line, **kwargs):
        return git.gw.run([*BY_KEY, "-T", "git@gl", "--",
                           *([line] if line else [])], check=False, **kwargs)
    return say


@pytest.fixture
def denied(git):
    """Ids that gitolite has, and no gateway may name."""
    paths = [f"/home/git/.gitolite/keydir/{n}.pub" for n in DENIED]
    for path in paths:
        git.gl.write(path, git.keys["alice"][0])
    yield
    for path in paths:
        git.gl.path(path).unlink()


def test_the_server_believes_no_gateway(git, gateway, denied):
    git.seed("t/a")
    ok = gateway(wire(), input="0000")
    assert ok.returncode == 0 and "refs/" in ok.stdout
    before = state(git)
    for line in WIRES:
        lines = len(git.audit("gl"))
        done = gateway(line, input="")
        assert done.returncode == 1 and done.stdout == "", (line[:90], done)
        assert "git server: refused: " in done.stderr, (line[:90], done)
        added = git.audit("gl")[lines:]
        assert [x["event"] for x in added] == ["refused"], line[:90]
    assert state(git) == before
    ended_well(git)


def test_the_server_has_limits_of_its_own(git, gateway):
    git.seed("t/a")
    git.conf(gl=["read-only = t/*", "deny-id = da*", "deny-repo = t/hidden"])
    for line, why in (
            (wire(cmd="git-receive-pack 't/a'"), "can only be read"),
            (wire(id="dave"), "may not come through a gateway"),
            (wire(cmd="git-upload-pack 't/hidden'"), "is not reached")):
        done = gateway(line)
        assert done.returncode == 1 and why in done.stderr, done
    assert gateway(wire(), input="0000").returncode == 0
    done = git.run("alice", "cd seed && git commit -q --allow-empty -m x && "
                   "git push -q git@gw:t/a master", check=False)
    assert "git server: refused: 't/a'" in done.stderr


def test_the_gateways_key_is_good_for_nothing_else(git):
    for words in (["-W", "127.0.0.1:22", "git@gl"],
                  ["-tt", "git@gl", "id"], ["-s", "git@gl", "sftp"],
                  ["-N", "-o", "ExitOnForwardFailure=yes",
                   "-R", "9009:127.0.0.1:22", "git@gl"]):
        done = git.gw.run([*BY_KEY, *words], check=False)
        assert done.returncode != 0 and done.stdout in ("", "\r\n"), words
        # It is let in: what follows is what it can't do.
        assert "Permission denied" not in done.stderr, done


@pytest.mark.parametrize("side", ["gw", "gl"])
def test_settings_that_another_may_write_are_not_used(git, side):
    git.seed("t/a")
    host = git.gw if side == "gw" else git.gl
    os.chmod(host.path("/etc/postern/git.conf"), 0o666)
    done = git.ssh("alice", "info")
    assert done.returncode == 1 and "git.conf" in done.stderr
    assert done.stdout == ""
    os.chmod(host.path("/etc/postern/git.conf"), 0o644)
    ended_well(git)
