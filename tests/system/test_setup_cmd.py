# SPDX-License-Identifier: ISC
"""--setup: FIFOs, folders, and a key that may run the holder alone."""

import pytest

from fleet import KEY, fleet
from windowlib import (end, folders, gone, line, reader, window)

__all__ = ["fleet"]

HOLDER = "/etc/postern/holder.sh"
FILES = {"backup": "#!/bin/sh\necho backup\n"}


@pytest.fixture
def two(fleet):
    fleet.setup(2)
    fleet.tls()
    fleet.daemon()
    return fleet


def run_setup(fleet, *args, **kwargs):
    return fleet.unlock("-C", "priv", "--setup", *args, "privileged",
                        **kwargs)


def steps(done, host):
    return [e["text"] for e in done.of("step", host)]


def test_setup_makes_what_is_missing_and_says_each_step(two):
    two.each(f"rm {KEY}; rmdir /srv/priv")
    # First as a rehearsal.
    done = run_setup(two, "--dry-run", "--json")
    for h in two.all:
        assert [s.split()[0] for s in steps(done, h.name)] == ["would"] * 2
        assert not h.exists(KEY) and not h.exists("/srv/priv")
    done = run_setup(two, "--json")
    for h in two.all:
        said = steps(done, h.name)
        assert [s.split()[0] for s in said] == ["done"] * 2
        assert KEY in said[0] and "/srv/priv" in said[1]
        assert h.run(["stat", "-c", "%F %a %u:%g", KEY]).stdout == \
            "fifo 600 0:0\n"
        assert h.run(["stat", "-c", "%F %a %u", "/srv/priv"]).stdout == \
            "directory 755 0\n"
    before = two.leftovers()
    done = run_setup(two, "--json")
    for h in two.all:
        assert [s.split()[0] for s in steps(done, h.name)] == ["kept"] * 2
    before.settle()
    # What it made is what a push accepts.
    two.scripts(FILES)
    two.push("--fifo", "--accept-risk")
    two.assert_same()


def test_setup_refuses_a_regular_file(two):
    one = two.members[0]
    one.run(f"rm {KEY}; echo my.own.key >{KEY}")
    done = run_setup(two, "--json", expect=2)
    assert "regular file" in done.last("h1")["detail"]
    assert one.read(KEY) == "my.own.key\n"
    assert done.last("h2")["state"] == "set up"


class Restricted:
    """admin with a key that the others know as --setup has printed it."""

    def __init__(self, fleet):
        self.fleet = fleet
        admin = fleet.admin
        admin.run("mkdir -p /etc/postern; rm -f /tmp/holder*; ssh-keygen -q "
                  "-t ed25519 -N '' -C holder -f /tmp/holder")
        done = run_setup(fleet, "--holder-key", "/tmp/holder.pub")
        self.lines = [text for text in done.out.splitlines()
                      if text.startswith("restrict,")]
        assert len(self.lines) == 1, str(done)
        self.before = [h.read("/root/.ssh/authorized_keys")
                       for h in fleet.members]
        for h in fleet.members:
            h.write("/root/.ssh/authorized_keys", self.lines[0] + "\n")
        admin.write("/tmp/holder.conf", admin.read("/root/.ssh/config")
                    .replace("/root/.ssh/id_ed25519", "/tmp/holder"))
        self.options = ("-F", "/tmp/holder.conf")

    def undo(self):
        for h, text in zip(self.fleet.members, self.before):
            h.write("/root/.ssh/authorized_keys", text)


@pytest.fixture
def restricted(two):
    made = Restricted(two)
    yield made
    made.undo()


def ssh(fleet, *argv, timeout=20, **kwargs):
    return fleet.admin.run(["timeout", "8", *argv], check=False,
                           timeout=timeout, **kwargs)


def test_a_key_for_the_holder_opens_windows(two, restricted):
    assert f'command="sh {HOLDER} {KEY}"' in restricted.lines[0]
    for h in two.all:
        assert h.run(["stat", "-c", "%a %u", HOLDER]).stdout == "755 0\n"
    # Again: nothing to do.
    restricted.undo()
    done = run_setup(two, "--json", "--holder-key", "/tmp/holder.pub")
    assert f"kept {HOLDER}" in steps(done, "h1")
    assert [e["text"] for e in done.of("authorized-key")] == \
        restricted.lines
    for h in two.members:
        h.write("/root/.ssh/authorized_keys", restricted.lines[0] + "\n")
    two.scripts(FILES)
    two.push("--fifo", "--accept-risk", *restricted.options)
    two.assert_same()
    run = window(two, "--for", "3s", *restricted.options)
    p = reader(two.members[0])
    assert line(p)
    end(p)
    assert run.end().rc == 0
    gone(*two.all)


def test_a_key_for_the_holder_does_nothing_else(two, restricted):
    conf = restricted.options
    waiting = [reader(h) for h in two.members]
    done = ssh(two, "ssh", *conf, "h1", "id", stdin=-3)
    assert "uid=" not in done.stdout
    # A script in its place, as the client would send one.
    done = ssh(two, "ssh", *conf, "h1", "sh",
               input="touch /tmp/evil\n#END\ntouch /tmp/evil\n")
    assert not two.members[0].exists("/tmp/evil")
    two.admin.write("/tmp/upload", "x")
    done = ssh(two, "sh", "-c", "echo put /tmp/upload /tmp/evil | "
               f"sftp {' '.join(conf)} h1")
    assert done.returncode != 0
    assert not two.members[0].exists("/tmp/evil")
    done = ssh(two, "ssh", *conf, "-tt", "h1", "tty", input="")
    assert "PTY allocation request failed" in done.stderr
    done = ssh(two, "ssh", *conf, "-N", "-o", "ExitOnForwardFailure=yes",
               "-R", "7777:127.0.0.1:22", "h1")
    assert done.returncode == 255 and "forwarding failed" in done.stderr
    done = ssh(two, "ssh", *conf, "-W", "127.0.0.1:22", "h1", input="")
    assert "SSH-2.0" not in done.stdout
    # A holder has opened the FIFO, and fed nobody.
    for p in waiting:
        p.kill()
        assert p.communicate()[0] == ""
    gone(*two.all)
    # The pipe push needs more than that: it says so, and pushes nothing.
    two.scripts(FILES)
    done = two.push(*conf, "--connect-timeout", "4s", expect=(1, 75),
                    timeout=40)
    assert "h1" in done.out
    assert two.tree(1) == {}
    gone(*two.all)
    assert not folders(two.members[0])


def test_a_holder_key_that_is_none(two):
    two.admin.write("/tmp/private", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
    done = run_setup(two, "--holder-key", "/tmp/private", expect=1)
    assert "/tmp/private" in done.err
    assert "BEGIN" not in done.out + done.err
