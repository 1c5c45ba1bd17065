# SPDX-License-Identifier: ISC
"""A hostile store for mode = direct: what it can do with a grant."""

import base64
import re
import struct
import subprocess

from backuplib import HOME
from lab import proc

DATA = "/srv/data"


class Grant:
    """A run whose store has the request and the key, and takes its time:
    its receive is stopped where ours looks on. That is a receive of our own
    making, which writes both down and waits."""

    def __init__(self, b, connect_timeout="30s", **conf):
        self.b = b
        b.conf(root=DATA, mode="direct", connect_timeout=connect_timeout,
               **conf)
        b.store.write("/tmp/liar.pl", LIAR, 0o755)
        keys = f"{HOME}/.ssh/authorized_keys"
        text = b.store.read(keys)
        b.store.write(keys, re.sub(r'command="[^"]*"',
                                   'command="perl /tmp/liar.pl"', text),
                      0o600)
        b.own(b.store, f"{HOME}/.ssh")
        self.running = b.start()
        self.dir = "/tmp/grant"
        proc.wait_for(lambda: b.store.exists(f"{self.dir}/ready"), 20,
                      "key at the store")
        words = dict(line.split(" ", 1) for line in
                     b.store.read(f"{self.dir}/request").splitlines())
        self.port = int(words["port"])
        self.user = words["user"]
        host_key = words["host-key"].replace("\\040", " ")
        b.store.write(f"{self.dir}/known_hosts", f"direct {host_key}\n")
        self.seed = b.store.read(f"{self.dir}/seed", text=False)
        b.store.write(f"{self.dir}/key", key_file(self.seed), 0o600)
        b.own(b.store, self.dir)

    def ssh_argv(self, command, key=None):
        return ["ssh", "-F", "/dev/null", "-p", str(self.port), "-i",
                key or f"{self.dir}/key", "-oBatchMode=yes",
                "-oIdentitiesOnly=yes", "-oConnectTimeout=5",
                f"-oUserKnownHostsFile={self.dir}/known_hosts",
                "-oHostKeyAlias=direct", f"{self.user}@h1", "--", command]

    def ssh(self, command, key=None, **kwargs):
        return self.b.store.run(self.b.as_user(
            self.b.store, *self.ssh_argv(command, key)), check=False,
            env=self.b.ENV, **kwargs)

    def listens(self):
        return f"{self.port:04X}" in listening(self.b.client)

    def end(self):
        self.b.store.write(f"{self.dir}/end", "")
        return self.running.end()


LIAR = r'''
use strict;
use IO::Select;
my $d = "/tmp/grant";
mkdir $d, 0700;
$| = 1;
binmode STDIN; binmode STDOUT;
sub all { my ($n, $b) = (shift, "");
	while (length $b < $n) {
		my $r = sysread STDIN, $b, $n - length $b, length $b;
		exit 0 unless $r;
	}
	$b }
sub frame { for (;;) {
		my ($t, $h, $l) = unpack "aCn", all(4);
		my $data = all($h << 16 | $l);
		return ($t, $data) if $t ne "B";
	} }
sub keep { open my $f, ">", "$d/$_[0]" or die; binmode $f; print $f $_[1]; }
sub say_ { my ($t, $x) = @_;
	syswrite STDOUT, $t . pack("Cn", 0, length $x) . $x }
my ($t, $text) = frame();
$t eq "Q" or die $t;
keep("request", $text);
say_("A", "status 0\n");
($t, my $seed) = frame();
$t eq "K" && length $seed == 32 or die $t;
keep("seed", $seed);
keep("ready", "");
my $s = IO::Select->new(\*STDIN);
until (-e "$d/end") {
	say_("B", "");
	frame() if $s->can_read(0.2);
}
say_("R", "status 1\nwhy enough\n");
'''


def key_file(seed):
    """The OpenSSH private key of an ed25519 seed, made apart from edkey.c:
    openssl tells the public half."""
    pkcs8 = bytes.fromhex("302e020100300506032b657004220420") + seed
    public = subprocess.run(
        ["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"],
        input=pkcs8, stdout=subprocess.PIPE, check=True).stdout[-32:]

    def string(b):
        return struct.pack(">I", len(b)) + b

    blob = string(b"ssh-ed25519") + string(public)
    inner = b"1234" * 2 + blob + string(seed + public) + string(b"")
    inner += bytes(range(1, 1 + -len(inner) % 8))
    text = base64.encodebytes(
        b"openssh-key-v1\0" + string(b"none") * 2 + string(b"")
        + struct.pack(">I", 1) + string(blob) + string(inner))
    return (b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + text
            + b"-----END OPENSSH PRIVATE KEY-----\n")


def listening(host):
    """Ports, in hex, of all that listens on TCP there."""
    found = set()
    for kind in ("tcp", "tcp6"):
        for line in proc.read(
                f"/proc/{host.init_pid}/net/{kind}").splitlines()[1:]:
            words = line.split()
            if words[3] == b"0A":
                found.add(words[1].decode().rpartition(":")[2])
    return found


def private_keys(host):
    """{pid: text} of the private keys in memfds that processes hold there.
    """
    found = {}
    for pid in host.pids():
        for link, target, _ in proc.fds(pid):
            if target.startswith("/memfd:postern"):
                with open(link, "rb") as f:
                    text = f.read()
                if b"PRIVATE KEY" in text:
                    found[pid] = text
    return found


def needles(text):
    """What is secret in a private key's file: its seed, as it is and in
    hex, and a line of its text that is all secret."""
    lines = text.splitlines()[1:-1]
    raw = base64.b64decode(b"".join(lines))
    # The public half stands before the secret one, and again behind it.
    at = raw.rindex(b"ssh-ed25519") + 11 + 4
    public, seed = raw[at:at + 32], raw[at + 36:at + 68]
    assert raw[at + 68:at + 100] == public
    line = lines[(at + 36) * 4 // 3 // len(lines[0])]
    return seed, [seed, seed.hex().encode(), line]
