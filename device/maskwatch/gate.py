"""Does anything move? Where nobody is known to be there and nothing moves, no face need be looked for."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image

SIDE = 64  # pixels of the thumbnail that is compared
STEP = 12.0  # grey levels, 0–255: a pixel that differs more from the background has changed; noise averages out below
SHARE = 0.001  # of the thumbnail's pixels: 5 of 4,096, a face of 2×3, which at 640×480 is one of 20×24
LEARN = 0.1  # weight of the newest picture in the background: a change of light is forgotten in a second or two
AWAKE = 2.0  # seconds that faces are still looked for after the last movement
LOOK = 5.0  # seconds after which one frame is looked at whatever moves


class MotionGate:
    """Compares each frame with a background that follows slowly. About 0.1 ms for 640×480 on x86-64."""

    def __init__(self) -> None:
        self._background: NDArray[np.float32] | None = None
        self._moved = -np.inf  # seconds
        self._looked = -np.inf  # seconds

    def open(self, image: Image, time: float, somebody: bool) -> bool:
        """Whether to look for faces in this frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            time: of the frame, seconds.
            somebody: whether people are known to be there: then always.
        """
        if self._changed(image):
            self._moved = time
        if not (somebody or time - self._moved <= AWAKE or time - self._looked >= LOOK):
            return False
        self._looked = time
        return True

    def _changed(self, image: Image) -> bool:
        step = max(1, min(image.shape[:2]) // (4 * SIDE))  # an area filter over every pixel would cost a millisecond
        small = cv2.resize(np.ascontiguousarray(image[::step, ::step, 1]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        thumbnail = small.astype(np.float32)
        if self._background is None:
            self._background = thumbnail
            return True
        difference = np.abs(thumbnail - self._background)
        self._background += LEARN * (thumbnail - self._background)
        return bool((difference > STEP).mean() > SHARE)
