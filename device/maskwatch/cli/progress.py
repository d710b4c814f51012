"""Shows the progress of long work on stderr, if that is a terminal. stdout is only for results."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

EVERY = 0.5  # seconds
ERASE = "\r\x1b[K"  # erases the terminal's current line


class Progress:
    """A line such as `1200 of 8000, 3 min left` that is overwritten."""

    def __init__(self, total: int, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            total: number of steps.
            stream: nothing is written if it is not a terminal.
            clock: seconds.
        """
        self._total, self._stream, self._clock = total, stream, clock
        self._start = self._told = clock()
        self._done = 0
        self._is_shown = False

    def step(self) -> None:
        """One more step is done."""
        self._done += 1
        now = self._clock()
        if not self._stream.isatty() or now - self._told < EVERY:
            return
        left = (now - self._start) / self._done * (self._total - self._done)
        self._stream.write(f"{ERASE}{self._done} of {self._total}, {_rounded(left)} left")
        self._stream.flush()
        self._told, self._is_shown = now, True

    def clear(self) -> None:
        """Erase the line; to be called before anything else is written."""
        if self._is_shown:
            self._stream.write(ERASE)
            self._stream.flush()
            self._is_shown = False


def _rounded(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
