# SPDX-License-Identifier: ISC
"""postern boot setup --watch: systemd has the image built anew when a file
changes that decides who may log in there. The units, systemd and setup are
real; what builds images only writes down that it was run."""

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import BUILD, DIR
from lab import proc

KEYS = f"{DIR}/watched"
UNIT = "postern-boot-image"
STUBS = ("/usr/sbin/update-initramfs", "/usr/sbin/mkinitramfs",
         "/usr/share/initramfs-tools/hooks/postern-boot",
         "/usr/local/bin/busybox")
PROGRAM = "/usr/local/bin/postern-boot"
SETUP = [PROGRAM, "setup", "--authorized-key", KEYS, "--sshd", "openssh",
         "--watch"]


@pytest.fixture
def server(boot):
    h = boot.host
    for path in STUBS:
        h.run(["mkdir", "-p", path.rsplit("/", 1)[0]])
        h.write(path, f"#!/bin/sh\necho $* >>{DIR}/built\n", mode=0o755)
    target = h.path(PROGRAM)
    target.write_bytes((BUILD / "tools/boot/postern-boot").read_bytes())
    target.chmod(0o755)
    h.write(KEYS, boot.key, mode=0o600)
    yield h
    h.run(f"systemctl disable -q --now {UNIT}.path; "
          f"systemctl reset-failed {UNIT}.service; "
          f"rm -rf /etc/systemd/system/{UNIT}.* /etc/postern {KEYS} "
          f"{DIR}/built {PROGRAM} {' '.join(STUBS)}; systemctl daemon-reload",
          check=False)


def state(host):
    return host.run(["systemctl", "show", "-P", "ActiveState",
                     f"{UNIT}.service"]).stdout.strip()


def test_a_change_of_keys_builds_the_image_anew(server):
    said = server.run([*SETUP, "--dry-run"]).stdout
    assert f"would write /etc/systemd/system/{UNIT}.path" in said
    assert not server.exists(f"/etc/systemd/system/{UNIT}.path")
    said = server.run(SETUP).stdout
    assert f"written     /etc/systemd/system/{UNIT}.path" in said
    said = server.run(SETUP).stdout
    assert f"as it was   /etc/systemd/system/{UNIT}.path" in said
    assert not server.exists(f"{DIR}/built")
    assert server.run(["systemctl", "is-enabled",
                       f"{UNIT}.path"]).stdout == "enabled\n"

    server.run(f"sed 's/ssh-ed25519/no-pty &/' {KEYS} >>{KEYS}.new; "
               f"cat {KEYS}.new >>{KEYS}; rm {KEYS}.new")
    proc.wait_for(lambda: server.exists(f"{DIR}/built") and
                  state(server) == "inactive", 60, "image")
    built = server.read(f"{DIR}/built")
    assert set(built.splitlines()) == {"-u -k all"}

    # Nobody could log in by it: the image stays.
    server.write(KEYS, "# nobody\n", mode=0o600)
    proc.wait_for(lambda: state(server) == "failed", 60, "refusal")
    assert server.read(f"{DIR}/built") == built
    assert "no key in it may log in" in server.run(
        ["journalctl", "-q", "-u", UNIT]).stdout

    # Nor is an image of ours wanted by who took the section out.
    server.write("/etc/postern/boot.conf", "# nothing\n")
    proc.wait_for(lambda: state(server) == "inactive", 60, "no image")
    assert server.read("/etc/postern/boot.conf") == "# nothing\n"
    assert server.read(f"{DIR}/built") == built
