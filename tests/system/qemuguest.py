# SPDX-License-Identifier: ISC
"""class Guest: one virtual machine without KVM, its console and its memory."""

import json
import mmap
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

from lab import proc

# Three times of what a boot takes with nine beside it, of the time in which
# the guest may run; and so often that of all time, however busy it is here.
BOOT_S = 120
BUSY = 5
SSHD = 2222
ADDRESS = "10.0.2.15"
MEMORY_MIB = 256
# Linux spins for as long as a command to its network card takes, and one boot
# of many stood still when it took its network down. None is needed here.
NO_CTRL = ",".join(f"{word}=off" for word in (
    "ctrl_vq", "ctrl_rx", "ctrl_rx_extra", "ctrl_vlan", "ctrl_mac_addr",
    "ctrl_guest_offloads", "guest_announce"))
# Linux looks whether its timer works by what it does in a moment. A guest that
# waits for a processor meanwhile took it for broken: it panicked, or went on
# with another one that never comes. As under KVM, it is not to look.
# What a program is at one address QEMU translates anew at another one, and
# keeps for as long as the page is there; when it goes, each is looked for
# along all of them. A script's thousand processes had a guest stand still for
# minutes when their pages were freed: the addresses are the same in each.
APPEND = ("console=ttyS0 panic=-1 net.ifnames=0 mitigations=off nokaslr "
          "random.trust_cpu=on no_timer_check norandmaps quiet")


class Guest:
    """Its owner closes it: Fleet of qemufleet.py."""

    def __init__(self, folder, name, boot, disks, words, linked=True,
                 cards=1, memory_mib=MEMORY_MIB):
        """folder: where it has its own one. boot: the files of its kernel and
        initramfs. disks: raw files, which stay as they are. words: for the
        kernel's command line. linked: its network has a cable. cards: of its
        network, but for the first with nobody else on their wire."""
        self.name = name
        self.dir = folder / name
        self.dir.mkdir()
        self.log = self.dir / "console"
        self.log.touch()
        self.memory_mib = memory_mib
        self.process = self.qmp_file = self.console = self.port = None
        kernel, initrd = boot
        argv = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
                "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
                "-m", str(memory_mib), "-nodefaults", "-display", "none",
                "-no-reboot", "-snapshot", "-kernel", str(kernel),
                "-initrd", str(initrd), "-append", f"{APPEND} {words}",
                "-chardev", f"socket,id=con,path={self.dir}/con,server=on,"
                f"wait=off,logfile={self.log}", "-serial", "chardev:con",
                "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off"]
        for i in range(cards):
            wire = f"hubport,hubid={i}" if i else "user,restrict=on"
            argv += ["-netdev", f"{wire},id=net{i}", "-device",
                     f"virtio-net-pci,netdev=net{i},id=nic{i},romfile=,"
                     f"{NO_CTRL}"]
        for i, disk in enumerate(disks):
            argv += ["-drive", f"id=disk{i},file={disk},format=raw,if=none,"
                     "cache=unsafe", "-device",
                     f"virtio-blk-pci,drive=disk{i}"]
        # Held until its address is there: it is not to boot before.
        argv += ["-S"]
        self.errors = open(self.dir / "qemu.err", "w+")
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.errors,
            stderr=self.errors, env={**os.environ, "TMPDIR": str(self.dir)})
        try:
            self._connect()
            if cards:
                self.port = self._forward()
                if not linked:
                    self.link(False)
            self.qmp("cont")
        except BaseException:
            self.close()
            raise

    def _socket(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(BOOT_S)

        def connected():
            try:
                s.connect(f"{self.dir}/{name}")
                return True
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        self.until(connected, f"socket {name} of qemu")
        return s

    def _connect(self):
        self.console = self._socket("con")
        # Byte by byte: few fill a socket that nobody reads, and then the
        # guest stands still. What they are is in the log.
        self.console.settimeout(None)
        threading.Thread(target=self._drain, daemon=True).start()
        self.qmp_file = self._socket("qmp").makefile("rw")
        self.qmp_file.readline()
        self.qmp("qmp_capabilities")

    def _drain(self):
        try:
            while self.console.recv(4096):
                pass
        except OSError:
            pass

    def _alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended: "
                               f"{(self.dir / 'qemu.err').read_text()}\n"
                               f"{self.said()[-2000:].decode('latin-1')}")

    # What it is waited for

    def _threads(self):
        """Of all its threads: how long they ran, and how long they waited for
        a processor of this machine; seconds."""
        ran = waited = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*"):
            one = proc.read(task / "schedstat").split() or (0, 0)
            ran, waited = ran + int(one[0]), waited + int(one[1])
        return ran / 1e9, waited / 1e9

    def until(self, condition, what, deadline_s=BOOT_S):
        """The first true value of condition(). The deadline counts what the
        guest had of this machine: not what it waited for a processor."""
        began, (_, before) = time.monotonic(), self._threads()
        while True:
            value = condition()
            if value:
                return value
            self._alive()
            passed = time.monotonic() - began
            if passed > deadline_s:
                waited = self._threads()[1] - before
                if passed > min(deadline_s + waited, BUSY * deadline_s):
                    raise proc.Deadline(
                        f"no {what} of {self.name} within {passed:.0f} s, of "
                        f"which {waited:.0f} s without a processor; "
                        f"{self.state()}\n{self.said().decode('latin-1')}")
            time.sleep(proc.POLL_S)

    def state(self):
        """What it is doing, for who reads that it didn't come."""
        if self.qmp_file is None:
            return "it is not there yet"
        before = self._threads()[0]
        seen = set()
        for _ in range(10):
            time.sleep(0.05)
            said = self.monitor("info registers")
            seen.update(re.findall(r"RIP=(\S+)", said))
        return (f"in half a second it ran for "
                f"{self._threads()[0] - before:.2f} s, at {sorted(seen)}")

    # qemu

    def qmp(self, command, **arguments):
        """A command of qemu's own protocol, and its answer."""
        json.dump({"execute": command, "arguments": arguments},
                  self.qmp_file)
        self.qmp_file.flush()
        while True:
            line = self.qmp_file.readline()
            if not line:
                raise RuntimeError(f"{self.name}: qemu has gone")
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def monitor(self, line):
        """A line for its monitor, and what that says."""
        return self.qmp("human-monitor-command", **{"command-line": line})

    def _forward(self):
        """A free port of 127.0.0.1 to its sshd; qemu says whether it is."""
        for _ in range(20):
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
            if not self.monitor(f"hostfwd_add net0 tcp:127.0.0.1:{port}"
                                f"-{ADDRESS}:{SSHD}").strip():
                return port
        raise RuntimeError("no port of this machine is free")

    def link(self, up):
        """Whether its network has a cable."""
        self.qmp("set_link", name="nic0", up=up)

    # Its console

    def said(self):
        return self.log.read_bytes()

    def wait(self, text, times=1):
        """Until the console has said it so often."""
        self.until(lambda: self.said().count(text) >= times, repr(text))

    def type(self, line):
        """A line, at once: whoever reads it should be there."""
        self.console.sendall(line.encode() + b"\n")

    def run(self, command):
        """A command in the real system, once it is up: what it said."""
        before = len(self.said())
        self.type(command)

        def done():
            said = self.said()[before:].decode(errors="replace")
            return re.search(r"(.*)\[done \d+\]", said, re.S)
        return self.until(done, f"end of {command}")[1]

    # What it holds

    def holds(self, secret):
        """How often its memory has these bytes; it stands still meanwhile."""
        file = self.dir / "memory"
        self.qmp("stop")
        try:
            self.qmp("pmemsave", val=0, size=self.memory_mib << 20,
                     filename=str(file))
        finally:
            self.qmp("cont")
        n, at = 0, -1
        with open(file, "rb") as f, \
                mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            while (at := memory.find(secret, at + 1)) != -1:
                n += 1
        file.unlink()
        return n

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for one in (self.console, self.qmp_file, self.errors):
            if one is not None:
                one.close()
        shutil.rmtree(self.dir, ignore_errors=True)
