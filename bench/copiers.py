# SPDX-License-Identifier: ISC
"""Who makes backups in bench/backup: ours, bare rsync, rsnapshot, borg, restic.

Each has a store of its own and the commands for a case; a command is an argv
with an environment. The machine that is backed up and the store are both this
one, joined by one sshd.
"""
import os
import shutil
import subprocess

from common import POSTERN
from places import SSH_PORT, WORK

HOST = "127.0.1.1"
NOT_BUILT = 70      # what a command of ours exits with that is not there yet
SRC = WORK / "src"
# What postern-backup's rules.h makes of one root.
PARENTS = [str(p) for p in list(SRC.parents)[-2::-1]]
RULES = "".join(f"+ {p}/\n" for p in PARENTS) + f"+ {SRC}\n+ {SRC}/**\n- *\n"
# As tools/backup/sink.c has it.
RSYNC = ["-aHAX", "--numeric-ids", "--modify-window=-1", "--sparse",
         "--delete"]


def sh(script, **names):
    return ["sh", "-ec", script.format(**names)]


class Copier:
    ours = False
    restored = SRC.relative_to("/")     # where the tree lies in a restore
    env = {}

    def __init__(self, ssh, base=WORK / "stores"):
        self.ssh = ssh                  # places.Sshd
        self.store = base / type(self).__name__.lower()
        self.rsh = f"ssh -F {ssh.conf}"

    def reset(self):
        shutil.rmtree(self.store, ignore_errors=True)
        self.store.mkdir(parents=True)

    def prepare(self, case):
        """What is not measured; returns whether there is such a case."""
        return getattr(self, case) is not None

    def run(self, argv):
        done = subprocess.run([str(a) for a in argv], capture_output=True,
                              text=True, check=False,
                              env={**os.environ, **self.env})
        if done.returncode not in (0, NOT_BUILT if self.ours else 0):
            raise SystemExit(f"{self.name}: {argv}: {done.returncode}\n"
                             f"{done.stdout[-1000:]}{done.stderr[-1000:]}")
        return done.stdout


class Bare(Copier):
    name = "rsync --link-dest"
    root, rules = "/", True

    def options(self):
        return " ".join([*RSYNC, "--fake-super", f"-e '{self.rsh}'", *(
            [f"'--filter=merge {WORK}/rules'"] if self.rules else [])])

    def reset(self):
        super().reset()
        (WORK / "rules").write_text(RULES)

    def backup(self):
        # Within the folder: our receiver's paths are as short.
        return sh("cd {store}\n"
                  "last=$(ls | tail -n 1)\n"
                  "rsync {o} ${{last:+--link-dest=../$last}} {host}:{root} "
                  ".incoming/\n"
                  "mv .incoming s$(date +%s.%N)", store=self.store,
                  o=self.options(), host=HOST, root=self.root)

    def restore(self, to):
        return sh("last=$(ls {store} | tail -n 1)\n"
                  "rsync {o} -M--fake-super -e '{rsh}' "
                  "{host}:{store}/$last/ {to}/", store=self.store,
                  o=" ".join(RSYNC), rsh=self.rsh, host=HOST, to=to)

    verify = None

    def prune(self):
        return sh("rm -rf {store}/$(ls {store} | head -n 1)",
                  store=self.store)


class Short(Bare):
    """The same, told of the one folder alone: its paths are shorter."""
    name = "rsync --link-dest, of the root alone"
    root, rules, restored = f"{SRC}/", False, "."


class Rsnapshot(Copier):
    name = "rsnapshot"

    def reset(self):
        super().reset()
        long = " ".join([*RSYNC[1:], "--fake-super",
                         f"--filter=merge_{WORK}/rules"])
        (WORK / "rsnapshot.conf").write_text("".join(
            "\t".join(row) + "\n" for row in (
                ("config_version", "1.2"),
                ("snapshot_root", f"{self.store}/"),
                ("cmd_rsync", "/usr/bin/rsync"), ("cmd_ssh", "/usr/bin/ssh"),
                ("ssh_args", f"-F {self.ssh.conf}"), ("link_dest", "1"),
                ("retain", "alpha", "9"),
                ("rsync_short_args", RSYNC[0]), ("rsync_long_args", long),
                ("backup", f"root@{HOST}:/", "./"))))

    def backup(self):
        return ["rsnapshot", "-q", "-c", WORK / "rsnapshot.conf", "alpha"]

    # Both are left to the owner: what he would type.
    def restore(self, to):
        return sh("rsync {o} -M--fake-super -e '{rsh}' "
                  "{host}:{store}/alpha.0/ {to}/", store=self.store,
                  o=" ".join(RSYNC), rsh=self.rsh, host=HOST, to=to)

    verify = None

    def prune(self):
        return sh("rm -rf {store}/$(ls {store} | tail -n 1)",
                  store=self.store)


class Borg(Copier):
    name = "borg"

    def reset(self):
        super().reset()
        base = WORK / "borg-base"
        shutil.rmtree(base, ignore_errors=True)
        self.env = {"BORG_BASE_DIR": str(base), "BORG_RSH": self.rsh,
                    "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
                    "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        self.repo = f"ssh://root@{HOST}{self.store}/repo"
        self.run(["borg", "init", "-e", "none", self.repo])

    def backup(self):
        return ["borg", "create", "--numeric-ids", self.repo + "::{now:%s.%f}",
                SRC]

    def restore(self, to):
        return sh("cd {to}\nborg extract --numeric-ids {repo}::$(borg list "
                  "--short --last 1 {repo})", to=to, repo=self.repo)

    def verify(self):
        return ["borg", "check", "--verify-data", self.store / "repo"]

    def prune(self):
        return sh("borg delete --first 1 {repo} && borg compact {repo}",
                  repo=f"{self.store}/repo")


class Restic(Copier):
    name = "restic"

    def reset(self):
        super().reset()
        self.env = {"RESTIC_PASSWORD": "bench", "HOME": str(WORK),
                    "RESTIC_CACHE_DIR": str(WORK / "restic-cache")}
        shutil.rmtree(WORK / "restic-cache", ignore_errors=True)
        self.words = ["restic", "-q", "-r",
                      f"sftp:root@{HOST}:{self.store}/repo", "-o",
                      f"sftp.command={self.rsh} {HOST} -s sftp"]
        self.here = ["restic", "-q", "-r", f"{self.store}/repo"]
        self.run([*self.here, "init"])

    def backup(self):
        return [*self.words, "backup", SRC]

    def restore(self, to):
        return [*self.words, "restore", "latest", "--target", to]

    def verify(self):
        return [*self.here, "check", "--read-data"]

    def prepare(self, case):
        if case == "prune":
            ids = self.run([*self.here, "snapshots", "--json"])
            self.first = ids.split('"short_id":"')[1].split('"')[0]
        return super().prepare(case)

    def prune(self):
        return [*self.here, "forget", "--prune", self.first]


def root_lives_in(home):
    """accept goes by the user database: within our mount namespace its root
    has a home of ours."""
    lines = open("/etc/passwd", encoding="utf-8").read().splitlines()
    with open(WORK / "passwd", "w", encoding="utf-8") as f:
        for line in lines:
            part = line.split(":")
            if part[2] == "0":
                part[5] = str(home)
            f.write(":".join(part) + "\n")
    subprocess.run(["mount", "--bind", WORK / "passwd", "/etc/passwd"],
                   check=True)


class Ours(Copier):
    """What setup and accept make; a client's name is its back end's."""
    name, ours = "postern backup", True
    kind = "hardlink"

    def __init__(self, ssh, base=WORK / "stores"):
        super().__init__(ssh, base)
        self.store = base / f"postern-{self.kind}"
        d = ssh.conf.parent
        key = d / self.kind
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", key], check=True)
        self.key = key.with_suffix(".pub")
        self.own = WORK / f"store-{self.kind}.conf"
        self.keep = WORK / f"prune-{self.kind}.conf"
        self.own.write_text(f"[store]\ndir = {self.store}\n"
                            f"back-end = {self.kind}\n")
        self.keep.write_text(self.own.read_text() + "keep-last = 2\n")
        self.on_store = ["--client", self.kind, "--config", self.own]
        self.conf = WORK / f"client-{self.kind}.conf"
        self.conf.write_text(
            f"[job bench]\ndestination = root@{HOST}\nroot = {SRC}\n"
            f"ssh-config = {d}/config-{self.kind}\nkey = {key}\n"
            f"known-hosts = {d}/known\n")
        # Nobody else's key is offered before ours.
        (d / f"config-{self.kind}").write_text(
            f"Host *\n\tPort {SSH_PORT}\n\tIdentityAgent none\n"
            "\tLogLevel ERROR\n")

    def reset(self):
        if self.store.exists() and self.kind == "btrfs":
            for p in self.store.glob("btrfs/*"):
                subprocess.run(["btrfs", "-q", "subvolume", "delete", p],
                               check=True)
            for p in self.store.glob("btrfs/.incoming"):
                subprocess.run(["btrfs", "-q", "subvolume", "delete", p],
                               check=True)
        super().reset()
        self.run([POSTERN, "backup", "accept", "-q", *self.on_store, "--key",
                  self.key, "--allow", "run,list,restore,verify"])
        # What accept wrote, beside the others' key, which it leaves alone.
        d = self.ssh.conf.parent
        (d / "accepted").write_text(
            (d / ".ssh" / "authorized_keys").read_text())

    def words(self, command, *more):
        return [POSTERN, "backup", command, "--config", self.conf, *more]

    def backup(self):
        # As cron runs it, nobody looks on: only the phases are wanted.
        return self.words("run", "-q", "--json")

    def newest(self):
        return sorted(p.name for p in (self.store / self.kind).iterdir()
                      if p.name[0] != ".")[-1]

    def restore(self, to):
        return self.words("restore", "-q", "--to", to, self.newest())

    def verify(self):
        return [POSTERN, "backup", "verify", "-q", *self.on_store]

    def prune(self):
        return [POSTERN, "backup", "prune", "-q", "--client",
                self.kind, "--config", self.keep]


class OursBtrfs(Ours):
    name, kind = "postern backup, btrfs", "btrfs"

