# SPDX-License-Identifier: ISC
"""The base root: the read-only Debian below every host of the lab.

mmdebstrap makes it once (about 45 s) and it is kept outside of the tree, in
$POSTERN_LAB_CACHE or /var/cache/postern-lab, under a name that hashes what it
was made from: the suite, the packages and this file.
"""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

DEFAULT_CACHE = "/var/cache/postern-lab"

PACKAGES = (
    # what a server of the users of postern has
    "systemd", "systemd-sysv", "dbus", "openssh-server", "iproute2",
    "rsync", "procps", "sudo", "openssl", "cron", "libcap2-bin",
    # csync2 opens its database's library, but does not depend on it
    "csync2", "libsqlite3-0",
    # what a git server has
    "git", "git-lfs", "gitolite3",
    # what our own programs link to, sanitized builds too
    "libsodium23", "libinih1", "libasan8", "libubsan1",
    # what asks for a disk's passphrase, and lets an initramfs in
    "cryptsetup-bin", "cryptsetup", "dropbear-bin",
    # what the lab needs there: faults.py
    "strace",
)

# Nothing of these belongs to a test; each would cost boot time, make a host
# change by itself, or fail in a namespace.
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
    "motd-news.timer", "systemd-tmpfiles-clean.timer",
    "systemd-timesyncd.service", "systemd-networkd.service",
    "systemd-resolved.service", "systemd-udevd.service",
    "systemd-udev-trigger.service", "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket", "systemd-pstore.service",
    "systemd-remount-fs.service", "systemd-sysusers.service",
    "systemd-modules-load.service", "systemd-binfmt.service",
    "modprobe@.service", "dev-hugepages.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "sys-kernel-config.mount",
    "proc-sys-fs-binfmt_misc.automount",
    "getty.target", "console-getty.service", "getty-static.service",
    "rsync.service", "cron.service",
)

# apt's settings of this machine that decide whether it can download at all.
APT_SETTINGS = re.compile(
    r"^(Acquire::(?:https?::Proxy|Check-Valid-Until|Check-Date|Retries)\b.*)$",
    re.M | re.I)


class RootError(Exception):
    """The base root could not be made; the message says why."""


def machine_suite():
    """The codename of this machine's Debian, or bookworm if it has none."""
    release = pathlib.Path("/etc/os-release").read_text()
    found = dict(re.findall(r'^(\w+)="?([^"\n]*)', release, re.M))
    if found.get("ID") == "debian" and found.get("VERSION_CODENAME"):
        return found["VERSION_CODENAME"]
    return "bookworm"


def apt_sources(suite):
    """This machine's source files that speak of the suite, by apt's names."""
    names = [pathlib.Path("/etc/apt/sources.list")]
    names += sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*"))
    word = re.compile(r"^(?!\s*#).*\b%s\b" % re.escape(suite), re.M)
    return [str(p) for p in names
            if p.is_file() and p.suffix in (".list", ".sources")
            and word.search(p.read_text())]


def apt_settings():
    dump = subprocess.run(["apt-config", "dump"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return [line for line in APT_SETTINGS.findall(dump) if '""' not in line]


def cache_dir():
    return pathlib.Path(os.environ.get("POSTERN_LAB_CACHE", DEFAULT_CACHE))


def base_root(packages=PACKAGES, suite=None):
    """The path of a root with the packages; made now if there is none yet."""
    suite = suite or machine_suite()
    key = "\n".join([suite, *sorted(packages)]).encode()
    key += pathlib.Path(__file__).read_bytes()
    name = f"{suite}-{hashlib.sha256(key).hexdigest()[:16]}"
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / name
    with open(cache / f"{name}.lock", "w") as lock:
        # Two runs at once: the second waits for the first one's root.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _make(root, packages, suite)
    return root


def _make(root, packages, suite):
    half = root.with_suffix(".half")
    if half.exists():
        shutil.rmtree(half)
    argv = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
            "--include=" + ",".join(sorted(packages)),
            '--aptopt=APT::Install-Recommends "false"']
    argv += [f"--aptopt={line}" for line in apt_settings()]
    argv += [f"--dpkgopt=path-exclude=/usr/share/{d}/*"
             for d in ("doc", "man", "locale")]
    argv += [suite, str(half), *apt_sources(suite)]
    made = subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        shutil.rmtree(half, ignore_errors=True)
        raise RootError(f"mmdebstrap failed for {suite}:\n{made.stdout}")
    _adapt(half)
    half.rename(root)


def _adapt(root):
    """Make the root quiet, and empty of what must differ between hosts."""
    units = root / "etc/systemd/system"
    for unit in MASKED:
        link = units / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    # Debian enables it; a test that wants the always-on daemon starts it.
    for link in units.glob("*.wants/csync2.socket"):
        link.unlink()
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("")
    (root / "etc/ssh/sshd_config.d/lab.conf").write_text(
        "HostKey /etc/ssh/ssh_host_ed25519_key\n")
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    (root / "src").mkdir(exist_ok=True)
