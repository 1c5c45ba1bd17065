# SPDX-License-Identifier: ISC
"""remote/holder.sh: a FIFO fed while a client beats, and never after."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from remotelib import (Box, Script, SHELLS, TREE, embed, free_port, key, kill,
                       script_text, wait_for)

FIFO = "/mnt/etc/csync2/priv.key"


def make_box(shell):
    b = Box(shell)
    b.sh("mkdir -p /mnt/etc/csync2; mkfifo -m 600 " + FIFO)
    return b


@pytest.fixture(params=list(SHELLS))
def box(request):
    b = make_box(request.param)
    yield b
    b.close()


@pytest.fixture
def dash():
    b = make_box("dash")
    yield b
    b.close()


def hold(box, fifo=FIFO, limit_s=0, ready=True, **kw):
    kw.setdefault("beat", True)
    h = Script(box, "holder", {"fifo": fifo, "limit_s": limit_s}, **kw)
    try:
        h.send(key() + "\n")
    except BrokenPipeError:
        assert not ready
    if ready:
        h.wait("ready")
    return h


def locked(box, fifo=FIFO):
    """Whether a reader hangs, as it must without a window."""
    r = box.run("timeout", "0.5", "cat", fifo)
    assert r.stdout == ""
    return r.returncode == 124


# Reads as csync2 does: one buffer of stdio's, of st_blksize.
READER = ("import os,sys\n"
          "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
          "d = os.read(fd, os.fstat(fd).st_blksize)\n"
          "print(d.split(b'\\n')[0].decode(), len(d))\n")


def readers(box, count, fifo=FIFO):
    return [box.start("/usr/bin/python3", "-c", READER, fifo,
                      stdout=subprocess.PIPE, text=True)
            for _ in range(count)]


def test_forty_readers_at_once_each_get_the_key(box):
    h = hold(box)
    for p in readers(box, 40):
        assert p.communicate(timeout=20)[0] == key() + " 4096\n"
    h.wait("read", 40)
    assert len(h.all("read")) == 40
    h.send("end\n")
    assert h.wait("closed") == ["closed", "0"]
    assert h.exit() == 0
    box.nothing_left()
    assert locked(box)


def test_readers_that_waited_before_the_window_are_served(box):
    early = readers(box, 5)
    wait_for(lambda: len(box.pids()) >= 5)
    h = hold(box)
    for p in early:
        assert p.communicate(timeout=20)[0] == key() + " 4096\n"
    h.send("end\n")
    h.exit()


@pytest.fixture
def small(box):
    """ext4 with blocks of 1024 bytes, and a FIFO on it."""
    box.sh("truncate -s 8M /mnt/img && mkfs.ext4 -q -b 1024 /mnt/img && "
           "mkdir /mnt/small && mount -o loop /mnt/img /mnt/small && "
           "mkfifo -m 600 /mnt/small/key")
    yield box
    box.sh("umount /mnt/small")


def test_blocks_of_1024_bytes(small):
    h = hold(small, "/mnt/small/key")
    for p in readers(small, 40, "/mnt/small/key"):
        assert p.communicate(timeout=20)[0] == key() + " 1024\n"
    h.send("end\n")
    h.exit()
    small.nothing_left()
    assert locked(small, "/mnt/small/key")


@pytest.mark.parametrize("code, spoil", [
    ("missing", "rm F"),
    ("not-fifo", "rm F; echo key >F"),
    ("not-fifo", "rm F; mkdir F"),
    ("symlink", "mv F F.real; ln -s F.real F"),
    ("owner", "chown 1 F"),
    ("owner", "chgrp 1 F"),
    ("mode", "chmod 644 F"),
    ("mode", "chmod 660 F"),
    ("parent", "chmod 777 /mnt/etc"),
    ("parent", "chmod 1777 /mnt/etc/csync2"),
    ("parent", "chmod 775 /mnt/etc"),
    ("parent", "chown 1 /mnt/etc"),
    ("parent", "mv /mnt/etc /mnt/real; ln -s real /mnt/etc"),
])
def test_what_is_not_roots_fifo_is_refused(dash, code, spoil):
    dash.sh(spoil.replace("F", FIFO))
    before = dash.sh("find /mnt | sort")
    h = hold(dash, ready=False)
    assert h.wait("refuse")[1] == code
    assert h.exit() == 3
    assert dash.sh("find /mnt | sort") == before
    dash.nothing_left()


def test_a_relative_path_is_refused(dash):
    assert hold(dash, "etc/key", ready=False).wait("refuse")


def test_only_one_holder_at_a_time(box):
    h = hold(box)
    second = hold(box, ready=False)
    assert second.wait("refuse")[1] == "busy"
    assert second.exit() == 3
    h.send("end\n")
    h.exit()
    h = hold(box)
    h.send("end\n")
    h.exit()


@pytest.mark.parametrize("how", ["eof", "silence", "vanish", "end", "limit"])
def test_however_it_ends_nothing_is_left_and_a_sync_hangs(box, how):
    h = hold(box, limit_s=1 if how == "limit" else 0)
    if how == "end":
        h.send("end\n")
    elif how != "limit":
        getattr(h, how)()
    box.nothing_left()
    assert locked(box)
    if how != "vanish":
        assert h.wait("closed") == ["closed", "0"]


def test_each_process_of_a_holder_may_be_killed(box):
    n = 0
    while True:
        h = hold(box)
        every = sorted(h.ours())
        if n >= len(every):
            break
        kill(every[n])
        if "sleep" not in h.ours().get(every[n], "sleep"):
            box.nothing_left()
            assert locked(box)
        else:
            time.sleep(0.1)
        h.vanish()
        box.nothing_left()
        assert locked(box)
        n += 1
    assert n >= 3
    h.vanish()


def test_a_killed_main_feeder_or_watchdog_closes_while_the_client_beats(box):
    killed = 0
    for n in range(3):
        h = hold(box)

        def shells():
            found = [p for p, c in sorted(h.ours().items()) if "s=;" in c]
            return found if len(found) == 3 else None
        kill(wait_for(shells)[n])
        box.nothing_left()      # the client goes on beating
        assert locked(box)
        killed += 1
    assert killed == 3


def test_a_reader_that_hangs_on_keeps_no_key(box):
    """A process that has the FIFO open when the window closes gets nothing
    out of it afterwards."""
    slow = box.start("/usr/bin/python3", "-c",
                     "import os,sys\n"
                     "fd = os.open(%r, os.O_RDONLY)\n"
                     "print('open', flush=True)\n"
                     "sys.stdin.readline()\n"
                     "print(len(os.read(fd, 65536)), flush=True)\n" % FIFO,
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    h = hold(box)
    assert slow.stdout.readline() == "open\n"
    h.send("end\n")
    h.wait("closed")
    h.exit()
    slow.stdin.write("\n")
    slow.stdin.flush()
    assert slow.stdout.readline() == "0\n"


def test_the_key_is_seen_nowhere(box):
    h = hold(box, env=["key=x", "page=x", "line=x", "stat=x"])
    assert len(h.ours()) >= 3
    assert box.secrets(key()) == []
    h.send("end\n")
    h.exit()


def test_as_a_forced_command_the_clients_script_and_words_count_nothing(box):
    text = script_text("holder")
    (box.mnt / "etc/holder.sh").write_text(text)
    box.sh("mkfifo -m 600 /mnt/etc/other")
    h = Script(box, "holder", {"fifo": "/mnt/etc/other", "limit_s": 0},
               forced=["sh", "/mnt/etc/holder.sh", FIFO], beat=True)
    h.send(key() + "\n")
    h.wait("ready")
    p = readers(box, 1)[0]
    assert p.communicate(timeout=20)[0] == key() + " 4096\n"
    assert locked(box, "/mnt/etc/other")
    h.send("end\n")
    assert h.exit() == 0
    box.nothing_left()


def daemon(box, where="/mnt/srv"):
    """A real csync2 -ii whose only group's key is the FIFO."""
    port = free_port()
    box.sh("mkdir -p %s/db /mnt/priv" % where)
    (box.mnt / "srv/csync2.cfg").write_text(
        "nossl * *;\ngroup g {\nhost 127.0.0.1 localhost;\n"
        "key %s;\ninclude /mnt/priv;\n}\n" % FIFO)
    box.start("csync2", "-N", "localhost", "-D", where + "/db", "-p",
              str(port), "-ii", env=["CSYNC2_SYSTEM_DIR=" + where],
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return port


def connect(port):
    import socket

    def attempt():
        try:
            return socket.create_connection(("localhost", port), timeout=10)
        except OSError:
            return None
    return wait_for(attempt)


def csync2s(box):
    return sorted(p for p, c in box.pids().items() if c.startswith("csync2"))


def test_sessions_that_the_key_let_in_end_with_the_window(box):
    port = daemon(box)
    before = connect(port)
    before.sendall(b"CONFIG \n")        # hangs: no key yet
    wait_for(lambda: len(csync2s(box)) == 2)
    h = hold(box)
    assert before.recv(64).startswith(b"OK")
    inside = connect(port)
    inside.sendall(b"CONFIG \n")
    assert inside.recv(64).startswith(b"OK")
    assert len(csync2s(box)) == 3
    h.send("end\n")
    assert h.wait("closed") == ["closed", "2"]
    assert before.recv(64) == b"" and inside.recv(64) == b""
    # The daemon itself goes on, and hangs again.
    wait_for(lambda: len(csync2s(box)) == 1)
    later = connect(port)
    later.sendall(b"CONFIG \n")
    later.settimeout(0.5)
    with pytest.raises(TimeoutError):
        later.recv(64)


def test_a_stranger_who_eats_keys_does_not_starve_others(dash):
    port = daemon(dash)
    h = hold(dash)
    strangers = [connect(port) for _ in range(20)]
    for s in strangers:
        s.sendall(b"CONFIG \n")
        assert s.recv(64).startswith(b"OK")
    p = readers(dash, 1)[0]
    assert p.communicate(timeout=20)[0] == key() + " 4096\n"
    h.send("end\n")
    assert h.wait("closed") == ["closed", "20"]


def test_an_inetd_session_ends_but_not_that_of_a_push_over_ssh(dash):
    daemon(dash)
    dash.sh("mkdir /run/postern.1.x; cp /mnt/srv/csync2.cfg /run/postern.1.x")
    h = hold(dash)
    sessions = []
    for sysdir in ("/mnt/srv", "/run/postern.1.x"):
        sessions.append(dash.start(
            "csync2", "-l", "-i", "-N", "localhost", "-D", "/mnt/srv/db",
            env=["CSYNC2_SYSTEM_DIR=" + sysdir, "SSH_CLIENT=127.0.0.1 0 0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        sessions[-1].stdin.write(b"CONFIG \n")
        sessions[-1].stdin.flush()
        assert sessions[-1].stdout.readline().startswith(b"OK")
    h.send("end\n")
    assert h.wait("closed") == ["closed", "1"]
    sessions[0].wait(10)
    assert sessions[1].poll() is None
    sessions[1].stdin.close()
    sessions[1].wait(10)


@pytest.mark.parametrize("how", ["eof", "silence"])
def test_a_killed_watchdogs_sleep_does_not_shorten_the_silence(dash, how):
    h = hold(dash)
    for _ in range(10):
        for pid, c in h.ours().items():
            if c.startswith("sleep"):
                kill(pid)
        time.sleep(0.05)
    assert not h.all("closed")
    getattr(h, how)()
    dash.nothing_left()
