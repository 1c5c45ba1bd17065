# SPDX-License-Identifier: ISC
"""Who administers gitolite does not come through a gateway: as of the last
push, asked of gitolite itself."""

from test_git_setup_safe import STATE, ready  # noqa: F401

SSH = "ssh -o IdentitiesOnly=yes -o BatchMode=yes"


def info(ready, key):
    return ready.alice(f"{SSH} -i .ssh/{key} git@gw info", check=False)


def push_conf(ready, old, new):
    conf = "/root/adm/conf/gitolite.conf"
    text = ready.gl.read(conf)
    assert old in text
    ready.gl.write(conf, text.replace(old, new))
    ready.gl.run("cd /root/adm && git -c user.name=a -c user.email=a@b "
                 "commit -qam admins")
    return ready.admin()


def test_gitolites_administrators_do_not_come_through(ready):
    """Whoever is one as of the last push, not only as of the set-up."""
    gl, conf = ready.gl, "/etc/postern/git.conf"
    assert gl.read(f"{STATE}/admins") == "admin\n"
    assert "deny-id" not in gl.read(conf)
    kept = gl.read(conf)
    ready.client.write("/home/alice/.ssh/admin", gl.read("/root/.ssh/admin"),
                       0o600)
    ready.client.run("chown alice: /home/alice/.ssh/admin")
    done = info(ready, "admin")
    assert done.returncode == 1, done
    assert "'admin' may not come through a gateway" in done.stderr
    assert info(ready, "id_ed25519").returncode == 0
    # alice becomes one, by a push that nobody on gl looked at.
    said = push_conf(ready, "RW+ = admin", "RW+ = admin alice")
    assert "as of before" not in said
    assert gl.read(f"{STATE}/admins") == "admin\nalice\n"
    done = info(ready, "id_ed25519")
    assert done.returncode == 1, done
    assert "'alice' may not come through a gateway" in done.stderr
    asked = gl.run("postern git explain --side server --id alice info",
                   check=False)
    assert asked.returncode == 1 and "rules all" in asked.stdout
    # And is none any more.
    push_conf(ready, "RW+ = admin alice", "RW+ = admin")
    assert gl.read(f"{STATE}/admins") == "admin\n"
    assert info(ready, "id_ed25519").returncode == 0
    # Root's own word, besides and instead.
    gl.write(conf, f"{kept}deny-id = alice\n")
    try:
        assert info(ready, "id_ed25519").returncode == 1
        gl.write(conf, f"{kept}deny-admins = no\n")
        assert info(ready, "admin").stdout.startswith("hello admin,")
        # Also such a one does not stop every repository from here.
        for who in ("admin", "id_ed25519"):
            done = ready.alice(f"{SSH} -i .ssh/{who} git@gw "
                               "writable @all off x", check=False)
            assert done.returncode == 1 and "refused" in done.stderr, done
        assert not gl.exists("/home/git/.gitolite.down")
    finally:
        gl.write(conf, kept)


def test_who_is_an_administrator_is_asked_again_by_hand(ready):
    gl, at = ready.gl, f"{STATE}/admins"
    try:
        gl.run(["rm", at])
        gl.run("postern git push-keys")
        assert gl.read(at) == "admin\n"
        assert gl.run(["stat", "-c", "%U %a", at]).stdout == "git 600\n"
        gl.write(at, "nobody\n")
        gl.run(f"chown git: {at}")
        _, said = ready.paste(gl, ready.commands[1], 0)
        assert "done: who may write to gitolite-admin is denied" in said
        assert gl.read(at) == "admin\n"
    finally:
        gl.run("postern git push-keys")


def test_a_dry_run_says_whether_administrators_are_known(ready):
    gl, at = ready.gl, f"{STATE}/admins"
    line = "who may write to gitolite-admin is denied"
    kept = gl.read(at)
    try:
        for text, said in ((kept, "was so already"), ("nobody\n", "would do"),
                           (f"{kept}zoe\n", "would do"),
                           ("", "would do"), (None, "would do")):
            if text is None:
                gl.run(["rm", at])
            else:
                gl.write(at, text)
                gl.run(f"chown git: {at}")
            done = gl.run(f"{ready.commands[1]} -n", check=False)
            assert f"{said}: {line}" in done.stderr, (text, done)
            assert text is None or gl.read(at) == text
        assert not gl.exists(at)
    finally:
        gl.run("postern git push-keys")
    assert gl.read(at) == kept


def test_a_gitolite_that_can_not_be_asked_stops_no_push(ready):
    """Keys that went are out all the same; who was denied stays it."""
    gl, at = ready.gl, "/usr/local/bin/gitolite"
    gl.write(at, "#!/bin/sh\n[ $1 = access ] && { echo broken >&2; exit 1; }\n"
             'exec /usr/bin/gitolite "$@"\n', 0o755)
    try:
        done = gl.run("postern git push-keys", check=False)
    finally:
        gl.run(["rm", at])
    assert done.returncode == 0, done
    assert "is denied to the gateway as of before: " in done.stderr
    assert "broken" in done.stderr and "in force on git@gw" in done.stdout
    assert gl.read(f"{STATE}/admins") == "admin\n"
