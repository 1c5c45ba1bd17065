# SPDX-License-Identifier: ISC
"""remote/push.sh and receive.sh: a push over pipes, against real csync2."""
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from remotelib import (Box, Bridge, Script, SHELLS, key, kill, pipe_conf,
                       start_pusher, start_receiver, tree, wait_for)


@pytest.fixture(params=list(SHELLS))
def box(request):
    b = Box(request.param)
    b.sh("mkdir -p /mnt/src/d /mnt/dst /mnt/dst2; echo one >/mnt/src/a;"
         "echo two >/mnt/src/d/b; ln -s a /mnt/src/l; chmod 4755 /mnt/src/a")
    yield b
    b.close()


@pytest.fixture
def dash():
    b = Box("dash")
    b.sh("mkdir -p /mnt/src/d /mnt/dst /mnt/dst2; echo one >/mnt/src/a;"
         "echo two >/mnt/src/d/b; ln -s a /mnt/src/l; chmod 4755 /mnt/src/a")
    yield b
    b.close()


def push(p, r, n=1, keys=None):
    bridge = Bridge(r)
    keys = keys or [key()]
    p.send("push %d 1 %d\n" % (n, bridge.port) +
           "".join(k + "\n" for k in keys))
    end = p.wait("end", n)
    bridge.close()
    return int(end[2])


def push_once(box, base="-", dst="/mnt/dst", **kw):
    r = start_receiver(box, dst, **kw)
    p = start_pusher(box, base=base, **{k: v for k, v in kw.items()
                                        if k == "body"})
    rc = push(p, r)
    done = r.wait("done")
    p.send("quit\n")
    assert p.exit() == 0
    assert r.exit() == 0
    box.nothing_left()
    return rc, int(done[1]), p, r


def test_a_push_goes_through_and_leaves_nothing(box):
    rc, done, p, r = push_once(box)
    assert (rc, done) == (0, 0), (p.events, r.events, r.noise)
    assert tree(box.mnt / "dst") == tree(box.mnt / "src")
    assert os.stat(box.mnt / "dst/a").st_mode & 0o7777 == 0o4755
    assert p.all("scanned") == [["scanned", "1", "5"]]
    # All is well: csync2 says nothing, file by file.
    assert not p.all("out") and not p.all("dirty")
    assert not r.noise and not p.noise


def test_two_groups_have_a_key_each(dash):
    keys = [key(1), key(2)]
    r = start_receiver(dash, "/mnt/dst", keys=keys)
    p = start_pusher(dash, nkeys=2)
    assert push(p, r, keys=keys) == 0, p.events
    assert tree(dash.mnt / "dst") == tree(dash.mnt / "src")


def test_a_wrong_key_is_refused_and_the_files_stay_dirty(box):
    r = start_receiver(box, "/mnt/dst")
    p = start_pusher(box)
    assert push(p, r, keys=[key(9)]) == 1
    # The reason itself is in csync2's protocol only (-vvv prints keys too).
    assert p.all("out") == [["out", "1", "Finished", "with", "5", "errors."]]
    assert len(p.all("dirty", 1)) == 5
    assert tree(box.mnt / "dst") == {}


def test_deletions_reach_a_receiver_that_was_down(box):
    base = "/mnt/base"
    assert push_once(box, base)[0] == 0
    assert push_once(box, base, dst="/mnt/dst2")[0] == 0
    (box.mnt / "src/d/b").unlink()
    # dst is down for this one.
    assert push_once(box, base, dst="/mnt/dst2")[0] == 0
    assert "d/b" not in tree(box.mnt / "dst2")
    assert "d/b" in tree(box.mnt / "dst")
    assert push_once(box, base)[0] == 0
    assert tree(box.mnt / "dst") == tree(box.mnt / "src")


def test_a_tampered_file_is_repaired_although_nothing_changed_here(box):
    base = "/mnt/base"
    push_once(box, base)
    evil = box.mnt / "dst/a"
    was = evil.stat()
    evil.write_text("0ne\n")
    os.utime(evil, ns=(was.st_atime_ns, was.st_mtime_ns))
    rc, _, p, _ = push_once(box, base)
    assert rc == 0, p.events
    assert evil.read_text() == "one\n"


def test_the_base_is_private_and_others_may_not_write_its_folder(dash):
    push_once(dash, "/mnt/base")
    assert os.stat(dash.mnt / "base").st_mode & 0o777 == 0o700
    os.chmod(dash.mnt / "base", 0o777)
    p = start_pusher(dash, base="/mnt/base", scan=False)
    assert p.wait("refuse")[1] == "base"
    assert p.exit() == 3
    dash.nothing_left()


def test_a_second_push_with_the_same_base_is_refused_while_one_runs(box):
    p = start_pusher(box, base="/mnt/base")
    q = start_pusher(box, base="/mnt/base", scan=False)
    assert q.wait("refuse")[1] == "busy"
    assert q.exit() == 3
    p.send("quit\n")
    p.exit()
    push_once(box, "/mnt/base")


def test_a_base_survives_kill_9_at_any_moment_of_a_scan(dash):
    push_once(dash, "/mnt/base")
    (dash.mnt / "src/d/b").unlink()
    dash.sh("for i in $(seq 400); do echo $i >/mnt/src/f$i; done")
    for delay in (0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2):
        p = start_pusher(dash, base="/mnt/base", scan=False)
        time.sleep(delay)       # a moment, not a synchronisation
        for pid in p.ours():
            kill(pid)
        p.vanish()
        dash.nothing_left(but=[x for x in dash.left() if "postern." in x])
    rc, _, p, _ = push_once(dash, "/mnt/base")
    assert rc == 0, p.events
    assert tree(dash.mnt / "dst") == tree(dash.mnt / "src")


def test_what_actions_write_comes_back_and_goes_to_their_log(box):
    body = ('action {\npattern %x%/a;\nexec "echo did it; echo twice";\n'
            'logfile "/@POSTERN@/action0";\n}\n')
    rc, _, _, r = push_once(box, body=body, logs=["/mnt/act.log"])
    assert rc == 0
    assert [e[2:] for e in r.all("action", 0)] == [["did", "it"], ["twice"]]
    assert (box.mnt / "act.log").read_text() == "did it\ntwice\n"


def test_a_log_that_can_not_be_written_is_said_with_the_reason(box):
    body = ('action {\npattern %x%/a;\nexec "echo did it";\n'
            'logfile "/@POSTERN@/action0";\n}\n')
    rc, _, _, r = push_once(box, body=body, logs=["/mnt/none/act.log"])
    assert rc == 0
    said = [" ".join(e[1:]) for e in r.all("note")]
    assert len(said) == 1 and said[0].startswith(
        "can't write /mnt/none/act.log: "), said
    assert "nonexistent" in said[0] or "No such" in said[0], said


def test_an_action_outlives_a_client_that_closes_its_side(dash):
    body = ('action {\nexec "sleep 3; echo slow";\n'
            'logfile "/@POSTERN@/action0";\n}\n')
    _, done, _, r = push_once(dash, body=body, logs=[""])
    assert done == 0
    assert r.all("wait") and r.all("action", 0) == [["action", "0", "slow"]]


def test_two_receivers_in_parallel(box):
    rs = [start_receiver(box, d, keys=[key(i)])
          for i, d in enumerate(("/mnt/dst", "/mnt/dst2"))]
    p = start_pusher(box)
    bridges = [Bridge(r) for r in rs]
    for i, b in enumerate(bridges):
        p.send("push %d 1 %d\n%s\n" % (i, b.port, key(i)))
    for i, r in enumerate(rs):
        assert p.wait("end", i) == ["end", str(i), "0"], p.events
        assert r.wait("done") == ["done", "0"]
    for d in ("dst", "dst2"):
        assert tree(box.mnt / d) == tree(box.mnt / "src")
    p.send("quit\n")
    box.nothing_left()


def test_no_key_is_seen_anywhere_while_a_push_runs(box):
    # Keys that arrive under names which the environment already has.
    env = ["k0=x", "key=x", "page=x", "line=x"]
    r = start_receiver(box, "/mnt/dst", env=env)
    p = start_pusher(box, env=env)
    hold = Bridge()             # accepts, but does not answer yet
    p.send("push 1 1 %d\n%s\n" % (hold.port, key()))
    conn, _ = hold.sock.accept()
    assert conn.recv(64).startswith(b"CONFIG")
    r.send("CONFIG \n")
    assert os.read(r.p.stdout.fileno(), 64).startswith(b"OK")
    assert len(r.ours()) + len(p.ours()) >= 6
    assert box.secrets(key()) == []
    conn.close()
    p.wait("end", 1)
    p.send("quit\n")
    r.eof()
    box.nothing_left()


@pytest.mark.parametrize("how", ["nothing", "garbage", "endless", "close"])
def test_a_hostile_receiver_is_ended_and_blocks_no_other(dash, how):
    p = start_pusher(dash)
    r = start_receiver(dash, "/mnt/dst")
    bad = Bridge()
    stop = threading.Event()

    def hostile():
        conn, _ = bad.sock.accept()
        try:
            conn.recv(100)
            if how == "garbage":
                conn.sendall(os.urandom(100000) + b"\n")
            while how == "endless" and not stop.is_set():
                conn.sendall(b"OK (data_follows).\n" * 1000)
            if how != "close":
                stop.wait(30)
        except OSError:
            pass
        conn.close()
    t = threading.Thread(target=hostile, daemon=True)
    t.start()
    p.send("push 7 1 %d\n%s\n" % (bad.port, key(7)))
    assert push(p, r) == 0
    if how in ("nothing", "endless"):
        p.send("stop 7\n")
        rc = p.wait("end", 7)[2]
        assert rc == "137" if how == "nothing" else rc != "0"
    else:
        if how == "garbage":
            p.send("stop 7\n")
        assert p.wait("end", 7)[2] != "0"
    stop.set()
    assert len(p.events) < 3000
    p.send("quit\n")
    p.exit()
    dash.nothing_left()


def test_a_stop_right_after_its_push_is_not_lost(dash):
    p = start_pusher(dash)
    quiet = Bridge()
    p.send("push 1 1 %d\n%s\nstop 1\n" % (quiet.port, key()))
    assert p.wait("end", 1)[2] == "137"


def test_a_receiver_whose_client_never_speaks_ends_with_its_deadline(box):
    r = start_receiver(box, "/mnt/dst", deadline_s=1)
    assert r.wait("done") == ["done", "124"]
    r.exit()
    box.nothing_left()


def test_a_receiver_cut_off_before_its_configuration_ends_too(box):
    r = Script(box, "receive", {"deadline_s": 1, "nkeys": 1, "nlogs": 0})
    r.send("nossl * *;\n")
    r.exit()
    box.nothing_left()


@pytest.mark.parametrize("state", ["ready", "session", "action"])
def test_when_the_client_is_gone_the_receiver_is_gone(box, state):
    body = 'action {\nexec "sleep 60";\nlogfile "/dev/null";\n}\n'
    r = start_receiver(box, "/mnt/dst", body=body)
    if state == "session":
        r.send("CONFIG \n")
        assert os.read(r.p.stdout.fileno(), 64).startswith(b"OK")
    if state == "action":
        p = start_pusher(box, body=body)
        push(p, r)
        wait_for(lambda: any("sleep 60" in c for c in box.pids().values()))
        p.send("quit\n")
        p.exit()
    r.vanish()
    box.nothing_left()


def test_each_process_of_a_receiver_may_be_killed(box):
    n = 0
    while True:
        r = start_receiver(box, "/mnt/dst")
        r.send("CONFIG \n")
        assert os.read(r.p.stdout.fileno(), 64).startswith(b"OK")
        every = sorted(box.pids())
        if n >= len(every):
            break
        kill(every[n])
        r.vanish()              # as sshd does when its child is gone
        box.nothing_left()
        n += 1
    assert n >= 5
    r.vanish()
    box.nothing_left()


@pytest.mark.parametrize("how", ["eof", "silence", "vanish", "quit"])
@pytest.mark.parametrize("state", ["scanned", "pushing"])
def test_when_the_client_is_gone_the_pusher_is_gone(box, how, state):
    p = start_pusher(box, base="/mnt/base")
    if state == "pushing":
        quiet = Bridge()
        p.send("push 1 1 %d\n%s\n" % (quiet.port, key()))
        quiet.sock.accept()
    if how == "quit":
        p.send("quit\n")
    else:
        getattr(p, how)()
    box.nothing_left()


def test_each_process_of_a_pusher_may_be_killed(box):
    n = 0
    while True:
        p = start_pusher(box, base="/mnt/base")
        quiet = Bridge()
        p.send("push 1 1 %d\n%s\n" % (quiet.port, key()))
        conn, _ = quiet.sock.accept()
        every = sorted(p.ours())
        if n >= len(every):
            break
        command = p.ours()[every[n]]
        kill(every[n])
        if p.p.poll() is None and not command.startswith("sleep"):
            # The client hears of it: the job, or the session, ended.
            wait_for(lambda: p.all("end", 1) or p.p.poll() is not None
                     or "sh -c s=" in command)
        p.send("quit\n") if p.p.poll() is None else None
        box.nothing_left()
        n += 1
    assert n >= 4
    p.send("quit\n")
    box.nothing_left()


def test_a_killed_job_is_said_to_have_ended(dash):
    p = start_pusher(dash)
    before = set(p.ours())
    quiet = Bridge()
    p.send("push 1 1 %d\n%s\n" % (quiet.port, key()))
    conn, _ = quiet.sock.accept()
    for pid in set(p.ours()) - before:
        if "csync2 -N" not in p.ours().get(pid, ""):
            kill(pid)
    assert " ".join(p.wait("out", 1)).endswith(
        "the process of this push was killed")
    assert p.wait("end", 1) == ["end", "1", "137"]
    p.send("quit\n")
    dash.nothing_left()


def test_what_a_killed_run_left_is_swept_by_the_next(dash):
    r = start_receiver(dash, "/mnt/dst")
    for pid in dash.pids():
        kill(pid)
    r.vanish()
    assert len(list((dash.root / "run").glob("postern.*"))) == 1
    push_once(dash)


def test_a_run_that_is_no_tmpfs_is_refused(dash):
    dash.sh("umount /run")
    r = Script(dash, "receive", {"deadline_s": 5, "nkeys": 1, "nlogs": 0})
    assert r.wait("refuse")[1] == "run"
    assert r.exit() == 3


def test_a_failing_scan_is_said(dash):
    p = Script(dash, "push", beat=True)
    p.wait("ready")
    p.send("conf 1 1\n" + pipe_conf("/mnt/src", "/mnt/dst", "bogus;\n"))
    p.send("scan 1 -\n")
    assert "exit status" in " ".join(p.wait("failed", 1)), p.events
    assert p.all("out-scan", 1)


def test_notes_come_from_the_journal_when_csync2_fails(dash):
    # No journald here: a journalctl that tells what it was asked.
    dash.sh("printf '#!/bin/sh\\necho \"asked $*\"\\n' >/mnt/bin/journalctl;"
            "chmod 755 /mnt/bin/journalctl")
    r = Script(dash, "receive", {"deadline_s": 5, "nkeys": 1, "nlogs": 0},
               raw=True)
    r.send(pipe_conf("/mnt/src", "/mnt/dst", "bogus;\n") + key() + "\n")
    r.read_ready()
    r.send("CONFIG \n")
    done = r.wait("done")
    assert done[1] != "0"
    assert any("_PID=" in " ".join(e) for e in r.all("note")), r.events
    r.exit()


def test_shellcheck_has_nothing_to_say():
    here = pathlib.Path(__file__).resolve().parents[2] / "remote"
    names = [str(here / (n + ".sh")) for n in
             ("common", "jobs", "receive", "push", "push-fifo", "holder")]
    r = subprocess.run(["shellcheck", "-s", "sh", *names], text=True,
                       stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert r.returncode == 0, r.stdout
