# SPDX-License-Identifier: ISC
"""A hostile client whose rsync lists names that lead out of the folder. The
sender is the real one; on the way a name of its list becomes another of the
same length, which nothing in rsync's stream tells from a name of its own."""

import os
import re

import pytest

from backuplib import CLIENT, STORE, TOOLS, backup  # noqa: F401
from lab import proc
from test_backup_attack import DATA, FakeSender, drop, state
from test_backup_changes import phases

# In the place of postern-backup-send. /tmp/lie: what it says and what is made
# of that, in turn, each with its NUL; /tmp/lied is made once one was there.
LIAR = f"""#!/usr/bin/perl
use strict;
my @args = ("{TOOLS}/send.saved", @ARGV);
exec @args unless -e "/tmp/lie";
my %lie = do {{ local (@ARGV, $/) = "/tmp/lie"; split /\\0/, <> }};
my $any = join "|", map quotemeta, keys %lie;
pipe my $from, my $to or die;
my $pid = fork // die;
if (!$pid) {{
	open STDOUT, ">&", $to or die;
	exec @args;
}}
close $to;
close STDIN;
# What may be the beginning of one waits for its end, or for nothing more.
sub begun {{
	for my $name (keys %lie) {{
		for my $n (reverse 1 .. length($name) - 1) {{
			return $n if $n <= length $_[0] and
			    substr($_[0], -$n) eq substr $name, 0, $n;
		}}
	}}
	0
}}
my $held = "";
for (;;) {{
	vec(my $in = "", fileno $from, 1) = 1;
	my $n = select($in, undef, undef, length $held ? 0.3 : undef) ?
	    sysread $from, $held, 65536, length $held : undef;
	if ($held =~ s/($any)/$lie{{$1}}/g) {{
		open my $f, ">", "/tmp/lied" or die;
	}}
	my $out = substr $held, 0, length($held) - ($n ? begun($held) : 0), "";
	while (length $out) {{
		substr $out, 0, syswrite(STDOUT, $out) // exit 1, "";
	}}
	last if defined $n and !$n;
}}
waitpid $pid, 0;
exit($? & 127 ? 1 : $? >> 8);
"""
REFUSED = re.compile("ABORTING due to (unsafe pathname|invalid path) from "
                     "sender|rejecting excluded file-list name|"
                     "some files could not be copied")

# Where a folder is, and what becomes of its name: as a root it is the first of
# the first list, in DATA it is of a list of its own. {old}: a snapshot.
CASES = [("", ".."), (DATA, ".."), ("", "a/b"), (DATA, "a/b/c"),
         ("", "a/../../x"), ("", "/srv/outside"), ("", "../../../outside"),
         (DATA, "../../../../../outside"), ("", "../{old}/srv")]


@pytest.fixture(params=["channel", "listed", "direct"])
def attacked(request, backup):  # noqa: F811
    b = backup
    b.setup(root=DATA)
    b.way = request.param
    b.files({f"{DATA}/a": "mine\n"})
    b.files({"/srv/outside/f": "as it was"}, on=b.store)
    b.store.run("chown -R backup: /srv/outside")
    b.run()
    b.old, = b.snapshots()
    with FakeSender(b, LIAR):
        yield b
    b.client.run("rm -rf /zz /ZZ*")


def quiet(b):
    proc.wait_for(lambda: not b.pids(
        b.store, "^postern-backup receive|^/usr/bin/rsync"), 60, "its end")


def arrived(b, name, lie):
    """A name that is harmless as rsync takes it: in this run's snapshot."""
    at = os.fsencode(lie.strip("/") + "/f")
    assert b.contents(b.snapshot(name)).get(at) == ("file", b"evil\n"), lie
    drop(b, name)


def attempt(b, where, lie):
    name = "zz" if lie == ".." else "Z" * len(lie)
    path = f"{where}/{name}"
    b.files({f"{path}/f": "good\n"})
    b.conf(root=[DATA, path] if where == "" else DATA,
           mode="direct" if b.way == "direct" else "channel",
           files_cache="yes" if b.way == "listed" else "no")
    # What the last attempt has left is in nobody's way.
    b.run()
    quiet(b)
    assert b.stored(path) == b.source(path)
    assert b.stored(DATA) == b.source(DATA)
    assert set(os.listdir(b.snapshot())) == {b"srv", os.fsencode(
        path.split("/")[1])}
    b.files({f"{path}/f": "evil\n"})
    before = state(b)
    # Two letters may be anywhere: with their length, or what is before them.
    lies = [f"\2{name}", f"\2{lie}", f"/{name}", f"/{lie}"] \
        if lie == ".." else [name, lie]
    b.client.write("/tmp/lie", "".join(x + "\0" for x in lies))
    done = b.run("--json", expect=None)
    quiet(b)
    b.client.run(["rm", "/tmp/lie", "/tmp/lied"])
    assert ("compare" in phases(done)) == (b.way == "listed"), str(done)
    if done.rc == 0:
        # rsync --relative takes a name from the top for one from here.
        assert ".." not in lie and b.way != "channel", str(done)
        arrived(b, done.snapshot, lie)
    else:
        assert done.rc == 1, str(done)
        assert REFUSED.search(done.of("result")[0]["why"]), str(done)
    assert state(b) == before, (where, lie, str(done))
    b.client.run(["rm", "-rf", path])


def test_a_name_of_rsyncs_list_leads_nowhere(attacked):
    b = attacked
    for where, lie in CASES:
        attempt(b, where, lie.format(old=b.old))
    b.conf(root=DATA)
    b.run()
    assert set(os.listdir(b.snapshot())) == {b"srv"}
    assert b.stored(DATA) == b.source(DATA) == b.stored(DATA, b.old)
    assert sorted(os.listdir(b.store.path(STORE))) == [".postern", CLIENT]
