"""Each mistake of a finder has one kind, and the kinds add up to what matching counts."""

from __future__ import annotations

import numpy as np
import pytest

from maskwatch.flow import Box
from training.judging import matching, mistakes
from training.judging.detections import Found, Truth
from training.judging.mistakes import Mistakes

FACE = Box(100, 100, 140, 150)


def moved(right: float) -> Box:
    return Box(FACE.left + right, FACE.top, FACE.right + right, FACE.bottom)


def truths(*boxes: Box, ignored: bool = False) -> dict[str, list[Truth]]:
    return {"a": [Truth(box, "face", ignored) for box in boxes]}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([Found(moved(1), 0.9)], Mistakes(found=1)),
        ([Found(moved(1), 0.9), Found(moved(-2), 0.8)], Mistakes(found=1, false_doubled=1)),
        ([Found(moved(20), 0.9)], Mistakes(false_misplaced=1, missed_misplaced=1)),
        ([Found(moved(200), 0.9)], Mistakes(false_nothing=1, missed_nothing=1)),
        ([Found(moved(1), 0.4)], Mistakes(missed_score=1)),
        ([Found(moved(20), 0.9), Found(moved(1), 0.4)], Mistakes(false_misplaced=1, missed_misplaced=1)),
        ([Found(moved(20), 0.4)], Mistakes(missed_nothing=1)),
        ([], Mistakes(missed_nothing=1)),
    ],
)
def test_each_mistake_has_its_kind(found: list[Found], expected: Mistakes) -> None:
    assert mistakes.of({"a": found}, truths(FACE), 0.5) == expected


def test_what_is_not_judged_is_no_mistake() -> None:
    assert mistakes.of({"a": [Found(moved(8), 0.9)]}, truths(FACE, ignored=True), 0.5) == Mistakes()
    assert mistakes.of({"a": [Found(Box(0, 0, 9, 9), 0.9)]}, truths(), 0.5) == Mistakes()


@pytest.mark.parametrize("seed", range(20))
def test_the_kinds_add_up_to_what_matching_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> list[Box]:
        corners = rng.integers(0, 90, (count, 2))
        return [Box(int(x), int(y), int(x) + 30, int(y) + 36) for x, y in corners]

    annotated = {name: [Truth(box, "face", bool(rng.random() < 0.2)) for box in boxes(4)] for name in "ab"}
    found = {name: [Found(box, float(rng.random())) for box in boxes(9)] for name in "ab"}
    kinds, counts = mistakes.of(found, annotated, 0.5), matching.tally(found, annotated, 0.5)
    assert (kinds.found, kinds.false, kinds.missed) == (counts.matched, counts.false, counts.missed)
    assert f"{kinds.false} false boxes" in mistakes.line(kinds)
