# SPDX-License-Identifier: ISC
"""Where a key is while a window is open, and afterwards: read from /proc, the
file systems and the journals of all hosts."""

import os
import re
import signal
import subprocess

import pytest

from fleet import BUILD, KEY, POSTERN, fleet  # noqa: F401
from lab import faults, proc

SECRET = "S3cret.of_a_known_window.0123456789abcdefXYZ"
# Who may hold the key, on the pushing host and on one that gets it.
HOLDERS = {
    "admin": {"postern-unlock", "ssh", "sh", "csync2"},
    # cat: what hands csync2 its protocol, in which the key stands.
    "member": {"sh", "sshd", "csync2", "cat"},
}
SESSION = r"^csync2 -N receiver|^/usr/sbin/csync2 -i"
WAYS = {
    "pipe": (),
    "fifo": ("--fifo", "--accept-risk"),
    "shared": ("--shared", "--accept-risk"),
    "hold": ("--hold", "--accept-risk"),
}


def below(root):
    """A process and all that it has started, by its pid."""
    found, new = set(), {root}
    while new:
        found |= new
        new = {c for p in new for c in proc.children(p)} - found
    return found


def marked(host):
    """The processes that carry a running script's descriptor 9, and the sshd
    processes above them."""
    found = set()
    for pid in host.pids():
        for link, target, _ in proc.fds(pid):
            if link.endswith("/9") and re.match(
                    r"/run/postern\.[^/]*/mark", target):
                found.add(pid)
    for pid in list(found):
        while True:
            stat = proc.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            pid = int(stat[1]) if stat else 0
            if proc.comm(pid) not in ("sh", "sshd") or pid in found:
                break
            # Not the listener, which serves everybody.
            if proc.cmdline(pid).startswith(("sshd: /", "/usr/sbin/sshd")):
                break
            found.add(pid)
    return found


class Window:
    """A window of each way, open until close(): csync2 of a receiver is
    stopped in its session, or the window is held."""

    def __init__(self, fleet, way, key=None):
        self.fleet, self.way = fleet, way
        source = key or ["--key", "fd:0"]
        kwargs = {} if key else {"stdin": subprocess.PIPE}
        for h in fleet.members if way != "hold" else ():
            h.link.slow(rtt_ms=60)
        self.running = fleet.start_push(*source, *WAYS[way],
                                        "--host-timeout", "100s", **kwargs)
        self.stopped = []
        if not key:
            self.running.popen.stdin.write(SECRET + "\n")
            self.running.popen.stdin.flush()
            self.running.popen.stdin.close()
            self.running.popen.stdin = None
        if way == "hold":
            for h in fleet.all:
                self.running.wait_state("ready")
        else:
            proc.wait_for(self._middle, 20, "middle of the push")
        for h in fleet.members:
            h.link.restore()

    def _middle(self):
        for h in self.fleet.members:
            if h.exists("/srv/priv/s0"):
                self.stopped = self.fleet.pids(h, SESSION)
                for pid in self.stopped:
                    os.kill(pid, signal.SIGSTOP)
                return self.stopped
        return False

    def close(self):
        for pid in self.stopped:
            os.kill(pid, signal.SIGCONT)
        if self.way == "hold":
            self.running.kill(signal.SIGINT)
        return self.running.end(30)


@pytest.fixture
def group(fleet):
    fleet.setup(2)
    fleet.config("nossl * *;\n" + fleet.group())
    fleet.ordinary()
    for h in fleet.all:
        h.write("/etc/csync2.cfg", "nossl * *;\n" + h.read("/etc/csync2.cfg"))
    fleet.scripts({f"s{i}": f"#!/bin/sh\necho {i}\n" for i in range(4)})
    fleet.daemon()
    yield fleet
    fleet.each("systemctl stop csync2.socket 'csync2@*.service'")


def allowed(fleet, postern):
    """What may have it in memory: what this window has started."""
    mine = below(postern)

    def may(hit):
        if hit.host == "admin" and hit.pid in mine:
            return hit.comm in HOLDERS["admin"]
        return hit.pid in window and hit.comm in HOLDERS["member"]

    window = set().union(*(marked(h) for h in fleet.all))
    for h in fleet.all:
        # The receiver's; in the FIFO ways, the always-on daemon's sessions.
        window |= set(fleet.pids(h, SESSION))
    return may


@pytest.mark.parametrize("way", WAYS)
def test_the_key_is_in_the_memory_of_this_window_and_nowhere_else(
        group, secret_search, way):
    fleet = group
    before = fleet.leftovers(ignore=(r"/srv/priv(/|$)",
                                     r"/var/lib/csync2(/|$)"))
    window = Window(fleet, way)
    key = SECRET.encode()
    try:
        everywhere = secret_search(fleet.all, key)
        # The control: it is found where it has to be.
        assert {"postern-unlock"} <= {h.comm for h in everywhere}
        assert {"h1", "h2"} & {h.host for h in everywhere}
        hits = secret_search(fleet.all, key,
                             allow_mem=allowed(fleet, window.running.pid))
        # The pusher's own key in the FIFO way is on a ramfs of its own.
        hits = [h for h in hits if not (
            way in ("fifo", "shared") and h.host == "admin"
            and h.place == "file"
            and re.match(r"/run/postern\.[^/]*/j\d+/ram/k0$|" + KEY,
                         h.detail))]
        assert not hits, "\n".join(map(str, hits))
    finally:
        done = window.close()
    assert done.rc == 0, str(done)
    left = []

    def nowhere():
        left[:] = secret_search(fleet.all, key)
        return not left

    try:
        proc.wait_for(nowhere, 5, "end of the key")
    except proc.Deadline:
        raise AssertionError("\n".join(map(str, left))) from None
    before.settle()


def test_a_random_key_is_nowhere_else_either(group, secret_search):
    fleet = group
    window = Window(fleet, "hold", key=["--key", "random"])
    key = fleet.host(1).run(["head", "-n", "1", KEY]).stdout.strip().encode()
    try:
        assert len(key) >= 32
        assert secret_search([fleet.admin], key)
        hits = secret_search(fleet.all, key,
                             allow_mem=allowed(fleet, window.running.pid))
        assert not hits, "\n".join(map(str, hits))
    finally:
        window.close()
    proc.wait_for(lambda: not secret_search(fleet.all, key), 5,
                  "end of the key")


def test_a_crash_writes_no_core_and_no_key(group, secret_search):
    fleet = group
    before = fleet.leftovers(ignore=(r"/root/cores",))
    fleet.admin.run("mkdir /root/cores")
    try:
        crash = fleet.admin.popen(
            "cd /root/cores; ulimit -c unlimited; echo %s | exec %s unlock "
            "-C priv --hold --accept-risk --json --key fd:0 privileged"
            % (SECRET, POSTERN), text=True, stdout=subprocess.PIPE)
        for line in crash.stdout:
            if '"ready"' in line:
                break
        pid = [p for p in fleet.pids("admin", "--hold")
               if proc.comm(p) == "postern-unlock"][0]
        for p in below(pid):
            limits = proc.read(f"/proc/{p}/limits").decode()
            # "": it has ended meanwhile.
            assert not limits or re.search(
                r"Max core file size +[01] +[01] ", limits), \
                proc.cmdline(p)
        os.kill(pid, signal.SIGSEGV)
        crash.communicate(timeout=20)
        # A sanitizer takes the signal, reports it and exits with 1.
        assert crash.returncode in (-signal.SIGSEGV, 128 + signal.SIGSEGV,
                                    *((1,) if "sanitize" in BUILD.name else
                                      ()))
        assert fleet.admin.run(["ls", "/root/cores"]).stdout == ""
        proc.wait_for(lambda: not secret_search(fleet.all, SECRET.encode()),
                      5, "end of the key")
    finally:
        fleet.admin.run("rm -r /root/cores")
    before.settle()


def test_a_key_file_is_written_to_pipes_only(group):
    fleet = group
    fleet.admin.write("/root/key", SECRET + "\n", 0o600)
    trace = "/root/trace"
    try:
        fleet.admin.run([
            "strace", *faults.NO_LEAKS, "-f", "-qq", "-yy", "-s", "70000", "-o", trace, "-e",
            "trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,"
            "sendmmsg,vmsplice,splice,tee,execve,symlink,link,rename",
            POSTERN, "unlock", "-C", "priv", "--key", "file:/root/key",
            "privileged"])
        said = [line for line in fleet.admin.read(trace).splitlines()
                if SECRET in line]
    finally:
        fleet.admin.run(f"rm -f /root/key {trace}")
    allowed_to = re.compile(
        r"\d+ +(write|sendto)\(\d+<(pipe:\[\d+\]|TCP:\[127\.0\.0\.1:[^>]*"
        r"->127\.0\.0\.1:\d+\]|/run/postern\.[^/]*/j\d+/k0)>, ")
    assert len(said) > 2
    assert [line for line in said if not allowed_to.match(line)] == []
    fleet.assert_same()
