"""The systems a unit is made of, and what decides between them.

What an image of Raspberry Pi OS Lite contains comes from the package lists of its builder (pi-gen, stage2) and from
picamera2's README: cloud-init and python3-rpi-lgpio (with it python3-lgpio) are in Trixie's, python3-picamera2 is in
neither.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass

from maskwatch.errors import FlashError


@dataclass(frozen=True, slots=True)
class System:
    """A release of Raspberry Pi OS, 64 bit."""

    name: str
    python: tuple[int, int]
    magic: bytes  # of this Python's .pyc files: the first two bytes of each (importlib.util.MAGIC_NUMBER)
    uses_cloud_init: bool
    glibc: tuple[int, int]  # the newest manylinux_X_Y whose wheels run there

    @property
    def python_name(self) -> str:
        """E.g. python3.13."""
        return f"python{self.python[0]}.{self.python[1]}"

    @property
    def constraints(self) -> str:
        """The file of the exact versions that run there."""
        return f"pi-{self.name}.txt"


# The magic numbers are CPython's: 3495 for 3.11, 3571 for 3.13, little-endian, then CR LF.
TRIXIE = System("trixie", (3, 13), (3571).to_bytes(2, "little") + b"\r\n", True, (2, 41))
BOOKWORM = System("bookworm", (3, 11), (3495).to_bytes(2, "little") + b"\r\n", False, (2, 36))
SYSTEMS = {system.name: system for system in (TRIXIE, BOOKWORM)}


def recognised(names: list[str], asked: str | None = None) -> System:
    """The system of an image, by the files of its boot partition.

    Args:
        names: what is in the partition's root folder.
        asked: for by name; the files are then only looked at to see that this is a Raspberry Pi's.

    Raises:
        FlashError: it is no boot partition of a 64-bit Raspberry Pi OS.
    """
    have = {name.lower() for name in names}
    if "cmdline.txt" not in have:
        raise FlashError(
            "image: its first partition has no cmdline.txt, so it is no Raspberry Pi OS; expected a Lite 64-bit image"
        )
    if asked is not None:
        return SYSTEMS[asked]
    if not any(name.startswith(("kernel8", "kernel_2712", "vmlinuz")) for name in have):
        raise FlashError("image: no 64-bit kernel (kernel8.img) in it; expected a Raspberry Pi OS Lite 64-bit image")
    return TRIXIE if "user-data" in have else BOOKWORM


def is_this_python(system: System) -> bool:
    """Whether the interpreter we run on writes .pyc files that the unit's takes."""
    return sys.version_info[:2] == system.python and system.magic == importlib.util.MAGIC_NUMBER
