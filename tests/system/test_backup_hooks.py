# SPDX-License-Identifier: ISC
"""The store's own commands around a client's run: before, on-failure, after;
and where what any command says goes."""

import os
import re

from backuplib import (CLIENT, HOME, POSTERN, STORE, TOOLS,  # noqa: F401
                       backup)
from lab import proc

DATA = "/srv/data"
LOG = "/tmp/hooks"
SAY = ('echo "$POSTERN_HOOK $POSTERN_JOB $POSTERN_STATUS $POSTERN_SNAPSHOT '
       f'$POSTERN_WHY" >>{LOG}')


def policy(before=SAY, more=""):
    return (f"[store]\ndir = {STORE}\nbefore = {before}\nafter = {SAY}\n"
            f"on-failure = {SAY}\n{more}")


def said(b):
    """What the commands said since the last look."""
    path = b.store.path(LOG)
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [" ".join(line.split()) for line in lines]


def test_the_stores_commands_run_around_a_good_run(backup):
    backup.setup(root=DATA, policy=policy())
    backup.files({f"{DATA}/a": "one\n"})
    done = backup.run()
    assert said(backup) == [f"before {CLIENT}",
                            f"after {CLIENT} 0 {done.snapshot}"]


def test_a_failing_before_of_the_store_leaves_all_as_it_was(backup):
    backup.setup(root=DATA, policy=policy(before=f"{SAY}; exit 3"))
    backup.files({f"{DATA}/a": "one\n"})
    done = backup.run("-q", expect=1)
    assert "before" in done.err and "exit 3" in done.err, str(done)
    assert backup.snapshots() == [] and not backup.incoming().exists()
    first, failure, after = said(backup)
    assert first == f"before {CLIENT}"
    assert re.fullmatch(rf"on-failure {CLIENT} 1 before.*exit 3.*", failure)
    assert re.fullmatch(rf"after {CLIENT} 1 before.*exit 3.*", after)
    # The owner's status has it, too.
    runs = backup.store.read(f"{STORE}/.postern/{CLIENT}/runs")
    assert runs.split(" ")[2] == "failed" and "exit\\0403" in runs, runs


def test_a_run_that_breaks_is_told_of_to_the_store(backup):
    backup.setup(root=DATA, policy=policy())
    backup.files({f"{DATA}/a": "one\n"})
    backup.files({f"{DATA}/b": "root's\n"}, mode=0o600)
    os.removexattr(backup.client.path(f"{TOOLS}/postern-backup-send"),
                   "security.capability")
    backup.run("-q", expect=1)
    words = [line.split()[0] for line in said(backup)]
    assert words == ["before", "on-failure", "after"]


def test_a_refused_run_starts_no_command(backup):
    backup.setup(root=DATA, policy=policy(more="rate-limit = 1h\n"))
    backup.files({f"{DATA}/a": "one\n"})
    backup.run()
    said(backup)
    backup.run("-q", expect=75)
    assert said(backup) == []


def test_a_client_that_goes_away_ends_the_stores_before(backup):
    """Nobody waits for it any more: it and its children are ended."""
    backup.setup(root=DATA, policy=policy(
        before=f"echo here >{LOG}.2; sleep 987; true"))
    backup.files({f"{DATA}/a": "one\n"})
    running = backup.start("--json")
    proc.wait_for(backup.store.path(f"{LOG}.2").exists, 30, "before")
    running.kill()
    running.end()
    proc.wait_for(lambda: not backup.pids(backup.store, "sleep 987"), 30,
                  "end of the command")
    log = backup.store.path(LOG)
    proc.wait_for(lambda: log.exists() and [
        line.split()[0] for line in log.read_text().splitlines()] == [
            "on-failure", "after"], 30, "the other two")


def test_what_a_clients_command_says_is_no_frame_of_a_pull(backup):
    b = backup
    b.setup(root=DATA, before="echo hello", after="echo bye")
    b.files({f"{DATA}/a": "one\n"})
    key = b.store.path(f"{HOME}/.ssh/id_ed25519")
    b.lab.keygen(key, "owner")
    b.store.write(f"{HOME}/.ssh/known_hosts", f"h1 {b.client.host_key}\n")
    b.own(b.store, f"{HOME}/.ssh")
    public = b.store.read(f"{HOME}/.ssh/id_ed25519.pub").strip()
    b.client.write(f"{HOME}/.ssh/authorized_keys", "restrict,command="
                   f'"{POSTERN} backup run --stdio" {public}\n', 0o600)
    b.own(b.client, f"{HOME}/.ssh")
    b.client.run(["ln", "-sf", POSTERN, "/usr/local/bin/postern"])
    try:
        done = b.owner("pull", "--store", STORE, "h1")
        # That host was asked for nothing: who would it ask?
        b.client.write(f"{HOME}/.config/postern/backup.conf",
                       f"[job t]\nroot = {DATA}\n")
        b.owner("pull", "--store", STORE, "h1")
        alone = b.run("-q", expect=1)
    finally:
        b.client.run(["rm", "-f", "/usr/local/bin/postern"])
    assert done.snapshot in b.snapshots("h1")
    assert len(b.snapshots("h1")) == 2
    assert "destination" in alone.err, str(alone)


def test_after_runs_though_on_failure_failed(backup):
    """It thaws, or unmounts."""
    backup.setup(root=DATA, before="false", on_failure="exit 4", after=SAY)
    done = backup.run("-q", expect=1)
    assert "exit 4" in done.err
    assert backup.client.read(LOG).startswith("after t 1 ")


def test_json_has_no_line_of_a_command(backup):
    backup.setup(root=DATA, before="echo hello", after="echo bye")
    backup.files({f"{DATA}/a": "one\n"})
    done = backup.run("--json")
    assert "hello" in done.err and "bye" in done.err
    assert done.of("result")[0]["status"] == 0
