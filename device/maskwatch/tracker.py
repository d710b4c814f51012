"""Verdicts over time -> one opinion per person.

Faces of a frame are given to known people greedily, best overlap first. Each person's opinion of being bare
is an exponentially weighted mean whose weight follows the time between frames, not their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskwatch.flow import Face, Label, Track, Verdict

Judged = tuple[Face, Verdict]


@dataclass(frozen=True, slots=True)
class Opinion:
    """How fast people are believed, and how fast forgotten. See config.OpinionSettings."""

    time_constant: float = 0.7  # seconds
    forget: float = 1.0  # seconds
    min_iou: float = 0.2  # 0–1


class Tracker:
    """Keeps the people in view. One call a frame, in the order of time."""

    def __init__(self, opinion: Opinion | None = None) -> None:
        self._opinion = opinion or Opinion()
        self._tracks: tuple[Track, ...] = ()
        self._next_id = 1

    def update(self, judged: Sequence[Judged], time: float) -> tuple[Track, ...]:
        """Take one frame's faces; return everybody seen within the last `forget` seconds, oldest first.

        Args:
            judged: the frame's faces with their verdicts.
            time: of the frame, seconds.
        """
        known = [track for track in self._tracks if time - track.seen <= self._opinion.forget]
        pairs = match(known, judged, self._opinion.min_iou)
        kept = [
            self._seen_again(track, judged[pairs[place]], time) if place in pairs else track
            for place, track in enumerate(known)
        ]
        taken = set(pairs.values())
        new = [self._newcomer(item, time) for place, item in enumerate(judged) if place not in taken]
        self._tracks = (*kept, *new)
        return self._tracks

    def _seen_again(self, track: Track, item: Judged, time: float) -> Track:
        face, verdict = item
        weight = -math.expm1(-max(0.0, time - track.seen) / self._opinion.time_constant)
        bare = track.bare + weight * (bareness(verdict) - track.bare)
        return replace(track, face=face, verdict=verdict, bare=bare, seen=time)

    def _newcomer(self, item: Judged, time: float) -> Track:
        face, verdict = item
        track = Track(self._next_id, face, verdict, bareness(verdict), since=time, seen=time)
        self._next_id += 1
        return track


def bareness(verdict: Verdict) -> float:
    """One verdict as a number: 0 surely masked … 1 surely bare."""
    return verdict.score if verdict.label is Label.WITHOUT_MASK else 1.0 - verdict.score


def match(tracks: Sequence[Track], judged: Sequence[Judged], min_iou: float) -> dict[int, int]:
    """Greedy one-to-one association: {place in tracks: place in judged}, largest overlap first."""
    overlaps = [
        (overlap, person, found)
        for person, track in enumerate(tracks)
        for found, (face, _) in enumerate(judged)
        if (overlap := track.face.box.iou(face.box)) >= min_iou
    ]
    pairs: dict[int, int] = {}
    for _, person, found in sorted(overlaps, key=lambda row: (-row[0], row[1], row[2])):
        if person not in pairs and found not in pairs.values():
            pairs[person] = found
    return pairs
