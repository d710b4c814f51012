"""A mask with a clear edge is cut out and pasted on another face, so that it covers the nose or leaves it free."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwatch.flow import Box, Image
from training.augment import head, transplant
from training.augment.head import Head
from training.augment.transplant import Cutout

SKIN, CLOTH, WALL = (205, 160, 135), (70, 120, 200), (60, 70, 60)
FACE = Box(50, 40, 150, 160)  # in a picture of 200 by 220
FOREHEAD, EYE, NOSE, MOUTH, CHIN = (0.5, 0.25), (0.3, 0.4), (0.5, 0.6), (0.5, 0.745), (0.5, 0.95)
SEEDS = range(12)
Way = Callable[[Image, Box, Cutout, np.random.Generator], Image]
Place = tuple[float, float]


def person(mask: tuple[int, int, int] | None, shift: float = 0.0, box: Box = FACE) -> Image:
    """A drawn head with a mask that is too low by `shift`, a fraction of the face's height."""
    rng = np.random.default_rng(0)
    image = np.full((220, 200, 3), WALL, np.uint8)
    paint = partial(cv2.ellipse, image, angle=0, startAngle=0, endAngle=360, thickness=-1)
    middle = round((box.left + box.right) / 2), round((box.top + box.bottom) / 2)
    paint(center=middle, axes=(round(0.5 * box.width), round(0.54 * box.height)), color=SKIN)
    cv2.rectangle(image, (middle[0] - 25, round(box.bottom) - 5), (middle[0] + 25, 219), SKIN, -1)
    if mask:
        places = [(0.05, 0.55), (0.5, 0.47), (0.95, 0.55), (0.88, 0.85), (0.5, 1.06), (0.12, 0.85)]
        at = [(box.left + a * box.width, box.top + (d + shift) * box.height) for a, d in places]
        cv2.fillPoly(image, [np.array(at).round().astype(np.int32)], mask)
    return (image + rng.normal(0, 4, image.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def mask() -> Cutout:
    found = transplant.cut_out(person(CLOTH), FACE)
    assert found is not None
    return found


def test_a_cut_out_is_the_mask_and_nothing_else(mask: Cutout) -> None:
    assert (mask.top, mask.bottom) == pytest.approx((0.47, 1.05), abs=0.04)
    inside = mask.texture[mask.alpha > 0.5]
    middle = np.median(inside, axis=0)
    assert middle / middle.mean() == pytest.approx(np.array(CLOTH) / np.mean(CLOTH), abs=0.08)
    assert np.percentile(np.abs(inside - middle).max(axis=1), 97) < 40
    assert (mask.alpha.min(), mask.alpha.max()) == (0, 1)


PROFILE = Head(50, 40, 150, 160, ((55, 87), (75, 87), (45, 112), (55, 130), (75, 130)))


@pytest.mark.parametrize(
    ("image", "box"),
    [
        (person(None), FACE),  # nothing to cut out
        (person(CLOTH, shift=0.2), FACE),  # the nose is out
        (person((200, 158, 133)), FACE),  # of skin's colour: where is the edge?
        (person(CLOTH), Box(80, 80, 120, 130)),  # too few pixels
        (person(CLOTH)[:150], FACE),  # its lower edge is not in the picture
        (person(CLOTH), PROFILE),
    ],
)
def test_where_no_mask_is_worn_properly_or_its_edge_is_not_clear_nothing_is_cut_out(image: Image, box: Box) -> None:
    assert transplant.cut_out(image, box) is None


@cache
def changes(way: Way, mask: Cutout, box: Box) -> list[np.ndarray]:
    """For each seed, (H, W): how much the pasted mask changed each pixel of a bare face."""
    bare = person(None, box=box)
    worn = [way(bare, box, mask, np.random.default_rng(seed)) for seed in SEEDS]
    return [np.abs(image.astype(int) - bare).max(axis=2) for image in worn]


def covered(way: Way, mask: Cutout, place: Place, box: Box = FACE) -> list[bool]:
    """For each seed, whether the pasted mask changed the colour at this place of a bare face."""
    found = box.map if isinstance(box, Head) else head.upright(box)
    x, y = head.pixels(found, [place])[0].round().astype(int)
    return [bool(np.median(change[y - 2 : y + 3, x - 2 : x + 3]) > 25) for change in changes(way, mask, box)]


@pytest.mark.parametrize(
    ("way", "hides", "leaves"),
    [
        (transplant.proper, (NOSE, MOUTH, CHIN), (EYE, FOREHEAD)),
        (transplant.nose_out, ((0.5, 0.8), CHIN), (NOSE, (0.5, 0.65), EYE)),
        (transplant.on_chin, ((0.5, 1.0),), (MOUTH, NOSE, EYE)),
    ],
)
@pytest.mark.parametrize("box", [FACE, Box(70, 60, 130, 132)])
def test_the_nose_tells_how_a_moved_mask_is_worn(
    way: Way, hides: tuple[Place, ...], leaves: tuple[Place, ...], mask: Cutout, box: Box
) -> None:
    assert all(all(covered(way, mask, place, box)) for place in hides)
    assert not any(any(covered(way, mask, place, box)) for place in leaves)


def test_on_a_head_with_landmarks_the_mask_is_where_its_nose_is(mask: Cutout) -> None:
    shifted = tuple((50 + 100 * across + 6, 40 + 120 * down - 9) for across, down in head.PLACES)
    face = Head(50, 40, 150, 160, shifted)
    assert all(covered(transplant.proper, mask, NOSE, face))
    assert not any(covered(transplant.nose_out, mask, (0.5, 0.65), face))


def test_a_moved_mask_is_as_light_as_the_face_and_the_picture_itself_stays(mask: Cutout) -> None:
    bare = person(None)
    by_night = (bare * 0.35).astype(np.uint8)
    before = by_night.copy()
    day, night = (
        transplant.proper(image, FACE, mask, np.random.default_rng(0))[110:150, 90:110].mean()
        for image in (bare, by_night)
    )
    assert night < 0.7 * day
    assert np.array_equal(by_night, before)


def test_the_first_masks_that_can_be_cut_out_are_used() -> None:
    faces = [(Path(name), FACE) for name in ("masked", "bare", "masked", "masked")]
    read = []

    def image(path: Path) -> Image:
        read.append(path.name)
        return person(CLOTH if path.name == "masked" else None)

    assert len(transplant.cut_out_masks(faces, image, limit=2)) == 2
    assert read == ["masked", "bare", "masked"]
