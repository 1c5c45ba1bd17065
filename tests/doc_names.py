#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""doc_names.py TREE: what the texts at the root of the tree name is there: a
`test_…` some test, a `path/with/slashes` of the tree, a link's target. And the
manual names every finding of the check and every key of unlock.conf,
backup.conf, git.conf and boot.conf, and no key of the latter three that there
is not."""
import pathlib
import re
import sys

TREE = pathlib.Path(sys.argv[1])
TEXTS = ("README.md", "DESIGN.md", "HACKING.md", "CHANGELOG.md")
TOPS = {p.name for p in TREE.iterdir() if p.is_dir() and p.name != "build"}


def backup_keys():
    """The table of backup.conf's keys against its page, by section."""
    table = (TREE / "tools/backup/settings_keys.c").read_text()
    page = (TREE / "man/backup.conf.5").read_text()
    bad = []
    for section, macros in (("job NAME", "J|JN|JW"), ("store", "S|SP|SN|SW"),
                            ("client NAME", "P|PW|C|CP|CN")):
        want = set(re.findall(rf'^\t(?:{macros})\("([a-z-]+)"', table, re.M))
        part = re.search(rf"^\.Ss Section \[{section}\]\n(.*?)^\.S[sh] ",
                         page, re.M | re.S)
        have = set(re.findall(r"^\.It Cm ([a-z-]+)", part[1], re.M))
        if len(want) < 10:
            bad.append(f"only {len(want)} keys of [{section}]")
        bad += [f"backup.conf.5: [{section}] has no {k}"
                for k in sorted(want - have)]
        bad += [f"backup.conf.5: [{section}]: there is no key {k}"
                for k in sorted(have - want)]
    return bad


def git_keys():
    """The same of git.conf; keys that both sections have stand by themselves
    in its page."""
    table = (TREE / "tools/git/gitconf_keys.c").read_text()
    page = (TREE / "man/git.conf.5").read_text()
    bad = []
    for title, row in (("Section [gateway]", r'\tG\("'),
                       ("Section [server]", r'\tS\("'),
                       ("Keys of both sections", r'\t\{ sect, "')):
        want = set(re.findall(rf'^{row}([a-z-]+)"', table, re.M))
        part = re.search(rf"^\.Ss {re.escape(title)}\n(.*?)^\.S[sh] ", page,
                         re.M | re.S)
        have = set(re.findall(r"^\.It Cm ([a-z-]+)", part[1], re.M))
        if len(want) < 8:
            bad.append(f"only {len(want)} keys in: {title}")
        bad += [f"git.conf.5: {title}: {k}" for k in sorted(want ^ have)]
    return bad


def boot_keys():
    """The same of boot.conf's keys of a host, and of a server."""
    page = (TREE / "man/boot.conf.5").read_text()
    bad = []
    for title, source, row in (
            ("host NAME", "bootconf.c", r'\tK\("'),
            ("server", "serverconf.c", r'\t\{ SECTION, "')):
        table = (TREE / "tools/boot" / source).read_text()
        want = set(re.findall(rf'^{row}([a-z-]+)"', table, re.M))
        part = re.search(rf"^\.Ss Section \[{title}\]\n(.*?)^\.S[sh] ",
                         page, re.M | re.S)
        have = set(re.findall(r"^\.It Cm ([a-z-]+)", part[1], re.M))
        if len(want) < 7:
            bad.append(f"few keys of boot.conf's [{title}]")
        bad += [f"boot.conf.5: {k}" for k in sorted(want ^ have)]
    return bad


def main():
    tests = set()
    for path in (TREE / "tests").rglob("*.py"):
        tests |= set(re.findall(r"^\s*def (test_\w+)", path.read_text(), re.M))
    bad, seen = git_keys() + boot_keys(), 0
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
    bad += backup_keys()
    if seen < 30:
        bad.append(f"only {seen} names found")
    print("\n".join(bad) or f"{seen} names")
    sys.exit(1 if bad else 0)


main()
