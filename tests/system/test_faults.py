# SPDX-License-Identifier: ISC
"""postern killed, or one of its system calls failed, at points of a whole run:
no host keeps anything, no run hangs, no failure goes unsaid."""

import pytest

from fleet import POSTERN, fleet  # noqa: F401
from lab import faults

# Without the scan's state: its lock would make the next run busy for as long
# as the killed one's pusher takes to notice.
ARGV = [POSTERN, "unlock", "-C", "priv", "--state", "-", "--connect-timeout",
        "5s", "--host-timeout", "8s", "privileged"]
RUN_S = 40
# That many runs, then one look at what is left: it only grows.
GROUP = 10
SPREAD = 20
KINDS = {"write", "connect", "accept4", "clone", "clone3", "fork", "vfork",
         "execve", "pipe2", "socket", "bind", "listen", "mlock", "ppoll",
         "epoll_wait", "epoll_ctl", "wait4", "waitid", "sendto", "recvfrom", "kill", "unlink"}
ERRORS = {
    "write": ["ENOSPC", "EINTR", "EPIPE"], "openat": ["ENOSPC", "EMFILE"],
    "socket": ["EMFILE"], "pipe2": ["EMFILE"], "accept4": ["EMFILE"],
    "clone": ["EAGAIN", "ENOMEM"], "clone3": ["EAGAIN"],
    "vfork": ["ENOMEM"], "mmap": ["ENOMEM"], "mlock": ["ENOMEM"],
    "epoll_wait": ["EINTR"], "epoll_ctl": ["ENOMEM"],
    "epoll_create1": ["EMFILE"], "read": ["EINTR", "EIO"], "connect": ["EINTR"],
    "sendto": ["EINTR", "ECONNRESET"], "recvfrom": ["EINTR"],
    "fcntl": ["EINVAL"], "prlimit64": ["EPERM"], "execve": ["ENOENT"],
    "bind": ["EADDRINUSE"], "prctl": ["EPERM"], "signalfd4": ["EMFILE"],
    "rt_sigprocmask": ["EINVAL"], "getrandom": ["EIO"], "madvise": ["EINVAL"],
    "munmap": ["EINVAL"], "writev": ["ENOSPC"], "mprotect": ["ENOMEM"], "close": ["EINTR"], "fstat": ["EIO"],
}


@pytest.fixture
def group(fleet):
    fleet.setup(1)
    fleet.scripts({f"s{i}": f"#!/bin/sh\necho {i}\n" for i in range(3)})
    # What the first run of all makes is no leftover of a later one.
    fleet.admin.run(ARGV)
    return fleet


def spread(points, n):
    """n of the points, evenly over the list."""
    step = max(1, len(points) // n)
    return points[::step]


def batches(items):
    return [items[i:i + GROUP] for i in range(0, len(items), GROUP)]


def test_killed_anywhere_it_leaves_nothing_and_the_next_push_works(group):
    fleet = group
    points = faults.points(fleet.admin, ARGV)
    kinds = {p.syscall for p in points}
    assert {"execve", "epoll_wait", "vfork", "write"} <= kinds, sorted(kinds)
    chosen = [p for p in points if p.nth == 1 and p.syscall in KINDS]
    chosen += [p for p in points if p.nth == 2 and p.syscall == "execve"]
    chosen += spread([p for p in points if p not in chosen], SPREAD)
    before = fleet.leftovers(ignore=(r"/srv/priv(/|$)",))
    hit = 0
    for batch in batches(chosen):
        for point in batch:
            done = fleet.admin.run(point.kill(ARGV), check=False,
                                   timeout=RUN_S)
            # Polls differ from run to run: not every point is there again.
            assert done.returncode in (0, -9, 137), (str(point), done.stderr)
            hit += done.returncode != 0
        try:
            before.settle()
        except AssertionError as e:
            raise AssertionError(f"{[*map(str, batch)]}\n{e}") from None
        fleet.admin.run(ARGV)
        fleet.assert_same()
    assert hit > len(chosen) * 3 // 4
    before.settle()


def test_a_system_call_that_fails_is_an_error_that_is_told(group):
    fleet = group
    points = faults.points(fleet.admin, ARGV, only=set(ERRORS))
    cases = []
    for name, errors in ERRORS.items():
        own = [p for p in points if p.syscall == name]
        # The first of a program are its loader's.
        for point in {own[i] for i in (len(own) // 2, len(own) * 5 // 6)
                      } if own else ():
            cases += [(point, e) for e in errors[:1]]
        cases += [(own[len(own) // 2], e) for e in errors[1:] if own]
    before = fleet.leftovers(ignore=(r"/srv/priv(/|$)",))
    failed = 0
    for batch in batches(cases):
        for point, error in batch:
            case = f"{point} {error}"
            fleet.scripts({"s0": case})
            done = fleet.admin.run(point.fail(ARGV, error), check=False,
                                   timeout=RUN_S)
            said = f"{case}: {done.returncode}\n{done.stdout}{done.stderr}"
            # libsodium aborts rather than make a key of nothing.
            assert done.returncode in (0, 1, 2, 64, 75, 127) or (
                point.syscall == "getrandom" and done.returncode == -6), said
            if done.returncode == 0:
                assert fleet.tree(1) == fleet.tree("admin"), said
            else:
                failed += 1
                assert done.stderr.strip() or "failed" in done.stdout or \
                    done.returncode == -6, said
        try:
            before.settle()
        except AssertionError as e:
            raise AssertionError(
                f"{[f'{p} {c}' for p, c in batch]}\n{e}") from None
    assert failed > len(cases) // 3
    fleet.admin.run(ARGV)
    fleet.assert_same()


def test_no_room_on_run_of_a_receiver_is_told_and_leaves_nothing(group):
    fleet = group
    h1 = fleet.host(1)
    # PAM's own file of a login, which has no room either.
    before = fleet.leftovers(ignore=(r"/run/motd\.dynamic\.new$",))
    fleet.scripts({"s9": "x"})
    for kib in (0, 4, 8):
        h1.run("used=$(df -k --output=used /run | tail -n 1); mount -o "
               f"remount,size=$((used + {kib}))k /run")
        try:
            done = fleet.admin.run(ARGV, check=False, timeout=RUN_S)
        finally:
            h1.run("mount -o remount,size=50% /run")
        if done.returncode != 0:
            assert "h1" in done.stdout and "failed" in done.stdout, done
            assert not h1.exists("/srv/priv/s9")
        before.settle()
        if kib == 0:
            assert done.returncode == 1, done
    fleet.admin.run(ARGV)
    fleet.assert_same()
