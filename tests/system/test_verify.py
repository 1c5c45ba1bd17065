# SPDX-License-Identifier: ISC
"""verify.sh: the stream that it writes, and what it leaves out."""

import hashlib

import pytest

import scripts

ROOT = "/srv/verify-test"


@pytest.fixture
def host(hosts):
    h = hosts(1)[0]
    h.run(f"mkdir -p '{ROOT}/d e'")
    yield h
    h.run(f"umount {ROOT}/mnt 2>/dev/null; rm -rf {ROOT}")


def verify(host, *roots, end="#END\n"):
    said = scripts.run(host, "verify", "".join(r + "\n" for r in roots) + end)
    if said.refused:
        return said.refused
    head, stream = said.raw.split("postern ready\n", 1)
    assert head == ""
    assert stream.endswith("\0"), said
    return stream[:-1].split("\0")


def objects(fields):
    """path → (type, mode, uid, gid, size, target); and path → hash."""
    found, hashes, rest = {}, {}, []
    fields = iter(fields)
    for f in fields:
        if f.startswith("o "):
            path = next(fields)
            found[path] = (*f.split(" ")[1:], next(fields))
        elif len(f) > 66 and f[64:66] == "  ":
            assert f[66:] in found
            hashes[f[66:]] = f[:64]
        else:
            rest.append(f)
    return found, hashes, rest


def test_verify_lists_every_kind_of_object(host):
    host.write(f"{ROOT}/d e/f\nx\\", "data", 0o640)
    host.run(f"chown 3:4 {ROOT}/d*/f*; cd {ROOT}; ln -s 'no where' l;"
             "mkfifo p; mknod n c 1 3")
    found, hashes, rest = objects(verify(host, ROOT))
    assert found[f"{ROOT}/d e/f\nx\\"] == ("f", "640", "3", "4", "4", "")
    assert found[f"{ROOT}/l"][0::5] == ("l", "no where")
    assert found[f"{ROOT}/p"][0] == "p"
    assert found[f"{ROOT}/n"][0] == "c"
    assert found[f"{ROOT}/d e"][0] == "d"
    assert hashes == {f"{ROOT}/d e/f\nx\\":
                      hashlib.sha256(b"data").hexdigest()}
    assert rest == [f"r 1:3 {ROOT}/n", "z 0"]


def test_verify_takes_files_as_roots_and_passes_missing_ones(host):
    host.write(f"{ROOT}/f", "x")
    found, hashes, rest = objects(
        verify(host, f"{ROOT}/none", f"{ROOT}/f"))
    assert list(found) == list(hashes) == [f"{ROOT}/f"]
    assert rest == ["z 0"]
    assert verify(host, f"{ROOT}/none") == ["z 0"]
    assert verify(host) == ["z 0"]


def test_verify_follows_no_symlink_and_crosses_mounts(host):
    host.run(f"mkdir {ROOT}/mnt && mount -t tmpfs none {ROOT}/mnt && "
             f"touch {ROOT}/mnt/in; ln -s /etc {ROOT}/etc")
    found, _, _ = objects(verify(host, ROOT, f"{ROOT}/etc"))
    assert f"{ROOT}/mnt/in" in found
    assert not [p for p in found if p.startswith(f"{ROOT}/etc/")]


def test_verify_refuses_a_cut_list_and_relative_paths(host):
    assert verify(host, ROOT, end="") == "input"
    assert verify(host, "srv") == "path"
    assert verify(host, "-delete") == "path"


def test_verify_says_what_it_could_not_read_and_still_ends(host):
    # Much of this is gone by the time that it is read.
    _, hashes, rest = objects(verify(host, "/proc/self/task"))
    assert [r for r in rest if r.startswith("e find: ")], rest
    assert len(rest) <= 101
    assert rest[-1] == "z 1"


def test_verify_takes_ten_thousand_files(host):
    host.run(f"cd {ROOT} && seq 10000 | split -l 1 -a 3 - f && "
             "ls | wc -l")
    found, hashes, rest = objects(verify(host, ROOT))
    assert len(hashes) == 10000
    assert rest == ["z 0"]
