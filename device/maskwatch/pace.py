"""How far apart the frames are that were really looked at, and whether that is too far for the settings."""

from __future__ import annotations

from collections import deque

OUTRUN = 0.25  # seconds between two frames: from here on, who walks briskly may not be recognised
FAR_APART = 0.6  # seconds between two sights of a face: from here on, who is who is a guess
MISSES = 2  # looked-at frames without somebody, or without anybody bare, that it takes at the least to believe it
TELLS = 5  # pauses between frames that a complaint needs, so that one long pause is none
SLOW = 1.5  # of the longer of [alert] hold and [opinion] forget: frames further apart than that are too few
BETTER = 0.8  # of that: a pace that wavers about it is told once


class Pace:
    """Says once when frames come too seldom, and once when that is over. Pure: time comes in with the frames."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=TELLS + 1)  # seconds, of the newest looked-at frames
        self.slow = False

    def looked(self, time: float, hold: float, forget: float) -> str | None:
        """A frame was looked at; return what is to be told of it, if anything.

        Args:
            time: of the frame, seconds.
            hold: of [alert], seconds.
            forget: of [opinion], seconds.
        """
        self._times.append(time)
        if len(self._times) <= TELLS:
            return None
        between, limit = (self._times[-1] - self._times[0]) / TELLS, SLOW * max(hold, forget)
        if self.slow == (between > (limit * BETTER if self.slow else limit)):
            return None
        self.slow = not self.slow
        if not self.slow:
            return f"a frame is looked at every {between:.2g} s again"
        return (
            f"a frame is looked at only every {between:.2g} s, too seldom for [alert] hold = {hold:g} and [opinion] "
            f"forget = {forget:g}: alerts come late, and who only walks past may be missed"
        )

    def pause(self) -> None:
        """The camera is in trouble: the pause that follows says nothing of the pace."""
        self._times.clear()
