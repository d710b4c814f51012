"""Opinions -> alert on or off. A pure state machine: time comes in with the tracks, it has no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskwatch.flow import Alert, Track


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When somebody is bare, and for how long it must last. See config.AlertSettings."""

    high: float = 0.6  # opinion 0–1, bare at or above
    low: float = 0.4  # opinion 0–1, masked below
    hold: float = 1.0  # seconds
    clear: float = 2.0  # seconds


class Policy:
    """Begins an alert when somebody stays bare for `hold` seconds, ends it after `clear` seconds of nobody.

    Between `low` and `high` the last judgement stands, so an opinion that wavers around one value cannot make
    the alert flicker.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._thresholds = thresholds or Thresholds()
        self._bare = False  # is somebody bare, with hysteresis
        self._since = 0.0  # seconds, when that last changed
        self.on = False

    def update(self, tracks: Sequence[Track], time: float) -> Alert | None:
        """Take one frame's people; return the alert if it switches now.

        Args:
            tracks: everybody in view.
            time: of the frame, seconds; never runs backwards.
        """
        bare = self._somebody_bare(tracks)
        if bare != self._bare:
            self._bare, self._since = bare, time
        patience = self._thresholds.clear if self.on else self._thresholds.hold
        if bare == self.on or time - self._since < patience:
            return None
        return self._switch(bare, tracks, time)

    def stop(self, time: float) -> Alert | None:
        """The watch ends: an alert that is on is switched off at once."""
        self._bare, self._since = False, time
        return self._switch(False, (), time) if self.on else None

    def _somebody_bare(self, tracks: Sequence[Track]) -> bool:
        threshold = self._thresholds.low if self._bare else self._thresholds.high
        return any(track.bare >= threshold for track in tracks)

    def _switch(self, on: bool, tracks: Sequence[Track], time: float) -> Alert:
        self.on = on
        scores = tuple(sorted((track.bare for track in tracks), reverse=True))
        return Alert(on, time, len(tracks), scores)
