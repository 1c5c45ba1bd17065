# SPDX-License-Identifier: ISC
"""setup.sh: makes what is missing, and changes nothing that is there."""

import pytest

import scripts

FIFO = "/var/lib/setup-test/sub/k.fifo"


@pytest.fixture
def host(hosts):
    h = hosts(1)[0]
    yield h
    h.run("rm -rf /var/lib/setup-test /srv/setup-test /etc/postern")


def set_up(host, fifos=FIFO, folders="/srv/setup-test/a", **kw):
    return scripts.run(host, "setup", fifos=fifos, folders=folders, **kw)


def test_setup_makes_folders_and_fifo_and_says_each_step(host):
    said = set_up(host, dry="1")
    assert len(said.of("step")) == 5, said
    assert all(s.startswith("would ") for s in said.of("step"))
    assert not host.exists("/var/lib/setup-test")
    said = set_up(host)
    assert len(said.of("step")) == 5, said
    assert all(s.startswith("done ") for s in said.of("step"))
    assert host.run("stat -c '%F %a %u:%g' /var/lib/setup-test/sub "
                    f"{FIFO} /srv/setup-test/a").stdout == (
        "directory 755 0:0\nfifo 600 0:0\ndirectory 755 0:0\n")
    said = set_up(host)
    assert said.of("step") == [f"kept the FIFO {FIFO}",
                               "kept the folder /srv/setup-test/a"], said
    assert said.lines[-1] == "done setup"


@pytest.mark.parametrize("prepare, code", [
    (f"echo static >{FIFO}", "not-fifo"),
    (f"mkdir {FIFO}", "not-fifo"),
    (f"ln -s /etc/x {FIFO}", "symlink"),
    (f"mkfifo -m 644 {FIFO}", "mode"),
    (f"mkfifo -m 600 {FIFO}; chown 1 {FIFO}", "owner"),
    ("chmod 777 /var/lib/setup-test", "parent"),
    ("chown 1 /var/lib/setup-test/sub", "parent"),
    ("mv /var/lib/setup-test/sub /var/lib/setup-test/x;"
     "ln -s x /var/lib/setup-test/sub", "symlink"),
])
def test_setup_refuses_and_leaves_what_is_there(host, prepare, code):
    host.run("mkdir -p /var/lib/setup-test/sub; umask 022;" + prepare)
    look = "ls -lAnR /var/lib/setup-test"
    before = host.run(look).stdout
    assert set_up(host).refused == code
    assert host.run(look).stdout == before
    assert not host.exists("/srv/setup-test")


@pytest.mark.parametrize("path", ["rel/x", "/a/../x", "/a//x", "/a/", "/a/."])
def test_setup_refuses_paths_that_are_not_plain(host, path):
    assert set_up(host, fifos=path).refused == "path"


def test_setup_installs_the_holder_whole_or_not_at_all(host):
    def install(text, **kw):
        return scripts.run(host, "setup", text, fifos="", folders="",
                           holder_line="1", **kw)

    assert install("echo a\n").refused == "input"
    assert install("if\n#END\n").refused == "input"
    assert install("#END\n").refused == "input"
    assert host.run("ls -A /etc/postern").stdout == ""
    assert install("echo 'a\\b  c'\n#END\n", dry="1").of("step") == [
        "would install /etc/postern/holder.sh, mode 0755"]
    assert host.run("ls -A /etc/postern").stdout == ""
    said = install("echo 'a\\b  c'\n#END\n")
    assert said.of("step") == [
        "done install /etc/postern/holder.sh, mode 0755"], said
    assert host.read("/etc/postern/holder.sh") == "echo 'a\\b  c'\n"
    assert host.run("stat -c %a:%u /etc/postern/holder.sh").stdout == \
        "755:0\n"
    assert install("echo 'a\\b  c'\n#END\n").of("step") == [
        "kept /etc/postern/holder.sh"]
    assert host.run("ls -A /etc/postern").stdout == "holder.sh\n"
