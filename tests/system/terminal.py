# SPDX-License-Identifier: ISC
"""postern on a pseudo terminal: what a person sees."""

import fcntl
import os
import pty
import re
import select
import struct
import termios

from fleet import POSTERN

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SILENT_S = 60


def on_terminal(host, args, react=None, rows=0, columns=0,
                command=(POSTERN, "unlock")):
    """The command with ARGS on the host, with a terminal as all of its three;
    (exit status, all bytes that came). react(bytes so far) may return bytes
    to type. rows and columns: its size, 0 for none."""
    here, there = pty.openpty()
    try:
        fcntl.ioctl(there, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        p = host.popen(["setsid", "-c", *command, *args],
                       stdin=there, stdout=there, stderr=there,
                       env={"TERM": "xterm"})
        os.close(there)
        out = b""
        while True:
            if not select.select([here], [], [], SILENT_S)[0]:
                p.kill()
                raise AssertionError(f"hangs: {out!r}")
            try:
                part = os.read(here, 65536)
            except OSError:     # EIO: nobody has the other end any more
                break
            if not part:
                break
            out += part
            typed = react(out) if react else None
            if typed:
                os.write(here, typed)
        return p.wait(30), out
    finally:
        os.close(here)


def shown(out):
    """The lines that were drawn, one after another, without what moves the
    cursor and what colours."""
    text = ESCAPE.sub("", out.decode(errors="replace"))
    return [line.strip() for line in re.split(r"[\r\n]+", text)
            if line.strip()]


def states(out, host):
    """The words behind a host's name, in the order in which they were first
    drawn."""
    seen = []
    for line in shown(out):
        found = re.match(rf"{host}\s+(\w+)", line)
        if found and found[1] not in seen:
            seen.append(found[1])
    return seen
