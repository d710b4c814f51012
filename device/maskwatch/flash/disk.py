"""The disks of this workstation, and which may be overwritten. Uses lsblk on Linux, diskutil on macOS, without root."""

from __future__ import annotations

import json
import plistlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.errors import FlashError

MAX_CARD_BYTES = 300_000_000_000  # bytes; larger than a 256 GB card. A unit needs 8 GB
SYSTEM = {"/", "/boot", "/boot/efi", "/usr", "/var", "/home", "[SWAP]"}
COLUMNS = "NAME,PATH,SIZE,MODEL,TRAN,RO,TYPE,MOUNTPOINTS"
CARD_BUSES = {"USB", "Secure Digital", "SD"}  # diskutil's names
LIMIT = 30.0  # seconds
Ask = Callable[..., bytes]
"""Runs a command; returns its output."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk."""

    path: str  # e.g. /dev/sdb
    model: str
    size: int  # bytes
    bus: str  # e.g. usb, mmc; empty: unknown
    mounted: tuple[str, ...]  # mount points of its partitions
    is_system: bool
    is_read_only: bool

    @property
    def name(self) -> str:
        """The name that the user types to confirm, e.g. sdb."""
        return Path(self.path).name

    def __str__(self) -> str:
        return ", ".join(
            filter(None, (self.path, self.model or "unknown model", f"{self.size / 1e9:.1f} GB", self.bus))
        )


def find(path: str, ask: Ask | None = None, platform: str = sys.platform) -> Disk:
    """The disk with this path.

    Args:
        path: e.g. /dev/sdb, /dev/mmcblk0, /dev/disk4.
        ask: runs a command; replaced in tests.
        platform: see sys.platform.

    Raises:
        FlashError: there is no such disk, or it is a partition.
    """
    ask = ask or _ask
    if platform == "darwin":
        return _of_diskutil(path, ask)
    if not platform.startswith("linux"):
        raise FlashError(
            "--device works on Linux and macOS only; make an image with -o and write it with Raspberry Pi Imager"
        )
    return _of_lsblk(path, ask)


def require_card(disk: Disk, needed: int) -> None:
    """Check that a disk may be overwritten.

    Args:
        disk: to overwrite.
        needed: bytes of the image.

    Raises:
        FlashError: it contains the system, is mounted, is too large to be a card or too small, or is read-only.
    """
    if disk.is_system:
        raise FlashError(f"{disk}: this computer runs from it; give the device of the card")
    if disk.mounted:
        unmount = "diskutil unmountDisk" if sys.platform == "darwin" else "umount"
        places = disk.mounted if sys.platform != "darwin" else (disk.path,)
        raise FlashError(f"{disk}: is mounted at {', '.join(disk.mounted)}; first run: {unmount} {' '.join(places)}")
    if disk.size > MAX_CARD_BYTES:
        raise FlashError(f"{disk}: too large for a card ({MAX_CARD_BYTES / 1e9:.0f} GB at most); is it a backup disk?")
    if disk.size == 0:
        raise FlashError(f"{disk}: there is no card in it")
    if disk.size < needed:
        raise FlashError(f"{disk}: too small: the image needs {needed / 1e9:.1f} GB; use a larger card")
    if disk.is_read_only:
        raise FlashError(f"{disk}: is read-only; is the switch on the card at LOCK?")


def _ask(*words: str) -> bytes:
    try:
        return subprocess.run(words, capture_output=True, check=True, timeout=LIMIT).stdout
    except FileNotFoundError:
        raise FlashError(f"{words[0]} is not installed; it is needed to list the disks") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise FlashError(f"{words[-1]}: no such disk; `{words[0]}` lists the disks") from None


# -- Linux ----------------------------------------------------------------------------------------------------------


def _of_lsblk(path: str, ask: Ask) -> Disk:
    try:
        (entry,) = json.loads(ask("lsblk", "--json", "--bytes", "--output", COLUMNS, path))["blockdevices"]
    except (ValueError, KeyError):
        raise FlashError(f"{path}: cannot understand the output of lsblk; make an image with -o instead") from None
    if entry["type"] != "disk":
        kind = {"part": "a partition", "loop": "a loop device", "rom": "an optical drive"}.get(
            entry["type"], entry["type"]
        )
        raise FlashError(f"{path}: is {kind}, expected a whole disk, e.g. /dev/sdb or /dev/mmcblk0")
    places = tuple(_mounts(entry))
    return Disk(
        path=str(entry["path"]),
        model=str(entry["model"] or "").strip(),
        size=int(entry["size"] or 0),
        bus=str(entry["tran"] or ""),
        mounted=places,
        is_system=any(place in SYSTEM for place in places),
        is_read_only=entry["ro"] in (True, "1", 1),
    )


def _mounts(entry: dict[str, Any]) -> Iterator[str]:
    """Mount points of the disk, its partitions, and volumes on them (LUKS, LVM, RAID)."""
    yield from (place for place in entry.get("mountpoints") or [entry.get("mountpoint")] if place)
    for child in entry.get("children", []):
        yield from _mounts(child)


# -- macOS ----------------------------------------------------------------------------------------------------------


def _of_diskutil(path: str, ask: Ask) -> Disk:
    facts = plistlib.loads(ask("diskutil", "info", "-plist", path))
    if not facts.get("WholeDisk"):
        raise FlashError(f"{path}: is a partition, expected a whole disk, e.g. /dev/disk4")
    listed = plistlib.loads(ask("diskutil", "list", "-plist", path))
    places = [
        part["MountPoint"]
        for whole in listed.get("AllDisksAndPartitions", [])
        for part in [whole, *whole.get("Partitions", []), *whole.get("APFSVolumes", [])]
        if part.get("MountPoint")
    ]
    bus = str(facts.get("BusProtocol", ""))
    return Disk(
        path=str(facts["DeviceNode"]),
        model=str(facts.get("MediaName", "")).strip(),
        size=int(facts.get("TotalSize") or facts.get("Size") or 0),
        bus=bus,
        mounted=tuple(places),
        # The system's volumes are on a synthesised disk. The physical disk is internal and not a card reader.
        is_system="/" in places
        or bool(facts.get("Internal") and bus not in CARD_BUSES)
        or bool(facts.get("SystemImage")),
        is_read_only=not facts.get("WritableMedia", True),
    )
