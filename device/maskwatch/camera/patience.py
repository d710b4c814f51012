"""When a live camera counts as blind, what is said of it, and when it is given up. Time is data here: no clock."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from maskwatch.errors import SourceError

logger = logging.getLogger(__name__)

REOPENED_AFTER = 2.0  # times `stall`: so long a driver waits for a frame; then the camera is opened again
SLOWER = 2.0  # times the time between two frames that a camera of few frames may take for the next one


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each failing may last, seconds. See config.CameraSettings."""

    stall: float
    frozen: float = 0.0  # 0: never looked for
    dark: float = 0.0  # 0: never looked for
    give_up: float = 120.0  # 0: never


@dataclass(frozen=True, slots=True)
class State:
    """What the capturing thread has seen of the camera so far."""

    fault: str | None  # why the last opening failed, until a good frame comes
    covered: bool
    last: float  # seconds, when the last frame came
    interval: float | None  # seconds between two frames lately; None: fewer than two came since the opening


class Judgement:
    """What is wrong with a camera now. A line in the log for each reason, once, and one when it is over."""

    def __init__(self, name: str, patience: Patience, now: float) -> None:
        """
        Args:
            name: for messages.
            patience: see there.
            now: seconds, as all other times here.
        """
        self._name, self._patience = name, patience
        self.trouble: str | None = None
        self._said: set[str] = set()
        self._trouble_since = now
        self._blind_since: float | None = None  # since when there are no frames, but for a short spell
        self._sight_since: float | None = None  # when the first frame of this spell came

    def judge(self, state: State, now: float) -> None:
        """Bring `trouble` up to date.

        Raises:
            SourceError: the camera could not be had for `give_up` seconds.
        """
        blind = self._blind(state, now)
        covered = f"covered: black or featureless for {self._patience.dark:g} s" if state.covered else None
        self._say(blind or covered, now)
        if blind is None:
            self._sees(state.last)
            return
        self._sight_since = None
        if self._blind_since is None:
            self._blind_since = now
        if 0 < self._patience.give_up <= now - self._blind_since:
            raise SourceError(f"{self._name}: {blind}; given up after {self._patience.give_up:g} s")

    def _blind(self, state: State, now: float) -> str | None:
        if state.fault is not None:
            return state.fault
        limit = self._limit(state.interval)
        return f"no frame for {limit:g} s" if now - state.last > limit else None

    def _limit(self, interval: float | None) -> float:
        """A camera that gives a frame in five seconds is slow, and well."""
        if interval is None:
            return self._patience.stall
        return min(max(self._patience.stall, SLOWER * interval), REOPENED_AFTER * self._patience.stall)

    def _sees(self, last: float) -> None:
        """One frame an opening is no sight: a camera has to see for `stall` seconds to be given its time anew."""
        if self._sight_since is None:
            self._sight_since = last
        if last - self._sight_since >= self._patience.stall:
            self._blind_since = None

    def _say(self, trouble: str | None, now: float) -> None:
        if trouble is None and self.trouble is not None:
            logger.info("%s: sees again, after %.0f s", self._name, now - self._trouble_since)
        if trouble is not None and self.trouble is None:
            self._trouble_since, self._said = now, set()
        if trouble is not None and trouble not in self._said:
            self._said.add(trouble)
            logger.warning("%s: %s", self._name, trouble)
        self.trouble = trouble
