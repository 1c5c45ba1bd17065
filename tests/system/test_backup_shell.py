# SPDX-License-Identifier: ISC
"""postern backup receive that no line of authorized_keys runs: as an account's
login shell does, and at a terminal, where it is for nobody."""

import re

import pytest

from backuplib import (CLIENT, HOME, POSTERN, STORE,  # noqa: F401
                       backup)

DATA = "/srv/data"
SHELL = "/usr/local/bin/backup-shell"
KEYS = f"{HOME}/.ssh/authorized_keys"
# A login shell is one program without words: a script says who it is.
SCRIPT = f"""#!/bin/sh
unset SSH_ORIGINAL_COMMAND
[ "$1" = -c ] && SSH_ORIGINAL_COMMAND=$2 && export SSH_ORIGINAL_COMMAND
exec {POSTERN} backup receive --store {STORE} --client {CLIENT} \\
	--allow run,list
"""


@pytest.fixture
def shell(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA, accept=("--allow", "run,list"))
    b.store.write(SHELL, SCRIPT, 0o755)
    b.store.run(["usermod", "-s", SHELL, "backup"])
    # A plain key: it is the shell that sees to what it may do.
    line = re.sub(r'restrict,command="[^"]*"', "restrict",
                  b.store.read(KEYS))
    assert "command=" not in line
    b.store.write(KEYS, line, 0o600)
    b.own(b.store, KEYS)
    yield b
    b.store.run(["usermod", "-s", "/bin/sh", "backup"])
    b.store.run(["rm", "-f", SHELL])


def test_a_login_shell_receives_and_does_nothing_else(shell):
    b = shell
    b.files({f"{DATA}/a": "one\n"})
    b.files({f"{DATA}/secret": "root's own\n"}, mode=0o600)
    b.run()
    assert b.stored(DATA) == b.source(DATA)
    assert b.snapshots()[0] in b.run(cmd="list").out
    done = b.run("latest", DATA, "--to", f"{HOME}/out", cmd="restore",
                 expect=1)
    assert "is not allowed" in done.err, str(done)
    for command in ("id; touch /tmp/evil", "sh", ""):
        done = b.client.run(b.as_user(
            b.client, "timeout", "20", "ssh", "-i",
            f"{HOME}/.config/postern/backup_key", "-oBatchMode=yes",
            f"-oUserKnownHostsFile={HOME}/.config/postern/backup_known_hosts",
            f"backup@{b.store.name}", *([command] if command else [])),
            check=False, env=b.ENV)
        assert done.returncode not in (0, 124, 255), done
        assert "uid=" not in done.stdout
        assert not command or "postern-backup" in done.stderr, done
    assert not b.store.exists("/tmp/evil")


def test_receive_at_a_terminal_is_refused_to_a_person(backup):  # noqa: F811
    b = backup
    b.setup(root=DATA)
    done = b.store.run(b.as_user(
        b.store, "timeout", "20", "script", "-qec",
        f"{POSTERN} backup receive --store {STORE} --client {CLIENT} "
        "--allow run", "/dev/null"), check=False, env=b.ENV)
    assert "not for people" in done.stdout, done
    assert done.returncode == 64, done
