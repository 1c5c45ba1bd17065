#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A store that means harm, in ssh's place: speaks frames on stdin and stdout,
and in them the sending half of rsync's protocol 30, by hand.

$ATTACK names a file of JSON:

    answer   the text of MSG_ANSWER; without it one of status 0
    frames   raw bytes (latin-1) instead of all that follows
    entries  the file list: {name, mode, target, data, xattrs}; latin-1 all
    send     whose data is sent: places in the list as rsync sorts it
    result   the text of MSG_RESULT

Sources: rsync's flist.c (send_file_entry), io.c (write_varint, write_varlong,
write_ndx), sender.c, acls.c, xattrs.c; core/proc/msg.h.
"""

import hashlib
import json
import os
import stat
import struct
import sys
import threading

EXTENDED, LONG_NAME = 1 << 2, 1 << 6
TRANSFER, IS_NEW = 1 << 15, 1 << 13
DONE = b"\0"


def varint(x):
    return varlong(x, 1)


def varlong(x, least):
    b = bytearray(struct.pack("<q", x))
    n = 8
    while n > least and b[n - 1] == 0:
        n -= 1
    bit = 1 << (7 - n + least)
    if b[n - 1] >= bit:
        return bytes([~(bit - 1) & 0xff]) + bytes(b[:n])
    if n > least:
        return bytes([b[n - 1] | ~(bit * 2 - 1) & 0xff]) + bytes(b[:n - 1])
    return bytes([b[n - 1]]) + bytes(b[:n - 1])


def entry(e):
    name, mode = e["name"].encode("latin-1"), e["mode"]
    data = e.get("data", "").encode("latin-1")
    out = struct.pack("<H", EXTENDED | LONG_NAME) + varint(len(name)) + name
    out += varlong(len(data), 3) + varlong(10 ** 9, 4)
    out += struct.pack("<I", mode) + varint(0) + varint(0)
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        out += varint(1) + varint(3)
    if stat.S_ISLNK(mode):
        target = e["target"].encode("latin-1")
        out += varint(len(target)) + target
    else:
        # A new ACL with no entry; a folder has a second one.
        out += (varint(0) + b"\0") * (1 + stat.S_ISDIR(mode))
    # New attributes, and how many.
    given = e.get("xattrs", {})
    out += varint(0) + varint(len(given))
    for key, value in given.items():
        key, value = key.encode() + b"\0", value.encode("latin-1")
        assert len(value) <= 32     # more would be sent by its sum
        out += varint(len(key)) + varint(len(value)) + key + value
    return out


def transfer(place, data):
    return (bytes([place + 1]) + struct.pack("<H", TRANSFER | IS_NEW)
            + struct.pack("<4i", 0, 0, 0, 0)
            + struct.pack("<i", len(data)) + data + struct.pack("<i", 0)
            + hashlib.md5(data).digest())


class Line:
    """The connection: frames out, the bytes of MSG_DATA in."""

    def __init__(self):
        self.data, self.changed = b"", threading.Condition()
        self.asked, self.over = threading.Event(), threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        source = sys.stdin.buffer
        while len(head := source.read(4)) == 4:
            payload = source.read(int.from_bytes(head[1:], "big"))
            if head[:1] == b"Q":
                self.asked.set()
            if head[:1] == b"E":
                self.over.set()
            if head[:1] == b"D":
                with self.changed:
                    self.data += payload
                    self.changed.notify()
        os._exit(0)

    def until(self, end):
        with self.changed:
            self.changed.wait_for(lambda: end in self.data)
            got, _, self.data = self.data.partition(end)
            return got

    @staticmethod
    def frame(kind, payload):
        Line.raw(kind + len(payload).to_bytes(3, "big") + payload)

    @staticmethod
    def raw(data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def say(self, data):
        self.frame(b"D", data)

    def say_muxed(self, data):
        self.say(struct.pack("<I", 7 << 24 | len(data)) + data)


def rsync(line, attack):
    line.say(b"@RSYNCD: 30.0\n")
    line.until(b"\n")
    line.until(b"\n")
    line.say(b"@RSYNCD: OK\n")
    line.until(b"\0\0")
    line.say(b"\0" + struct.pack("<i", 1))
    line.say_muxed(b"".join(map(entry, attack["entries"])) + b"\0")
    for place in attack.get("send", []):
        # All files of one attack have the same data.
        data = next(e["data"] for e in attack["entries"] if "data" in e)
        line.say_muxed(transfer(place, data.encode("latin-1")))
    line.say_muxed(DONE * 3)
    # As many as they are, the figures are zeros; then a last farewell.
    line.say_muxed(varlong(0, 3) * 5 + DONE)


def main():
    with open(os.environ["ATTACK"], encoding="utf-8") as f:
        attack = json.load(f)
    line = Line()
    line.asked.wait()
    line.frame(b"A", attack.get(
        "answer", "status 0\nsnapshot web.2001-09-09.1000000000\n").encode())
    if "frames" in attack:
        line.raw(attack["frames"].encode("latin-1"))
    if "entries" in attack:
        rsync(line, attack)
        line.over.wait(20)
        line.frame(b"E", b"0")
    line.frame(b"R", attack.get("result", "status 0\n").encode())
    threading.Event().wait(30)


if __name__ == "__main__":
    main()
