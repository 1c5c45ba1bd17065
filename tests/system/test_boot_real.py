# SPDX-License-Identifier: ISC
"""postern boot unlock --wait: the key of the real system's sshd, by which a host
is up, and what must not pass for it."""

import pytest
from bootlib import _boot, boot  # noqa: F401
from bootlib import DIR
from waitlib import LATE, REAL, REAL_KEY, fingerprint, wait  # noqa: F401


def test_both_systems_may_have_one_port(boot, wait):
    """The key that is shown there says which of them it is."""
    server = boot.listener(LATE)
    boot.systemd()
    boot.opened()
    w = wait("--real-port", str(LATE))
    w.until("booting")
    server.kill()
    server.wait()
    boot.listener(LATE, key=REAL_KEY)
    done = w.done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done
    # As of the beginning.
    done = wait("--real-port", str(LATE)).done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done


def test_the_initramfs_key_does_not_pass_for_the_real_one(boot, wait):
    boot.listener(REAL)
    boot.listener(LATE)
    boot.systemd()
    boot.opened()
    done = wait(time="4s").done()
    assert (done.rc, done.last()) == (75, {"h41": "booting"}), done
    assert "the initramfs' sshd answers" in done.of("state")[-1]["detail"]


def test_nor_does_it_where_ssh_knows_both_keys(boot, wait):
    """As it does of who logs into the initramfs by a plain ssh."""
    boot.admin.write(f"{DIR}/real", f"h41 {boot.host.host_key}\n"
                     f"h41 {boot.host_key}\n")
    server = boot.listener(LATE)
    w = wait("--real-port", str(LATE), "-v")
    assert "no prompt waits there" in w.until("waiting")
    # It was looked at, and is again; its prompt comes late.
    w.heard("Server host key: ", 2)
    boot.opened()
    boot.systemd()
    w.until("booting")
    server.kill()
    server.wait()
    boot.listener(LATE, key=REAL_KEY)
    done = w.done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done


def test_a_certificate_of_the_real_host_key_is_as_good(boot, wait):
    boot.host.run(
        f"cd {DIR} && rm -f ca* real.pub real-cert.pub && "
        f"ssh-keygen -q -t ed25519 -N '' -f ca && cp {REAL_KEY}.pub real.pub "
        "&& ssh-keygen -q -s ca -I h41 -h -n h41 real.pub")
    ca = " ".join(boot.host.read(f"{DIR}/ca.pub").split()[:2])
    boot.admin.write(f"{DIR}/real", f"@cert-authority h41 {ca}\n")
    boot.listener(REAL, key=f"{REAL_KEY}\nHostCertificate "
                  f"{DIR}/real-cert.pub")
    done = wait("-v").done()
    assert (done.rc, done.last()) == (0, {"h41": "up"}), done
    assert "Server host certificate: " in done.err


@pytest.mark.parametrize("words", [[], ["--keep-going"]])
def test_another_real_host_key_is_an_error_with_both(boot, wait, words):
    boot.host.run(f"cd {DIR} && rm -f other* && "
                  "ssh-keygen -q -t ed25519 -N '' -f other")
    shown = fingerprint(boot.host, f"{DIR}/other.pub")
    pinned = fingerprint(boot.host, REAL_KEY + ".pub")
    boot.listener(REAL, key=f"{DIR}/other")
    boot.listener(LATE)
    boot.systemd()
    boot.opened()
    done = wait(*words).done()
    assert (done.rc, done.last()) == (1, {"h41": "failed"}), done
    assert (f"its own host key changed: known is {pinned} ({DIR}/real:1), "
            f"it shows {shown}") in done.why
    assert "accepted" in [e["state"] for e in done.of("state")]


def test_a_real_host_key_that_is_not_known_is_said_with_what_it_is(
        boot, wait):
    boot.admin.write(f"{DIR}/real", f"h1 {boot.host.host_key}\n")
    boot.listener(REAL, key=REAL_KEY)
    boot.listener(LATE)
    boot.opened()
    w = wait()
    # It may need a passphrase yet, whatever answers there.
    w.until("waiting")
    boot.systemd()
    done = w.done()
    assert (done.rc, done.last()) == (1, {"h41": "failed"}), done
    assert fingerprint(boot.host, REAL_KEY + ".pub") in done.why
    assert f"put it into {DIR}/real" in done.why
    assert "accepted" in [e["state"] for e in done.of("state")]


LIAR = r"""
use Socket;
socket(S, PF_INET, SOCK_STREAM, 0);
setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
bind(S, sockaddr_in(%d, INADDR_ANY)) or die;
listen(S, 5);
$t = "x\ndebug1: SSH2_MSG_NEWKEYS received\n" .
    "root\@h41: Permission denied (publickey).";
while (accept(C, S)) {
	syswrite(C, "SSH-2.0-liar\r\n");
	for $b (pack("CCN/a*N", 4, 1, $t, 0), pack("CNN/a*N", 1, 11, $t, 0)) {
		$n = 16 - (length($b) + 5) %% 8;
		syswrite(C, pack("NC", length($b) + $n + 1, $n) . $b .
		    "\0" x $n);
	}
	shutdown(C, 1);
	sysread(C, $x, 65536);
}
"""


def test_words_of_a_peer_are_no_proof_that_it_is_up(boot, wait):
    """What ssh prints of a peer that has no key at all."""
    boot._start(["perl", "-e", LIAR % REAL])
    boot.wait_port(REAL)
    server = boot.listener(LATE)
    boot.systemd()
    boot.opened()
    w = wait("-v", time="6s")
    w.until("booting")
    server.kill()
    done = w.done()
    assert "SSH2_MSG_NEWKEYS received" in done.err
    assert "Permission denied (publickey)" in done.err
    assert (done.rc, done.last()) == (75, {"h41": "booting"}), done
