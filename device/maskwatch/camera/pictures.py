"""One image file -> RGB pixels, or a clear refusal.

cv2 decodes a JPEG cut short to a half grey picture and only mutters on stderr, so the end of the file is
looked for before anything is decoded. EXIF orientation is honoured by the decoder.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from maskwatch import regular_file
from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.printable import one_line
from maskwatch.quiet import mute_cv2

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff"})
KINDS = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
MAX_BYTES = 100_000_000  # of a file: it is read whole
MAX_SCANS = 100  # of a JPEG: a progressive one has about ten; each costs 0.1 s at 50 million pixels, and 75 bytes

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8\xff", 0xDA, b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n"
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(path: Path) -> Image:
    """The picture as (H, W, 3) uint8 RGB, turned upright.

    Raises:
        SourceError: the file is missing, no regular file, no image, cut short, damaged or too large.
    """
    mute_cv2()
    name = f"image {one_line(path)}"
    try:
        data = regular_file.read(path, MAX_BYTES)
    except OSError as error:
        kinds = "" if "expected" in str(error.strerror) else f"; expected a {KINDS} file"
        raise SourceError(f"{name}: {error.strerror}{kinds}") from error
    return decode(name, data)


def is_picture(name: str) -> bool:
    """Whether a file of this name is taken for one. macOS leaves a ._ file beside each on a stick."""
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and (dot + suffix).lower() in SUFFIXES and not name.startswith("._")


def decode(name: str, data: bytes) -> Image:
    """An image file's bytes as (H, W, 3) uint8 RGB, turned upright.

    Args:
        name: for messages.
        data: the whole file.

    Raises:
        SourceError: it is no image, cut short, damaged, has too many pixels, or cv2 cannot.
    """
    if reason := refusal(data):
        raise SourceError(f"{name}: {reason}")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in error.err:
            limit = f"{os.environ['OPENCV_IO_MAX_IMAGE_PIXELS']} pixels (OPENCV_IO_MAX_IMAGE_PIXELS)"
            raise SourceError(f"{name}: more than {limit}, or a side above 1048576; save it smaller") from error
        raise SourceError(f"{name}: cannot be decoded ({error.err}); expected {KINDS}") from error
    if pixels is None:
        raise SourceError(f"{name}: cut short, damaged, or of a form that cv2 lacks; copy it again or save it anew")
    return np.asarray(pixels, np.uint8)


def refusal(data: bytes) -> str | None:
    """Why a file is not given to the decoder; None when it is. cv2 goes by the content, whatever the name says, and
    knows more kinds than these, some of which take minutes over a few bytes."""
    if data.startswith(JPEG_START):
        end = _jpeg_end(data)
        if end is not None and data.count(bytes([0xFF, JPEG_SCAN]), 0, end) > MAX_SCANS:
            return f"a JPEG of more than {MAX_SCANS} scans; save it anew"
        complete = end is not None
    elif data.startswith(PNG_START):
        complete = _png_ends(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        complete = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    elif data.startswith(b"BM"):
        complete = len(data) >= int.from_bytes(data[2:6], "little")
    elif data.startswith(TIFF_STARTS):
        complete = True  # cv2 refuses one that is not
    elif not data:
        return "empty (0 bytes)"
    else:
        return f"no image cv2 can decode; expected {KINDS}"
    return None if complete else f"cut short or damaged ({len(data)} bytes); copy it again"


def _jpeg_end(data: bytes) -> int | None:
    """Where the image ends; None when it does not.

    The segments are walked to the scan, so that the end of a thumbnail in the header is not taken for the end.
    Inside a scan every 0xFF byte of data is followed by 0x00, so the first FFD9 is the end of the image.
    """
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            return None
        if data[place + 1] == 0xFF:  # fill byte
            place += 1
        elif data[place + 1] == JPEG_SCAN:
            end = data.find(JPEG_END, place)
            return None if end == -1 else end
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _png_ends(data: bytes) -> bool:
    """Walk the chunks to IEND, checking each CRC: a damaged chunk would decode to a half empty picture."""
    place, view = len(PNG_START), memoryview(data)  # no copy of a chunk that is the whole file
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = view[place + 4 : place + 8 + length]
        stated = data[place + 8 + length : place + 12 + length]
        if stated != zlib.crc32(body).to_bytes(4, "big"):
            return False
        if bytes(body[:4]) == b"IEND":
            return True
        place += 12 + length
    return False
