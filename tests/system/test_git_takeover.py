# SPDX-License-Identifier: ISC
"""postern git setup-gateway where the original (gitolite-ssh-user-proxy) runs:
the three commands of docs/git.md, from a gateway on which nothing of ours was
set up. In this order, on hosts of their own."""

import pytest

from lab import proc
from gitsetuplib import DROPIN, ETC, Setup

HOME = "/home/git"
ASIDE = f"{HOME}.before-postern"
BASE = ".ssh/authorized_keys.base"
KEYS = f"{ETC}/authorized_keys"
MINE = "10-mine.conf"
SSH = "ssh -o IdentitiesOnly=yes -o BatchMode=yes"


def key_of(ready, name):
    """A key of alice's on the client; its public line."""
    key = ready.client.path(f"/home/alice/.ssh/{name}")
    ready.lab.keygen(key, name)
    ready.client.run("chown alice: /home/alice/.ssh/*")
    return key.with_suffix(".pub").read_text().strip()


@pytest.fixture(scope="module")
def ready(lab):
    made = Setup(lab, ("h47", "h48", "h49"))
    gw = made.gw
    gw.run("useradd -m -s /bin/bash -p '*' git; "
           f"install -d -o git -g git -m 700 {HOME}/.ssh")
    # A line of root's, and one of the original's: who has a key now.
    gw.write(f"{HOME}/{BASE}",
             f'command="echo of root",no-pty {key_of(made, "root")}\n')
    gw.write(f"{HOME}/.ssh/authorized_keys", gw.read(f"{HOME}/{BASE}")
             + f'command="echo of alice",no-pty {key_of(made, "old")}\n')
    gw.run(f"chown -R git: {HOME}; chmod 600 {HOME}/.ssh/*")
    made.sshd = gw.run("sshd -T -C user=git,host=x,addr=10.0.0.1").stdout
    yield made
    for host in made.hosts:
        lab.remove(host)


def says(ready, name):
    """What a login with that key says; "": it is refused."""
    return ready.alice(f"{SSH} -i .ssh/{name} git@gw info",
                       check=False).stdout


def as_it_was(ready):
    """The original's logins, its home, and nothing aside."""
    gw = ready.gw
    assert gw.run(["stat", "-c", "%U", HOME, f"{HOME}/.ssh"]
                  ).stdout == "git\ngit\n"
    assert not gw.exists(ASIDE) and not gw.exists(DROPIN)
    assert gw.run("sshd -T -C user=git,host=x,addr=10.0.0.1"
                  ).stdout == ready.sshd
    assert gw.run("getent passwd git").stdout.endswith(":/bin/bash\n")
    assert [says(ready, x) for x in ("root", "old")] == [
        "of root\n", "of alice\n"]


def test_the_first_command_leaves_the_originals_logins(ready):
    as_it_was(ready)
    first = "postern git setup-gateway --server git@gl --here git@gw"
    for_gl, said = ready.paste(ready.gw, first, 2)
    as_it_was(ready)
    assert f"logins of git, and {HOME}, stay as they are" in said
    assert "missing: the git server's public key" in said
    ready.last, ready.half = ready.paste(ready.gl, for_gl, 2)


def test_settings_that_sshd_does_not_take_leave_them_too(ready):
    gw, mine = ready.gw, f"/etc/ssh/sshd_config.d/{MINE}"
    gw.write(mine, "Match User git\n\tPermitTTY yes\nMatch all\n")
    try:
        done = gw.run(ready.last, check=False)
        assert done.returncode == 1, done
        assert "an earlier line of it comes first" in done.stderr
        as_it_was(ready)
    finally:
        gw.run(["rm", mine])
    # As before this test: nothing is taken over yet.
    gw.run(["rm", KEYS])


def test_the_last_command_takes_over_all_of_it(ready):
    gw = ready.gw
    _, said = ready.paste(gw, ready.last, 0)
    assert f"taken over: {HOME}/{BASE}" in said
    assert "stay as they are" not in said
    assert f"done: {HOME}, a home that is root's" in said
    assert "checked: " in said
    assert gw.run(["stat", "-c", "%U:%G %a", HOME, ASIDE]
                  ).stdout == "root:root 755\nroot:root 700\n"
    assert gw.run(["ls", "-A", HOME]).stdout == ""
    # Root's line goes on; the original's keys are what the server pushed.
    assert [says(ready, x) for x in ("root", "old")] == ["of root\n", ""]
    assert says(ready, "id_ed25519").startswith("hello alice,")
    assert "done: " not in ready.paste(gw, ready.last, 0)[1]


def test_a_base_file_that_was_put_aside_is_found(ready):
    """As a set-up left it that had no key yet."""
    gw, base = ready.gw, f"{ASIDE}/{BASE}"
    gw.run(["rm", KEYS])
    _, said = ready.paste(gw, ready.last, 0)
    assert f"taken over: {base}" in said
    assert says(ready, "root") == "of root\n"
    # No link of git's leads out of it.
    kept = gw.read(KEYS)
    gw.write("/root/keys", kept, 0o600)
    gw.run(f"rm {KEYS}; mv {base} {base}.x; ln -s /root/keys {base}")
    try:
        done = gw.run(ready.last, check=False)
        assert not gw.exists(KEYS)
    finally:
        gw.write(KEYS, kept)
        gw.run(f"mv {base}.x {base}; rm /root/keys")
    assert done.returncode == 1 and "a symbolic link is in" in done.stderr


def test_a_home_that_was_half_put_aside_is_shut(ready):
    gw, kill = ready.gw, "-e trace=fchown -e inject=fchown:signal=KILL"
    gw.run(f"rmdir {HOME}; mv {ASIDE} {HOME}; chown git: {HOME}")
    try:
        done = gw.run(f"strace -f -qq -o /dev/null {kill} {ready.last}",
                      check=False)
        assert done.returncode != 0
        # That is where it was.
        assert not gw.exists(HOME)
        assert gw.run(["stat", "-c", "%U", ASIDE]).stdout == "git\n"
        dry = gw.run(f"{ready.last} -n").stderr
        assert f"would do: {ASIDE}, what git had in {HOME}, is root's" in dry
        _, said = ready.paste(gw, ready.last, 0)
        assert f"done: {ASIDE}, what git had in {HOME}, is root's" in said
        assert gw.run(["stat", "-c", "%U:%G %a", ASIDE]
                      ).stdout == "root:root 700\n"
    finally:
        gw.run(f"install -d -m 755 {HOME}; chown root: {HOME}; "
               f"rm -rf {ASIDE}")
    proc.wait_for(lambda: says(ready, "id_ed25519").startswith("hello"), 30,
                  "alice's session")
