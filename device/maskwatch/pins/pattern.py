"""Whether a pattern is on, from the seconds since its start. Pure functions."""

from __future__ import annotations

import bisect
import math
from typing import Literal

from maskwatch.config import Pattern

Play = Literal["steady"] | Pattern
SHORTEST = 1e-3  # seconds to the next edge at least: nobody notices the delay, and rounding cannot cause a busy loop


def level(play: Play, elapsed: float) -> bool:
    """Whether it is on, `elapsed` seconds after its start."""
    if play == "steady":
        return True
    edges, phase = _edges(play), math.fmod(elapsed, play.every)
    return bisect.bisect_right(edges, phase) % 2 == 0


def next_edge(play: Play, elapsed: float) -> float:
    """Seconds from `elapsed` to the next change, at least SHORTEST; infinity: it never changes."""
    if play == "steady":
        return math.inf
    edges, phase = _edges(play), math.fmod(elapsed, play.every)
    return max(SHORTEST, edges[bisect.bisect_right(edges, phase)] - phase)


def row(play: Pattern) -> float:
    """Seconds from the start of the first pulse to the end of the last one in a row."""
    return play.times * play.on + (play.times - 1) * play.off


def _edges(play: Pattern) -> list[float]:
    """Seconds within one period at which it goes off, on, off … and finally on again for the next period."""
    step = play.on + play.off
    edges = [edge for number in range(play.times) for edge in (number * step + play.on, (number + 1) * step)]
    edges[-1] = play.every  # the pause until the next period replaces the last `off`
    return edges
