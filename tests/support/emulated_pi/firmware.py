"""What a Pi's firmware does with the boot partition, for QEMU has none: it finds kernel, initramfs and command line."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from emulated_pi.base_image import BOARD

SECTOR = 512  # bytes
FIRST_ENTRY = 446  # bytes into the card: the partition table
CONSOLES = {  # what the firmware puts in the place of `serial0`, and what it leaves out: no display is there
    "console=serial0,115200": "console=ttyS1,115200 loglevel=4 systemd.show_status=0",  # the mini UART's name there
    "console=tty1": "",
}
REVISION = "0xa02082"  # of a Pi 3B: the firmware tells it in the device tree, and gpiozero knows the board by it


@dataclass(frozen=True)
class Start:
    """What QEMU is told."""

    kernel: Path
    initramfs: Path
    tree: Path
    command_line: str


class BootPartition:
    """The FAT partition of an image file, read and written without mounting it."""

    def __init__(self, image: Path) -> None:
        """
        Args:
            image: raw, with a partition table; at least the first partition of it.
        """
        with image.open("rb") as file:
            file.seek(FIRST_ENTRY)
            entry = file.read(16)
        (first,) = struct.unpack_from("<I", entry, 8)
        self._place = f"{image}@@{first * SECTOR}"

    def get(self, name: str, folder: Path) -> Path:
        """Copy a file out of it."""
        subprocess.run(["mcopy", "-n", "-i", self._place, f"::/{name}", str(folder / name)], check=True)
        return folder / name

    def put(self, path: Path) -> None:
        """Copy a file, or a folder with all in it, to the top."""
        subprocess.run(["mcopy", "-s", "-o", "-Q", "-i", self._place, str(path), "::/"], check=True)

    def names(self) -> list[str]:
        """What is at the top."""
        listed = subprocess.run(["mdir", "-b", "-i", self._place, "::/"], check=True, capture_output=True, text=True)
        return [line.removeprefix("::/").rstrip("/") for line in listed.stdout.splitlines()]

    def text(self, name: str, folder: Path) -> str:
        """A text file's content."""
        return self.get(name, folder).read_text()


def read(boot: BootPartition, folder: Path) -> Start:
    """As config.txt and cmdline.txt say now: a first boot may have changed them.

    Args:
        folder: for the files that QEMU is given.
    """
    said = settings(boot.text("config.txt", folder))
    assert said.get("auto_initramfs") == "1", "config.txt has no auto_initramfs=1: which initramfs is not said"
    words = boot.text("cmdline.txt", folder).split()
    line = " ".join(filter(None, (CONSOLES.get(word, word) for word in words)))
    kernel = boot.get(said.get("kernel", "kernel8.img"), folder)
    tree = boot.get(BOARD, folder)
    subprocess.run(["fdtput", "-p", "-t", "x", str(tree), "/system", "linux,revision", REVISION], check=True)
    return Start(kernel, boot.get("initramfs8", folder), tree, line)


def settings(text: str) -> dict[str, str]:
    """The lines of config.txt that hold for a Pi 3; of a repeated one, the last."""
    heeded, found = True, {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            heeded = line in ("[all]", "[pi3]")
        elif heeded and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name] = value
    return found
