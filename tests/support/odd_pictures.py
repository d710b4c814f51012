"""Drawn pictures of every kind, damaged in seeded ways, and the cost of reading them.

`python tests/support/odd_pictures.py 20000` tries more of them than the tests do, and prints the figures.
"""

from __future__ import annotations

import random
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from maskwatch.camera.files import pictures
from maskwatch.errors import SourceError

PROGRESSIVE = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
LOSSLESS = [cv2.IMWRITE_WEBP_QUALITY, 101]
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def drawn() -> list[bytes]:
    """Complete files: each kind, 8 and 16 bits, grey, with alpha, and a JPEG that EXIF turns."""
    rng = np.random.default_rng(0)
    colour = np.clip(rng.normal(120, 40, (48, 64, 3)), 0, 255).astype(np.uint8)
    kinds = [(".jpg", []), (".jpg", PROGRESSIVE), (".png", []), (".bmp", []), (".webp", []), (".webp", LOSSLESS)]
    kinds += [(".tif", [cv2.IMWRITE_TIFF_COMPRESSION, scheme]) for scheme in (1, 5, 8)]
    files = [cv2.imencode(suffix, colour, options)[1].tobytes() for suffix, options in kinds]
    alpha = np.dstack([colour, colour[..., :1]])
    for image in (colour[..., 0], alpha, colour.astype(np.uint16) * 256):
        files += [cv2.imencode(suffix, image)[1].tobytes() for suffix in (".png", ".tif")]
    return [*files, turned(files[0])]


def turned(jpeg: bytes) -> bytes:
    """The JPEG with EXIF that says: turn right."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"  # orientation, short, 1, turn right
    exif = b"Exif\0\0II*\0\x08\0\0\0" + b"\x01\x00" + entry + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def damaged(data: bytes, dice: random.Random) -> bytes:
    """The file with one to eight faults, most of them near its start, where the sizes are."""
    content = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        place = dice.randrange(min(len(content), dice.choice((64, 512, len(content)))) or 1)
        match dice.randrange(12):
            case 0 | 1 | 2:
                content[place : place + 1] = dice.randbytes(1)
            case 3 | 4 | 5 | 6:
                order = dice.choice("<>") + dice.choice("HI")
                number = dice.choice(NUMBERS) & (0xFFFF if order[1] == "H" else 0xFFFFFFFF)
                content[place : place + struct.calcsize(order)] = struct.pack(order, number)
            case 7:
                del content[place : place + dice.randint(1, 40)]
            case 8:
                content[place:place] = dice.randbytes(dice.randint(1, 40))
            case 9 | 10:
                content[place:place] = content[place : place + dice.randint(1, 200)]
            case _:
                content = content[: dice.randint(1, len(content) or 1)]
    return mended(bytes(content))


def mended(data: bytes) -> bytes:
    """A PNG with corrected checksums, so that the damage reaches the decoder."""
    if not data.startswith(pictures.PNG_START):
        return data
    content, place = bytearray(data), len(pictures.PNG_START)
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        content[end : end + 4] = zlib.crc32(content[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(content)


def try_all(number: int, seed: int = 0) -> dict[str, float]:
    """Read so many damaged pictures; raises whatever is neither a picture nor a SourceError."""
    dice, whole, counts = random.Random(seed), drawn(), Counter[str]()
    slowest, before = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.jpg"
        for _ in range(number):
            path.write_bytes(damaged(dice.choice(whole), dice))
            start = time.perf_counter()
            try:
                image = pictures.read(path)
            except SourceError as error:
                counts["unprintable"] += not str(error).isprintable()
                counts["refused"] += 1
            else:
                assert image.dtype == np.uint8
                assert image.ndim == 3
                assert image.shape[2] == 3
                counts["read"] += 1
            slowest = max(slowest, time.perf_counter() - start)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {**counts, "slowest_s": round(slowest, 3), "memory_mb": round(memory)}


if __name__ == "__main__":
    print(try_all(int(sys.argv[1]), *map(int, sys.argv[2:])))
