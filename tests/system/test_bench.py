# SPDX-License-Identifier: ISC
"""bench/run says what it should; what it measures is not judged here."""
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
