# SPDX-License-Identifier: ISC
"""--dry-run of push-keys and rollback, and lint-keys: what would come of it,
and nothing does."""

import json

from gitkeylib import KEYDIR, POSTERN, STATE, keys  # noqa: F401

TREE = (f"find {STATE} -printf '%p %y %l %i %T@ %C@\\n' | sort; "
        f"find {STATE} -type f -exec md5sum {{}} + | sort")


def tree(keys):
    """All that either side keeps, and when it was last touched."""
    return [h.run(TREE).stdout for h in (keys.gw, keys.gl)]


def dry(host, *words, code=0):
    done = host.run([POSTERN, *words, "--dry-run"], check=False)
    assert done.returncode == code, done
    return done


def rows(done):
    return [json.loads(x) for x in done.stdout.splitlines()]


def test_a_dry_rollback_names_what_would_come_and_go(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    first = keys.current()
    keys.put("bob.pub", None)
    keys.put("carl.pub", keys.person("c"))
    # Another's from now on: it goes from one and comes to the other.
    keys.put("alice.pub", None)
    keys.put("dora.pub", keys.person("a"))
    keys.push()
    second, before = keys.current(), tree(keys)
    text = dry(keys.gw, "rollback").stdout.splitlines()
    assert text[-1] == (f"generation {first} would be in force in place of "
                        f"{second}, 2 keys: 2 would come, 2 would go")
    said = [x.split()[:3] for x in text[:-1]]
    assert sorted(said) == [["would", "come:", "alice"],
                            ["would", "come:", "bob"],
                            ["would", "go:", "carl"],
                            ["would", "go:", "dora"]]
    found = rows(dry(keys.gw, "rollback", "--json", str(first)))
    assert {(r["event"], r.get("id")) for r in found[:-1]} == {
        ("would-come", "alice"), ("would-come", "bob"),
        ("would-go", "carl"), ("would-go", "dora")}
    assert found[-1] == {"event": "rollback", "dry_run": True, "from": second,
                         "to": first, "keys": 2, "come": 2, "go": 2}
    # What would be refused is refused.
    done = dry(keys.gw, "rollback", "12345", code=1)
    assert "there is no generation 12345" in done.stderr
    assert keys.current() == second and tree(keys) == before
    assert (keys.login("b"), keys.login("c")) == (None, "carl")
    done = keys.gw.run([POSTERN, "rollback", "--json"])
    assert rows(done) == [{"event": "rollback", "dry_run": False, "from": second,
                           "to": first, "keys": 2, "sessions_ended": 0}]
    assert (keys.login("b"), keys.login("c")) == ("bob", None)


def test_a_dry_rollback_names_the_first_of_many(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    many = [f"u{n}" for n in range(25)]
    for name in many:
        keys.put(f"{name}.pub", keys.person(name))
    keys.push()
    text = dry(keys.gw, "rollback").stdout.splitlines()
    assert len(text) == 22 and text[20] == "and 5 more"
    assert text[21].endswith("1 keys: 0 would come, 25 would go")
    assert len(rows(dry(keys.gw, "rollback", "--json"))) == 26


def test_a_dry_push_sends_takes_and_notes_nothing(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    sequence = json.loads(keys.gl.run([POSTERN, "status", "--json"],
                                      check=False).stdout)["sequence"]
    keys.put("bob.pub", keys.person("b"))
    keys.put("bad.pub", "no key")
    before = tree(keys)
    done = dry(keys.gl, "push-keys", code=2)
    assert done.stdout == (f"2 keys would be pushed to git@{keys.gw.name}, "
                           f"which has 1 now, sequence {sequence}\n")
    assert "bad.pub left out" in done.stderr
    found = rows(dry(keys.gl, "push-keys", "--json", code=2))
    assert found[0]["event"] == "skipped"
    assert found[-1]["dry_run"] is True and found[-1]["ok"]
    assert (found[-1]["keys"], found[-1]["gateway-keys"],
            found[-1]["gateway-sequence"]) == (2, 1, sequence)
    assert "sequence" not in found[-1]
    assert tree(keys) == before and keys.login("b") is None
    # A gateway that would not take them says so now.
    text = keys.gw.read("/etc/postern/git/authorized_keys")
    keys.gw.write("/etc/postern/git/authorized_keys", "")
    done = dry(keys.gl, "push-keys", code=1)
    keys.gw.write("/etc/postern/git/authorized_keys", text)
    assert "the keys would not reach the gateway: " in done.stderr
    assert "Permission denied" in done.stderr
    assert tree(keys) == before
    keys.push(expect=2)
    assert keys.login("b") == "bob"


def test_lint_keys_only_reads(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.push()
    keys.put("bob.pub", keys.person("b"))
    keys.put("bad name.pub", keys.person("c"))
    files = TREE.replace(STATE, KEYDIR)

    def all_of_it():
        return tree(keys), keys.gl.run(files).stdout, keys.log(keys.gl)
    before = all_of_it()
    for code, words in ((1, [KEYDIR]), (1, ["--json", KEYDIR]),
                        (0, [f"{KEYDIR}/bob.pub"])):
        done = keys.gl.run([POSTERN, "lint-keys", *words], check=False)
        assert done.returncode == code, done
        assert "bob" in done.stdout
    assert all_of_it() == before
    assert keys.login("b") is None
