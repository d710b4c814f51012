"""Reads and writes files in the FAT boot partition of an image file, without root and without a loop device.

It uses fatfs-ng (0.1.16 of October 2026, wheels for Linux and macOS, Python 3.9 to 3.15), which wraps ChaN's FatFs.
Alternatives: pyfatfs (March 2024) needs PyFilesystem2, which imports pkg_resources, and setuptools has removed that;
dissect.fat can only read.
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
    """Shows a part of a file to FatFs as a disk."""

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
        """`count` is in bytes in fatfs."""
        self._file.seek(self._place.start + sector * SECTOR)
        return self._file.read(count)

    def write(self, sector: int, count: int, buff: bytes) -> None:
        self._file.seek(self._place.start + sector * SECTOR)
        self._file.write(buff[:count])


class BootPartition:
    """An open boot partition; see `opened`."""

    def __init__(self, volume: PartitionExtended, size: int) -> None:
        self._volume = volume
        self.size = size  # bytes

    def names(self) -> list[str]:
        """Names of the files and folders in its root."""
        return list(self._volume.listdir("/"))

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            FlashError: it is missing.
        """
        try:
            return bytes(self._volume.read_file(f"/{path}"))
        except OSError as error:
            raise FlashError(f"image: {path} cannot be read from its boot partition") from error

    def write(self, path: str, content: bytes) -> None:
        """Write a file and create its folders; an existing file is replaced.

        Raises:
            FlashError: there is no room. FatFs writes only a part then, without an error, so the size is checked.
        """
        folder = path.rpartition("/")[0]
        if folder:
            self._volume.makedirs(f"/{folder}", exist_ok=True)
            if not self._volume.isdir(f"/{folder}"):
                raise FlashError(self._no_room(path, len(content)))
        try:
            self._volume.write_file(f"/{path}", content)
            size = self._volume.stat(f"/{path}")["size"]
        except Exception as error:  # FatFs raises its own exception with an error code
            raise FlashError(f"image: {path} cannot be written to its boot partition ({error})") from error
        if size != len(content):
            raise FlashError(self._no_room(path, len(content)))

    def _no_room(self, path: str, size: int) -> str:
        return (
            f"image: its boot partition of {self.size // 2**20} MB has no room for {path} ({size / 1e6:.1f} MB); "
            "use the current Raspberry Pi OS Lite, whose boot partition has 512 MB"
        )


@contextlib.contextmanager
def opened(image: Path) -> Iterator[BootPartition]:
    """The boot partition of an image, for reading and writing. At the end all changes are in the file.

    Raises:
        FlashError: the image has no readable boot partition.
    """
    with image.open("r+b", buffering=0) as file:
        place = boot_partition(file)
        volume = PartitionExtended(FatPartition(_Section(file, place)))
        try:
            volume.mount()
        except Exception as error:
            raise FlashError(f"image: its first partition has no readable FAT file system ({error})") from error
        try:
            yield BootPartition(volume, place.size)
        finally:
            volume.unmount()
