# SPDX-License-Identifier: ISC
"""postern git setup-gateway and setup-server do no harm: whom else sshd would
let in as the git user, accounts and files that are somebody's own, what git
may do while root works in its folders."""

import subprocess

import pytest

from gitsetuplib import ETC, findings, shared, sshd_says

STATE = "/var/lib/postern/git"


@pytest.fixture(scope="module")
def ready(lab):
    return shared(lab, ("h44", "h45", "h46")).set_up()


def put(ready, name):
    """A new key of alice's on the client; its public line."""
    key = ready.client.path(f"/home/alice/.ssh/{name}")
    ready.lab.keygen(key, name)
    ready.client.run("chown alice: /home/alice/.ssh/*")
    return key.with_suffix(".pub").read_text()


def sshd(host, name, text):
    """A drop-in of root's own, or none, in force."""
    path = f"/etc/ssh/sshd_config.d/{name}"
    if text:
        host.write(path, text)
    else:
        host.run(["rm", "-f", path])
    host.run("systemctl reset-failed ssh; systemctl restart ssh")
    host.wait_up()


def test_nobody_comes_in_as_git_by_another_way(ready):
    """Those that sshd has for everybody else: an authority, host-based."""
    says = sshd_says(ready.gw)
    assert says["trustedusercakeys"] == "none"
    assert says["authenticationmethods"] == "publickey"
    assert says["authorizedprincipalscommand"] == "none"
    assert says["permittty"] == says["permituserrc"] == "no"
    ca = ready.lab.dir / "setup_ca"
    ready.lab.keygen(ca, "ca")
    put(ready, "certified")
    at = ready.client.path("/home/alice/.ssh/certified.pub")
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "x", "-n",
                    "git,alice", at], check=True)
    ready.client.run("chown alice: /home/alice/.ssh/*")
    ready.gw.write("/etc/ssh/ca.pub", ca.with_suffix(".pub").read_text())
    ssh = "ssh -i .ssh/certified -o IdentitiesOnly=yes -o BatchMode=yes"
    sshd(ready.gw, "90-ca.conf", "TrustedUserCAKeys /etc/ssh/ca.pub\n")
    try:
        ready.gw.run("useradd -m -p '*' alice")
        assert ready.alice(f"{ssh} alice@gw id").stdout.startswith("uid=")
        done = ready.alice(f"{ssh} git@gw id", check=False)
        assert (done.returncode, done.stdout) == (255, ""), done
        # Who trusts it for git, too, in a file before ours: a principal is
        # somebody the git server names, at most.
        sshd(ready.gw, "40-ca.conf", "Match User git\n"
             "TrustedUserCAKeys /etc/ssh/ca.pub\n")
        _, said = ready.paste(ready.gw, ready.commands[0], 0)
        assert "done: " not in said
        done = ready.alice(f"{ssh} git@gw id", check=False)
        assert "uid=" not in done.stdout and done.returncode != 0, done
        # Who opens another way is told.
        sshd(ready.gw, "40-ca.conf", "Match User git\n"
             "AuthenticationMethods any\n")
        wrong = findings(ready.gw, 1)
        assert "authenticationmethods" in wrong[
            "sshd on this gateway reads the keys"]
    finally:
        sshd(ready.gw, "40-ca.conf", "")
        sshd(ready.gw, "90-ca.conf", "")
        ready.gw.run("userdel -r alice; rm /etc/ssh/ca.pub", check=False)


def dry(host, line):
    return host.run(f"postern git {line} --dry-run", check=False)


def test_an_account_of_somebodys_is_not_taken(ready):
    gw, way = ready.gw, "setup-gateway --server git@gl --here"
    done = dry(gw, f"{way} root@gw")
    assert done.returncode == 1 and "root is root: " in done.stderr, done
    gw.run("useradd -m -s /bin/sh -p '*' dave; mkdir /home/dave/.ssh; "
           "chown root: /home/dave; chmod 755 /home/dave")
    keys = "/home/dave/.ssh/authorized_keys"
    mine = "/etc/ssh/sshd_config.d/90-keys.conf"
    try:
        gw.write(keys, "# mine\n")
        done = dry(gw, f"{way} dave@gw")
        assert done.returncode == 1, done
        assert f"{keys} has keys that let in as dave" in done.stderr
        # What the original wrote there comes again with the next push.
        gw.write(f"{keys}.base", "")
        assert dry(gw, f"{way} dave@gw").returncode == 0
        gw.write(keys, "")
        gw.run(["rm", f"{keys}.base"])
        assert dry(gw, f"{way} dave@gw").returncode == 0
        # Wherever sshd looks for them.
        gw.write("/home/dave/dave/k", "# mine\n")
        gw.write(mine, "AuthorizedKeysFile /nothing/%u %u/k\n")
        done = dry(gw, f"{way} dave@gw")
        assert "/home/dave/dave/k has keys that let in" in done.stderr
    finally:
        gw.run(f"rm -f {mine}; userdel -r dave", check=False)


@pytest.mark.parametrize("side", ["gw", "gl"])
def test_an_account_in_which_sshd_runs_nothing_is_seen(ready, side):
    host = getattr(ready, side)
    line = ready.commands[0 if side == "gw" else 1].removeprefix(
        "postern git ")
    try:
        for shell in ("/usr/sbin/nologin", "/bin/false",
                      "/usr/bin/git-shell", "/no/such/shell"):
            host.run(["usermod", "-s", shell, "git"])
            done = dry(host, line)
            assert done.returncode == 1, (shell, done)
            assert f"the shell of git is {shell}, which" in done.stderr
        host.run("usermod -s /bin/sh -L git")
        done = dry(host, line)
        assert done.returncode == 0, done
        assert "would do: user git may log in by key" in done.stderr
        _, said = ready.paste(host, f"postern git {line}", 0)
        assert "done: user git may log in by key" in said
        assert host.run("getent shadow git").stdout.split(":")[1] == "*"
    finally:
        host.run("usermod -s /bin/sh -p '*' git")


def test_a_host_is_one_side_or_the_other(ready):
    for host, line, what in (
            (ready.gl, "setup-gateway --server git@gw --here git@gl",
             "git server"),
            (ready.gw, "setup-server --gateway git@gl --here git@gw",
             "gateway")):
        done = dry(host, line)
        assert done.returncode == 1, done
        assert f"this host is a {what} already" in done.stderr


@pytest.mark.parametrize("side", ["gw", "gl"])
def test_the_key_is_the_git_users_alone(ready, side):
    """The group of git is a web server's, too, where it shows repositories."""
    host, key = getattr(ready, side), f"{ETC}/id_ed25519"
    line = ready.commands[0 if side == "gw" else 1]
    host.run("useradd -G git www")
    try:
        # A file without a list, as chmod leaves it where there are none.
        host.run(f"cp {key} {key}.x; mv {key}.x {key}; "
                 f"chown root:git {key}; chmod 640 {key}")
        _, said = ready.paste(host, line, 0)
        assert f"done: the key {key}" in said
        done = host.run(f"runuser -u www -- cat {key}", check=False)
        assert done.returncode != 0 and "PRIVATE" not in done.stdout
        assert host.run(f"stat -c '%U:%G %a' {key}").stdout == (
            "root:root 640\n")
        host.run(f"runuser -u git -- ssh-keygen -y -f {key}")
    finally:
        host.run("userdel -r www", check=False)


def test_a_public_key_that_was_never_written_is_made_again(ready):
    pub = f"{ETC}/id_ed25519.pub"
    old = ready.gw.read(pub)
    first, _ = ready.paste(ready.gw, ready.commands[0], 0)
    try:
        for spoil in (f"rm {pub}", f": >{pub}"):
            ready.gw.run(spoil)
            again, said = ready.paste(ready.gw, ready.commands[0], 0)
            assert again == first and f"done: {pub}" in said
            assert ready.gw.read(pub).split()[:2] == old.split()[:2]
    finally:
        ready.gw.write(pub, old)


def test_a_pinned_key_is_found_behind_a_name_that_ends_alike(ready):
    hosts = f"{ETC}/known_hosts"
    old = ready.gw.read(hosts)
    ready.gw.write(hosts, f"backup-gl {ready.client.host_key}\n{old}")
    try:
        _, said = ready.paste(ready.gw, ready.commands[0], 0)
        assert "was so already: host key of git@gl pinned" in said
    finally:
        ready.gw.write(hosts, old)


def test_what_sshd_drops_of_a_crowd_is_raised_or_said(ready):
    # Of MaxStartups sshd 9.2 takes the last one that it reads.
    mine = [f"/etc/ssh/sshd_config.d/{n}-mine.conf" for n in (20, 90)]
    for host, line in ((ready.gw, ready.commands[0]),
                       (ready.gl, ready.commands[1])):
        assert sshd_says(host)["maxstartups"] == "100:30:200"
        try:
            # Root's own word, and a higher one.
            for value, warned in (("5:50:60", True), ("300:30:400", False)):
                for path in mine:
                    host.write(path, f"MaxStartups {value}\n")
                _, said = ready.paste(host, line, 0)
                assert sshd_says(host)["maxstartups"] == value
                assert (f"sshd's MaxStartups is {value}" in said) == warned
        finally:
            host.run(["rm", *mine])
            _, said = ready.paste(host, line, 0)
        assert "100:30:200 instead of 10:30:100" in said
        assert sshd_says(host)["maxstartups"] == "100:30:200"


def test_root_reads_gitolites_settings_with_gits_rights(ready):
    """What lies in git's home may be a link to anywhere when root comes."""
    gl, rc = ready.gl, "/home/git/.gitolite.rc"
    gl.write("/root/secret", "secret\n1;\n", 0o600)
    gl.run(f"mv {rc} {rc}.kept; ln -s /root/secret {rc}; "
           f"chown -h git: {rc}")
    try:
        done = gl.run(ready.commands[1], check=False)
    finally:
        gl.run(f"mv -f {rc}.kept {rc}; rm /root/secret")
    assert done.returncode == 1, done
    assert "Permission denied" in done.stderr and rc in done.stderr


def test_of_the_originals_base_file_only_forced_commands_are_taken(ready):
    gw, base = ready.gw, "/home/git/.ssh/authorized_keys.base"
    kept = gw.read(f"{ETC}/authorized_keys")
    push = kept.split("ssh-ed25519 ")[1].split()[0]
    forced, shell = put(ready, "forced").strip(), put(ready, "shell").strip()
    gw.run("chown git: /home/git; "
           "install -d -o git -g git -m 700 /home/git/.ssh")
    gw.write(base, "# mine\n"
             'command="/usr/local/bin/gitolite-proxy alice" ' f"{forced}\n"
             f"no-pty {shell}\n"
             "ssh-ed25519 AAAA short\n"
             'command="/usr/local/bin/gitolite-proxy --auth-update" '
             f"ssh-ed25519 {push} gl\n")
    gw.run(["rm", f"{ETC}/authorized_keys"])
    try:
        _, said = ready.paste(gw, ready.commands[2], 0)
        has = gw.read(f"{ETC}/authorized_keys")
    finally:
        gw.run("rm -rf /home/git/.ssh /home/git.before-postern; "
               "chown root: /home/git")
        gw.write(f"{ETC}/authorized_keys", kept)
    assert f"left out: {base}:3: without command= its key would" in said
    assert f"left out: {base}:4: " in said and said.count(base) == 3
    assert forced in has and "# mine" in has and shell not in has
    assert has.count(push) == 1 and "AAAA short" not in has


def test_the_originals_base_file_is_read_with_gits_rights(ready):
    gw = ready.gw
    kept = gw.read(f"{ETC}/authorized_keys")
    gw.write("/root/keys", 'command="x" ' + put(ready, "rooted"), 0o600)
    gw.run("install -d -o git -g git -m 700 /home/git/.ssh; "
           "ln -s /root/keys /home/git/.ssh/authorized_keys.base; "
           f"rm {ETC}/authorized_keys")
    try:
        done = gw.run(ready.commands[2], check=False)
        assert not gw.exists(f"{ETC}/authorized_keys")
    finally:
        gw.run("rm -r /home/git/.ssh /root/keys")
        gw.write(f"{ETC}/authorized_keys", kept)
    assert done.returncode == 1 and "Permission denied" in done.stderr, done


def test_what_git_wrote_does_nothing_on_roots_terminal(ready):
    gl, note = ready.gl, f"{STATE}/pushed"
    kept = gl.read(note)
    gl.write(note, "1 2 3 \x1b]0;owned\x07\x1b[2J\u202e\n")
    try:
        done = gl.run("postern git status", check=False)
    finally:
        gl.write(note, kept)
        gl.run(f"chown git: {note}")
    said = done.stdout
    assert done.returncode == 1 and "FAILED" in said and "owned" in said
    assert "\x1b" not in said and "\x07" not in said
    assert r"\x1b]0;owned\x07" in said
