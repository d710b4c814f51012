"""One image file -> RGB pixels, or a clear refusal.

cv2 decodes a JPEG cut short to a half grey picture and only mutters on stderr, so the end of the file is
looked for before anything is decoded. EXIF orientation is honoured by the decoder.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from maskwatch.errors import SourceError
from maskwatch.flow import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
KINDS = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", 0xDA, b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n"


def read(path: Path) -> Image:
    """The picture as (H, W, 3) uint8 RGB, turned upright.

    Raises:
        SourceError: the file is missing, no image, cut short or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"image {path}: {error.strerror}; expected a {KINDS} file") from error
    if not is_complete(data):
        raise SourceError(f"image {path}: cut short or damaged ({len(data)} bytes); copy it again")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:  # e.g. more pixels than cv2 accepts
        raise SourceError(f"image {path}: cannot be decoded ({error.err}); expected {KINDS}") from error
    if pixels is None:
        raise SourceError(f"image {path}: no image cv2 can decode; expected {KINDS}")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def find(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """Every image under the given files and folders, as (name, path).

    A file is named by its file name, an image in a folder by its path below that folder. Folders are searched
    through and through, in sorted order. A path that does not exist is kept, so that reading it tells.
    """
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.suffix.lower() in SUFFIXES)
            found += [(item.relative_to(path).as_posix(), item) for item in inside]
        else:
            found.append((path.name, path))
    return found


def is_complete(data: bytes) -> bool:
    """Does the file reach its own end? True for a format that does not say."""
    if data.startswith(JPEG_START):
        return _jpeg_ends(data)
    if data.startswith(PNG_START):
        return _png_ends(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    if data.startswith(b"BM"):
        return len(data) >= int.from_bytes(data[2:6], "little")
    return True


def _jpeg_ends(data: bytes) -> bool:
    """Walk the segments to the scan, so that the end of a thumbnail in the header is not taken for the end.

    Inside a scan every 0xFF byte of data is followed by 0x00, so the first FFD9 is the end of the image.
    """
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            return False
        if data[place + 1] == 0xFF:  # fill byte
            place += 1
        elif data[place + 1] == JPEG_SCAN:
            return data.find(JPEG_END, place) != -1
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return False


def _png_ends(data: bytes) -> bool:
    """Walk the chunks to IEND, checking each CRC: a damaged chunk would decode to a half empty picture."""
    place = len(PNG_START)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        stated = data[place + 8 + length : place + 12 + length]
        if stated != zlib.crc32(body).to_bytes(4, "big"):
            return False
        if body.startswith(b"IEND"):
            return True
        place += 12 + length
    return False
