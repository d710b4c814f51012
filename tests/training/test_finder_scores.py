"""A finder's scores are calibrated for each stride, and the exported model contains the calibration."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

keras = pytest.importorskip("keras", reason="needs extra `train`")

from maskwatch.flow import Box  # noqa: E402
from training.finder import finder_scores  # noqa: E402
from training.finder.finder_scores import Answer, Scale  # noqa: E402
from training.judging.detections import Found  # noqa: E402
from training.networks import finder  # noqa: E402

FACE = Box(0, 0, 40, 40)


def shifted(by: float, score: float = 0.9) -> Found:
    return Found(Box(by, 0, by + 40, 40), score)


def test_a_box_on_a_face_is_one_and_a_box_far_from_any_is_none() -> None:
    assert finder_scores.present([shifted(4), shifted(200)], [FACE]) == [True, False]


def test_the_surest_box_has_the_face_and_a_second_one_on_it_says_nothing() -> None:
    assert finder_scores.present([shifted(4, 0.5), shifted(0, 0.8)], [FACE]) == [None, True]


@pytest.mark.parametrize(("by", "there"), [(18, True), (20, None), (26, None), (28, False)])
def test_a_box_half_on_a_face_says_nothing(by: float, there: bool | None) -> None:
    overlap = (40 - by) / (40 + by)
    assert there == (True if overlap >= 0.35 else False if overlap <= 0.2 else None)
    assert finder_scores.present([shifted(by)], [FACE]) == [there]


def test_no_faces_no_boxes() -> None:
    assert finder_scores.present([], [FACE]) == []
    assert finder_scores.present([shifted(0)], []) == [False]


def test_the_fit_finds_how_often_each_stride_was_right() -> None:
    true = Scale(2.0, {8: -1.0, 16: 0.0, 32: 1.5})
    rng = np.random.default_rng(0)
    pictures = []
    for stride, offset in true.offsets.items():
        for logit in rng.uniform(-2, 2, 3000):
            there = rng.random() < expit(true.slope * logit + offset)
            answer = Answer(Found(FACE, float(expit(logit))), stride)
            pictures.append(([answer], [FACE] if there else []))
    scale = finder_scores.fit(pictures)
    assert scale.slope == pytest.approx(true.slope, abs=0.15)
    for stride, offset in true.offsets.items():
        assert scale.offsets[stride] == pytest.approx(offset, abs=0.15)


def test_a_stride_that_found_nothing_keeps_its_offset() -> None:
    pictures = [([Answer(Found(FACE, score), 8)], [FACE] if score > 0.4 else []) for score in (0.2, 0.3, 0.6, 0.7)]
    scale = finder_scores.fit(pictures)
    assert abs(scale.offsets[16]) < 1e-3
    assert abs(scale.offsets[32]) < 1e-3


def test_the_fold_scales_and_shifts_every_score_and_no_box() -> None:
    model = finder.build(64, 0.35, 8)
    images = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), np.uint8)
    before = model.predict_on_batch(images)
    finder_scores.fold(model, Scale(3.0, {8: 0.5, 16: -1.0, 32: 2.0}))
    after = model.predict_on_batch(images)
    for at, offset in enumerate((0.5, -1.0, 2.0)):
        np.testing.assert_allclose(after[2 * at], 3 * np.asarray(before[2 * at]) + offset, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(after[2 * at + 1], before[2 * at + 1])


def test_unfolding_undoes_the_fold() -> None:
    model = finder.build(64, 0.35, 8)
    before = model.get_weights()
    scale = Scale(3.0, {8: 0.5, 16: -1.0, 32: 2.0})
    finder_scores.fold(model, scale)
    finder_scores.unfold(model, scale)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-6)


class TwoFaces:
    """A finder of 64 px that sees a small face at stride 8 and a large one at stride 32."""

    def predict_on_batch(self, images: NDArray[np.uint8]) -> list[Any]:
        assert images.shape == (1, 64, 64, 3)
        maps = []
        for side in (8, 4, 2):
            maps += [np.full((1, side, side, 1), -9.0), np.zeros((1, side, side, 4))]
        maps[0][0, 1, 6, 0] = 1.0
        maps[4][0, 1, 0, 0] = 2.0
        return maps


def test_an_answer_knows_its_stride_and_lies_in_pixels_of_the_picture() -> None:
    large, small = finder_scores.answers(TwoFaces(), np.zeros((128, 128, 3), np.uint8), 64)
    assert (large.stride, small.stride) == (32, 8)
    assert large.found.score == pytest.approx(expit(2.0))
    assert large.found.box == Box(0, 64, 64, 128)
    assert small.found.box == Box(96, 16, 112, 32)
