# SPDX-License-Identifier: ISC
"""class Host: a machine of its own, with systemd as its pid 1 and an sshd."""

import os
import pathlib
import secrets
import signal
import subprocess

from . import proc
from .link import Link, enter_net

HERE = pathlib.Path(__file__).parent
BOOT_S = 60
ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "USER": "root", "LOGNAME": "root", "LANG": "C.UTF-8",
}


class Popen(subprocess.Popen):
    """A command on a host. Killing it kills the command (but, as anywhere,
    not what the command itself has started)."""

    @property
    def target(self):
        """The command's pid, by this machine's numbers. Waits for it to be
        executed: before, it is the lab's own launcher."""
        def started():
            if self.poll() is not None:
                raise ProcessLookupError(f"{self.args}: has ended already")
            for pid in proc.children(self.pid):
                if proc.comm(pid) not in ("nsenter", "setpriv", ""):
                    return pid
            return None
        return proc.wait_for(started, 10, "command on the host")

    def signal_target(self, number):
        os.kill(self.target, number)

    def __exit__(self, kind, value, trace):
        # A test that failed inside of `with` must not wait for the end of
        # a command that it was about to end.
        if kind is not None:
            self.kill()
        return super().__exit__(kind, value, trace)


class Host:
    """Made by Lab.boot() only. Pids are this machine's, unless said."""

    def __init__(self, lab, name, binds=()):
        self.lab, self.name, self.binds = lab, name, list(binds)
        self.ip = lab.address(lab.number(name))
        self.dir = lab.dir / name
        self.upper = self.dir / "upper"
        self.cgroup = lab.cgroup / name
        # Processes that tests start, apart from those of systemd.
        self._tests_cgroup = self.cgroup / "tests"
        self.init_pid = None
        self._outer = None
        self._prepare_files()
        self._tests_cgroup.mkdir(parents=True)
        self.link = Link(self)
        self.link.plug()
        self._boot()

    def _prepare_files(self):
        etc = self.upper / "etc"
        (etc / "ssh").mkdir(parents=True)
        key = etc / "ssh/ssh_host_ed25519_key"
        self.lab.keygen(key, self.name)
        public = key.with_suffix(".pub").read_text().split()
        self.host_key = " ".join(public[:2])
        (etc / "hostname").write_text(self.name + "\n")
        (etc / "machine-id").write_text(secrets.token_hex(16) + "\n")
        (etc / "hosts").write_text(self.lab.etc_hosts())
        ssh = self.upper / "root/.ssh"
        ssh.mkdir(parents=True, mode=0o700)
        os.chmod(self.upper / "root", 0o700)
        (ssh / "authorized_keys").write_bytes(
            self.lab.key.with_suffix(".pub").read_bytes())

    def _boot(self):
        self._log = open(self.dir / "boot.log", "wb")
        # The kernel ends the host when we die: no one else could.
        self._outer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "sh", "-c",
             'echo 0 >"$0/cgroup.procs" && exec "$@"', str(self.cgroup),
             *enter_net(self.lab.netns(self.name)),
             "unshare", "--fork", "--kill-child", "--pid", "--mount",
             "--uts", "--ipc", "--cgroup", "--propagation", "unchanged",
             "sh", str(HERE / "boot.sh"), self.name, str(self.dir),
             str(self.lab.base), *(f"{s}={t}" for s, t in self.binds)],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def wait_up(self):
        """Until sshd listens."""
        try:
            proc.wait_for(self._find_init, BOOT_S, f"pid 1 of {self.name}")
            proc.wait_for(self._listens, BOOT_S, f"sshd on {self.name}")
        except proc.Deadline as e:
            raise proc.Deadline(f"{e}\n{self.boot_log()}") from None

    def _find_init(self):
        self._check_alive()
        for pid in proc.pids_in(self.cgroup):
            if (proc.inner_pids(pid)[1:] == [1]
                    and proc.comm(pid) == "systemd"):
                self.init_pid = pid
                return True
        return False

    def _listens(self):
        self._check_alive()
        for line in proc.read(f"/proc/{self.init_pid}/net/tcp").splitlines():
            if line.split()[1:4:2] and line.split()[3] == b"0A" \
                    and line.split()[1].endswith(b":0016"):
                return True
        return False

    def _check_alive(self):
        if self._outer.poll() is not None:
            raise RuntimeError(f"{self.name} did not boot, status "
                               f"{self._outer.returncode}\n{self.boot_log()}")

    def boot_log(self):
        return (self.dir / "boot.log").read_text(errors="replace")

    # Commands

    def popen(self, cmd, env=None, **kwargs):
        """Start cmd (a list, or a line for sh) on the host, as root."""
        argv = ["sh", "-c", cmd] if isinstance(cmd, str) else list(cmd)
        # The command dies with its nsenter; see Popen.
        return Popen(
            ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"',
             str(self._tests_cgroup),
             "nsenter", "-t", str(self.init_pid), "-m", "-u", "-i", "-n",
             "-p", "-C", "-r", "-w", "setpriv", "--pdeathsig", "KILL",
             *map(str, argv)],
            env={**ENV, **(env or {})}, **{"stdin": subprocess.DEVNULL,
                                           **kwargs})

    def run(self, cmd, input=None, check=True, timeout=60, text=True,
            env=None, **kwargs):
        """Run it to its end; a CompletedProcess with stdout and stderr."""
        if input is not None:
            kwargs["stdin"] = subprocess.PIPE
        with self.popen(cmd, env=env, text=text, **{
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                **kwargs}) as p:
            try:
                out, err = p.communicate(input, timeout)
            except BaseException:
                p.kill()
                raise
        done = subprocess.CompletedProcess(cmd, p.returncode, out, err)
        if check and p.returncode != 0:
            raise AssertionError(
                f"{self.name}: {cmd} ended with {p.returncode}\n"
                f"stdout: {out}\nstderr: {err}")
        return done

    def ssh_argv(self, *command):
        """The argv that reaches this host by ssh, from this machine."""
        return [*enter_net(self.lab.switch), "ssh", "-F",
                str(self.lab.ssh_config), self.name, *command]

    def ssh(self, *command, input=None, check=True, timeout=60):
        """Run a command line through ssh, the switch being the client."""
        done = subprocess.run(
            self.ssh_argv(*command), input=input, timeout=timeout, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            **({} if input is not None else {"stdin": subprocess.DEVNULL}))
        if check and done.returncode != 0:
            raise AssertionError(f"ssh {self.name} {command} ended with "
                                 f"{done.returncode}\n{done.stderr}")
        return done

    # Files

    def path(self, path):
        """Where a file of the host is found from this machine. Symbolic
        links with absolute targets lead astray: use run() for those."""
        return pathlib.Path(f"/proc/{self.init_pid}/root/{path.lstrip('/')}")

    def write(self, path, content, mode=0o644):
        target = self.path(path)
        if isinstance(content, str):
            content = content.encode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)

    def read(self, path, text=True):
        content = self.path(path).read_bytes()
        return content.decode() if text else content

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def pids(self):
        """Every process of the host, nested namespaces included; not the
        unshare that holds it, which is this machine's."""
        return [p for p in proc.pids_in(self.cgroup)
                if len(proc.inner_pids(p)) > 1]

    # End

    def alive(self):
        return self._outer.poll() is None

    def crash(self):
        """The machine loses power; its files stay until remove()."""
        self._outer.send_signal(signal.SIGKILL)
        self._outer.wait()

    def forget(self):
        """Stop without clean-up, which the lab does for all at once."""
        self.link.kill()
        if self._outer and self._outer.poll() is None:
            self.crash()
        self._log.close()

    def stop(self):
        from .lab import kill_all
        self.link.unplug()
        self.forget()
        kill_all(self.cgroup)
        subprocess.run(["rm", "-rf", str(self.dir)], check=True)
