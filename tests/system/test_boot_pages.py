# SPDX-License-Identifier: ISC
"""The examples of postern-boot(1), console_auth(1) and boot.conf(5), as they
stand there: by a host whose name is web1 on admin, and a password store."""

import re

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, PASS, PORT, POSTERN, TREE, UUID

STORE = """#!/bin/sh
[ "$1" = show ] && [ $# = 2 ] && cat "/root/boot/store/$2"
"""


def examples(page, first="# "):
    """The lines of its blocks that begin so, or (None) the first block."""
    text = (TREE / "man" / page).read_text()
    text = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", text, re.M | re.S)[1]
    blocks = re.findall(r"^\.Bd .*?\n(.*?)^\.Ed$", text, re.M | re.S)
    if first is None:
        return blocks[0]
    return [line[len(first):] for b in blocks for line in b.splitlines()
            if line.startswith(first)]


@pytest.fixture
def web1(boot):
    """What admin has of it; the test says which of its sshds that means."""
    admin = boot.admin
    admin.write("/usr/local/bin/pass", STORE, 0o755)
    admin.run(["ln", "-sfn", POSTERN, "/usr/local/bin/postern"])
    admin.run(["mkdir", "-p", f"{DIR}/store/disk/web1"])
    admin.write(f"{DIR}/store/disk/web1/{UUID}", f"{PASS}\n", 0o600)
    kept = admin.read("/root/.ssh/config")

    def means(port):
        admin.write("/root/.ssh/config", "Host web1\n\tHostName h41\n"
                    f"\tHostKeyAlias h41\n\tPort {port}\n\tUser root\n{kept}",
                    0o600)
    admin.write("/root/.config/postern/boot.known_hosts",
                f"web1 {boot.host_key}\n")
    yield means
    admin.write("/root/.ssh/config", kept, 0o600)
    admin.run("rm -rf /usr/local/bin/pass /usr/local/bin/postern "
              f"/root/.config/postern {DIR}/store")


def test_those_of_postern_boot(boot, web1):
    web1(PORT)
    boot.systemd()
    boot.opened()
    status, unlock = examples("postern-boot.1")
    assert UUID in boot.admin.run(status).stdout
    done = boot.admin.run(unlock)
    assert f"web1: accepted {UUID}" in done.stdout, done


def test_those_of_console_auth(boot, web1):
    """By a key that gives a shell; here that is the real sshd's."""
    web1(22)
    boot.systemd()
    boot.opened()
    listed, given = examples("console_auth.1")
    assert UUID in boot.host.run(listed).stdout
    boot.admin.run(f"mv {DIR}/store/disk/web1/{UUID} {DIR}/one; "
                   f"rmdir {DIR}/store/disk/web1; "
                   f"mv {DIR}/one {DIR}/store/disk/web1")
    assert f"{UUID}: accepted" in boot.admin.run(given).stdout


def test_the_file_of_boot_conf_is_what_its_commands_read(boot, web1):
    """Whom they would ask: nobody has the machines of the example."""
    boot.admin.write("/root/.config/postern/boot.conf",
                     examples("boot.conf.5", None), 0o600)
    commands = examples("boot.conf.5")
    assert len(commands) == 2
    for command in commands:
        first, second = boot.admin.run(f"{command} -n").stdout.splitlines()
        assert "web1.example.org" in first and "Port=2222" in first
        assert "192.0.2.7" in second and "Port=22 " in second
