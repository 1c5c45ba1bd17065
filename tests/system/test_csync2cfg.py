# SPDX-License-Identifier: ISC
"""Our reading of csync2.cfg against csync2's own.

Each configuration of tests/csync2cfg, a few that are too long to keep as
files, and mutations of all with a fixed seed go through the real csync2 and
through cfgdump: the same verdict, the same files, the same peers. What
cfg_emit_pipe() writes for a pair of hosts must mean the same to csync2 as
the configuration that it came from.
"""
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "csync2cfg"
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")
CFGDUMP = BUILD / "tests" / "unit" / "unlock" / "cfgdump"
CSYNC2 = shutil.which("csync2", path="/usr/sbin:/usr/local/sbin:/usr/bin")
DEADLINE_S = 60
MUTATIONS = 400

TREE = """a/x a/y a/b/x a/b/c/x a/b/c.d/x a/z.txt ab/x b/x b/a/x b/t.tmp
c.txt .hidden with?space/x a#b a;b a}/x {a}/x x:y h1/x p/q deep/a/b/c/d/xx
deep/a/b/ac deep/.git/x d.d/x d.d/a/x [a""".split()

REFUSED = re.compile(
    rb"Near line \d|Config error: |Can't open included config file|"
    rb"nested too deeply|input in flex scanner failed|"
    rb"Unallowed character|Out of memory while parsing")


def too_long_for_files():
    """Each pair stands on both sides of where csync2's parser gives up."""
    group = b"group g { host h1 h2; key k; include @T@/a; %s}"
    for n, more in ((4992, b"include;"), (4993, b"include;")):
        yield f"statements-{n}", group % (more * n)
    for n in (9995, 9996):
        yield f"blocks-{n}", b"nossl a b;" * n
    for n in (2498, 2499):
        yield (f"slave-lists-{n}",
               b"group g { key k; host h1" + b"()" * n + b"; }")
    for n in (9996, 9997):
        yield f"ignores-{n}", b"ignore" + b" uid" * n + b";"
    for n in (4992, 4993):
        yield (f"action-statements-{n}",
               group % (b"action { " + b"exec;" * n + b"}"))
    for n in (9983, 9990, 9991, 9992, 9993, 9994):
        yield f"actions-{n}", group % (b"action { }\n" * n)
    yield "ons", b"prefix p { " + b"on x: /y; " * 5000 + b"} " + group % b""
    yield "patterns", group % (b"include" + b" @T@/b" * 3000 + b";")
    yield "hosts", group % (
        b"host" + b"".join(b" n%d" % i for i in range(2000)) + b";")
    yield "long-word", b"group " + b"x" * 20000 + b" { host h1; key k; }"
    yield ("long-quoted",
           b'group "' + b"x y" * 20000 + b'" { host h1 h2; key k; }')
    yield "long-comment", b"# " + b"x" * 70000 + b"\n" + group % b""
    yield "long-space", b" " * 70000 + group % b""


def corpus():
    out = {p.name: p.read_bytes() for p in sorted(CORPUS.glob("*.cfg"))}
    assert len(out) >= 150
    return out


PIECES = [b"{", b"}", b"(", b")", b";", b":", b"@", b'"', b"#", b" ", b"\n",
          b"\r", b"\0", b"\xe4", b"%", b"*", b"**", b"/", b"\\", b"group ",
          b" host ", b" include ", b" exclude ", b" key k;", b" config ",
          b" part-group.inc", b" on ", b" prefix ", b" action ", b" auto ",
          b" h1 ", b" h2 ", b"%p%/", b" @T@/a ", b"ignore uid;", b'""']
# These often leave a configuration that csync2 accepts with another meaning.
MILD = [b" ", b"\n", b"\t", b"x", b"h", b"/", b"*", b"**", b"?", b"#x\n",
        b" z ", b" @T@ ", b"%p%", b"H", b"2", b".d", b'""', b":"]


def mutate(rng, text):
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        i = rng.randrange(len(text) + 1)
        j = min(len(text), i + rng.choice((1, 1, 1, 2, 5, 20)))
        text = rng.choice((
            lambda: text[:i] + text[j:],
            lambda: text[:i] + rng.choice(PIECES) + text[i:],
            lambda: text[:i] + rng.choice(MILD) + text[i:],
            lambda: text[:i] + rng.choice(MILD) + text[i:],
            lambda: text[:i] + rng.choice(MILD) + text[i:],
            lambda: text[:i] + rng.choice(PIECES) + text[j:],
            lambda: text[:j] + text[i:],
            lambda: text[:i],
            lambda: text[:i] + text[i:j].swapcase() + text[j:],
        ))()
    return text


def accepted(lab, text):
    (lab.sys / "csync2.cfg").write_bytes(lab.fill(text))
    r = lab.ours("verdict", "csync2.cfg", str(lab.sys), "h1")
    return r.stdout == b"ok\n"


def mutations(lab):
    rng = random.Random(20)
    # What a mutated action would run, or where it would log, is not known.
    texts = [t for t in corpus().values() if b"do-local" not in t]
    good = [t for t in texts if accepted(lab, t)]
    for i in range(MUTATIONS):
        base = rng.choice(good if i % 4 else texts)
        yield f"mutation-{i}", mutate(rng, base)


class Lab:
    """A tree of files, a system directory, and csync2 on both."""

    def __init__(self, top):
        self.top = Path(top)
        self.tree = self.top / "tree"
        self.sys = self.top / "sys"
        self.pipe = self.top / "pipe"
        for d in (self.tree, self.sys, self.pipe):
            d.mkdir()
        for name in TREE:
            f = self.tree / name.replace("?", " ")
            f.parent.mkdir(parents=True, exist_ok=True)
            f.touch()
        key = "k" * 40 + "\n"
        (self.sys / "k").write_text(key)
        (self.sys / "short").write_text("k" * 31 + "\n")
        (self.sys / "badbyte").write_text("k" * 39 + "-\n")
        for i in range(10):
            (self.pipe / f"k{i}").write_text(key)
        for p in CORPUS.glob("*.inc"):
            (self.sys / p.name).write_bytes(self.fill(p.read_bytes()))
        (self.sys / "config-itself.cfg").write_bytes(
            (CORPUS / "config-itself.cfg").read_bytes())
        self.paths = sorted(
            [self.tree, *self.tree.rglob("*")], key=os.fsencode)

    def fill(self, text):
        return (text.replace(b"@T@", os.fsencode(self.tree))
                .replace(b"@S@", os.fsencode(self.sys))
                .replace(b"@N@", os.fsencode(self.sys.name)))

    def csync2(self, sysdir, host, *args):
        return subprocess.run(
            [CSYNC2, "-N", host, "-D", self.db, *args], cwd=self.sys,
            env={"CSYNC2_SYSTEM_DIR": str(sysdir), "PATH": "/nowhere"},
            stdin=subprocess.DEVNULL, capture_output=True,
            timeout=DEADLINE_S)

    def verdict(self, sysdir, host):
        self.fresh_db()
        r = self.csync2(sysdir, host, "-L")
        if REFUSED.search(r.stderr):
            return "refused", r.stderr
        assert r.returncode in (0, 1, 2), r
        assert r.returncode != 1 or b"not a member" in r.stderr, r
        return "ok", r.stderr

    def fresh_db(self):
        self.db = tempfile.mkdtemp(dir=self.top)

    def check(self, sysdir, host, *args):
        """What csync2 marks dirty: {(my name, peer, file as stored)}."""
        self.fresh_db()
        r = self.csync2(sysdir, host, "-c", *args)
        if b"not a member" in r.stderr:
            return set()
        assert r.returncode == 0, r
        (path,) = Path(self.db).glob("*.db3")
        with sqlite3.connect(path) as db:
            db.text_factory = bytes
            rows = db.execute("SELECT myname, peername, filename FROM dirty")
            rows = {tuple(unquote_to_bytes(x) for x in r) for r in rows}
        shutil.rmtree(self.db)
        return rows

    def ours(self, verb, *args, stdin=()):
        return subprocess.run(
            [CFGDUMP, verb, *args], cwd=self.sys,
            input=b"".join(os.fsencode(x) + b"\0" for x in stdin),
            capture_output=True, timeout=DEADLINE_S)

    def list(self, verb, *args, stdin=()):
        r = self.ours(verb, *args, stdin=stdin)
        assert r.returncode == 0, r
        return r.stdout.split(b"\0")[:-1]


@pytest.fixture(scope="module")
def lab():
    assert CSYNC2, "csync2 is not installed"
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="csync2cfg", dir=base) as top:
        yield Lab(top)


def expanded(lab, cfg, host, rows):
    rows = sorted(rows)
    files = lab.list("expand", cfg, host, stdin=[r[2] for r in rows])
    return {(*r[:2], f) for r, f in zip(rows, files)}


def model(lab, cfg):
    return lab.ours("model", cfg).stdout.split(b"\n")


def compare_files(lab, cfg):
    """The same files are dirty for the same peers."""
    rows = lab.list("dirty", cfg, "h1", stdin=lab.paths)
    ours = {tuple(r.split(b"\t", 2)) for r in rows}
    if any(line.endswith(b" on h1: /") for line in model(lab, cfg)):
        # Only on its way from / does csync2 meet the prefix's name.
        top = "/"
    else:
        top = lab.tree
        theirs = lab.check(lab.sys, "h1", *lab.paths)
        assert ours == expanded(lab, cfg, "h1", theirs)
    theirs = lab.check(lab.sys, "h1", "-r", top)
    # A group without another host makes nothing dirty.
    found = set(lab.list("walk", cfg, "h1", str(lab.tree)))
    assert ({r for r in ours if r[2] in found} ==
            expanded(lab, cfg, "h1", theirs))


def compare_pipe(lab, cfg):
    """One push over pipes sees what the configuration it stands for sees."""
    groups = []
    for line in model(lab, cfg):
        if line.startswith(b"group "):
            groups.append({})
        elif line.startswith(b"host\t"):
            _, name, peer, _ = line.split(b"\t")
            groups[-1][name] = peer
    with_us = [g for g in groups if b"h1" in g and len(g) > 1]
    if not with_us:
        return False
    group = with_us[0]
    other = next(h for h in group if h != b"h1")
    if any(g.get(b"h1") != group[b"h1"] or g[other] != group[other]
           for g in with_us if other in g):
        return False    # csync2 then knows the pair under two names
    if b"/" in other:
        return False    # csync2 -N can't name its database then
    text = lab.ours("emit", cfg, "h1", other).stdout
    if b"no way to write" in text:
        assert any(b"\0" in f.read_bytes() for f in (lab.sys / cfg,))
        return False
    (lab.pipe / "csync2.cfg").write_bytes(text)
    for host, name, peer in ((b"h1", b"127.0.0.1", other),
                             (other, b"receiver", b"h1")):
        assert lab.verdict(lab.pipe, name)[0] == "ok", text
        want = {r[2] for r in lab.check(lab.sys, host, "-r", lab.tree)
                if r[1] == group[peer]}
        got = {r[2] for r in lab.check(lab.pipe, name, "-r", lab.tree)
               if r[1] == b"127.0.0.1"}
        assert got == want, text
    return True


def compare(lab, name, text, pipe=True):
    cfg = "csync2.cfg"
    (lab.sys / cfg).write_bytes(lab.fill(text))
    theirs, why = lab.verdict(lab.sys, "h1")
    ours = lab.ours("verdict", cfg, str(lab.sys), "h1")
    said = ours.stdout.split(b"\n")[0]
    assert ours.stderr == b"", (name, ours)
    assert (said == b"ok") == (theirs == "ok"), (name, text, said, why)
    if theirs != "ok":
        # Each refusal has its place in front, and csync2 says no more.
        assert re.match(rb"error: [^:]+:\d+: ", said), (name, said)
        return theirs, False
    compare_files(lab, cfg)
    return theirs, pipe and compare_pipe(lab, cfg)


@pytest.mark.parametrize("name", corpus())
def test_configuration_of_the_corpus(lab, name):
    compare(lab, name, corpus()[name])


@pytest.mark.parametrize("name,text", too_long_for_files(),
                         ids=lambda x: x if isinstance(x, str) else "")
def test_configuration_at_a_limit_of_csync2s_parser(lab, name, text):
    # What is emitted has other statements: it may be on the limit's far side.
    compare(lab, name, text, pipe=False)


def test_mutations_have_the_same_verdict_and_meaning(lab):
    seen = [compare(lab, name, text) for name, text in mutations(lab)]
    assert len(seen) == MUTATIONS
    # The mutations are of use only while both verdicts are common.
    verdicts = [v for v, _ in seen]
    assert verdicts.count("ok") > MUTATIONS / 8
    assert verdicts.count("refused") > MUTATIONS / 8
    assert sum(piped for _, piped in seen) > MUTATIONS / 20


def receive(listener, lab, name):
    """csync2 -i on pipes, as ssh gives them, for one connection."""
    conn, _ = listener.accept()
    with conn, subprocess.Popen(
            [CSYNC2, "-N", name, "-D", lab.top / "rdb", "-i"], bufsize=0,
            env={"SSH_CLIENT": "127.0.0.1 0 0", "PATH": "/usr/bin:/bin",
                 "CSYNC2_SYSTEM_DIR": str(lab.top / "r")},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:

        def feed():
            while data := conn.recv(65536):
                child.stdin.write(data)
            child.stdin.close()

        feeder = threading.Thread(target=feed)
        feeder.start()
        while data := child.stdout.read(65536):
            conn.sendall(data)
        conn.shutdown(socket.SHUT_RDWR)
        feeder.join(DEADLINE_S)


def test_an_action_logs_into_the_private_folder_of_a_push_over_pipes(lab):
    src, dst = lab.top / "src", lab.top / "dst"
    for d in ("src", "dst", "p", "r", "pdb", "rdb"):
        (lab.top / d).mkdir()
    (src / "f").write_text("content\n")
    (src / "no.skip").write_text("not pushed\n")
    (lab.sys / "csync2.cfg").write_text(
        "group g { host push recv; key k; include %d%; exclude *.skip;"
        ' action { pattern %d%/f; exec "echo there; echo bad >&2"; '
        f"logfile {lab.top}/never; }}"
        ' action { exec "echo here"; do-local-only; } }'
        f" prefix d {{ on push: {src}; on recv: {dst}; }}")
    text = lab.ours("emit", "csync2.cfg", "push", "recv").stdout
    for d in (lab.top / "p", lab.top / "r"):
        (d / "csync2.cfg").write_bytes(
            text.replace(b"/@POSTERN@", os.fsencode(d)))
        (d / "k0").write_text("k" * 40 + "\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)
        port = str(listener.getsockname()[1])
        receiver = threading.Thread(
            target=receive, args=(listener, lab, "receiver"))
        receiver.start()
        push = subprocess.run(
            [CSYNC2, "-N", "127.0.0.1", "-D", lab.top / "pdb", "-p", port,
             "-x"], env={"CSYNC2_SYSTEM_DIR": str(lab.top / "p")},
            stdin=subprocess.DEVNULL, capture_output=True,
            timeout=DEADLINE_S)
        receiver.join(DEADLINE_S)
    assert push.returncode == 0, push
    assert (dst / "f").read_text() == "content\n"
    assert not (dst / "no.skip").exists()
    assert (lab.top / "r" / "action0").read_text() == "there\nbad\n"
    assert (lab.top / "p" / "action1").read_text() == "here\n"
    assert not (lab.top / "never").exists()
