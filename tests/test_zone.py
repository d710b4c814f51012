"""Which faces count."""

import pytest

from maskwatch.flow import Box, Face
from maskwatch.zone import Zone

WIDTH, HEIGHT = 400, 200
DOOR = ((0.25, 0.0), (0.75, 0.0), (0.75, 1.0), (0.25, 1.0))
RAISED = ((0.0, 0.0), (1.0, 0.0), (0.5, 1.0))  # a triangle on its tip
BAY = ((0, 0), (1, 0), (1, 1), (0.6, 1), (0.6, 0.5), (0.4, 0.5), (0.4, 1), (0, 1))  # a notch from below


def face(across: float, down: float, width: float = 40, height: float = 40) -> Face:
    return Face(Box(across - width / 2, down - height / 2, across + width / 2, down + height / 2), 1.0)


@pytest.mark.parametrize(
    ("polygon", "middle", "counts"),
    [
        ((), (50, 100), True),
        (DOOR, (200, 100), True),
        (DOOR, (110, 100), True),
        (DOOR, (90, 100), False),
        (DOOR, (310, 100), False),
        (RAISED, (200, 150), True),
        (RAISED, (60, 150), False),
        (RAISED[::-1], (200, 150), True),
        (BAY, (200, 60), True),
        (BAY, (200, 150), False),
        (BAY, (100, 150), True),
    ],
)
def test_a_face_counts_when_its_middle_is_inside(
    polygon: tuple[tuple[float, float], ...], middle: tuple[float, float], counts: bool
) -> None:
    assert Zone(polygon=polygon).counts(face(*middle), WIDTH, HEIGHT) is counts


@pytest.mark.parametrize(("width", "height", "counts"), [(30, 30, True), (29, 60, False), (60, 29, False)])
def test_the_shorter_side_decides_whether_a_face_is_too_small(width: float, height: float, counts: bool) -> None:
    assert Zone(min_size=30).counts(face(200, 100, width, height), WIDTH, HEIGHT) is counts


@pytest.mark.parametrize(
    ("shown", "counts"),
    [
        (Face(Box(-8, 50, 32, 100), 1), True),  # four fifths inside
        (Face(Box(-12, 50, 28, 100), 1), False),  # seven tenths
        (Face(Box(0, 50, 20, 100), 1), False),  # half a face, its box cut at the left edge
        (Face(Box(380, 50, 400, 100), 1), False),  # at the right one
        (Face(Box(0, 50, 31, 100), 1), True),  # a whole one at the edge
        (Face(Box(200, 50, 220, 100), 1), True),  # a narrow one that no edge cuts: a profile
        (Face(Box(500, 50, 540, 100), 1), False),
    ],
)
def test_half_a_face_does_not_count(shown: Face, counts: bool) -> None:
    assert Zone().counts(shown, WIDTH, HEIGHT) is counts
