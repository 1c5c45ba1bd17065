# SPDX-License-Identifier: ISC
"""The commands of backup.conf that say too much, to nobody, or do not end; and
a client that finds new names for its jobs."""

import os
import re
import signal

import pytest

from backuplib import (CLIENT, POSTERN, STORE, backup,  # noqa: F401
                       keys_line)
from lab import proc

DATA = "/srv/data"
LOG = "/tmp/hooks"
# Ends by nothing but SIGKILL, and has a process that does so, too.
HANG = (f"trap '' TERM; echo \"$POSTERN_HOOK\" >>{LOG}; sleep 987 & "
        "wait; sleep 987")
ASLEEP = r"^sleep 987$"


def conf(**store):
    lines = [f"{k.replace('_', '-')} = {v}" for k, v in store.items()]
    return "\n".join(["[store]", f"dir = {STORE}", *lines]) + "\n"


def journal(b):
    """What postern backup has told the system's log of the store. Hosts are
    shared: a test looks for what nobody else says."""
    b.store.run(["journalctl", "--sync"])
    return b.store.run(["journalctl", "-t", "postern-backup", "-o",
                        "cat"]).stdout


def logged(b):
    path = b.store.path(LOG)
    return path.read_text().split() if path.exists() else []


def wait_logged(b, word):
    proc.wait_for(lambda: word in logged(b), 30, f"{word} in {LOG}")


# What a command says

def test_who_reads_nothing_of_it_stops_no_command(backup):
    """The client's ssh has a stderr that nobody reads: sshd's window closes,
    and the pipe behind it is full."""
    b = backup
    b.setup(root=DATA, policy=conf(
        before=f"yes flood | head -c 9000000 >&2; echo ran >{LOG}",
        after="seq -f 'reads-nothing %g' 1 30"))
    b.client.write("/tmp/stuck", "#!/bin/sh\nmkfifo /tmp/full.$$ && "
                   "exec 7<>/tmp/full.$$ && exec ssh \"$@\" 2>&7\n", 0o755)
    b.conf(root=DATA, ssh="/tmp/stuck")
    b.files({f"{DATA}/a": "one\n"})
    b.run()
    assert logged(b) == ["ran"]
    assert b.stored(DATA) == b.source(DATA)
    said = journal(b)
    kept = re.findall(rf"^after of {CLIENT}: reads-nothing (\d+)$", said,
                      re.M)
    assert kept[-20:] == [str(n) for n in range(11, 31)], said[-2000:]
    assert "reads-nothing 10\n" not in said
    assert f"after of {CLIENT}: 10 lines before these are left out" in said


def test_a_stderr_that_is_full_stops_no_receive(backup):
    """What sshd gave it is full before the store says a word."""
    b = backup
    b.setup(root=DATA, policy=conf(after="echo full-up; exit 5"))
    b.files({f"{DATA}/a": "one\n"})
    keys = b.store.read("/home/backup/.ssh/authorized_keys")
    receive = re.search(r'command="([^"]*)"', keys)[1]
    b.store.write("/tmp/receive", "#!/bin/sh\nmkfifo /tmp/full && "
                  "exec 7<>/tmp/full || exit\n"
                  "dd if=/dev/zero of=/dev/fd/7 bs=512 oflag=nonblock "
                  f"2>/dev/null\nexec {receive} 2>&7\n", 0o755)
    keys_line(b, "/tmp/receive")
    b.run()
    said = journal(b)
    assert f"after of {CLIENT}: full-up\n" in said
    assert f"after of {CLIENT}: echo full-up; exit 5: exit status 5" in said


def test_who_hangs_up_ends_no_command(backup):
    """It says something when nobody is there to hear it."""
    b = backup
    b.setup(root=DATA, policy=conf(
        after=f"echo begun >>{LOG}; until test -e /tmp/gone; do sleep 0.1; "
              "done; echo into-the-void; echo into-the-void >&2; "
              f"echo done >>{LOG}"))
    b.files({f"{DATA}/a": "one\n"})
    running = b.start("--json")
    wait_logged(b, "begun")
    running.kill()
    running.end()
    proc.wait_for(lambda: not b.pids(b.store, f"^{proc.SSHD}: backup"),
                  60, "end of the session's sshd")
    assert logged(b) == ["begun"]
    b.store.write("/tmp/gone", "")
    wait_logged(b, "done")
    proc.wait_for(lambda: not b.pids(b.store, r"^postern-backup receive"), 30,
                  "end of receive")
    assert journal(b).count(f"after of {CLIENT}: into-the-void\n") == 2


def test_why_a_command_failed_is_told_to_the_system(backup):
    b = backup
    b.setup(root=DATA, policy=conf(before="echo told-why; exit 3",
                                   on_failure="exit 44"))
    b.files({f"{DATA}/a": "one\n"})
    done = b.run("-q", expect=1)
    assert "exit status 3" in done.err, str(done)
    assert "on-failure" not in done.err, str(done)
    said = journal(b)
    assert f"before of {CLIENT}: told-why\n" in said
    assert (f"before of {CLIENT}: echo told-why; exit 3: exit status 3\n"
            in said)
    assert f"on-failure of {CLIENT}: exit 44: exit status 44\n" in said


# One that does not end

@pytest.mark.parametrize("which", ["after", "on-failure"])
def test_a_command_of_the_store_that_hangs_is_ended(backup, which):
    """It holds the client's lock no longer than it may run."""
    b = backup
    rc = 0 if which == "after" else 1
    b.setup(root=DATA, policy=conf(**{
        "before": "true" if rc == 0 else "exit 3",
        which: HANG, "command_timeout": "1s",
        "timeout": "1h"}))
    b.files({f"{DATA}/a": "one\n"})
    b.run("-q", expect=rc)
    assert logged(b) == [which]
    assert b.pids(b.store, ASLEEP) == []
    assert re.search(rf"^{which} of {CLIENT}: .*: not done within 1 s "
                     r"\(command-timeout\): it was ended$", journal(b), re.M)
    # What the client has of it is no other than without.
    assert len(b.snapshots()) == (1 if rc == 0 else 0)
    b.policy(conf())
    b.run()


def test_its_time_is_over_though_the_client_is_gone(backup):
    b = backup
    b.setup(root=DATA, policy=conf(after=HANG, command_timeout="3s"))
    b.files({f"{DATA}/a": "one\n"})
    running = b.start("--json")
    wait_logged(b, "after")
    running.kill(signal.SIGKILL)
    running.end()
    proc.wait_for(lambda: not b.pids(b.store, ASLEEP), 60,
                  "end of the command")
    proc.wait_for(lambda: not b.pids(b.store, r"^postern-backup receive"), 30,
                  "end of receive")
    b.policy(conf())
    b.run()
    assert len(b.snapshots()) == 2


def test_an_on_failure_of_a_clients_verify_that_hangs_is_ended(backup):
    b = backup
    b.setup(root=DATA, accept=("--allow", "run,verify"),
            policy=conf(on_failure=HANG, command_timeout="1s"))
    b.files({f"{DATA}/a": "one\n"})
    b.run()
    b.store.path(f"{STORE}/{CLIENT}/{b.snapshots()[0]}{DATA}/a").write_text(
        "eno\n")
    b.run(cmd="verify", expect=2)
    assert logged(b) == ["on-failure"]
    assert b.pids(b.store, ASLEEP) == []


@pytest.mark.parametrize("when", ["in the command", "before it"])
def test_who_hangs_up_hides_nothing_that_a_verify_found(backup, when):
    """The rows come before the owner's command: a client that doesn't want
    the owner to hear of it goes away."""
    b = backup
    b.setup(root=DATA, accept=("--allow", "run,verify"), policy=conf(
        on_failure=f"echo begun >>{LOG}; sleep 2; echo done >>{LOG}"))
    b.files({f"{DATA}/a": "one\n"})
    if when == "before it":
        # Much to read after what is found.
        b.files({f"{DATA}/z{n}": os.urandom(1 << 16).hex() * 100
                 for n in range(20)})
    b.run()
    b.store.path(f"{STORE}/{CLIENT}/{b.snapshots()[0]}{DATA}/a").write_text(
        "eno\n")
    asks = b.start(cmd="verify")
    if when == "before it":
        proc.wait_for(lambda: any(f"{DATA}/a" in x for x in asks.lines), 30,
                      "row of the file")
    else:
        wait_logged(b, "begun")
    asks.kill()
    wait_logged(b, "done")
    assert logged(b) == ["begun", "done"]


def alone(b, expect):
    """A client's run that no terminal belongs to, whoever runs the tests."""
    done = b.client.run(
        ["setsid", "-w", *b.as_user(b.client, POSTERN, "backup", "run",
                                    "-q")],
        check=False, timeout=120, env=b.ENV)
    assert done.returncode == expect, done.stderr
    assert b.pids(b.client, ASLEEP) == []
    return done.stderr


def test_a_clients_command_that_hangs_is_ended(backup):
    b = backup
    b.setup(root=DATA, after=HANG, command_timeout="1s")
    b.files({f"{DATA}/a": "one\n"})
    assert re.search(r"after of t: .*not done within 1 s \(command-timeout\)",
                     alone(b, 1))
    assert len(b.snapshots()) == 1
    b.conf(root=DATA, before="exit 3", on_failure=HANG, command_timeout="1s",
           after="echo came >&2")
    said = alone(b, 1)
    assert re.search(r"on-failure of t: .*not done within 1 s", said)
    assert "came" in said


def test_a_clients_before_is_part_of_its_run(backup):
    b = backup
    b.setup(root=DATA, before=HANG, timeout="2s", command_timeout="1h")
    b.files({f"{DATA}/a": "one\n"})
    assert re.search(r"before of t: .*not done within 2 s \(timeout\)",
                     alone(b, 75))
    assert b.snapshots() == []


def test_a_before_that_hangs_is_ended_without_a_timeout(backup):
    """Its job's, and the store's: neither has a deadline but this one."""
    b = backup
    b.setup(root=DATA, before=HANG, command_timeout="1s")
    b.files({f"{DATA}/a": "one\n"})
    assert re.search(
        r"before of t: .*not done within 1 s \(command-timeout\)",
        alone(b, 75))
    b.conf(root=DATA)
    b.policy(conf(before=HANG, command_timeout="1s"))
    assert re.search(r"not done within 1 s \(command-timeout\)",
                     alone(b, 75))
    assert b.pids(b.store, ASLEEP) == [] and b.snapshots() == []


# New names

def test_a_client_has_so_many_jobs_at_a_time(backup):
    """Else one that calls each run something new is thinned by no rule."""
    b = backup
    rules = {"keep_last": 1, "max_jobs": 3}
    b.setup(root=DATA, policy=conf(**rules))
    b.files({f"{DATA}/a": "one\n"})

    def run(name, expect=0):
        b.conf(root=DATA, name=name)
        return b.run("-q", expect=expect).err

    for name in ("a", "b", "c", "a", "c"):
        run(name)
    names = b.snapshots()
    assert len(names) == 3
    for name in ("d", "e", "f"):
        why = run(name, expect=1)
        assert f"job '{name}' would be one more than the 3" in why, why
        assert "max-jobs" in why, why
    assert b.snapshots() == names
    # The owner sees it; those that there are go on; nobody else is meant.
    assert "max-jobs" in b.store.read(f"{STORE}/.postern/{CLIENT}/runs")
    run("b")
    assert len(b.snapshots()) == 3
    b.policy(conf(**rules) + f"[client {CLIENT}]\nmax-jobs = 4\n")
    run("d")
    run("e", expect=1)
    assert len(b.snapshots()) == 4
    # One that the owner has given up has made room for another.
    names = b.snapshots()
    assert "takes one CLIENT" in b.owner("prune", "--job", "a",
                                         expect=64).err
    assert "no snapshot of a job 'x'" in b.owner("prune", "--job", "x",
                                                 CLIENT, expect=1).err
    gone, = [n for n in names if "job a\n" in b.store.read(
        f"{STORE}/.postern/{CLIENT}/snap/{n}")]
    said = b.owner("prune", "-n", "--job", "a", CLIENT).out
    assert gone in said and "of that job" in said
    assert not [n for n in names if n != gone and n in said]
    assert b.snapshots() == names
    b.owner("pin", gone)
    assert "pinned" in b.owner("prune", "--job", "a", CLIENT).out
    assert b.snapshots() == names
    b.owner("pin", "--remove", gone)
    b.owner("prune", "--job", "a", "--client", CLIENT)
    assert b.snapshots() == [n for n in names if n != gone]
    run("e")
    assert len(b.snapshots()) == 4
