# SPDX-License-Identifier: ISC
"""What the tests of remote/*.sh stand on.

A Box is a host in miniature: mount and process namespaces of its own, a tmpfs
on /run, another on /mnt. A network of its own only if asked for: the bridges
are the test's, on free ports of the loopback. A Script is one of remote/*.sh running there the way
that postern starts it: a bootstrap as the shell's argument, the rest on stdin.
"""
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "remote"))
import embed  # noqa: E402

SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
PARTS = {
    "receive": ["common", "receive"],
    "push": ["common", "jobs", "push"],
    "push-fifo": ["common", "jobs", "push-fifo"],
    "holder": ["common", "holder"],
}
BOOTSTRAP = ("s=; while IFS= read -r l && [ \"$l\" != '#END' ]; do s=\"$s$l\n"
             "\"; done; eval \"$s\"")
KEY = "K3y.that_must_appear.nowhere_%d.abcdefgh"
DEADLINE = 20


def key(n=0):
    return KEY % n


def wait_for(what, seconds=DEADLINE, every=0.02):
    """The first true value of what(); fails after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, "waited in vain for %s" % what
        time.sleep(every)


def script_text(name, files=None):
    paths = [TREE / "remote" / (p + ".sh") for p in files or PARTS[name]]
    return "".join(line + "\n" for line in embed.compose(paths))


class Box:
    INIT = ("import os,signal,sys\n"
            "print('up', flush=True)\n"
            "signal.signal(signal.SIGCHLD, lambda *a: None)\n"
            "while True:\n"
            "    try:\n"
            "        os.wait()\n"
            "    except ChildProcessError:\n"
            "        signal.pause()\n")

    def __init__(self, shell="dash", net=False):
        self.net = ["-n"] if net else []
        real = SHELLS[shell][0]
        setup = ("mount -t tmpfs -o mode=755 run /run && "
                 "mount -t tmpfs -o mode=755 mnt /mnt && "
                 "mkdir /mnt/bin && ln -s $(command -v " + real +
                 ") /mnt/bin/sh && "
                 + ("ip link set lo up && " if net else "") +
                 "exec /usr/bin/python3 -c " + shlex.quote(self.INIT))
        self.proc = subprocess.Popen(
            ["unshare", "-m", "-p", *self.net, "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", setup], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE)
        assert self.proc.stdout.readline() == b"up\n"
        kids = pathlib.Path("/proc/%d/task/%d/children"
                            % (self.proc.pid, self.proc.pid))
        self.init = int(kids.read_text().split()[0])
        self.ns = os.readlink("/proc/%d/ns/pid" % self.init)
        self.root = pathlib.Path("/proc/%d/root" % self.init)
        self.mnt = self.root / "mnt"
        self.mine = []

    def argv(self, *command, env=()):
        return ["nsenter", "-t", str(self.init), "-m", "-p", "-r",
                *self.net, "--",
                "env", "-i", "PATH=/mnt/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                *env, *command]

    def run(self, *command, env=(), **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(self.argv(*command, env=env), text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              timeout=DEADLINE, **kw)

    def sh(self, text, **kw):
        r = self.run("sh", "-c", text, **kw)
        assert r.returncode == 0, r.stdout
        return r.stdout

    def start(self, *command, env=(), **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.Popen(self.argv(*command, env=env), **kw)
        self.mine.append(p)
        return p

    def pids(self):
        """All processes in here but the first: {pid outside: command}."""
        found = {}
        for p in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if (os.readlink(p / "ns/pid") != self.ns
                        or int(p.name) == self.init):
                    continue
                if p.joinpath("stat").read_text().rpartition(
                        ") ")[2][0] in "ZX":
                    continue
                cmd = p.joinpath("cmdline").read_bytes()
            except (OSError, IndexError):
                continue
            found[int(p.name)] = cmd.replace(b"\0", b" ").decode(
                errors="replace")
        return found

    def left(self):
        """What a script may not leave: processes, folders."""
        return sorted(self.pids().values()) + [
            str(p) for p in (self.root / "run").glob("postern.*")]

    def nothing_left(self, seconds=5, but=()):
        """Within 5 s, as promised; `but`: commands that were there before."""
        end = time.monotonic() + seconds
        while True:
            left = [x for x in self.left() if x not in but]
            if not left:
                return
            assert time.monotonic() < end, left
            time.sleep(0.05)

    def secrets(self, needle, memory_of=()):
        """Where needle can be seen: cmdline, environ, files below /run and
        /mnt, mounts of each process included."""
        needle = needle.encode()
        seen = []
        for pid, cmd in self.pids().items():
            for what in ("cmdline", "environ"):
                try:
                    data = pathlib.Path("/proc/%d/%s" % (pid, what)
                                        ).read_bytes()
                except OSError:
                    continue
                if needle in data:
                    seen.append("%s of %s" % (what, cmd))
        for top in (self.root / "run", self.mnt):
            for where, _, names in os.walk(top):
                for name in names:
                    path = pathlib.Path(where) / name
                    try:
                        if path.is_file() and not path.is_symlink() and \
                                needle in path.read_bytes():
                            seen.append(str(path))
                    except OSError:
                        continue
        return seen

    def close(self):
        self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()
        for p in self.mine:
            if p.poll() is None:
                p.kill()
            p.wait()


class Script:
    """A script running in a box. Events are lists of words."""

    def __init__(self, box, name, variables=None, raw=False, beat=False,
                 files=None, forced=None, env=()):
        self.events = []
        self.noise = []
        self.news = threading.Condition()
        self.lock = threading.Lock()
        self.threads = []
        command = forced or ["sh", "-c", BOOTSTRAP]
        self.p = box.start(*command, env=env, stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        text = "".join("%s=%s\n" % (k, shlex.quote(str(v)))
                       for k, v in (variables or {}).items())
        self.send(text + script_text(name, files) + "#END\n")
        self.box = box
        self.raw = raw
        if not raw:
            self._thread(self._read, self.p.stdout)
        self._thread(self._read, self.p.stderr)
        self.beating = beat
        if beat:
            self._thread(self._beat)

    def _thread(self, target, *args):
        t = threading.Thread(target=target, args=args, daemon=True)
        t.start()
        self.threads.append(t)

    def _beat(self):
        while self.beating:
            try:
                self.send("beat\n")
            except (OSError, ValueError):
                return
            time.sleep(0.5)

    def _line(self, line):
        line = line.decode(errors="replace").rstrip("\n")
        with self.news:
            if line.startswith("postern "):
                self.events.append(line.split(" ")[1:])
            else:
                self.noise.append(line)
            self.news.notify_all()

    def _read(self, stream):
        for line in stream:
            self._line(line)

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        with self.lock:
            self.p.stdin.write(data)
            self.p.stdin.flush()

    def read_ready(self):
        """raw: the line before csync2's protocol, byte by byte."""
        line = b""
        while not line.endswith(b"\n"):
            c = os.read(self.p.stdout.fileno(), 1)
            if not c:
                break
            line += c
        self._line(line)
        return line

    def wait(self, *words, seconds=DEADLINE):
        """The first event that begins with these words."""
        words = [str(w) for w in words]

        def find():
            for e in self.events:
                if e[:len(words)] == words:
                    return e
            return None
        end = time.monotonic() + seconds
        with self.news:
            while find() is None:
                left = end - time.monotonic()
                assert left > 0, (words, self.events, self.noise)
                self.news.wait(left)
            return find()

    def all(self, *words):
        words = [str(w) for w in words]
        with self.news:
            return [e for e in self.events if e[:len(words)] == words]

    def eof(self):
        """The client closes stdin."""
        self.beating = False
        with self.lock:
            self.p.stdin.close()

    def silence(self):
        self.beating = False

    def vanish(self):
        """The client is gone, with all its pipes."""
        self.beating = False
        for fd in (self.p.stdin, self.p.stdout, self.p.stderr):
            if fd.closed:
                continue
            # A reader may be blocked on it: replace what it is open on.
            null = os.open("/dev/null", os.O_RDWR)
            os.dup2(null, fd.fileno())
            os.close(null)

    def ours(self):
        """{pid: command} of this script's own processes."""
        found = {}
        for pid, cmd in self.box.pids().items():
            try:
                mark = os.readlink("/proc/%d/fd/9" % pid)
            except OSError:
                continue
            if mark.startswith("/run/postern."):
                found[pid] = cmd
        return found

    def exit(self, seconds=DEADLINE):
        return self.p.wait(seconds)


class Bridge:
    """What postern does between the pusher's csync2 and a receiver: accept
    on a free port, pass on to peer.stdin, and back."""

    def __init__(self, script=None):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(8)
        self.port = self.sock.getsockname()[1]
        self.script = script
        if script:
            t = threading.Thread(target=self._serve, daemon=True)
            t.start()

    def _serve(self):
        conn, _ = self.sock.accept()
        # csync2 writes its answers in pieces: 40 ms each otherwise.
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        up = threading.Thread(target=self._up, args=(conn,), daemon=True)
        up.start()
        while True:
            data = os.read(self.script.p.stdout.fileno(), 65536)
            if not data:
                break
            try:
                conn.sendall(data)
            except OSError:
                break
        try:
            conn.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        conn.close()

    def _up(self, conn):
        try:
            while True:
                data = conn.recv(65536)
                if not data:
                    break
                self.script.send(data)
            self.script.eof()
        except (OSError, ValueError):
            pass

    def close(self):
        self.sock.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pipe_conf(src, dst, body="", nkeys=1):
    """The configuration of a pipe push, as cfg_emit_pipe() writes it."""
    groups = ""
    for i in range(nkeys):
        inc = "%x%" if i == 0 else "%%x%%/../nothing%d" % i
        groups += ("group g%d {\nhost 127.0.0.1;\n"
                   "host (receiver@127.0.0.1);\nkey k%d;\n"
                   "include %s;\n%s}\n" % (i, i, inc, body if not i else ""))
    return ("nossl * *;\n" + groups +
            "prefix x {\non 127.0.0.1: %s;\non receiver: %s;\n}\n#END\n"
            % (src, dst))


def start_receiver(box, dst, src="/mnt/src", body="", keys=None,
                   deadline_s=60, logs=(), **kw):
    keys = keys or [key()]
    variables = {"deadline_s": deadline_s, "nkeys": len(keys),
                 "nlogs": len(logs)}
    variables.update({"log%d" % i: x for i, x in enumerate(logs)})
    r = Script(box, "receive", variables, raw=True, **kw)
    r.send(pipe_conf(src, dst, body, len(keys)))
    r.send("".join(k + "\n" for k in keys))
    assert r.read_ready() == b"postern ready\n", (r.events, r.noise)
    return r


def start_pusher(box, src="/mnt/src", dst="/mnt/dst", body="", base="-",
                 nkeys=1, scan=True, **kw):
    p = Script(box, "push", beat=True, **kw)
    p.wait("ready")
    p.send("conf 1 %d\n" % nkeys + pipe_conf(src, dst, body, nkeys))
    p.send("scan 1 %s\n" % base)
    if scan:
        p.wait("scanned", 1)
    return p


def tree(path):
    """{relative name: content or kind} of what is below path."""
    found = {}
    for where, dirs, names in os.walk(path):
        for n in dirs + names:
            p = pathlib.Path(where) / n
            rel = str(p.relative_to(path))
            if p.is_symlink():
                found[rel] = "-> " + os.readlink(p)
            elif p.is_dir():
                found[rel] = "/"
            else:
                found[rel] = p.read_text()
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
