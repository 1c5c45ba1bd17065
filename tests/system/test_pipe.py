# SPDX-License-Identifier: ISC
"""The default push: over ssh itself, the FIFOs stay locked. What arrives,
what is repaired and deleted, and what is said of it."""

import os
import re
import subprocess
import sys

from fleet import KEY, fleet  # noqa: F401
from lab.link import enter_net


def test_a_push_reaches_every_member_and_leaves_nothing(fleet):
    fleet.setup(2)
    before = fleet.leftovers()
    fleet.scripts({"a": "#!/bin/sh\n", "sub/b": "x"})
    done = fleet.push("--json")
    for host in ("h1", "h2"):
        assert done.states(host) == ["connecting", "ready", "reading",
                                     "synced"]
    fleet.assert_same()
    fleet.assert_locked()
    before.settle()


def test_no_daemon_port_or_certificate_takes_part(fleet):
    fleet.setup(1)
    fleet.scripts({"a": "x"})
    for h in fleet.all:
        assert ":30865" not in h.run("ss -Htln").stdout
        assert not h.exists("/etc/csync2_ssl_key.pem")
    # Nor does the FIFO: it may even be missing, in this way.
    fleet.each(f"rm {KEY}")
    fleet.push()
    fleet.assert_same()
    assert not fleet.host(1).exists(KEY)


def test_an_always_on_daemon_and_an_ordinary_group_go_on_beside_it(fleet):
    fleet.setup(2)
    fleet.ordinary()
    fleet.tls()
    fleet.daemon()
    fleet.scripts({"a": "x"})
    fleet.scripts({"p": "public"}, folder="/srv/pub")
    done = fleet.push("--json")
    # Its always-on root daemon is a risk that is said, and no obstacle.
    assert any(f["level"] == "risk" and f["cure"] for f in
               done.of("finding")), done.out
    fleet.admin.run("csync2 -x", timeout=60)
    fleet.assert_same()
    fleet.assert_same(folder="/srv/pub")
    fleet.push("--strict", expect=1)


def test_deletions_reach_also_a_host_that_was_down_then(fleet):
    fleet.setup(2)
    fleet.scripts({"a": "x", "b": "y", "d/e": "z"})
    fleet.push()
    fleet.admin.run("rm -r /srv/priv/a /srv/priv/d")
    fleet.host(2).link.cut()
    fleet.push("--connect-timeout", "3s", expect=2)
    assert list(fleet.tree(1)) == ["b"] and len(fleet.tree(2)) == 4
    fleet.host(2).link.restore()
    fleet.push()
    fleet.assert_same()
    assert list(fleet.tree(2)) == ["b"]


def test_what_was_tampered_with_on_a_member_is_repaired(fleet):
    fleet.setup(1)
    fleet.scripts({f"s{i}": f"good {i}\n" for i in range(6)})
    fleet.admin.run("ln -s s0 /srv/priv/link")
    fleet.push()
    fleet.each("""cd /srv/priv
stat -c 'touch -d @%Y s1' s1 >/tmp/t
echo evil 1 >s1; sh /tmp/t          # same size, same time
rm s2; chmod 4777 s3; rm s4; mkdir s4; rm s5; ln -s /etc/passwd s5
ln -sfn /etc link""", [1])
    fleet.push("--verify")
    fleet.assert_same()
    assert fleet.host(1).read("/etc/passwd").startswith("root:")


def test_a_conflict_of_the_databases_never_stops_the_push(fleet):
    """Receivers are slaves: what they changed is overwritten."""
    fleet.setup(2)
    fleet.scripts({"a": "1"})
    fleet.push()
    fleet.scripts({"a": "theirs"}, on="h1")
    fleet.scripts({"a": "2"})
    fleet.push("--verify")
    fleet.assert_same()


def test_unusual_names_arrive_as_they_are(fleet):
    fleet.setup(1)
    names = ["with space", "t\u00e4st \u2603", "two\nlines", "tab\there",
             "quo'te\"s", "back\\slash", "$HOME`id`", "per%cent %20",
             "semi;colon", "-rf", "#hash", "a@b:c", "star*[x]?", " lead",
             "trail ", "deep/er/and/d e e p/x", "~", "x" * 200]
    fleet.scripts({n: n for n in names})
    path = fleet.admin.path("/srv/priv")
    with open(os.fsencode(str(path)) + b"/latin\xe9", "wb") as f:
        f.write(b"x")
    fleet.push("--verify")
    fleet.assert_same()
    fleet.admin.run("cd /srv/priv && find . -mindepth 1 -delete")
    fleet.push()
    assert fleet.tree(1) == {}


def test_links_modes_owners_and_folders_arrive(fleet):
    fleet.setup(1)
    fleet.admin.run(r"""cd /srv/priv
for m in 400 640 700 755 4755 2755 1777; do echo $m >f$m; chmod $m f$m; done
echo x >owned; chown 33:7 owned
mkdir -m 2750 dir; chown 12:34 dir; mkdir empty; : >empty-file
ln -s owned rel; ln -s /nonexistent/abs abs; ln -s dir dirlink
head -c 3000000 /dev/urandom >big""")
    fleet.push("--verify")
    fleet.assert_same()


def test_patterns_decide_what_is_pushed(fleet):
    fleet.setup(1, more="exclude *.bak; exclude /srv/priv/not; "
                "include /srv/other/one;")
    fleet.scripts({"a": "1", "a.bak": "2", "not/x": "3", "in/b.bak": "4"})
    fleet.scripts({"one": "1", "two": "2"}, folder="/srv/other")
    fleet.scripts({"mine.bak": "keep", "not/y": "keep"}, on="h1")
    fleet.each("mkdir -p /srv/other")
    fleet.push("--verify")
    assert {"a", "in", "mine.bak", "not", "not/y"} == set(fleet.tree(1))
    assert set(fleet.tree(1, "/srv/other")) == {"one"}


def test_prefixes_differ_from_host_to_host(fleet):
    hosts = "prefix top {{ on admin: /srv/priv; on h1: /srv/one; " \
        "on h2: /srv/{}; }}\n"
    fleet.setup(2, config=hosts.format("two") + f"""
group privileged {{ host admin h1 h2; key {KEY}; include %top%/s;
	exclude %top%/s/no; }}""")
    fleet.each("rm -rf /srv/one /srv/two; mkdir -p /srv/one /srv/two")
    fleet.scripts({"s/a": "1", "s/no": "2"})
    fleet.push("--verify")
    assert fleet.tree(1, "/srv/one")["s/a"][3] == b"1"
    assert fleet.tree(2, "/srv/two")["s/a"][3] == b"1"
    assert "s/no" not in fleet.tree(1, "/srv/one")
    assert fleet.tree(1) == {}


def test_aliases_and_slaves_are_receivers_like_others(fleet):
    fleet.setup(2, hosts="admin one@h1 (two@h2)")
    fleet.scripts({"a": "1"})
    done = fleet.push("--json", "--verify")
    assert done.last("one")["state"] == done.last("two")["state"] \
        == "verified"
    fleet.assert_same()


def test_a_host_in_two_groups_gets_both_at_once(fleet):
    fleet.setup(3)
    fleet.config(
        fleet.group(hosts="admin h1 h2") +
        fleet.group("second", hosts="admin h2 h3", include="/srv/other",
                    key="second.key"))
    fleet.scripts({"a": "1"})
    fleet.scripts({"b": "2"}, folder="/srv/other")
    fleet.each("mkdir -p /srv/other")
    before = fleet.leftovers()
    done = fleet.unlock("-C", "priv", "--json", "--verify", "privileged",
                        "second", "privileged")
    assert done.events[-1]["ok"] == 3
    assert done.states("h2").count("synced") == 1
    fleet.assert_same(1, 2)
    fleet.assert_same(2, 3, folder="/srv/other")
    assert fleet.tree(3) == fleet.tree(1, "/srv/other") == {}
    before.settle()


def test_an_empty_group_is_pushed(fleet):
    fleet.setup(2)
    before = fleet.leftovers()
    done = fleet.push("--json", "--verify")
    assert done.events[-1]["ok"] == 2
    # And one whose folder does not even exist here.
    fleet.admin.run("rmdir /srv/priv")
    fleet.push()
    before.settle()


def test_two_thousand_files_arrive(fleet):
    fleet.setup(1)
    fleet.admin.run("""mkdir /srv/priv/d; cd /srv/priv/d
i=0; while [ $i -lt 2000 ]; do echo $i >f$i; i=$((i+1)); done""")
    fleet.push("--verify")
    fleet.assert_same()


ACTION = """action {{
	pattern /srv/priv/*.conf;
	exec "{}";
	logfile "{}";
	{}
}}"""


def test_the_output_of_actions_is_reported_and_goes_to_its_log(fleet):
    fleet.setup(2, more=ACTION.format(
        "echo reload %% on $(hostname); echo two >&2", "/var/log/actions",
        "do-local;"))
    fleet.each("echo before >/var/log/actions")
    fleet.scripts({"x.conf": "1", "y": "2"})
    done = fleet.push("--json")
    for h in fleet.members:
        text = " ".join(e["text"] for e in done.of("action", h.name))
        assert f"on {h.name}" in text and "two" in text, done.out
        log = h.read("/var/log/actions")
        assert log.startswith("before\n") and f"on {h.name}\n" in log
    assert "x.conf" in done.of("action", "h1")[0]["text"]
    # do-local: once on the host that pushes, by the scan.
    text = " ".join(e["text"] for e in done.of("action", "admin"))
    assert text.count("on admin") == 1, done.out
    log = fleet.admin.read("/var/log/actions")
    assert log.startswith("before\n") and log.count("on admin\n") == 1
    # It ran for nothing that was there already.
    done = fleet.push("--json")
    assert not done.of("action", "h1"), done.out


def test_a_log_that_can_not_be_written_is_said_with_the_reason(fleet):
    fleet.setup(1, more=ACTION.format("echo x", "/var/log/none/x",
                                      "do-local;"))
    fleet.scripts({"x.conf": "1"})
    done = fleet.push("--json")
    for host in ("admin", "h1"):
        assert [e for e in done.events if e.get("host") == host and
                re.match("can't write /var/log/none/x: .*nonexist",
                         e.get("text", ""))], done.out


def test_an_action_that_lasts_does_not_outlive_the_deadline(fleet):
    fleet.setup(1, more=ACTION.format("sleep 61", "/dev/null", ""))
    fleet.scripts({"x.conf": "1"})
    before = fleet.leftovers()
    done = fleet.push("--json", "--host-timeout", "2s", expect=75)
    assert "not done within 2 s" in done.last("h1")["detail"]
    before.settle(6)


def test_an_action_may_take_its_time(fleet):
    """It was cut short after 5 s once, and the host called synced."""
    fleet.setup(1, more=ACTION.format(
        "sleep 6; echo ended", "/var/log/actions", ""))
    fleet.scripts({"x.conf": "1"})
    done = fleet.push("--json")
    assert done.of("action", "h1")[-1]["text"].endswith("ended"), done.out


def test_an_action_of_the_scan_that_lasts_ends_with_the_limit(fleet):
    """The scan knows no --host-timeout: it may rightly take long."""
    fleet.setup(1, more=ACTION.format("sleep 62", "/dev/null", "do-local;"))
    fleet.scripts({"x.conf": "1"})
    before = fleet.leftovers()
    done = fleet.push("--json", "--for", "1s", expect=75)
    assert "time limit" in done.last("h1")["detail"]
    before.settle(6)


def test_a_daemon_that_an_action_starts_stays(fleet):
    """What an action is for: systemctl restart, or a daemon of its own."""
    fleet.setup(1, more=ACTION.format(
        "setsid /usr/bin/tail -f /dev/null >/dev/null 2>&1 &", "/dev/null",
        ""))
    fleet.scripts({"x.conf": "1"})
    fleet.push()
    pid = fleet.wait_pid(1, "tail -f /dev/null")
    fleet.host(1).run(["pkill", "-x", "tail"], check=False)
    assert pid


def test_ignored_owners_and_modes_are_left_alone(fleet):
    fleet.setup(1)
    fleet.config("ignore uid gid mod;\n" + fleet.group())
    fleet.scripts({"a": "1"}, mode=0o700)
    fleet.admin.run("chown 33:33 /srv/priv/a")
    fleet.push("--verify")
    mode, uid, gid, content = fleet.tree(1)["a"]
    assert (uid, gid, content) == (0, 0, b"1") and mode != "0o100700"


def test_backups_are_kept_where_the_group_says(fleet):
    fleet.setup(1, more="backup-directory /var/backups/c2; "
                "backup-generations 2;")
    fleet.each("rm -rf /var/backups/c2; mkdir -p -m 700 /var/backups/c2")
    fleet.scripts({"a": "old"})
    fleet.push()
    fleet.scripts({"a": "new"})
    fleet.push()
    fleet.assert_same()
    kept = fleet.host(1).run("grep -rl old /var/backups/c2").stdout
    assert "a" in kept
    fleet.each("rm -r /var/backups/c2")


def test_a_file_that_can_not_be_written_is_named_and_the_rest_arrives(fleet):
    """csync2's own message and the file that stays dirty, per host."""
    fleet.setup(2)
    fleet.scripts({"a": "1", "m": "2", "z": "3"})
    fleet.each("echo old >/srv/priv/m; mount --bind /srv/priv/m "
               "/srv/priv/m", [1])
    try:
        done = fleet.push("--json", expect=2)
        assert done.last("h2")["state"] == "synced"
        assert done.last("h1")["state"] == "failed"
        said = " ".join(e.get("text", "") + e.get("detail", "")
                        for e in done.events if e.get("host") == "h1")
        assert "csync2 there: " in said, done.out
        assert [e["text"] for e in done.of("dirty", "h1")] == [
            "/srv/priv/m"], done.out
        assert {"a", "z"} <= set(fleet.tree(1))
    finally:
        fleet.each("umount /srv/priv/m", [1])
    # csync2 has left its own temporary file there.
    fleet.each("rm /srv/priv/.m.*", [1])
    fleet.push()
    fleet.assert_same()


# Another user of the pushing host

STRANGER = r"""
import signal, socket
# Whatever newly listens on 127.0.0.1 is connected to, before csync2 comes.
stop, known, held = [], set(), []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
signal.alarm(60)
print("ready", flush=True)
while not stop:
    for line in open("/proc/net/tcp").readlines()[1:]:
        w = line.split()
        if w[3] == "0A" and w[1].startswith("0100007F:") and w[1] not in known:
            known.add(w[1])
            try:
                for _ in range(3):
                    held.append(socket.create_connection(
                        ("127.0.0.1", int(w[1][9:], 16))))
                    held[-1].sendall(b"CONFIG \n")
            except OSError:
                pass
got = 0
for s in held:
    try:
        while part := s.recv(4096):
            got += len(part)
    except OSError:
        pass
print(len(held), got)
"""


def test_a_stranger_on_the_pushing_host_gets_no_connection(fleet):
    fleet.setup(2)
    fleet.scripts({"a": "1"})
    # The lab's hosts have no python: this machine's, in admin's network.
    argv = [*enter_net(fleet.lab.netns("admin")), "setpriv", "--reuid",
            "65534", "--regid", "65534", "--clear-groups", "--pdeathsig",
            "KILL", sys.executable, "-c", STRANGER]
    with subprocess.Popen(argv, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as p:
        assert p.stdout.readline() == "ready\n"
        done = fleet.push("--json", "--verify")
        p.terminate()
        connections, got = map(int, p.communicate(timeout=60)[0].split())
    assert connections >= 2, "no stranger was quick enough: no test"
    closed = done.err.count("none of ours: closed")
    assert got == 0 and 2 <= closed <= connections
    fleet.assert_same()
