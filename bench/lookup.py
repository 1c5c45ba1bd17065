# SPDX-License-Identifier: ISC
"""bench/git, the keys: postern-git-keys itself, and what sshd's own reading of
a long authorized_keys adds to a login."""
import os
import random
import shutil
import subprocess
import time

from common import BIN, BUILD, med, table, verdict

KEYS = BUILD / "tools/git/postern-git-keys"
TARGET_MS = 3
NOBODY = "SHA256:" + 43 * "A"


def asked(program, words):
    """Seconds from the start of the program to its end, and what it says."""
    said, theirs = os.pipe()
    begin = time.perf_counter()
    pid = os.posix_spawn(program, [str(program), *map(str, words)], {},
                         file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 1)])
    status = os.waitpid(pid, 0)[1]
    took = time.perf_counter() - begin
    os.close(theirs)
    text = os.read(said, 65536)
    os.close(said)
    if status != 0:
        raise SystemExit(f"bench: {program}: wait status {status}")
    return took, text


def p95(values):
    return sorted(values)[int(len(values) * 0.95)]


def lookups(cfg, folder):
    """Rows of (what, times), of the program and of one that does nothing."""
    fps = (folder / "asked").read_text().split()
    rng = random.Random(1)
    there, none, nothing = [], [], []
    for _ in range(cfg.lookups):
        took, line = asked(KEYS, [rng.choice(fps), folder / "index"])
        there.append(took)
        if not line.startswith(b"restrict,command="):
            raise SystemExit(f"bench: no line of a key: {line}")
        took, line = asked(KEYS, [NOBODY, folder / "index"])
        none.append(took)
        if line != b"":
            raise SystemExit(f"bench: a line of nobody's key: {line}")
        nothing.append(asked("/bin/true", [])[0])
    return [("a key that is there", there), ("one that is not", none),
            ("for comparison: `/bin/true`", nothing)]


def make(g, folder, n, pub):
    folder.mkdir()
    (folder / "pub").write_text(pub)
    subprocess.run([BIN / "git_index", folder, str(n), folder / "pub"],
                   check=True)


def logins(g, cfg, folder, sizes):
    """Medians of `ssh gw` by file and by index, each as a user of its own
    whose sshd settings name it; interleaved."""
    gw, users = g.gw, []
    lines = []
    for n in sizes:
        for kind in ("file", "index"):
            user = f"k{len(users)}"
            users.append((kind, n, user, []))
            gw.run(f"useradd -M -s /bin/sh -p '*' {user}")
            at = f"/etc/bench/{n}/{kind}"
            gw.path(at).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / str(n) / kind, gw.path(at))
            lines.append(f"Match User {user}\n\tForceCommand /bin/true\n" + (
                f"\tAuthorizedKeysFile {at}\n" if kind == "file" else
                "\tAuthorizedKeysFile none\n"
                f"\tAuthorizedKeysCommand {KEYS_AT} %f {at}\n"
                f"\tAuthorizedKeysCommandUser {user}\n"))
    gw.write("/etc/ssh/sshd_config.d/70-bench.conf", "".join(lines))
    gw.run("sshd -t && systemctl reload ssh")
    for i in range(cfg.rounds + 1):
        for kind, n, user, times in users:
            g.settle()
            g.alice(f"measure out ssh -T {user}@ours-0")
            status, wall, _, _ = g.client.read("/home/alice/out").split()
            if status != "0":
                raise SystemExit(f"bench: no login with {n} keys ({kind})")
            if i > 0:
                times.append(int(wall) / 1e6)
    return [(kind, n, med(times)) for kind, n, _, times in users]


KEYS_AT = "/usr/local/libexec/postern/postern-git-keys"


def report(g, cfg):
    folder = g.lab.dir / "keys"
    folder.mkdir()
    sizes = sorted({1, cfg.keys // 100, cfg.keys // 10, cfg.keys})
    for n in sizes:
        make(g, folder / str(n), n, g.keys[0][0])
    found = lookups(cfg, folder / str(cfg.keys))
    size = (folder / str(cfg.keys) / "index").stat().st_size
    worst = max(med(t) for _, t in found[:2]) * 1e3
    text = [f"## The lookup of a key among {cfg.keys}", "",
            f"postern-git-keys, from its start to its end, {cfg.lookups} "
            f"times each, asked for keys at random; the index has "
            f"{size / 1e6:.0f} MB.", "",
            *table(["", "median", "p95"],
                   [[what, f"{med(t) * 1e3:.2f} ms", f"{p95(t) * 1e3:.2f} ms"]
                    for what, t in found]),
            verdict(worst <= TARGET_MS, f"the lookup: {worst:.2f} ms (target "
                    f"{TARGET_MS})"), ""]
    took = logins(g, cfg, folder, sizes)
    base = took[0][2]
    by = {(kind, n): t for kind, n, t in took}
    return [*text, "### A login", "",
            "`ssh` to the gateway, `true` as the forced command, the key the "
            f"last one of its list: medians of {cfg.rounds} interleaved "
            "rounds, and what that is more than with a file of one key.", "",
            *table(["keys", "AuthorizedKeysFile", "more", "postern-git-keys",
                    "more"],
                   [[str(n), *(x for kind in ("file", "index") for x in (
                       f"{by[kind, n] * 1e3:.0f} ms",
                       f"{(by[kind, n] - base) * 1e3:+.0f} ms"))]
                    for n in sizes])]
