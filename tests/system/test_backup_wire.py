# SPDX-License-Identifier: ISC
"""How a run's bytes go: compressed, as slowly and as politely as it was told,
by the mode it was told, and to nobody else. In both modes where both have it.
"""

import ctypes
import os
import re

import pytest

from backuplib import (CAP_DAC_READ_SEARCH, POSTERN, STORE,  # noqa: F401
                       backup)
from lab import proc
from test_backup_run import sent

DATA = "/srv/data"
MB = 1 << 20
SENDER = {"channel": r"^/usr/bin/rsync --server --daemon",
          "direct": r"^rsync --server --sender"}
# ioprio_set(2): the class in the upper part.
SYS_IOPRIO_GET, WHO_PROCESS, IDLE, BEST_EFFORT = 252, 1, 3 << 13, 2 << 13


@pytest.fixture(params=["channel", "direct"])
def mode(request):
    return request.param


def ioprio(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.syscall(SYS_IOPRIO_GET if os.uname().machine == "x86_64"
                       else 31, WHO_PROCESS, pid)
    assert got != -1, os.strerror(ctypes.get_errno())
    return got


def record(b, snapshot):
    return b.store.read(f"{STORE}/.postern/laptop/snap/{snapshot}")


def test_what_is_compressed_is_less_on_the_wire(backup, mode):
    backup.setup(root=DATA)
    size = 4 * MB
    backup.files({f"{DATA}/0": "0123456789abcdef" * (size // 16)})
    took = {}
    for i, compress in enumerate(["none", "zlib", "zstd"]):
        # A file of its own each time: nothing of it is there.
        backup.client.path(f"{DATA}/{i}").rename(
            backup.client.path(f"{DATA}/{i + 1}"))
        backup.conf(root=DATA, mode=mode, compress=compress)
        before = sent(backup.client)
        backup.run()
        took[compress] = sent(backup.client) - before
        assert backup.stored(DATA) == backup.source(DATA)
    assert took["none"] > size, took
    for compress in ("zlib", "zstd"):
        assert took[compress] < size // 8, took


@pytest.mark.parametrize("compress", ["zlib", "zstd"])
def test_the_receiving_rsync_is_told_which(backup, mode, compress):
    backup.setup(root=DATA, mode=mode, compress=compress)
    backup.files({f"{DATA}/f": os.urandom(700_000)})
    running = backup.start("--bandwidth", "200K")
    pid = backup.wait_pid(backup.store, r"^/usr/bin/rsync --rsh=")
    assert f"--compress-choice={compress} " in proc.cmdline(pid)
    assert running.end().rc == 0


def test_nice_ionice_and_bandwidth_are_the_senders(backup, mode):
    backup.setup(root=DATA, mode=mode, nice=7, ionice="idle",
                 bandwidth="200K")
    backup.files({f"{DATA}/f": os.urandom(700_000)})
    for nice, ionice, prio in ((7, "idle", IDLE),
                               (11, "best-effort:6", BEST_EFFORT | 6)):
        backup.conf(root=DATA, mode=mode, nice=nice, ionice=ionice,
                    bandwidth="200K")
        running = backup.start()
        pid = backup.wait_pid(backup.client, SENDER[mode])
        stat = proc.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        assert int(stat[16]) == nice
        assert ioprio(pid) == prio
        assert "--bwlimit=200 " in proc.cmdline(pid) + " "
        # And it has the one capability, and no way to another.
        text = proc.read(f"/proc/{pid}/status").decode()
        found = dict(re.findall(r"^(Cap\w+|NoNewPrivs|Seccomp):\t(\w+)$", text,
                                re.M))
        assert int(found["CapEff"], 16) == 1 << CAP_DAC_READ_SEARCH, text
        assert int(found["CapPrm"], 16) == 1 << CAP_DAC_READ_SEARCH, text
        assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2"), text
        assert running.end().rc == 0
        os.utime(backup.client.path(f"{DATA}/f"))
        backup.files({f"{DATA}/f": os.urandom(700_000)})


def test_who_is_nicer_already_stays_so(backup):
    """A timer with Nice=: to be less nice again is root's alone."""
    backup.setup(root=DATA, nice=3)
    backup.files({f"{DATA}/f": "x"})
    done = backup.client.run(
        backup.as_user(backup.client, "nice", "-n", "9", POSTERN, "backup",
                       "run"), check=False, env=backup.ENV)
    assert done.returncode == 0, done


def test_bandwidth_holds_a_sender_in_direct_mode_back(backup):
    """Whatever the store's rsync asks for: no run is faster than its limit.
    """
    backup.setup(root=DATA, mode="direct", bandwidth="200K")
    backup.files({f"{DATA}/f": os.urandom(700_000)})
    done = backup.run("--json")
    assert done.of("result")[0]["seconds"] >= 2, str(done)


def test_one_file_system_in_both_modes(backup, mode):
    backup.setup(root=DATA, mode=mode, one_file_system="yes")
    backup.files({f"{DATA}/a": "a"})
    backup.client.run(f"mkdir {DATA}/mnt && mount -t tmpfs t {DATA}/mnt "
                      f"&& echo x >{DATA}/mnt/x")
    backup.run()
    assert set(backup.stored(DATA)) == {b"a", b"mnt"}
    backup.conf(root=DATA, mode=mode)
    backup.run()
    assert set(backup.stored(DATA)) == {b"a", b"mnt", b"mnt/x"}


ODD = ["/srv/o*d", "/srv/o?d", "/srv/[o]d", "/srv/o d", "/srv/o\\\\d"]


def test_a_root_may_be_a_file_system_of_its_own(backup, mode):
    """Each root's own is the one to stay on; what its name looks like to
    rsync besides is left out."""
    roots = [DATA, *(ODD if mode == "channel" else [])]
    backup.setup(root=roots, mode=mode, one_file_system="yes")
    for root in [*ODD, DATA]:
        backup.client.run(["mkdir", root])
        backup.client.run(["mount", "-t", "tmpfs", "t", root])
        backup.files({f"{root}/a": root})
        backup.client.run(["mkdir", f"{root}/mnt"])
        backup.client.run(["mount", "-t", "tmpfs", "t", f"{root}/mnt"])
        backup.files({f"{root}/mnt/x": "x"})
    backup.files({"/srv/oxd/not": "no", "/srv/not": "no"})
    for _ in range(2):
        backup.run()
        want = {b"srv": ("dir", None)}
        for root in roots:
            at = os.fsencode(root[1:])
            want |= {at: ("dir", None), at + b"/mnt": ("dir", None),
                     at + b"/a": ("file", os.fsencode(root))}
        assert backup.contents(backup.snapshot()) == want
    # What is a root no more is gone from the next, in both modes.
    backup.conf(root=DATA, mode=mode, one_file_system="yes")
    backup.run()
    assert set(backup.contents(backup.snapshot())) == {
        b"srv", b"srv/data", b"srv/data/a", b"srv/data/mnt"}


def test_a_root_on_what_is_mounted_below_another_root(backup, mode):
    backup.setup(root=[DATA, f"{DATA}/mnt/in", f"{DATA}/all"], mode=mode,
                 one_file_system="yes")
    for at in ("mnt", "all"):
        backup.client.run(["mkdir", "-p", f"{DATA}/{at}"])
        backup.client.run(["mount", "-t", "tmpfs", "t", f"{DATA}/{at}"])
    backup.files({f"{DATA}/{n}": n for n in ("a", "mnt/b", "mnt/in/c",
                                             "all/d")})
    for _ in range(2):
        backup.run()
        assert set(backup.stored(DATA)) == {
            b"a", b"all", b"all/d", b"mnt", b"mnt/in", b"mnt/in/c"}


def test_a_root_that_is_not_there_fails_the_run(backup, mode):
    """Not with a snapshot that lacks it. A link on its way is followed by
    nobody: the folder has to be named as it is."""
    backup.setup(root=[DATA, "/srv/none"], mode=mode)
    backup.files({f"{DATA}/a/b": "a"})
    said = backup.run(expect=1).err
    assert "root /srv/none: No such file" in said, said
    backup.client.run(["ln", "-s", "data", "/srv/link"])
    backup.conf(root=[DATA, "/srv/link/a"], mode=mode)
    said = backup.run(expect=1).err
    assert "root /srv/link/a: leads through a symbolic link" in said, said
    assert backup.snapshots() == []
    # One that is a link itself is one.
    backup.conf(root=[DATA, "/srv/link"], mode=mode)
    backup.run()
    assert backup.contents(backup.snapshot())[b"srv/link"][0] == "link"


def test_a_broken_run_with_what_is_mounted_is_gone_on_without(backup, mode):
    backup.setup(root=DATA, mode=mode)
    backup.client.run(f"mkdir -p {DATA}/a {DATA}/b && mount -t tmpfs t "
                      f"{DATA}/a && echo x >{DATA}/a/x")
    backup.files({f"{DATA}/b/big": os.urandom(3 * MB)})
    running = backup.start("--json", "--bandwidth", "300K")
    proc.wait_for((backup.incoming() / f"{DATA[1:]}/a/x").exists, 30, "a/x")
    running.kill()
    running.end()
    proc.wait_for(lambda: not backup.pids(
        backup.store, "^postern-backup receive"), 20, "end there")
    backup.conf(root=DATA, mode=mode, one_file_system="yes")
    done = backup.run("--json")
    assert done.of("answer")[0].get("resumed") is True
    assert set(backup.stored(DATA)) == {b"a", b"b", b"b/big"}


def test_the_command_line_s_mode_goes_before_the_file_s(backup):
    backup.setup(root=DATA)
    backup.files({f"{DATA}/a": "a"})
    for file, option, used in ((None, "direct", "direct"),
                               ("direct", "channel", "channel"),
                               ("direct", None, "direct"),
                               (None, None, "channel")):
        backup.conf(root=DATA, **({"mode": file} if file else {}))
        done = backup.run(*(["--mode", option] if option else []))
        assert f"mode {used}\n" in record(backup, done.snapshot)
    assert "channel or direct" in backup.run("--mode", "x", expect=64).err


# In ssh's place on the client: the request on its way out has another host
# key for the one-time sshd, so that who answers there is not who it names.
TAMPER = r"""#!/usr/bin/perl
use strict;
open my $ssh, "|-", "ssh", @ARGV or die;
binmode STDIN; binmode $ssh;
select $ssh; $| = 1;
my $all = sub { my ($n, $b) = (shift, "");
	while (length $b < $n) {
		my $r = sysread STDIN, $b, $n - length $b, length $b;
		exit 1 unless $r;
	}
	$b };
my $head = $all->(4);
my ($type, $high, $low) = unpack "aCn", $head;
my $text = $all->($high << 16 | $low);
if ("@CHANGE@") {
	$text =~ s{(host-key ssh-ed25519\\040AAAAC3NzaC1lZDI1NTE5AAAAI.)(.)}
	    {$1 . ($2 eq "x" ? "y" : "x")}e or die "no host key";
}
print $head, $text;
while (sysread STDIN, my $b, 65536) { print $b }
close $ssh;
exit $? >> 8;
"""


def test_another_host_key_at_the_port_is_refused(backup):
    for change in ("", "yes"):
        backup.setup(root=DATA)
        backup.files({f"{DATA}/a": "a"})
        backup.client.write("/opt/tamper", TAMPER.replace("@CHANGE@", change),
                            0o755)
        backup.conf(root=DATA, mode="direct", ssh="/opt/tamper",
                    direct_from=backup.store.ip)
        done = backup.run("-q", expect=1 if change else 0)
        if change:
            assert "host key changed" in done.err, str(done)
            assert backup.snapshots() == []
        else:
            assert backup.stored(DATA) == backup.source(DATA)
