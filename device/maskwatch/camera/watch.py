"""What a live camera's pictures tell of the camera itself: frozen, of another size, or dark. No clock, no device."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from maskwatch.flow import Image

SAMPLE = (160, 90)  # width, height: the pixels of a frame that are looked at
BLOCKS = (16, 9)  # columns, rows a sample is averaged to: 100 pixels each, so noise falls to a tenth
BLACK = 12.0  # 0-255: no block of a black picture is brighter
FLAT = 1.5  # 0-255: standard deviation of a featureless picture's blocks


STALE = 600.0  # seconds of dark frames alike to the last byte, then the camera is to be opened again


class Sight(Enum):
    """What is wrong with the pictures, worst first."""

    FROZEN = "frozen"
    RESIZED = "resized"
    STALE = "stale"
    DARK = "dark"


class Watch:
    """Looks at each frame in turn; frames and times come from outside.

    A look costs 0.4 of what a linear resize of the frame to 320x180 does, 0.18 ms of 1280x720 on one x86-64 core, and
    three times that only while frames are alike.

    Frozen is told by bytes: a lit sensor's noise never repeats, so frames alike to the last byte are one frame
    delivered again and again. What it cannot tell: a video encoder may repeat a motionless scene exactly until its next
    key frame, so `frozen` must be longer than the time between a network camera's key frames.

    Only a lit picture can be frozen: a camera that cuts off its noise gives the same black frame all night.
    But a camera that froze in the dark would stay black when the light comes back. So dark frames alike for ten minutes
    are stale: the camera is to be opened again, once in ten minutes, and that is no failure of it.

    Dark is told from means of 16×9 blocks, where noise is small: black, when not even the brightest block reaches 12
    of 255, or featureless, when their standard deviation is below 1.5: a cap, a hand, tape, fog on the glass, or a
    light shining right in. A dim hall has a door, a wall and a floor of different brightness and passes. What it
    cannot tell: a covered lens from a room without any light (nobody can be seen in either), and a lens covered by
    halves, or by something thin enough to show shapes, from a free one. Noise beyond a standard deviation of about
    20 of 255 hides that a picture is featureless.
    """

    def __init__(self, frozen: float, dark: float) -> None:
        """
        Args:
            frozen: seconds of identical frames that are too many; 0: never.
            dark: seconds of dark frames that are too many; 0: never.
        """
        self._frozen, self._dark = frozen, dark
        self._last: Image | None = None
        self._sample: Image | None = None
        self._size: tuple[int, int] | None = None  # width, height
        self._same_since: float | None = None
        self._dark_since: float | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels that frames have had since the camera was opened; None before the first."""
        return self._size

    def reopened(self) -> None:
        """The camera was opened anew: another size is no surprise, but the same old picture still is."""
        self._size = None

    def look(self, image: Image, time: float) -> Sight | None:
        """Judge the next frame.

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
            return Sight.FROZEN
        if size != self._size:
            return Sight.RESIZED
        if dark and self._frozen > 0 and _lasts(self._same_since, time, STALE):
            self._same_since = time  # the next ten minutes begin
            return Sight.STALE
        return Sight.DARK if _lasts(self._dark_since, time, self._dark) else None

    def _same(self, image: Image, sample: Image) -> bool:
        """Byte by byte; the samples differ at once in all but a frozen camera's frames, which saves the long look."""
        if self._last is None or self._sample is None or self._last.shape != image.shape:
            return False
        return np.array_equal(self._sample, sample) and np.array_equal(self._last, image)


def is_dark(sample: Image) -> bool:
    """Whether a (90, 160, 3) sample is black or featureless: see Watch."""
    blocks = np.asarray(cv2.resize(sample, BLOCKS, interpolation=cv2.INTER_AREA), np.float32).mean(axis=2)
    return bool(blocks.max() < BLACK or blocks.std() < FLAT)


def _lasts(since: float | None, time: float, limit: float) -> bool:
    return limit > 0 and since is not None and time - since >= limit
