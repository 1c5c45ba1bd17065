# SPDX-License-Identifier: ISC
"""postern backup restore from a store that means harm."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")
TOOLS = BUILD / "tools" / "backup"
HOSTILE = Path(__file__).parent / "hostile_store.py"
PROGRAMS = ["postern-backup", "postern-backup-send", "postern-backup-recv",
            "postern-backup-relay"]
USER = 64712
SNAPSHOT = "web.2001-09-09.1000000000"
FILE, DIR, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, \
    stat.S_IFLNK | 0o777
CONF = """[job t]
destination = store@nowhere
root = /
ssh = {ssh}
key = {key}
known-hosts = {key}
beat = 1s
"""


class Victim:
    """outside/ is the user's; to/ is where the restore writes."""

    def __init__(self, path, uid):
        self.path, self.uid = path, uid
        self.to, self.outside = path / "to", path / "outside"
        for folder in (self.outside, self.to, path / "bin"):
            folder.mkdir()
        for name in PROGRAMS:
            shutil.copy(TOOLS / name, path / "bin" / name)
        shutil.copy(HOSTILE, path / "bin" / "ssh")
        (self.outside / "file").write_text("as it was")
        (path / "key").write_text("")
        (path / "conf").write_text(CONF.format(
            ssh=path / "bin" / "ssh", key=path / "key"))
        for p in (path, self.outside, self.to, self.outside / "file",
                  path / "key", path / "conf"):
            os.chown(p, uid, uid)
        os.chmod(path / "key", 0o600)
        os.chmod(path, 0o755)
        self.before = self.tree()

    def tree(self):
        """All but what is in to/."""
        return {str(p): (os.lstat(p).st_mode, os.lstat(p).st_uid,
                         os.lstat(p).st_mtime_ns if p != self.path else 0,
                         p.read_bytes() if p.is_file() else None)
                for p in [self.path, *self.path.rglob("*")]
                if self.to not in (p, *p.parents) and p.name != "attack"}

    def restored(self):
        return {str(p.relative_to(self.to)) for p in self.to.rglob("*")
                if "partial" not in str(p)}

    def run(self, *args, paths=("/x",), to=True, **attack):
        (self.path / "attack").write_text(json.dumps(attack))
        done = subprocess.run(
            ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid),
             "--clear-groups", str(self.path / "bin/postern-backup"),
             "restore", "--config", str(self.path / "conf"), *args, "latest",
             *paths, *(["--to", str(self.to)] if to else [])],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.path),
                 "ATTACK": str(self.path / "attack")},
            cwd=self.path, capture_output=True, text=True, timeout=60)
        assert self.tree() == self.before, done.stderr
        return done


@pytest.fixture(params=["user", "root"])
def victim(request):
    with tempfile.TemporaryDirectory(prefix="postern-hostile.") as path:
        yield Victim(Path(path), USER if request.param == "user" else 0)


def options(victim):
    return ("--privileged",) if victim.uid == 0 else ()


def test_what_was_asked_for_arrives_so_the_script_is_right(victim):
    done = victim.run("-v", *options(victim), entries=[
        {"name": "x", "mode": FILE, "data": "fine\n"}], send=[0])
    assert victim.restored() == {"x"}, done.stderr
    assert (victim.to / "x").read_text() == "fine\n"


@pytest.mark.parametrize("name", [
    "../evil", "../outside/evil", "../outside/file", "x/../../evil",
    "x/../../outside/file", "/tmp/postern-hostile-evil", "./../evil", "y",
    "x/./../y", "..", "x/..", ""])
def test_a_name_that_leads_elsewhere_is_not_written(victim, name):
    entries = [{"name": name, "mode": FILE, "data": "evil\n"}]
    if name.startswith("x/"):
        entries.insert(0, {"name": "x", "mode": DIR})
    for send in ([0], [1]):
        done = victim.run(*options(victim), entries=entries, send=send)
        assert done.returncode != 0, done.stdout
        assert not os.path.exists("/tmp/postern-hostile-evil")
        assert victim.restored() <= {"x"}


@pytest.mark.parametrize("target", ["outside", "outside/file", "{}",
                                    "{}/file"])
@pytest.mark.parametrize("send", [[0], [1]])
def test_nothing_is_written_through_a_link_of_the_stream(victim, target,
                                                         send):
    at = target.format(victim.outside)
    if not at.startswith("/"):
        at = "../" + at
    for name in ("x/file", "x/evil", "x"):
        victim.run(*options(victim), entries=[
            {"name": "x", "mode": LINK, "target": at},
            {"name": name, "mode": FILE, "data": "evil\n"}], send=send)
        for p in victim.to.rglob("*"):
            p.unlink()


def test_nothing_is_written_through_a_link_that_is_there(victim):
    os.symlink(victim.outside, victim.to / "x")
    victim.run(*options(victim), entries=[
        {"name": "x", "mode": DIR},
        {"name": "x/file", "mode": FILE, "data": "evil\n"}], send=[1])
    victim.run(*options(victim), paths=("/x/file",), entries=[
        {"name": "x", "mode": DIR},
        {"name": "x/file", "mode": FILE, "data": "evil\n"}], send=[1])


def test_no_setuid_and_no_device_without_privileged(victim):
    for mode in (0o4755, 0o2755, 0o6777):
        victim.run(entries=[{"name": "x", "mode": stat.S_IFREG | mode,
                             "data": "evil\n"}], send=[0])
        st = os.lstat(victim.to / "x")
        assert not st.st_mode & 0o6000
        assert st.st_uid == victim.uid
        (victim.to / "x").unlink()
    victim.run(entries=[{"name": "x", "mode": stat.S_IFCHR | 0o666}])
    assert victim.restored() == set()


@pytest.mark.parametrize("answer", [
    "status 0\n", "status 0\nsnapshot ../../outside\n",
    "status 0\nsnapshot /etc\n", "status 0\nsnapshot web.2001-09-09.1\n",
    "status 0\nsnapshot web.2001-09-09.1000000000/../x\n",
    "status 0\nsnapshot .web\n"])
def test_a_name_of_a_snapshot_makes_no_other_folder(victim, answer):
    done = victim.run(*options(victim), to=False, answer=answer)
    assert done.returncode == 1
    assert "another snapshot" in done.stderr or "snapshot" in done.stderr


@pytest.mark.parametrize("frames", [
    "D\xff\xff\xff", "D\x01\x00\x01" + "x" * 65537, "Z\x00\x00\x01x",
    "A\x00\x00\x09status 0\n", "Q\x00\x00\x01x", "E\x00\x00\x01x",
    "E\x00\x00\x010E\x00\x00\x010", "P\x00\x00\x03\x1b[m",
    "R\x00\x00\x09status 0\n", "B\x00\x00\x00" * 100000,
    "D\x00\x00\x05hello" * 1000])
def test_frames_of_no_sense_end_it(victim, frames):
    done = victim.run(*options(victim), frames=frames)
    assert done.returncode in (1, 75), done.stdout
    assert "\x1b" not in done.stderr + done.stdout
    assert victim.restored() == set()


def test_what_the_store_says_is_escaped(victim):
    done = victim.run(*options(victim),
                      answer="status 1\nwhy no\\033[31m\\012such\n")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr and done.stderr.count("\n") == 1
