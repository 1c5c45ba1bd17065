# SPDX-License-Identifier: ISC
"""postern git: the sequence of pushes, the generations of keys that they
make, and the way back to one."""

import os

from gitkeylib import POSTERN, STATE, STORE, UID, keys, text

__all__ = ["keys"]


def test_the_sequence_rises_and_is_kept(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    first = keys.current()
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    assert keys.current() > first
    last = int(keys.gl.read(f"{STATE}/sequence"))
    assert keys.current() == last
    # Lost: the time takes its place, which is later.
    keys.gl.path(f"{STATE}/sequence").write_text("")
    keys.put("bob.pub", None)
    keys.gl.run(["date"])
    keys.push(expect=None)
    assert int(keys.gl.read(f"{STATE}/sequence")) >= first


def test_a_sequence_that_was_set_back_is_told_with_its_cure(keys):
    keys.put("alice.pub", keys.person("a"))
    far = "4102444800"
    keys.gl.write(f"{STATE}/sequence", far + "\n")
    keys.gl.run(["chown", "git:git", f"{STATE}/sequence"])
    keys.push()
    keys.gl.path(f"{STATE}/sequence").write_text("1\n")
    with keys.unchanged():
        done = keys.push(expect=1)
        assert "was a clock set back? Write 4102444801 into " in done.stderr
    keys.gl.path(f"{STATE}/sequence").write_text("4102444801\n")
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    assert keys.login("b") == "bob"


def test_the_same_keys_again_make_no_generation(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    before = keys.state()
    noted = keys.gw.read(f"{STORE}/refreshed").split()
    keys.push()
    assert keys.state() == before
    again = keys.gw.read(f"{STORE}/refreshed").split()
    assert int(again[0]) > int(noted[0])
    assert int(again[1]) >= int(noted[1])


def test_a_checks_key_leaves_no_generation_behind(keys):
    """Else a few checks would push all that is worth rolling back to out."""
    def generations():
        return sorted(map(int, os.listdir(
            keys.gw.path(f"{STORE}/generations"))))

    def send(sequence, people, *command):
        return keys.signed(text(sequence, [
            keys.line(ident, name) for ident, name in people]), *command)

    keys.configure(generations=2, max_drop=10)
    a, b = ("alice", "a"), ("bob", "b")
    check = ("postern-check", "c")
    assert send(1, [a]).word == send(2, [a, b]).word == "ok"
    before, had = keys.state(), generations()
    assert had == [1, 2]
    assert send(3, [a, b, check]).word == "ok"
    assert keys.login("c") == "postern-check"
    assert generations() == [1, 2, 3]
    # One of three is more than 10 %, but not somebody's.
    assert send(4, [a, b]).word == "ok"
    assert keys.login("c") is None and keys.login("b") == "bob"
    assert keys.state() == before and generations() == had
    # The sequence has risen all the same.
    reply = send(3, [a, b, check])
    assert (reply.word, reply.sequence) == ("stale", 4)
    # Two checks that were killed, and other keys after them.
    assert send(5, [a, b, check]).word == "ok"
    assert send(6, [a, b, ("postern-check", "d")]).word == "ok"
    assert generations() == [1, 2, 6]
    assert send(7, [a], "auth-update --force").word == "ok"
    assert keys.login("d") is None and keys.login("a") == "alice"
    assert generations() == [2, 7]


def test_generations_are_kept_and_rolled_back_to(keys):
    keys.configure(generations=3)
    gens = []
    for n in range(5):
        keys.put("alice.pub", keys.person(f"k{n}"))
        keys.push()
        gens.append(keys.current())
    kept = sorted(map(int, os.listdir(keys.gw.path(f"{STORE}/generations"))))
    assert kept == gens[-3:]
    roll = [POSTERN, "rollback"]
    done = keys.gw.run(roll)
    assert f"generation {gens[3]} is in force in place of {gens[4]}" in \
        done.stdout
    assert keys.login("k3") == "alice"
    assert keys.login("k4") is None
    keys.gw.run([*roll, str(gens[2])])
    assert keys.login("k2") == "alice"
    done = keys.gw.run([*roll, str(gens[0])], check=False)
    assert done.returncode == 1 and str(gens[4]) in done.stderr
    done = keys.gw.run(roll, check=False)
    assert done.returncode == 1
    assert "no generation before that in force" in done.stderr
    # What root does there stays git's.
    assert {p.stat().st_uid for p in
            keys.gw.path(STORE).rglob("*")} == {UID["h2"]}
    keys.push()
    assert keys.login("k4") == "alice"


def test_a_push_from_before_a_rollback_is_not_taken_again(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.put("alice.pub", keys.person("b"))
    keys.push()
    data = text(keys.current(), [keys.line("alice", "b")])
    keys.gw.run([POSTERN, "rollback"])
    assert keys.signed(data).word == "stale"
    assert keys.login("a") == "alice"


def test_a_damaged_generation_is_not_rolled_back_to(keys):
    for name in "ab":
        keys.put("alice.pub", keys.person(name))
        keys.push()
        gen = keys.current()
    old = min(map(int, os.listdir(keys.gw.path(f"{STORE}/generations"))))
    keys.gw.path(f"{STORE}/generations/{old}/index").write_bytes(b"x" * 99)
    done = keys.gw.run([POSTERN, "rollback"], check=False)
    assert done.returncode == 1
    assert f"generation {old}" in done.stderr
    assert keys.current() == gen
