"""What the classifier learns from is what the device will see: the right faces, cut by the device's own geometry."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch import preprocess
from maskwatch.flow import Box, Image
from training import crops
from training.crops import Sample
from training.data import Photo
from training.voc import Annotation, Scene

MASKED, BARE = 0, 1
SIZE = 48  # pixels of a crop
FACE = Box(30, 20, 70, 74)


def blotches(width: int = 128, height: int = 96) -> Image:
    """No two places look alike."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_a_portrait_is_shown_whole_and_as_its_largest_face_not_its_surest() -> None:
    known = {
        Path("a.jpg"): [(Box(0, 0, 20, 30), 0.9), (FACE, 0.4), (Box(5, 5, 40, 40), 0.8)],
        Path("elsewhere.jpg"): [(Box(0, 0, 99, 99), 1.0)],
    }
    photos = [Photo(Path("a.jpg"), BARE, 0), Photo(Path("b.jpg"), MASKED, 1)]
    assert crops.portraits(photos, known) == [
        Sample(Path("a.jpg"), BARE, None),
        Sample(Path("a.jpg"), BARE, FACE),
        Sample(Path("b.jpg"), MASKED, None),
    ]


def test_street_faces_of_both_classes_are_taken_and_wrongly_worn_masks_left_out() -> None:
    scenes = [
        Scene(Path("a.png"), (Annotation(FACE, "with_mask"), Annotation(FACE, "mask_weared_incorrect"))),
        Scene(Path("b.png"), ()),
        Scene(Path("c.png"), (Annotation(FACE, "without_mask"), Annotation(FACE, "person"))),
    ]
    assert crops.street(scenes) == [Sample(Path("a.png"), MASKED, FACE), Sample(Path("c.png"), BARE, FACE)]


@pytest.mark.parametrize(
    ("width", "height", "taken"), [(12, 12, True), (11.9, 40, False), (40, 11.9, False), (12, 60, True), (5, 5, False)]
)
def test_a_street_face_too_small_for_anybody_to_judge_is_left_out(width: float, height: float, taken: bool) -> None:
    box = Box(10, 10, 10 + width, 10 + height)
    assert bool(crops.street([Scene(Path("a.png"), (Annotation(box, "with_mask"),))])) is taken


@pytest.mark.parametrize("box", [FACE, Box(-20, -10, 30, 50), Box(100, 80, 150, 130), Box(0.4, 0.6, 127.5, 95.2)])
def test_a_face_is_cut_as_on_the_device_to_the_pixel(box: Box) -> None:
    expected = preprocess.face_crop(blotches(), box, SIZE, preprocess.FACE_MARGIN)
    assert np.array_equal(crops.cut(Sample(Path("a.png"), MASKED, box), blotches(), SIZE), expected)


def test_without_a_box_the_whole_picture_is_the_face() -> None:
    expected = preprocess.whole_image(blotches(), SIZE)
    assert np.array_equal(crops.cut(Sample(Path("a.png"), MASKED, None), blotches(), SIZE), expected)


def looks(sample: Sample, seeds: Iterable[int]) -> list[Image]:
    return [crops.varied(sample, blotches(), SIZE, np.random.default_rng(seed)) for seed in seeds]


@pytest.mark.parametrize("box", [FACE, None])
def test_a_seed_gives_one_look_and_another_seed_another(box: Box | None) -> None:
    sample = Sample(Path("a.png"), BARE, box)
    first, again = looks(sample, range(12)), looks(sample, range(12))
    assert all(map(np.array_equal, first, again))
    assert len({look.tobytes() for look in first}) == 12


def test_one_generator_gives_look_after_look() -> None:
    rng = np.random.default_rng(0)
    sample = Sample(Path("a.png"), BARE, FACE)
    assert len({crops.varied(sample, blotches(), SIZE, rng).tobytes() for _ in range(6)}) == 6


def test_a_varied_look_leaves_the_picture_itself_alone() -> None:
    image = blotches()
    for seed in range(12):
        crops.varied(Sample(Path("a.png"), BARE, FACE), image, SIZE, np.random.default_rng(seed))
    assert np.array_equal(image, blotches())


def marked(side: int) -> tuple[Image, Box]:
    """A magenta square face of such a side in the middle of a green picture, and its box."""
    image = np.full((400, 400, 3), (20, 120, 40), np.uint8)
    low, high = 200 - side // 2, 200 + side // 2
    image[low:high, low:high] = (255, 0, 255)
    return image, Box(low, low, high, high)


def test_varied_looks_are_tighter_and_wider_shifted_and_mirrored_but_hold_the_face(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crops.augment, "WEATHER", {})  # the geometry alone
    image, box = marked(100)
    image[150:250, 150:160, 1] = 200  # the face's left edge is paler
    shares, places, sides = [], [], set()
    for seed in range(200):
        look = crops.varied(Sample(Path("a.png"), BARE, box), image, 100, np.random.default_rng(seed)).astype(int)
        face = look[..., 2] > 200
        shares.append(face.mean() ** 0.5)
        places.append(np.argwhere(face).mean(axis=0) / 100 - 0.5)
        columns = np.nonzero(face.any(axis=0))[0]
        pale = np.nonzero((face & (look[..., 1] > 150)).any(axis=0))[0]
        if len(pale):
            sides.add("left" if abs(pale.mean() - columns[0]) < abs(pale.mean() - columns[-1]) else "right")
    assert sides == {"left", "right"}
    assert min(shares) < 0.5 < 0.85 < max(shares)
    assert np.abs(places).max() < 0.15
    assert np.abs(places).max(axis=0) == pytest.approx([0.1, 0.1], abs=0.05)


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.none() | st.tuples(st.floats(-40, 90), st.floats(-40, 90), st.floats(1, 120), st.floats(1, 120)),
    st.integers(8, 64),
    st.integers(0, 99),
)
def test_every_look_has_the_size_asked_for(
    extent: tuple[int, int], place: tuple[float, float, float, float] | None, size: int, seed: int
) -> None:
    box = Box(place[0], place[1], place[0] + place[2], place[1] + place[3]) if place else None
    sample, image = Sample(Path("a.png"), BARE, box), blotches(*extent)
    for look in (crops.cut(sample, image, size), crops.varied(sample, image, size, np.random.default_rng(seed))):
        assert (look.shape, look.dtype) == ((size, size, 3), np.uint8)
