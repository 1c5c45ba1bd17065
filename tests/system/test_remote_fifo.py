# SPDX-License-Identifier: ISC
"""remote/push-fifo.sh with holder.sh: real daemons, real TLS, real FIFOs."""
import pytest

from remotelib import Box, Script, SHELLS, key, kill, tree, wait_for

FIFO = "/mnt/h2/etc/priv.key"


@pytest.fixture(params=list(SHELLS))
def box(request):
    """Hosts 127.0.0.2 to .4, below /mnt/h2 to h4, daemons on 3 and 4."""
    b = Box(request.param, net=True)
    request.addfinalizer(b.close)
    for i in (2, 3, 4):
        b.sh("mkdir -p /mnt/h%d/etc /mnt/h%d/db /mnt/h%d/priv;"
             "mkfifo -m 600 /mnt/h%d/etc/priv.key;"
             "cd /mnt/h%d/etc && openssl req -x509 -newkey rsa:2048 -nodes "
             "-days 2 -subj /CN=csync2 -keyout csync2_ssl_key.pem "
             "-out csync2_ssl_cert.pem 2>/dev/null" % ((i,) * 5))
        (b.mnt / ("h%d/etc/csync2_priv.cfg" % i)).write_text(
            "group priv {\nhost 127.0.0.2;\nhost (127.0.0.3);\n"
            "host (127.0.0.4);\nkey priv.key;\ninclude %root%;\n}\n"
            "prefix root {\n" + "".join(
                "on 127.0.0.%d: /mnt/h%d/priv;\n" % (j, j) for j in (2, 3, 4))
            + "}\n")
        if i > 2:
            b.start("csync2", "-N", "127.0.0.%d" % i, "-D", "/mnt/h%d/db" % i,
                    "-ii", env=["CSYNC2_SYSTEM_DIR=/mnt/h%d/etc" % i])
    b.sh("echo one >/mnt/h2/priv/a; "
         # Both daemons listen (port 30865).
         "until [ $(cat /proc/net/tcp /proc/net/tcp6 | grep -c ':7891 .* 0A ')"
         " = 2 ]; do sleep 0.1; done")
    return b


def pusher(box, **kw):
    p = Script(box, "push-fifo", {
        "nfifos": "1", "fifo0": FIFO, "cname": "priv", "sysdir": "/mnt/h2/etc",
        "self": "127.0.0.2"}, beat=True, **kw)
    # Its database: csync2 has no variable for that; bind it.
    p.wait("ready")
    return p


def holder(box, i):
    h = Script(box, "holder", {"fifo": "/mnt/h%d/etc/priv.key" % i,
                               "limit_s": 0}, beat=True)
    h.send(key(i) + "\n")
    h.wait("ready")
    return h


def daemons(box):
    return [c for c in box.pids().values() if "-ii" in c]


def test_a_push_with_a_key_for_each_receiver(box):
    box.sh("mount --bind /mnt/h2/db /var/lib/csync2")
    p = pusher(box)
    for i in (3, 4):
        h = holder(box, i)
        p.send("push %d 127.0.0.%d\n%s\n" % (i, i, key(i)))
        assert p.wait("end", i) == ["end", str(i), "0"], (p.events, p.noise)
        assert not p.all("dirty", i)
        assert tree(box.mnt / ("h%d/priv" % i)) == {"a": "one\n"}
        h.send("end\n")
        h.exit()
    p.send("quit\n")
    assert p.exit() == 0
    box.nothing_left(but=daemons(box))
    # The pusher's own FIFO stayed locked, and is one again.
    r = box.run("timeout", "0.5", "csync2", "-C", "priv", "-N", "127.0.0.2",
                "-M", env=["CSYNC2_SYSTEM_DIR=/mnt/h2/etc"])
    assert r.returncode == 124


def test_a_wrong_key_leaves_the_peers_own_files_dirty(box):
    box.sh("mount --bind /mnt/h2/db /var/lib/csync2")
    h = holder(box, 3)
    p = pusher(box)
    p.send("push 1 127.0.0.3\n%s\n" % key(9))
    assert p.wait("end", 1)[2] == "1"
    dirty = [" ".join(e) for e in p.all("dirty", 1)]
    assert dirty and all("\t127.0.0.3\t" in e for e in dirty), p.events
    assert tree(box.mnt / "h3/priv") == {}
    h.send("end\n")


def hanging(box, p):
    """A push whose peer's FIFO nobody feeds: it waits, and so does, for
    ever, the child of the peer's daemon (csync2's own, no doing of ours)."""
    before = len(daemons(box))
    p.send("push 1 127.0.0.3\n%s\n" % key(3))
    wait_for(lambda: any("-x" in c.split() for c in box.pids().values()))
    wait_for(lambda: len(daemons(box)) == before + 1)


def test_the_key_is_in_no_file_that_others_see_and_in_no_argv(box):
    box.sh("mount --bind /mnt/h2/db /var/lib/csync2")
    p = pusher(box, env=["key=x", "key_of_job=x", "k0=x"])
    hanging(box, p)
    assert box.secrets(key(3)) == []
    p.send("stop 1\n")
    assert p.wait("end", 1)[2] == "137"
    p.send("quit\n")
    p.exit()


@pytest.mark.parametrize("how", ["eof", "silence", "vanish", "quit"])
def test_when_the_client_is_gone_all_is_gone(box, how):
    box.sh("mount --bind /mnt/h2/db /var/lib/csync2")
    p = pusher(box)
    hanging(box, p)
    if how == "quit":
        p.send("quit\n")
    else:
        getattr(p, how)()
    box.nothing_left(but=daemons(box))


def test_each_process_may_be_killed(box):
    box.sh("mount --bind /mnt/h2/db /var/lib/csync2")
    n = 0
    while True:
        p = pusher(box)
        hanging(box, p)
        every = sorted(p.ours())
        if n < len(every):
            kill(every[n])
        p.vanish()
        wait_for(lambda: len(box.pids()) == len(daemons(box)), 5)
        if n >= len(every):
            break
        n += 1
    assert n >= 5


def test_a_fifo_that_others_may_read_is_refused(box):
    box.sh("chmod 644 " + FIFO)
    p = Script(box, "push-fifo", {"nfifos": "1", "fifo0": FIFO}, beat=True)
    assert p.wait("refuse")[1] == "mode"
    assert p.exit() == 3
