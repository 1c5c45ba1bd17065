# SPDX-License-Identifier: ISC
"""Every example of the manual pages and of the README, as it stands there.

What counts as an example: in EXAMPLES of man/*.[157] each line .Dl that
begins with "#" or "$", and a line of a crontab; in README.md each line of a
block ```console that begins with "# " or "$ ". It runs on host admin, with h1
and h2 beside it. A comment above it (.\\" in a page, <!-- --> in the README)
says what a plain run does not: "exit N", or "until WORD": press Ctrl-C once it
has printed WORD. Files that are shown (a block of groups, a unlock.conf) are
put where the text has them.
"""

import os
import pathlib
import re
import signal
import subprocess
import threading
from dataclasses import dataclass

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("POSTERN_BUILD", "build")
# The first one begins with what sets the hosts up.
PAGES = sorted((TREE / "man").glob("*.[157]"),
               key=lambda p: (p.name != "postern-unlock.1", p.name))
README = TREE / "README.md"
HOSTS = 2
DEADLINE_S = 60
TAKEN = ["/etc/csync2_priv.cfg", "/etc/csync2_site.cfg", "/etc/csync2.key",
         "/etc/csync2_ssl_key.pem", "/etc/csync2_ssl_cert.pem",
         "/etc/postern", "/var/lib/postern", "/srv/site", "/srv/www",
         "/etc/systemd/system/csync2@.service.d", "/usr/local/bin/postern",
         "/usr/local/bin/csync2_unlocker", "/etc/sudoers.d/deploy",
         "/home/deploy", "/root/sbin.key", "/root/.ssh/window",
         "/root/.ssh/window.pub"]


@dataclass
class Example:
    doc: str
    line: int
    command: str
    exit: int = 0
    until: str = ""

    def __str__(self):
        return f"{self.doc}:{self.line}"


def told(example, comment):
    """Sets what a comment above an example says of it."""
    if found := re.fullmatch(r"exit (\d+)", comment):
        example.exit = int(found[1])
    elif found := re.fullmatch(r"until (\S+)", comment):
        example.until = found[1]


def examples_of_page(path):
    section, comment = "", ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith(".Sh "):
            section = line[4:]
        if line.startswith(r'.\" '):
            comment = line[4:]
            continue
        if section == "EXAMPLES" and line.startswith(".Dl "):
            text = line[4:].replace(r"\e", "\\").replace(r"\&", "")
            cron = re.fullmatch(r"(?:[0-9*]+ ){5}root (.*)", text)
            assert cron or text[:2] in ("# ", "$ "), f"{path}:{number}"
            one = Example(path.name, number, cron[1] if cron else text[2:])
            told(one, comment)
            yield one
        comment = ""


def examples_of_readme():
    inside, comment = False, ""
    for number, line in enumerate(README.read_text().splitlines(), 1):
        if found := re.fullmatch(r"<!-- (.*) -->", line):
            comment = found[1]
        elif line.startswith("```"):
            inside = line == "```console"
            comment = comment if inside else ""
        elif inside and line[:2] in ("# ", "$ "):
            one = Example(README.name, number, line[2:])
            told(one, comment)
            yield one


def all_examples():
    found = [e for page in PAGES for e in examples_of_page(page)]
    return found + list(examples_of_readme())


def shown_groups():
    """The blocks that are csync2 configurations: {group: text}."""
    text = (TREE / "man/postern-unlock.1").read_text() + README.read_text()
    found = {}
    for name, body in re.findall(r"^group (\w+) (\{\n.*?^\}\n)", text,
                                 re.M | re.S):
        # The README shows the page's group, not another of that name.
        assert found.setdefault(name, body) == body, name
    return {n: f"group {n} {b}" for n, b in found.items()}


def shown_conf():
    text = (TREE / "man/unlock.conf.5").read_text()
    return re.search(r"^\[unlock\]\n.*?(?=^\.Ed)", text, re.M | re.S)[0]


def clean(host):
    host.run("systemctl disable -q --now csync2.socket; "
             "systemctl stop 'csync2@*.service'; "
             "! getent passwd deploy >/dev/null || userdel deploy; "
             "find /var/lib/csync2 -mindepth 1 -delete; "
             f"rm -rf {' '.join(TAKEN)} /usr/local/sbin/site-*; "
             "systemctl daemon-reload")


@pytest.fixture(scope="module")
def admin(lab, tmp_path_factory):
    """Host admin of the examples. h1 and h2 have csync2's daemon on."""
    hosts = [lab.admin, *lab.first(HOSTS)]
    kept = {h: h.read("/root/.ssh/authorized_keys") for h in hosts}
    kept_ssh = lab.admin.read("/root/.ssh/config")
    # Debian ships one; a test before this may have taken it away.
    kept_cfg = lab.admin.run("cat /etc/csync2.cfg || true").stdout
    cert = tmp_path_factory.mktemp("cert")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "9", "-subj", "/CN=csync2", "-keyout", cert / "key", "-out",
         cert / "cert"], check=True, capture_output=True)
    groups = shown_groups()
    for host in hosts:
        clean(host)
        host.write("/etc/csync2_priv.cfg", groups["sbin_sync"])
        host.write("/etc/csync2_ssl_key.pem", (cert / "key").read_bytes(),
                   0o600)
        host.write("/etc/csync2_ssl_cert.pem", (cert / "cert").read_bytes())
        host.run("useradd -m -s /bin/sh deploy && mkdir -m 700 "
                 "/home/deploy/.ssh && cp /root/.ssh/authorized_keys "
                 "/home/deploy/.ssh && chown -R deploy: /home/deploy/.ssh")
        host.write("/etc/sudoers.d/deploy",
                   "deploy ALL=(root) NOPASSWD: ALL\n", 0o440)
        host.run("systemctl enable -q --now csync2.socket")
    one = lab.admin
    for name in ("postern", "csync2_unlocker"):
        one.run(["ln", "-s", f"/src/{BUILD}/postern", f"/usr/local/bin/{name}"])
    one.write("/root/.ssh/config", "Host h2.example.org\n\tHostName "
              f"{hosts[2].ip}\n\tHostKeyAlias h2\n{kept_ssh}")
    one.write("/root/sbin.key", "Z" * 40 + "\n", 0o600)
    one.write("/usr/local/sbin/site-backup", "#!/bin/sh\n", 0o755)
    yield one
    for host in hosts:
        clean(host)
        host.write("/root/.ssh/authorized_keys", kept[host], 0o600)
    one.write("/root/.ssh/config", kept_ssh)
    one.write("/etc/csync2.cfg", kept_cfg)


def prepare(lab, admin, example):
    """What the text around this example has said before."""
    groups, words = shown_groups(), example.command.split()
    for name, cfg in (("-C site", "csync2_site.cfg"),
                      ("--cage", "csync2.cfg")):
        if name not in example.command:
            continue
        group = "site_sync" if cfg == "csync2_site.cfg" else "www"
        for host in [admin, *lab.first(HOSTS)]:
            host.write(f"/etc/{cfg}", groups[group])
            host.run("umask 077; echo " + "k" * 40 + " >/etc/csync2.key; "
                     "mkdir -p -m 755 /srv/www /srv/site")
    if example.doc == "unlock.conf.5":
        admin.write("/etc/postern/unlock.conf", shown_conf())
    return words


def put_back(lab, admin, example, out):
    for host in [admin, *lab.first(HOSTS)]:
        host.run("rm -f /etc/csync2_site.cfg /etc/postern/unlock.conf; "
                 "echo >/etc/csync2.cfg")
        # As the text says: this line goes to authorized_keys.
        for line in re.findall(r"^restrict,command=.*", out, re.M):
            host.write("/root/.ssh/authorized_keys",
                       host.read("/root/.ssh/authorized_keys") + line + "\n",
                       0o600)


def run_until(admin, example):
    """Ctrl-C once the word was printed: what it printed, its status."""
    seen = ""
    with admin.popen(f"exec {example.command}", stdout=subprocess.PIPE,
                     stderr=subprocess.STDOUT, text=True) as p:
        target = p.target
        limit = threading.Timer(DEADLINE_S, p.kill)
        limit.start()
        for line in p.stdout:
            seen += line
            if example.until in line.split():
                os.kill(target, signal.SIGINT)
        rc = p.wait()
        limit.cancel()
    assert example.until in seen.split(), seen
    return seen, rc


@pytest.mark.parametrize("example", all_examples(), ids=str)
def test_an_example_does_what_the_text_says(lab, admin, example):
    prepare(lab, admin, example)
    if example.until:
        out, rc = run_until(admin, example)
    else:
        done = admin.run(example.command, check=False,
                         stderr=subprocess.STDOUT)
        out, rc = done.stdout, done.returncode
    put_back(lab, admin, example, out)
    assert rc == example.exit, f"{example.command}\n{out}"
    if " -q " in example.command and "--setup" not in example.command:
        assert out == "", f"{example.command}: not silent"


def test_there_are_examples_of_every_way():
    text = "\n".join(e.command for e in all_examples())
    for word in ("--fifo", "--hold", " -- ", "--from", "--check", "--setup",
                 "--cage", "--verify", "--json", "csync2_unlocker"):
        assert word in text, word
    assert any(e.doc == README.name for e in all_examples())


def test_cage_without_a_group_has_nothing_to_do_and_ends(admin):
    admin.write("/etc/csync2.cfg", "")
    assert admin.run("postern unlock --cage -n", timeout=20).returncode == 0
