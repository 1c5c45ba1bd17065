# SPDX-License-Identifier: ISC
"""postern boot setup --watch: systemd has the image built anew when a file
changes that decides who may log in there. The units, systemd and setup are
real; what builds images only writes down that it was run, and waits while a
file is there."""

import fcntl

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import BUILD, DIR
from lab import proc

KEYS = f"{DIR}/watched"
UNIT = "postern-boot-image"
BUILT = f"{DIR}/built"
HOLD = f"{DIR}/hold"
BUILDER = f"""#!/bin/sh
echo begin $* >>{BUILT}
while [ -e {HOLD} ]; do sleep 0.1; done
echo end >>{BUILT}
"""
STUBS = ("/usr/sbin/update-initramfs", "/usr/sbin/mkinitramfs",
         "/usr/share/initramfs-tools/hooks/postern-boot",
         "/usr/local/bin/busybox")
HOST_KEY = "/etc/postern/boot/host_key"
STATE = "/var/lib/postern/boot"
PROGRAM = "/usr/local/bin/postern-boot"
SETUP = [PROGRAM, "setup", "--authorized-key", KEYS, "--sshd", "openssh"]


@pytest.fixture
def server(boot):
    h = boot.host
    for path in STUBS:
        h.run(["mkdir", "-p", path.rsplit("/", 1)[0]])
        h.write(path, BUILDER, mode=0o755)
    target = h.path(PROGRAM)
    target.write_bytes((BUILD / "tools/boot/postern-boot").read_bytes())
    target.chmod(0o755)
    h.write(KEYS, boot.key, mode=0o600)
    yield h
    h.run(f"rm -f {HOLD}; systemctl disable -q --now {UNIT}.path; "
          f"systemctl kill -s KILL {UNIT}.service; "
          f"systemctl stop {UNIT}.service; "
          f"systemctl reset-failed {UNIT}.service; "
          f"rm -rf /etc/systemd/system/{UNIT}.* /etc/postern {KEYS} {STATE} "
          f"{BUILT} {PROGRAM} {' '.join(STUBS)}; systemctl daemon-reload",
          check=False)


@pytest.fixture
def watched(server):
    """With the image as it should be."""
    server.run([*SETUP, "--watch"])
    settled(server, 1)
    return server


def state(host):
    return host.run(["systemctl", "show", "-P", "ActiveState",
                     f"{UNIT}.service"]).stdout.strip()


def built(host):
    return host.read(BUILT).splitlines() if host.exists(BUILT) else []


def settled(host, times):
    """That many were built by now, one after another, and none is."""
    proc.wait_for(lambda: len(built(host)) >= 2 * times and
                  state(host) == "inactive", 60, "image")
    assert built(host) == ["begin -u -k all", "end"] * times


def begun(host, times):
    proc.wait_for(lambda: built(host).count("begin -u -k all") == times, 60,
                  "begin of a build")


def change(host):
    host.run(f"echo '# another' >>{KEYS}")


def test_a_change_of_keys_builds_the_image_anew(server):
    said = server.run([*SETUP, "--watch", "--dry-run"]).stdout
    assert f"would write /etc/systemd/system/{UNIT}.path" in said
    assert not server.exists(f"/etc/systemd/system/{UNIT}.path")
    said = server.run([*SETUP, "--watch"]).stdout
    assert f"written     /etc/systemd/system/{UNIT}.path" in said
    # Nobody is to build one beside it.
    assert "update-initramfs" not in said.split("found", 1)[1], said
    assert "systemd builds the image" in said
    said = server.run([PROGRAM, "check", KEYS], check=False).stdout
    assert "postern boot setup --build" in said, said
    settled(server, 1)
    said = server.run([*SETUP, "--watch"]).stdout
    assert f"as it was   /etc/systemd/system/{UNIT}.path" in said
    assert server.run(["systemctl", "is-enabled",
                       f"{UNIT}.path"]).stdout == "enabled\n"
    server.run(f"systemctl disable -q {UNIT}.path")
    said = server.run([*SETUP, "--watch"]).stdout
    assert f"written     /etc/systemd/system/{UNIT}.path" in said
    assert server.run(["systemctl", "is-enabled",
                       f"{UNIT}.path"]).stdout == "enabled\n"

    change(server)
    settled(server, 2)

    # Nobody could log in by it: the image stays.
    server.write(KEYS, "# nobody\n", mode=0o600)
    proc.wait_for(lambda: state(server) == "failed", 60, "refusal")
    assert len(built(server)) == 4
    assert "no key in it may log in" in server.run(
        ["journalctl", "-q", "-u", UNIT]).stdout

    # Nor is an image of ours wanted by who took the section out.
    server.write("/etc/postern/boot.conf", "# nothing\n")
    proc.wait_for(lambda: state(server) == "inactive", 60, "no image")
    assert server.read("/etc/postern/boot.conf") == "# nothing\n"
    assert len(built(server)) == 4

    server.run(f"systemctl disable -q --now {UNIT}.path")
    assert server.run(["systemctl", "is-active", f"{UNIT}.timer"],
                      check=False).stdout == "inactive\n"


def test_a_change_while_images_are_built_is_not_lost(watched):
    watched.write(HOLD, "")
    change(watched)
    begun(watched, 2)
    change(watched)
    watched.run(["rm", HOLD])
    settled(watched, 3)


def test_a_change_while_nobody_watched_is_not_lost(watched):
    watched.run(f"systemctl stop {UNIT}.path")
    change(watched)
    watched.run(f"systemctl start {UNIT}.path")
    settled(watched, 2)


def test_images_are_not_built_twice_at_once(watched):
    watched.write(HOLD, "")
    by_hand = watched.popen([*SETUP, "--port", "99", "--build"])
    begun(watched, 2)
    # boot.conf has changed; and it is built in already.
    proc.wait_for(lambda: state(watched) == "activating", 60, "service")
    watched.run(["rm", HOLD])
    assert by_hand.wait(60) == 0
    settled(watched, 2)


def test_dpkgs_own_builds_are_waited_for(watched):
    lock = "/var/lib/dpkg/lock-frontend"
    made = not watched.exists(lock)
    watched.run(f"mkdir -p /var/lib/dpkg; : >>{lock}")
    with open(watched.path(lock), "r+b") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        change(watched)
        proc.wait_for(lambda: f"waiting: {lock}" in watched.run(
            ["journalctl", "-q", "-u", UNIT]).stdout, 60, "its word")
        assert len(built(watched)) == 2
        assert state(watched) == "activating"
    settled(watched, 2)
    if made:
        watched.run(["rm", lock])


def test_a_shutdown_waits_for_the_image(watched):
    watched.write(HOLD, "")
    change(watched)
    begun(watched, 2)
    watched.run(f"systemctl stop --no-block {UNIT}.service")
    proc.wait_for(lambda: state(watched) == "deactivating", 60, "its end")
    watched.run(["rm", HOLD])
    settled(watched, 2)


def test_a_host_key_that_is_gone_is_not_made_anew(watched):
    watched.run(["mv", HOST_KEY, f"{KEYS}.host"])
    proc.wait_for(lambda: state(watched) == "failed", 60, "refusal")
    assert not watched.exists(HOST_KEY)
    assert len(built(watched)) == 2
    watched.run(["mv", f"{KEYS}.host", HOST_KEY])
    settled(watched, 2)
