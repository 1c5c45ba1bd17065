# SPDX-License-Identifier: ISC
"""The scan that tells what has changed, against rsync: what a pattern leaves
out must be one thing to both. And what the file system says of a change."""

import hashlib
import os
import pathlib
import random
import struct
import subprocess
import time

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("POSTERN_BUILD", "build")
SEND = BUILD / "tools/backup/postern-backup-send"
HEAD = struct.Struct("=24s32sQQQqq40s")
MAGIC = b"postern backup seen 2\n"
BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
SNAPSHOT = b"t.2026-01-01.1767225600"
NEVER = 1 << 62         # ns: nothing is in doubt

PARTS = ["a", "b", "ab", "a.o", "b.o", "a-b", "x y", "q?", "[z]", "st*r",
         "deep", "o", "\\", "é", "]", "A", "#b"]
PIECES = ["a", "b", "*", "**", "?", "[ab]", "[!a]", "[a-c]", "[^b]", ".o",
          "/", "/", "deep", "x y", "***", "-", "o", "[]a]", "[b-a]", "[-b]",
          "[a-]", "[!-a]", "[/a]", "[!/]", "[a--]", "A", "#"]


def octal(path):
    return "".join(chr(c) if 0x21 <= c != 0x7f and c != 0x5c and c < 0x80
                   else f"\\{c:03o}" if c < 0x21 or c in (0x7f, 0x5c)
                   else chr(c) for c in os.fsencode(path)).encode("latin-1")


class Scan:
    def __init__(self, at, root, excludes=()):
        self.at, self.root, self.excludes = at, root, list(excludes)
        (at / "grants").write_bytes(b"l /\nr " + octal(root) + b"\n")

    def run(self, old=False, doubt=NEVER, more=()):
        at = self.at
        lines = [b"root " + octal(self.root)]
        lines += [b"exclude " + octal(x) for x in self.excludes]
        lines += [b"doubt %d" % doubt, *more]
        if old:
            lines.append(b"old " + octal(at / "old"))
        for name in ("out", "changes"):
            (at / name).write_bytes(b"")
            lines.append(name.encode() + b" " + octal(at / name))
        (at / "order").write_bytes(b"\n".join(lines) + b"\n")
        return subprocess.run([SEND, "--grants", at / "grants", "--scan",
                               at / "order"], capture_output=True, text=True)

    def keep(self, partial=False, begun=None):
        """As the client does when a snapshot was made. begun: when it looked;
        clocks of file systems tick every few ms."""
        if begun is None:
            begun = time.time_ns() - 10 ** 7
        data = (self.at / "out").read_bytes()
        head = HEAD.pack(MAGIC, b"", 0, 0, partial, begun, 0, b"") + SNAPSHOT
        (self.at / "old").write_bytes(head + data[len(head):])

    def first(self):
        done = self.run()
        assert done.returncode == 0, done.stderr
        assert (self.at / "changes").read_bytes() == b""
        self.keep()
        return done

    def changes(self, **kwargs):
        """{(sign, path below the root)} since the one that was kept."""
        done = self.run(old=True, **kwargs)
        assert done.returncode == 0, done.stderr
        root = os.fsencode(self.root) + b"/"
        said = (self.at / "changes").read_bytes().split(b"\0")[:-1]
        return {(c[:1].decode(), os.fsdecode(c[1 + len(root):]))
                for c in said if c[1:].startswith(root)}

    def names(self):
        """All that was seen, below the root."""
        data, at, found, where = (self.at / "out").read_bytes(), 0, set(), b""
        # Behind the head: its last part is a name with its NUL, padded.
        at = data.index(b"D\0E", HEAD.size)
        while data[at:at + 1] != b"Z":
            kind, at = data[at:at + 1], at + 1
            at += 40 if kind == b"E" else 0
            end = data.index(b"\0", at)
            if kind in b"DU":
                where = data[at:end]
            else:
                found.add(where + data[at:end])
            at = end + 1
        root = os.fsencode(self.root) + b"/"
        return {os.fsdecode(n[len(root):]) for n in found
                if n.startswith(root)}


@pytest.fixture
def place(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    return tmp_path, root


def fill(root, rng):
    for _ in range(40):
        path = root
        for _ in range(rng.randint(1, 4)):
            path = path / rng.choice(PARTS)
            if path.is_file():
                break
            if rng.random() < 0.4:
                if not path.exists():
                    path.write_text("x")
                break
            path.mkdir(exist_ok=True)


def pattern(rng, root):
    text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5)))
    if rng.random() < 0.3:
        text = f"{root}/{text}"
    if rng.random() < 0.2:
        text += rng.choice(["/", "/***"])
    return text


def by_rsync(at, root, excludes):
    """As our sender's daemon has them: "exclude from" is not quite what
    --exclude-from is."""
    rules = [f"- {x}" for x in excludes]
    up = [p for p in root.parents if str(p) != "/"][::-1]
    rules += [f"+ {p}/" for p in up] + [f"+ {root}", f"+ {root}/**", "- *"]
    (at / "rules").write_text("\n".join(rules) + "\n")
    (at / "conf").write_text(
        "use chroot = no\nmunge symlinks = no\nreverse lookup = no\n"
        f"uid = 0\ngid = 0\n[root]\npath = /\n"
        f"exclude from = {at}/rules\n")
    rsh = at / "rsh"
    rsh.write_text("#!/bin/sh\nexec rsync --server --daemon "
                   f"--config={at}/conf .\n")
    rsh.chmod(0o755)
    done = subprocess.run(
        ["rsync", "-an", "-8", "--out-format=%n", f"--rsh={rsh}", "x::root/",
         at / "none/"], capture_output=True, check=True)
    below = os.fsencode(str(root)[1:]) + b"/"
    return {os.fsdecode(line.rstrip(b"/")[len(below):])
            for line in done.stdout.split(b"\n")
            if line.startswith(below) and len(line) > len(below)}


def test_patterns_leave_out_what_rsync_leaves_out(place):
    at, root = place
    rng = random.Random(7)
    fill(root, rng)
    left_out = refused = 0
    everything = by_rsync(at, root, [])
    for _ in range(300):
        excludes = [pattern(rng, root) for _ in range(rng.randint(1, 3))]
        # rules_check() refuses these before.
        if any(x.strip("*/") == "" for x in excludes):
            continue
        want = by_rsync(at, root, excludes)
        scan = Scan(at, root, excludes)
        done = scan.run()
        if done.returncode != 0:
            assert "an exclude leaves it out" in done.stderr, excludes
            assert want == set(), excludes
            refused += 1
            continue
        assert scan.names() == want, excludes
        left_out += want != everything
    assert left_out > 80 and refused < 120


def test_what_only_rsync_can_tell_is_left_to_it(place):
    at, root = place
    for text in ("[[:alpha:]]x", "[a\\]]", "x[", "[!", "a\\b/", "*\\"):
        done = Scan(at, root, [text]).run()
        assert done.returncode == 120 and "only rsync" in done.stderr, text


@pytest.fixture
def known(place):
    """A tree of which all is known."""
    at, root = place
    for name in ("same", "content", "mode", "gone", "renamed", "linked",
                 "sub/f", "sub/deep/f", "dir/f", "away/x/f"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    os.symlink("same", root / "link")
    # What comes from here on has another time.
    time.sleep(0.1)
    scan = Scan(at, root)
    scan.first()
    return scan, root


def test_nothing_has_changed(known):
    scan, _ = known
    assert scan.changes() == set()
    # A run with no change is as good as the one before.
    scan.keep()
    assert scan.changes() == set()


def test_each_kind_of_change_is_told(known):
    scan, root = known
    st = (root / "content").stat()
    (root / "content").write_text("CONTENT")
    os.utime(root / "content", ns=(st.st_atime_ns, st.st_mtime_ns))
    (root / "mode").chmod(0o600)
    (root / "gone").unlink()
    (root / "renamed").rename(root / "a new name")
    os.link(root / "linked", root / "sub/another")
    os.setxattr(root / "sub/f", "user.x", b"1")
    (root / "dir/f").unlink()
    (root / "dir").rmdir()
    (root / "dir").write_text("a file now")
    (root / "away").rename(root / "sub/away")
    (root / "link").unlink()
    os.symlink("content", root / "link")
    (root / "empty").mkdir()
    assert scan.changes() == {
        ("+", n) for n in (
            "content", "mode", "a new name", "linked", "sub", "sub/another",
            "sub/f", "dir", "sub/away", "sub/away/x", "sub/away/x/f", "link",
            "empty")} | {("-", n) for n in ("gone", "renamed", "dir", "away")
            } | {(".", "sub")} | {("=", n) for n in (
                "sub/away", "sub/away/x", "empty")}


def test_a_change_that_may_come_after_the_look_is_in_doubt(known):
    scan, root = known
    assert scan.run(old=True, doubt=0).returncode == 0
    scan.keep()
    # Unchanged, but that run could not be sure.
    assert ("+", "same") in scan.changes()


def test_what_a_partial_run_was_to_send_is_sent_again(known):
    scan, root = known
    (root / "content").write_text("more")
    assert scan.changes() == {("+", "content")}
    scan.keep(partial=True, begun=NEVER)
    assert scan.changes() == {("+", "content")}
    scan.keep(begun=NEVER)
    assert scan.changes() == set()


def test_what_was_sent_below_a_folder_that_was_exchanged_since(known):
    """And exchanged back: rsync may have read the other one's."""
    scan, root = known
    (root / "sub/deep/f").write_text("more")
    assert ("+", "sub/deep/f") in scan.changes()
    scan.keep()
    (root / "sub").rename(root / "other")
    (root / "other").rename(root / "sub")
    assert ("+", "sub/deep/f") in scan.changes()
    # What was not sent was not read then.
    assert ("+", "sub/f") not in scan.changes()


def test_below_a_folder_that_moved_during_a_late_look_all_is_in_doubt(known):
    scan, root = known
    begun = time.time_ns()
    (root / "sub").rename(root / "moved")
    done = scan.run(doubt=begun - 10 ** 7, more=[b"late yes"])
    assert done.returncode == 0
    scan.keep()
    assert {("+", "moved/f"), ("+", "moved/deep/f")} <= scan.changes()


def test_what_goes_before_a_late_look_is_told(known):
    """rsync has it, and the look doesn't: of its folder each name is told."""
    scan, root = known
    begun = time.time_ns()
    (root / "sub/f").unlink()
    done = scan.run(doubt=begun - 10 ** 7, more=[b"late yes"])
    assert done.returncode == 0
    scan.keep()
    said = scan.changes()
    assert ("=", "sub") in said
    assert {n for s, n in said if n.startswith("sub/")} == {
        "sub/deep", "sub/deep/f"}
    assert ("=", "dir") not in said and ("=", "sub/deep") not in said


def test_a_folder_that_was_away_during_a_look_is_told_whole(known):
    """The list has its own entry, and not what is in it; the snapshot has."""
    scan, root = known
    old = scan.at / "old"
    data = old.read_bytes()
    body, tail = data[:-33], b"Z"
    at = body.index(b"D" + os.fsencode(root) + b"/dir/\0")
    end = body.index(b"D" + os.fsencode(root) + b"/sub/\0")
    body = body[:at] + body[end:]
    # All behind the head, as the compiler lays it out.
    first = data.index(b"D\0E", HEAD.size)
    seen = body[first:] + tail
    old.write_bytes(body + tail + hashlib.blake2b(
        seen, digest_size=32).digest())
    assert scan.changes() == {("=", "dir"), ("+", "dir/f")}


def test_what_was_sent_below_a_folder_above_the_root_that_was_away(tmp_path):
    """rsync may have read another's."""
    root = tmp_path / "top/tree"
    (root / "sub").mkdir(parents=True)
    for name in ("sub/f", "same"):
        (root / name).write_text(name)
    time.sleep(0.1)
    scan = Scan(tmp_path, root)
    scan.first()
    (root / "sub/f").write_text("more")
    assert ("+", "sub/f") in scan.changes()
    scan.keep()
    (tmp_path / "top").rename(tmp_path / "aside")
    (tmp_path / "aside").rename(tmp_path / "top")
    assert scan.changes() == {("+", "sub/f")}


def test_times_out_of_reach_are_times(known):
    scan, root = known
    for when in (2 ** 40, -2 ** 40):
        os.utime(root / "sub/f", (when, when))
        scan.run(old=True)
        time.sleep(0.05)
        scan.keep()
        time.sleep(0.05)
        scan.run(old=True)
        scan.keep()
        assert scan.changes() == set()


def test_a_file_of_several_names_that_was_moved_is_left_to_rsync(known):
    scan, root = known
    os.link(root / "away/x/f", root / "same too")
    scan.run(old=True)
    scan.keep()
    time.sleep(0.05)
    scan.run(old=True)
    scan.keep()
    (root / "away").rename(root / "moved")
    done = scan.run(old=True)
    assert done.returncode == 120 and "more names" in done.stderr


def test_a_root_behind_a_link_is_left_to_rsync(place):
    at, root = place
    (root / "real/x").mkdir(parents=True)
    os.symlink("real", root / "link")
    done = Scan(at, str(root / "link/x")).run()
    assert done.returncode == 120


@pytest.mark.parametrize("harm", ["cut", "bit", "magic"])
def test_a_damaged_list_is_of_no_use(known, harm):
    scan, _ = known
    old = scan.at / "old"
    data = bytearray(old.read_bytes())
    if harm == "cut":
        del data[-5:]
    elif harm == "bit":
        data[-60] ^= 1
    else:
        data[3] ^= 1
    old.write_bytes(data)
    done = scan.run(old=True)
    assert done.returncode == 120 and "cut or damaged" in done.stderr


def test_a_file_system_without_a_trusted_ctime_is_never_known(place):
    """/proc stands for one: its files have neither."""
    at, _ = place
    scan = Scan(at, "/proc/sys/kernel/random")
    scan.first()
    assert ("+", "uuid") in scan.changes()
