"""Whether anything moves. If nothing moves and nobody is known to be there, the finder can be skipped."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image

SIDE = 64  # pixels of the thumbnail that is compared
STEP = 12.0  # grey levels, 0–255: a pixel that differs more from the background has changed; noise is smaller
SHARE = 0.001  # of the thumbnail's pixels that must change: 5 of 4,096. A face of 20×24 pixels in 640×480 covers 2×3
LEARN = 0.1  # weight of the newest frame in the background, which follows a change of light in a second or two
AWAKE = 2.0  # seconds after the last movement in which the finder still runs
LOOK = 5.0  # seconds after which the finder runs on one frame even if nothing moves


class MotionGate:
    """Compares each frame with a slowly changing background. About 0.1 ms for 640×480 pixels on x86-64."""

    def __init__(self) -> None:
        self._background: NDArray[np.float32] | None = None
        self._moved = -np.inf  # seconds
        self._looked = -np.inf  # seconds

    def open(self, image: Image, time: float, somebody: bool) -> bool:
        """Whether the finder should run on this frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            time: of the frame, seconds.
            somebody: whether people are known to be there; then it always should.
        """
        if self._changed(image):
            self._moved = time
        if not (somebody or time - self._moved <= AWAKE or time - self._looked >= LOOK):
            return False
        self._looked = time
        return True

    def _changed(self, image: Image) -> bool:
        step = max(1, min(image.shape[:2]) // (4 * SIDE))  # averaging all pixels would take a millisecond
        small = cv2.resize(np.ascontiguousarray(image[::step, ::step, 1]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        thumbnail = small.astype(np.float32)
        if self._background is None:
            self._background = thumbnail
            return True
        difference = np.abs(thumbnail - self._background)
        self._background += LEARN * (thumbnail - self._background)
        return bool((difference > STEP).mean() > SHARE)
