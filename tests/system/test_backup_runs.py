# SPDX-License-Identifier: ISC
"""postern backup run of all jobs of the file, and what it leaves for
Prometheus."""

import os
import re
import signal
import time

from backuplib import CONF, backup  # noqa: F401

ONE, TWO, THREE = "/srv/one", "/srv/two", "/srv/three"
TEXTFILE = "/srv/metrics/backup.prom"
METRIC = re.compile(r'^postern_backup_job_(\w+)\{backup_job="(\w+)"\} (\d+)$')


def section(name, root, *more):
    return "\n".join([f"[job {name}]", "destination = backup@h2",
                      f"root = {root}", *more, ""])


def jobs(b, *sections):
    b.setup(root=ONE)
    b.files({f"{at}/f": at for at in (ONE, TWO, THREE)})
    b.client.write(f"{CONF}/backup.conf", "".join(sections))
    b.own(b.client, CONF)


def roots(b):
    """What each snapshot is of, the oldest first."""
    return [sorted(os.listdir(b.snapshot(n) + b"/srv")) for n in
            b.snapshots()]


# All jobs

def test_all_jobs_are_run_in_the_order_of_the_file(backup):
    jobs(backup, section("zwei", TWO), section("eins", ONE),
         section("drei", THREE))
    done = backup.run()
    assert roots(backup) == [[b"two"], [b"one"], [b"three"]]
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "zwei", "eins", "drei"]
    done = backup.run("--json")
    results = done.of("result")
    assert [(r["job"], r["status"]) for r in results] == [
        ("zwei", 0), ("eins", 0), ("drei", 0)]
    assert [r["snapshot"] for r in results] == backup.snapshots()[3:]
    done = backup.run("-q")
    assert (done.out, done.err) == ("", "")
    assert len(backup.snapshots()) == 9
    # A name is that one alone.
    backup.run("eins")
    assert roots(backup)[9:] == [[b"one"]]
    done = backup.run("-n")
    assert [line for line in done.out.splitlines() if "be asked" in line] == [
        f"{n}: backup@h2 would be asked for a backup"
        for n in ("zwei", "eins", "drei")]
    assert len(backup.snapshots()) == 10


def test_a_job_that_fails_stops_no_other_and_is_named(backup):
    jobs(backup, section("a", ONE, "before = exit 3"), section("b", TWO),
         section("c", THREE, "ssh-option = Port=2222"))
    done = backup.run("--json", expect=2)
    assert [(r["job"], r["status"]) for r in done.of("result")] == [
        ("a", 1), ("b", 0), ("c", 75)]
    assert roots(backup) == [[b"two"]]
    done = backup.run("-q", expect=2)
    assert "a: before of a: exit 3" in done.err and "c: " in done.err
    assert "b: " not in done.err
    # None at all is not partly done.
    jobs(backup, section("a", ONE, "before = exit 3"),
         section("b", TWO, "before = exit 4"))
    backup.run("-q", expect=1)
    jobs(backup, section("a", ONE, "ssh-option = Port=2222"),
         section("b", TWO, "ssh-option = Port=2222"))
    backup.run("-q", expect=75)


def test_a_name_that_is_none_is_said_before_anything_is_run(backup):
    jobs(backup, section("a", ONE), section("b", TWO))
    done = backup.run("a", "c", expect=1)
    assert "no [job c]" in done.err and backup.snapshots() == []


def test_an_interrupt_ends_all_jobs(backup):
    jobs(backup, section("a", ONE), section("b", TWO), section("c", THREE))
    backup.files({f"{TWO}/big": os.urandom(1_500_000)})
    for number in (signal.SIGINT, signal.SIGTERM):
        running = backup.start("--json", "--bandwidth", "300K")
        running.wait_event(lambda e: e["event"] == "progress"
                           and e["job"] == "b" and e["bytes"] > 0,
                           what="byte of the second that has arrived")
        os.kill(running.pid, number)
        done = running.end()
        assert done.rc == 2, str(done)
        assert [(r["job"], r["status"]) for r in done.of("result")] == [
            ("a", 0), ("b", 1)]
        assert "interrupted" in done.of("result")[1]["why"]
        assert "c: not begun" in done.err, done.err
    assert roots(backup) == [[b"one"]] * 2


def test_the_store_is_told_the_jobs_name(backup):
    """What the request says, in ssh's place."""
    jobs(backup, section("a", ONE, "name = home-of-ann", "ssh = /opt/ssh"))
    backup.client.write("/opt/ssh", "#!/bin/sh\ndd bs=65536 count=1 >/tmp/asked\n",
                        0o755)
    backup.run("-q", expect=None)
    assert b"job home-of-ann\n" in backup.client.read("/tmp/asked",
                                                      text=False)


# Metrics

def metrics(b, path=TEXTFILE, job="a"):
    """Name and number, as node_exporter's parser takes them."""
    found, types = {}, {}
    for line in b.client.read(path).splitlines():
        if line.startswith("#"):
            _, kind, name, text = line.split(" ", 3)
            assert (kind, name) not in types, line
            types[kind, name] = text
            continue
        m = METRIC.match(line)
        assert m and m[2] == job, line
        name = f"postern_backup_job_{m[1]}"
        assert types["TYPE", name] == "gauge" and types["HELP", name]
        found[m[1]] = int(m[3])
    return found


def with_metrics(b, *more):
    jobs(b, section("a", ONE, f"textfile = {TEXTFILE}", *more))
    if not b.client.exists("/srv/metrics"):
        b.client.run(["install", "-d", "-o", "backup", "/srv/metrics"])


def test_a_run_leaves_metrics_and_a_failed_one_keeps_the_last_good(backup):
    with_metrics(backup)
    backup.files({f"{ONE}/f": "x" * 5000})
    begin = int(time.time())
    result, = backup.run("--json").of("result")
    good = metrics(backup)
    assert good == {
        "last_run_timestamp_seconds": good["last_run_timestamp_seconds"],
        "last_run_status": 0, "last_run_duration_seconds":
        good["last_run_duration_seconds"], "last_success_timestamp_seconds":
        good["last_run_timestamp_seconds"], "snapshot_files":
        result["files"], "snapshot_bytes": 5000, "snapshot_added_bytes": 5000,
        "snapshot_vanished": 0, "snapshot_changed": 0}
    assert begin <= good["last_run_timestamp_seconds"] <= time.time()
    path = backup.client.path(TEXTFILE)
    assert path.stat().st_mode & 0o777 == 0o644
    # Replaced, never written to: who has the old one open has all of it.
    with open(path) as old:
        text, node = path.read_text(), path.stat().st_ino
        backup.client.write(f"{CONF}/backup.conf", section(
            "a", ONE, f"textfile = {TEXTFILE}", "before = exit 3"))
        backup.run("-q", expect=1)
        assert old.read() == text and path.stat().st_ino != node
    failed = metrics(backup)
    assert failed["last_run_status"] == 1
    assert {k: v for k, v in failed.items() if "last_run" not in k} == \
        {k: v for k, v in good.items() if "last_run" not in k}
    assert os.listdir(backup.client.path("/srv/metrics")) == ["backup.prom"]


def test_a_first_run_that_fails_has_no_success_to_tell_of(backup):
    with_metrics(backup, "ssh-option = Port=2222")
    backup.run("-q", expect=75)
    found = metrics(backup)
    assert found["last_run_status"] == 75
    assert set(found) == {"last_run_timestamp_seconds", "last_run_status",
                          "last_run_duration_seconds"}


def test_a_textfile_that_can_not_be_written_fails_the_run_by_name(backup):
    jobs(backup, section("a", ONE, "textfile = /nowhere/backup.prom"))
    done = backup.run("-q", expect=1)
    assert "/nowhere" in done.err, done.err
    # The backup was made.
    assert len(backup.snapshots()) == 1


def test_two_jobs_have_a_textfile_each_or_it_is_an_error(backup):
    jobs(backup, section("a", ONE, "textfile = /srv/metrics/a.prom"),
         section("b", TWO, "textfile = /srv/metrics/b.prom"))
    backup.client.run(["install", "-d", "-o", "backup", "/srv/metrics"])
    backup.run()
    for job in ("a", "b"):
        assert metrics(backup, f"/srv/metrics/{job}.prom",
                       job)["last_run_status"] == 0
    jobs(backup, section("a", ONE, f"textfile = {TEXTFILE}"),
         section("b", TWO, f"textfile = {TEXTFILE}"))
    done = backup.run("-q", expect=1)
    assert "same textfile" in done.err and backup.snapshots() == []
