"""Faces go to those they overlap most, then to the nearest; a crowd costs no more than its density asks for."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwatch import matching
from maskwatch.flow import Box, Face
from maskwatch.matching import GROWTH, REACH, Pairs, Wanted, distance, longer_side, match

BOXES = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.floats(0, 200), st.floats(0, 200), st.floats(10, 90), st.floats(10, 90),
)  # fmt: skip
WANTED = st.builds(Wanted, BOXES, BOXES, st.floats(0.05, 0.9), st.booleans(), st.sampled_from([0.0, 0.15]))


def plainly(wanted: list[Wanted], faces: list[Face]) -> Pairs:
    """Every pair is looked at."""
    pairs: Pairs = {}
    rows = []
    for place, one in enumerate(wanted):
        for number, face in enumerate(faces):
            sides = sorted((longer_side(one.expected), longer_side(face.box)))
            overlaps = [box.iou(face.box) for box in (one.expected, one.last) if _alike(box, face.box)]
            iou = max(overlaps, default=-1.0)
            far = distance(one.expected, face.box)
            if iou >= one.min_iou:
                rows.append((0, one.handicap - iou, place, number))
            elif one.reach and far <= REACH and sides[1] <= GROWTH * sides[0]:
                rows.append((1, far, place, number))
    for _, _, place, number in sorted(rows):
        if place not in pairs and number not in pairs.values():
            pairs[place] = number
    return pairs


def _alike(one: Box, other: Box) -> bool:
    sides = sorted((longer_side(one), longer_side(other)))
    return sides[1] <= GROWTH * sides[0]


@given(st.lists(BOXES, max_size=8), st.lists(BOXES, max_size=8), st.floats(0.05, 0.9), st.booleans())
def test_whatever_is_near_is_found_as_if_every_pair_were_looked_at(
    people: list[Box], found: list[Box], min_iou: float, reach: bool
) -> None:
    wanted, faces = [Wanted(box, box, min_iou, reach) for box in people], [Face(box, 0.9) for box in found]
    assert match(wanted, faces) == plainly(wanted, faces)


@given(st.lists(WANTED, max_size=8), st.lists(BOXES, max_size=8))
def test_no_face_is_given_twice(wanted: list[Wanted], found: list[Box]) -> None:
    pairs = match(wanted, [Face(box, 0.9) for box in found])
    assert len(set(pairs.values())) == len(pairs)


def test_a_face_of_another_size_in_the_same_place_is_another_one() -> None:
    """Who stood behind is seen as the one in front ducks away."""
    near, behind = Box(0, 0, 100, 100), Box(20, 20, 80, 80)
    assert near.iou(behind) > 0.2
    assert match([Wanted(near, near, 0.2, reach=True)], [Face(behind, 0.9)]) == {}


def test_who_is_in_sight_goes_before_what_is_hidden() -> None:
    box, other = Box(0, 0, 100, 100), Box(5, 0, 105, 100)
    hidden, seen = Wanted(box, box, 0.8, handicap=0.15), Wanted(other, other, 0.2)
    assert match([hidden, seen], [Face(box, 0.9)]) == {1: 0}


def test_a_crowd_is_compared_with_its_neighbours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    real = Box.iou

    def counted(one: Box, other: Box) -> float:
        nonlocal compared
        compared += 1
        return real(one, other)

    chance = random.Random(0)
    crowd = [
        Box(x, y, x + 30, y + 30) for x, y in ((chance.uniform(0, 1250), chance.uniform(0, 690)) for _ in range(400))
    ]
    monkeypatch.setattr(matching.Box, "iou", counted)
    pairs = match([Wanted(box, box, 0.2, reach=True) for box in crowd], [Face(box, 0.9) for box in crowd])
    assert pairs == {place: place for place in range(400)}
    assert compared < 400 * 10  # every pair: 160,000
