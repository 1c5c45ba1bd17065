# SPDX-License-Identifier: ISC
"""demo/run as a newcomer runs it, and what is left of it when it ended."""

import os
import pathlib
import pty
import re
import signal
import subprocess
import time

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
KINDS = ("mnt", "net", "pid", "uts", "ipc")


def _namespaces(pid):
    found = set()
    for kind in KINDS:
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            pass
    return found


OURS = _namespaces("self")


def _pids():
    return [int(p) for p in os.listdir("/proc") if p.isdigit()]


def _below(top):
    """The processes below top, whatever namespaces they are in."""
    parents = {}
    for pid in _pids():
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]),
                           []).append(pid)
    found, todo = [], [top]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def _start_time(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[1].split()
    # A zombie is its parent's business.
    return None if fields[0] in "ZX" else fields[19]


class Demo:
    """A run, what it is made of, and what it may not leave behind."""

    def __init__(self, tmp_path, out=subprocess.PIPE, **env):
        self.tmp = tmp_path / "tmp"
        self.tmp.mkdir()
        self.before = self._outside()
        self.seen, self.started = set(), {}
        env = {"PATH": os.environ["PATH"], "TERM": "xterm",
               "BUILD": str(BUILD), "TMPDIR": str(self.tmp), **env}
        self.child = subprocess.Popen(
            [TREE / "demo" / "run"], env=env, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    @staticmethod
    def _outside():
        links = subprocess.run(["ip", "-o", "link"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        return {
            "mounts": [l for l in pathlib.Path("/proc/self/mountinfo")
                       .read_text().splitlines() if " demo " in l],
            "links": re.findall(r": (switch|to-(?:alpha|beta|gamma))@?",
                                links),
            "files": sorted(str(p) for d in ("/mnt", "/media", "/srv")
                            for p in pathlib.Path(d).glob("*")),
        }

    def look(self):
        for pid in _below(self.child.pid):
            self.seen |= _namespaces(pid) - OURS
            self.started[pid] = _start_time(pid)

    def left(self):
        """A list: processes and namespaces of the run, and other traces."""
        found = [f"process {p}" for p, t in self.started.items()
                 if t is not None and _start_time(p) == t]
        found += [f"process {p} in {ns}" for p in _pids()
                  for ns in _namespaces(p) & self.seen]
        found += [str(p) for p in self.tmp.iterdir()]
        after = self._outside()
        return found + [k for k in after if after[k] != self.before[k]]

    def gone(self, deadline_s=10):
        end = time.monotonic() + deadline_s
        while self.left() and time.monotonic() < end:
            time.sleep(0.05)
        assert self.left() == []

    def end(self):
        if self.child.poll() is None:
            self.child.terminate()
        self.child.wait(20)


@pytest.fixture
def demo(tmp_path):
    runs = []

    def start(*args, **kwargs):
        runs.append(Demo(tmp_path, *args, **kwargs))
        return runs[-1]

    yield start
    for run in runs:
        run.end()


def _until(stream, word):
    """Read lines up to the one with word; the deadline is the demo's own."""
    lines = []
    for line in stream:
        lines.append(line)
        if word in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_the_demo_shows_ten_things_and_leaves_nothing(demo):
    run = demo()
    text = _until(run.child.stdout and os.fdopen(
        os.dup(run.child.stdout.fileno()), encoding="utf-8"), "5. Root on")
    run.look()
    # World and hosts: namespaces of their own, all four of each.
    assert len(run.seen) >= 4 * len(KINDS)
    rest, _ = run.child.communicate(timeout=150)
    text += rest.decode()
    assert run.child.returncode == 0, text
    verdicts = re.findall(r"^ +(\d+) (yes|NO) +\S", text, re.M)
    assert verdicts == [(str(n), "yes") for n in range(1, 11)], text
    assert "\x1b" not in text
    run.gone()


@pytest.mark.parametrize("name, signo, whole_group, status", [
    ("Ctrl-C", signal.SIGINT, True, 130),
    ("kill", signal.SIGTERM, False, 143),
    ("kill -9", signal.SIGKILL, False, -9),
])
def test_a_demo_that_is_ended_leaves_nothing(demo, name, signo, whole_group,
                                             status):
    run = demo()
    with os.fdopen(os.dup(run.child.stdout.fileno()), encoding="utf-8") as out:
        _until(out, "3. A shared window")
    run.look()
    assert len(run.seen) >= 4 * len(KINDS), name
    if whole_group:
        os.killpg(run.child.pid, signo)
    else:
        run.child.send_signal(signo)
    assert run.child.wait(20) == status
    if signo != signal.SIGKILL:
        assert run.left() == []
    run.gone()


@pytest.mark.parametrize("env, coloured", [
    ({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_is_for_terminals_that_want_it(demo, env, coloured):
    ours, theirs = pty.openpty()
    run = demo(theirs, **env)
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8", newline="") as out:
        text = _until(out, "1. The key")
    assert ("\x1b[1m" in text) == coloured
    run.look()
    run.end()
    run.gone()


def test_without_a_build_it_says_what_to_do(tmp_path):
    done = subprocess.run([TREE / "demo" / "run"], text=True,
                          env={**os.environ, "BUILD": str(tmp_path)},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 1
    assert "make demo" in done.stdout


NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def _in_a_chroot():
    """There, / is no mount point, and the kernel makes no user namespaces."""
    return subprocess.run(["unshare", "--mount", "true"],
                          stderr=subprocess.DEVNULL).returncode != 0


def _as_nobody(tmp_path, ids):
    """demo/run as a user whose line in /etc/subuid is ids."""
    subid = tmp_path / "subid"
    subid.write_text(ids)
    build = BUILD.relative_to(TREE)
    script = f"""
        [ -e /etc/subuid ] || touch /etc/subuid /etc/subgid
        mount --bind {subid} /etc/subuid && mount --bind {subid} /etc/subgid &&
        mount --bind {TREE} /media && cd / && exec env BUILD={build} \\
        {" ".join(NOBODY)} /media/demo/run"""
    return subprocess.run(["unshare", "--mount", "sh", "-c", script],
                          text=True, stdin=subprocess.DEVNULL, timeout=170,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_who_is_not_root_but_has_user_ids_sees_the_same(tmp_path):
    if _in_a_chroot():
        refused = subprocess.run([*NOBODY, "unshare", "--user", "true"])
        assert refused.returncode != 0
        return
    done = _as_nobody(tmp_path, "nobody:100000:65536\n")
    assert done.returncode == 0, done.stdout
    assert len(re.findall(r"^ +\d+ yes  ", done.stdout, re.M)) == 10


def test_who_has_no_user_ids_is_told_the_one_command(tmp_path):
    if _in_a_chroot():
        done = subprocess.run([*NOBODY, TREE / "demo" / "run"], text=True,
                              env={**os.environ, "BUILD": str(BUILD)},
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    else:
        done = _as_nobody(tmp_path, "")
    assert done.returncode == 1
    assert "/demo/run\n" in done.stdout and " sudo /" in done.stdout
    assert "uidmap" in done.stdout
