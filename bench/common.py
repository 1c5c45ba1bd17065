# SPDX-License-Identifier: ISC
"""What the benchmarks have in common: a command that is measured, how it is
told, and what is made of a target that was missed."""
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import places
from places import WORK

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("BENCH_BUILD", ROOT / "build")).resolve()
BIN = BUILD / "bench"
POSTERN = BUILD / "postern"


def med(values):
    return statistics.median(values)


class Job:
    """A command with what it needs, and what was measured of it."""

    def __init__(self, name, argv, env=None, ours=False):
        self.name, self.argv, self.ours = name, [str(a) for a in argv], ours
        self.env = {**os.environ, **(env or {})}
        self.wall, self.cpu, self.all_cpu = [], [], []
        self.calls = self.peak = 0
        self.fails = None       # a number: failures are counted, not fatal

    def start(self, before=()):
        with open(WORK / "key", "rb") as key, open(WORK / "log", "wb") as log:
            rc = subprocess.run([*map(str, before), *self.argv], stdin=key,
                                stdout=log, stderr=log, env=self.env,
                                check=False).returncode
        if rc != 0:
            raise SystemExit(f"{self.name}: exit status {rc}: "
                             + " ".join(self.argv)[:300] + "\n"
                             + (WORK / "log").read_text(errors="replace")[:2000])

    def numbers(self):
        status, wall, cpu, peak = (WORK / "out").read_text().split()
        if status != "0" and self.fails is not None:
            self.fails += 1
        elif status != "0":
            raise SystemExit(f"{self.name}: wait status {status}\n"
                             + (WORK / "log").read_text(errors="replace")[:2000])
        return int(wall) / 1e6, int(cpu) / 1e6, int(peak)

    def time(self, servers=None):
        before = places.all_cpu(servers)
        self.start([BIN / "measure", WORK / "out"])
        wall, cpu, _ = self.numbers()
        self.wall.append(wall)
        self.cpu.append(cpu)
        self.all_cpu.append(places.all_cpu(servers) - before)

    def count(self):
        """System calls of the whole tree; the peak of its own process."""
        self.start([BIN / "measure", "-m", WORK / "out"])
        self.peak = self.numbers()[2]
        if shutil.which("perf") is None:
            return
        self.start(["perf", "stat", "-x,", "-o", WORK / "perf", "-e",
                    "raw_syscalls:sys_enter"])
        for line in (WORK / "perf").read_text().splitlines():
            if "sys_enter" in line and line[0].isdigit():
                self.calls = int(line.split(",")[0])


def measure(jobs, rounds, servers=None):
    """Interleaved, so that what else the machine does hits all alike."""
    for job in jobs if rounds >= 5 else ():
        job.time(servers)       # warm; not counted
        job.wall, job.cpu, job.all_cpu = [], [], []
    for i in range(rounds):
        for job in jobs[i % len(jobs):] + jobs[:i % len(jobs)]:
            job.time(servers)


def table(head, rows):
    return ["| " + " | ".join(head) + " |",
            "|" + "|".join("---" if i == 0 else "---:"
                           for i in range(len(head))) + "|",
            *("| " + " | ".join(r) + " |" for r in rows), ""]


MISSED = "- **missed**: "


def verdict(ok, text):
    return f"- met: {text}" if ok else MISSED + text


def judge(text, scale):
    """The exit status of a whole run, told last: 1 when a target was missed.
    Of a reduced run 0, whose numbers mean nothing."""
    lost = [line.removeprefix(MISSED) for line in text
            if line.startswith(MISSED)]
    if not lost:
        return 0
    print(f"bench: missed: {len(lost)}" + (
        ", which means nothing in a reduced run" if scale < 1 else ""), *lost,
        sep="\n  ", file=sys.stderr, flush=True)
    return 1 if scale >= 1 else 0


def tell(cfg, text, parts):
    """Prints text and what each of parts, (name, function), makes of cfg, and
    keeps it in cfg.out as it comes. Returns the exit status."""
    print("\n".join(text), flush=True)
    for name, part in parts:
        print(f"bench: {name} …", file=sys.stderr, flush=True)
        more = part(cfg)
        print("\n".join(more), flush=True)
        text = text + more
        if cfg.out is not None:
            cfg.out.parent.mkdir(parents=True, exist_ok=True)
            cfg.out.write_text("\n".join(text))
    return judge(text, cfg.scale)


def version(argv):
    p = subprocess.run(argv, capture_output=True, text=True, check=False)
    return ((p.stdout + p.stderr).strip().splitlines() or ["?"])[0]


def preamble(tool, script, scale, packages):
    """The head of a file of results: what was measured, with what, where."""
    deb = {p: version(["dpkg-query", "-Wf", "${Version}", p])
           for p in packages}
    commit = version(["git", "-C", str(ROOT), "describe", "--always"])
    return [f"# postern {tool}: what it costs", "",
            f"Made by `make bench` ({script}); by hand are only remarks "
            "on the run as a whole, before its first part. "
            + (f"A reduced run (scale {scale}): the numbers mean nothing."
               if scale < 1 else ""), "",
            f"{datetime.date.today()}, commit {commit}; {os.cpu_count()} "
            f"cores, Linux {platform.release()}, "
            + ", ".join(f"{k} {v}" for k, v in deb.items())
            + f"; load when it began {os.getloadavg()[0]:.1f} (a shared "
            "machine: CPU is the figure to compare, wall time is noisy).", ""]
