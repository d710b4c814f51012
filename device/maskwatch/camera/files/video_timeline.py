"""The time of each frame of a video: the stream's own time stamps, corrected where they cannot be right."""

from __future__ import annotations

import math

JITTER = 1.0  # seconds that a time stamp may go back without being taken for a new recording
LEAP = 86_400.0  # seconds: a recorder may wait long for movement, but a jump of a day is a damaged time stamp
LONGEST_STEP = 1.0  # seconds; the longest step that is assumed between two frames without time stamps
FASTEST = 240.0  # frames a second; above this, the rate is FFmpeg's wrong guess for a stream of uneven times


class Timeline:
    """Turns time stamps into seconds since the start of the file that never go backwards."""

    def __init__(self, fps: float) -> None:
        """
        Args:
            fps: frames a second, for frames that have no time.
        """
        self._step = 1 / fps
        self._shift = 0.0  # seconds that are added to the stream's time stamps
        self._last: float | None = None

    def place(self, stated: float | None) -> float:
        """The next frame's time, seconds.

        Args:
            stated: the stream's time stamp, seconds; None: it has none.
        """
        known = stated is not None and math.isfinite(stated)
        self._last = self._follow(stated if known else None)
        return self._last

    def _follow(self, stated: float | None) -> float:
        if self._last is None:
            return stated if stated is not None and 0 <= stated < LEAP else self._begin(0.0, stated)
        if stated is None:
            return self._last + self._step
        step = stated + self._shift - self._last
        if 0 < step < LEAP:
            self._step = min(step, LONGEST_STEP)
            return stated + self._shift
        if -JITTER < step <= 0:
            return self._last
        return self._begin(self._last + self._step, stated)  # several recordings in one file, or a damaged time stamp

    def _begin(self, time: float, stated: float | None) -> float:
        self._shift = time - (stated or 0.0)
        return time


def rate(stated: float, otherwise: float) -> float:
    """Frames a second: `stated` if it is a possible rate, else `otherwise`."""
    return stated if math.isfinite(stated) and 0 < stated <= FASTEST else otherwise
