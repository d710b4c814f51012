"""Which face is whom: boxes where people should be -> boxes where faces are."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from maskwatch.flow import Box, Face

Pairs = dict[int, int]  # place in the wanted -> place in the faces
Costs = list[tuple[float, int, int]]  # (cost, place in the wanted, place in the faces)

GROWTH = 1.6  # a face so many times as large or as small as before is another one
REACH = 1.0  # of the larger face's longer side: who outran the overlap is looked for within this


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody a face is looked for."""

    expected: Box  # where the face should be by now
    last: Box  # where it was
    min_iou: float  # overlap with one of the two that makes it the same face, 0–1
    reach: bool = False  # whether a face near by will do where none overlaps
    handicap: float = 0.0  # taken from the overlap when two want the same face


def match(wanted: Sequence[Wanted], faces: Sequence[Face]) -> Pairs:
    """One-to-one association: largest overlap first, then the nearest.

    Only faces near by are compared, so that a crowd costs what its density asks for, not the square of its number.
    """
    near = _Near(faces)
    overlaps: Costs = []
    distances: Costs = []
    for place, one in enumerate(wanted):
        for candidate in near.to(one):
            box = faces[candidate].box
            overlap = one.expected.iou(box)
            if one.last is not one.expected:
                overlap = max(overlap, one.last.iou(box))
            if overlap >= one.min_iou:
                overlaps.append((one.handicap - overlap, place, candidate))
            elif one.reach and (far := distance(one.expected, box)) <= REACH:
                distances.append((far, place, candidate))
    pairs: Pairs = {}
    taken: set[int] = set()
    for costs in (overlaps, distances):
        _take(pairs, taken, costs)
    return pairs


def _take(pairs: Pairs, taken: set[int], costs: Costs) -> None:
    """Add the cheapest of the pairs, then the cheapest of those still free, and so on."""
    for _, place, face in sorted(costs):
        if place not in pairs and face not in taken:
            pairs[place] = face
            taken.add(face)


class _Near:
    """The faces from left to right, so that those near a box are found without a look at the others."""

    def __init__(self, faces: Sequence[Face]) -> None:
        rows = sorted((*middle(face.box), longer_side(face.box), place) for place, face in enumerate(faces))
        self._rows, self._across = rows, [row[0] for row in rows]

    def to(self, one: Wanted) -> Iterable[int]:
        """Places of the faces that can be this one: as large, and so near that they may overlap or be reached."""
        if one.last is one.expected:
            return self._about(one.expected)
        return {*self._about(one.expected), *self._about(one.last)}

    def _about(self, box: Box) -> Iterator[int]:
        across, down = middle(box)
        side = longer_side(box)
        reach = side * GROWTH * max(REACH, 1.0)  # boxes that overlap have middles nearer than the larger one's side
        first, end = bisect_left(self._across, across - reach), bisect_right(self._across, across + reach)
        for _, other, size, place in self._rows[first:end]:
            if abs(other - down) <= reach and side <= size * GROWTH and size <= side * GROWTH:
                yield place


def middle(box: Box) -> tuple[float, float]:
    """Across, down."""
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def longer_side(box: Box) -> float:
    """Pixels, never 0."""
    return max(box.right - box.left, box.bottom - box.top, 1e-6)


def distance(one: Box, other: Box) -> float:
    """Between the middles, in sides of the larger box."""
    return math.dist(middle(one), middle(other)) / max(longer_side(one), longer_side(other))
