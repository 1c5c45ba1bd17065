#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""man_options.py PAGE PROGRAM: the manual page names every option that
PROGRAM --opt-table prints, long and short, and no other long option; and in
its SYNOPSIS every command that the program has of its own."""
import re
import subprocess
import sys


def options(program):
    out = subprocess.run([program, '--opt-table'], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    found = set()
    for line in out.splitlines():
        if line.count('\t') == 1:
            found.add(line.split('\t')[0])
            continue
        letter, name, _, _ = line.split('\t')
        found |= {'-' + letter} if letter else set()
        found |= {'--' + name} if name else set()
    return found


def named(page):
    # As wide as can be, so that no option is broken at its hyphen.
    out = subprocess.run(['mandoc', '-mdoc', '-Tascii', '-Owidth=1000', page],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    text = re.sub('.\b', '', out)
    synopsis = re.search(r'^SYNOPSIS\n(.*?)^\S', text, re.M | re.S)
    return set(re.findall(
        r'(?<![\w-])(--[a-z0-9][a-z0-9-]*|-[A-Za-z0-9](?!\w))', text)) | \
        set(re.findall(r'^ +postern \w+ ([a-z][a-z-]*)',
                       synopsis[1] if synopsis else '', re.M))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    page, program = sys.argv[1:]
    have, want = named(page), options(program)
    bad = [f'{o}: not in {page}' for o in sorted(want - have)]
    bad += [f'{o}: in {page}, but {program} does not know it'
            for o in sorted(have - want) if o.startswith('--')]
    print('\n'.join(bad) or f'{page}: {len(want)} options')
    sys.exit(1 if bad else 0)


main()
