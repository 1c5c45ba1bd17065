# SPDX-License-Identifier: ISC
"""mode = direct: files that come too late for what the kernel lets through,
and what a store that is hostile can list of what is excluded."""

import contextlib
import os
import re
import signal
import subprocess

import pytest

from backuplib import STORE, TOOLS, backup  # noqa: F401
from directlib import DATA, Grant
from test_backup_jail import as_user, place  # noqa: F401
from test_backup_run import replace


@pytest.fixture
def direct(backup):  # noqa: F811
    """A folder with an exclude in it: what lies beside that is granted by
    itself. The first file takes so long that the others can be replaced."""
    b = backup
    b.setup(root=DATA, exclude=f"{DATA}/private", mode="direct")
    b.files({f"{DATA}/a big": os.urandom(1_500_000), f"{DATA}/b": "as it was",
             f"{DATA}/odd \x01": "as it was", f"{DATA}/sub/c": "c",
             f"{DATA}/private/x": "no"})
    return b


@contextlib.contextmanager
def in_the_midst(b, *args):
    """A run whose list is made, and whose sender stands still."""
    running = b.start("--json", "--bandwidth", "300K", *args)
    try:
        sender = b.wait_pid(b.client, r"^rsync --server --sender")
        running.wait_event(lambda e: e["event"] == "progress"
                           and e["bytes"] > 0, what="byte that has arrived")
        os.kill(sender, signal.SIGSTOP)
        yield running
        os.kill(sender, signal.SIGCONT)
    except BaseException:
        running.kill()
        raise


def test_what_is_replaced_beside_an_exclude_is_left_to_the_next_run(direct):
    b = direct
    with in_the_midst(b, "-v") as running:
        replace(b, f"{DATA}/b", "after")
        replace(b, f"{DATA}/odd \x01", "after")
        replace(b, f"{DATA}/sub/c", "sub is granted as a whole")
    done = running.end()
    assert done.rc == 0, str(done)
    result, = done.of("result")
    assert result["vanished"] > 0 and result["status"] == 0
    # The words are those of mode = channel.
    assert result["why"] == (f"left to the next run: {DATA}/b, "
                             f"{DATA}/odd \\x01")
    assert f"{DATA}/b: came after the run had begun" in done.err
    wanted = b.source(DATA, skip=(b"private",))
    late = {b"b", b"odd \x01"}
    assert b.stored(DATA) == {k: v for k, v in wanted.items()
                              if k not in late}
    runs = b.store.read(f"{STORE}/.postern/{b.name}/runs")
    assert runs.split(" ")[2] == "warn"
    done = b.run()
    assert b.stored(DATA) == wanted and done.err == ""


def test_what_may_not_be_read_fails_though_others_came_late(direct):
    """By a sender that may not read a file of root's."""
    b = direct
    send = b.client.path(f"{TOOLS}/postern-backup-send")
    os.removexattr(send, "security.capability")
    b.files({f"{DATA}/own": "root's own"}, mode=0o600)
    with in_the_midst(b) as running:
        replace(b, f"{DATA}/b", "after")
    done = running.end()
    assert done.rc == 1, str(done)
    why = done.of("result")[0]["why"]
    assert "left to the next" not in why
    assert "some files could not be copied" in why
    assert f"{DATA}/own" in why, why
    assert b.snapshots() == []


# What can be listed

def test_the_sender_is_granted_its_roots_and_nothing_above(direct):
    grant = Grant(direct, exclude=f"{DATA}/private")
    at, = direct.client.path("/tmp").glob("postern-backup.*")
    lines = (at / "grants").read_text().splitlines()
    grant.end()
    assert lines == [f"r {DATA}", f"x {DATA}/private", f"l {DATA}"]


def listed(at, path, user):
    """What a store gets that asks for path, whatever its rules."""
    rsh = at.path / "rsh"
    rsh.write_text(f"#!/bin/sh\nshift\nexec {at.path}/bin/postern-backup-send"
                   f" --grants {at.path}/grants --sender -- \"$@\"\n")
    rsh.chmod(0o755)
    return subprocess.run(
        [*as_user(user), "rsync", "-r", "--list-only", "--relative", "-e",
         rsh, f"x:{path}"], capture_output=True, text=True, timeout=60,
        check=False)


@pytest.fixture
def hidden(place):  # noqa: F811
    for folder in ("hidden/deep", "beside", "only a folder"):
        (place.src / folder).mkdir(parents=True)
        (place.src / folder / f"name in {folder[-4:]}").write_text("secret")
    (place.src / "hidden/unseen").write_text("secret")
    (place.src / "d is a file").write_text("is a file")
    os.symlink(place.outside, place.src / "link")
    place.give_capability()
    place.grants(f"r {place.src}", f"x {place.src}/hidden",
                 f"d {place.src}/only\\040a\\040folder",
                 f"d {place.src}/d\\040is\\040a\\040file",
                 f"x {place.src}/link", f"x {place.src}/missing",
                 f"l {place.src}")
    return place


@pytest.mark.parametrize("user", [True, False], ids=["user", "root"])
def test_what_is_outside_of_the_roots_can_not_be_listed(hidden, user):
    (hidden.outside / "name").write_text("x")
    os.chmod(hidden.outside, 0o755)
    for path in (hidden.outside, hidden.path, "/"):
        done = listed(hidden, path, user)
        assert done.returncode == 23, done
        assert "Permission denied" in done.stderr, done
        assert "secret" not in done.stdout and "/bin" not in done.stdout
    done = listed(hidden, hidden.src, user)
    assert done.returncode == 0, done
    assert "beside/name in side" in done.stdout


def test_root_has_no_name_in_an_excluded_folder_listed(hidden):
    done = listed(hidden, hidden.src, user=False)
    assert done.returncode == 0, done
    assert "src/hidden\n" in done.stdout        # itself, from its parent
    for name in ("unseen", "deep", "name in lder"):
        assert name not in done.stdout, done
    assert "src/d is a file\n" in done.stdout
    # Nothing of that is seen outside of its own mount namespace.
    assert (hidden.src / "hidden/unseen").read_text() == "secret"
    assert str(hidden.src) not in open("/proc/mounts").read()


def test_below_an_exclude_a_plain_user_can_list_but_not_read(hidden):
    """As backup.conf(5) says: Landlock can't take back a right to list."""
    done = listed(hidden, hidden.src, user=True)
    assert "src/hidden/unseen\n" in done.stdout, done
    done = subprocess.run(
        [*as_user(), "rsync", "-r", "--relative", "-e", hidden.path / "rsh",
         f"x:{hidden.src}", hidden.store], capture_output=True, text=True,
        timeout=60, check=False)
    assert done.returncode == 23 and "Permission denied" in done.stderr
    got = {p.name for p in hidden.store.rglob("*") if p.is_file()}
    assert got == {"name in side", "d is a file"}


def test_a_root_in_what_is_hidden_is_read(hidden):
    """/run/user beside the root /: such a folder stays as it is."""
    hidden.grants(f"r {hidden.src}", f"r {hidden.src}/hidden/deep",
                  f"x {hidden.src}/hidden", f"l {hidden.src}")
    done = listed(hidden, f"{hidden.src}/hidden/deep", user=False)
    assert done.returncode == 0, done
    assert re.search(r"hidden/deep/name in deep$", done.stdout, re.M)
