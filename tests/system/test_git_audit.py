# SPDX-License-Identifier: ISC
"""postern git audit: who did what, on either side, out of the file or the
journal; and whatever is in there, a terminal stays as it is."""

import json
import time

import pytest

from gitlib import CONF, LOG, POSTERN, STATE, git, git_hosts  # noqa: F401


def audit(host, *words, status=0, **kwargs):
    """Its lines."""
    done = host.run([POSTERN, "audit", *words], check=False, text=False,
                    **kwargs)
    assert done.returncode == status, done
    assert all(c >= 0x20 and c != 0x7f or c == 0x0a for c in done.stdout)
    return done.stdout.decode().splitlines()


def objects(host, *words, **kwargs):
    return [json.loads(x) for x in audit(host, "--json", *words, **kwargs)]


def did(host, *words, **kwargs):
    return [(x["id"], x.get("verb"), x.get("repo"), x["event"])
            for x in objects(host, *words, **kwargs)]


@pytest.fixture
def used(git):
    """alice pushed to t/a, bob read it, was refused twice, and failed."""
    git.seed("t/a")
    git.run("bob", "git ls-remote git@gw:t/a")
    git.ssh("bob", "sh -c id")
    git.ssh("bob", "git-upload-pack 't/a';id")
    git.ssh("bob", "git-upload-pack 't/none'")
    return git


PUSHED = ("alice", "git-receive-pack", "t/a", "end")
READ = ("bob", "git-upload-pack", "t/a", "end")
FAILED = ("bob", "git-upload-pack", "t/none", "end")
REFUSED = ("bob", None, None, "refused")


def test_who_did_what_on_both_sides(used):
    assert did(used.gw) == [PUSHED, READ, REFUSED, REFUSED, FAILED]
    # What the gateway refused never came here.
    assert did(used.gl) == [PUSHED, READ, FAILED]
    lines = audit(used.gw)
    for line, x in zip(lines, objects(used.gw)):
        assert line.startswith(f"{x['time']} {x['id']} {used.client.ip} ")
        assert line.endswith(f"({x['sid']})")
    assert " git-receive-pack t/a: exit 0, " in lines[0]
    assert " refused: 'sh'" in lines[2]


def test_what_is_wanted_alone(used):
    assert did(used.gw, "--id", "alice") == [PUSHED]
    assert did(used.gw, "--verb", "git-upload-pack") == [READ, FAILED]
    assert did(used.gw, "--repo", "t/n*") == [FAILED]
    assert did(used.gw, "--failed") == [REFUSED, REFUSED, FAILED]
    assert did(used.gw, "--since", "1h", "--repo", "t/a") == [PUSHED, READ]
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))
    assert did(used.gw, "--since", day) == []
    done = used.gw.run([POSTERN, "audit", "--since", "yesterday"],
                       check=False)
    assert done.returncode == 64 and "--since 'yesterday'" in done.stderr


def test_text_and_what_was_rotated_are_read_too(git):
    """One file after another, each line in the format of its time."""
    git.seed("t/a")
    git.gw.run(f"mv {LOG}/audit {LOG}/audit.1")
    conf = git.gw.read(CONF)
    git.gw.write(CONF, conf.replace("audit = json", "audit = text"))
    git.run("bob", "git ls-remote git@gw:t/a")
    git.gw.write(CONF, conf)
    git.ssh("bob", "sh")
    assert did(git.gw) == [PUSHED, READ, REFUSED]
    git.gw.run(f"rm {LOG}/audit")
    assert did(git.gw) == [PUSHED]
    git.gw.run(f"rm {LOG}/audit.1")
    done = git.gw.run([POSTERN, "audit"], check=False)
    assert done.returncode == 1 and "there is none yet" in done.stderr


def test_a_session_that_goes_on_is_shown_without_an_end(git):
    git.seed("t/a")
    git.hold()
    client = git.start("bob", "git ls-remote git@gw:t/a")
    git.held()
    for host in (git.gw, git.gl):
        assert did(host)[-1] == (*READ[:3], "begin")
        assert audit(host)[-1].split(": ")[1].startswith("begun, no end (")
        assert (*READ[:3], "begin") not in did(host, "--failed")
    git.go()
    client.communicate(timeout=60)
    git.wait_audit("gw", lambda x: x["id"] == "bob" and x["event"] == "end")
    assert did(git.gw) == [PUSHED, READ]


def journal_only(git, more=""):
    git.gw.write(CONF, f"[gateway]\nserver = git@gl\nmux = 0\n{more}")


def test_the_journal_is_read_where_there_is_no_file(git):
    git.seed("t/a")
    journal_only(git)
    begin = str(int(time.time()))
    # Who is not the git user of this host is not believed.
    git.gw.run("logger -t postern-git -- 'end sid=x id=eve ip=- fp=- "
               "verb=info repo=- ms=1 exit=0'")
    git.run("bob", "git ls-remote git@gw:t/a")
    git.ssh("bob", "sh")
    git.gw.run("journalctl --sync")
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(begin)))
    assert did(git.gw, "--since", since, "--id", "bob") == [READ, REFUSED]
    assert did(git.gw, "--since", since, "--failed") == [REFUSED]
    first = objects(git.gw, "--since", since, "--id", "bob")[0]
    assert first["time"] >= since and first["ip"] == git.client.ip
    assert "eve" not in "".join(audit(git.gw))


def test_where_it_can_not_be_read_it_is_said_how_to_ask(git):
    journal_only(git)
    done = git.gw.run(["env", "PATH=/nowhere", POSTERN, "audit"], check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "journalctl" in done.stderr and "authpriv" in done.stderr
    journal_only(git, "audit-syslog = no\n")
    done = git.gw.run([POSTERN, "audit"], check=False)
    assert done.returncode == 1 and "nothing is written" in done.stderr
    # Whose lines there are to be believed the owner of this folder says.
    git.gl.run(f"rm -rf {STATE}")
    git.gl.write(CONF, "[server]\n")
    done = git.gl.run([POSTERN, "audit"], check=False)
    assert done.returncode == 1
    assert "ask with journalctl -t postern-git" in done.stderr


EVIL = [b"\x1b[2J\x1b]0;x\x07", b"begin sid=t id=\x1b[31m ip=\x9b verb=\x07",
        b'end sid=s id=a ip=- fp=- verb=v repo="\\u001b[2J" ms=1 exit=0',
        '{"event":"refused","sid":"s","id":"\u202ebob","why":"\u2028"}'
        .encode(), b"\xff\xfe\x80", b"end sid=" + b"x" * 70000, b"\x00\x00",
        b"2026-11-22T09:00:00Z end sid=s id=\rroot ip=\x0b exit=0"]


def test_hostile_lines_reach_no_terminal(used):
    with open(used.gw.path(f"{LOG}/audit"), "ab") as f:
        f.write(b"\n".join(EVIL) + b"\n")
    said = audit(used.gw, status=2)
    assert len(said) == 5 + 4
    assert "\\x1b[2J" in "".join(said) and "\\x0d" in "".join(said)
    for c in "\u202e\u2028\x1b\x9b\x07":
        assert c not in "".join(said)
    done = used.gw.run([POSTERN, "audit", "--json"], check=False)
    assert done.returncode == 2
    assert "4 lines that are none of an audit" in done.stderr
    assert [json.loads(x)["id"] for x in done.stdout.splitlines()][5:] == [
        "a", "\u202ebob", "\rroot", "\x1b[31m"]


def test_only_a_regular_file_is_read(git):
    """The folder is the git user's, who asks root is not led elsewhere."""
    for make in (f"mkfifo {LOG}/audit", f"ln -s /etc/shadow {LOG}/audit",
                 f"mkdir {LOG}/audit"):
        git.gw.run(f"rm -rf {LOG}/audit; {make}")
        done = git.gw.run([POSTERN, "audit"], check=False, timeout=30)
        assert done.returncode == 1 and done.stdout == "", make
        assert f"{LOG}/audit" in done.stderr
    git.gw.run(f"rm -rf {LOG}/audit")
