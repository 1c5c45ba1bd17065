# SPDX-License-Identifier: ISC
"""probe.sh: what a host tells about itself, without an effect on it."""

import pytest

import scripts

DIR = "/var/lib/probe-test"
DROPIN = "/etc/systemd/system/csync2@.service.d/50-postern-cage.conf"
CAGE = """#from /etc/csync2.cfg
[Service]
TemporaryFileSystem=/:ro
MountAPIVFS=no
PrivateIPC=yes
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER
SystemCallFilter=@system-service
"""


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


@pytest.fixture
def caged(host):
    host.run("touch /etc/csync2.cfg")
    host.write(DROPIN, CAGE)
    host.run("systemctl daemon-reload")
    yield host
    host.run("systemctl stop csync2@probe.service; rm -rf "
             f"{DROPIN.rsplit('/', 1)[0]} /etc/csync2.cfg "
             "/run/systemd/system/csync2@probe.service.d; "
             "systemctl daemon-reload")


def cage_of(host):
    cage, = probe(host).facts("cage")
    return cage


def test_probe_tells_a_cage_that_is_in_force(caged):
    assert cage_of(caged) == "in-force"
    caged.run(["rm", DROPIN])
    assert cage_of(caged) == "none"
    # An instance that is loaded has what was there then.
    caged.write("/run/systemd/system/csync2@probe.service.d/run.conf",
                "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\n"
                "StandardInput=null\nStandardOutput=null\n")
    caged.run("systemctl daemon-reload; systemctl start csync2@probe.service")
    caged.write(DROPIN, CAGE)
    assert cage_of(caged) == "installed, not loaded by the manager"
    caged.run("systemctl daemon-reload")
    assert cage_of(caged) == "in-force"
    caged.write(DROPIN, CAGE + "# more\n")
    assert cage_of(caged) == "installed, the manager has an older one"


@pytest.mark.parametrize("line", CAGE.splitlines()[2:])
def test_probe_misses_each_line_of_a_cage(caged, line):
    caged.write(DROPIN, CAGE.replace(line + "\n", ""))
    caged.run("systemctl daemon-reload")
    assert cage_of(caged).startswith("installed, the manager has ")


@pytest.mark.parametrize("lines", [
    "BindPaths=/srv", "BindReadOnlyPaths=/etc/shadow", "InaccessiblePaths=",
    "SystemCallFilter=mount", "RootDirectory=/srv",
    "ExecStart=\nExecStart=-+/usr/sbin/csync2 -i"])
def test_probe_sees_what_another_file_undoes(caged, lines):
    other = DROPIN.replace("50-postern-cage", "60-mine")
    caged.write(other, f"[Service]\n{lines}\n")
    caged.run("systemctl daemon-reload")
    assert cage_of(caged) == f"installed, {other} changes it"
    caged.write(other, "[Service]\nLimitNOFILE=1000\n")
    caged.run("systemctl daemon-reload")
    assert cage_of(caged) == "in-force"


@pytest.mark.parametrize("change", [
    "echo >>/etc/csync2.cfg",
    # csync2 and rsync give a file the time that it has elsewhere.
    "touch -d '2 years ago' /etc/csync2.cfg",
    "rm /etc/csync2.cfg"])
def test_probe_sees_a_configuration_newer_than_the_cage(caged, change):
    caged.run(change)
    assert cage_of(caged) == "installed, /etc/csync2.cfg is newer"
    caged.run(f"touch /etc/csync2.cfg {DROPIN}; touch {DROPIN}; "
              "systemctl daemon-reload")
    assert cage_of(caged) == "in-force"


def test_probe_tells_which_keys_are_fifos(host):
    host.run(f"mkfifo {DIR}/a '{DIR}/b c'; echo x >{DIR}/file; "
             f"ln -s a {DIR}/link")
    said = probe(host, keys="".join(
        f"{DIR}/{name}\n" for name in ("a", "b c", "file", "link", "none")))
    assert said.facts("key") == [f"fifo {DIR}/a", f"fifo {DIR}/b c"], said


@pytest.mark.parametrize("prepare, folder, file", [
    ("true", "ok", "ok"),
    (f"chmod 666 {DIR}/db/h.db3", "ok", "writable"),
    (f"chown 1 {DIR}/db/h.db3", "ok", "writable"),
    (f"chmod 775 {DIR}/db", "writable", "writable"),
    (f"chmod 777 {DIR}", "writable", "writable"),
])
def test_probe_tells_who_writes_a_database(host, prepare, folder, file):
    host.run(f"mkdir {DIR}/db; : >{DIR}/db/h.db3; {prepare}")
    said = probe(host, databases=f"{DIR}/db\n{DIR}/none\n")
    assert said.facts("database") == [
        f"{folder} {DIR}/db", f"{file} {DIR}/db/h.db3"], said


def test_probe_asks_one_database_for_pins(host):
    # The hosts have no sqlite3: this one says what it was asked about.
    host.write("/usr/local/bin/sqlite3",
               '#!/bin/sh\nfor a; do case $a in /*) echo "$a"; esac; done\n',
               0o755)
    host.run(f": >{DIR}/h.db3; : >{DIR}/h_priv.db3")
    try:
        said = probe(host, pins=f"{DIR}/h_priv.db3")
        assert said.facts("pins") == ["known"]
        assert said.facts("pin") == [f"{DIR}/h_priv.db3"], said
        said = probe(host, pins=f"{DIR}/none.db3")
        assert said.facts("pins") == [f"unknown no database {DIR}/none.db3"]
    finally:
        host.run("rm /usr/local/bin/sqlite3")


def test_probe_tells_of_a_daemon_that_it_does_not_know(host):
    unit = "/run/systemd/system/sync"
    host.write(f"{unit}.socket", "[Socket]\nListenStream=30865\nAccept=yes\n")
    host.write(f"{unit}@.service",
               "[Service]\nExecStart=/usr/sbin/csync2 -i\n")
    host.run("systemctl daemon-reload; systemctl start sync.socket")
    try:
        said = probe(host)
        assert said.facts("daemon") == ["listener 0 30865"], said
        assert said.facts("daemon-uid") == ["0"]
    finally:
        host.run(f"systemctl stop sync.socket; rm {unit}*; "
                 "systemctl daemon-reload")


def test_probe_tells_a_socket_that_starts_another_service(host):
    more = "/run/systemd/system/csync2.socket.d/x.conf"
    host.write(more, "[Socket]\nAccept=no\nService=csync2-all.service\n")
    host.write("/run/systemd/system/csync2-all.service",
               "[Service]\nExecStart=/usr/sbin/csync2 -i\n")
    host.run("systemctl daemon-reload; systemctl start csync2.socket")
    try:
        said = probe(host)
        assert said.facts("daemon")[0].startswith(
            "socket csync2.socket(Accept=no) active"), said
    finally:
        host.run(f"systemctl stop csync2.socket; rm -r {more} "
                 "/run/systemd/system/csync2-all.service; "
                 "systemctl daemon-reload")


@pytest.mark.parametrize("options", [["-ii"], ["-i", "-i"]])
def test_probe_tells_a_daemon_that_runs_by_itself(host, options):
    host.write(f"{DIR}/csync2.cfg", "group g { host 127.0.0.1 b; key k; }\n")
    host.write(f"{DIR}/k", "k" * 40 + "\n")
    daemon = host.popen(
        ["csync2", "-N", "127.0.0.1", "-D", DIR, "-p", "30999", *options],
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
