"""Drawn cloth has every pattern and colour, also the colour of the wearer's skin."""

import numpy as np
import pytest

from training.augment import fabric

SHAPE = (60, 80, 3)


@pytest.mark.parametrize("pattern", fabric.PATTERNS, ids=lambda pattern: pattern.__name__)
def test_a_pattern_is_a_share_for_each_pixel_and_shows_both_colours(pattern: fabric.Pattern) -> None:
    for seed in range(10):
        share = pattern(SHAPE[:2], np.random.default_rng(seed), 12.0)
        assert (share.shape, share.dtype) == ((*SHAPE[:2], 1), np.float32)
        assert set(np.unique(share)) <= {0.0, 1.0}
        if pattern is not fabric.plain_cloth:
            assert 0.02 < share.mean() < 0.98


def test_every_pattern_has_its_chance() -> None:
    assert len(fabric.CHANCES) == len(fabric.PATTERNS)
    assert sum(fabric.CHANCES) == pytest.approx(1)


def test_some_cloth_is_of_the_wearers_skin() -> None:
    skin = np.array([90.0, 200.0, 90.0], np.float32)  # no cloth is sold so

    def near(given: np.ndarray | None) -> int:
        cloths = [fabric.cloth(SHAPE, np.random.default_rng(seed), 60, given) for seed in range(300)]
        shares = [cloth.mean(axis=(0, 1)) / skin for cloth in cloths]
        return sum(np.ptp(share) < 0.1 * share.mean() for share in shares)

    assert near(skin) >= near(None) + 5


@pytest.mark.parametrize("colour", [(190, 35, 45), (25, 25, 28), (205, 165, 140), (150, 105, 80)])
def test_red_black_and_skins_colours_are_sold(colour: tuple[int, int, int]) -> None:
    assert colour in fabric.MASK_COLOURS
