# SPDX-License-Identifier: ISC
"""A hostile client's own rsync, as the sender: names that lead out, in the list
of files itself. Where it says what has changed, our receiver asks for what is on
a list that it does not have (--trust-sender): rsync 3.5 still refuses such names,
and the jail holds what an older one would not."""

import stat

import pytest

from backuplib import CLIENT, STORE, TOOLS, backup  # noqa: F401
from hostile_store import DONE, entry, transfer, varlong
from lab import proc
from test_backup_attack import state
from test_backup_changes import settle

DATA = "/srv/data"
SEND = f"{TOOLS}/postern-backup-send"
FILE, DIR, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, \
    stat.S_IFLNK | 0o777
# An rsync daemon whose list was made before; the look is the real one's.
DAEMON = f"""#!/usr/bin/perl
for (@ARGV) {{ exec "{SEND}.saved", @ARGV if $_ eq "--scan"; }}
$| = 1;
binmode STDIN; binmode STDOUT;
print "\\@RSYNCD: 30.0\\n";
<STDIN>; <STDIN>;
print "\\@RSYNCD: OK\\n";
$/ = "\\0\\0";
<STDIN>;
open my $f, "<", "/tmp/stream" or die;
undef $/;
binmode $f;
print <$f>;
# As a real one it goes when all is said, and isn't waited for.
$SIG{{ALRM}} = sub {{ exit }};
do {{ alarm 3 }} while sysread STDIN, my $x, 65536;
"""


def stream(entries, send):
    """What hostile_store.rsync() says, at once: it waits for nothing."""
    def muxed(data):
        return (7 << 24 | len(data)).to_bytes(4, "little") + data
    data = next(e["data"] for e in entries if "data" in e)
    out = b"\0" + (1).to_bytes(4, "little")
    out += muxed(b"".join(map(entry, entries)) + b"\0")
    for place in send:
        out += muxed(transfer(place, data.encode()))
    return out + muxed(DONE * 3) + muxed(varlong(0, 3) * 5 + DONE)


class Sender:
    def __init__(self, b):
        self.b, self.path = b, b.client.path(SEND)
        self.saved = b.client.path(SEND + ".saved")

    def __enter__(self):
        self.path.rename(self.saved)
        self.b.client.write(SEND, DAEMON, 0o755)
        return self

    def __exit__(self, kind, value, trace):
        self.path.unlink()
        self.saved.rename(self.path)

    def run(self, *entries, send=(0,)):
        """To its end; whether it went by changes."""
        b = self.b
        (b.client.path("/tmp/stream")).write_bytes(stream(entries, send))
        done = b.run("--json", expect=None)
        proc.wait_for(lambda: not b.pids(
            b.store, "^postern-backup receive|^/usr/bin/rsync"), 60, "its end")
        return done


@pytest.fixture(params=["plain", "listed"])
def sender(request, backup):  # noqa: F811
    b = backup
    b.setup(root=DATA, files_cache="no" if request.param == "plain" else "yes")
    b.client.run(f"mkdir -p {DATA} && mount -t tmpfs t {DATA}")
    b.files({f"{DATA}/{n}": n for n in ("a", "b", "c")})
    b.client.run(["chown", "-R", "backup:", DATA])
    settle()
    b.run()
    b.files({"/srv/outside": "as it was", "/tmp/outside": "as it was"},
            on=b.store)
    b.store.run("chown backup: /srv/outside /tmp/outside; "
                f"echo x >{STORE}/beside; chown backup: {STORE}/beside")
    b.kind = request.param
    with Sender(b) as made:
        yield made
    b.client.run(f"umount -l {DATA}")


def names(top):
    """What leads out of a folder, at any depth."""
    up = "../" * 12
    return [f"{up}srv/outside", f"{up}tmp/outside", "/srv/outside",
            "/tmp/evil", f"srv/{up}tmp/evil", "srv/../../beside", "..",
            "srv/..", "../beside",
            f"../{top}/a", f"../{top}/srv/data/a", f"../../.postern/{CLIENT}/x",
            f"{STORE}/beside", f"{STORE}/{CLIENT}/{top}/srv/data/a",
            "../.trash-x"]


def test_a_name_of_the_list_leads_nowhere_in_the_store(sender):
    b = sender.b
    first = b.snapshots()[0]
    b.files({f"{DATA}/a": "changed"})
    before = state(b)
    for name in names(first):
        file = {"name": name, "mode": FILE, "data": "evil\n"}
        attempt(sender, before, file)
    for to in ("../../..", "/srv", f"../{first}/srv"):
        link = {"name": "srv", "mode": LINK, "target": to}
        for below in ("evil", "data/a"):
            attempt(sender, before, link, {
                "name": f"srv/{below}", "mode": FILE, "data": "evil\n"})


def attempt(sender, before, *entries):
    b = sender.b
    done = sender.run(*entries, send=(len(entries) - 1,))
    assert done.rc == 1, str(done)
    b.store.run(f"rm -rf {STORE}/{CLIENT}/.incoming")
    assert state(b) == before, (entries, str(done))


def test_a_name_that_is_one_arrives_so_the_script_is_right(sender):
    """Our rsync ends with an error, as the script says no more than it has to;
    what it sent is in .incoming."""
    b = sender.b
    b.files({f"{DATA}/a": "changed"})
    done = sender.run({"name": "zz", "mode": FILE, "data": "sent\n"})
    assert (b.incoming() / "zz").read_text() == "sent\n", str(done)
    phases = {e["phase"] for e in done.of("progress") if "phase" in e}
    assert ("compare" in phases) == (b.kind == "listed"), str(done)
