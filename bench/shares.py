# SPDX-License-Identifier: ISC
"""Each host of the lab a share of the processors that is its own, as if it
were a machine of its own: what one computes is not taken from another. By
the cpu controller of cgroup v1 (kernel: scheduler/sched-bwc)."""
import contextlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from lab import proc  # noqa: E402

CONTROLLER = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 20000


def possible():
    return (CONTROLLER / "cgroup.procs").exists()


def cores(hosts):
    """What each has: all together leave a tenth for the rest."""
    return 0.9 * os.cpu_count() / len(hosts)


def _move(pids, group):
    for pid in pids:
        # One that has ended since then moves nowhere.
        with contextlib.suppress(ProcessLookupError):
            (group / "cgroup.procs").write_text(str(pid))


@contextlib.contextmanager
def each(hosts, caller):
    """What runs on the hosts, and what that starts. Commands on the host
    caller are started by this process, which shares with it."""
    quota = int(cores(hosts) * PERIOD_US)
    groups = {h: CONTROLLER / f"{h.cgroup.parent.name}-{h.name}"
              for h in hosts}
    try:
        for host, group in groups.items():
            group.mkdir()
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
            _move(proc.pids_in(host.cgroup), group)
        _move([os.getpid()], groups[caller])
        yield
    finally:
        for group in groups.values():
            if group.exists():
                _move(proc.pids_in(group), CONTROLLER)
                group.rmdir()
