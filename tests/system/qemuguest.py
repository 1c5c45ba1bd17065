# SPDX-License-Identifier: ISC
"""class Guest: one virtual machine without KVM, its console and its memory."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading

import qemuimg

from lab import proc

# Three times of what a boot takes with nine beside it.
BOOT_S = 120
SSHD = 2222
MEMORY_MIB = 256
# Linux spins for as long as a command to its network card takes, and one boot
# of many stood still when it took its network down. None is needed here.
NO_CTRL = ",".join(f"{word}=off" for word in (
    "ctrl_vq", "ctrl_rx", "ctrl_rx_extra", "ctrl_vlan", "ctrl_mac_addr",
    "ctrl_guest_offloads", "guest_announce"))
# Linux looks whether its timer works by what it does in a moment. A guest that
# waits for a processor meanwhile took it for broken: it panicked, or went on
# with another one that never comes. As under KVM, it is not to look.
APPEND = ("console=ttyS0 panic=-1 net.ifnames=0 mitigations=off nokaslr "
          "random.trust_cpu=on no_timer_check quiet")


class Guest:
    """Guests.boot() of qemulib.py makes it."""

    def __init__(self, folder, name, disks, words, linked=True):
        """folder: where initrd and NAME.img are. words: for the kernel's
        command line."""
        self.name = name
        self.dir = folder / name
        self.dir.mkdir()
        self.log = self.dir / "console"
        self.log.touch()
        self.process = self.qmp_file = self.console = None
        argv = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
                "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
                "-m", str(MEMORY_MIB), "-nodefaults", "-display", "none",
                "-no-reboot", "-snapshot", "-kernel",
                str(qemuimg.vmlinuz()), "-initrd", str(folder / "initrd"),
                "-append", f"{APPEND} {words}",
                "-chardev", f"socket,id=con,path={self.dir}/con,server=on,"
                f"wait=off,logfile={self.log}", "-serial", "chardev:con",
                "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
                "-netdev", "user,id=net,restrict=on",
                "-device", f"virtio-net-pci,netdev=net,id=nic,romfile=,{NO_CTRL}"]
        for disk in disks:
            argv += ["-drive", f"id={disk},file={folder}/{disk}.img,"
                     "format=raw,if=none,cache=unsafe", "-device",
                     f"virtio-blk-pci,drive={disk}"]
        # Held until its address is there: it is not to boot before.
        argv += ["-S"]
        self.errors = open(self.dir / "qemu.err", "w+")
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.errors,
            stderr=self.errors, env={**os.environ, "TMPDIR": str(self.dir)})
        try:
            self._connect()
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
            self._alive()
            try:
                s.connect(f"{self.dir}/{name}")
                return True
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        proc.wait_for(connected, BOOT_S, f"socket {name} of qemu")
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

    def _forward(self):
        """A free port of 127.0.0.1 to its sshd; qemu says whether it is."""
        for _ in range(20):
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
            if not self.qmp("human-monitor-command", **{
                    "command-line": f"hostfwd_add net tcp:127.0.0.1:{port}"
                    f"-10.0.2.15:{SSHD}"}).strip():
                return port
        raise RuntimeError("no port of this machine is free")

    def link(self, up):
        """Whether its network has a cable."""
        self.qmp("set_link", name="nic", up=up)

    # Its console

    def said(self):
        return self.log.read_bytes()

    def wait(self, text, times=1):
        """Until the console has said it so often."""
        def there():
            if self.said().count(text) >= times:
                return True
            self._alive()
            return False
        try:
            proc.wait_for(there, BOOT_S, f"{text!r} of {self.name}")
        except proc.Deadline as e:
            raise proc.Deadline(
                f"{e}\n{self.said().decode('latin-1')}") from None

    def type(self, line):
        """A line, at once: whoever reads it should be there."""
        self.console.sendall(line.encode() + b"\n")

    def run(self, command):
        """A command in the real system, once it is up: what it said."""
        before = len(self.said())
        self.type(command)

        def done():
            self._alive()
            said = self.said()[before:].decode(errors="replace")
            return re.search(r"(.*)\[done \d+\]", said, re.S)
        return proc.wait_for(done, BOOT_S, f"end of {command}")[1]

    # What it holds

    def holds(self, secret):
        """How often its memory has these bytes; it stands still meanwhile."""
        file = self.dir / "memory"
        self.qmp("stop")
        try:
            self.qmp("pmemsave", val=0, size=MEMORY_MIB << 20,
                     filename=str(file))
        finally:
            self.qmp("cont")
        with open(file, "rb") as f:
            n = f.read().count(secret)
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
