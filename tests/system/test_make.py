# SPDX-License-Identifier: ISC
"""make and make install from a clean folder, and what they fetch by
themselves."""

import os
import pathlib
import shutil
import subprocess

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "/opt/postern-test"
MODULES = ("usr/lib/dracut/modules.d/30postern-boot/",
           "usr/share/initramfs-tools/")
BUILD_S = 900


def make(*words, **env):
    done = subprocess.run(
        ["make", "-C", TREE, "--no-print-directory", *words], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=BUILD_S,
        env={"PATH": os.environ["PATH"], "HOME": "/root", **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def installed(tmp_path, hosts):
    """A host with what `make install` made, and nothing else of the tree."""
    build, dest = tmp_path / "build", tmp_path / "dest"
    make(f"BUILD={build}")
    assert (build / "postern").exists()
    # A prefix that is given only now counts as well.
    make("install", f"BUILD={build}", f"PREFIX={PREFIX}", f"DESTDIR={dest}")
    host = hosts(1)[0]
    shutil.copytree(f"{dest}{PREFIX}", host.path(PREFIX), symlinks=True)
    host.dest = dest
    yield host
    host.run(["rm", "-rf", PREFIX])


def test_what_is_installed_works_without_the_tree(installed):
    host, dest = installed, installed.dest
    # Nothing outside of the prefix, but where each maker of an initramfs looks.
    outside = {str(p.relative_to(dest)) for p in dest.rglob("*")
               if p.is_file() and not str(p).startswith(f"{dest}{PREFIX}/")}
    modules = {p for p in outside if p.startswith(MODULES)}
    assert outside == modules
    assert all(any(p.startswith(m) for p in modules) for m in MODULES)
    postern = f"{PREFIX}/bin/postern"
    assert host.run([postern, "--version"]).stdout.startswith("postern ")
    names = host.run([postern, "help"]).stdout
    assert "\n  unlock " in names and "\n  backup " in names
    host.write("/tmp/sys/csync2.cfg", "group g { host h1 h2; key k; "
               "include /srv/priv; }\n")
    plan = host.run([postern, "unlock", "-n", "g"],
                    env={"CSYNC2_SYSTEM_DIR": "/tmp/sys"}).stdout
    assert "h2" in plan
    old = host.run([f"{PREFIX}/bin/csync2_unlocker", "-n", "g"],
                   env={"CSYNC2_SYSTEM_DIR": "/tmp/sys"}).stdout
    assert "hold a shared window open" in old
    host.run("rm -r /tmp/sys")
    programs = host.run(f"ls {PREFIX}/libexec/postern").stdout.split()
    assert {"postern-unlock", "postern-backup"} <= set(programs)
    for page in ("man1/postern.1", "man1/postern-unlock.1",
                 "man5/unlock.conf.5", "man7/postern.7"):
        assert host.exists(f"{PREFIX}/share/man/{page}"), page
    assert host.run(f"grep -rl _postern {PREFIX}/share/bash-completion"
                    ).stdout


# What is missing

APT = """#!/bin/sh
echo "$*" >>/tmp/apt
id -u >>/tmp/apt
if [ -e /usr/sbin/policy-rc.d ]; then sh /usr/sbin/policy-rc.d; fi
echo "policy $?" >>/tmp/apt
"""
SCRIPT = "/src/build-aux/deps.sh"


@pytest.fixture
def bare(lab):
    """A host without compilers, on which apt-get says how it was called."""
    admin = lab.admin
    assert admin.run("command -v gcc", check=False).returncode != 0
    admin.write("/usr/local/sbin/apt-get", APT, 0o755)
    admin.run("rm -f /tmp/apt; useradd -m ops; echo 'ops ALL=(ALL) NOPASSWD: "
              "ALL' >/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops; "
              "useradd -m plain")
    yield admin
    admin.run("rm -f /usr/local/sbin/apt-get /tmp/apt /etc/sudoers.d/ops; "
              "userdel -r ops; userdel -r plain", check=False)


def as_user(name):
    return ["setpriv", "--reuid", name, "--regid", name, "--init-groups"]


def said(host):
    return host.read("/tmp/apt").splitlines() if host.exists("/tmp/apt") \
        else None


@pytest.mark.parametrize("user", [[], as_user("ops")], ids=["root", "sudo"])
def test_what_is_missing_is_installed_and_no_daemon_started(bare, user):
    bare.run([*user, "sh", SCRIPT, "build", "demo"])
    call, uid, policy = said(bare)
    words = call.split()
    assert words[0] == "install" and "--no-install-recommends" in words
    assert {"gcc", "meson", "ninja-build", "libsodium-dev"} <= set(words)
    # What is there already is not asked for.
    assert "csync2" not in words and "openssh-server" not in words
    assert uid == "0"
    # 101: a daemon that comes along is not started on this machine.
    assert policy == "policy 101"
    assert not bare.exists("/usr/sbin/policy-rc.d")


def test_who_may_not_install_is_told_the_one_command(bare):
    done = bare.run([*as_user("plain"), "sh", SCRIPT, "build"], check=False)
    assert done.returncode == 1 and done.stdout == ""
    command, = [s for s in done.stderr.splitlines() if "apt-get" in s]
    words = command.split()
    assert words[:3] == ["apt-get", "install", "--no-install-recommends"]
    assert {"gcc", "meson", "libcmocka-dev"} <= set(words)
    assert said(bare) is None


def test_where_nothing_is_missing_nothing_is_said_or_done(bare):
    done = bare.run(["sh", SCRIPT])
    assert done.stdout == done.stderr == "" and said(bare) is None
