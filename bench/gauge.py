# SPDX-License-Identifier: ISC
"""What bench/backup measures with: all processes of our namespace."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import places
from common import BUILD
from copiers import NOT_BUILT
from places import WORK

SETTLE_S = 30
POLL_S = 0.002
TRIES = 10


def pids():
    return [int(p) for p in os.listdir("/proc") if p.isdigit()]


def cpu_now(servers):
    """What all have used that ever ran in our namespace, us left out."""
    known = {p.pid for p in servers}
    for _ in range(TRIES):
        before = pids()
        total = places.all_cpu(servers) + sum(
            places.cpu_of(pid) for pid in before
            if pid != 1 and pid not in known)
        # Who ended meanwhile was counted twice, with its parent, or not.
        if pids() == before:
            break
    return total


def settle(servers):
    """Until nobody is left of what was started: sshd's children end later
    than the client. An orphan that has ended waits for cpu_now()."""
    known = {1, *(p.pid for p in servers)}
    end = time.monotonic() + SETTLE_S
    while True:
        places.all_cpu(servers)
        if set(pids()) <= known or time.monotonic() > end:
            return
        time.sleep(0.005)


class Span:
    """wall and CPU seconds of a command; of ours by phases, too."""

    def __init__(self):
        self.wall = self.cpu = self.grew = 0
        self.phases = {}        # name: (wall, cpu)


def timed(copier, argv, servers, mount):
    """Runs it; a line of JSON that names a phase begins that one. None: there
    is no such command yet."""
    span, marks = Span(), []
    settle(servers)
    free = os.statvfs(mount)
    before, begin = cpu_now(servers), time.monotonic()
    with open(WORK / "err", "w+b") as err:
        p = subprocess.Popen([str(a) for a in argv], stderr=err,
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, cwd=WORK,
                             env={**os.environ, **copier.env})
        text = b""
        for line in p.stdout:
            text = (text + line)[-2000:]
            name = phase_of(line) if copier.ours else None
            if name is not None and (not marks or marks[-1][0] != name):
                marks.append((name, time.monotonic(), cpu_now(servers)))
        rc = p.wait()
        span.wall = time.monotonic() - begin
        settle(servers)
        span.cpu = cpu_now(servers) - before
        if rc == NOT_BUILT and copier.ours:
            return None
        if rc != 0:
            err.seek(0)
            raise SystemExit(f"{copier.name}: exit status {rc}: {argv}\n"
                             + (text + err.read()).decode(errors="replace"))
    after = os.statvfs(mount)
    span.grew = (free.f_bfree - after.f_bfree) * free.f_frsize
    marks.append(("end", begin + span.wall, before + span.cpu))
    # What comes before the first phase is the connection's.
    last = ("connect", begin, before)
    for mark in marks:
        w, c = span.phases.get(last[0], (0, 0))
        span.phases[last[0]] = (w + mark[1] - last[1], c + mark[2] - last[2])
        last = mark
    return span


def phase_of(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return "result" if event.get("event") == "result" else event.get("phase")


def syscalls(copier, argv, servers):
    """Of both sides; 0 where perf can't tell."""
    if shutil.which("perf") is None:
        return 0
    stat = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o"]
    settle(servers)
    side = subprocess.Popen([*stat, WORK / "perf2", "-p",
                             ",".join(str(p.pid) for p in servers)],
                            stderr=subprocess.DEVNULL)
    # It has its own way of saying that it counts: none.
    while not open_perf(side.pid):
        time.sleep(0.005)
    subprocess.run([*stat, WORK / "perf1", *map(str, argv)], check=True,
                   cwd=WORK, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, **copier.env})
    settle([*servers, side])
    side.send_signal(signal.SIGINT)
    side.wait()
    total = 0
    for name in ("perf1", "perf2"):
        for line in (WORK / name).read_text().splitlines():
            if "sys_enter" in line and line[0].isdigit():
                total += int(line.split(",")[0])
    return total


def open_perf(pid):
    try:
        return any("perf_event" in os.readlink(f"/proc/{pid}/fd/{fd}")
                   for fd in os.listdir(f"/proc/{pid}/fd"))
    except FileNotFoundError:
        return True             # it has ended; what it says is looked at


class Peaks:
    """VmHWM of each program of ours while the with statement lasts, polled;
    a jail that became rsync counts no more."""

    def __init__(self):
        self.kib = {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.poll)

    def look(self, pid):
        try:
            exe = Path(os.readlink(f"/proc/{pid}/exe"))
            # Not "postern", which becomes one of them, and not measure.
            if not exe.is_relative_to(BUILD) or \
                    not exe.name.startswith("postern-"):
                return
            args = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        name = exe.name
        if name == "postern-backup" and len(args) > 1:
            name = f"postern backup {args[1].decode(errors='replace')}"
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.kib[name] = max(self.kib.get(name, 0),
                                     int(line.split()[1]))

    def poll(self):
        while not self.over.wait(POLL_S):
            for pid in pids():
                self.look(pid)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join()
