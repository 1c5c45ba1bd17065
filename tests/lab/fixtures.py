# SPDX-License-Identifier: ISC
"""The fixtures of system tests; tests/conftest.py imports them."""

import atexit
import pathlib
import signal
import threading

import pytest

from . import leftovers as _leftovers
from . import secrets as _secrets
from .lab import Lab

TREE = pathlib.Path(__file__).parents[2]


def _interrupt(*_):
    raise KeyboardInterrupt


@pytest.fixture(scope="session")
def lab():
    """One lab a run, with the source tree at /src of its host admin."""
    # A plain kill takes the way of Ctrl-C, which runs every clean-up. After
    # a kill -9 the kernel ends the hosts and the next lab removes the rest; so
    # it does where xdist has given a worker another thread than the main one,
    # which may set no handler.
    may = threading.current_thread() is threading.main_thread()
    before = [(s, signal.signal(s, _interrupt))
              for s in (signal.SIGTERM, signal.SIGHUP) if may]
    made = Lab(source=TREE)
    atexit.register(made.close)
    yield made
    made.close()
    atexit.unregister(made.close)
    for number, handler in before:
        signal.signal(number, handler)


@pytest.fixture
def hosts(lab):
    """hosts(n): h1 … hn, shared by the session, with whole links. A test
    ends what it started there. hosts(n, fresh=True): hosts of its own, for
    a test that breaks them."""
    own = []

    def get(n, fresh=False):
        if not fresh:
            return lab.first(n)
        made = lab.fresh(n)
        own.extend(made)
        return made

    yield get
    for host in own:
        lab.remove(host)
    for host in lab.hosts.values():
        host.link.restore()


@pytest.fixture
def secret_search():
    """secret_search(hosts, secret, allow_mem=…): the hits; secrets.py."""
    return _secrets.search


@pytest.fixture
def leftovers():
    """leftovers(hosts, ignore=…): take the state now; .settle(deadline_s)
    fails, at the latest at the test's end, if anything is left by then."""
    taken = []

    def take(hosts, ignore=()):
        taken.append(_leftovers.Leftovers(hosts, ignore))
        return taken[-1]

    yield take
    for one in taken:
        one.hosts = [h for h in one.hosts if h.alive()]
        # What settle() has said already it need not say twice.
        if not one.failed:
            one.settle()
