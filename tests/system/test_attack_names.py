# SPDX-License-Identifier: ISC
"""Names that want to be options, commands or paths, wherever postern reads a
name: refused, or shown escaped, and never run."""

import os
import pathlib
import subprocess

import pytest

from fleet import BUILD

POSTERN = BUILD / "postern"
KEY = "/var/lib/csync2/p.key"
# Whatever would run them would make the file.
BAD = {
    "option": "-oProxyCommand=touch${IFS}%s",
    "option-b": "--ssh=%s",
    "substitution": "$(touch %s)",
    "backquote": "`touch %s`",
    "semicolon": "h;touch %s",
    "pipe": "h|touch %s",
    "newline": "h1\nProxyCommand touch %s",
    "newline-option": "h1\n-oProxyCommand=touch %s",
    "carriage": "h1\rx",
    "escape": "h\x1b]0;pwned\x07",
    "c1": "h\xc2\x9b2J",
    "quote": "h'$(touch %s)'",
    "blank": "h 1",
    "slash": "../../etc/passwd",
    "user-option": "-lroot@h1",
    "at-option": "root@-oProxyCommand=touch %s",
    "percent": "%%n%%s%%n",
    "long": "h" * 4000,
}


@pytest.fixture
def place(tmp_path):
    """A system directory with one sound group, a home, and a file that must
    never come."""
    (tmp_path / "csync2.cfg").write_text(
        f"group g {{ host me h1 h2; key {KEY}; include /srv/p; }}\n")
    return tmp_path


def unlock(place, *args, conf=None):
    """postern unlock with an ssh that says its argv and is the real one then,
    in a network where nobody is."""
    spoken = place / "ssh"
    spoken.write_text("#!/bin/sh\nprintf '<%s>\\n' \"$@\" >>" +
                      f"{place}/argv\nexec unshare --net ssh \"$@\"\n")
    spoken.chmod(0o755)
    if conf is not None:
        (place / "unlock.conf").write_text(conf)
        args = ("--config", place / "unlock.conf", *args)
    return subprocess.run(
        [POSTERN, "unlock", "-N", "me", "--ssh", spoken, "--state", "-",
         *args],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        errors="replace",
        env={**os.environ, "CSYNC2_SYSTEM_DIR": str(place), "HOME": "/none"})


def harmless(place, done, marker):
    assert not marker.exists()
    assert done.returncode in (0, 1, 2, 64, 75), done
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr
    argv = place / "argv"
    for word in argv.read_text().split("\n") if argv.exists() else ():
        # Of our own options there are many; of these none.
        assert not word.lower().startswith(("<-oproxycommand", "<-lroot"))


@pytest.mark.parametrize("where", ["-H", "--exclude", "--from", "--map",
                                   "--user", "--become", "conf-map",
                                   "conf-user", "conf-from", "group", "cfg",
                                   "cfg-quoted", "cfg-alias"])
@pytest.mark.parametrize("kind", BAD)
def test_a_name_stays_a_name(place, where, kind):
    marker = place / "run"
    bad = BAD[kind].replace("%s", str(marker))
    conf, args = None, ["g"]
    if where in ("-H", "--exclude", "--from", "--user", "--become"):
        args = [where, bad, "g"]
    elif where == "--map":
        args = ["--map", f"h1={bad}", "g"]
    elif where == "group":
        args = ["--", bad] if bad.startswith("-") else [bad]
    elif where.startswith("conf-"):
        conf = (f"[map]\nh1 = {bad}\n" if where == "conf-map" else
                f"[unlock]\n{where[5:]} = {bad}\n")
    else:
        name = {"cfg": bad, "cfg-quoted": f'"{bad}"',
                "cfg-alias": f'"h1"@"{bad}"'}[where]
        (place / "csync2.cfg").write_text(
            f"group g {{ host me h2 {name}; key {KEY}; include /srv/p; }}\n",
            errors="surrogateescape")
    modes = [["--dry-run"], ["--check"]]
    # Those that become a word of ssh's.
    if where in ("--map", "--user", "conf-map", "cfg-quoted"):
        modes.append(["--check", "--hosts", "--exclude", "me",
                      "--connect-timeout", "2s"])
    for mode in modes:
        harmless(place, unlock(place, *mode, *args, conf=conf), marker)


def test_ssh_is_run_for_a_good_name(place):
    """The control of the table: ssh is reached, and its words are seen; and
    what an option would have run does run where ssh is given it."""
    done = unlock(place, "--check", "--hosts", "--exclude", "me", "g")
    assert done.returncode == 75 and "h1: failed unreachable" in done.stdout
    argv = (place / "argv").read_text()
    assert "<h1>" in argv and "<-->" in argv
    marker = place / "run"
    subprocess.run([place / "ssh", BAD["option"].replace("%s", str(marker)),
                    "h1"], stdin=subprocess.DEVNULL, capture_output=True,
                   timeout=30)
    assert marker.exists()
