"""Assigns the faces of a frame to the people expected in it."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from maskwatch.flow import Box, Face

Pairs = dict[int, int]  # index in `wanted` -> index in `faces`
Costs = list[tuple[float, int, int]]  # (cost, index in `wanted`, index in `faces`)

GROWTH = 1.6  # a face whose side changed by more than this factor is another one
REACH = 1.0  # of the larger face's longer side: how far a face may have moved if the boxes do not overlap


@dataclass(frozen=True, slots=True)
class Wanted:
    """A person whose face is searched for in the frame. Boxes are in pixels."""

    expected: Box  # where the face should be now
    last: Box  # where it was seen last
    min_iou: float  # 0–1, overlap (IoU) with one of the two boxes from which on it is the same face
    reach: bool = False  # whether a near face is accepted if none overlaps
    handicap: float = 0.0  # subtracted from the overlap when two people want the same face


def match(wanted: Sequence[Wanted], faces: Sequence[Face]) -> Pairs:
    """Assign each face to one person at most: the pairs with the largest overlap first, then the nearest ones.

    Only near faces are compared, so the time grows with how dense a crowd is, not with the square of its size.

    Args:
        wanted: the people.
        faces: found in the frame.
    """
    near = _Near(faces)
    overlaps: Costs = []
    distances: Costs = []
    for index, one in enumerate(wanted):
        for candidate in near.to(one):
            box = faces[candidate].box
            overlap = one.expected.iou(box)
            if one.last is not one.expected:
                overlap = max(overlap, one.last.iou(box))
            if overlap >= one.min_iou:
                overlaps.append((one.handicap - overlap, index, candidate))
            elif one.reach and (far := distance(one.expected, box)) <= REACH:
                distances.append((far, index, candidate))
    pairs: Pairs = {}
    taken: set[int] = set()
    for costs in (overlaps, distances):
        _take(pairs, taken, costs)
    return pairs


def _take(pairs: Pairs, taken: set[int], costs: Costs) -> None:
    """Add the cheapest pair to `pairs`, then the cheapest pair whose person and face are both free, and so on."""
    for _, index, face in sorted(costs):
        if index not in pairs and face not in taken:
            pairs[index] = face
            taken.add(face)


class _Near:
    """The faces sorted from left to right, so that the faces near a box are found by bisection."""

    def __init__(self, faces: Sequence[Face]) -> None:
        rows = sorted((*middle(face.box), longer_side(face.box), index) for index, face in enumerate(faces))
        self._rows, self._across = rows, [row[0] for row in rows]

    def to(self, one: Wanted) -> Iterable[int]:
        """Indices of the faces of a similar size that are near enough to overlap or to be reached."""
        if one.last is one.expected:
            return self._about(one.expected)
        return {*self._about(one.expected), *self._about(one.last)}

    def _about(self, box: Box) -> Iterator[int]:
        across, down = middle(box)
        side = longer_side(box)
        reach = side * GROWTH * max(REACH, 1.0)  # middles of overlapping boxes are closer than this
        first, end = bisect_left(self._across, across - reach), bisect_right(self._across, across + reach)
        for _, other, size, index in self._rows[first:end]:
            if abs(other - down) <= reach and side <= size * GROWTH and size <= side * GROWTH:
                yield index


def middle(box: Box) -> tuple[float, float]:
    """The middle of a box: (across, down), pixels."""
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def longer_side(box: Box) -> float:
    """The longer side of a box in pixels, never 0."""
    return max(box.right - box.left, box.bottom - box.top, 1e-6)


def distance(one: Box, other: Box) -> float:
    """Distance between the middles of two boxes, as a multiple of the larger box's longer side."""
    return math.dist(middle(one), middle(other)) / max(longer_side(one), longer_side(other))
