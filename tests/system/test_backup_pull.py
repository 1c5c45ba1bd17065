# SPDX-License-Identifier: ISC
"""postern backup pull: the store's owner starts it, over ssh to the host."""

import json
import os
import signal

import pytest

from backuplib import HOME, OPT, POSTERN, STORE, backup  # noqa: F401
from lab import proc

DATA = "/srv/data"
SSH = f"{HOME}/.ssh"
LINK = "/usr/local/bin/postern"
OWNER = f"{HOME}/.config/postern/backup.conf"


@pytest.fixture
def pull(backup):  # noqa: F811
    """A store whose owner reaches the user backup of h1 by plain ssh."""
    b = backup
    b.setup(root=DATA)
    key = b.store.path(f"{SSH}/id_ed25519")
    b.lab.keygen(key, "owner")
    b.store.write(f"{SSH}/known_hosts", f"h1 {b.client.host_key}\n")
    b.own(b.store, SSH)
    authorize(b, 'restrict,command="postern backup run --stdio"')
    b.client.run(["ln", "-sf", POSTERN, LINK])
    b.files({f"{DATA}/a": "one\n", f"{DATA}/sub/b": "two\n",
             f"{DATA}/odd \\ name\x01": "three\n"})
    b.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    yield b
    b.client.run(["rm", "-f", LINK])


def authorize(b, options=""):
    public = b.store.read(f"{SSH}/id_ed25519.pub").strip()
    b.client.write(f"{SSH}/authorized_keys", f"{options} {public}\n".lstrip(),
                   0o600)
    b.own(b.client, SSH)


def record(b, which=-1):
    name = b.snapshots("h1")[which]
    at = f"{STORE}/.postern/h1/snap/{name}"
    return b.store.read(at if b.store.path(at).is_file() else f"{at}/record")


def start(b, *args):
    from backuplib import Running
    import subprocess
    return Running(args, b.store.popen(
        b.as_user(b.store, POSTERN, "backup", "pull", *args), text=True,
        env=b.ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE))


def test_owner_pulls_what_the_hosts_own_roots_say(pull):
    done = pull.owner("pull", "--store", STORE, "h1")
    assert pull.snapshots("h1") == [done.snapshot]
    assert pull.stored(DATA, name="h1") == pull.source(DATA)
    assert not list(pull.client.path("/tmp").glob("postern-backup.*"))
    assert "6 files" in done.out or "files" in done.out
    assert "mode pull" in record(pull).replace("=", " ").replace("  ", " ")


def test_second_pull_links_what_did_not_change(pull):
    pull.owner("pull", "--store", STORE, "h1")
    pull.owner("pull", "--store", STORE, "h1")
    one, two = (os.stat(pull.snapshot(i, "h1") + b"/srv/data/a")
                for i in (0, 1))
    assert one.st_ino == two.st_ino


def test_json_tells_the_owner_of_answer_and_result(pull):
    done = pull.owner("pull", "--store", STORE, "--json", "h1")
    assert [e["job"] for e in done.of("answer")] == ["h1"]
    assert done.of("result")[0]["status"] == 0
    assert done.of("result")[0]["snapshot"] == pull.snapshots("h1")[0]


def test_excludes_are_the_hosts_word(pull):
    pull.conf(root=DATA, exclude=[f"{DATA}/sub", "*.o"])
    pull.files({f"{DATA}/x.o": "object"})
    pull.owner("pull", "--store", STORE, "h1")
    assert set(pull.stored(DATA, name="h1")) == {
        b"a", b"secret", b"odd \\ name\x01"}


def test_client_section_has_its_own_name_destination_and_key(pull):
    for name, other in (("id_ed25519", "other"), ("known_hosts", "known")):
        pull.store.run(["mv", f"{SSH}/{name}", f"{SSH}/{other}"])
    # Only what is in the section leads there.
    pull.store.write(f"{HOME}/config", "Host attic\n\tHostName h1\n"
                     "\tUser nobody\n")
    pull.store.write(f"{HOME}/ssh", '#!/bin/sh\necho "$*" >>~/asked\n'
                     'exec /usr/bin/ssh "$@"\n', 0o755)
    pull.policy(f"[store]\ndir = {STORE}\n[client box]\n"
                f"destination = attic\nkey = {SSH}/other\n"
                f"known-hosts = {SSH}/known\nssh = {HOME}/ssh\n"
                f"ssh-config = {HOME}/config\nssh-option = User=backup\n")
    done = pull.owner("pull", "box")
    assert pull.snapshots("box") == [done.snapshot]
    assert " attic postern backup run --stdio" in \
        pull.store.read(f"{HOME}/asked")


def test_one_of_several_jobs_is_named(pull):
    authorize(pull)
    pull.conf(root=DATA, more="[job u]\ndestination = backup@h2\n"
              f"root = {DATA}/sub\n")
    done = pull.owner("pull", "--store", STORE, "h1", expect=1)
    assert "2 jobs" in done.err, str(done)
    pull.owner("pull", "--store", STORE, "--job", "u", "h1")
    assert set(pull.stored(DATA, name="h1")) == {b"sub", b"sub/b"}


def test_a_host_that_asks_for_something_else_gets_nothing(pull):
    pull.owner("pull", "--store", STORE, "h1")
    text = b"op list\nversion 1\n"
    frame = b"Q" + len(text).to_bytes(3, "big") + text
    pull.client.write("/tmp/evil.py", "import sys\n"
                      f"sys.stdout.buffer.write({frame!r})\n"
                      "sys.stdout.flush()\nsys.stdin.read()\n")
    authorize(pull, 'command="python3 /tmp/evil.py || perl -e 1"')
    pull.client.write("/tmp/evil.sh", "printf '"
                      + "".join(f"\\{b:03o}" for b in frame) + "'; cat\n")
    authorize(pull, 'command="sh /tmp/evil.sh"')
    done = pull.owner("pull", "--store", STORE, "h1", expect=1)
    assert "list" in done.err, str(done)


def test_a_locked_client_is_busy_and_the_owner_is_told(pull):
    pull.owner("pull", "--store", STORE, "h1")
    with pull.store.popen(["flock", f"{STORE}/.postern/h1/lock", "sh", "-c",
                           "echo locked; exec sleep 60"],
                          stdout=-1, text=True) as p:
        assert p.stdout.readline() == "locked\n"
        done = pull.owner("pull", "--store", STORE, "h1", expect=75)
        p.kill()
        pull.store.run(["sh", "-c", "kill $(pidof sleep)"], check=False)
    assert len(pull.snapshots("h1")) == 1, str(done)


def test_an_unreachable_host_is_named_and_leaves_no_client_behind(pull):
    pull.store.write(f"{SSH}/known_hosts", "")
    done = pull.owner("pull", "--store", STORE, "h1", expect=1)
    assert "h1: host key not known" in done.err, str(done)
    assert not pull.store.exists(f"{STORE}/h1")


def test_dry_run_prints_the_ssh_command_and_does_nothing(pull):
    done = pull.owner("pull", "--store", STORE, "-n", "h1")
    assert done.out.startswith("ssh ")
    assert "postern backup run --stdio" in done.out
    assert not pull.store.exists(f"{STORE}/h1")


def test_run_stdio_is_refused_to_a_person(pull):
    done = pull.client.run(pull.as_user(
        pull.client, "script", "-qec", f"{POSTERN} backup run --stdio",
        "/dev/null"), check=False, env=pull.ENV)
    assert "not for people" in done.stdout


def slow(b):
    """Something that takes long enough to be killed in, at 600 KB a second."""
    b.files({f"{DATA}/big": os.urandom(3_000_000)})


@pytest.mark.parametrize("side, pattern", [
    ("store", r"^\S*postern-backup pull"), ("store", r"^ssh "),
    ("store", r"/usr/bin/rsync "), ("store", r"postern-backup-relay"),
    ("client", r"^\S*postern-backup run"), ("client", r"rsync --server"),
    pytest.param("client", f"{proc.SSHD}: backup@", id="client-sshd")])
def test_nothing_is_left_after_kill_9_and_the_next_pull_goes_on(
        pull, side, pattern):
    slow(pull)
    pull.conf(root=DATA, bandwidth="600K")
    # What a killed run left there goes with the next.
    taken = pull.leftovers([rf"{STORE}(/|$)", r"/tmp/postern-backup\."])
    host = getattr(pull, side)
    running = start(pull, "--store", STORE, "--json", "h1")
    running.wait_event(lambda e: e["event"] == "progress"
                       and e.get("percent", 0) > 0, what="progress")
    os.kill(pull.wait_pid(host, pattern), signal.SIGKILL)
    assert running.end().rc != 0
    taken.settle(10)
    pull.conf(root=DATA)
    done = pull.owner("pull", "--store", STORE, "--json", "h1")
    assert done.of("answer")[0].get("resumed") is True, str(done)
    assert pull.stored(DATA, name="h1") == pull.source(DATA)
    assert not list(pull.client.path("/tmp").glob("postern-backup.*"))


# A host without postern


@pytest.fixture
def bare(pull):
    """h1 has no postern in its PATH, and the owner's key may do what it
    likes there."""
    authorize(pull)
    pull.client.run(["rm", "-f", LINK])
    pull.files({f"{DATA}/x.o": "object", f"{DATA}/w*ld": "wild",
                "/srv/other place/c": "three\n"})
    pull.client.run(["chown", "backup", f"{DATA}/secret"])
    return pull


def section(b, *more, roots=(DATA,)):
    b.policy("\n".join([f"[store]\ndir = {STORE}\n[client h1]",
                        *(f"root = {r}" for r in roots), *more]) + "\n")


def test_host_without_postern_is_read_by_its_own_rsync_and_that_is_said(bare):
    section(bare, "exclude = *.o", f"exclude = {DATA}/sub",
            roots=(DATA, "/srv/other place"))
    done = bare.owner("pull", "h1")
    assert "nothing confines it there" in done.err
    want = bare.source(DATA, skip=(b"sub", b"x.o"))
    assert bare.stored(DATA, name="h1") == want
    assert bare.stored("/srv/other place", name="h1") == \
        bare.source("/srv/other place")
    assert "mode pull-plain\n" in record(bare)


def test_what_is_gone_or_excluded_later_is_not_in_the_next_snapshot(bare):
    section(bare, roots=(DATA, "/srv/other place"))
    bare.owner("pull", "h1")
    bare.client.path(f"{DATA}/a").unlink()
    section(bare, "exclude = *.o")
    bare.owner("pull", "h1")
    assert bare.stored(DATA, name="h1") == bare.source(DATA, skip=(b"x.o",))
    assert not os.path.exists(bare.snapshot(-1, "h1") + b"/srv/other place")


def test_what_a_broken_run_left_beside_the_roots_does_not_stay(bare):
    section(bare, roots=(DATA, "/srv/other place"))
    bare.owner("pull", "h1")
    at = f"{STORE}/h1/.incoming"
    bare.store.run(bare.as_user(bare.store, "sh", "-c", f"""
        umask 077 && mkdir -p '{at}/srv/other place' {at}{DATA}-not &&
        echo old >'{at}/srv/other place/c' && echo old >{at}{DATA}-not/x &&
        ln -s / {at}/etc && echo old >{at}/srv/file && ln -s / {at}{DATA}
        """))
    section(bare)
    done = bare.owner("pull", "--json", "h1")
    assert done.of("answer")[0].get("resumed") is True
    assert bare.stored(DATA, name="h1") == bare.source(DATA)
    assert set(os.listdir(bare.snapshot(-1, "h1"))) == {b"srv"}
    assert os.listdir(bare.snapshot(-1, "h1") + b"/srv") == [b"data"]


def test_postern_no_asks_for_none(bare):
    bare.client.run(["ln", "-sf", POSTERN, LINK])
    section(bare, "postern = no")
    bare.owner("pull", "h1")
    assert "mode pull-plain\n" in record(bare)


def test_host_without_postern_and_without_roots_is_refused(bare):
    done = bare.owner("pull", "--store", STORE, "h1", expect=1)
    assert "name a root in [client h1]" in done.err
    assert not bare.store.exists(f"{STORE}/h1")


def test_a_root_with_wildcards_in_its_name_is_that_root_alone(bare):
    section(bare, roots=(f"{DATA}/w*ld",))
    bare.owner("pull", "h1")
    assert set(bare.stored(DATA, name="h1")) == {b"w*ld"}


@pytest.fixture
def held_back(bare):
    """Its rsync takes seconds for what slow() makes."""
    bare.client.write("/usr/local/bin/rsync", """#!/bin/sh
first=$1
shift
exec /usr/bin/rsync "$first" --bwlimit=600k "$@"
""", 0o755)
    yield
    bare.client.run(["rm", "-f", "/usr/local/bin/rsync"])


def test_pull_without_postern_ends_when_its_ssh_is_killed(bare, held_back):
    slow(bare)
    section(bare)
    taken = bare.leftovers([rf"{STORE}(/|$)"])
    running = start(bare, "--json", "h1")
    running.wait_event(lambda e: e["event"] == "progress"
                       and e.get("percent", 0) > 0, what="progress")
    ssh = [p for p in bare.pids(bare.store, r"^ssh ")
           if "--server" in proc.cmdline(p)]
    os.kill(ssh[0], signal.SIGKILL)
    done = running.end()
    assert done.rc == 1, str(done)
    bare.client.run(["rm", "/usr/local/bin/rsync"])
    taken.settle(10)
    bare.owner("pull", "h1")
    assert bare.stored(DATA, name="h1") == bare.source(DATA)
