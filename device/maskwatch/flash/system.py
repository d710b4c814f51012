"""The operating systems of units, and how one is recognised.

The content of Raspberry Pi OS Lite images is known from the package lists of their builder (pi-gen, stage2) and from
picamera2's README. Trixie's has cloud-init and python3-rpi-lgpio (with python3-lgpio). Neither has python3-picamera2.
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
    magic: bytes  # first bytes of the .pyc files of this Python (importlib.util.MAGIC_NUMBER)
    uses_cloud_init: bool
    glibc: tuple[int, int]  # the newest manylinux_X_Y whose wheels run there

    @property
    def python_name(self) -> str:
        """E.g. python3.13."""
        return f"python{self.python[0]}.{self.python[1]}"

    @property
    def constraints(self) -> str:
        """Name of the file with the exact versions of the packages."""
        return f"pi-{self.name}.txt"


# CPython's magic numbers: 3495 for 3.11, 3571 for 3.13, little-endian, followed by CR LF.
TRIXIE = System("trixie", (3, 13), (3571).to_bytes(2, "little") + b"\r\n", True, (2, 41))
BOOKWORM = System("bookworm", (3, 11), (3495).to_bytes(2, "little") + b"\r\n", False, (2, 36))
SYSTEMS = {system.name: system for system in (TRIXIE, BOOKWORM)}


def recognised(names: list[str], requested: str | None = None) -> System:
    """The system of an image, recognised by the files in its boot partition.

    Args:
        names: of the files and folders in the partition's root.
        requested: name of the system, if the user gave one; then the files only have to be those of a Raspberry Pi.

    Raises:
        FlashError: it is not the boot partition of a 64-bit Raspberry Pi OS.
    """
    have = {name.lower() for name in names}
    if "cmdline.txt" not in have:
        raise FlashError(
            "image: its first partition has no cmdline.txt, so it is no Raspberry Pi OS; expected a Lite 64-bit image"
        )
    if requested is not None:
        return SYSTEMS[requested]
    if not any(name.startswith(("kernel8", "kernel_2712", "vmlinuz")) for name in have):
        raise FlashError("image: no 64-bit kernel (kernel8.img) in it; expected a Raspberry Pi OS Lite 64-bit image")
    return TRIXIE if "user-data" in have else BOOKWORM


def is_this_python(system: System) -> bool:
    """Whether this interpreter writes .pyc files that the unit's Python can read."""
    return sys.version_info[:2] == system.python and system.magic == importlib.util.MAGIC_NUMBER
