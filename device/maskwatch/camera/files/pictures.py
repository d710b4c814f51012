"""One image file -> RGB pixels, or a clear refusal.

cv2 decodes a JPEG that is cut short to a half grey picture and only prints a warning on stderr. So the end of the file
is checked before anything is decoded. The decoder applies the EXIF orientation.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.system import regular_file
from maskwatch.system.library_chatter import mute_cv2
from maskwatch.text.printable import one_line

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff"})
KINDS = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
MAX_BYTES = 100_000_000  # of a file, which is read into memory as a whole
# Scans of a JPEG; a progressive one has about ten. A scan needs only 75 bytes, and takes 0.1 s at 50 million pixels.
MAX_SCANS = 100

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8\xff", 0xDA, b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n"
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(path: Path) -> Image:
    """The picture as (H, W, 3) uint8 RGB, turned upright.

    Raises:
        SourceError: the file is missing, not a regular file, not an image, cut short, damaged or too large.
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
    """Whether a file of this name is used as a picture. macOS creates a ._ file beside each file on a USB stick."""
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and (dot + suffix).lower() in SUFFIXES and not name.startswith("._")


def decode(name: str, data: bytes) -> Image:
    """An image file's bytes as (H, W, 3) uint8 RGB, turned upright.

    Args:
        name: for messages.
        data: the whole file.

    Raises:
        SourceError: it is not an image, is cut short or damaged, has too many pixels, or cv2 cannot decode it.
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
        raise SourceError(
            f"{name}: cut short, damaged, or in a format that cv2 cannot decode; copy it again or save it again"
        )
    return np.asarray(pixels, np.uint8)


def refusal(data: bytes) -> str | None:
    """Why a file is not given to the decoder; None when it is.

    cv2 goes by the content, not by the file's name, and decodes more kinds than these. Some of them take minutes for a
    few bytes, so only the kinds in KINDS are let through.
    """
    if data.startswith(JPEG_START):
        end = _jpeg_end(data)
        if end is not None and data.count(bytes([0xFF, JPEG_SCAN]), 0, end) > MAX_SCANS:
            return f"a JPEG of more than {MAX_SCANS} scans; save it again"
        complete = end is not None
    elif data.startswith(PNG_START):
        complete = _png_ends(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        complete = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    elif data.startswith(b"BM"):
        complete = len(data) >= int.from_bytes(data[2:6], "little")
    elif data.startswith(TIFF_STARTS):
        complete = True  # cv2 itself refuses an incomplete one
    elif not data:
        return "empty (0 bytes)"
    else:
        return f"not an image that cv2 can decode; expected {KINDS}"
    return None if complete else f"cut short or damaged ({len(data)} bytes); copy it again"


def _jpeg_end(data: bytes) -> int | None:
    """The offset of the image's end marker in bytes; None when there is none.

    The segments are skipped up to the scan, so that the end of a thumbnail in the header is not mistaken for the end.
    Inside a scan each data byte 0xFF is followed by 0x00, so the first FFD9 is the end of the image.
    """
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
        elif data[at + 1] == JPEG_SCAN:
            end = data.find(JPEG_END, at)
            return None if end == -1 else end
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _png_ends(data: bytes) -> bool:
    """Whether all chunks up to IEND have the right CRC; a damaged chunk would decode to a half empty picture."""
    at, view = len(PNG_START), memoryview(data)  # without a copy: one chunk may be nearly the whole file
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = view[at + 4 : at + 8 + length]
        stated = data[at + 8 + length : at + 12 + length]
        if stated != zlib.crc32(body).to_bytes(4, "big"):
            return False
        if bytes(body[:4]) == b"IEND":
            return True
        at += 12 + length
    return False
