# SPDX-License-Identifier: ISC
"""mode = direct: rsync's own filter rules of a store that is hostile. They are
the store's to send there; what a rule has the sender read, the kernel sees
to."""

import os
import struct
import subprocess

import pytest

from backuplib import CONF, backup  # noqa: F401
from directlib import DATA, Grant
from test_backup_attack_store import MARK, OPEN, muxed

# Without the i behind e. the whole list comes at once.
SENDER = f"rsync --server --sender -logDtpre. --numeric-ids . {DATA}"
SECRET = "/etc/postern-secret"


@pytest.fixture
def grant(backup):  # noqa: F811
    """Of one root, which leaves a folder out. Anybody may read all of it: it
    is not the files' modes that keep a store from them."""
    b = backup
    b.setup(root=DATA)
    rule = b"- left\n"
    b.files({f"{DATA}/open2": OPEN, f"{DATA}/left/by-rule": OPEN,
             f"{DATA}/rules": rule, f"{DATA}/private/x": rule + MARK,
             SECRET: rule + b"# " + MARK})
    os.symlink("/etc", b.client.path(f"{DATA}/out"))
    made = Grant(b, exclude=f"{DATA}/private")
    yield made
    made.end()
    b.client.run(["rm", SECRET])


def ask(grant, rules):
    """What the store gets by these rules, and what it is told."""
    b = grant.b
    raw = b"".join(struct.pack("<I", len(r)) + r.encode() for r in rules)
    with b.store.popen(b.as_user(b.store, *grant.ssh_argv(SENDER)),
                       env=b.ENV, stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        os.write(p.stdin.fileno(),
                 struct.pack("<I", 30) + muxed(raw + bytes(4)))
        seen = b""
        # Its file list is complete by then, or it has refused.
        while b"open2" not in seen:
            more = os.read(p.stdout.fileno(), 65536)
            if not more:
                break
            seen += more
        rest, err = p.communicate(timeout=30)
    return seen + rest, err


@pytest.mark.parametrize("rules, there", [
    ((), True), ((f". {DATA}/rules",), False), ((": rules",), False)])
def test_a_rule_is_respected_and_so_is_a_file_of_them_in_a_root(
        grant, rules, there):
    """The premise of what is refused below."""
    seen, err = ask(grant, rules)
    assert b"open2" in seen, (seen, err)
    assert (b"by-rule" in seen) == there, (seen, err)


@pytest.mark.parametrize("path", [
    SECRET, f"{DATA}/out/postern-secret", f"{DATA}/private/x",
    f"{CONF}/backup_key"])
def test_no_rule_has_a_file_read_that_is_not_backed_up(grant, path):
    seen, err = ask(grant, ("!", f". {path}"))
    assert f"{path}: Permission denied".encode() in err, err
    assert MARK not in seen + err and b"OPENSSH" not in seen + err


def test_no_folder_has_a_file_of_rules_that_is_not_backed_up(grant):
    """One that can't be opened there is none, as rsync has it."""
    seen, err = ask(grant, (f": {SECRET}", f": ../..{SECRET}"))
    assert b"by-rule" in seen, (seen, err)
    assert MARK not in seen + err
