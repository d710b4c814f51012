"""What a live camera's pictures say about the camera: frozen, of another size, or dark. It has no clock and no
device."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from maskwatch.flow import Image

SAMPLE = (160, 90)  # width, height: how many pixels of a frame are checked
BLOCKS = (16, 9)  # columns, rows of blocks whose mean is taken: 100 pixels each, which divides noise by ten
BLACK = 12.0  # 0-255: no block of a black picture is brighter
FLAT = 1.5  # 0-255: standard deviation of a featureless picture's blocks

STALE = 600.0  # seconds of identical dark frames, after which the camera is opened again


class PictureFault(Enum):
    """What is wrong with the pictures, worst first."""

    FROZEN = "frozen"
    RESIZED = "resized"
    STALE = "stale"
    DARK = "dark"


class PictureHealth:
    """Checks each frame in turn.

    One check costs 0.4 times a linear resize of the frame to 320x180: 0.18 ms for 1280x720 on one x86-64 core. It
    costs three times that while frames are identical.

    Frozen: the frames are identical byte by byte. The noise of a lit sensor never repeats, so identical frames are one
    frame delivered again and again. Limit: a video encoder may repeat a motionless scene exactly until its next key
    frame, so `frozen` must be longer than the time between two key frames of a network camera.

    Only a lit picture counts as frozen, because a camera that removes noise gives the same black frame all night. But a
    camera that froze in the dark would stay black when the light comes back. So dark frames that are identical for
    STALE seconds make the camera open again. This does not count as a failure.

    Dark: judged by the means of 16×9 blocks, which contain little noise. The picture is black if no block is brighter
    than 12 of 255, or featureless if the blocks' standard deviation is below 1.5. Causes are a cap, a hand, tape, fog
    on the glass, or a light shining into the lens. A dim hall passes: its door, wall and floor differ in brightness.
    Limits: a covered lens looks like a room without any light. A lens that is half covered, or covered by something
    thin, passes. Noise with a standard deviation above about 20 of 255 hides that a picture is featureless.
    """

    def __init__(self, frozen: float, dark: float) -> None:
        """
        Args:
            frozen: seconds of identical frames that count as frozen; 0: not checked.
            dark: seconds of dark frames that count as dark; 0: not checked.
        """
        self._frozen, self._dark = frozen, dark
        self._last: Image | None = None
        self._sample: Image | None = None
        self._size: tuple[int, int] | None = None  # width, height
        self._same_since: float | None = None
        self._dark_since: float | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels of the first frame since the camera was opened; None before it."""
        return self._size

    def reopened(self) -> None:
        """The camera was opened again: its frames may have another size. Whether they are frozen is still checked."""
        self._size = None

    def look(self, image: Image, time: float) -> PictureFault | None:
        """Check the next frame; None: it is good.

        Args:
            image: (H, W, 3) uint8; nobody may write to it afterwards.
            time: seconds, never before the last frame's.
        """
        size = (image.shape[1], image.shape[0])
        self._size = self._size or size
        sample = np.asarray(cv2.resize(image, SAMPLE, interpolation=cv2.INTER_NEAREST), np.uint8)
        if not self._same(image, sample):
            self._same_since = time
        self._last, self._sample = image, sample
        dark = is_dark(sample)
        if not dark:
            self._dark_since = None
        elif self._dark_since is None:
            self._dark_since = time
        if not dark and _lasts(self._same_since, time, self._frozen):
            return PictureFault.FROZEN
        if size != self._size:
            return PictureFault.RESIZED
        if dark and self._frozen > 0 and _lasts(self._same_since, time, STALE):
            self._same_since = time  # the next ten minutes begin
            return PictureFault.STALE
        return PictureFault.DARK if _lasts(self._dark_since, time, self._dark) else None

    def _same(self, image: Image, sample: Image) -> bool:
        """Whether two frames are identical. The samples are compared first: they differ unless the camera is frozen, so
        the whole frames are rarely compared."""
        if self._last is None or self._sample is None or self._last.shape != image.shape:
            return False
        return np.array_equal(self._sample, sample) and np.array_equal(self._last, image)


def is_dark(sample: Image) -> bool:
    """Whether a (90, 160, 3) uint8 RGB sample is black or featureless; see PictureHealth."""
    blocks = np.asarray(cv2.resize(sample, BLOCKS, interpolation=cv2.INTER_AREA), np.float32).mean(axis=2)
    return bool(blocks.max() < BLACK or blocks.std() < FLAT)


def _lasts(since: float | None, time: float, limit: float) -> bool:
    return limit > 0 and since is not None and time - since >= limit
