# SPDX-License-Identifier: ISC
"""postern boot check, and signals that whoever started it has it ignore. What
unpacks the image only waits."""

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import BUILD, DIR
from lab import proc

UNPACK = "/usr/local/bin/unmkinitramfs"
PROGRAM = f"{DIR}/postern-boot"
IMAGE = f"{DIR}/image"
BEGUN, HOLD = f"{DIR}/begun", f"{DIR}/hold"


@pytest.fixture
def server(boot):
    h = boot.host
    h.write(UNPACK, f"#!/bin/sh\n: >{BEGUN}\n"
            f"while [ -e {HOLD} ]; do sleep 0.1; done\n", mode=0o755)
    target = h.path(PROGRAM)
    target.write_bytes((BUILD / "tools/boot/postern-boot").read_bytes())
    target.chmod(0o755)
    h.write(IMAGE, "x", mode=0o600)
    h.write(HOLD, "")
    yield h
    h.run(f"rm -f {UNPACK} {PROGRAM} {IMAGE} {BEGUN} {HOLD}")


@pytest.mark.parametrize("name", ["HUP", "INT", "TERM"])
def test_a_check_goes_on_after_a_signal_that_is_ignored(server, name):
    check = server.popen(f"trap '' {name}; echo $$; exec {PROGRAM} check "
                         f"{IMAGE}", stdout=-1, text=True)
    pid = check.stdout.readline().strip()
    proc.wait_for(lambda: server.exists(BEGUN), 60, "unpacking")
    server.run(["kill", f"-{name}", pid])
    server.run(["rm", HOLD])
    said = check.communicate(timeout=60)[0]
    assert "nothing of postern boot is in the image" in said
    assert check.returncode == 1
