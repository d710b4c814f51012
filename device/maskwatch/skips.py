"""Frames that raise when they are looked at: skipped, counted, told once; too many in a row are the end."""

from __future__ import annotations

import logging
import math
import traceback
from pathlib import Path

import numpy as np

from maskwatch.errors import MaskwatchError
from maskwatch.flow import Image

logger = logging.getLogger(__name__)
BLIND = 3  # frames in a row that raised: from then on the unit counts as one that cannot see
GIVE_UP = 30  # frames in a row that raised: the next one will, too; a new start may help
OVER = 10.0  # seconds of the frames without a failure, then an episode is over


class Skips:
    """What became of the frames so far."""

    def __init__(self) -> None:
        self.blind: str | None = None  # why the unit cannot see; None: it can
        self._in_row = 0
        self._skipped = 0  # in this episode
        self._newest = -math.inf  # seconds, of the newest frame that raised

    def failed(self, error: Exception, time: float) -> None:
        """A frame raised.

        Args:
            error: what it raised.
            time: seconds, of the frame.

        Raises:
            MaskwatchError: it was the GIVE_UP-th in a row; the error itself, if it is one.
        """
        reason = told(error)
        if not self._skipped:
            logger.error("a frame cannot be looked at and is skipped: %s", reason, exc_info=_details(error))
        self._in_row, self._skipped, self._newest = self._in_row + 1, self._skipped + 1, time
        if self._in_row >= BLIND:
            self.blind = self.blind or f"frames cannot be looked at: {reason}"
        if self._in_row < GIVE_UP:
            return
        if isinstance(error, MaskwatchError):
            raise error
        raise MaskwatchError(f"{GIVE_UP} frames in a row cannot be looked at: {reason}") from error

    def went_well(self, time: float) -> None:
        """A frame at that time, in seconds, was looked at."""
        self._in_row, self.blind = 0, None
        if self._skipped and time - self._newest >= OVER:
            logger.warning("every frame can be looked at again; %d were skipped", self._skipped)
            self._skipped = 0


def required(image: Image) -> None:
    """
    Raises:
        ValueError: it is no picture that the device looks at.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"a frame of shape {image.shape}, {image.dtype}; expected (height, width, 3), uint8")


def told(error: Exception) -> str:
    """An exception in one line, and where it was raised."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, MaskwatchError) or error.__traceback__ is None:
        return text
    *_, place = traceback.extract_tb(error.__traceback__)
    return f"{text} ({Path(place.filename).name}:{place.lineno})"


def _details(error: Exception) -> Exception | None:
    """The traceback, for who asked for details."""
    return error if logger.isEnabledFor(logging.DEBUG) else None
