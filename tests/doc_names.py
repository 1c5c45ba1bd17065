#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""doc_names.py TREE: what the texts at the root of the tree name is there: a
`test_…` some test, a `path/with/slashes` of the tree, a link's target. And the
manual names every finding of the check and every key of unlock.conf."""
import pathlib
import re
import sys

TREE = pathlib.Path(sys.argv[1])
TEXTS = ("README.md", "DESIGN.md", "HACKING.md", "CHANGELOG.md")
TOPS = {p.name for p in TREE.iterdir() if p.is_dir() and p.name != "build"}


def main():
    tests = set()
    for path in (TREE / "tests").rglob("*.py"):
        tests |= set(re.findall(r"^\s*def (test_\w+)", path.read_text(), re.M))
    bad, seen = [], 0
    for name in TEXTS:
        text = (TREE / name).read_text()
        for word in re.findall(r"`(test_\w+)`", text):
            seen += 1
            if word not in tests:
                bad.append(f"{name}: no test is called {word}")
        for path in re.findall(r"`([\w.-]+(?:/[\w.*-]*)+)`", text) + \
                re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            # What a person is to add, or what a build makes, is not there.
            if re.search(r"NAME|ROOM|_X|/X/|results/", path):
                continue
            if path.split("/")[0] not in TOPS and "/" in path:
                continue
            seen += 1
            if not list(TREE.glob(path.rstrip("/"))):
                bad.append(f"{name}: {path} is not there")
    for source, pattern, page in (
            ("tools/unlock/check_*.c",
             r'check_rule_found\(\s*x,\s*"([a-z0-9-]+)"', "postern-unlock.1"),
            ("tools/unlock/opts.c", r'\{ "unlock", "([a-z0-9-]+)"',
             "unlock.conf.5")):
        text = (TREE / "man" / page).read_text()
        names = {n for p in TREE.glob(source)
                 for n in re.findall(pattern, p.read_text())}
        if len(names) < 10:
            bad.append(f"only {len(names)} names in {source}")
        bad += [f"{page}: {n} is missing" for n in sorted(names)
                if not re.search(rf"^\.It (?:Cm )?{n}(?: |$)", text, re.M)]
    if seen < 30:
        bad.append(f"only {seen} names found")
    print("\n".join(bad) or f"{seen} names")
    sys.exit(1 if bad else 0)


main()
