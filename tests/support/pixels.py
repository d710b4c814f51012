"""Hashes of drawn pictures after each step of the device's preprocess: the same on every processor.

`python tests/support/pixels.py` prints them; pixels.json beside it has them. x86-64 and aarch64 (OpenCV 5.0.0.93 and
4.11.0.86, in QEMU's user mode) gave the same: docs/emulated-pi/pixels.txt. Only change it with a new
preprocess.VERSION.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from maskwatch.camera.pixels import squared
from maskwatch.flow import Box, Image
from maskwatch.vision import preprocess

EXPECTED = Path(__file__).with_name("pixels.json")
EVEN = ((1280, 720), (1920, 1080), (640, 480), (64, 64))  # width, height, pixels
ODD = ((1279, 719), (641, 361), (321, 320), (97, 131), (2, 3), (1, 1))
TARGETS = ((320, 180), (320, 240), (128, 128), (160, 90), (33, 47))
INPUTS = (320, 512, 96)  # pixels, sides of a finder's input
FACES = (Box(10, 20, 90, 130), Box(-30, -10, 61, 77.5), Box(30.4, 12.6, 31, 13), Box(5, 5, 400, 500))
CROP = 128  # pixels
ASPECTS = (16 / 15, 64 / 45, 8 / 9)  # of pixels: PAL, PAL wide, NTSC


def drawn(width: int, height: int) -> Image:
    """Fine detail, edges and ramps, (height, width, 3) uint8; made with integers alone."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    planes = [(x * 7 + y * 13 + (x * y) % 251 + 40 * ((x // 9 + y // 5) % 2) + 29 * c * x // 8) % 256 for c in range(3)]
    return np.stack(planes, axis=2).astype(np.uint8)


def hashes() -> dict[str, str]:
    """The hash of each picture after each step."""
    found = {}
    for width, height in (*EVEN, *ODD):
        image, name = drawn(width, height), f"{width}x{height}"
        for across, down in TARGETS:
            found[f"resize {name} to {across}x{down}"] = digest(preprocess.resize(image, across, down))
        for size in INPUTS:
            pixels, placement = preprocess.letterbox(image, size)
            found[f"letterbox {name} in {size}"] = f"{digest(pixels)} {placement.left} {placement.top}"
        for aspect in ASPECTS if min(width, height) >= 64 else ():
            found[f"squared {name} by {aspect:.3f}"] = digest(squared(image, aspect))
        for number, box in enumerate(FACES):
            found[f"face {number} of {name}"] = digest(preprocess.face_crop(image, box, CROP))
    return found


def digest(image: Image) -> str:
    """Of shape and pixels."""
    return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()[:20]


if __name__ == "__main__":
    json.dump({"version": preprocess.VERSION, "pixels": hashes()}, sys.stdout, indent=1)
    print()
