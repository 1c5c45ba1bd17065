# SPDX-License-Identifier: ISC
"""What the tests of --fifo and of shared windows have in common."""

import contextlib
import os
import pathlib
import select
import stat
import subprocess
import sys

import pytest

from fleet import KEY
from lab import proc
from lab.link import enter_net

DROPIN = "/run/systemd/system/csync2@.service.d/stall.conf"
STALL = "/run/stall"

# A peer that gets in by hand. argv: address, configuration, name, and a
# certificate with its key, or two empty words for one who says CONFIG only.
PEER = r"""
import socket, ssl, sys
address, cfg, name, cert, key = sys.argv[1:]
s = socket.create_connection((address, 30865), 10)
s.settimeout(None)
def talk(line, answer):
    s.sendall(line.encode() + b"\n")
    if answer:
        got = b""
        while not got.endswith(b"\n"):
            part = s.recv(1)
            if not part:
                sys.exit(f"closed at {line}: {got}")
            got += part
        if not got.startswith(b"OK"):
            sys.exit(f"{line}: {got}")
print("connected", flush=True)
if key:
    talk("SSL", True)
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    c.load_cert_chain(cert, key)
    s = c.wrap_socket(s)
talk(f"CONFIG {cfg}", True)
if key:
    talk(f"HELLO {name}", True)
print("in", flush=True)
try:
    s.recv(1)
except OSError:
    pass
print("out", flush=True)
"""


def peer(fleet, me, target, hello=False):
    """A connection by hand from host me to the daemon of target. It says
    "connected", "in" once csync2 there has read the key, and "out"."""
    host = fleet.host(me)
    files = [str(host.path(f"/etc/csync2_ssl_{f}.pem"))
             for f in ("cert", "key")] if hello else ["", ""]
    p = subprocess.Popen(
        [*enter_net(host.link.ns), sys.executable, "-c", PEER,
         fleet.host(target).ip, "priv", host.name, *files],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    assert line(p) == "connected"
    return p


def line(p, deadline_s=15):
    """The next line of a process's stdout."""
    ready, _, _ = select.select([p.stdout], [], [], deadline_s)
    assert ready, f"{p.args}: silent for {deadline_s} s"
    got = p.stdout.readline().strip()
    assert got, f"{p.args[:3]} ended: {p.stderr and p.stderr.read()}"
    return got


def reader(host, fifo=KEY):
    """Waits at a FIFO; says the key once somebody feeds it."""
    return host.popen(["head", "-n", "1", fifo], text=True,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def waits(p):
    """Has said nothing yet, and runs."""
    return not select.select([p.stdout], [], [], 0)[0] and p.poll() is None


def end(*processes):
    for p in processes:
        p.kill()
        p.communicate()


@pytest.fixture(scope="module")
def stallable(lab):
    """h1 … h3, whose daemons accept and wait while stall() is on. In a
    drop-in for the whole module, since to reload takes its time."""
    hosts = lab.first(3)
    for h in hosts:
        h.write(DROPIN, "[Service]\nExecStartPre=/bin/sh -c "
                f"'while [ -e {STALL} ]; do sleep 0.05; done'\n")
        h.run(["systemctl", "daemon-reload"])
    yield hosts
    for h in hosts:
        h.path(STALL).unlink(missing_ok=True)
        h.path(DROPIN).unlink()
        h.path(DROPIN).parent.rmdir()
        h.run(["systemctl", "daemon-reload"])


@contextlib.contextmanager
def stall(*hosts):
    for h in hosts:
        h.write(STALL, "")
    try:
        yield
    finally:
        for h in hosts:
            go(h)


def go(host):
    host.path(STALL).unlink(missing_ok=True)


def folders(host):
    """The private folders of our scripts there."""
    return [p for p in host.path("/run").iterdir()
            if p.name.startswith("postern.")]


def _fds_of(host, pids, inodes):
    return [f"{proc.comm(p)} ({p}) has {target} open" for p in pids
            for _, target, st in proc.fds(p)
            if (st.st_dev, st.st_ino) in inodes]


def ours(host, fifos=(KEY,), folders_too=True):
    """Lines that name what a window has on a host: our scripts' processes,
    their folders, csync2, and whoever holds a FIFO."""
    lines = [f"the folder {p.name}" for p in folders(host) if folders_too]
    pids = host.pids()
    for p in pids:
        words = proc.cmdline(p)
        if "n=$(printf" in words or "postern" in words:
            lines.append(f"process {p}: {words[:60]}")
        elif proc.comm(p) == "csync2":
            lines.append(f"csync2 {p}: {words}")
    inodes = set()
    for f in fifos:
        if host.exists(f):
            st = os.stat(host.path(f))
            assert stat.S_ISFIFO(st.st_mode), f"{host.name}: {f}"
            inodes.add((st.st_dev, st.st_ino))
    lines += _fds_of(host, pids, inodes)
    return [f"{host.name}: {text}" for text in lines]


def gone(*hosts, deadline_s=5, fifos=(KEY,), folders_too=True):
    """Until nothing of ours is on the hosts; fails naming what is."""
    found = []

    def look():
        found[:] = [text for h in hosts for text in ours(h, fifos,
                                                        folders_too)]
        return not found

    try:
        proc.wait_for(look, deadline_s, "host without a window")
    except proc.Deadline as e:
        raise AssertionError("\n".join([str(e), *found])) from None


def holder(host):
    """{main, feeder, watchdog: pid} of the one window that is open there."""
    folder, = folders(host)
    outer = {proc.inner_pids(p)[-1]: p for p in host.pids()
             if proc.inner_pids(p)}
    main = outer[int(folder.name.split(".")[1])]
    feeder = outer[int(pathlib.Path(folder, "feeder").read_text())]
    watchdog, = [p for p in proc.children(main)
                 if p != feeder and proc.comm(p) == "sh"]
    return {"main": main, "feeder": feeder, "watchdog": watchdog}


def csync2s(host):
    return [p for p in host.pids() if proc.comm(p) == "csync2"]


def window(fleet, *args, **kwargs):
    """A window that is held open, once it is: a Running."""
    run = fleet.start_push("--hold", "--accept-risk", *args, **kwargs)
    run.wait_event(lambda e: e["event"] == "open", "open")
    return run
