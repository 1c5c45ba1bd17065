# SPDX-License-Identifier: ISC
"""Our own memory with many files, of each command of bench/backup."""
import os
import shutil
import subprocess

import copiers
import gauge
from common import BIN, POSTERN, table, verdict
from copiers import SRC
from places import WORK

LIMIT_MIB = 32
TO = WORK / "restored"
OTHERS = iter(range(12345, 12399))
# Wait statuses: all is well; some is not, and was named.
FINE = ("0", str(2 << 8))


def grow(n):
    """n empty files in folders of a thousand."""
    shutil.rmtree(SRC, ignore_errors=True)
    for i in range(n):
        if i % 1000 == 0:
            d = SRC / f"d{i // 1000:04d}"
            d.mkdir(parents=True)
        os.close(os.open(d / f"file{i}", os.O_CREAT | os.O_WRONLY, 0o644))


def give_away():
    """Each of them is another one than the last run saw, and one that who
    restores it without --privileged can't have as it was: each is named."""
    other = next(OTHERS)
    for folder in SRC.iterdir():
        for path in folder.iterdir():
            os.chown(path, other, other)


def owner(command, job, *more):
    return [POSTERN, "backup", command, "-q", "--config", job.own, *more]


def steps(job):
    """(what, what makes its argv), in an order in which each has something
    to do."""
    def names():
        return sorted(p.name for p in (job.store / job.kind).iterdir()
                      if p.name[0] != ".")

    def changed():
        give_away()
        return job.backup()

    yield "run, the first", job.backup
    yield "run, nothing changed", job.backup
    yield "run, each file changed", changed
    yield "verify", job.verify
    yield "restore", lambda: job.restore(TO)
    yield "list", lambda: owner("list", job)
    yield "list, what is in a folder", lambda: job.words(
        "list", "-q", names()[-1], SRC)
    yield "find, each file", lambda: owner("find", job, "file*")
    yield "diff, each file", lambda: owner("diff", job, names()[0],
                                           names()[-1])
    yield "du", lambda: owner("du", job)
    yield "du, of one snapshot", lambda: owner("du", job, names()[-1])
    yield "status", lambda: owner("status", job, "--html", WORK / "page")
    yield "usage", lambda: job.words("usage", "-q")
    yield "prune", job.prune


def steps_btrfs(job):
    """What goes another way there."""
    def changed():
        give_away()
        return job.backup()

    yield "btrfs: run, the first", job.backup
    yield "btrfs: run, nothing changed", job.backup
    yield "btrfs: run, each file changed", changed
    yield "btrfs: verify", job.verify
    yield "btrfs: prune", job.prune


def peaks(argv, servers):
    """{program: KiB} of a command of ours and of all that it starts, on both
    sides. Of its own process the very peak, however short it lives."""
    with open(WORK / "err", "w+b") as err:
        with gauge.Peaks() as seen:
            subprocess.run([BIN / "measure", "-m", WORK / "out",
                            *map(str, argv)], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=err, cwd=WORK,
                           check=True)
            gauge.settle(servers)
        status, _, _, own = (WORK / "out").read_text().split()
        if status not in FINE:
            err.seek(0)
            raise SystemExit(f"{argv}: wait status {status}\n"
                             + err.read().decode(errors="replace"))
    name = f"postern backup {argv[2]}"
    return {**seen.kib, name: max(int(own), seen.kib.get(name, 0))}


def judged(rows, files):
    """rows: (command, {program: KiB})."""
    for what, kib in rows:
        most = max(kib.values()) / 1024
        yield verdict(most < LIMIT_MIB, f"{what}: at most {most:.1f} MiB in "
                      f"one process at {files} files (target: under "
                      f"{LIMIT_MIB} at 1000000)")


def report(files, ssh, btrfs):
    """btrfs: where one is mounted."""
    grow(files)
    TO.mkdir()
    rows = []
    for job, kinds in ((copiers.Ours(ssh), steps),
                       (copiers.OursBtrfs(ssh, btrfs), steps_btrfs)):
        job.reset()
        rows += [(what, peaks(argv(), ssh.procs))
                 for what, argv in kinds(job)]
    return [f"## Our own memory with {files} files", "",
            "VmHWM of each of our programs, polled every 2 ms, and of the "
            "command's own process at its end; rsync is not ours, and the "
            "jails are looked at until they become it. `receive` is what a "
            "client's command runs on the store.", "",
            *table(["", "program", "peak"], [
                [what, name, f"{kib / 1024:.1f} MiB"]
                for what, all_ in rows for name, kib in sorted(all_.items())]),
            *judged(rows, files), ""]
