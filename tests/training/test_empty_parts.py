"""Parts of scenes without a face."""

import numpy as np
import pytest

from training.augment import empty_parts
from training.augment.picture import Picture

FACE, GREEN = (255, 0, 255), (20, 120, 40)


def scene(width: int, height: int, *faces: tuple[int, int, int, int], ignored: bool = False) -> Picture:
    """Magenta faces on green; hair, a quarter of the face's size, is drawn around each."""
    image = np.full((height, width, 3), GREEN, np.uint8)
    for left, top, right, bottom in faces:
        wide, high = (right - left) // 4, (bottom - top) // 4
        image[max(0, top - high) : bottom + high, max(0, left - wide) : right + wide] = FACE
    return Picture(image, np.array(faces, np.float32).reshape(-1, 4), ignored=np.full(len(faces), ignored))


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("size", [(400, 300), (260, 500)])
def test_no_part_shows_a_face_or_its_hair_also_not_of_an_ignored_one(size: tuple[int, int], ignored: bool) -> None:
    picture = scene(*size, (40, 40, 80, 80), (180, 200, 240, 280), ignored=ignored)
    found = empty_parts.of_all([picture] * 100, np.random.default_rng(0))
    assert len(found) > 75 * empty_parts.PARTS
    for part in found:
        assert (part.image == GREEN).all()
        assert part.boxes.shape == (0, 4)
    assert np.shares_memory(found[0].image, picture.image)


def test_parts_are_squares_of_many_sizes_from_all_over_the_scene() -> None:
    ramp = np.zeros((300, 400, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(400) // 2, np.arange(300)[:, None] // 2
    scenes = [Picture(ramp, np.zeros((0, 4), np.float32))] * 300
    images = [part.image for part in empty_parts.of_all(scenes, np.random.default_rng(0))]
    assert len(images) == 300 * empty_parts.PARTS
    sides = [image.shape[0] for image in images]
    assert all(image.shape[0] == image.shape[1] for image in images)
    low, high = (300 * share for share in empty_parts.SIDE)
    assert low <= min(sides) < 90
    assert high * 0.93 < max(sides) <= round(high)
    assert min(image[0, 0, 0] for image in images) < 5
    assert max(image[-1, -1, 0] for image in images) > 195
    assert max(image[-1, -1, 1] for image in images) > 145


def test_a_scene_full_of_faces_or_too_small_has_no_part() -> None:
    rng = np.random.default_rng(0)
    crowded = [(x, y, x + 50, y + 50) for x in range(0, 300, 60) for y in range(0, 300, 60)]
    small = scene(400, empty_parts.SMALLEST - 1)
    assert empty_parts.of_all([scene(300, 300, *crowded), small], rng) == []
    assert len(empty_parts.of_all([scene(300, 300, *crowded), scene(300, 300)], rng)) == empty_parts.PARTS
