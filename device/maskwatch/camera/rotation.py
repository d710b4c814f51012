"""For a camera mounted on its side or upside down: makes its frames upright."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from maskwatch.flow import Image

CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
Turn = Callable[[Image], Image]


def unturned(image: Image) -> Image:
    """The image itself."""
    return image


def by(rotation: int) -> Turn:
    """How a source turns the frames that are read; frames that are never read cost nothing.

    Measured on one x86-64 core with 1280x720 pixels: 0.3 ms for 180 degrees, 1.2 ms for 90 or 270. Not measured on a
    Pi.

    Args:
        rotation: degrees clockwise: 0, 90, 180 or 270.
    """
    return partial(_turned, CODES[rotation]) if rotation else unturned


def _turned(code: int, image: Image) -> Image:
    return np.asarray(cv2.rotate(image, code), np.uint8)
