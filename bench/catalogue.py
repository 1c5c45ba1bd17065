# SPDX-License-Identifier: ISC
"""What the catalogue of bench/backup answers, and how fast: find and diff
among a million files, by backup_catalog.c."""
import re
import subprocess

from common import BIN, table, verdict
from places import WORK

SNAPSHOTS = 30
# Milliseconds, at a million files.
LIMITS = {"exact": 10, "prefix": 10, "glob": 300, "diff": 1000}
TITLES = {"exact": "find --exact", "prefix": "find --prefix", "glob": "find",
          "diff": "diff", "du": "du", "remove": "forget"}
LINE = re.compile(r"^(\w+) +(\S.*?) +([\d.]+) ms +([\d.]+) cpu +(\d+) results$",
                  re.M)
PEAK = re.compile(r"^peak memory +(\d+) KiB$", re.M)


def run(*words):
    return subprocess.run([BIN / "backup_catalog", *map(str, words)],
                          check=True, capture_output=True, text=True).stdout


def report(files):
    db = WORK / "catalog.db"
    made = run("synth", db, files, SNAPSHOTS)
    size = db.stat().st_size
    said = run("query", db)
    db.unlink()
    rows, worst = [], {}
    for kind, what, wall, cpu, found in LINE.findall(said):
        limit = LIMITS.get(kind)
        rows.append([TITLES[kind], f"`{what}`" if "/" in what or "." in what
                     or "*" in what else what, f"{float(wall):.2f} ms",
                     f"{float(cpu):.2f} ms", found,
                     f"{limit} ms" if limit else ""])
        worst[kind] = max(worst.get(kind, 0), float(wall))
    peak = max(int(k) for k in PEAK.findall(made + said)) / 1024
    return [f"## find and diff among {files} files in {SNAPSHOTS} snapshots",
            "", "A catalogue as runs make it: 1 % of the files changes from "
            "one snapshot to the next, a tenth of that comes or goes; "
            f"{size / 1e6:.0f} MB on a tmpfs. Each answer is the median of "
            "five, the catalogue opened anew for each (forgetting a snapshot: "
            "once).", "",
            *table(["", "asked for", "wall", "CPU", "rows", "target"], rows),
            *(verdict(worst[kind] <= limit, f"{TITLES[kind]}, the slowest: "
                      f"{worst[kind]:.2f} ms (target {limit} at 1000000 "
                      "files)") for kind, limit in LIMITS.items()),
            verdict(peak < 32, f"at most {peak:.1f} MiB of memory (target: "
                    "under 32)"), ""]
