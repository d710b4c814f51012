"""When a live camera counts as failed, what the log says about it, and when it is given up.

It has no clock: each call is given the time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from maskwatch.errors import SourceError

logger = logging.getLogger(__name__)

REOPENED_AFTER = 2.0  # times `stall`: how long a driver waits for a frame before the camera is opened again
SLOWER = 2.0  # times the usual interval: how long a slow camera may take for its next frame


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each kind of failure may last, seconds. See config.CameraSettings."""

    stall: float
    frozen: float = 0.0  # 0: not checked
    dark: float = 0.0  # 0: not checked
    give_up: float = 120.0  # 0: never


@dataclass(frozen=True, slots=True)
class CameraState:
    """What the capture thread knows about the camera at one moment."""

    fault: str | None  # why the last opening failed; None once a good frame comes
    covered: bool
    last: float  # seconds, when the last frame came
    interval: float | None  # seconds, the longest of the last few between two frames; None: no frame yet


class Judgement:
    """Decides what is wrong with a camera now. It logs each reason once, and once more when the trouble is over."""

    def __init__(self, name: str, patience: Patience, now: float) -> None:
        """
        Args:
            name: for messages.
            patience: how long each kind of failure may last.
            now: seconds, on the same clock as all times given later.
        """
        self._name, self._patience = name, patience
        self.trouble: str | None = None
        self._said: set[str] = set()
        self._trouble_since = now
        self._failed_since: float | None = None  # since when the camera fails; short recoveries do not end it
        self._recovering_since: float | None = None  # when the first frame of this recovery came

    def judge(self, state: CameraState, now: float) -> None:
        """Bring `trouble` up to date.

        Raises:
            SourceError: the camera failed for `give_up` seconds.
        """
        failure = self._failure(state, now)
        covered = f"covered: black or featureless for {self._patience.dark:g} s" if state.covered else None
        self._say(failure or covered, now)
        if failure is None:
            self._frame_came(state.last)
            return
        self._recovering_since = None
        if self._failed_since is None:
            self._failed_since = now
        if 0 < self._patience.give_up <= now - self._failed_since:
            raise SourceError(f"{self._name}: {failure}; given up after {self._patience.give_up:g} s")

    def _failure(self, state: CameraState, now: float) -> str | None:
        if state.fault is not None:
            return state.fault
        limit = self._limit(state.interval)
        return f"no frame for {limit:g} s" if now - state.last > limit else None

    def _limit(self, interval: float | None) -> float:
        """Seconds without a frame that are allowed. A camera that gives a frame every five seconds is slow, not
        failed."""
        if interval is None:
            return self._patience.stall
        return min(max(self._patience.stall, SLOWER * interval), REOPENED_AFTER * self._patience.stall)

    def _frame_came(self, last: float) -> None:
        """A camera must give frames for `stall` seconds before its failure counts as over. Otherwise one that gives a
        single frame after each opening would never be given up."""
        if self._recovering_since is None:
            self._recovering_since = last
        if last - self._recovering_since >= self._patience.stall:
            self._failed_since = None

    def _say(self, trouble: str | None, now: float) -> None:
        if trouble is None and self.trouble is not None:
            logger.info("%s: sees again, after %.0f s", self._name, now - self._trouble_since)
        if trouble is not None and self.trouble is None:
            self._trouble_since, self._said = now, set()
        if trouble is not None and trouble not in self._said:
            self._said.add(trouble)
            logger.warning("%s: %s", self._name, trouble)
        self.trouble = trouble
