# SPDX-License-Identifier: ISC
"""boot.conf(5): hosts by a name of their own, all of them at once, and what is
said of a file that is wrong."""

import json
import re

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR, PASS, PORT, POSTERN, TREE, UUID, Done

CONF = "/etc/postern/boot.conf"
PINS = "/etc/postern/boot.known_hosts"


@pytest.fixture
def conf(boot):
    """Writes the file; run(words) is postern boot with it."""
    def write(text, mode=0o644):
        boot.admin.write(CONF, text, mode=mode)

    boot.admin.run(["mkdir", "-p", "/etc/postern"])
    yield write
    boot.admin.run(f"rm -f {CONF} {PINS}; "
                   "rmdir --ignore-fail-on-non-empty /etc/postern")


def run(boot, *words):
    return Done(boot.admin.run([POSTERN, "boot", *words], check=False))


def test_a_name_of_the_file_is_a_host_of_its_own(boot, conf):
    """Its address, port, user, key and passphrase; its pin is by its name."""
    boot.systemd()
    boot.opened()
    boot.pin(boot.host_key, name="web1")
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    conf(f"[host web1]\naddress = h41\nport = {PORT}\nuser = root\n"
         f"known-hosts = {DIR}/known\n"
         f"secret = cmd:test {{host}}/{{uuid}} = web1/{UUID} && "
         f"cat {DIR}/pass\n[host other]\naddress = h60\n"
         "[server]\nwhatever = it is\n")
    done = run(boot, "unlock", "--json", "web1")
    assert (done.rc, done.word) == (0, "accepted"), done
    assert done.last() == {"web1": "booting"}
    line = run(boot, "unlock", "-n", "web1").out
    assert "HostKeyAlias=web1" in line and line.endswith("-- h41 list\n")
    assert f"Port={PORT}" in line and "-l root" in line


def test_what_is_not_in_the_file_goes_on_as_it_was(boot, conf):
    conf("[hosts]\nport = 1\nuser = nobody\n[host web1]\n")
    done = boot.status()
    assert (done.rc, done.word) == (0, "idle"), done
    line = run(boot, "status", "-n", "root@web1").out
    assert "Port=" not in line and "-l nobody" not in line


def test_the_command_line_goes_before_the_file(boot, conf):
    conf("[hosts]\nuser = nobody\nkey = /nowhere\n[host web1]\nport = 1\n"
         "address = h41\nknown-hosts = /nowhere\n")
    line = boot.run("status", "-n", "--user", "root", "web1").out
    assert f"Port={PORT}" in line and "-l root" in line
    assert f"{DIR}/known" in line and "nobody" not in line
    assert 'IdentityFile="/nowhere"' in line and "IdentitiesOnly=yes" in line


def test_all_are_those_of_the_file_and_each_has_its_own_passphrase(
        boot, conf):
    """Two names of one machine, and one that nobody has."""
    boot.systemd()
    boot.opened()
    boot.admin.write(f"{DIR}/known", "".join(
        f"{n} {boot.host_key}\n" for n in ("a", "b")))
    boot.admin.write(f"{DIR}/pass", PASS, mode=0o600)
    boot.admin.write(f"{DIR}/wrong", "wrong", mode=0o600)
    conf(f"[hosts]\nknown-hosts = {DIR}/known\nport = {PORT}\n"
         "keep-going = yes\n"
         f"[host a]\naddress = h41\nsecret = file:{DIR}/wrong\n"
         f"[host b]\naddress = root@h41\nsecret = cmd:cat {DIR}/pass\n"
         "[host c]\naddress = h60\nsecret = file:/nowhere\n")
    done = run(boot, "unlock", "--json", "-j", "1", "--connect-timeout", "3s",
               "--all")
    assert done.last() == {"a": "rejected", "b": "booting", "c": "failed"}
    assert done.rc == 2, done
    why, = [e["detail"] for e in done.of("state") if e["host"] == "c"]
    assert "/nowhere: No such file" in why
    names = {e["host"] for e in run(
        boot, "status", "--json", "--connect-timeout", "3s",
        "--all").of("state")}
    assert names == {"a", "b", "c"}


def test_a_source_for_all_is_read_once(boot, conf):
    boot.systemd()
    boot.admin.write(f"{DIR}/known", "".join(
        f"{n} {boot.host_key}\n" for n in ("a", "b")))
    conf(f"[hosts]\nknown-hosts = {DIR}/known\nport = {PORT}\n"
         f"secret = cmd:echo x >>{DIR}/ran; echo wrong\nkeep-going = yes\n"
         "[host a]\naddress = h41\n[host b]\naddress = h41\n")
    done = run(boot, "unlock", "--json", "-j", "1", "--all")
    assert done.last() == {"a": "rejected", "b": "rejected"}, done
    assert boot.admin.read(f"{DIR}/ran") == "x\n"
    boot.admin.run(["rm", f"{DIR}/ran"])


@pytest.mark.parametrize("text, why", [
    ("[host a]\nport = x\n", f"{CONF}:2: port: "),
    ("[host a]\n\nkye = /x\n", f"{CONF}:3: unknown key 'kye'"),
    ("[hots]\n", f"{CONF}:1: unknown section 'hots'"),
    ("[host a]\nsecret = cmd:pass {uuid}\n",
     f"{CONF}:2: secret: {{uuid}} without {{host}}"),
    ("[host a]\naddress = -oProxyCommand=x\n",
     f"{CONF}:2: address: ")], ids=range(5))
def test_what_is_wrong_is_named_by_its_line(boot, conf, text, why):
    conf(text)
    for words in ["--all"], ["h41"]:
        done = run(boot, "status", *words)
        assert done.rc == 1 and why in done.err, done
        assert done.out == ""


def test_a_file_that_others_may_write_is_not_read(boot, conf):
    conf("[host a]\n", mode=0o666)
    done = run(boot, "status", "--all")
    assert done.rc == 1 and "others may write it" in done.err


@pytest.mark.parametrize("words, rc, why", [
    (["status", "--all"], 1, "no boot.conf has a section [host NAME]"),
    (["status", "--all", "h41"], 64, "--all and 'h41'"),
    (["status", "--config", "/nowhere", "h41"], 1, "/nowhere: No such file"),
    (["unlock", "--secret", "hunter2", "h41"], 64, "--secret: 'hunter2' is")],
    ids=range(4))
def test_what_is_asked_for_wrongly_is_said(boot, words, rc, why):
    done = run(boot, *words)
    assert done.rc == rc and why in done.err, done


def test_the_example_of_the_manual_does_what_it_says(boot, conf):
    """Its addresses lead to the machine that there is: one host by two names,
    of which the second finds its disk open already."""
    page = (TREE / "man/boot.conf.5").read_text()
    blocks = re.findall(r"^\.Bd.*?\n(.*?)^\.Ed", page.split(
        ".Sh EXAMPLES")[1], re.M | re.S)
    text, commands = blocks
    kept = boot.admin.read("/root/.ssh/config")
    boot.admin.write(
        "/root/.ssh/config", f"Host web1.example.org\n\tHostName "
        f"{boot.host.ip}\n\tHostKeyAlias h41\nHost 192.0.2.7\n\tHostName "
        f"{boot.host.ip}\n\tHostKeyAlias h41\n{kept}", mode=0o600)
    conf(text)
    boot.admin.write(PINS, "".join(
        f"{n} {boot.host_key}\n" for n in ("web1", "db1")))
    boot.admin.write("/usr/local/bin/pass", "#!/bin/sh\n[ \"$*\" = \"show "
                     f"disk/web1/{UUID}\" ] && echo '{PASS}'\n", mode=0o755)
    boot.systemd()
    boot.opened()
    try:
        status, unlock = (c[2:].replace("postern", POSTERN, 1)
                          for c in commands.splitlines())
        done = boot.admin.run(status, check=False)
        assert f"web1: prompt: {UUID}" in done.stdout
        # Its initramfs' port is that of the real system, which is up.
        assert "db1: failed the boot host key changed" in done.stdout
        done = Done(boot.admin.run(unlock + " --json", check=False))
    finally:
        boot.admin.write("/root/.ssh/config", kept, mode=0o600)
        boot.admin.run(["rm", "/usr/local/bin/pass"])
    assert done.last() == {"web1": "up", "db1": "up"}, done
    assert done.rc == 0 and done.word == "accepted", done
    assert [json.loads(s) for s in done.out.splitlines()][-1]["ok"] == 2
