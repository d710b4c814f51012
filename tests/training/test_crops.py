"""The classifier's training crops show the right faces, cut by the device's geometry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.flow import Box, Image
from maskwatch.vision import preprocess
from training.augment import crops, wear, weather
from training.augment.crops import Sample
from training.pictures.data import Photo
from training.pictures.voc import Annotation, Scene, Split

MASKED, BARE, WRONG = 0, 1, 2
SIZE = 48  # pixels of a crop
FACE = Box(30, 20, 70, 74)


def blotches(width: int = 128, height: int = 96) -> Image:
    """A picture in which no two places have the same pixels."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_a_portrait_is_shown_whole_and_as_its_largest_face_not_its_surest() -> None:
    known = {
        Path("a.jpg"): [(Box(0, 0, 20, 30), 0.9), (FACE, 0.4), (Box(5, 5, 40, 40), 0.8)],
        Path("elsewhere.jpg"): [(Box(0, 0, 99, 99), 1.0)],
    }
    photos = [Photo(Path("a.jpg"), BARE, 0), Photo(Path("b.jpg"), MASKED, 1)]
    assert crops.portraits(photos, known) == [
        Sample(Path("a.jpg"), BARE, FACE, whole=True),
        Sample(Path("a.jpg"), BARE, FACE),
        Sample(Path("b.jpg"), MASKED, None, whole=True),
    ]


def test_annotated_faces_of_all_three_classes_are_taken_and_those_nobody_told_left_out() -> None:
    scenes = [
        Scene(Path("a.png"), (Annotation(FACE, "with_mask"), Annotation(FACE, "mask_weared_incorrect"))),
        Scene(Path("b.png"), ()),
        Scene(Path("c.png"), (Annotation(FACE, "without_mask"), Annotation(FACE, "person"), Annotation(FACE, "face"))),
        Scene(Path("d.png"), (Annotation(FACE, "face", ignored=True), Annotation(FACE, "with_mask", ignored=True))),
    ]
    assert crops.annotated(scenes, "press") == [
        Sample(Path("a.png"), MASKED, FACE, street=True, source="press"),
        Sample(Path("a.png"), WRONG, FACE, street=True, source="press"),
        Sample(Path("c.png"), BARE, FACE, street=True, source="press"),
    ]


LARGE = Box(10, 10, 90, 110)


def test_every_source_has_its_name_and_one_of_portraits_is_looked_at_as_portraits() -> None:
    def split(name: str, *faces: Annotation) -> Split:
        scenes = tuple(Scene(Path(f"{name}{number}.png"), faces) for number in range(3))
        return Split(scenes[:1], scenes[1:2], scenes[2:])

    masked = Annotation(FACE, "with_mask")
    splits = {"crowd": split("a", masked, masked), "kinds": split("b", Annotation(LARGE, "with_mask"))}
    found = crops.of_sources(splits, "validation")
    assert [(each.path.name, each.source, each.street) for each in found] == [
        ("a1.png", "crowd", True),
        ("a1.png", "crowd", True),
        ("b1.png", "kinds", False),
    ]
    assert crops.of_sources({"nobody": split("c")}, "all") == []


def test_masks_to_be_moved_are_those_of_large_faces_and_go_from_source_to_source() -> None:
    portraits = [Sample(Path(f"p{number}"), MASKED, LARGE) for number in range(3)]
    kinds = [Sample(Path(f"k{number}"), MASKED, LARGE, source="kinds") for number in range(2)]
    others = [
        Sample(Path("w"), MASKED, LARGE, whole=True),
        Sample(Path("b"), BARE, LARGE),
        Sample(Path("i"), WRONG, LARGE, source="kinds"),
        Sample(Path("n"), MASKED, None),
        Sample(Path("s"), MASKED, FACE, street=True, source="crowd"),
    ]
    found = [path.name for path, _ in crops.masked([*others, *portraits, *kinds], seed=1)]
    assert [name[0] for name in found] == ["p", "k", "p", "k", "p"]
    assert sorted(found) == ["k0", "k1", "p0", "p1", "p2"]
    assert found == [path.name for path, _ in crops.masked([*others, *portraits, *kinds], seed=1)]


@pytest.mark.parametrize(
    ("width", "height", "taken"), [(12, 12, True), (11.9, 40, False), (40, 11.9, False), (12, 60, True), (5, 5, False)]
)
def test_a_street_face_too_small_for_anybody_to_judge_is_left_out(width: float, height: float, taken: bool) -> None:
    box = Box(10, 10, 10 + width, 10 + height)
    assert bool(crops.annotated([Scene(Path("a.png"), (Annotation(box, "with_mask"),))], "press")) is taken


@pytest.mark.parametrize("box", [FACE, Box(-20, -10, 30, 50), Box(100, 80, 150, 130), Box(0.4, 0.6, 127.5, 95.2)])
def test_a_face_is_cut_as_on_the_device_to_the_pixel(box: Box) -> None:
    expected = preprocess.face_crop(blotches(), box, SIZE, preprocess.FACE_MARGIN)
    assert np.array_equal(crops.cut(Sample(Path("a.png"), MASKED, box), blotches(), SIZE), expected)


@pytest.mark.parametrize(
    "sample", [Sample(Path("a.png"), MASKED, None), Sample(Path("a.png"), MASKED, FACE, whole=True)]
)
def test_a_whole_portrait_and_a_face_nobody_knows_are_cut_as_the_whole_picture(sample: Sample) -> None:
    assert np.array_equal(crops.cut(sample, blotches(), SIZE), preprocess.whole_image(blotches(), SIZE))


# -- what might have been seen at another door -----------------------------------------------------------------------


def looks(sample: Sample, seeds: Iterable[int], image: Image | None = None) -> list[tuple[Image, int]]:
    image = blotches() if image is None else image
    return [crops.varied(sample, image, SIZE, np.random.default_rng(seed)) for seed in seeds]


@pytest.mark.parametrize(("box", "whole"), [(FACE, False), (FACE, True), (None, False)])
def test_a_seed_gives_one_look_and_another_seed_another(box: Box | None, whole: bool) -> None:
    sample = Sample(Path("a.png"), BARE, box, whole)
    first, again = looks(sample, range(12)), looks(sample, range(12))
    assert all(np.array_equal(one[0], other[0]) and one[1] == other[1] for one, other in zip(first, again, strict=True))
    assert len({look.tobytes() for look, _ in first}) == 12


def test_one_generator_gives_look_after_look() -> None:
    rng = np.random.default_rng(0)
    sample = Sample(Path("a.png"), BARE, FACE)
    assert len({crops.varied(sample, blotches(), SIZE, rng)[0].tobytes() for _ in range(6)}) == 6


def test_a_varied_look_leaves_the_picture_itself_alone() -> None:
    image = blotches()
    looks(Sample(Path("a.png"), BARE, FACE), range(40), image)  # long enough for every kind of drawing
    assert np.array_equal(image, blotches())


@pytest.mark.parametrize("label", [MASKED, BARE, WRONG])
@pytest.mark.parametrize("box", [FACE, None])
def test_a_drawn_mask_changes_the_class_of_bare_faces_alone(label: int, box: Box | None) -> None:
    classes = [found for _, found in looks(Sample(Path("a.png"), label, box), range(200))]
    assert set(classes) == ({MASKED, BARE, WRONG} if label == BARE and box else {label})
    if label == BARE and box:
        assert classes.count(MASKED) / 200 == pytest.approx(wear.PUT_ON / 2, abs=0.06)
        assert classes.count(WRONG) / 200 == pytest.approx(wear.PUT_ON / 2, abs=0.06)


@pytest.fixture
def geometry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options without drawn clothes, weather or distance."""
    monkeypatch.setattr(weather, "CHANCES", {})
    monkeypatch.setattr(wear, "dress", lambda image, _box, label, _rng, _masks: (image, label))
    monkeypatch.setattr(crops, "KEPT_RESOLUTION", {False: 1.0, True: 1.0})


def marked(side: int) -> tuple[Image, Box]:
    """A green picture with a magenta square face of this side in the middle, and the face's box."""
    image = np.full((400, 400, 3), (20, 120, 40), np.uint8)
    low, high = 200 - side // 2, 200 + side // 2
    image[low:high, low:high] = (255, 0, 255)
    return image, Box(low, low, high, high)


@pytest.mark.usefixtures("geometry_alone")
def test_varied_looks_are_tighter_and_wider_shifted_and_mirrored_but_hold_the_face() -> None:
    image, box = marked(100)
    image[150:250, 150:160, 1] = 200  # the face's left edge is paler
    shares, places, sides = [], [], set()
    for seed in range(200):
        look, _ = crops.varied(Sample(Path("a.png"), BARE, box), image, 100, np.random.default_rng(seed))
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


@pytest.mark.usefixtures("geometry_alone")
def test_a_whole_portrait_stays_whole_but_for_its_rim() -> None:
    image, box = marked(100)  # a quarter of the picture's width
    for seed in range(60):
        look, _ = crops.varied(Sample(Path("a.png"), BARE, box, whole=True), image, 100, np.random.default_rng(seed))
        face = (look[..., 2] > 200).mean() ** 0.5
        assert 0.25 / 1.12 <= face <= 0.25 / 0.76


BOXES = st.builds(
    lambda left, top, width, height: Box(left, top, left + width, top + height),
    *(st.floats(0, 200), st.floats(0, 200), st.floats(12, 150), st.floats(12, 150)),
)


@settings(deadline=None, max_examples=60)  # a busy machine is no failure
@given(BOXES, st.booleans(), st.integers(16, 300), st.integers(0, 10_000))
def test_a_frame_is_no_larger_than_asked_keeps_the_face_in_its_middle_and_says_how_large_it_is(
    box: Box, whole: bool, limit: int, seed: int
) -> None:
    image = np.zeros((350, 350, 3), np.uint8)
    sample = Sample(Path("a.png"), BARE, box, whole)
    window, side, face = crops.framing(sample, image, limit, np.random.default_rng(seed))
    assert 8 <= side <= limit
    scale = abs(np.linalg.det(window[:, :2])) ** 0.5
    longer = max(box.width, box.height)
    assert face == pytest.approx(longer * scale, rel=0.12)  # the tilt's shear changes areas a little
    middle = (175.0, 175.0) if whole else ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    away = np.abs(window @ np.array([*middle, 1.0]) - side / 2).max()
    assert away <= 2 * crops.SHIFT * longer * scale + 1


def test_half_of_the_crops_have_about_the_devices_margin_and_the_rest_any() -> None:
    image, box = marked(100)
    margins = []
    for seed in range(600):
        _, side, face = crops.framing(Sample(Path("a.png"), BARE, box), image, 400, np.random.default_rng(seed))
        margins.append((side / face - 1) / 2)
    low, high = crops.MARGINS
    assert min(margins) == pytest.approx(low, abs=0.03)
    assert max(margins) == pytest.approx(high, abs=0.03)
    near = [abs(margin - preprocess.FACE_MARGIN) < 2 * crops.MARGIN_SPREAD for margin in margins]
    assert np.mean(near) == pytest.approx(0.5 * 0.95 + 0.5 * 4 * crops.MARGIN_SPREAD / (high - low), abs=0.06)


def test_round_a_mask_worn_wrong_enough_is_seen_to_tell() -> None:
    image, box = marked(100)
    margins = []
    for seed in range(300):
        _, side, face = crops.framing(Sample(Path("a.png"), WRONG, box), image, 400, np.random.default_rng(seed))
        margins.append((side / face - 1) / 2)
    assert min(margins) == pytest.approx(crops.MIN_MARGIN_WORN_WRONG, abs=0.01)
    assert crops.MIN_MARGIN_WORN_WRONG >= crops.SHIFT  # the chin stays in the crop


@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(0.5, 500), st.booleans(), st.integers(0, 10_000))
def test_no_face_is_shrunk_below_the_least_and_none_enlarged(face: float, street: bool, seed: int) -> None:
    share = crops.resolution(face, street, np.random.default_rng(seed))
    assert 0 < share <= 1
    assert share == 1 or face * share >= crops.MIN_FACE * (1 - 1e-6)


@pytest.mark.parametrize("street", [False, True])
def test_as_many_faces_as_it_says_keep_all_their_pixels_and_the_rest_go_down_to_the_least(street: bool) -> None:
    shares = [crops.resolution(130.0, street, np.random.default_rng(seed)) for seed in range(1000)]
    assert shares.count(1.0) / 1000 == pytest.approx(crops.KEPT_RESOLUTION[street], abs=0.05)
    assert min(shares) == pytest.approx(crops.MIN_FACE / 130, rel=0.1)


def test_the_cameras_faults_come_at_the_pixels_of_the_far_face(monkeypatch: pytest.MonkeyPatch) -> None:
    sides, left_out = [], []

    def record(look: Image, _rng: np.random.Generator, but: weather.Effect | None = None) -> Image:
        assert look.shape[0] == look.shape[1]
        sides.append(len(look))
        left_out.append(but)
        return look

    monkeypatch.setattr(weather, "apply", record)
    image, box = marked(200)
    for seed in range(150):
        look, _ = crops.varied(Sample(Path("a.png"), BARE, box), image, 64, np.random.default_rng(seed))
        assert look.shape == (64, 64, 3)
    assert min(sides) < 24
    assert max(sides) == round(crops.MAX_PIXELS * 64)
    assert set(left_out) == {weather.low_resolution}  # distance is chosen already


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.none() | st.tuples(st.floats(-40, 90), st.floats(-40, 90), st.floats(1, 120), st.floats(1, 120)),
    st.integers(8, 64),
    st.integers(0, 99),
    st.booleans(),
)
def test_every_look_has_the_size_asked_for_and_a_class(
    extent: tuple[int, int], place: tuple[float, float, float, float] | None, size: int, seed: int, whole: bool
) -> None:
    box = Box(place[0], place[1], place[0] + place[2], place[1] + place[3]) if place else None
    sample, image = Sample(Path("a.png"), BARE, box, whole), blotches(*extent)
    look, label = crops.varied(sample, image, size, np.random.default_rng(seed))
    for made in (crops.cut(sample, image, size), look):
        assert (made.shape, made.dtype) == ((size, size, 3), np.uint8)
    assert label in {MASKED, BARE, WRONG}
