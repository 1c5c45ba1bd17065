# SPDX-License-Identifier: ISC
"""Set-ups of another kind: with exec = yes, for which there is no pool, and
where another init than systemd runs."""

import json

from gitsetuplib import ETC, wait_masters
from test_git_setup_safe import STATE, ready  # noqa: F401


def test_with_exec_no_pool_runs_and_none_is_missed(ready):
    gw, conf = ready.gw, "/etc/postern/git.conf"
    unit = "postern-git-mux.service"
    off = f"{unit}, which nothing asks here, is off"
    states = f"systemctl is-active {unit}; systemctl is-enabled {unit}"
    kept = gw.read(conf)
    gw.write(conf, f"{kept}exec = yes\n")
    try:
        dry = gw.run(f"{ready.commands[2]} -n").stderr
        assert f"would do: {off}" in dry
        assert gw.run(states).stdout == "active\nenabled\n"
        _, said = ready.paste(gw, ready.commands[2], 0)
        assert f"done: {off}" in said
        assert gw.run(states, check=False).stdout == "inactive\ndisabled\n"
        _, said = ready.paste(gw, ready.commands[2], 0)
        assert f"was so already: {off}" in said and "done: " not in said
        text = gw.run("postern git status").stdout
        assert "connections  none are kept: each session becomes its" in text
        assert "nothing keeps them" not in text
        status = json.loads(gw.run("postern git status --json").stdout)
        assert (status["masters"], status["connections"]) == (0, [])
        assert ready.alice("ssh -o BatchMode=yes git@gw info"
                           ).stdout.startswith("hello alice,")
    finally:
        gw.write(conf, kept)
        gw.run(f"systemctl -q enable --now {unit}")
    wait_masters(ready)


# A host whose init is another one, and a program whose path has what a shell
# takes apart.
OTHER = "/usr/local/li b"
INIT = ["unshare", "--mount", "sh", "-c",
        'mount -t tmpfs none /run/systemd && exec "$@"', "sh"]


def test_without_systemd_a_restart_of_the_host_leaves_all_it_needs(ready):
    gw, conf = ready.gw, "/etc/postern/git.conf"
    kept = gw.read(conf), gw.read(f"{ETC}/authorized_keys")
    gw.run(f'mkdir -p "{OTHER}"; cp /usr/local/libexec/postern/* "{OTHER}"')
    line = ready.commands[2].replace("postern git", f'"{OTHER}/postern-git"')
    gw.write(conf, "")
    try:
        done = gw.run([*INIT, "sh", "-c", line], check=False)
        assert done.returncode == 0, done
        assert f"run-dir = {STATE}/run\n" in gw.read(conf)
        assert gw.run(["stat", "-c", "%U %a", f"{STATE}/run"]
                      ).stdout == "git 700\n"
        # After the restart there is no folder of ours in /run.
        gw.run("systemctl stop postern-git-mux; mv /run/postern-git /run/x")
        done = ready.gl.run("postern git push-keys", check=False)
        assert done.returncode == 0, done
        ssh = "ssh -o BatchMode=yes git@gw info"
        assert ready.alice(ssh).stdout.startswith("hello alice,")
        # As it was written, it stays.
        done = gw.run([*INIT, "sh", "-c", line])
        assert f"was so already: {conf}: run-dir" in done.stderr
        assert "done: " not in done.stderr
    finally:
        gw.run("mv -T /run/x /run/postern-git; systemctl start "
               f"postern-git-mux; rm -r '{STATE}/run' '{OTHER}'",
               check=False)
        gw.write(conf, kept[0])
        gw.write(f"{ETC}/authorized_keys", kept[1])
        ready.gl.run("postern git push-keys")
