# SPDX-License-Identifier: ISC
"""The sshd of an initramfs: it is there until the end, by systemd or without,
and at the end it goes, with little work."""

import shutil

import bootimg
from lab import proc

UNIT = "postern-boot.service"
# The condition is that it is an initramfs.
DROP_IN = f"/run/systemd/system/{UNIT}.d"
SSHD = "/usr/sbin/postern-boot-sshd"
AGAIN = r"""kernel=no
script=$(find / -xdev -name postern-boot-sshd -path '*libexec*' | head -n 1)
[ -n "$script" ] || script=$(find / -xdev -name postern-boot-sshd | head -n 1)
mkdir -p /etc/postern-boot
dropbearkey -t ed25519 -f /etc/postern-boot/host_key >/dev/null 2>&1
echo x >/etc/postern-boot/fingerprint
echo 'sshd=dropbear port=2 keep_network=1' >/etc/postern-boot/conf
timeout 120 unshare -m -n -p -f --mount-proc sh -e -c '
    mount -t tmpfs none /run
    pid() { cat "/run/postern-boot/$1.pid" 2>/dev/null || :; }
    runs() { case $(readlink "/proc/$(pid sshd)/exe") in
        */dropbear) ;; *) return 1 ;; esac; }
    "$1" start
    until runs; do sleep 0.1; done
    first=$(pid sshd) keep=$(pid keep)
    kill -9 "$first"
    until [ "$(pid sshd)" != "$first" ] && runs; do sleep 0.1; done
    "$1" start
    [ "$(pid keep)" = "$keep" ]
    pgrep -c -x dropbear >/out/running
    n=0
    while [ $((n += 1)) -le 200 ]; do sleep 1000 & done
    before=$(sh -c "echo \$\$")
    "$1" stop
    echo $(($(sh -c "echo \$\$") - before)) >/out/programs
    while readlink "/proc/$keep/exe" >/dev/null; do sleep 0.1; done
    pgrep -l -x dropbear >/out/left || :
    ls /run/postern-boot >>/out/left' sh "$script"
"""


def test_an_sshd_that_dies_is_started_again_until_the_end():
    machine, sshd, _ = bootimg.KINDS["dracut-systemd-openssh"]
    out = bootimg.run(machine, sshd, after=AGAIN)
    try:
        assert (out / "running").read_text() == "1\n"
        assert (out / "left").read_text() == ""
        # Not one for each process of the machine.
        assert int((out / "programs").read_text()) < 200
    finally:
        shutil.rmtree(out)


def test_systemd_starts_one_again_that_ended_well(lab):
    """TERM is no failure."""
    h, = lab.boot("h41")

    def pid():
        return h.run(["systemctl", "show", "-P", "MainPID", UNIT]) \
            .stdout.strip()
    h.write(f"/run/systemd/system/{UNIT}", (
        bootimg.TREE / "packaging/dracut/30postern-boot" / UNIT).read_text())
    h.write(f"{DROP_IN}/lab.conf", "[Unit]\nConditionPathExists=\n")
    h.write(SSHD, "#!/bin/sh\nexec sleep 1000\n", mode=0o755)
    try:
        h.run(f"systemctl daemon-reload; systemctl start {UNIT}")
        first = pid()
        assert first != "0"
        h.run(["kill", "-TERM", first])
        proc.wait_for(lambda: pid() not in ("0", first), 30, "another sshd")
    finally:
        h.run(f"systemctl stop {UNIT}; rm -r {SSHD} {DROP_IN} "
              f"/run/systemd/system/{UNIT}; systemctl daemon-reload",
              check=False)
