# SPDX-License-Identifier: ISC
"""The frames of core/proc/msg.h and the text in them, by hand: what a
hostile client or store speaks."""

import os
import re
import select
import struct
import time

HEAD = 4
MAX = 65536


def frame(kind, data=b""):
    if isinstance(data, str):
        data = data.encode()
    return kind.encode() + struct.pack(">I", len(data))[1:] + data


def text(*pairs):
    def escape(value):
        if isinstance(value, str):
            value = value.encode()
        return b"".join(b"\\%03o" % c if c < 0x21 or c in (0x7f, 0x5c)
                        else bytes([c]) for c in value)
    return b"".join(k.encode() + b" " + escape(v) + b"\n" for k, v in pairs)


class Frames:
    """Frames over a socket or two pipes, with a deadline for each."""

    def __init__(self, inp, out, wait_first=False):
        """wait_first: inp is a FIFO whose writer may be still to come."""
        self.inp, self.out, self.buf = inp, out, b""
        self.closed, self.wait_first = False, wait_first

    def send(self, data):
        """False: nobody reads any more."""
        try:
            while data:
                if not select.select([], [self.out], [], 20)[1]:
                    raise AssertionError("nobody reads for 20 s")
                data = data[os.write(self.out, data[:4096]):]
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def take(self, deadline_s=45):
        """The next (type, payload) but beats, or None at the end."""
        end = time.monotonic() + deadline_s
        while True:
            if len(self.buf) >= HEAD:
                n = int.from_bytes(self.buf[1:4], "big")
                if len(self.buf) >= HEAD + n:
                    kind = self.buf[:1].decode()
                    data = self.buf[HEAD:HEAD + n]
                    self.buf = self.buf[HEAD + n:]
                    if kind != "B":
                        return kind, data
                    continue
            left = end - time.monotonic()
            assert left > 0, f"no frame in time: {self.buf[:80]!r}"
            if not select.select([self.inp], [], [], left)[0]:
                continue
            more = os.read(self.inp, MAX)
            if not more and self.wait_first:
                time.sleep(0.02)
                continue
            self.wait_first = False
            if not more:
                self.closed = True
                assert self.buf == b"", self.buf[:80]
                return None
            self.buf += more

    def until(self, *kinds):
        """The first frame of one of these kinds; None at the end."""
        while True:
            got = self.take()
            if got is None or got[0] in kinds:
                return got


def fields(data):
    return dict(line.split(b" ", 1) for line in data.splitlines())


def unescape(value):
    return re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]),
                  value).decode()
