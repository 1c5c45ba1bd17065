# SPDX-License-Identifier: ISC
"""What every system test may ask for: tests/lab/README.md."""

import signal

import pytest

from lab.fixtures import hosts, lab, leftovers, secret_search

__all__ = ["enough_inotify", "hosts", "lab", "leftovers", "secret_search"]

INOTIFY = "/proc/sys/fs/inotify/max_user_instances"
INSTANCES = 1024


@pytest.fixture(scope="session", autouse=True)
def enough_inotify():
    """A host's systemd takes about seven of them, and all hosts share the 128
    that a machine gives a user: eighteen hosts at once, then none boots. More
    for as long as the tests run, where that may be set."""
    try:
        with open(INOTIFY, encoding="ascii") as f:
            before = int(f.read())
        if before < INSTANCES:
            with open(INOTIFY, "w", encoding="ascii") as f:
                f.write(str(INSTANCES))
    except OSError:
        before = INSTANCES
    yield
    if before < INSTANCES:
        with open(INOTIFY, "w", encoding="ascii") as f:
            f.write(str(before))

# Who starts us in the background of a script has SIGINT ignored, and so would
# everything that a test starts and ends by Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
