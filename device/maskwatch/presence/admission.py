"""Is somebody masked there, and nobody else? What a door opener goes by. Pure: time comes in with the people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from maskwatch.flow import Track
from maskwatch.presence.pace import MISSES

ROUNDING = 1e-6  # seconds; sums of many short times may fall short by as much


class Admission:
    """Begins when everybody in view was seen masked for `hold` seconds, and errs towards a door that stays shut.

    It ends at once when somebody in view is bare, in doubt or not judged yet, and when nobody masked was seen for
    `clear` seconds and in two frames: a face that the finder misses in one frame does not make a door rattle, however
    far apart the frames are. A newcomer whose first verdicts say masked does not end it. Frames in which a person
    is not seen do not count towards `hold`.
    """

    def __init__(self) -> None:
        self.on = False
        self._masked: dict[int, float] = {}  # person -> seconds seen masked without a break
        self._newest = -math.inf  # seconds, of the newest frame
        self._seen = -math.inf  # seconds, when somebody masked was last seen
        self._without = 0  # frames since then

    def update(
        self, people: Sequence[Track], time: float, low: float, hold: float, clear: float, unjudged: int = 0
    ) -> bool:
        """Take one frame's people; return whether it is on now.

        Args:
            people: everybody known, with their opinions.
            time: of the frame, seconds; never runs backwards.
            low: opinion 0–1, masked below.
            hold: seconds.
            clear: seconds.
            unjudged: people in view whom no verdict was given on yet.
        """
        step = time - self._newest
        self._masked = {
            each.id: self._masked[each.id] + step * (each.seen == time) if each.id in self._masked else 0.0
            for each in people
            if each.bare < low
        }
        self._newest = time
        if any(each.seen == time for each in people if each.id in self._masked):
            self._seen, self._without = time, 0
        else:
            self._without += 1
        if unjudged or len(self._masked) < len(people):
            self.on = False
        elif self.on:
            self.on = self._without < MISSES or time - self._seen < clear
        else:
            self.on = self._seen == time and all(seen + ROUNDING >= hold for seen in self._masked.values())
        return self.on

    def reset(self) -> None:
        """Nobody is known any more."""
        self.on, self._masked, self._seen = False, {}, -math.inf
