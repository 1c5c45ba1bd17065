# SPDX-License-Identifier: ISC
"""docs/backup.md line by line on two fresh machines, and the examples of
postern-backup(1) and backup.conf(5), all as they stand there (doclib.py)."""

import hashlib
import json
import re

import pytest

from doclib import CRON, PAGES, STORE, Machines, blocks, tutorial

LINES = tutorial()
LETTER = "Dear store,\n"
UNIT = "postern-backup"
ANN_CONF = "/home/ann/.config/postern/backup.conf"


class Walk:
    """The tutorial, once, to its end; what came of each line."""

    def __init__(self, machines):
        self.at = machines
        machines.laptop.write("/home/ann/letter.txt", LETTER)
        machines.laptop.write("/home/ann/music/song", "x" * 3_000_000)
        machines.laptop.run("chown -R ann: /home/ann")
        self.cron, self.timer, self.there = {}, {}, None
        self.first = self.letter = None
        for line in LINES:
            machines.do(line)
            if line.rc != line.expect:
                break
            if line.command == "postern backup run" and not self.first:
                self.first = line.snapshots
                self.letter = machines.store.read(
                    f"{STORE}/{line.snapshots[0]}/home/ann/letter.txt")
            if line.command.endswith("| crontab -"):
                self.cron[line.host] = self.tonight(line)
            elif line.command.endswith(f"{UNIT}.timer"):
                self.by_timer()
            elif "--to /mnt" in line.command:
                self.there = self.shadows()

    def tonight(self, line):
        """(newest snapshot is another, what the store noted, cron's words)
        The tutorial keeps one of each day: their number stays."""
        at, host = self.at, self.at.hosts[line.host]
        was, runs = at.snapshots(), at.runs()
        said = at.cron(host, line.user, lambda: len(at.runs()) > len(runs))
        return (at.snapshots() != was, at.runs()[len(runs):], said)

    def ann(self, command):
        return self.at.laptop.run(self.at.argv("ann", command), check=False,
                                  timeout=120)

    def by_timer(self):
        runs = len(self.at.runs())
        shown = self.ann(f"systemctl --user show {UNIT}.timer").stdout
        self.timer = dict(x.partition("=")[::2] for x in shown.splitlines())
        # From here on no clock starts anything.
        done = self.ann(f"systemctl --user stop {UNIT}.timer; "
                        f"systemctl --user start {UNIT}.service; "
                        f"systemctl --user status {UNIT}.service")
        self.timer["said"] = done.stdout + done.stderr
        self.timer["runs"] = self.at.runs()[runs:]

    def shadows(self):
        return [hashlib.sha256(self.at.laptop.read(f"{top}/etc/shadow",
                                                   text=False)).hexdigest()
                for top in ("", "/mnt")]

    def line(self, words):
        return next(line for line in LINES if words in line.command)


@pytest.fixture(scope="module")
def machines(lab):
    made = Machines(lab)
    yield made
    made.close()


@pytest.fixture(scope="module")
def walk(machines):
    return Walk(machines)


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_line_of_the_tutorial_does_what_it_says(walk, line):
    assert line.rc == line.expect, f"{line.command}\n{line.out}"


def test_the_printed_line_is_the_one_that_the_tutorial_shows(walk):
    said = walk.line("backup setup").out
    shown = walk.line("backup accept --client").command
    assert walk.at.key in said
    assert shown.startswith(f"postern backup accept --client laptop --key "
                            f"'KEY' ")
    assert shown.replace("KEY", walk.at.key).startswith(
        said.strip().splitlines()[-1])
    # And the fingerprint of step 2 is the one that step 3 asks about.
    words = walk.line("ssh-keygen -lf").out.split()
    assert words[1].startswith("SHA256:") and words[1] in said


def test_sshd_of_the_store_asks_the_keepers_sessions_and_no_other(walk):
    for user, interval, most in (("vault", 15, 3), ("root", 0, 3)):
        words = walk.at.store.run(
            ["sshd", "-T", "-C", f"user={user},host=laptop,addr=10.77.0.9"]
        ).stdout.splitlines()
        assert f"clientaliveinterval {interval}" in words, user
        assert f"clientalivecountmax {most}" in words, user


def test_the_machines_part_of_the_ten_minutes_is_told(walk, record_property):
    """Of all up to the nightly backup, but for apt's downloads and for
    building postern. How long a person types and reads is not in it."""
    part = {}
    for line in LINES:
        if re.match(r"\d+\. ", line.section):
            part[line.section] = part.get(line.section, 0) + line.seconds
    assert len(part) == 7 and all(part.values()), part
    told = "; ".join(f"{k} {v:.1f} s" for k, v in part.items())
    told = f"{sum(part.values()):.1f} s: {told}"
    record_property("seconds of the tutorial", told)
    print(told)


def test_after_the_first_run_there_is_one_snapshot_with_the_letter(walk):
    assert len(walk.first) == 1 and walk.letter == LETTER
    for words in ("postern backup list", f"ls {STORE}"):
        assert walk.first[0] in walk.line(words).out
    assert re.search(r"^laptop .* well$",
                     walk.line("postern backup status").out, re.M)


def test_usage_prints_lines_that_leave_out_what_they_name(walk):
    """Whoever copies one as the tutorial says has that folder no more."""
    line = re.search(r"exclude = /home/ann/music$",
                     walk.line("backup usage").out, re.M)[0]
    at = walk.at
    at.laptop.write("/tmp/less.conf", "[job home]\ndestination = vault@store"
                    f"\nroot = /home/ann\n{line}\n")
    at.laptop.run("chown ann: /tmp/less.conf")
    out = walk.ann("postern backup usage --config /tmp/less.conf").stdout
    assert "/home/ann" in out and "music" not in out


def test_cron_makes_a_backup_and_has_nothing_to_mail(walk):
    came, runs, said = walk.cron["laptop"]
    assert came and [r[1:3] for r in runs] == [["run", "ok"]]
    assert "postern backup run -q" in said
    silent(said)


def silent(said):
    """Nothing was printed: cron would mail it, or say why it can't."""
    assert "CMD" in said
    assert not re.search("MAIL|No MTA|output", said), said


def test_cron_on_the_store_verifies_and_has_nothing_to_mail(walk):
    came, runs, said = walk.cron["store"]
    assert not came and [r[1:3] for r in runs] == [["verify", "ok"]]
    silent(said)


def test_the_timer_waits_for_the_night_and_its_service_makes_a_backup(walk):
    timer = walk.timer
    assert timer["ActiveState"] == "active", timer
    assert timer["UnitFileState"] == "enabled" and timer["Persistent"] == "yes"
    assert re.search(r" 0[34]:\d\d:\d\d ", timer["NextElapseUSecRealtime"])
    assert [r[1:3] for r in timer["runs"]] == [["run", "ok"]], timer["said"]


def test_the_same_units_serve_root(walk):
    """As the comment in them has it: here below /etc/systemd/system."""
    at = walk.at
    at.vault(f"postern backup accept --client laptop --key '{at.key}'")
    was = len(at.runs())
    host = at.laptop
    host.run(f"cp /src/packaging/systemd/{UNIT}.* /etc/systemd/system && "
             f"systemctl daemon-reload && systemctl enable -q --now "
             f"{UNIT}.timer && systemctl is-active -q {UNIT}.timer && "
             f"systemctl disable -q --now {UNIT}.timer")
    done = host.run(f"systemctl start {UNIT}.service; journalctl -b -o cat "
                    f"-u {UNIT}.service", timeout=240)
    assert [r[1:3] for r in at.runs()[was:]] == [["run", "ok"]], done.stdout
    at.vault("postern backup accept --remove --client laptop")


def test_a_plain_user_has_backed_up_what_is_roots_and_root_got_it(walk):
    mine, back = walk.there
    assert mine == back
    line = walk.line("--to /mnt")
    assert "lack" not in line.out
    # Who is not in the group can't run the program that reads.
    send = "/usr/local/libexec/postern/postern-backup-send"
    walk.at.laptop.run("useradd -m stranger")
    done = walk.at.laptop.run(["runuser", "-u", "stranger", "--", send,
                               "--explain"], check=False)
    assert done.returncode != 0 and "Permission denied" in done.stderr


def test_undone_the_key_is_gone_and_the_snapshots_stay(walk):
    assert walk.line("--remove").snapshots == walk.line(
        "--to /mnt").snapshots
    done = walk.ann("postern backup run -q")
    assert done.returncode == 1 and "denied" in done.stderr.lower()


# The manual pages

EXAMPLES = {path.name: blocks(path) for path in PAGES}


@pytest.fixture(scope="module")
def page(walk):
    """Two machines that have postern, and else nothing of a backup."""
    at = walk.at
    send = "/usr/local/libexec/postern/postern-backup-send"
    at.laptop.run("rm -rf /home/ann/.config /etc/postern; groupdel postern; "
                  f"setcap -r {send}; chown root: {send}; chmod 755 {send}")
    at.store.run("rm -rf /srv/backup/* /srv/backup/.postern")
    return at


def commands(block):
    return [line[2:] for line in block.text.splitlines()]


def test_each_example_of_postern_backup_1_works_in_its_order(page):
    key = crons = 0
    for block in EXAMPLES["postern-backup.1"]:
        host = page.hosts[block.host]
        where = f"postern-backup.1:{block.number}"
        if cron := CRON.fullmatch(block.text.rstrip("\n")):
            was = len(page.runs())
            host.run(["crontab", "-u", block.user, "-"], input=cron[0] + "\n")
            silent(page.cron(host, block.user,
                             lambda: len(page.runs()) > was))
            assert page.runs()[-1][1:3] == ["run", "ok"], where
            crons += 1
            continue
        mark = "# " if block.user == "root" else "$ "
        assert all(x.startswith(mark) for x in block.text.splitlines()), where
        script = " && ".join(commands(block)).replace(
            "'ssh-ed25519 ...'", f"'{key}'")
        if "backup setup" in script:
            first, rest = script.split(" && ", 1)
            out = at_once(page, block, first, page.host_key())
            key = re.search(r"--key '(ssh-ed25519 [^']+)'", out)[1]
            script = rest
        done = host.run(page.argv(block.user, script), check=False,
                        timeout=120)
        assert done.returncode == 0, f"{where}: {script}\n{done}"
    assert crons == 1
    assert [r[1:3] for r in page.runs()] == [["run", "ok"]] * 2


def at_once(page, block, command, fingerprint):
    """setup with the fingerprint: nobody sits at a terminal."""
    return page.hosts[block.host].run(page.argv(
        block.user, f"{command} --fingerprint {fingerprint}")).stdout


def test_the_files_of_backup_conf_5_are_what_they_say(page):
    """The laptop's is backed up by, the store's is kept by."""
    for block in EXAMPLES["backup.conf.5"]:
        path = ANN_CONF if block.host == "laptop" else \
            "/etc/postern/backup.conf"
        page.hosts[block.host].write(path, block.text)
    page.laptop.run("chown ann: " + ANN_CONF)
    page.laptop.write("/home/ann/.cache/x", "left out")
    page.laptop.write("/home/ann/x.o", "left out")
    done = page.laptop.run(page.argv("ann", "postern backup run --json"),
                           timeout=120)
    last = json.loads(done.stdout.splitlines()[-1])
    top = f"{STORE}/{last['snapshot']}"
    store = page.store
    assert store.read(f"{top}/home/ann/letter.txt") == LETTER
    assert store.read(f"{top}/etc/shadow", text=False) == \
        page.laptop.read("/etc/shadow", text=False)
    for name in (".cache", "x.o"):
        assert not store.exists(f"{top}/home/ann/{name}")
    rows = page.vault("postern backup status --json")
    assert json.loads(rows)["quota"] == 500 << 30
    rows = page.vault("postern backup prune -n --json").splitlines()
    assert len(rows) == 2 and all("last" in json.loads(r)["why"]
                                  for r in rows)
