# SPDX-License-Identifier: ISC
"""The cage of csync2's daemon on hosts with a real systemd: what gets out
without it, and that nothing does with it while ordinary syncs work."""

import os
import subprocess
from pathlib import Path

import pytest

import scripts

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MESON_BUILD_ROOT", ROOT / "build"))
CAGE_TEXT = BUILD / "tests" / "unit" / "unlock" / "cage_text"
DROPIN = "/etc/systemd/system/csync2@.service.d/50-postern-cage.conf"
CONF = """
nossl * *;
group pub {{
	host {h1} {h2};
	key /etc/csync2.pub.key;
	include /srv/pub;
	include "/srv/with space%n'";
	backup-directory "/var/backups/c\\2 %n";
	auto younger;
}}
"""
FOLDERS = ["/srv/pub", "/srv/with space%n'", "/var/backups/c\\2 %n"]
FIFO = "/var/lib/csync2/privileged.key"
SECRETS = f"{FIFO}\n/srv/priv\n"


class Pair:
    """h1, whose daemon is under attack, and h2, where the attacker is root."""

    def __init__(self, h1, h2):
        self.h1, self.h2 = h1, h2
        for h in (h1, h2):
            for folder in FOLDERS + ["/srv/priv"]:
                h.run(["mkdir", "-p", folder])
            h.write("/etc/csync2.cfg", CONF.format(h1=h1.name, h2=h2.name))
            h.write("/etc/csync2.pub.key", "k" * 40 + "\n", 0o600)
            h.run(["mkfifo", "-m", "600", FIFO])
            h.run(["systemctl", "start", "csync2.socket"])

    def needs(self):
        made = subprocess.run(
            [CAGE_TEXT, self.h1.path("/etc/csync2.cfg"), self.h1.name,
             FIFO],
            text=True, capture_output=True)
        assert made.returncode == 0, made.stderr
        # The configuration was read from outside of the host.
        text = made.stdout.replace(str(self.h1.path("/")).rstrip("/"), "")
        text, needs = text.split("#END\n")
        return text, needs

    def cage(self, **variables):
        text, needs = self.needs()
        return scripts.run(self.h1, "cage", text + "#END\n", needs=needs,
                           **variables)

    def prove(self):
        _, needs = self.needs()
        return scripts.run(self.h1, "cage-test", needs=needs,
                           secrets=SECRETS, names=f"{self.h1.name}\n{self.h2.name}\n",
                           timeout=120)

    def sync(self, name, content):
        self.h2.write(f"/srv/pub/{name}", content)
        done = self.h2.run(["csync2", "-xv"], check=False)
        return done


@pytest.fixture
def pair(hosts):
    return Pair(*hosts(2, fresh=True))


def kept(said):
    broke = [a for a in said.of("attack") if " BROKE" in a]
    no = [w for w in said.of("works") if w.split(" ")[1] != "yes"]
    return broke, no


def nothing_left(host):
    left = host.run("find / /run /tmp -xdev -name '*postern-cage-test*' -o "
                    "-path '/run/postern.*'").stdout
    left += host.run("systemctl list-units --all --no-legend "
                     "'postern-cage-test*'").stdout
    left += host.run("pgrep -a -x -f 'sleep 300' || :").stdout
    assert left == ""


def test_cage_test_sees_what_an_uncaged_daemon_lets_out(pair):
    said = pair.prove()
    assert said.refused is None, said
    broke = {a.split(" ")[0] for a in said.of("attack") if " BROKE" in a}
    assert {"write-cron", "dotdot", "symlink", "proc-root", "mknod-disk",
            "mount", "systemd-run", "unix-socket", "setuid", "unshare", "kill",
            "trusted-files", "privileged", "left-on-host"} <= broke, said
    nothing_left(pair.h1)


def test_no_attack_gets_out_of_the_cage_and_syncs_work(pair):
    said = pair.cage()
    assert said.refused is None, said
    assert said.lines[-1] == "done cage"
    said = pair.prove()
    assert said.refused is None, said
    assert kept(said) == ([], []), said
    assert not [a for a in said.of("attack") if " untried" in a], said
    nothing_left(pair.h1)
    done = pair.sync("a", "from h2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pair.h1.read("/srv/pub/a") == "from h2"
    done = pair.sync("a", "changed, with a backup")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pair.h1.read("/srv/pub/a") == "changed, with a backup"


