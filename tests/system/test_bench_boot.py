# SPDX-License-Identifier: ISC
"""bench/boot says what it should; what it measures is not judged here."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")


def test_a_quick_run_of_boot_prints_its_tables(tmp_path):
    out = tmp_path / "boot.md"
    done = subprocess.run(
        [ROOT / "bench" / "run", "--quick", "--only", "boot", "--out", out],
        timeout=480, env={**os.environ, "BENCH_BUILD": str(BUILD)},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert text.strip() in done.stdout
    verdicts, added, fleet = text.split("\n## ")[1:]
    rows = [line.split(" | ") for line in verdicts.splitlines()
            if line.startswith("| ")]
    assert [r[:2] for r in rows[1:]] == [
        ["| **postern boot unlock**", "askpass"],
        ["| cryptroot-unlock", "askpass"]]
    assert verdicts.count("two tests of the header (target 0.6)") == 1
    assert added.count("(target: less than 1024)") == 1
    assert fleet.startswith("5 hosts at once\n")
    rows = [line.split(" | ")[0] for line in fleet.splitlines()
            if line.startswith("| ")]
    assert rows[1] == "| **postern boot unlock**" and len(rows) == 4
    assert all(r.startswith("| xargs -P: ssh for ") for r in rows[2:])
    assert fleet.count("(target 1.2;") == 1
