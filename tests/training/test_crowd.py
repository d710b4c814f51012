"""A head in front of a face is a face to find; what it hides too much is ignored."""

from __future__ import annotations

import numpy as np
import pytest

from training.augment import crowd
from training.augment.picture import Picture

GREEN, RED = (20, 120, 40), (200, 40, 40)


def scene(*boxes: tuple[float, ...], ignored: tuple[bool, ...] | None = None) -> Picture:
    image = np.full((200, 240, 3), GREEN, np.uint8)
    left_out = None if ignored is None else np.array(ignored)
    return Picture(image, np.array(boxes, np.float32).reshape(-1, 4), ignored=left_out)


PORTRAIT = Picture(np.full((90, 80, 3), RED, np.uint8), np.array([[20, 20, 60, 70]], np.float32))
FACE = (100.0, 60.0, 140.0, 110.0)


@pytest.mark.parametrize("seed", range(30))
def test_the_head_lies_where_its_box_is(seed: int) -> None:
    found = crowd.in_front(scene(FACE), PORTRAIT, np.random.default_rng(seed))
    assert found.image.shape == (200, 240, 3)
    assert len(found.boxes) == 2
    assert not found.left_out[1]
    left, top, right, bottom = found.boxes[1].tolist()
    red = found.image[..., 0].astype(int) > 110
    assert red[int((top + bottom) / 2), int((left + right) / 2)]
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    wide, high = (right - left) * crowd.HEAD[0], (bottom - top) * crowd.HEAD[1]
    assert columns[0] == pytest.approx((left + right) / 2 - wide, abs=4)
    assert rows[-1] == pytest.approx((top + bottom) / 2 + high, abs=4)
    low, high_ = crowd.NEARER
    assert low - 0.01 <= (right - left) / 40 <= high_ + 0.01
    assert np.array_equal(found.image[~red][:1], [GREEN])


def test_a_face_that_is_hidden_too_much_is_ignored_and_half_hidden_ones_are_learnt() -> None:
    shares = []
    for seed in range(60):
        found = crowd.in_front(scene(FACE), PORTRAIT, np.random.default_rng(seed))
        hidden = (found.image[60:110, 100:140, 0] > 110).mean()
        shares.append((hidden, bool(found.left_out[0])))
    assert {ignored for _, ignored in shares} == {False, True}
    assert max(hidden for hidden, ignored in shares if not ignored) < crowd.HIDDEN + 0.05
    assert min(hidden for hidden, ignored in shares if ignored) > crowd.HIDDEN - 0.05
    assert np.mean([hidden > 0.1 for hidden, _ in shares]) > 0.6  # mostly something is hidden


@pytest.mark.parametrize(
    "given",
    [scene(), scene((10, 10, 25, 30)), scene(FACE, ignored=(True,))],
    ids=["nobody", "too small", "not annotated"],
)
def test_without_a_face_to_hide_the_scene_stays_as_it_is(given: Picture) -> None:
    assert crowd.in_front(given, PORTRAIT, np.random.default_rng(0)) is given


def test_a_portrait_of_several_is_not_cut_out() -> None:
    two = Picture(PORTRAIT.image, np.concatenate([PORTRAIT.boxes, PORTRAIT.boxes]))
    given = scene(FACE)
    assert crowd.in_front(given, two, np.random.default_rng(0)) is given


def test_a_head_outside_of_the_scene_is_not_put_there() -> None:
    given = scene((0, 160, 40, 199))
    found = [crowd.in_front(given, PORTRAIT, np.random.default_rng(seed)) for seed in range(60)]
    assert any(each is given for each in found)
    for each in found:
        assert (each.boxes >= 0).all()
        assert (each.boxes[:, 3] <= 200).all()
