# SPDX-License-Identifier: ISC
"""class Link: a host's cable to the switch, to be cut, dropped, slowed and narrowed."""

import pathlib
import subprocess

from . import proc

HERE = pathlib.Path(__file__).parent


def enter_net(netns):
    """The argv in front of a command in that network. ip -n and ip netns exec
    do more than that, which fails in a chroot."""
    return ["nsenter", f"--net=/run/netns/{netns}"]


class Link:
    """veth0 of the host is named eth0 there; its other end, a port of the
    switch, has the host's name. A slowed link has a pair of TAP devices and
    a relay between them instead: relay.c."""

    def __init__(self, host):
        self.host, self.lab = host, host.lab
        self.ns = self.lab.netns(host.name)
        self.port = host.name
        self._relay = None
        self._limited = False

    def _ip(self, ns, *lines):
        done = subprocess.run([*enter_net(ns), "ip", "-batch", "-"],
                              input="\n".join(lines), text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"ip in {ns}: {done.stdout}{lines}")

    def plug(self):
        number = self.lab.number(self.host.name)
        subprocess.run(["ip", "netns", "add", self.ns], check=True)
        self._ip(self.lab.switch,
                 f"link add {self.port} type veth peer name eth0 "
                 f"address {self.lab.mac(number)} netns {self.ns}",
                 f"link set {self.port} master br0 up")
        self._ip(self.ns, "link set lo up", *self._address())

    def _address(self):
        return [f"addr add {self.host.ip}/24 dev eth0", "link set eth0 up",
                *self.lab.neighbours("eth0")]

    def unplug(self):
        self.fast()
        subprocess.run(["ip", "netns", "delete", self.ns], check=True)

    def kill(self):
        """End the relay, if there is one, and leave the rest to the lab."""
        if self._relay:
            self._relay.kill()
            self._relay.communicate()
            self._relay = None

    # Faults

    def cut(self):
        """A silent black hole, both ways: nobody is told of it."""
        if self._relay:
            self._command("cut")
        else:
            self._bridge_state(0)

    def down(self):
        """Pull the cable: the host sees that its carrier is lost."""
        self._ip(self.lab.switch, f"link set {self._switch_end()} down")

    def limit(self, mbit):
        """The host gets mbit Mbit/s at most: a line's downstream (tc-tbf(8));
        for bench/, since it is a matter of time."""
        self._tc("replace", "tbf", "rate", f"{mbit}mbit", "burst", "256kb",
                 "latency", "50ms")
        self._limited = True

    def _tc(self, verb, *rest):
        subprocess.run([*enter_net(self.lab.switch), "tc", "qdisc", verb,
                        "dev", self.port, "root", *rest], check=True)

    def restore(self):
        """Undo cut(), down(), slow() and limit()."""
        if self._limited:
            self._tc("del")
            self._limited = False
        self.fast()
        self._ip(self.lab.switch, f"link set {self.port} up")
        self._bridge_state(3)

    def _switch_end(self):
        return "tap-" + self.port if self._relay else self.port

    def _bridge_state(self, state):
        """A port that has come up a moment ago has no state yet."""
        proc.wait_for(lambda: subprocess.run(
            [*enter_net(self.lab.switch), "bridge", "link", "set", "dev",
             self.port, "state", str(state)], stderr=subprocess.DEVNULL,
            check=False).returncode == 0, 10, f"{self.port}'s port")

    def slow(self, rtt_ms=0, loss_percent=0.0, seed=1):
        """Packets take rtt_ms there and back; some of each hundred are lost
        (the same ones for the same seed). Open connections go on."""
        self.fast()
        number = self.lab.number(self.host.name)
        far, near = "tap-" + self.port, "new-" + self.port
        self._relay = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "sh", "-c",
             'echo 0 >"$0/cgroup.procs" && exec "$@"', str(self.lab.cgroup),
             *enter_net(self.lab.switch), str(self._binary()), far, near,
             str(int(rtt_ms * 500)), str(int(loss_percent * 10000)),
             str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._relay.stdout.readline() != "ready\n":
            raise RuntimeError("the relay did not start")
        self._ip(self.lab.switch, f"link set {far} master br0 up",
                 f"link set {self.port} nomaster",
                 f"link set {near} netns {self.ns}")
        self._ip(self.ns, "link set eth0 down", "link set eth0 name veth0",
                 "addr flush dev veth0", f"link set {near} name eth0",
                 f"link set eth0 address {self.lab.mac(number)}",
                 *self._address())

    def heal(self):
        """Undo the cut() of a link that stays slow."""
        if self._relay:
            self._command("heal")
        else:
            self._bridge_state(3)

    def fast(self):
        """Undo slow()."""
        if not self._relay:
            return
        # Its end of file ends the relay, and its devices go with it.
        self._relay.stdin.close()
        self._relay.wait(10)
        self._relay.stdout.close()
        self._relay = None
        self._ip(self.lab.switch, f"link set {self.port} master br0")
        self._ip(self.ns, "link set veth0 name eth0", *self._address())

    def _command(self, word):
        self._relay.stdin.write(word + "\n")
        self._relay.stdin.flush()
        if self._relay.stdout.readline() != word + "\n":
            raise RuntimeError(f"the relay did not {word}")

    def _binary(self):
        binary = self.lab.dir / "lab-relay"
        if not binary.exists():
            subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-o", str(binary),
                            str(HERE / "relay.c")], check=True)
        return binary
