"""The partition table of an image: the four entries of an MBR, which every Raspberry Pi OS image has."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from maskwatch.errors import FlashError

SECTOR = 512  # bytes
TABLE = 446  # offset of the four entries in bytes
FAT = {0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E}
GPT = 0xEE


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition; start and size in bytes."""

    number: int
    kind: int  # the table's code, e.g. 0x0c: FAT32
    start: int
    size: int


def partitions(image: BinaryIO) -> list[Partition]:
    """The partitions in the table, without empty entries.

    Raises:
        FlashError: there is no MBR.
    """
    image.seek(0)
    sector = image.read(SECTOR)
    if len(sector) < SECTOR or sector[510:] != b"\x55\xaa":
        raise FlashError(
            "image: no partition table in its first sector; expected a Raspberry Pi OS image (.img, .img.xz)"
        )
    found = []
    for number in range(4):
        kind, first, count = struct.unpack_from("<4xB3xII", sector, TABLE + 16 * number)
        if kind:
            found.append(Partition(number + 1, kind, first * SECTOR, count * SECTOR))
    return found


def boot_partition(image: BinaryIO) -> Partition:
    """The FAT partition that a Raspberry Pi boots from: the first in the table.

    Raises:
        FlashError: the first partition is not FAT, or the image ends before it.
    """
    found = partitions(image)
    if found and found[0].kind == GPT:
        raise FlashError("image: has a GPT partition table; Raspberry Pi OS images have an MBR")
    if not found or found[0].kind not in FAT:
        kind = f"has type 0x{found[0].kind:02x}" if found else "is missing"
        raise FlashError(f"image: its first partition {kind}, expected FAT (0x0c); is it a Raspberry Pi OS image?")
    image.seek(0, 2)
    if image.tell() < found[0].start + found[0].size:
        raise FlashError("image: incomplete, it ends within its first partition; download it again")
    return found[0]
