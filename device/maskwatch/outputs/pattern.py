"""When a pattern is on. Pure: seconds since its beginning go in."""

from __future__ import annotations

import bisect
import math
from typing import Literal

from maskwatch.config import Pattern

Play = Literal["steady"] | Pattern
SHORTEST = 1e-3  # seconds; an edge this much late is neither heard nor seen, and a rounded one cannot spin a thread


def level(play: Play, elapsed: float) -> bool:
    """Whether it is on, `elapsed` seconds after its beginning."""
    if play == "steady":
        return True
    edges, phase = _edges(play), math.fmod(elapsed, play.every)
    return bisect.bisect_right(edges, phase) % 2 == 0


def next_edge(play: Play, elapsed: float) -> float:
    """Seconds from `elapsed` to the next change, SHORTEST at least; infinity when there is none."""
    if play == "steady":
        return math.inf
    edges, phase = _edges(play), math.fmod(elapsed, play.every)
    return max(SHORTEST, edges[bisect.bisect_right(edges, phase)] - phase)


def row(play: Pattern) -> float:
    """Seconds from the first pulse's beginning to the last one's end."""
    return play.times * play.on + (play.times - 1) * play.off


def _edges(play: Pattern) -> list[float]:
    """Seconds in one row at which it goes off, on, off … and, last, on again for the next row."""
    step = play.on + play.off
    edges = [edge for number in range(play.times) for edge in (number * step + play.on, (number + 1) * step)]
    edges[-1] = play.every  # the row's pause stands where another `off` would
    return edges
