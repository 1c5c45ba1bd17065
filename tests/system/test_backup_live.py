# SPDX-License-Identifier: ISC
"""The line that lives on a terminal while something is on its way, and what
stands there afterwards: of a run in each mode, a pull, and a restore."""

import os
import re

import pytest

from backuplib import CLIENT, CONF, HOME, POSTERN, STORE  # noqa: F401
from backuplib import backup  # noqa: F401
from test_backup_pull import DATA, pull  # noqa: F401
from terminal import on_terminal

SLOW = "300K"
OUT = f"{HOME}/out"
SUMMARY = r": laptop\.\S+: \d+ files, 1\.4 MiB, "
NEW = r"1\.4 MiB new, in \d+ s\r\n$"
# Who says it, its exit status, and what it ends with.
WAYS = {
    "run": (["run"], "t", 0, SUMMARY + NEW),
    "run, direct": (["run", "--mode", "direct"], "t", 0, SUMMARY + NEW),
    "pull": (["pull", "--store", STORE, "h1"], "h1", 0,
             SUMMARY.replace("laptop", "h1") + NEW),
    # Whose the files were is what a plain user can't bring back.
    "restore": (["restore", "latest", DATA, "--to", OUT], "t", 2,
                SUMMARY + rf"in \d+ s, to {OUT}\r\n"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_terminal_gets_a_line_that_lives_and_a_summary(pull, way):  # noqa: F811
    b = pull
    words, name, status, last = WAYS[way]
    b.files({f"{DATA}/a{i}": "x" for i in range(9)})
    b.files({f"{DATA}/z{i}": os.urandom(500_000) for i in range(3)})
    if way == "restore":
        b.accept(CLIENT, b.client.read(f"{CONF}/backup_key.pub").strip(),
                 "--allow", "run,restore")
        b.run("-q")
    b.conf(root=DATA, bandwidth=SLOW)
    host = b.store if way == "pull" else b.client
    rc, out = on_terminal(
        host, words, rows=24, columns=100, command=(
            "env", "NO_COLOR=1", *(f"{k}={v}" for k, v in b.ENV.items()),
            *b.as_user(host, POSTERN, "backup")))
    text = out.decode()
    assert rc == status, text
    live = (rf"{name} +transfer +\d+%  [1-9]\d* files  [\d.]+ [KM]iB  "
            r"[\d.]+ [KM]iB/s  \d+:\d\d left")
    assert re.search(live, text), text
    # It is over when the line is done: what follows is the summary's.
    assert re.search(rf"\n?{name}{last}", text), text
