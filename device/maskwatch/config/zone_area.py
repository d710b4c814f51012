"""Checks that a zone's corners enclose an area: in a zone without area no face counts, and no alert ever begins."""

from __future__ import annotations

import math
from collections.abc import Sequence

Corner = tuple[float, float]  # (across, down) in shares of the frame, 0–1
Corners = tuple[Corner, ...]
MOST = 100  # corners
NARROWEST = 0.02  # of the frame: the smallest mean width; 13 pixels of 640, less than the smallest face that is found


def enclosing(corners: Corners) -> Corners:
    """The corners without repeated ones. Some programs repeat the first corner at the end to close a polygon.

    Raises:
        ValueError: the corners enclose no area or too little, or the outline crosses itself.
    """
    if not corners:
        return corners
    if len(corners) > MOST:
        raise ValueError(f"{len(corners)} corners; expected {MOST} at most")
    previous = (corners[-1], *corners[:-1])
    kept = tuple(corner for corner, last in zip(corners, previous, strict=True) if corner != last)
    if len(kept) < 3:
        raise ValueError(f"{len(kept)} corners enclose nothing; expected three or more, or none for the whole frame")
    if touches_itself(kept):
        raise ValueError("its outline touches or crosses itself; name the corners in their order around the zone")
    if mean_width(kept) < NARROWEST:
        raise ValueError(f"its area is too small; expected a zone of {NARROWEST:.0%} of the frame across or more")
    return kept


def mean_width(corners: Corners) -> float:
    """Twice the area divided by half the outline's length: the width of a strip, or half the side of a square."""
    outline = math.fsum(math.dist(*side) for side in sides(corners))
    return 4 * abs(area(corners)) / outline if outline else 0.0


def area(corners: Corners) -> float:
    """Signed area in shares of the frame (shoelace formula); negative for the other direction."""
    return math.fsum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in sides(corners)) / 2


def sides(corners: Corners) -> list[tuple[Corner, Corner]]:
    """From each corner to the next, and from the last to the first."""
    return list(zip(corners, (*corners[1:], corners[0]), strict=True))


def touches_itself(corners: Corners) -> bool:
    """Whether two sides meet at another point than their common corner, or one side goes back over the other."""
    all_sides = sides(corners)
    return any(
        _meet(one, other, of_neighbours=(second - first) in (1, len(all_sides) - 1))
        for first, one in enumerate(all_sides)
        for second, other in enumerate(all_sides)
        if first < second
    )


def _meet(one: Sequence[Corner], other: Sequence[Corner], of_neighbours: bool) -> bool:
    (a, b), (c, d) = one, other
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if of_neighbours:  # they share a corner, and more only if they are on one line and the second goes back
        shared, far = (b, (a, d)) if b == c else (a, (b, c))
        back = (far[0][0] - shared[0]) * (far[1][0] - shared[0]) + (far[0][1] - shared[1]) * (far[1][1] - shared[1])
        return not any(turns) and back > 0
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(turn == 0 and _between(*end) for turn, end in zip(turns, ends, strict=True))


def _turn(a: Corner, b: Corner, c: Corner) -> float:
    """Cross product: its sign is the direction in which the path a-b-c turns; 0: it goes straight on, or back."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(a: Corner, b: Corner, point: Corner) -> bool:
    """Whether a point on the line through a and b is between them."""
    across, down = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return across[0] <= point[0] <= across[1] and down[0] <= point[1] <= down[1]
