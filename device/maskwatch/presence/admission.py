"""Whether everybody in view wears a mask: the signal that opens a door. It has no clock: time is given with the
people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from maskwatch.flow import Track
from maskwatch.presence.pace import MISSES

ROUNDING = 1e-6  # seconds; a sum of many short times may be too small by this much


class Admission:
    """Turns on when everybody in view was seen masked for `hold` seconds. In doubt the door stays shut.

    It turns off at once when somebody in view is bare, in doubt or not judged yet. It also turns off when nobody masked
    was seen for `clear` seconds and in two frames. Two frames are needed, so that one face that the finder misses does
    not open and shut the door, even if frames are far apart. A new person whose first verdicts say masked does not turn
    it off. Frames in which a person is not seen do not count towards `hold`.
    """

    def __init__(self) -> None:
        self.on = False
        self._masked: dict[int, float] = {}  # person id -> seconds seen masked without interruption
        self._newest = -math.inf  # seconds, of the newest frame
        self._seen = -math.inf  # seconds, when somebody masked was last seen
        self._without = 0  # frames since then

    def update(
        self, people: Sequence[Track], time: float, low: float, hold: float, clear: float, unjudged: int = 0
    ) -> bool:
        """Process one frame's people; return whether it is on now.

        Args:
            people: everybody known, with their opinions of being bare.
            time: of the frame, seconds; never smaller than before.
            low: 0–1; a person with a lower opinion counts as masked.
            hold: seconds that everybody must be seen masked.
            clear: seconds without anybody masked, after which it turns off.
            unjudged: number of people in view who have no verdict yet.
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
        """Turn off and forget everybody."""
        self.on, self._masked, self._seen = False, {}, -math.inf
