"""When the frames of a video were: by the stream's own clock, as far as it can be believed."""

from __future__ import annotations

import math

JITTER = 1.0  # seconds a clock may step back and still be the same clock
LEAP = 86_400.0  # seconds: a recorder that waits for something to move may wait long, but hardly for a day
LONGEST_STEP = 1.0  # seconds taken for the time between two frames where nothing says it
FASTEST = 240.0  # frames a second: FFmpeg's guess of an uneven stream's rate may be 2,000


class Timeline:
    """Seconds since the start of the file, never backwards, whatever the stream says."""

    def __init__(self, fps: float) -> None:
        """
        Args:
            fps: frames a second, for frames that have no time.
        """
        self._step = 1 / fps
        self._shift = 0.0  # seconds, from the stream's clock to ours
        self._last: float | None = None

    def place(self, stated: float | None) -> float:
        """The next frame's time.

        Args:
            stated: seconds, by the stream's clock; None: it has none.
        """
        known = stated is not None and math.isfinite(stated)
        self._last = self._follow(stated if known else None)
        return self._last

    def _follow(self, stated: float | None) -> float:
        if self._last is None:
            return stated if stated is not None and 0 <= stated < LEAP else self._begin(0.0, stated)
        if stated is None:
            return self._last + self._step
        ahead = stated + self._shift - self._last
        if 0 < ahead < LEAP:
            self._step = min(ahead, LONGEST_STEP)
            return stated + self._shift
        if -JITTER < ahead <= 0:
            return self._last
        return self._begin(self._last + self._step, stated)  # recordings laid end to end, or a damaged stamp

    def _begin(self, time: float, stated: float | None) -> float:
        self._shift = time - (stated or 0.0)
        return time


def rate(stated: float, otherwise: float) -> float:
    """Frames a second: what a file states, if it can be, or the value given."""
    return stated if math.isfinite(stated) and 0 < stated <= FASTEST else otherwise
