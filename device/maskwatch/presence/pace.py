"""How far apart the processed frames are, and whether that is too far for the settings."""

from __future__ import annotations

from collections import deque

MAX_MATCHED_STEP = 0.25  # seconds between two frames; above it, a fast walker may count as a new person
FAR_APART = 0.6  # seconds since a face was last seen, above which its place says little about whose face it is
MISSES = 2  # processed frames without a person that are needed before the person counts as gone
TELLS = 5  # intervals between frames whose mean is judged, so that one long interval causes no warning
SLOW = 1.5  # times the longer of [alert] hold and [opinion] forget: a longer interval is too slow
BETTER = 0.8  # of that limit: below it, the pace is good again. The gap avoids a warning for each small change


class Pace:
    """Warns once when frames are too far apart, and reports once when they are not any more. It has no clock."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=TELLS + 1)  # seconds, of the newest processed frames
        self.slow = False

    def looked(self, time: float, hold: float, forget: float) -> str | None:
        """A frame was processed; return a line for the log, if there is one.

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
            return f"a frame is processed every {between:.2g} s again"
        return (
            f"a frame is processed only every {between:.2g} s, too rarely for [alert] hold = {hold:g} and [opinion] "
            f"forget = {forget:g}: alerts come late, and people who walk past may be missed"
        )

    def pause(self) -> None:
        """The camera has trouble: the interval until its next frame is not counted."""
        self._times.clear()
