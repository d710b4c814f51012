"""Frames whose processing raises: they are skipped, counted and logged once; too many in a row end the daemon."""

from __future__ import annotations

import logging
import math
import traceback
from pathlib import Path

import numpy as np

from maskwatch.errors import MaskwatchError
from maskwatch.flow import Image

logger = logging.getLogger(__name__)
BLIND = 3  # failed frames in a row after which the unit counts as blind
GIVE_UP = 30  # failed frames in a row after which the daemon ends: the next one would fail too, a new start may help
OVER = 10.0  # seconds, by the frames' times, without a failure after which an episode is over


class Skips:
    """Counts the failed frames of one episode."""

    def __init__(self) -> None:
        self.blind: str | None = None  # why the unit cannot see; None: it sees
        self._in_row = 0
        self._skipped = 0  # in this episode
        self._newest = -math.inf  # seconds, of the newest frame that raised

    def failed(self, error: Exception, time: float) -> None:
        """The processing of a frame raised.

        Args:
            error: what it raised.
            time: seconds, of the frame.

        Raises:
            MaskwatchError: it was the GIVE_UP-th in a row. `error` itself is raised if it is a MaskwatchError.
        """
        reason = description(error)
        if not self._skipped:
            logger.error("a frame cannot be processed and is skipped: %s", reason, exc_info=_details(error))
        self._in_row, self._skipped, self._newest = self._in_row + 1, self._skipped + 1, time
        if self._in_row >= BLIND:
            self.blind = self.blind or f"frames cannot be processed: {reason}"
        if self._in_row < GIVE_UP:
            return
        if isinstance(error, MaskwatchError):
            raise error
        raise MaskwatchError(f"{GIVE_UP} frames in a row cannot be processed: {reason}") from error

    def went_well(self, time: float) -> None:
        """The frame at `time`, in seconds, was processed."""
        self._in_row, self.blind = 0, None
        if self._skipped and time - self._newest >= OVER:
            logger.warning("all frames can be processed again; %d were skipped", self._skipped)
            self._skipped = 0


def required(image: Image) -> None:
    """Check that an image is (H, W, 3) uint8 and not empty.

    Raises:
        ValueError: it is not.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"a frame of shape {image.shape}, {image.dtype}; expected (height, width, 3), uint8")


def description(error: Exception) -> str:
    """An exception in one line, with the file and line where it was raised."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, MaskwatchError) or error.__traceback__ is None:
        return text
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{text} ({Path(last.filename).name}:{last.lineno})"


def _details(error: Exception) -> Exception | None:
    """The error, for its traceback, if the log level is debug."""
    return error if logger.isEnabledFor(logging.DEBUG) else None
