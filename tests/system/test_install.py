# SPDX-License-Identifier: ISC
"""make install: what reads for a backup gets its capability back where root
has made the group for it; for a package the steps are printed."""

import os
import pathlib
import shutil
import stat
import subprocess

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
SCRIPT = TREE / "build-aux/readall.sh"
SEND = BUILD / "tools/backup/postern-backup-send"
STEPS = ("chown root:postern {0}", "chmod 0750 {0}",
         "setcap cap_dac_read_search=p {0}")


@pytest.fixture
def machine(tmp_path):
    """(program, run): run(group=…, **env) is the script on a machine that has
    a group postern, or has none. Who owns the program is only written down."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "postern-backup-send"
    shutil.copy(SEND, program)
    program.chmod(0o755)

    def run(group, setcap=None, **env):
        for name, script in (
                ("getent", f'[ "$*" = "group postern" ] && {group}'),
                ("chown", f'echo "$*" >>{tmp_path}/chown')):
            path = tmp_path / "bin" / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        if setcap is not None:
            (tmp_path / "bin/setcap").write_text(f"#!/bin/sh\n{setcap}\n")
            (tmp_path / "bin/setcap").chmod(0o755)
        return subprocess.run(
            [SCRIPT, program], text=True, capture_output=True, check=True,
            env={"PATH": f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 **env})
    return program, run


def capability(path):
    return subprocess.run(["/sbin/getcap", path], text=True, check=True,
                          capture_output=True).stdout


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_without_the_group_nothing_is_given_to_anybody(machine):
    program, run = machine
    assert run("false").stdout == ""
    assert mode(program) == 0o755 and capability(program) == ""


def test_with_the_group_the_capability_is_its_own(machine, tmp_path):
    program, run = machine
    done = run("true")
    assert "Members of group postern can" in done.stdout
    assert mode(program) == 0o750
    assert "cap_dac_read_search=p" in capability(program)
    assert (tmp_path / "chown").read_text() == f"root:postern {program}\n"


def test_what_fails_leaves_a_program_that_all_may_run(machine):
    program, run = machine
    done = run("true", setcap="exit 1")
    assert mode(program) == 0o755 and capability(program) == ""
    for step in STEPS:
        assert step.format(program) in done.stdout


def test_a_package_is_told_the_steps(tmp_path):
    done = subprocess.run(
        ["make", "-C", TREE, "install", f"BUILD={BUILD}",
         f"DESTDIR={tmp_path}"], text=True, capture_output=True, check=True)
    program = "/usr/local/libexec/postern/postern-backup-send"
    for step in STEPS:
        assert step.format(program) in done.stdout, done.stdout
    assert mode(pathlib.Path(f"{tmp_path}{program}")) == 0o755
    assert capability(f"{tmp_path}{program}") == ""


@pytest.mark.parametrize("old, new", [
    ("gitolite-proxy", "postern-git-proxy"),
    ("push-authkeys", "postern-git")])
def test_an_old_name_is_a_link_to_what_is_installed(tmp_path, old, new):
    """As authorized_keys of the original and gitolite's settings have it."""
    subprocess.run(["make", "-C", TREE, "install", f"BUILD={BUILD}",
                    f"DESTDIR={tmp_path}"], capture_output=True, check=True)
    link = tmp_path / "usr/local/bin" / old
    assert os.readlink(link) == f"/usr/local/libexec/postern/{new}"
    program = pathlib.Path(f"{tmp_path}{os.readlink(link)}")
    assert mode(program) == 0o755 and program.stat().st_size > 10000
