# SPDX-License-Identifier: ISC
"""postern git: what may not keep a revocation from the gateway: a slip in
root's own file, a rule meant for a mistake, an answer that was lost."""

import json

from gitkeylib import (ENV, ETC, POSTERN, PROXY, STATE, STORE, fingerprint,
                       keys, text)

__all__ = ["keys"]


def slip(keys, line):
    at = keys.gw.path(f"{ETC}/authorized_keys")
    at.write_text(line + "\n" + at.read_text())


def test_a_slip_in_roots_own_file_keeps_no_key_in_force(keys):
    keys.put("alice.pub", keys.person("a"))
    keys.put("bob.pub", keys.person("b"))
    keys.push()
    slip(keys, "ssh-dss AAAAB3NzaC1kc3MAAACBAO")
    slip(keys, "ssh-ed2551 " + keys.person("c").split()[1])
    keys.put("bob.pub", None)
    keys.push()
    assert keys.login("b") is None
    assert keys.login("a") == "alice"
    log = keys.log()
    for n in (1, 2):
        assert f"{ETC}/authorized_keys:{n}: " in log, log
    # The push key, in the third line, is still nobody's.
    keys.put("mallory.pub", keys.public("push"))
    keys.push()
    assert list(keys.ids()) == ["alice"]
    done = keys.gw.run([POSTERN, "explain", "--key",
                        fingerprint(keys.public("push"))], check=False)
    assert f"root's own, in {ETC}/authorized_keys:3" in done.stderr
