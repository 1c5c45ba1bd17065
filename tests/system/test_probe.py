# SPDX-License-Identifier: ISC
"""probe.sh: what a host tells about itself, without an effect on it."""

import pytest

import scripts

DIR = "/var/lib/probe-test"


@pytest.fixture
def host(hosts):
    h = hosts(1)[0]
    h.run(f"mkdir -p {DIR}")
    yield h
    h.run(f"rm -rf {DIR}; systemctl stop csync2.socket")


def probe(host, fifos="", sysdir="", **kw):
    said = scripts.run(host, "probe", fifos=fifos, sysdir=sysdir, port="",
                       **kw)
    assert said.refused is None, said
    assert said.lines[-1] == "done probe", said
    return said


def test_probe_tells_the_basics(host):
    said = probe(host)
    assert said.facts("uid") == ["0"]
    assert said.facts("host") == [host.name]
    assert said.facts("csync2") == ["/usr/sbin/csync2"]
    assert said.facts("csync2-version")[0].startswith("2.")
    assert said.facts("sysdir") == ["/etc"]
    assert said.facts("run") == ["tmpfs"]
    assert said.facts("swap")[0] in ("on", "off")


@pytest.mark.parametrize("prepare, state", [
    (f"mkfifo -m 600 {DIR}/k", "ok"),
    ("true", "missing"),
    (f"echo x >{DIR}/k", "not-fifo"),
    (f"ln -s x {DIR}/k", "symlink"),
    (f"mkfifo -m 600 {DIR}/k; chown 1 {DIR}/k", "owner"),
    (f"mkfifo -m 640 {DIR}/k", "mode"),
    (f"mkfifo -m 600 {DIR}/k; chmod 775 {DIR}", "parent"),
])
def test_probe_tells_the_state_of_a_fifo(host, prepare, state):
    host.run(prepare)
    said = probe(host, fifos=f"{DIR}/k\n")
    got = said.facts("fifo")[0].split(" ")
    assert (got[0], got[2]) == (state, f"{DIR}/k"), said
    if state == "ok":
        assert int(got[1]) >= 1024
        assert said.facts("fifo-why") == []
    else:
        assert said.facts("fifo-why")[0].startswith(f"{DIR}/k: "), said


def test_probe_reads_no_fifo_and_does_not_hang_on_one(host):
    host.run(f"mkfifo -m 600 {DIR}/k")
    host.write("/etc/csync2.cfg", "group g { host a b; key "
               f"{DIR}/k; include /x; }}\n")
    try:
        probe(host, fifos=f"{DIR}/k\n", timeout=20)
    finally:
        host.run("rm /etc/csync2.cfg")


def test_probe_tells_a_daemon_of_systemd_and_its_cage(host):
    said = probe(host)
    assert said.facts("daemon") == ["none"], said
    host.run("systemctl start csync2.socket")
    said = probe(host)
    assert said.facts("daemon")[0].startswith("socket csync2.socket active")
    assert said.facts("daemon-uid") == ["0"]
    assert said.facts("cage") == ["none"]
    dropin = "/etc/systemd/system/csync2@.service.d/50-postern-cage.conf"
    host.write(dropin, "[Service]\nNoNewPrivileges=yes\n")
    try:
        assert probe(host).facts("cage")[0].startswith("installed")
        host.run("systemctl daemon-reload")
        assert probe(host).facts("cage") == ["installed"]
        host.write(dropin, "[Service]\nTemporaryFileSystem=/:ro\n"
                   "NoNewPrivileges=yes\nRestrictNamespaces=yes\n")
        host.run("systemctl daemon-reload")
        assert probe(host).facts("cage") == ["in-force"]
    finally:
        host.run(f"rm -r {dropin.rsplit('/', 1)[0]};"
                 "systemctl daemon-reload")


def test_probe_tells_a_daemon_that_runs_by_itself(host):
    host.write(f"{DIR}/csync2.cfg", "group g { host 127.0.0.1 b; key k; }\n")
    host.write(f"{DIR}/k", "k" * 40 + "\n")
    daemon = host.popen(
        ["csync2", "-N", "127.0.0.1", "-D", DIR, "-p", "30999", "-ii"],
        env={"CSYNC2_SYSTEM_DIR": DIR})
    try:
        said = probe(host)
        assert daemon.target
        kind, uid, pid = said.facts("daemon")[0].split(" ")
        assert (kind, uid) == ("process", "0"), said
        assert host.read(f"/proc/{pid}/comm") == "csync2\n"
    finally:
        daemon.kill()
        daemon.wait()


def test_probe_tells_a_daemon_of_inetd(host):
    host.write("/etc/inetd.conf",
               "csync2 stream tcp nowait nobody /usr/sbin/csync2 -i\n")
    try:
        said = probe(host)
        assert said.facts("daemon") == ["inetd /etc/inetd.conf"]
        assert said.facts("daemon-uid") == ["65534"]
    finally:
        host.run("rm /etc/inetd.conf")


def test_probe_tells_certificates(host):
    host.run(f"cd {DIR} && openssl req -x509 -newkey rsa:2048 -nodes "
             "-subj /CN=csync2 -keyout csync2_ssl_key.pem "
             "-out csync2_ssl_cert.pem && chmod 644 csync2_ssl_key.pem")
    said = probe(host, sysdir=DIR)
    assert said.facts("cert") == [
        f"mode 644 {DIR}/csync2_ssl_key.pem",
        f"ok 644 {DIR}/csync2_ssl_cert.pem"], said
    assert said.facts("cert-subject") == ["subject=CN=csync2"]
    assert probe(host).facts("cert")[0].startswith("missing 0 ")


def test_probe_changes_nothing(host, leftovers):
    host.run(f"mkfifo -m 600 {DIR}/k")
    before = leftovers([host])
    probe(host, fifos=f"{DIR}/k\n{DIR}/none\n")
    before.settle()
