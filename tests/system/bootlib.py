# SPDX-License-Identifier: ISC
"""A host that stands for one in its initramfs: an sshd whose one key has the
agent as its forced command, a LUKS2 disk, and who asks for its passphrase.

    from bootlib import boot                    # the fixture

    def test_something(boot):
        boot.systemd()                          # systemd-cryptsetup asks
        done = boot.unlock(PASS)                # on admin
        assert done.word == "rejected"

The disk is a file, and the header, the tests of passphrases and the prompts are
real; but there is no device mapper in a namespace, so nobody can open it. That
the kernel has it open is said in its place by a file below /sys/block:
boot.opened().
"""

import json
import os
import pathlib
import pty
import subprocess

import pytest

from lab import proc

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
POSTERN = "/src/" + str(BUILD.relative_to(TREE)) + "/postern"
AGENT = "/usr/local/bin/postern-boot-agent"
NAMES = ("console_auth", "console_peek")    # of the same program
DIR = "/root/boot"
DISK = f"{DIR}/disk.img"
UUID = "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be001"
PASS = "correct horse battery staple"
PORT = 2222
QUESTIONS = "/run/systemd/ask-password"
FIFO = "/lib/cryptsetup/passfifo"

SSHD = f"""Port {PORT}
HostKey {DIR}/host_key
PidFile {DIR}/sshd.pid
AuthorizedKeysFile {DIR}/keys
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
ExposeAuthInfo yes
"""


class Done:
    """What postern boot said."""

    def __init__(self, done):
        self.rc, self.out, self.err = \
            done.returncode, done.stdout, done.stderr
        self.events = [json.loads(s) for s in self.out.splitlines()
                       if s.startswith("{")]

    def of(self, event):
        return [e for e in self.events if e["event"] == event]

    def last(self):
        """Of each host its last state."""
        return {e["host"]: e["state"] for e in self.of("state")}

    @property
    def _verdict(self):
        """The last state of the last host, but for what follows once its disks
        are open."""
        return [e for e in self.of("state")
                if e["state"] not in ("booting", "up")][-1]

    @property
    def word(self):
        return self._verdict["state"]

    @property
    def why(self):
        return self._verdict.get("detail", "")

    def __repr__(self):
        return f"{self.rc}\n{self.out}\n{self.err}"


class Boot:
    def __init__(self, lab):
        self.lab = lab
        self.admin = lab.admin
        self.host, = lab.boot("h41")
        self.key = lab.key.with_suffix(".pub").read_text()
        self.started = []
        h = self.host
        h.run(["mkdir", "-p", "-m", "700", DIR])
        target = h.path(AGENT)
        target.write_bytes(
            (BUILD / "tools/boot/postern-boot-agent").read_bytes())
        target.chmod(0o755)
        for name in NAMES:
            h.run(["ln", "-sf", "postern-boot-agent",
                   f"/usr/local/bin/{name}"])
        lab.keygen(h.path(f"{DIR}/host_key"), "boot")
        self.host_key = " ".join(
            h.read(f"{DIR}/host_key.pub").split()[:2])
        self.pin(self.host_key)
        self.keys()
        h.write(f"{DIR}/sshd_config", SSHD)
        h.run(f"truncate -s 24M {DISK}; printf %s '{PASS}' | cryptsetup "
              f"luksFormat -q --type luks2 --pbkdf pbkdf2 "
              f"--pbkdf-force-iterations 1000 --uuid {UUID} "
              f"--key-file=- {DISK}")
        self.sshd = h.popen(["/usr/sbin/sshd", "-D", "-e", "-f",
                             f"{DIR}/sshd_config"],
                            stderr=subprocess.DEVNULL)
        self.wait_port(PORT)

    def wait_port(self, port):
        word = f":{port:04X}"
        proc.wait_for(lambda: any(
            line.split()[1].endswith(word) and line.split()[3] == "0A"
            for line in self.host.run(["cat", "/proc/net/tcp"])
            .stdout.splitlines()[1:]), 20, f"listener on {port}")

    def pin(self, key, name="h41"):
        self.admin.run(["mkdir", "-p", DIR])
        self.admin.write(f"{DIR}/known", f"# boot keys\n{name} {key}\n")

    def listener(self, port, key=f"{DIR}/host_key", command=None):
        """Another sshd of the host's, until the end of the test. command: in
        the agent's place."""
        config = f"{DIR}/sshd_config.{port}"
        keys = f"{DIR}/keys.{port}" if command else f"{DIR}/keys"
        text = SSHD.replace(f"Port {PORT}\nHostKey {DIR}/host_key\nPidFile "
                            f"{DIR}/sshd.pid\nAuthorizedKeysFile {DIR}/keys",
                            f"Port {port}\nHostKey {key}\nPidFile none\n"
                            f"AuthorizedKeysFile {keys}")
        assert f"Port {port}" in text
        self.host.write(config, text)
        if command:
            self.host.write(keys, f'restrict,command="{command}" {self.key}',
                            mode=0o600)
        server = self._start(["/usr/sbin/sshd", "-D", "-E",
                              f"{DIR}/log.{port}", "-f", config])
        self.wait_port(port)
        return server

    def keys(self, words="-w 5", options="restrict"):
        self.host.write(
            f"{DIR}/keys", f'{options},command="{AGENT} {words}" {self.key}',
            mode=0o600)

    def rogue(self, *lines, then=""):
        """In the agent's place: it says these lines whatever it is asked for,
        then does what is said of it. What it was asked for, and what it was
        sent, is in called() and sent()."""
        said = "".join(f"echo '{line}'\n" for line in
                       ("postern-boot 1", *lines))
        self.host.write(
            f"{DIR}/rogue", "#!/bin/sh\n"
            f'echo "$SSH_ORIGINAL_COMMAND" >>{DIR}/called\n'
            f"{said}{then or 'echo end'}\n"
            f"cat >>{DIR}/sent\n", mode=0o755)
        self.host.write(f"{DIR}/keys", f'restrict,command="{DIR}/rogue" '
                        f"{self.key}", mode=0o600)

    def called(self):
        return self.host.run(f"cat {DIR}/called",
                             check=False).stdout.splitlines()

    def sent(self):
        return self.host.run(f"cat {DIR}/sent", check=False).stdout

    # Who asks

    def _start(self, *args, **kwargs):
        return self._start_on(self.host, *args, **kwargs)

    def _start_on(self, host, *args, **kwargs):
        p = host.popen(*args, **kwargs)
        self.started.append(p)
        return p

    def _terminal(self, *args, **kwargs):
        here, there = pty.openpty()
        p = self._start(*args, stdin=there, stdout=there, stderr=there,
                        **kwargs)
        os.close(there)
        p.console = here
        return p

    def questions(self):
        return self.host.run(
            f"ls {QUESTIONS}/ask.* 2>/dev/null", check=False).stdout.split()

    def asked(self):
        """Until somebody asks; the listed prompts."""
        return proc.wait_for(lambda: self.status().of("prompt"), 30,
                             "prompt")

    def systemd(self):
        """As systemd's generator would have it."""
        self.host.run([
            "systemd-run", "-q", "--unit=boot-crypt", "--collect",
            "/lib/systemd/systemd-cryptsetup", "attach", "luks-root", DISK,
            "-", "luks,tries=3"])
        return self.asked()

    def question(self, device, times=1):
        """systemd's own program, which prints what it got."""
        self._start(f"i=0; while [ $((i += 1)) -le {times} ]; do "
                    "systemd-ask-password --no-tty --timeout=0 "
                    f"--id='cryptsetup:{device}' 'Passphrase for {device}' "
                    f">>{DIR}/got; done")
        return self.asked()

    def askpass(self, tried=1):
        """initramfs-tools'; it prints what it got. Without a terminal it would
        take the console for its standard output, too."""
        self._terminal("exec /lib/cryptsetup/askpass 'Please unlock' "
                       f">{DIR}/got", env={
                           "CRYPTTAB_NAME": "root_crypt",
                           "CRYPTTAB_SOURCE": DISK,
                           "CRYPTTAB_TRIED": str(tried)})
        return self.asked()

    def console(self):
        """dracut's without systemd: cryptsetup itself, on a terminal."""
        p = self._terminal(["cryptsetup", "luksOpen", "-T5", DISK,
                            "luks-root", "--allow-discards"])
        self.asked()
        return p

    def got(self):
        return self.host.read(f"{DIR}/got", text=False)

    def opened(self):
        """The kernel has the disk open, as far as /sys tells."""
        self.host.run("mount -t tmpfs none /sys/block && "
                      "mkdir -p /sys/block/dm-0/dm && echo "
                      f"CRYPT-LUKS2-{UUID.replace('-', '')}-luks-root "
                      ">/sys/block/dm-0/dm/uuid")

    # What admin does

    def argv(self, *words):
        return [POSTERN, "boot", words[0], "--known-hosts", f"{DIR}/known",
                "--port", str(PORT), *words[1:]]

    def run(self, *words, **kwargs):
        return Done(self.admin.run(self.argv(*words),
                                   **{"check": False, **kwargs}))

    def status(self, *words):
        return self.run("status", "--json", *words, "h41")

    def unlock(self, passphrase, *words):
        """With what a command prints, so that no argv has it."""
        self.admin.write(f"{DIR}/pass", passphrase, mode=0o600)
        return self.run("unlock", "--json", "--secret", f"cmd:cat {DIR}/pass",
                        *(words or ["h41"]))

    def log(self, *words):
        """What the agent's log has, as (by, verdict)."""
        done = self.run("log", "--json", *words, "h41")
        assert done.rc == 0, done
        return [(e["by"], e["verdict"]) for e in done.of("log")]

    def auth(self, *words, **kwargs):
        """console_auth on the host, without a terminal."""
        return self.host.run(["console_auth", *words],
                             **{"check": False, **kwargs})

    def ssh(self, *words, input=None, port=PORT):
        """A plain ssh to the agent, from admin."""
        return self.admin.run(
            ["ssh", "-o", f"UserKnownHostsFile={DIR}/known", "-o",
             "HostKeyAlias=h41", "-p", str(port), *words], input=input,
            check=False)

    def clean(self):
        for p in self.started:
            p.kill()
            p.wait()
            if hasattr(p, "console"):
                os.close(p.console)
        self.started = []
        self.host.run(
            "systemctl kill -s KILL boot-crypt.service 2>/dev/null; "
            "systemctl stop boot-crypt.service 2>/dev/null; "
            "umount /sys/block 2>/dev/null; pkill -x systemd-ask-pas; "
            f"rm -rf /run/postern-boot {QUESTIONS}/* {DIR}/got {FIFO} "
            f"{DIR}/called {DIR}/sent {DIR}/rogue {DIR}/*.2[0-9][0-9][0-9] "
            "/dev/vcsa", check=False)
        self.admin.run(["rm", "-f", f"{DIR}/pass"])
        self.keys()
        self.pin(self.host_key)

    def close(self):
        self.clean()
        self.sshd.kill()
        self.sshd.wait()
        self.host.run(["rm", "-rf", DIR, AGENT,
                       *(f"/usr/local/bin/{name}" for name in NAMES)])
        self.admin.run(["rm", "-rf", DIR])


@pytest.fixture(scope="module")
def _boot(lab):
    made = Boot(lab)
    yield made
    made.close()


@pytest.fixture
def boot(_boot):
    yield _boot
    _boot.clean()
