# SPDX-License-Identifier: ISC
"""The benchmarks say what they should; what they measure is not judged here."""
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")


def test_a_quick_run_prints_all_four_tables(tmp_path):
    out = tmp_path / "unlock.md"
    done = subprocess.run(
        [ROOT / "bench" / "run", "--quick", "--out", out], timeout=240,
        # The peak is measured by a tracer, where no leak can be looked for.
        env={**os.environ, "BENCH_BUILD": str(BUILD),
             "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True,
        text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert text.strip() in done.stdout
    for title in ("stub hosts", "cost a host", "real sshd", "small files"):
        assert text.count(title) >= 1
    for name in ("bare C spawner", "xargs -P", "pssh -I", "clush",
                 "**postern's fan-out (core/)**",
                 "**postern unlock … -- true"):
        # A run in which a busy machine lost a host says so in its row.
        assert text.count(f"| {name}") >= 2, name
    assert "| first push: **postern unlock** |" in text


def test_a_quick_run_of_backup_prints_a_table_a_case(tmp_path):
    out = tmp_path / "backup.md"
    done = subprocess.run(
        [ROOT / "bench" / "backup", "--quick", "--out", out], timeout=240,
        env={**os.environ, "BENCH_BUILD": str(BUILD)}, capture_output=True,
        text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert text.strip() in done.stdout
    cases = text.split("\n### ")[1:]
    assert [c.splitlines()[0] for c in cases] == [
        "initial", "no change", "1 % changed", "restore", "verify", "prune",
        "Targets"]
    for case in cases[:3]:
        for name in ("rsync --link-dest", "**postern backup**", "rsnapshot",
                     "borg", "restic", "**postern backup, btrfs**"):
            assert f"\n| {name} | " in case, name
        assert "not measured" not in case
    for phase in ("transfer", "sync"):
        assert f"{phase} " in text
    for target in ("hardlink, initial", "the manifest", "no change, against "
                   "borg", "no change, against restic", "verify against "
                   "restic"):
        assert target in cases[-1], target
    assert "| postern backup receive |" in text
    # find and diff, each with its limit.
    found = text.split("\n## find and diff among ")[1]
    for row, limit in (("find --exact", "10 ms"), ("find --prefix", "10 ms"),
                       ("find", "300 ms"), ("diff", "1000 ms")):
        rows = [line for line in found.splitlines()
                if line.startswith(f"| {row} | ")]
        assert rows and all(r.endswith(f" | {limit} |") for r in rows), row
        # Something was found, so something was looked for.
        assert any(int(r.split(" | ")[-2]) > 0 for r in rows), row
    assert found.count("(target ") == 4


def test_a_quick_run_of_git_prints_a_table_a_case(tmp_path):
    out = tmp_path / "git.md"
    done = subprocess.run(
        [ROOT / "bench" / "run", "--quick", "--only", "git", "--out", out],
        timeout=480, env={**os.environ, "BENCH_BUILD": str(BUILD)},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert text.strip() in done.stdout
    near, far, apart, large, crowd, keys = text.split("\n## ")[1:]
    line, free = large.split("\n### ")[1:]
    # A share of the processors for each takes cgroup v1's controller.
    cpu = Path("/sys/fs/cgroup/cpu")
    two = [line]
    if (cpu / "cgroup.procs").exists():
        assert " of one core each" in apart
        assert not list(cpu.glob("postern-lab-*"))
        two.append(apart)
    else:
        assert "Not measured: " in apart
    for part in (*near.split("\n### ")[1:], *far.split("\n### ")[1:],
                 free, crowd):
        rows = [line.split(" | ")[0] for line in part.splitlines()
                if line.startswith("| ")]
        assert rows[1:] == [
            "| direct access", "| **postern git, mux**",
            "| **postern git, mux = 0**", "| stand-in for the original"], part
        assert part.count("(target") == 1, part
    for part in two:
        rows = [r.split(" | ") for r in part.splitlines() if " MB/s | " in r]
        assert [r[0] for r in rows] == ["| direct access",
                                        "| **postern git, mux**"]
        assert part.count("(target") == 1
        # The line's Mbit/s, which nothing can exceed: a byte of it is 8 bits.
        assert part != line or all(
            float(r[1].split()[0]) < 100 / 8 for r in rows)
    for part in (near, far):
        assert [c.splitlines()[0] for c in part.split("\n### ")[1:]] == [
            "ls-remote", "small clone"]
        # What is called mux went through the pool, and only that.
        assert ("direct access 1, postern git, mux 0, postern git, mux = 0 1, "
                "stand-in for the original 1." in part)
    assert "| a key that is there | " in keys
    assert keys.count("(target ") == 1
    # A file and an index of each size let alice in.
    assert len([line for line in keys.split("### A login")[1].splitlines()
                if line.endswith(" ms |")]) == 4
