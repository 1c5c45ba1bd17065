# SPDX-License-Identifier: ISC
"""A store that root keeps, with a uid for each client's receiver.

    from vaultlib import vault          # the fixture; in each test file

    def test_something(vault):
        vault.setup(kind="btrfs", users=True, root=["/srv/data"])
        vault.run()             # the client laptop's
        vault.run("other")      # the client desktop's, of the same machine
"""

import os
import re

import pytest

from backuplib import (CLEAN, CLIENT, CONF, HOME, POSTERN, STORE, Backup,
                       Done)
from lab import faults

OTHER = "desktop"
# One number each, and the group of the same number.
UIDS = {CLIENT: 4101, OTHER: 4102}
KEYS = "/root/.ssh/authorized_keys"
USERS = "".join(f"""
id -u recv-{name} >/dev/null 2>&1 || {{
	groupadd -g {uid} recv-{name}
	useradd -u {uid} -g {uid} -d /nonexistent -s /usr/sbin/nologin recv-{name}
}}
""" for name, uid in UIDS.items())


class Vault(Backup):
    def setup(self, kind="ext4", users=True, more="", accept=("--allow",
              "run,list,restore,verify"), **job):
        """Two clean hosts; root's store is a file system of its own, of that
        kind; two clients, accepted. more: lines of [store]; job: keys of both
        jobs, t of the one and other of the other."""
        self.dir, self.name = STORE, CLIENT
        for h in (self.client, self.store):
            h.link.restore()
            self.install(h)
            h.run(CLEAN.format(home=HOME))
        self.close()
        self.disk = faults.small_disk(self.store, STORE, 256 << 10,
                                      kind=kind)
        self.disk.__enter__()
        self.store.run(["chmod", "755", STORE])
        self.store.run(USERS)
        self.keys = self.store.read(KEYS)
        self.policy(users, more)
        for name in UIDS:
            self.accept(name, self.make_key(self.client, f"{name}_key"),
                        *accept)
        self.job = job
        self.jobs()
        return self

    def close(self):
        super().close()
        # The lab's own key stays.
        if getattr(self, "keys", None) and self.store.alive():
            self.store.write(KEYS, self.keys, mode=0o600)
        self.keys = None

    def policy(self, users=True, more="", clients=""):
        text = f"[store]\ndir = {STORE}\n{more}"
        for name in UIDS if users else ():
            text += f"[client {name}]\nuser = recv-{name}\n"
        self.store.write("/etc/postern/backup.conf", text + clients)

    def jobs(self, **more):
        self.conf(**{**self.job, "key": f"{CONF}/{CLIENT}_key", **more})
        text = self.client.read(f"{CONF}/backup.conf")
        text = text.replace("backup@", "root@")
        text += text.replace("[job t]", "[job other]").replace(
            f"{CLIENT}_key", f"{OTHER}_key")
        self.client.write(f"{CONF}/backup.conf", text)

    def run(self, *args, **kwargs):
        """Of the job t, unless a run has another one as its first word."""
        if kwargs.get("cmd", "run") != "run":
            return super().run("-j", "t", *args, **kwargs)
        jobs = [] if args and not args[0].startswith("-") else ["t"]
        return super().run(*args, *jobs, **kwargs)

    def start(self, *args, **kwargs):
        return super().start(*args, "t", **kwargs)

    def owner(self, cmd, *args, expect=0, **kwargs):
        done = self.store.run([POSTERN, "backup", cmd, *args], check=False,
                              env={"HOME": "/root"}, **kwargs)
        done = Done(args, done.returncode, done.stdout, done.stderr)
        assert expect is None or done.rc == expect, str(done)
        return done

    def forced(self, name, command):
        """The key of that client runs another command; {} is the old one."""
        def changed(m):
            return 'command="' + command.replace("{}", m[1]) + '"'

        lines = [re.sub(r'command="([^"]*)"', changed, line)
                 if f"--client {name} " in line else line
                 for line in self.store.read(KEYS).splitlines()]
        self.store.write(KEYS, "\n".join(lines) + "\n", mode=0o600)

    def at(self, *parts):
        """A path of the store on this machine."""
        return os.path.join(self.store.path(STORE), *parts)

    @staticmethod
    def owners(top):
        """(uid, gid) of all that is below top, not of top itself."""
        found = set()
        for folder, names, files in os.walk(top):
            for name in names + files:
                st = os.lstat(os.path.join(folder, name))
                found.add((st.st_uid, st.st_gid))
        return found


@pytest.fixture
def vault(lab):
    made = Vault(lab)
    yield made
    made.close()
    for h in lab.hosts.values():
        if h.alive():
            h.link.restore()
