# SPDX-License-Identifier: ISC
"""The receiver's jail where a plain user can have no namespace of its own: who
takes rsync over there changes what DESIGN.md says, and no more."""

import subprocess

import pytest

from test_backup_jail import (COPY, DEADLINE, as_user, ends, evil_rsync,
                              gone, place, said_by)  # noqa: F401


@pytest.fixture
def elsewhere(place):  # noqa: F811
    """Words that begin a command that sees all as it is, but in a chroot:
    there the kernel makes no user namespace. Source: user_namespaces(7)."""
    root = place.path / "root"
    root.mkdir()
    return ["unshare", "-m", "--propagation", "private", "sh", "-c",
            f'mount --rbind / {root} && exec chroot {root} "$@"', "sh"]


def run(words):
    return subprocess.run(words, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          timeout=DEADLINE, check=False)


def receive(place, *more):  # noqa: F811
    return [*as_user(), *place.join_argv([*COPY, "--fake-super", *more,
                                          f"x::root{place.src}/", "new/"])]


def test_without_a_namespace_a_receiver_still_receives(
        place, elsewhere):  # noqa: F811
    place.give_capability()
    done = run([*elsewhere, *as_user(), "unshare", "-U", "true"])
    assert done.returncode != 0 and "unshare failed" in done.stdout
    (place.src / "a").write_text("text")
    done = run([*elsewhere, *receive(place)])
    assert ends(done.stdout)["recv"] == 0, done.stdout
    assert (place.store / "new/a").read_text() == "text"


def test_without_a_namespace_landlock_holds_what_it_can(
        place, elsewhere):  # noqa: F811
    place.give_capability()
    with evil_rsync(place) as words:
        done = run([*words, *elsewhere, *receive(
            place, f"--out-format={place.path}")])
    said = said_by(done.stdout, "recv")
    assert "tried" in said and "inside" in said, done.stdout
    # What Landlock has no right for, on what belongs to its own user.
    assert [x for x in said if x.startswith("did ")] == [
        "did chmod", "did utime", "did setxattr"], done.stdout
    assert [x for x in said if x.startswith("fd ")] == ["fd 3"]
    stays, = [x for x in said if x.startswith("stays ")]
    assert gone(int(stays.split()[1]))
    assert sorted(x.name for x in place.outside.iterdir()) == [
        "file", "secret"]
    assert (place.outside / "file").read_text() == "as it was"
    assert (place.outside / "secret").read_text() == "nobody's business"
