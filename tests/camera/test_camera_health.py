"""Pictures tell a frozen, a covered and a changed camera apart, and leave a dim hall alone."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from maskwatch.camera.health import SAMPLE, PictureFault, PictureHealth, is_dark
from maskwatch.flow import Image

RNG = np.random.default_rng(0)


def noisy(picture: float | Image, noise: float, size: tuple[int, int] = (320, 180)) -> Image:
    """(H, W, 3): a picture, or one level all over, as a sensor with so much noise (standard deviation) delivers it."""
    level = np.broadcast_to(np.float32(picture), (size[1], size[0], 3))
    return (level + RNG.normal(0, noise, level.shape)).clip(0, 255).astype(np.uint8)


def hall(brightest: float) -> Image:
    """A wall lit from one side, a door, a floor; no level above `brightest`."""
    scene = np.tile(np.linspace(0.6, 1.0, 320, dtype=np.float32), (180, 1))
    cv2.rectangle(scene, (60, 30), (120, 140), 0.35, -1)
    scene[140:] *= 0.6
    return np.repeat((scene * brightest)[..., None], 3, axis=2).astype(np.uint8)


def lamp() -> Image:
    """A black hall with a small lamp far away."""
    scene = np.zeros((180, 320, 3), np.uint8)
    cv2.circle(scene, (250, 60), 12, (255, 240, 200), -1)
    return scene


@pytest.mark.parametrize(
    ("picture", "dark"),
    [
        (noisy(0, 0), True),  # a cap
        (noisy(0, 8), True),  # a cap, the gain turned up
        (noisy(0, 15), True),
        (noisy(hall(10), 3), True),  # black, if not featureless: nobody can be seen in it either
        (noisy(60, 2), True),  # a hand, light coming through
        (noisy(60, 15), True),  # the same, the gain turned up
        (noisy(90, 20), True),
        (noisy(255, 5), True),  # a light shining right in
        (noisy(hall(200), 3), False),
        (noisy(hall(40), 6), False),  # dim
        (noisy(hall(25), 10), False),  # at night
        (noisy(lamp(), 3), False),
        (noisy(128, 40), False),  # what no covered lens shows: noise beyond the docstring's limit
    ],
)
def test_a_covered_lens_is_told_from_a_dim_hall(picture: Image, dark: bool) -> None:
    assert is_dark(np.asarray(cv2.resize(picture, SAMPLE, interpolation=cv2.INTER_NEAREST), np.uint8)) == dark


def sights(watch: PictureHealth, pictures: list[Image], start: float = 0.0) -> list[PictureFault | None]:
    """One picture a second."""
    return [watch.look(picture, start + second) for second, picture in enumerate(pictures)]


def test_the_same_bytes_for_long_enough_are_a_frozen_camera() -> None:
    picture = noisy(hall(200), 3)
    seen = sights(PictureHealth(frozen=3, dark=0), [picture.copy() for _ in range(6)])
    assert seen == [None, None, None, PictureFault.FROZEN, PictureFault.FROZEN, PictureFault.FROZEN]


def test_one_byte_anywhere_is_a_new_picture() -> None:
    watch, picture = PictureHealth(frozen=3, dark=0), noisy(hall(200), 3)
    frames = [picture.copy() for _ in range(40)]
    for number in range(0, 40, 2):  # two seconds of the same at most
        place = int(RNG.integers(picture.size))
        frames[number].flat[place] = 255 - frames[number].flat[place]
    assert set(sights(watch, frames)) == {None}


def test_a_frozen_camera_stays_frozen_over_an_opening_until_another_picture_comes() -> None:
    watch, picture = PictureHealth(frozen=3, dark=0), noisy(hall(200), 3)
    assert sights(watch, [picture] * 4)[-1] is PictureFault.FROZEN
    watch.reopened()
    assert watch.look(picture.copy(), 60) is PictureFault.FROZEN
    assert watch.look(noisy(hall(200), 3), 61) is None
    assert watch.look(picture, 62) is None


def test_darkness_counts_from_its_beginning_and_ends_with_the_first_light() -> None:
    night, day = [noisy(0, 3) for _ in range(4)], noisy(hall(200), 3)
    watch = PictureHealth(frozen=0, dark=3)
    assert sights(watch, [*night[:3], day, *night]) == [None] * 7 + [PictureFault.DARK]
    assert watch.look(day, 9) is None


def test_a_covered_lens_is_not_taken_for_a_frozen_camera_nor_the_other_way_round() -> None:
    covered = [noisy(0, 3) for _ in range(5)]
    assert sights(PictureHealth(frozen=3, dark=3), covered)[-1] is PictureFault.DARK
    assert sights(PictureHealth(frozen=3, dark=3), [covered[0]] * 5)[-1] is PictureFault.DARK
    assert sights(PictureHealth(frozen=3, dark=3), [noisy(hall(25), 10)] * 5)[-1] is PictureFault.FROZEN


@pytest.mark.parametrize("level", [0, 11, 255])
def test_dark_pictures_alike_are_stale_once_in_ten_minutes(level: int) -> None:
    seen = sights(PictureHealth(frozen=3, dark=0), [np.full((36, 64, 3), level, np.uint8)] * 1300)
    assert [second for second, sight in enumerate(seen) if sight is PictureFault.STALE] == [600, 1200]
    assert set(seen) == {None, PictureFault.STALE}


def test_another_size_is_noticed_until_the_camera_is_opened_anew() -> None:
    watch = PictureHealth(frozen=3, dark=3)
    wide, narrow = noisy(hall(200), 3), noisy(np.ascontiguousarray(hall(200)[:, :240]), 3, (240, 180))
    assert sights(watch, [wide, narrow, narrow]) == [None, PictureFault.RESIZED, PictureFault.RESIZED]
    assert watch.size == (320, 180)
    watch.reopened()
    assert watch.look(narrow, 3) is None
    assert watch.size == (240, 180)


def test_zero_means_never() -> None:
    watch = PictureHealth(frozen=0, dark=0)
    assert set(sights(watch, list(itertools.repeat(noisy(0, 0), 100)))) == {None}
