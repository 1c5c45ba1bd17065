# SPDX-License-Identifier: ISC
"""Of bench/boot: bootfleet.py HOSTS ROUNDS, hosts that are unlocked at once, the
client's CPU time against `xargs -P` with plain ssh. A program of its own, in
namespaces of its own; the table goes to stdout.

One real sshd stands for all hosts. Its forced command is a script that says what
the agent says, of a disk that opens at once: only the client is measured."""
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import places  # noqa: E402
from common import POSTERN, Job, measure, med, table, verdict  # noqa: E402
from places import WORK  # noqa: E402

UUID = "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be001"
MOST = 1.2
AGENT = f"""#!/bin/sh
give() {{
	[ "$1" = 'unlock {UUID}' ] || exit 1
	echo 'state ready'
	read -r pass
	[ "$pass" = "$(cat {WORK}/key)" ] || exit 1
	echo 'state testing
state delivering
state waiting
verdict accepted -
end'
}}
echo 'postern-boot 1'
[ "$SSH_ORIGINAL_COMMAND" = list ] || {{
	give "$SSH_ORIGINAL_COMMAND"
	exit 0
}}
echo 'prompt systemd {UUID} {UUID} - /dev/vda root
end'
while read -r command; do
	give "$command"
done
"""


def configure(servers, n):
    """As a person has it: a name a host, each with its pinned key."""
    d = WORK / "ssh"
    key = (d / "known").read_text().split(maxsplit=1)[1]
    known = WORK / "boot.known_hosts"
    known.write_text("".join(f"h{i} {key}" for i in range(1, n + 1)))
    conf = WORK / "boot.ssh_config"
    conf.write_text("Host h*\n\tHostName 127.0.1.1\n" + "".join(
        servers.conf.read_text().splitlines(True)[1:]).replace(
            str(d / "known"), str(known)))
    return known, conf


def contestants(n, known, conf):
    key = WORK / "key"
    hosts = places.host_list(n)
    ssh = f"ssh -F {conf} -o HostKeyAlias={{}} {{}}"
    unlock = f"{ssh} 'unlock {UUID}' <{key}"

    def xargs(name, script):
        return Job(name, ["xargs", "-a", hosts, "-P", n, "-I{}", "sh", "-c",
                          script])
    return [
        Job("postern boot unlock",
            [POSTERN, "boot", "unlock", "-q", "-j", n, "-F", conf,
             "--known-hosts", known, "--connect-timeout", "60s", "--secret",
             f"file:{key}", *hosts.read_text().split()],
            env={"HOME": str(WORK), "XDG_CONFIG_HOME": str(WORK)},
            ours=True),
        xargs("xargs -P: ssh for the passphrase, its disk known",
              f"exec {unlock}"),
        xargs("xargs -P: ssh for the list, ssh for the passphrase",
              f"{ssh} list </dev/null && exec {unlock}"),
    ]


def report(jobs, n):
    ours, one, both = jobs
    text = table(["", "client's CPU", "CPU ×", "CPU a host", "wall"], [
        [f"**{j.name}**" if j.ours else j.name, f"{med(j.cpu):.2f} s",
         f"{med(j.cpu) / med(one.cpu):.2f}",
         f"{med(j.cpu) / n * 1e3:.1f} ms", f"{med(j.wall):.2f} s"]
        for j in jobs])
    r = med(ours.cpu) / med(one.cpu)
    text.append(verdict(r <= MOST, f"{n} hosts: {r:.2f} × the client's CPU of "
                        f"xargs -P with one login each (target {MOST}; "
                        "that takes somebody who knows what every host will "
                        "ask for; against one that lists it first, "
                        f"{med(ours.cpu) / med(both.cpu):.2f})"))
    return [*text, ""]


def main():
    n, rounds = map(int, sys.argv[1:3])
    places.enter(__file__, sys.argv[1:])
    places.prepare()
    (WORK / "key").chmod(0o600)
    agent = WORK / "agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    with places.Sshd(1, f"ForceCommand {agent}\n") as servers:
        jobs = contestants(n, *configure(servers, n))
        measure(jobs, rounds)
    print(f"""## {n} hosts at once

All are one real sshd on this machine, whose forced command says what the agent
says, of a disk that opens at once. Everybody runs the same ssh with the same
configuration and pinned keys, {n} at a time, and sends the same bytes. CPU is
user and system time of the client's whole tree, each ssh included, the median
of {rounds} interleaved rounds.
""")
    print("\n".join(report(jobs, n)))


if __name__ == "__main__":
    main()
