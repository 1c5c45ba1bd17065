# SPDX-License-Identifier: ISC
"""--verify: after the push, every file's hash, here and on each host."""

import pytest

from fleet import fleet  # noqa: F401

# Where csync2 has been and gone: what is done to h1 between push and hash.
MEDDLER = """mkdir -p /usr/local/sbin
cat >/usr/local/sbin/csync2 <<'END'
#!/bin/sh
/usr/sbin/csync2 "$@"
rc=$?
case $* in *-i*) sh /tmp/meddle ;; esac
exit $rc
END
chmod 755 /usr/local/sbin/csync2"""


@pytest.fixture
def verify(fleet):
    """verify(line): a push with --verify in which that line runs on h1 as
    soon as csync2 has ended there. What is said of h1, sorted."""
    fleet.setup(2, more="exclude *.bak; exclude /srv/priv/not;")
    fleet.scripts({"a": "aaa\n", "b": "bbb\n", "d/c": "ccc\n",
                   "sp ace\n\u00e4": "x"})
    fleet.admin.run("ln -s a /srv/priv/link")
    fleet.each(MEDDLER, [1])

    def run(line, *args, expect=2):
        fleet.host(1).write("/tmp/meddle", "cd /srv/priv\n" + line + "\n")
        done = fleet.push("--json", "--verify", *args, expect=expect)
        assert done.last("h2")["state"] == "verified", str(done)
        said = sorted(
            f"{kind} {e['text']}" for kind in
            ("missing", "extra", "different") for e in done.of(kind, "h1"))
        assert (done.last("h1")["state"] == "verified") == (said == [])
        return said

    run.fleet = fleet
    return run


def test_what_is_as_it_should_be_is_verified(verify):
    assert verify(":", expect=0) == []


def test_a_missing_file_is_named(verify):
    assert verify("rm a; rm -r d") == [
        "missing /srv/priv/a", "missing /srv/priv/d",
        "missing /srv/priv/d/c"]


def test_an_extra_file_is_named(verify):
    assert verify("echo >new; mkdir nd") == [
        "extra /srv/priv/nd", "extra /srv/priv/new"]


@pytest.mark.parametrize("line,name,what", [
    # Same size and time, other content: only a hash tells.
    ("touch -r a /tmp/t; echo AAA >a; touch -r /tmp/t a", "a", "content"),
    ("chmod 4755 b", "b", "mode"),
    ("chown 33 b", "b", "owner"),
    ("chgrp 33 b", "b", "owner"),
    ("ln -sfn b link", "link", "target"),
    ("rm b; mkdir b", "b", ""),
    ("rm link; cp a link", "link", ""),
])
def test_a_difference_is_named_with_its_kind(verify, line, name, what):
    said, = verify(line)
    assert said.startswith(f"different /srv/priv/{name} ("), said
    assert what in said


def test_excluded_files_are_nobody_s_business(verify):
    assert verify("echo >x.bak; mkdir not; echo >not/x", expect=0) == []


def test_unusual_names_are_named_as_they_are(verify):
    assert verify("echo y >'sp ace\n\u00e4'")[0].startswith(
        "different /srv/priv/sp ace")


def test_text_output_is_escaped_and_names_the_host(verify):
    fleet = verify.fleet
    fleet.host(1).write("/tmp/meddle",
                        "printf x >\"/srv/priv/$(printf 'e\\033[2J')\"\n")
    out = fleet.push("--verify", expect=2).out
    assert "h1: extra: /srv/priv/e" in out and "\x1b" not in out
    assert "1 files are not as they are on admin" in out


def test_a_quiet_run_still_names_what_differs(verify):
    fleet = verify.fleet
    fleet.host(1).write("/tmp/meddle", "rm /srv/priv/a\n")
    out = fleet.push("--verify", "-q", expect=2).out
    assert "/srv/priv/a" in out and "h2" not in out


def test_a_host_whose_push_failed_is_not_asked(verify):
    fleet = verify.fleet
    fleet.host(1).link.cut()
    done = fleet.push("--json", "--verify", "--connect-timeout", "3s",
                      expect=2)
    assert "hashing" not in done.states("h1")
    assert done.last("h2")["state"] == "verified"


def test_what_the_pusher_can_not_read_is_no_silent_yes(verify):
    """The pusher itself can't be hashed: nobody is called verified."""
    fleet = verify.fleet
    fleet.admin.run("mv /usr/bin/sha256sum /root/kept")
    try:
        done = fleet.push("--json", "--verify", expect=(1, 2))
        assert "verified" not in done.states("h1") + done.states("h2")
    finally:
        fleet.admin.run("mv /root/kept /usr/bin/sha256sum")


def test_it_leaves_nothing(verify):
    before = verify.fleet.leftovers(ignore=[r"/tmp/meddle$"])
    verify("rm a")
    before.settle()
