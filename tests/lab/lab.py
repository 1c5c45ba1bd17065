# SPDX-License-Identifier: ISC
"""class Lab: a run's switch, keys and hosts, and the removal of all of it.

Everything of a run bears its name: the tmpfs /run/postern-lab/RUN, the cgroup
postern-lab-RUN, the network namespaces plab-RUN-*. A run is alive as long as
its owner holds the lock of RUN.lock; the leavings of a dead one are removed
by the next Lab.
"""

import fcntl
import os
import pathlib
import secrets
import shutil
import subprocess

from . import proc, root
from .host import Host
from .link import enter_net

RUNS = pathlib.Path("/run/postern-lab")
ADMIN = "admin"
# Enough for every test, few enough for a short /etc/hosts.
HOSTS_MAX = 60


def _sh(*argv, **kwargs):
    done = subprocess.run(argv, text=True, stdin=kwargs.pop("stdin", None),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **kwargs)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout.strip()}")
    return done.stdout


class Lab:
    """Hosts h1, h2, … and admin on one switch; all go with close()."""

    def __init__(self, source=None, packages=root.PACKAGES):
        """source: the tree that the host admin has at /src, read-only."""
        if os.geteuid() != 0:
            raise PermissionError("the lab needs root (namespaces, mounts)")
        self.source = pathlib.Path(source) if source else None
        self.base = root.base_root(packages)
        self.hosts = {}
        self.dir = self._claim()
        self.run = self.dir.name
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _claim(self):
        RUNS.mkdir(mode=0o755, parents=True, exist_ok=True)
        with open(RUNS / "lock", "w") as guard:
            # Nobody sweeps a run between its file and its lock.
            fcntl.flock(guard, fcntl.LOCK_EX)
            sweep()
            run = f"{os.getpid()}{secrets.token_hex(2)}"
            self._lock = open(RUNS / f"{run}.lock", "w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return RUNS / run

    def _prepare(self):
        self.dir.mkdir()
        _sh("mount", "-t", "tmpfs", "-o", "mode=711",
            f"postern-lab-{self.run}", str(self.dir))
        _sh("mount", "--make-private", str(self.dir))
        cgroups = self.dir / "cgroup"
        cgroups.mkdir()
        # Our own mount of it: the same on machines with v1 beside it, v2
        # alone, and none mounted at all.
        _sh("mount", "-t", "cgroup2", "cgroup2", str(cgroups))
        self.cgroup = cgroups / f"postern-lab-{self.run}"
        self.cgroup.mkdir()
        self.switch = self.netns("switch")
        _sh("ip", "netns", "add", self.switch)
        _sh(*enter_net(self.switch), "ip", "-batch", "-", input="\n".join([
            "link set lo up", "link add br0 type bridge",
            "link set br0 address 02:00:00:00:00:fe",
            f"addr add {self.address(254)}/24 dev br0",
            *self.neighbours("br0"), "link set br0 up",
        ]))
        self.key = self.dir / "id_ed25519"
        self.keygen(self.key, "admin of the lab")
        self.known_hosts = self.dir / "known_hosts"
        self.ssh_config = self.dir / "ssh_config"
        self._write_ssh()

    # Names and addresses: known before a host is up, so that one which never
    # comes up is simply a host that is down.

    def netns(self, name):
        return f"plab-{self.run}-{name}"

    @staticmethod
    def address(number):
        return f"10.77.0.{number}"

    @staticmethod
    def mac(number):
        return f"02:00:00:00:00:{number:02x}"

    @classmethod
    def number(cls, name):
        if name == ADMIN:
            return 250
        number = int(name[1:]) if name[:1] == "h" else 0
        if not 1 <= number <= HOSTS_MAX or name != f"h{number}":
            raise ValueError(f"{name}: hosts are h1…h{HOSTS_MAX}, {ADMIN}")
        return number

    @classmethod
    def names(cls):
        return [ADMIN, *(f"h{i}" for i in range(1, HOSTS_MAX + 1))]

    @classmethod
    def neighbours(cls, dev):
        """Commands for ip -batch. With learned neighbours a silent cut would
        show itself after some seconds as 'no route to host'."""
        numbers = [cls.number(n) for n in cls.names()] + [254]
        return [f"neigh replace {cls.address(i)} lladdr {cls.mac(i)} "
                f"dev {dev} nud permanent" for i in numbers]

    @classmethod
    def etc_hosts(cls):
        return "127.0.0.1 localhost\n::1 localhost\n" + "".join(
            f"{cls.address(cls.number(n))} {n}\n" for n in cls.names())

    @staticmethod
    def keygen(path, comment):
        _sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment,
            "-f", str(path))

    # Hosts

    def boot(self, *names, binds=()):
        """The hosts of these names; those not up yet are booted at once."""
        new = [n for n in names if n not in self.hosts]
        for name in new:
            extra = list(binds)
            if name == ADMIN and self.source:
                extra.append((self.source, "/src"))
            self.hosts[name] = Host(self, name, extra)
        try:
            for name in new:
                self.hosts[name].wait_up()
        except BaseException:
            # One that is half up would fail every test after this one.
            for name in new:
                self.hosts.pop(name).stop()
            raise
        if new:
            self._write_ssh()
        return [self.hosts[n] for n in names]

    def first(self, n):
        """h1 … hn, with their links whole again."""
        hosts = self.boot(*(f"h{i}" for i in range(1, n + 1)))
        for host in hosts:
            host.link.restore()
        return hosts

    def fresh(self, n):
        """n hosts that nobody has used; remove() them when they are dirty."""
        unused = [m for m in self.names()
                  if m != ADMIN and m not in self.hosts]
        # From the end: first() always finds its own ones unused.
        return self.boot(*unused[-n:])

    @property
    def admin(self):
        """The administrator's host: reaches all others as root by ssh."""
        return self.boot(ADMIN)[0]

    def remove(self, host):
        host.stop()
        del self.hosts[host.name]
        self._write_ssh()

    def _write_ssh(self):
        self.known_hosts.write_text("".join(
            f"{h.name},{h.ip} {h.host_key}\n" for h in self.hosts.values()))
        self.ssh_config.write_text(self._config(self.key, self.known_hosts))
        admin = self.hosts.get(ADMIN)
        if not admin:
            return
        ssh = "/root/.ssh"
        admin.write(f"{ssh}/known_hosts", self.known_hosts.read_bytes())
        admin.write(f"{ssh}/id_ed25519", self.key.read_bytes(), mode=0o600)
        admin.write(f"{ssh}/config", self._config(
            f"{ssh}/id_ed25519", f"{ssh}/known_hosts"))

    def _config(self, key, known_hosts):
        return "".join(
            f"Host {n}\n\tHostName {self.address(self.number(n))}\n"
            f"\tHostKeyAlias {n}\n" for n in self.names()) + (
            f"Host *\n\tUser root\n\tIdentityFile {key}\n"
            f"\tIdentitiesOnly yes\n\tUserKnownHostsFile {known_hosts}\n"
            "\tStrictHostKeyChecking yes\n\tBatchMode yes\n")

    def close(self):
        for host in self.hosts.values():
            host.forget()
        self.hosts = {}
        _remove(self.dir.name)
        self._lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def sweep():
    """Remove what runs have left whose owners died."""
    for lock in RUNS.glob("*.lock"):
        with open(lock, "w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _remove(lock.stem)


def kill_all(cgroup):
    """Kill everything in the cgroup, wait for it, and remove the cgroup."""
    if not cgroup.exists():
        return

    # By the kernel and not by number: between a list of processes and the
    # kill, a number may have become that of another lab's process.
    (cgroup / "cgroup.kill").write_text("1")
    proc.wait_for(lambda: not proc.pids_in(cgroup), 20,
                  f"end of the processes of {cgroup.name}")
    for folder, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(folder)


def _remove(run):
    folder = RUNS / run
    kill_all(folder / "cgroup" / f"postern-lab-{run}")
    for line in _sh("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(f"plab-{run}-"):
            _sh("ip", "netns", "delete", name)
    if folder.exists():
        if os.path.ismount(folder):
            # Lazily: a person's shell in there is no reason to keep it.
            _sh("umount", "--recursive", "--lazy", str(folder))
        shutil.rmtree(folder)
    (RUNS / f"{run}.lock").unlink(missing_ok=True)
