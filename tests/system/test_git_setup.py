# SPDX-License-Identifier: ISC
"""postern git setup-gateway and setup-server: from two hosts on which nobody
edited anything to a first clone. What the commands print is run on the other
side as it stands; that is all a person does."""

import json
import re

import pytest

from gitsetuplib import (DROPIN, ETC, LIBEXEC, RC, TREE,  # noqa: F401
                         fresh, ready, wait_masters)

UNITS = {"gw": ["postern-git-mux.service"],
         "gl": ["postern-git-push.service", "postern-git-push.timer"]}
# Everything that a set-up writes, with owner, mode and content; not what
# pushes do, and sessions: its own, in the end, among them.
STATE = f"""
for f in $(find /etc/postern /etc/ssh/sshd_config.d /var/lib/postern \
    /etc/systemd/system /etc/tmpfiles.d {RC} /run/postern-git \
    -maxdepth 3 ! -path '*/mux/*' ! -path '*/generations/*' \
    ! -path '*/slots/*' ! -path '*/sessions/*' ! -name stale \
    ! -name '*lock' ! -name refreshed ! -name sequence ! -name pushed 2>/dev/null |
    sort); do
    stat -c '%n %F %U %G %a' $f; [ -f $f ] && md5sum <$f || :
done
"""


def test_a_dry_run_says_all_and_changes_nothing(fresh):
    for host, line in ((fresh.gw, "setup-gateway --server git@gl"),
                       (fresh.gl, "setup-server --gateway git@gw")):
        before = host.run(STATE).stdout
        done = host.run(f"postern git {line} --dry-run", check=False)
        assert done.returncode == 2, done
        assert "would do: the key" in done.stderr
        assert f"would do: {DROPIN}" in done.stderr
        assert "done: " not in done.stderr
        assert host.run(STATE).stdout == before


def test_from_two_fresh_hosts_to_a_first_clone(ready):
    """Nothing is to be waited for, nor asked for."""
    assert "one step is left: the gateway does not let this host in yet" in \
        ready.half
    assert "WRONG" not in ready.half + ready.whole
    assert re.search(r"asked for its keys: \d+ are in force, sequence \d+$",
                     ready.whole, re.M)
    assert "checked: 15 things were tried, all is well" in ready.whole
    ready.alice("""
        git init -q -b master s && cd s && date >f && git add f &&
        git commit -qm one && git push -q git@gw:t/x master
        cd && git clone -q git@gw:t/x c && cmp s/f c/f""")


def test_a_change_of_gitolite_admin_goes_through_by_itself(ready):
    ready.gl.run("postern git push-keys")
    key = ready.client.path("/home/alice/.ssh/new")
    ready.lab.keygen(key, "bob@client")
    ready.client.run("chown alice: /home/alice/.ssh/*")
    ssh = "ssh -i .ssh/new -o IdentitiesOnly=yes -o BatchMode=yes git@gw info"
    assert ready.alice(ssh, check=False).returncode == 255
    ready.gl.write("/root/adm/keydir/bob.pub",
                   key.with_suffix(".pub").read_text())
    ready.gl.run("cd /root/adm && git add -A && git -c user.name=a "
                 "-c user.email=a@b commit -qm bob")
    assert "did not reach" not in ready.admin()
    assert ready.alice(ssh).stdout.startswith("hello bob,")


@pytest.mark.parametrize("side, unit", [("gw", "postern-git-mux.service"),
                                        ("gl", "postern-git-push.timer")])
def test_a_set_up_starts_again_what_was_stopped(ready, side, unit):
    """As the check advises: stopped, or kept from coming up with the host."""
    host, command = getattr(ready, side), ready.commands[
        {"gw": 2, "gl": 1}[side]]
    states = f"systemctl is-active {unit}; systemctl is-enabled {unit}"
    line = f"{unit} runs, and comes up with the host\n"
    try:
        for break_it, states_then in (
                ("stop", "inactive\nenabled\n"),
                ("-q disable", "active\ndisabled\n"),
                ("-q disable --now", "inactive\ndisabled\n")):
            host.run(f"systemctl {break_it} {unit}")
            dry = host.run(f"{command} -n").stderr
            assert f"would do: {line}" in dry
            assert host.run(states, check=False).stdout == states_then
            _, said = ready.paste(host, command, 0)
            assert f"done: {line}" in said and said.count("done: ") == 1
            assert host.run(states).stdout == "active\nenabled\n"
        _, said = ready.paste(host, command, 0)
        assert f"was so already: {line}" in said and "done: " not in said
    finally:
        host.run(f"systemctl -q enable --now {unit}")


@pytest.mark.parametrize("side, program", [("gw", "mux"),
                                           ("gl", "push-keys --quiet")])
def test_the_units_are_the_packaged_ones(ready, side, program):
    host, names = getattr(ready, side), UNITS[side]
    for name in names:
        packaged = (TREE / "packaging/systemd" / name).read_text()
        here = host.read(f"/etc/systemd/system/{name}")
        assert here == packaged.replace("/usr/local/bin/postern git ",
                                        f"{LIBEXEC}/postern-git ")
        assert name.endswith(".timer") or (
            f"\nExecStart={LIBEXEC}/postern-git {program}" in here)
    done = host.run(["systemd-analyze", "--man=no", "verify", *(
        f"/etc/systemd/system/{n}" for n in names)], check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    left = host.run("ls /etc/systemd/system").stdout.split()
    assert [n for n in left if n.startswith("postern")] == names


def test_the_units_hold_what_they_run(ready):
    """As systemd understood them, and as the kernel has it of the pool."""
    for host, name, home in (
            (ready.gw, "postern-git-mux", "yes"),
            (ready.gl, "postern-git-push", "read-only")):
        has = dict(x.split("=", 1) for x in host.run(
            ["systemctl", "show", name]).stdout.splitlines())
        for key, value in {
                "User": "git", "NoNewPrivileges": "yes",
                "CapabilityBoundingSet": "", "ProtectSystem": "strict",
                "ProtectHome": home, "PrivateTmp": "yes",
                "PrivateDevices": "yes", "ProtectKernelModules": "yes",
                "ProtectControlGroups": "yes", "RestrictNamespaces": "yes",
                "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes",
                "SystemCallArchitectures": "native"}.items():
            # What is empty is not listed.
            assert has.get(key, "") == value, (name, key)
        assert set(has["RestrictAddressFamilies"].split()) == {
            "AF_UNIX", "AF_INET", "AF_INET6"}
    wait_masters(ready)
    pid = ready.gw.run("systemctl show -P MainPID postern-git-mux"
                       ).stdout.strip()
    state = dict(x.split(":\t", 1) for x in ready.gw.run(
        ["cat", f"/proc/{pid}/status"]).stdout.splitlines())
    assert state["NoNewPrivs"] == "1" and state["Seccomp"] == "2"
    assert int(state["CapBnd"], 16) == int(state["CapEff"], 16) == 0
    # All that a push does, with these hands tied.
    ready.gl.run("systemctl start postern-git-push")
    assert json.loads(ready.gl.run("postern git status --json").stdout)["ok"]


def test_twice_changes_nothing(ready):
    first, for_gl, for_gw = ready.commands
    for host, line in ((ready.gw, for_gw), (ready.gl, for_gl),
                       (ready.gw, first)):
        before = host.run(STATE).stdout
        assert ETC in before
        _, said = ready.paste(host, line, 0)
        assert "done: " not in said
        assert said.count("was so already: ") > 8
        assert host.run(STATE).stdout == before


def test_what_the_git_user_may_write(ready):
    """On gw the key folder and the run folder, nothing else of ours."""
    for host, mine in ((ready.gw, r"/var/lib/postern/git|/run/postern-git"),
                       (ready.gl, "/var/lib/postern/git")):
        done = host.run(["runuser", "-u", "git", "--", "find", "/etc",
                         "/usr/local", "/run/postern-git",
                         "/var/lib/postern", "-writable", "!", "-type", "l"],
                        check=False)
        for path in done.stdout.split():
            assert re.match(mine, path), path


def test_another_host_key_is_not_pinned_over_the_first(ready):
    _, _, for_gw = ready.commands
    other = ready.client.host_key
    line = re.sub(r"--host-key '.*?'", f"--host-key '{other}'", for_gw)
    before = ready.gw.run(STATE).stdout
    done = ready.gw.run(line, check=False)
    assert done.returncode == 1
    assert "another host key of gl is pinned" in done.stderr
    assert ready.gw.run(STATE).stdout == before


def test_what_sshd_does_not_take_is_put_back(ready):
    """An earlier line wins in sshd: then the drop-in would be a promise that
    nobody keeps."""
    earlier = "/etc/ssh/sshd_config.d/00-mine.conf"
    ready.gw.write(earlier, "Match User git\n\tExposeAuthInfo no\n")
    old = ready.gw.read(DROPIN)
    changed = old.replace("\tDisableForwarding yes\n", "")
    ready.gw.write(DROPIN, changed)
    try:
        done = ready.gw.run(ready.commands[0], check=False)
        assert done.returncode == 1
        assert "sshd does not say 'exposeauthinfo yes'" in done.stderr
        assert ready.gw.read(DROPIN) == changed
        ready.gw.write(earlier, "NoSuchWord yes\n")
        done = ready.gw.run(ready.commands[0], check=False)
        assert done.returncode == 1
        assert "00-mine.conf: terminating" in done.stderr
        assert ready.gw.read(DROPIN) == changed
    finally:
        ready.gw.run(["rm", "-f", earlier])
        ready.gw.write(DROPIN, old)


def test_local_code_of_ones_own_is_not_overridden(ready):
    kept = ready.gl.run(f"cat {RC}").stdout
    assert ready.gl.exists(f"{RC}.before-postern")
    mine = kept.replace("    ENABLE => [",
                        '    LOCAL_CODE => "/home/git/mine",\n'
                        "    ENABLE => [", 1)
    ready.gl.write(RC, mine)
    try:
        done = ready.gl.run(ready.commands[1], check=False)
        assert done.returncode == 1
        assert "sets LOCAL_CODE already" in done.stderr
        assert ready.gl.read(RC) == mine
    finally:
        ready.gl.write(RC, kept)


def test_an_installation_of_the_original_is_taken_over(ready):
    """Its authorized_keys.base is imported once; a line of it that runs
    gitolite-proxy KEY-ID goes on letting that key in."""
    gw = ready.gw
    key = ready.client.path("/home/alice/.ssh/old")
    ready.lab.keygen(key, "old@client")
    ready.client.run("chown alice: /home/alice/.ssh/*")
    public = key.with_suffix(".pub").read_text().strip()
    push = re.search(r" --key '(.*?)'", ready.commands[2])[1]
    kept = gw.read(f"{ETC}/authorized_keys")
    gw.run("chown git: /home/git; "
           "install -d -o git -g git -m 700 /home/git/.ssh")
    gw.write("/home/git/.ssh/authorized_keys.base",
             'command="/usr/local/bin/gitolite-proxy --auth-update",no-pty '
             f"{push} git@gl\n"
             'command="/usr/local/bin/gitolite-proxy alice",no-pty '
             f"{public}\n")
    gw.run(["rm", f"{ETC}/authorized_keys"])
    try:
        _, said = ready.paste(gw, ready.commands[2], 0)
        assert "taken over: " in said
        assert gw.read(f"{ETC}/authorized_keys").count(push) == 1
        done = ready.gl.run("postern git push-keys", check=False)
        assert done.returncode == 0, done
        assert ready.alice("ssh -i .ssh/old -o IdentitiesOnly=yes "
                           "-o BatchMode=yes git@gw info"
                           ).stdout.startswith("hello alice,")
    finally:
        gw.run("rm -rf /home/git/.ssh /home/git.before-postern; "
               "chown root: /home/git")
        gw.write(f"{ETC}/authorized_keys", kept)
