"""The FAT boot partition inside an image file: its files read and written, with no root and no loop device.

By fatfs-ng (0.1.16 of October 2026, wheels for Linux and macOS, Python 3.9 to 3.15), which wraps ChaN's FatFs.
pyfatfs is of March 2024 and needs PyFilesystem2, which imports pkg_resources, gone from setuptools; dissect.fat only
reads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fatfs import Partition as FatPartition
from fatfs import PartitionExtended
from fatfs.diskio import Disk

from maskwatch.errors import FlashError
from maskwatch.flash.partitions import SECTOR, Partition, boot_partition

CHUNK = 1 << 20  # bytes written at once


class _Section(Disk):  # type: ignore[misc]  # fatfs has no types
    """A part of a file as the disk that FatFs sees."""

    def __init__(self, file: BinaryIO, place: Partition) -> None:
        super().__init__()
        self._file, self._place = file, place

    def ioctl_get_sector_count(self) -> int:
        return self._place.size // SECTOR

    def ioctl_get_sector_size(self) -> int:
        return SECTOR

    def ioctl_get_block_size(self) -> int:
        return 1

    def read(self, sector: int, count: int) -> bytes:
        """`count` is bytes, as fatfs has it."""
        self._file.seek(self._place.start + sector * SECTOR)
        return self._file.read(count)

    def write(self, sector: int, count: int, buff: bytes) -> None:
        self._file.seek(self._place.start + sector * SECTOR)
        self._file.write(buff[:count])


class BootPartition:
    """Open; see `opened`."""

    def __init__(self, volume: PartitionExtended, size: int) -> None:
        self._volume = volume
        self.size = size  # bytes

    def names(self) -> list[str]:
        """Of files and folders in its root."""
        return list(self._volume.listdir("/"))

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            FlashError: there is none.
        """
        try:
            return bytes(self._volume.read_file(f"/{path}"))
        except OSError as error:
            raise FlashError(f"image: {path} cannot be read from its boot partition") from error

    def write(self, path: str, content: bytes) -> None:
        """Write a file, folders above it included; what was there is replaced.

        Raises:
            FlashError: there is no room for it. FatFs then writes a part and says nothing, so the size is looked at.
        """
        folder = path.rpartition("/")[0]
        if folder:
            self._volume.makedirs(f"/{folder}", exist_ok=True)
            if not self._volume.isdir(f"/{folder}"):
                raise FlashError(self._no_room(path, len(content)))
        try:
            self._volume.write_file(f"/{path}", content)
            size = self._volume.stat(f"/{path}")["size"]
        except Exception as error:  # FatFs has its own exception, which says a code
            raise FlashError(f"image: {path} cannot be written to its boot partition ({error})") from error
        if size != len(content):
            raise FlashError(self._no_room(path, len(content)))

    def _no_room(self, path: str, size: int) -> str:
        return (
            f"image: no room in its boot partition of {self.size // 2**20} MB for {path} ({size / 1e6:.1f} MB); "
            "take the current Raspberry Pi OS Lite, which has one of 512 MB"
        )


@contextlib.contextmanager
def opened(image: Path) -> Iterator[BootPartition]:
    """The boot partition of an image that may be changed. At the end all of it is in the file.

    Raises:
        FlashError: there is none that can be read.
    """
    with image.open("r+b", buffering=0) as file:
        place = boot_partition(file)
        volume = PartitionExtended(FatPartition(_Section(file, place)))
        try:
            volume.mount()
        except Exception as error:
            raise FlashError(f"image: its first partition has no FAT that can be read ({error})") from error
        try:
            yield BootPartition(volume, place.size)
        finally:
            volume.unmount()
