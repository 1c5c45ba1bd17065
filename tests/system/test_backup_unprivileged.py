# SPDX-License-Identifier: ISC
"""restore by root, without --privileged: nothing comes that gives rights, from
a store of ours or from one that means harm."""

import os
import stat
import struct

import pytest

from backuplib import backup  # noqa: F401
from test_backup_restore import DATA, as_root, made, metadata  # noqa: F401
from test_backup_restore_hostile import FILE, victim  # noqa: F401

NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)


def test_root_gets_no_rights_unless_he_says_so(made):  # noqa: F811
    done = as_root(made, "--json", "latest", DATA, "--to", "/srv/out",
                   expect=2)
    lack = {}
    for e in done.of("lack"):
        lack.setdefault(e["kind"], set()).add(
            e["path"].removeprefix(f"{DATA}/"))
    want = metadata(made.client.path(DATA))
    got = metadata(made.client.path(f"/srv/out{DATA}"))
    assert lack["device"] == {"char", "block"}
    assert lack["setuid"] == {"bits/setuid", "bits/setgid", "setgid-folder",
                              "mine/setuid"}
    assert lack["capability"] == {"capable"}
    assert lack["owner"] == {"mine/of me", "mine/setuid", "foreign"}
    assert done.of("result")[0]["lack"] == {
        "missing": 0, **{k: len(v) for k, v in lack.items()}}
    # What is in a folder that nobody may enter is there, too.
    assert sorted(want.keys() - got.keys()) == [b"/block", b"/char"], done.err
    assert "no symlink-safe chmod" not in done.err
    for path, one in got.items():
        was = want[path]
        assert one.pop("owner") == (0, 0), path
        was.pop("owner")
        was["mode"] = oct(int(was["mode"], 8) & ~0o6000)
        was["xattrs"].pop("security.capability", None)
        assert one == was, path


def test_a_person_is_told_each_by_name(made):  # noqa: F811
    done = as_root(made, "latest", f"{DATA}/bits", f"{DATA}/char",
                   f"{DATA}/capable", f"{DATA}/foreign", "--to", "/srv/out",
                   expect=2)
    for line in ("setuid: /srv/data/bits/setuid", "device: /srv/data/char",
                 "capability: /srv/data/capable",
                 "owner: /srv/data/foreign"):
        assert line + "\n" in done.err, str(done)
    assert "--privileged" in done.err


EVIL = {"user.kept": b"kept", "security.capability": NET_RAW,
        "security.evil": b"evil", "trusted.evil": b"evil"}


def xattrs(path):
    return {n: os.getxattr(path, n, follow_symlinks=False)
            for n in os.listxattr(path, follow_symlinks=False)}


def send(victim, *args, mode=FILE, more=()):  # noqa: F811
    done = victim.run(*args, entries=[
        {"name": "x", "mode": mode, "data": "evil\n", "xattrs": {
            k: v.decode("latin-1") for k, v in EVIL.items()}}, *more],
        send=[0])
    return done, xattrs(victim.to / "x")


@pytest.mark.parametrize("mode", [0o755, 0o6755])
def test_a_hostile_store_gives_no_attribute_that_is_a_right(
        victim, mode):  # noqa: F811
    done, got = send(victim, mode=stat.S_IFREG | mode)
    assert got == {"user.kept": b"kept"}, done.stderr
    st = os.lstat(victim.to / "x")
    assert stat.S_IMODE(st.st_mode) == 0o755
    assert st.st_uid == st.st_gid == victim.uid
    assert (victim.to / "x").read_text() == "evil\n"


@pytest.mark.parametrize("victim", ["root"], indirect=True)
def test_with_privileged_that_one_comes_and_no_other(victim):  # noqa: F811
    """Where it is asked for, so that the test above proves something."""
    done, got = send(victim, "--privileged", mode=stat.S_IFREG | 0o755)
    assert got == {"user.kept": b"kept", "security.capability": NET_RAW}, \
        done.stderr
