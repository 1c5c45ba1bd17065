# SPDX-License-Identifier: ISC
"""What the benchmarks measure on: namespaces, stub hosts, sshd, csync2."""
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

WORK = Path("/run/bench")       # on a tmpfs of our own
PUSHER = "127.0.2.1"
SSH_PORT = 2222
CSYNC2_PORT = 30865
FIFO = WORK / "fifo"
INSIDE = "BENCH_INSIDE"
DEADLINE_S = 20


def enter(script, args):
    """Go on in namespaces of our own; all in them ends with us."""
    if INSIDE in os.environ:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"{Path(script).name}: needs root, for namespaces "
                         "and servers")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork",
                          "--kill-child", "--mount-proc", sys.executable,
                          script, *args])


def prepare():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=90%,"
                    "nr_inodes=0", "tmpfs", "/run"], check=True)
    os.umask(0o022)
    WORK.mkdir(mode=0o755)
    Path("/run/sshd").mkdir(mode=0o755)
    (WORK / "key").write_text("k" * 43 + "\n")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for want in (100000, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE,
                               (max(want, hard), max(want, hard)))
            break
        except (ValueError, PermissionError):
            continue


def stub(bin_dir):
    ssh = WORK / "stub" / "ssh"
    if not ssh.exists():
        ssh.parent.mkdir()
        ssh.symlink_to(bin_dir / "stubssh")
    return ssh


def host_list(n):
    path = WORK / f"hosts{n}"
    path.write_text("".join(f"h{i}\n" for i in range(1, n + 1)))
    return path


def stub_conf(n):
    """n hosts in one statement: csync2's parser takes few statements."""
    d = WORK / f"conf{n}"
    d.mkdir(exist_ok=True)
    names = "\n".join(f"h{i}" for i in range(1, n + 1))
    (d / "csync2.cfg").write_text(
        f"group g {{ key {WORK}/fifo; include /srv/bench; host (\n{names}\n);"
        " }\n")
    return d


def fifo_conf(n):
    """One group; the FIFO at its key's path is another one on each host: see
    Sshd."""
    d = WORK / "fifoconf"
    d.mkdir()
    names = "\n".join(f"127.0.1.{i}" for i in range(1, n + 1))
    (d / "csync2.cfg").write_text(
        f"group g {{ key {FIFO}; include /srv/bench; host (\n{names}\n); "
        "}\n")
    return d


def cpu_of(pid):
    """Of a process and of those that it waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    ticks = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def all_cpu(servers):
    """What all our children have used; as pid 1 we inherit every orphan."""
    known = {p.pid for p in servers or ()}
    if os.getpid() == 1:
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG |
                                 os.WNOWAIT)
            except ChildProcessError:
                break
            if info is None or info.si_pid in known:
                break
            os.waitpid(info.si_pid, 0)
    ru = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ru.ru_utime + ru.ru_stime + sum(cpu_of(p) for p in known)


def _await_port(host, port):
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"bench: nothing listens on {host}:{port}")
            time.sleep(0.02)


class Servers:
    """Processes that end with the with statement."""

    def __init__(self):
        self.procs = []

    def start(self, argv, **more):
        self.procs.append(subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in self.procs:
            p.kill()
        for p in self.procs:
            p.wait()


class Sshd(Servers):
    """n sshd, one an address: 127.0.1.1 and up, each with a FIFO of its own
    at FIFO. What root's own shell reads at the start (~/.bashrc) is none of
    the measured: another home."""

    def __init__(self, n, more=""):
        """more: lines that go first in sshd_config, so before ours."""
        super().__init__()
        d = WORK / "ssh"
        shutil.rmtree(d, ignore_errors=True)
        d.mkdir(mode=0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", d / name], check=True)
        public = (d / "host.pub").read_text().split()
        (d / "known").write_text(
            f"[127.0.1.*]:{SSH_PORT} {public[0]} {public[1]}\n")
        (d / "sshd_config").write_text(f"""{more}Port {SSH_PORT}
HostKey {d}/host
AuthorizedKeysFile {d}/user.pub
AllowUsers root
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PasswordAuthentication no
PidFile none
MaxStartups 1000
UseDNS no
SetEnv HOME={d}
LogLevel QUIET
""")
        self.conf = d / "ssh_config"
        self.conf.write_text(f"""Host 127.0.1.*
	Port {SSH_PORT}
	User root
	IdentityFile {d}/user
	IdentitiesOnly yes
	IdentityAgent none
	UserKnownHostsFile {d}/known
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
	LogLevel ERROR
""")
        self.hosts = d / "hosts"
        self.hosts.write_text("".join(f"127.0.1.{i}\n"
                                      for i in range(1, n + 1)))
        FIFO.touch()
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
        for i in range(1, n + 1):
            os.mkfifo(d / f"fifo{i}", 0o600)
            self.start(["unshare", "--mount", "sh", "-c",
                        'mount --bind "$0" "$1" && shift && exec "$@"',
                        d / f"fifo{i}", FIFO, sshd, "-D",
                        "-f", d / "sshd_config",
                        "-o", f"ListenAddress=127.0.1.{i}"])
        for i in range(1, n + 1):
            _await_port(f"127.0.1.{i}", SSH_PORT)


class Csync2(Servers):
    """A pusher and n receivers with a tree each; for the bare loop a daemon
    with TLS each. csync2.cfg is the same for both contestants."""

    def __init__(self, n, files):
        super().__init__()
        self.n, d = n, WORK / "push"
        self.d, self.sysdir, self.src = d, d / "etc", d / "src"
        self.state = d / "state"
        self.env = {"CSYNC2_SYSTEM_DIR": str(self.sysdir)}
        self.sysdir.mkdir(parents=True)
        receivers = [f"127.0.1.{i}" for i in range(1, n + 1)]
        (self.sysdir / "key").write_text("s" * 64 + "\n")
        (self.sysdir / "key").chmod(0o600)
        on = "".join(f"on {r}: {d}/r/{r}; " for r in receivers)
        (self.sysdir / "csync2.cfg").write_text(
            f"group g {{ key {self.sysdir}/key; include %root%; "
            f"host {PUSHER} ({' '.join(receivers)}); }}\n"
            f"prefix root {{ on {PUSHER}: {self.src}; {on}}}\n")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=csync2", "-keyout", self.sysdir / "csync2_ssl_key.pem",
             "-out", self.sysdir / "csync2_ssl_cert.pem"],
            check=True, stderr=subprocess.DEVNULL)
        for i in range(files):
            f = self.src / f"{i % 100:02d}" / f"file{i}"
            f.parent.mkdir(parents=True, exist_ok=True)
            f.write_text(f"#!/bin/sh\n# script {i}\n" + "echo x\n" * (i % 50))
        self.loop = d / "loop.sh"
        self.loop.write_text(
            "set -e\ncsync2 -N {p} -D {d}/db -c -r /\n"
            "for i in $(seq {n}); do\n"
            "\tcsync2 -N {p} -D {d}/db -P 127.0.1.$i -u\ndone\n".format(
                p=PUSHER, d=d, n=n))
        self.reset()
        self.csync2 = shutil.which("csync2", path="/usr/sbin:/usr/bin")
        for r in receivers:
            self.start([self.csync2, "-ii", "-N", r, "-D", d / "dbs" / r],
                       env={**os.environ, **self.env})
        for r in receivers:
            _await_port(r, CSYNC2_PORT)

    def reset(self):
        """Empty receivers that nobody knows anything of."""
        for name in ("r", "db", "state"):
            shutil.rmtree(self.d / name, ignore_errors=True)
        for i in range(1, self.n + 1):
            db = self.d / "dbs" / f"127.0.1.{i}"
            shutil.rmtree(db, ignore_errors=True)
            db.mkdir(parents=True)
            (self.d / "r" / f"127.0.1.{i}").mkdir(parents=True)
        (self.d / "db").mkdir()
        self.state.mkdir(mode=0o700)

    def compare(self, who):
        for i in range(1, self.n + 1):
            if subprocess.run(["diff", "-rq", self.src,
                               self.d / "r" / f"127.0.1.{i}"],
                              check=False).returncode != 0:
                raise SystemExit(f"{who}: 127.0.1.{i} is not like the pusher")
