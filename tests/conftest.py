# SPDX-License-Identifier: ISC
"""What every system test may ask for: tests/lab/README.md."""

import signal

from lab.fixtures import hosts, lab, leftovers, secret_search

__all__ = ["hosts", "lab", "leftovers", "secret_search"]

INOTIFY = "/proc/sys/fs/inotify/max_user_instances"
INSTANCES = 1024


def _instances(wanted=None):
    """The limit; set to what is wanted, where that may be done."""
    try:
        with open(INOTIFY, "r+" if wanted else "r", encoding="ascii") as f:
            return f.write(str(wanted)) if wanted else int(f.read())
    except OSError:
        return None


def pytest_configure(config):
    """A host's systemd takes about seven inotify instances, and all hosts
    share the 128 that a machine gives a user: eighteen hosts at once, then
    none boots. More for as long as the tests run; whoever runs them in
    several processes (pytest-xdist) does it once."""
    if not hasattr(config, "workerinput"):
        config.inotify_before = _instances()
        if (config.inotify_before or INSTANCES) < INSTANCES:
            _instances(INSTANCES)


def pytest_unconfigure(config):
    if (getattr(config, "inotify_before", None) or INSTANCES) < INSTANCES:
        _instances(config.inotify_before)


# Who starts us in the background of a script has SIGINT ignored, and so would
# everything that a test starts and ends by Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
