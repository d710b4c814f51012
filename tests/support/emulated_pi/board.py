"""A Raspberry Pi 3B in QEMU, with a card in it: switched on, watched from outside, its plug pulled."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from emulated_pi import firmware
from emulated_pi.console import Console, connected
from emulated_pi.firmware import BootPartition
from emulated_pi.levels import Levels
from emulated_pi.monitor import Monitor

QEMU = os.environ.get("MASKWATCH_PI_QEMU", "qemu-system-aarch64")
NAME = "card.img"
SIZE = 4 << 30  # bytes: QEMU's card sizes are powers of two
# An instruction takes a nanosecond of the board's time, about as on a Pi 3, however busy the host is: so systemd's time
# limits and the watchdog hold as they are. While the board has nothing to do, the two clocks go alike.
PACE = ["-icount", "shift=0,sleep=on"]
PINS = {"buzzer": 17, "led": 27}


class Card:
    """A card written from an image, which stays as it is.

    It is a plain file: what the board wrote is in it in that order, whenever QEMU is killed. A qcow2 file keeps its
    tables back, and lost pieces in between.
    """

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder, self.path = folder, folder / NAME
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(image), str(self.path)], check=True)
        os.truncate(self.path, SIZE)

    @classmethod
    def found(cls, folder: Path) -> Card:
        """The one that an earlier session left in a folder."""
        card = cls.__new__(cls)
        card.folder, card.path = folder, folder / NAME
        return card

    def boot_partition(self) -> BootPartition:
        """As it is now. The board must be off."""
        return BootPartition(self.path)


class Board:
    """One board. `with Board(card) as board:` switches it on, and off at the end."""

    def __init__(self, card: Card, pins: Mapping[str, int] = PINS) -> None:
        self.card, self._pins = card, pins
        self.folder = card.folder
        self.levels: Levels
        self.console: Console
        self.monitor: Monitor
        self._began = 0.0  # time.monotonic() of the moment when it was switched on
        self._process: subprocess.Popen[bytes] | None = None
        self._files: list[socket.socket | IO[bytes]] = []

    def __enter__(self) -> Board:
        self.switch_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_power()

    def switch_on(self) -> None:
        """Power: the firmware's part is done on the host, then the kernel begins."""
        start = firmware.read(self.card.boot_partition(), self.folder)
        log = self.folder / "serial.log"
        if log.exists():
            shutil.move(log, _numbered(log))
        monitor, serial = self.folder / "monitor.sock", self.folder / "serial.sock"
        errors = (self.folder / "qemu.log").open("ab")
        self._files = [errors]
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [QEMU, *_machine(start), *_lines(monitor, serial, log), *_drive(self.card.path)],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
        self.monitor = Monitor(monitor)
        typed = connected(serial)
        self._files.append(typed)
        self.console = Console(typed, log)
        self.levels = Levels(self.monitor, self._pins)

    def cut_power(self) -> None:
        """The plug is pulled: nothing in the guest learns of it. Harmless if repeated."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        self.levels.close()
        self.monitor.close()
        for file in self._files:
            file.close()

    def waited(self) -> float:
        """Seconds since it was switched on, by the host's clock; monitor.seconds() are the board's."""
        return time.monotonic() - self._began


def _machine(start: firmware.Start) -> list[str]:
    files = ["-kernel", str(start.kernel), "-initrd", str(start.initramfs), "-dtb", str(start.tree)]
    machine = ["-M", "raspi3b", "-accel", "tcg,tb-size=512", *PACE, "-display", "none", "-no-reboot"]
    return [*machine, *files, "-append", start.command_line]


def _lines(monitor: Path, serial: Path, log: Path) -> list[str]:
    """The monitor, and the two serial ports: the first is Bluetooth's on a Pi 3, the second the console."""
    console = f"socket,id=console,path={serial},server=on,wait=off,logfile={log}"
    return [
        *("-qmp", f"unix:{monitor},server=on,wait=off"),
        *("-serial", "null", "-chardev", console, "-serial", "chardev:console"),
    ]


def _drive(card: Path) -> list[str]:
    return ["-drive", f"file={card},format=raw,if=sd"]


def _numbered(log: Path) -> Path:
    """serial.0.log, serial.1.log, …: of the boots before."""
    count = len(list(log.parent.glob("serial.*.log")))
    return log.with_name(f"serial.{count}.log")
