# SPDX-License-Identifier: ISC
"""What docs/backup.md and the manual pages of backups tell a person to type,
and two fresh machines on which it is typed.

In docs/backup.md each command stands in a block ```console below a comment
<!-- HOST USER -->, with hints behind a ";":

    exit N           the exit status is N and not 0
    answer WORD      at a terminal, which asks for it
    KEY is …         KEY stands for the public key that setup printed
    in the source    in postern's source tree

In a page's EXAMPLES each block .Bd has a comment .\\" HOST USER above it:
commands, lines of a crontab, or a backup.conf of that user.
"""

import os
import pathlib
import pty
import re
import select
import subprocess
import time
from dataclasses import dataclass, field

from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("POSTERN_BUILD", "build")
DOC = TREE / "docs/backup.md"
PAGES = [TREE / "man" / name for name in ("postern-backup.1",
                                          "backup.conf.5")]
STORE = "/srv/backup/laptop"
CRON = re.compile(r"((?:[0-9*/,-]+ ){5})(\S.*)")
BUILDS = "make && make install"
LINE_S = 240


@dataclass
class Line:
    doc: str
    number: int
    host: str
    user: str
    hint: str
    command: str
    section: str
    # What came of it.
    rc: int = -1
    out: str = ""
    seconds: float = 0
    snapshots: list = field(default_factory=list)

    def __str__(self):
        return f"{self.doc}:{self.number}"

    @property
    def expect(self):
        found = re.fullmatch(r"(?:.*; )?exit (\d+)", self.hint)
        return int(found[1]) if found else 0


def tutorial(doc=DOC):
    """The lines of a tutorial. One that stands elsewhere would be missed, and
    is an error."""
    found, place, inside, section = [], None, False, ""
    for number, text in enumerate(doc.read_text().splitlines(), 1):
        where = f"{doc.name}:{number}: {text}"
        if text.startswith("## "):
            section = text[3:]
        elif comment := re.fullmatch(r"<!-- (\w+) (\w+)(?:; (.*))? -->", text):
            place = comment.groups(default="")
        elif text.startswith("```"):
            inside = not inside
            assert not inside or (text == "```console" and place), where
            place = place if inside else None
        elif inside:
            host, user, hint = place
            assert text[:2] == ("# " if user == "root" else "$ "), where
            found.append(Line(doc.name, number, host, user, hint, text[2:],
                              section))
        else:
            assert not re.match(r"\s+[#$] |[$] ", text), where
    return found


@dataclass
class Block:
    doc: str
    number: int
    host: str
    user: str
    text: str


def blocks(path):
    """The examples of a manual page."""
    found, place, section, at = [], None, "", None
    for number, text in enumerate(path.read_text().splitlines(), 1):
        where = f"{path.name}:{number}: {text}"
        if text.startswith(".Sh "):
            section = text[4:]
        elif section != "EXAMPLES":
            continue
        elif comment := re.fullmatch(r'\.\\" (laptop|store) (\w+)', text):
            place = comment.groups()
        elif text.startswith(".Bd "):
            assert place, where
            at = number + 1
            lines = []
        elif text == ".Ed":
            found.append(Block(path.name, at, *place, "\n".join(lines)
                               + "\n"))
            place, at = None, None
        elif at:
            lines.append(text.replace(r"\e", "\\").replace(r"\&", ""))
    return found


class Machines:
    """laptop, with its user ann, and store; made and removed by a test."""

    def __init__(self, lab):
        self.lab = lab
        names = [n for n in reversed(lab.names())
                 if n != "admin" and n not in lab.hosts][:2]
        made = lab.boot(*names, binds=((TREE, "/src"),))
        self.hosts = dict(zip(("laptop", "store"), made))
        for name, host in self.hosts.items():
            host.run(["hostname", name])
            # Room as on a disk, of which nothing is taken.
            host.run("mount -t tmpfs -o size=64g,mode=755 disk /srv")
        self.laptop, self.store = made
        for host in made:
            host.write("/etc/hosts", host.read("/etc/hosts") + "".join(
                f"{h.ip} {n}\n" for n, h in self.hosts.items()))
        self.laptop.run("useradd -m -s /bin/bash ann")
        # What libpam-systemd does, which hosts of the lab do without.
        self.laptop.write("/etc/systemd/system/user@.service.d/lab.conf",
                          "[Service]\nEnvironment=XDG_RUNTIME_DIR="
                          "/run/user/%i\n")
        self.laptop.run("systemctl daemon-reload")
        self.key = None

    def close(self):
        for host in self.hosts.values():
            self.lab.remove(host)

    @staticmethod
    def install(host):
        """As `make install`, which needs no compiler here: the build is
        there, and DESTDIR leads to the host."""
        done = subprocess.run(
            ["make", "-C", TREE, "all", "install", f"BUILD={BUILD}",
             f"DESTDIR={str(host.path('/')).rstrip('/')}"], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=LINE_S)
        return done.returncode, done.stdout

    @staticmethod
    def argv(user, command, folder="~"):
        """As somebody who has logged in there types it."""
        if user == "root":
            return ["sh", "-c", f"cd {folder} && {command}"]
        return ["runuser", "-l", user, "-c", "export XDG_RUNTIME_DIR="
                f"/run/user/$(id -u); cd {folder} && {command}"]

    def do(self, line):
        """Type it; what came of it is in the line then."""
        host, command = self.hosts[line.host], line.command
        if line.hint.startswith("KEY "):
            command = command.replace("'KEY'", f"'{self.key}'")
        folder = "/src" if line.hint == "in the source" else "~"
        argv = self.argv(line.user, command, folder)
        begin = time.monotonic()
        if command == BUILDS:
            line.rc, line.out = self.install(host)
        elif line.hint.startswith("answer "):
            line.rc, line.out = at_terminal(host, argv, line.hint[7:])
        else:
            done = host.run(argv, check=False, stderr=subprocess.STDOUT,
                            timeout=LINE_S, errors="replace")
            line.rc, line.out = done.returncode, done.stdout
        line.seconds = time.monotonic() - begin
        if "reload ssh" in command:
            proc.wait_for(lambda: host.run(
                ["ssh-keyscan", "-t", "ed25519", "localhost"],
                check=False).stdout, 30, "sshd after its reload")
        if found := re.search(r"--key '(ssh-ed25519 [^']+)'", line.out):
            self.key = found[1]
        if "enable-linger" in command:
            proc.wait_for(lambda: self.laptop.run(
                "test -S /run/user/$(id -u ann)/systemd/private",
                check=False).returncode == 0, 30, "systemd of ann")
        line.snapshots = self.snapshots()
        return line

    def snapshots(self):
        if not self.store.exists(STORE):
            return []
        return sorted((n for n in os.listdir(self.store.path(STORE))
                       if not n.startswith(".")),
                      key=lambda n: int(n.rpartition(".")[2]))

    def runs(self):
        """What the store has noted, the words of a line each."""
        path = "/srv/backup/.postern/laptop/runs"
        text = self.store.read(path) if self.store.exists(path) else ""
        return [line.split(" ") for line in text.splitlines()]

    def vault(self, command):
        return self.store.run(self.argv("vault", command)).stdout

    def host_key(self):
        """The store's fingerprint."""
        return self.store.run("ssh-keygen -lf /etc/ssh/"
                              "ssh_host_ed25519_key.pub").stdout.split()[1]

    def cron(self, host, user, until):
        """The crontab of user is run by the host's own cron, its times
        replaced by "now". What cron said; until: what shows that it is over.
        """
        table = host.run(["crontab", "-u", user, "-l"]).stdout
        now = "".join(f"@reboot {CRON.fullmatch(line)[2]}\n"
                      for line in table.splitlines())
        host.run(["crontab", "-u", user, "-"], input=now)
        host.run("rm -f /run/crond.reboot /var/run/crond.reboot; "
                 "systemctl unmask -q cron; systemctl restart cron")
        try:
            proc.wait_for(until, 60, "what cron was to do")
            proc.wait_for(lambda: not self.below_cron(host), 60,
                          "end of cron's children")
        finally:
            host.run("systemctl stop cron")
            host.run(["crontab", "-u", user, "-"], input=table)
        return host.run("journalctl -b -o cat -t CRON -t cron").stdout

    @staticmethod
    def below_cron(host):
        """What cron has started and what is not over yet."""
        pids = proc.pids_in(host.cgroup / "system.slice/cron.service")
        return pids if len(pids) > 1 else []


def at_terminal(host, argv, answer):
    """With a terminal of its own; answer is typed when yes is asked for."""
    here, there = pty.openpty()
    try:
        # With -c runuser would take the terminal away.
        p = host.popen(["setsid", "-c", *("--session-command" if a == "-c"
                       and argv[0] == "runuser" else a for a in argv)],
                       stdin=there, stdout=there, stderr=there)
        os.close(there)
        out = b""
        while True:
            assert select.select([here], [], [], 60)[0], f"hangs: {out!r}"
            try:
                part = os.read(here, 65536)
            except OSError:     # EIO: nobody has the other end any more
                break
            if not part:
                break
            out += part
            if answer and f"Type {answer}".encode() in out:
                os.write(here, answer.encode() + b"\n")
                answer = None
        return p.wait(30), out.decode().replace("\r\n", "\n")
    finally:
        os.close(here)
