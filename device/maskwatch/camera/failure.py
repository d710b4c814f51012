"""Decides when a live camera has failed, logs why, and gives it up after a while.

The module reads no clock: each call is given the time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from maskwatch.errors import SourceError

logger = logging.getLogger(__name__)

REOPENED_AFTER = 2.0  # times `stall`: how long a driver waits for a frame before the camera is opened again
SLOW_FACTOR = 2.0  # times the usual interval: how long a slow camera may take for its next frame


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """How long each kind of failure may last, in seconds. The values come from config.CameraSettings."""

    stall: float  # without a frame
    frozen: float = 0.0  # with the same picture; 0: not checked
    dark: float = 0.0  # with black or featureless pictures; 0: not checked
    give_up: float = 120.0  # failed, until the camera is given up; 0: never


@dataclass(frozen=True, slots=True)
class CameraState:
    """What the capture thread knows about the camera at one moment."""

    fault: str | None  # why the last opening failed; None once a good frame comes
    covered: bool  # whether the pictures are black or featureless
    last: float  # seconds, when the last frame came
    interval: float | None  # seconds, the longest of the last few intervals between frames; None: no frame yet


class FailureDetector:
    """Decides what is wrong with a camera now. It logs each reason once, and also when the trouble is over."""

    def __init__(self, name: str, limits: FailureLimits, now: float) -> None:
        """
        Args:
            name: for messages.
            limits: how long each kind of failure may last.
            now: seconds, on the same clock as all times given later.
        """
        self._name, self._limits = name, limits
        self.trouble: str | None = None  # what is wrong now, for messages; None: nothing
        self._logged: set[str] = set()  # the reasons logged since the trouble began
        self._trouble_since = now
        self._failed_since: float | None = None  # when the failure began; short recoveries do not end it
        self._recovering_since: float | None = None  # when the first frame after the failure came

    def update(self, state: CameraState, now: float) -> None:
        """Update `trouble`.

        Raises:
            SourceError: the camera failed for `give_up` seconds.
        """
        failure = self._failure(state, now)
        covered = f"covered: black or featureless for {self._limits.dark:g} s" if state.covered else None
        self._log(failure or covered, now)
        if failure is None:
            self._frame_came(state.last)
            return
        self._recovering_since = None
        if self._failed_since is None:
            self._failed_since = now
        if 0 < self._limits.give_up <= now - self._failed_since:
            raise SourceError(f"{self._name}: {failure}; given up after {self._limits.give_up:g} s")

    def _failure(self, state: CameraState, now: float) -> str | None:
        if state.fault is not None:
            return state.fault
        limit = self._longest_interval(state.interval)
        return f"no frame for {limit:g} s" if now - state.last > limit else None

    def _longest_interval(self, usual: float | None) -> float:
        """Seconds without a frame that are allowed. A camera that gives a frame every five seconds is slow, not
        failed."""
        stall = self._limits.stall
        if usual is None:
            return stall
        return min(max(stall, SLOW_FACTOR * usual), REOPENED_AFTER * stall)

    def _frame_came(self, last: float) -> None:
        """The failure is over when the camera has given frames for `stall` seconds. If one frame were enough, a camera
        that gives a single frame after each opening would never be given up."""
        if self._recovering_since is None:
            self._recovering_since = last
        if last - self._recovering_since >= self._limits.stall:
            self._failed_since = None

    def _log(self, trouble: str | None, now: float) -> None:
        """Log a new trouble, or that it is over, and store it."""
        if trouble is None and self.trouble is not None:
            logger.info("%s: sees again, after %.0f s", self._name, now - self._trouble_since)
        if trouble is not None and self.trouble is None:
            self._trouble_since, self._logged = now, set()
        if trouble is not None and trouble not in self._logged:
            self._logged.add(trouble)
            logger.warning("%s: %s", self._name, trouble)
        self.trouble = trouble
