#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
r"""termsvg.py [--title TEXT] [--columns N] [--keep RE] <OUTPUT >FILE.svg

A drawing of what a terminal showed: plain text with the colour and weight
escapes of ECMA-48, such as `demo/run` writes to a terminal. Lines longer than
N columns are cut with "…". --keep: of what stands under bold headings only
those that RE matches. docs/demo.svg is made by

    script -qec demo/run /dev/null | build-aux/termsvg.py \
        --title 'make demo' --keep '^(Three|[12]\.|What)' >docs/demo.svg
"""
import argparse
import re
import sys
from xml.sax.saxutils import escape

CELL, LINE, SIZE, PAD = 7.8, 18, 13, 16
COLOURS = {"31": "#e06c75", "32": "#7fbf7f", "33": "#d8a657", "34": "#7aa2d8",
           "36": "#76b5b5"}
SGR = re.compile(r"\x1b\[([0-9;]*)m")
OTHER = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-"
                   r"\x1a\x1c-\x1f\x7f]")


def spans(line, columns):
    """(column, text, style) of a line; style: a set of SGR numbers."""
    style, column, out = set(), 0, []
    for i, part in enumerate(SGR.split(line)):
        if i % 2:
            for n in part.split(";"):
                style = set() if n in ("", "0") else style | {n}
            continue
        part = OTHER.sub("", part)
        room = columns - column
        if len(part) > room:
            part = part[:max(room - 1, 0)] + ("…" if room > 0 else "")
        if part:
            out.append((column, part, frozenset(style)))
        column += len(part)
    return out


def keep(lines, pattern):
    """The lines under headings (bold at the margin) that pattern matches."""
    out, wanted = [], True
    for line in lines:
        if found := re.match(r"\x1b\[1m(.*?)\x1b\[0?m", line):
            wanted = re.search(pattern, found[1]) is not None
        if wanted:
            out.append(line)
    return out


def attributes(style):
    fill = [COLOURS[n] for n in style if n in COLOURS]
    out = f' fill="{fill[0]}"' if fill else ""
    if "1" in style:
        out += ' font-weight="bold"'
    if "2" in style and not fill:
        out += ' fill="#9aa3ad"'
    return out


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--title", default="")
    parse.add_argument("--columns", type=int, default=100)
    parse.add_argument("--keep", default="")
    args = parse.parse_args()
    text = sys.stdin.read().replace("\r\n", "\n")
    lines = [re.sub(r".*\r", "", line) for line in text.rstrip("\n").split("\n")]
    lines = [line.replace("\t", "    ") for line in keep(lines, args.keep)]
    while lines and not lines[0].strip():
        del lines[0]
    width = args.columns * CELL + 2 * PAD
    height = len(lines) * LINE + 2 * PAD
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
           f'height="{height}" viewBox="0 0 {width:.0f} {height}" role="img">',
           f"<title>{escape(args.title)}</title>" if args.title else "",
           '<rect width="100%" height="100%" rx="8" fill="#1d2127"/>',
           f'<g font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,'
           f'monospace" font-size="{SIZE}" fill="#e4e7eb" '
           'xml:space="preserve">']
    for row, line in enumerate(lines):
        y = PAD + row * LINE + SIZE
        for column, part, style in spans(line, args.columns):
            if part.strip():
                lead = len(part) - len(part.lstrip())
                body = part.strip()
                x = PAD + (column + lead) * CELL
                out.append(f'<text x="{x:.1f}" y="{y}" textLength='
                           f'"{len(body) * CELL:.1f}"{attributes(style)}>'
                           f"{escape(body)}</text>")
    out += ["</g>", "</svg>"]
    print("\n".join(filter(None, out)))


main()
