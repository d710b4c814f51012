"""The x86-64 guest: no Pi, but real camera drivers of Linux, below the real libcamera and picamera2."""

from __future__ import annotations

import os
import socket
import subprocess
import tarfile
from pathlib import Path
from typing import IO

from emulated_pi.board import PACE
from emulated_pi.console import Console, connected
from emulated_pi.guest_image import FILES, GuestImage

QEMU = os.environ.get("MASKWATCH_PI_QEMU_X86", "qemu-system-x86_64")
MACHINE = ["-M", "q35", "-cpu", "max", "-m", "1536", "-accel", "tcg,tb-size=512", "-display", "none", "-no-reboot"]
REPOSITORY = Path(__file__).parents[3]
PROGRAMS = ("eyes.py", "service")


class Guest:
    """`with Guest(image, folder) as guest:` starts it, and ends it at the end. Its disk is as new each time."""

    def __init__(self, image: GuestImage, folder: Path) -> None:
        self._image, self._folder = image, folder
        self.console: Console
        self._process: subprocess.Popen[bytes] | None = None
        self._files: list[socket.socket | IO[bytes]] = []

    def __enter__(self) -> Guest:
        self._folder.mkdir(parents=True, exist_ok=True)
        log, port = self._folder / "serial.log", self._folder / "serial.sock"
        for left in (log, port):
            left.unlink(missing_ok=True)
        errors = (self._folder / "qemu.log").open("ab")
        self._process = subprocess.Popen(
            [QEMU, *MACHINE, *PACE, *self._parts(), *_lines(port, log)],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
        typed = connected(port)
        self._files = [errors, typed]
        self.console = Console(typed, log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        for file in self._files:
            file.close()

    def _parts(self) -> list[str]:
        program = _program(self._folder / "program.tar")
        disk = "format=raw,if=virtio"
        return [
            *("-nic", "none", "-kernel", str(self._image.kernel), "-initrd", str(self._image.initramfs)),
            *("-append", "console=ttyS0 loglevel=4"),
            *("-drive", f"file={self._image.disk},{disk},snapshot=on"),
            *("-drive", f"file={program},{disk},readonly=on"),
        ]


def _lines(port: Path, log: Path) -> list[str]:
    """The serial ports: the first says all into a file, the second is typed into.

    With one for both, QEMU's log has some bytes twice: the port of a PC repeats what its socket did not take at once.
    """
    typed = f"socket,id=typed,path={port},server=on,wait=off"
    return ["-serial", f"file:{log}", "-chardev", typed, "-serial", "chardev:typed"]


def _program(path: Path) -> Path:
    """maskwatch as it is in this tree, and the tests' programs: a .tar, read as a disk without a file system."""
    with tarfile.open(path, "w") as packed:
        packed.add(REPOSITORY / "device" / "maskwatch", "maskwatch", filter=_without_caches)
        for name in PROGRAMS:
            packed.add(FILES / name, name)
    return path


def _without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.name.endswith("__pycache__") else entry
