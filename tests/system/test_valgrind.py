# SPDX-License-Identifier: ISC
"""One path of each command under valgrind: the demo's pushes and window with
real sshd and csync2, and what postern unlock does without another host. Not
for a build with ASan (build-aux/check.sh leaves it out there)."""

import os
import pathlib
import subprocess

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
UNLOCK = BUILD / "tools" / "unlock" / "postern-unlock"
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99",
            "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--child-silent-after-fork=yes"]
DEADLINE_S = 300
# Where the real ssh finds nobody, at once.
NOBODY = ["--map", "other=127.0.0.1", "-o", "Port=1"]
# 1 where this machine itself is of no use, having no tmpfs on /run.
NONE = (1, 75)


@pytest.fixture
def folder(tmp_path):
    """csync2's system directory with one group: this host and another."""
    (tmp_path / "csync2.cfg").write_text(
        f"group g {{ host me other; key {tmp_path}/k;"
        f" include {tmp_path}/d; }}\n")
    os.mkfifo(tmp_path / "k", 0o600)
    (tmp_path / "d").mkdir()
    return tmp_path


@pytest.mark.parametrize("args,status", [
    (["--help"], 0),
    (["--version"], 0),
    (["--dry-run", "g"], 0),
    (["--dry-run", "--json", "g"], 0),
    (["--no-such-option"], 64),
    (["no-such-group"], 64),
    (["--check"], 1),
    (["--setup", "--dry-run", "-H", "other", *NOBODY, "g"], NONE),
    (["--cage", "--dry-run"], 1),
    (["--state", "-", *NOBODY, "g"], NONE),
    (["--fifo", "--accept-risk", *NOBODY, "g"], NONE),
    (["--hold", "--accept-risk", *NOBODY, "--for", "1s", "g"],
     NONE),
])
def test_commands_that_reach_no_other_host(folder, args, status):
    done = subprocess.run(
        VALGRIND + [UNLOCK, "-N", "me"] + args, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder),
             "CSYNC2_SYSTEM_DIR": str(folder)},
        stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S)
    assert "==" not in done.stderr, done.stderr
    assert done.returncode in (status if status is NONE else (status,)), (
        done.stdout, done.stderr)


def test_the_demo(tmp_path):
    (tmp_path / "postern").write_text(
        "#!/bin/sh\n# As the dispatcher does.\n[ \"$1\" = unlock ] || exit 64\n"
        f"shift\nexec {' '.join(VALGRIND)} {UNLOCK} \"$@\"\n")
    (tmp_path / "postern").chmod(0o755)
    done = subprocess.run(
        [TREE / "demo" / "run"], text=True, stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "TERM": "dumb",
             "BUILD": str(tmp_path)},
        capture_output=True, timeout=DEADLINE_S)
    # Valgrind's own lines begin with "==PID==".
    assert "==" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout
