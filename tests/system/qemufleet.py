# SPDX-License-Identifier: ISC
"""Guests of one kind of image, and the administrator who unlocks them from
this machine by the built postern boot, over 127.0.0.1; and what tests say of
them. Images of our own: qemulib.py; a distribution's: bootreal.py.
"""

import json
import pathlib
import shlex
import subprocess
import tempfile

from bootlib import BUILD, Done
from qemuguest import ADDRESS, BOOT_S

POSTERN = BUILD / "postern"
UP = b"root is up"
# An emulated sshd may take its time.
PATIENT = ("--connect-timeout", "60s")
# None of these runs in the real system.
OURS = ("postern", "sshd", "dropbear", "cryptsetup", "askpass", "plymouth",
        "sleep", "dhclient", "dhcpcd", "ipconfig", "networkd")


class Session(subprocess.Popen):
    """Killed where a test fails meanwhile: it may not end by itself."""

    def __exit__(self, kind, *rest):
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


class Fleet:
    """The guests that were booted."""

    def __init__(self, folder, pins):
        """folder: it has the private keys "me", for passphrases, and
        "emergency", for a shell. pins: a line for boot.known_hosts, but for
        the name."""
        self.dir = folder
        self.host_key = pins
        self.all = []
        self.down = []

    def add(self, guest):
        self.all.append(guest)
        self.write()
        return guest

    def write(self):
        ports = [(g.name, g.port) for g in self.all]
        ports += [(n, s.getsockname()[1]) for n, s in self.down]
        for key, file in (("me", "ssh_config"),
                          ("emergency", "emergency_config")):
            (self.dir / file).write_text("".join(
                f"Host {name}\n\tHostName 127.0.0.1\n\tPort {port}\n"
                for name, port in ports) + "Host *\n\tUser root\n"
                f"\tIdentityFile {self.dir}/{key}\n\tIdentitiesOnly yes\n"
                f"\tUserKnownHostsFile {self.dir}/known\n\tBatchMode yes\n")
        self.pin(self.host_key)

    def pin(self, key):
        (self.dir / "known").write_text("".join(
            f"{name} {key}\n" for name in
            [g.name for g in self.all] + [n for n, _ in self.down]))

    def fingerprint(self, key):
        """As ssh-keygen says it."""
        shown = subprocess.run(["ssh-keygen", "-lf", "-"], input=key,
                               text=True, check=True, capture_output=True)
        return shown.stdout.split()[1]

    # What the administrator does

    def argv(self, *words):
        return [str(POSTERN), "boot", words[0], "--ssh-config",
                f"{self.dir}/ssh_config", "--known-hosts",
                f"{self.dir}/known", *words[1:]]

    def popen(self, *words, **kwargs):
        return Session(self.argv(*words), **{
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE, "text": True, **kwargs})

    def postern(self, *words):
        return Done(subprocess.run(
            self.argv(*words), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=3 * BOOT_S))

    def status(self, *guests, options=()):
        return self.postern("status", "--json", *options,
                            *(g.name for g in guests))

    def prompts(self, guest):
        """What it asks for, once it asks and is reached."""
        return guest.until(lambda: self.status(
            guest, options=["--connect-timeout", "15s"]).of("prompt"),
            "prompt")

    def secret(self, passphrases):
        """--secret's value for one passphrase, or for one a host, or a host
        and UUID: {(g, UUID): PASS}. No argv has them."""
        store = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        if isinstance(passphrases, str):
            (store / "any").write_text(passphrases)
            return f"cmd:cat {store}/any"
        words = "{host}"
        for place, one in passphrases.items():
            if isinstance(place, tuple):
                words = "{host}.{uuid}"
                place = f"{place[0].name}.{place[1]}"
            (store / getattr(place, "name", place)).write_text(one)
        return f"cmd:cat {store}/{words}"

    def unlock(self, passphrases, *guests, options=()):
        return self.postern("unlock", "--json", *PATIENT, "--secret",
                            self.secret(passphrases), *options,
                            *(getattr(g, "name", g) for g in guests))

    def ssh(self, guest, command, key="ssh_config", **kwargs):
        """A plain ssh: by its key to the agent, or (emergency) to a shell."""
        argv = ["ssh", "-F", f"{self.dir}/{key}", "-o",
                f"HostKeyAlias={guest.name}", guest.name, command]
        return Session(argv, **{
            "stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE, "text": True, **kwargs})

    def shell(self, guest, command):
        """What a command says in the initramfs, by the emergency key."""
        with self.ssh(guest, command, "emergency_config",
                      stdin=subprocess.DEVNULL) as p:
            said, errors = p.communicate(timeout=BOOT_S)
        assert p.returncode == 0, f"{shlex.quote(command)}: {errors}"
        return said

    def answer(self, guest, line):
        """At the console, by a person. cryptsetup forgets what was typed
        before it turned echo off."""
        guest.until(lambda: "-echo" in self.shell(
            guest, "stty -a </dev/console").split(), "question")
        guest.type(line)

    def drop(self):
        """The guests of one test."""
        for g in self.all:
            g.close()
        for _, s in self.down:
            s.close()
        self.all, self.down = [], []


# What tests say

def states(done):
    return [e["state"] for e in done.of("state")]


def accepts(done):
    assert done.rc == 0 and "accepted" in states(done), done
    return done


def refuses(done, rc, word):
    assert (done.rc, done.word) == (rc, word), done
    return done


def is_up(g):
    """The real system is there, and nothing of the initramfs' runs, listens,
    or has an address or a route in it."""
    g.wait(UP)
    processes = g.run("ps")
    assert "ps" in processes and not any(
        word in processes for word in OURS), processes
    assert "LISTEN" not in g.run("netstat -ltn")
    said = g.run("ip addr show dev eth0; ip route show table all")
    assert "eth0" in said and ADDRESS not in said, said


def logged(g, guests=None):
    """The agent's log, as the real system has it, or (guests) by the emergency
    key."""
    command = "cat /run/postern-boot/log"
    said = guests.shell(g, command) if guests else g.run(command)
    return [line.split()[1:3] for line in said.splitlines()]


def until(p, state):
    """Reads what postern says until it says that."""
    for line in p.stdout:
        if json.loads(line).get("state") == state:
            return
    raise AssertionError(f"never {state}: {p.stderr.read()}")
