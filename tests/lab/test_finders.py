# SPDX-License-Identifier: ISC
"""The search for secrets, the look at leftovers, faults: each must find what
is planted for it, and nothing else."""

import base64
import signal
import subprocess
import time

import pytest

from lab import faults, secrets
from lab.leftovers import Left

SECRET = b"correct.horse.battery.staple.0123"


# Secrets

def planted(host, how):
    """A command that holds SECRET in one place, and says so by a line."""
    text = SECRET.decode()
    # Put together there, so that no command line holds it by accident.
    halves = f"a={text[:9]}; b={text[9:]}"
    return {
        "cmdline": ["sh", "-c", "echo; read x", text],
        "environ": ["env", f"K={text}", "sh", "-c", "echo; read x"],
        "file": ["sh", "-c", f"{halves}; echo $a$b >/run/f; unset a b; "
                             "echo; read x; rm /run/f"],
        "memory": ["sh", "-c", f"{halves}; c=$a$b; echo; read x; : $c"],
        "fd": ["bash", "-c", f"{halves}; exec 3<>/run/g; rm /run/g; "
               "echo $a$b >&3; unset a b; echo; read x"],
        "journal": ["sh", "-c", f"{halves}; logger -t t $a$b; "
                                "journalctl --sync; echo; read x"],
        "ramfs": ["unshare", "-m", "sh", "-c",
                  f"mount -t ramfs r /mnt; {halves}; echo $a$b >/mnt/k; "
                  "echo; read x"],
    }[how]


@pytest.mark.parametrize("how, place", [
    ("cmdline", "cmdline"), ("environ", "environ"), ("file", "file"),
    ("memory", "memory"), ("fd", "fd"), ("journal", "journal"),
    ("ramfs", "file"),
])
def test_a_planted_secret_is_found(hosts, secret_search, how, place):
    fresh = how == "journal"
    one, two = hosts(2, fresh=fresh)
    assert secret_search([one, two], SECRET) == []
    with two.popen(planted(two, how), stdin=subprocess.PIPE,
                   stdout=subprocess.PIPE) as p:
        p.stdout.readline()
        hits = secret_search([one, two], SECRET)
        p.stdin.write(b"\n")
        p.stdin.close()
    assert place in {h.place for h in hits}, hits
    assert {h.host for h in hits} == {two.name}
    if not fresh:
        assert secret_search([one, two], SECRET) == []


def test_memory_may_be_allowed_by_pid(hosts, secret_search):
    host, = hosts(1)
    with host.popen(planted(host, "memory"), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE) as p:
        p.stdout.readline()
        assert secret_search([host], SECRET)
        assert not secret_search([host], SECRET, allow_mem=[p.target])
        assert not secret_search([host], SECRET,
                                 allow_mem=lambda h: h.comm == "sh")
        p.stdin.close()


def test_a_search_of_three_hosts_takes_seconds(hosts, secret_search):
    begin = time.monotonic()
    assert secret_search(hosts(3), SECRET) == []
    print(f"three hosts searched in {time.monotonic() - begin:.2f} s")


# Private keys

@pytest.mark.parametrize("kind", [["ed25519"], ["ecdsa"],
                                  ["rsa", "-b", "2048", "-m", "PEM"]],
                         ids=lambda k: k[0])
def test_a_private_key_has_one_name_however_it_stands_there(tmp_path, kind):
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", tmp_path / "k", "-t",
                    *kind], check=True)
    text = (tmp_path / "k").read_bytes()
    name, = secrets.keys_in(b"before" + text + b"after")
    if len(kind) == 1:
        assert name == (tmp_path / "k.pub").read_text().split()[1]
        raw = base64.b64decode(b"".join(text.splitlines()[1:-1]))
        assert secrets.keys_in(b"\0" + raw + raw + text) == {name}
        # What a search has at the end of a part, and not yet as a whole.
        assert secrets.keys_in(raw[:60]) == secrets.keys_in(text[:99]) == set()
    # A program has such words, too.
    program = (b"-----BEGIN OPENSSH PRIVATE KEY-----\n\0openssh-key-v1\0none\0"
               b"openssh-key-v1\0\0\0\0\4 b3BlbnNzaC1rZXktdjEA")
    assert secrets.keys_in(program) == set()


# Leftovers

LEAVE = {
    "process": ("setsid sleep 987 >/dev/null 2>&1 &", "pkill -xf 'sleep 987'",
                "sleep 987"),
    "file": ("touch /run/left", "rm /run/left", "file /run/left is new"),
    "changed": ("echo x >>/etc/issue", None, "/etc/issue has changed"),
    "mount": ("mount -t tmpfs t /mnt", "umount /mnt", "/mnt is mounted"),
    "listener": ("systemctl start csync2.socket", "systemctl stop "
                 "csync2.socket", "port 30865"),
    "fifo": ("mkfifo /run/ff; setsid sleep 987 3<>/run/ff >/dev/null 2>&1 &",
             "pkill -xf 'sleep 987'; rm /run/ff",
             "fifo /run/ff is held open by sleep"),
    "cgroup": ("systemd-run -q --unit=left sleep 987", "systemctl stop left",
               "cgroup /system.slice/left.service"),
}


@pytest.mark.parametrize("kind", LEAVE)
def test_what_is_left_is_named(hosts, leftovers, kind):
    leave, clean, line = LEAVE[kind]
    one, two = hosts(2, fresh=clean is None)
    taken = leftovers([one, two])
    assert taken.now() == []
    two.run(leave)
    with pytest.raises(Left) as left:
        taken.settle(0.3)
    assert line in str(left.value)
    assert f"{one.name}:" not in str(left.value)
    if clean:
        two.run(clean)
        taken.settle()


# Faults

def test_each_call_of_a_program_can_be_killed_or_failed(hosts):
    host, = hosts(1)
    argv = ["cp", "/etc/hostname", "/run/copy"]
    found = faults.points(host, argv, only={"write", "copy_file_range",
                                            "openat"})
    opens = [p for p in found if p.syscall == "openat"]
    assert len(opens) >= 2
    host.run("rm /run/copy")
    done = host.run(opens[-1].kill(argv), check=False)
    assert done.returncode == -signal.SIGKILL and not host.exists("/run/copy")
    # Libraries come first; the last one makes the copy.
    done = host.run(opens[-1].fail(argv, "ENOSPC"), check=False)
    assert "No space left on device" in done.stderr


def test_a_small_disk_is_full_soon_and_gone_later(hosts, leftovers):
    host, = hosts(1)
    taken = leftovers([host], ignore=[r"/mnt"])
    with faults.small_disk(host, "/mnt/small", 256, block=1024) as disk:
        fill = host.run(f"head -c 300k /dev/zero >{disk}/x", check=False)
        assert "No space left" in fill.stderr
        host.run(f"rm {disk}/x; mkfifo {disk}/f")
        assert host.run(f"stat -c %o {disk}/f").stdout == "1024\n"
    host.run("rmdir /mnt/small")
    taken.settle()
    loops = subprocess.run(["losetup", "-l", "-n", "-O", "BACK-FILE"],
                           stdout=subprocess.PIPE, text=True).stdout
    assert str(host.dir) not in loops
