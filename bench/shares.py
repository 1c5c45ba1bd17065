# SPDX-License-Identifier: ISC
"""Each host of the lab a share of one processor that is its own, as if it were
a machine of its own: what one computes is not taken from another. By the cpu
controller of cgroup v1 (kernel: scheduler/sched-bwc).

Of one processor, and the others idle: two that compute at once slow each other
down where they are threads of one core, and all but direct access would pay
for that.
"""
import contextlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from lab import proc  # noqa: E402

CONTROLLER = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 20000
EMPTY_S = 10


def possible():
    return (CONTROLLER / "cgroup.procs").exists()


def cores(hosts):
    """What each has: all together leave a tenth for the rest."""
    return 0.9 / len(hosts)


def _pin(pids, cpus):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(pid, cpus)


def _ours():
    """The group that this process is in, and so whatever it started."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            return CONTROLLER / path.lstrip("/")
    return CONTROLLER


def _move(pids, group):
    for pid in pids:
        # One that has ended since then moves nowhere.
        with contextlib.suppress(ProcessLookupError):
            (group / "cgroup.procs").write_text(str(pid))


def _dissolve(group, into):
    """What forks meanwhile has children in the group: again, until none is."""
    def gone():
        _move(proc.pids_in(group), into)
        with contextlib.suppress(OSError):
            group.rmdir()
        return not group.exists()
    proc.wait_for(gone, EMPTY_S, f"end of {group}")


@contextlib.contextmanager
def each(hosts, caller):
    """What runs on the hosts, and what that starts. Commands on the host
    caller are started by this process, which shares with it."""
    quota = int(cores(hosts) * PERIOD_US)
    every = os.sched_getaffinity(0)
    one = {min(every)}
    ours = _ours()
    groups = {h: CONTROLLER / f"{h.cgroup.parent.name}-{h.name}"
              for h in hosts}
    with contextlib.ExitStack() as undo:
        for host, group in groups.items():
            group.mkdir()
            undo.callback(_dissolve, group, ours)
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
            _move(proc.pids_in(host.cgroup), group)
            undo.callback(lambda h=host: _pin(proc.pids_in(h.cgroup), every))
            _pin(proc.pids_in(host.cgroup), one)
        _move([os.getpid()], groups[caller])
        undo.callback(_pin, [os.getpid()], every)
        _pin([os.getpid()], one)
        yield
