"""The levels of the board's pins over the board's own time, as an oscilloscope at the header would draw them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from emulated_pi.monitor import Monitor

# Seconds of the host between two looks: the shortest pulse of the shipped config lasts 0.1 of the board's, which are no
# shorter. Each look costs the board some time.
EVERY = 0.1


@dataclass(frozen=True)
class Change:
    """From this time on, until the next one."""

    time: float  # seconds since power came, by the board's timer
    levels: int  # pins 0–31, a bit each

    def high(self, pin: int) -> bool:
        """Whether the pin is at 3.3 V."""
        return bool(self.levels >> pin & 1)


class Levels:
    """Looks at the pins in a thread until close(), and keeps what changes."""

    def __init__(self, monitor: Monitor, pins: Mapping[str, int]) -> None:
        """
        Args:
            pins: names and BCM numbers of those that are kept.
        """
        self.pins = dict(pins)
        self._mask = sum(1 << pin for pin in pins.values())
        self._monitor, self._changes = monitor, [Change(0.0, 0)]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def changes(self) -> Sequence[Change]:
        """All so far."""
        return tuple(self._changes)

    def now(self) -> frozenset[str]:
        """Names of the pins that are high."""
        return self._high(self._changes[-1])

    def seen_high(self, since: float) -> frozenset[str]:
        """Names of the pins that were high at any time since then, which is in seconds since power came."""
        first = max((i for i, change in enumerate(self._changes) if change.time <= since), default=0)
        return frozenset().union(*map(self._high, self._changes[first:]))

    def wait(self, met: Callable[[frozenset[str]], bool], seconds: float, what: str) -> float:
        """Until the pins that are high meet a condition.

        Args:
            met: of the names of the pins that are high.
            seconds: of the host's, at most.
            what: is waited for.

        Returns:
            since when they meet it, in seconds since power came.

        Raises:
            TimeoutError: they did not, or QEMU ended.
        """
        latest = time.monotonic() + seconds
        while not met(self.now()):
            if time.monotonic() > latest or not self._thread.is_alive():
                raise TimeoutError(f"no {what} within {seconds:g} s; high now: {sorted(self.now()) or 'nothing'}")
            time.sleep(EVERY)
        return self._changes[-1].time

    def close(self) -> None:
        """Harmless if repeated."""
        self._end.set()
        self._thread.join()

    def _high(self, change: Change) -> frozenset[str]:
        return frozenset(name for name, pin in self.pins.items() if change.high(pin))

    def _watch(self) -> None:
        while not self._end.wait(EVERY):
            try:
                levels = self._monitor.levels() & self._mask
                if levels != self._changes[-1].levels:
                    self._changes.append(Change(self._monitor.seconds(), levels))
            except ConnectionError:
                return
