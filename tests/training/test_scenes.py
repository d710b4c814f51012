"""In composed scenes, every box lies where its face is drawn, inside the frame."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.flow import Box, Image
from training.augment import scenes, weather
from training.augment.picture import Picture, mirrored
from training.pictures import voc
from training.pictures.data import Photo

SIZE = 160  # pixels of a scene
MAGENTA = (255, 0, 255)  # of faces, and of nothing else


def picture(width: int, height: int, *faces: tuple[int, int, int, int]) -> Picture:
    """Pictures with magenta faces on green."""
    image = np.full((height, width, 3), (20, 120, 40), np.uint8)
    for left, top, right, bottom in faces:
        image[top:bottom, left:right] = MAGENTA
    return Picture(image, np.array(faces, np.float32).reshape(-1, 4))


PORTRAIT = picture(200, 240, (80, 90, 120, 140))
ROOM = Picture(np.full((240, 320, 3), (30, 40, 220), np.uint8), np.zeros((0, 4), np.float32))
STREET = picture(320, 240, (60, 100, 100, 150), (150, 90, 182, 130), (230, 120, 262, 160))


def drawn_faces(image: Image) -> np.ndarray:
    """(N, 4) boxes of the magenta patches."""
    red, green, blue = (image[..., channel].astype(int) for channel in range(3))
    magenta = ((red > 245) & (green < 10) & (blue > 245)).astype(np.uint8)
    left, top, width, height, area = cv2.connectedComponentsWithStats(magenta)[2][1:].T
    return np.stack([left, top, left + width, top + height], axis=1)[area > 8].astype(np.float32)


def apart(boxes: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(N,) pixels from each box to the nearest face: the largest distance between edges of the same side."""
    return np.abs(boxes[:, None] - faces[None]).max(axis=2).min(axis=1, initial=np.inf)


@pytest.mark.parametrize("seed", range(25))
def test_in_a_zoomed_street_the_boxes_lie_on_the_faces(seed: int) -> None:
    scene = scenes.zoomed(STREET, SIZE, np.random.default_rng(seed))
    faces = drawn_faces(scene.image)
    assert scene.image.shape == (SIZE, SIZE, 3)
    assert (apart(scene.boxes, faces) < 2).all()
    lost = faces[apart(faces, scene.boxes) >= 2]  # cut off by the frame so far that they are not taught
    assert ((lost[:, :2] <= 0).any(axis=1) | (lost[:, 2:] >= SIZE).any(axis=1)).all()


def test_zooming_shows_faces_of_many_sizes_and_loses_few() -> None:
    boxes = [scenes.zoomed(STREET, SIZE, np.random.default_rng(seed)).boxes for seed in range(60)]
    widths = np.concatenate(boxes)[:, 2] - np.concatenate(boxes)[:, 0]
    assert widths.min() < 15
    assert widths.max() > 40
    assert sum(map(len, boxes)) > 0.4 * 3 * 60


@pytest.mark.parametrize("grids", [(1,), (2,), (3,), (4,)])
@pytest.mark.parametrize("seed", range(5))
def test_in_a_collage_every_face_has_its_box_and_every_box_its_face(
    monkeypatch: pytest.MonkeyPatch, grids: tuple[int, ...], seed: int
) -> None:
    monkeypatch.setattr(scenes, "DRESSED", 0.0)  # a drawing hides the magenta
    monkeypatch.setattr(scenes, "TILT", 0.0)  # a turned face keeps the size of its box
    scene = scenes.collage(lambda: PORTRAIT, SIZE, np.random.default_rng(seed), grids)
    faces = drawn_faces(scene.image)
    assert 0.5 * grids[0] ** 2 <= len(scene.boxes) == len(faces) <= grids[0] ** 2
    assert (apart(scene.boxes, faces) < 2).all()
    assert (apart(faces, scene.boxes) < 2).all()


def test_a_dressed_face_keeps_its_box_and_its_photograph_stays_as_it_was() -> None:
    before, drawn = PORTRAIT.image.copy(), 0
    for seed in range(60):
        worn = scenes.dressed(PORTRAIT, np.random.default_rng(seed), scenes.DRESSED)
        assert np.array_equal(worn.boxes, PORTRAIT.boxes)
        assert np.array_equal(PORTRAIT.image, before)
        drawn += not np.array_equal(worn.image, before)
    assert drawn / 60 == pytest.approx(scenes.DRESSED, abs=0.12)


@pytest.mark.parametrize(("side", "drawn"), [(15, False), (16, True)])
def test_a_face_too_small_for_a_drawing_gets_none(side: int, drawn: bool) -> None:
    bare = picture(120, 120, (50, 50, 50 + side, 50 + side))
    worn = [scenes.dressed(bare, np.random.default_rng(seed), share=1.0).image for seed in range(6)]
    assert [not np.array_equal(image, bare.image) for image in worn] == [drawn] * 6


def test_a_turn_is_mostly_small_and_at_times_far() -> None:
    rng = np.random.default_rng(0)
    turns = np.abs([scenes.leaning(0.1, rng) for _ in range(2000)])
    assert 0.05 < np.median(turns) < 0.12
    assert scenes.LEANING_FAR / 3 < np.mean(turns > 0.4) < scenes.LEANING_FAR
    assert not any(scenes.leaning(0.0, rng) for _ in range(50))


@pytest.mark.parametrize("side", [(160, 160), (53, 54), (90, 40)])
@pytest.mark.parametrize("seed", range(5))
def test_in_a_tile_of_any_shape_the_box_lies_on_the_face(
    monkeypatch: pytest.MonkeyPatch, side: tuple[int, int], seed: int
) -> None:
    monkeypatch.setattr(scenes, "TILT", 0.0)
    tile = scenes.tilted(PORTRAIT, side, np.random.default_rng(seed))
    assert tile.image.shape == (side[1], side[0], 3)
    (away,) = apart(tile.boxes, drawn_faces(tile.image))
    assert away < 2


def test_a_turned_face_keeps_its_size_and_stays_under_its_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with the same tile drawn without a turn: the random draws are the same."""
    turned = [scenes.tilted(PORTRAIT, (200, 200), np.random.default_rng(seed)) for seed in range(12)]
    monkeypatch.setattr(scenes, "TILT", 0.0)
    upright = [scenes.tilted(PORTRAIT, (200, 200), np.random.default_rng(seed)) for seed in range(12)]
    moved = 0
    for tile, plain in zip(turned, upright, strict=True):
        if len(tile.boxes) == len(plain.boxes) == 1 and (tile.boxes > 0).all() and (tile.boxes < 200).all():
            size, before = (boxes[0, 2:] - boxes[0, :2] for boxes in (tile.boxes, plain.boxes))
            assert size == pytest.approx(before, abs=0.1)
            (face,) = drawn_faces(tile.image)
            centre, found = ((box[:2] + box[2:]) / 2 for box in (tile.boxes[0], face))
            assert found == pytest.approx(centre, abs=2.5)
            moved += not np.array_equal(tile.boxes, plain.boxes)
    assert moved >= 4


def test_scenes_with_a_bare_face_are_listed_more_often(saved: Callable[[str], Path]) -> None:
    masked, bare = (voc.Annotation(Box(0, 0, 9, 9), name) for name in ("with_mask", "without_mask"))
    found = scenes.streets([voc.Scene(saved("a.png"), (masked,)), voc.Scene(saved("b.png"), (masked, bare))])
    assert [len(picture.boxes) for picture in found] == [1] + [2] * scenes.BARE_AGAIN


@pytest.mark.parametrize("portraits", [[], [PORTRAIT]])
def test_a_composed_scene_holds_its_boxes_and_is_the_same_for_a_seed(portraits: list[Picture]) -> None:
    for seed in range(30):
        pictures = scenes.TrainingPictures([[STREET], [PORTRAIT]], portraits, [ROOM])
        scene, again = (scenes.compose(pictures, 96, np.random.default_rng(seed)) for _ in range(2))
        assert (scene.image.shape, scene.image.dtype) == ((96, 96, 3), np.uint8)
        assert scene.boxes.dtype == np.float32
        assert ((scene.boxes >= 0) & (scene.boxes <= 96)).all()
        assert (scene.boxes[:, :2] < scene.boxes[:, 2:]).all()
        assert np.array_equal(scene.image, again.image)
        assert np.array_equal(scene.boxes, again.boxes)


def test_composing_mirrors_picture_and_boxes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weather, "CHANCES", {})
    monkeypatch.setattr(scenes, "DRESSED_OUTSIDE", 0.0)
    lopsided = picture(320, 320, (40, 140, 100, 200))
    monkeypatch.setattr(scenes, "zoomed", lambda *_, **__: lopsided)
    monkeypatch.setattr(scenes, "collage", lambda *_, **__: lopsided)
    pictures = scenes.TrainingPictures([[lopsided]])
    composed = [scenes.compose(pictures, 320, np.random.default_rng(seed)) for seed in range(20)]
    assert {float(scene.boxes[0, 0]) for scene in composed} == {40.0, 220.0}
    assert all(np.array_equal(drawn_faces(scene.image), scene.boxes) for scene in composed)


@pytest.mark.parametrize(
    ("box", "seen", "ignored"),
    [
        ((10, 10, 30, 30), (10, 10, 30, 30), False),
        ((-10, 0, 10, 20), (0, 0, 10, 20), False),  # half is left
        ((84, 50, 104, 100), (84, 50, 100, 80), False),  # 48 %
        ((-13, 0, 7, 20), (0, 0, 7, 20), True),  # a third: neither a face to learn nor background
        ((90, 70, 110, 90), (90, 70, 100, 80), True),  # a quarter: half across and half down
        ((-19, 0, 1, 20), None, False),  # a twentieth
        ((200, 10, 220, 30), None, False),
    ],
)
def test_a_cut_face_is_clipped_then_ignored_then_dropped(
    box: tuple[float, ...], seen: tuple[float, ...] | None, ignored: bool
) -> None:
    moved = np.array([box], np.float32)
    before = Picture(np.zeros((1, 1, 3), np.uint8), moved, np.array([2]))
    found = before.cropped(np.zeros((80, 100, 3), np.uint8), moved)
    assert found.boxes.tolist() == ([list(seen)] if seen else [])
    assert found.left_out.tolist() == ([ignored] if seen else [])
    assert found.labels is not None
    assert found.labels.tolist() == ([2] if seen else [])


def test_an_ignored_face_stays_ignored_and_nothing_is_drawn_on_it() -> None:
    street = picture(120, 120, (20, 20, 60, 70), (70, 20, 110, 70))
    half = Picture(street.image, street.boxes, ignored=np.array([True, False]))
    assert half.cropped(street.image, street.boxes).left_out.tolist() == [True, False]
    drawn = [scenes.dressed(half, np.random.default_rng(seed), share=1.0).image for seed in range(6)]
    changed = np.any([image != street.image for image in drawn], axis=(0, 3))
    assert changed[30:60, 80:100].any()
    assert not changed[40:60, 25:45].any()


def test_half_of_the_empty_places_are_hard_ones_if_there_are_both_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Picture] = []

    def zoomed(shown_picture: Picture, *_: object, **__: object) -> Picture:
        shown.append(shown_picture)
        return shown_picture

    monkeypatch.setattr(scenes, "zoomed", zoomed)
    street, easy, hard = picture(96, 96, (20, 20, 60, 70)), picture(96, 96), picture(96, 96)
    for of_empty, of_hard, share in (([easy] * 9, [hard], scenes.HARD), ([easy] * 9, [], 0.0), ([], [hard], 1.0)):
        shown.clear()
        pictures = scenes.TrainingPictures([[street]], [], of_empty, of_hard)
        for seed in range(1500):
            scenes.compose(pictures, 96, np.random.default_rng(seed))
        rooms = [each for each in shown if each is not street]
        assert sum(each is hard for each in rooms) / len(rooms) == pytest.approx(share, abs=0.1)


COORDINATES = st.integers(-50, 150)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(COORDINATES, COORDINATES, COORDINATES, COORDINATES), max_size=5), st.integers(1, 200))
def test_mirroring_twice_is_nothing_and_once_keeps_the_size(boxes: list[tuple[int, ...]], width: int) -> None:
    given_boxes = np.array(boxes, np.float32).reshape(-1, 4)
    once = mirrored(given_boxes, width)
    assert np.array_equal(mirrored(once, width), given_boxes)
    assert np.array_equal(once[:, 2:] - once[:, :2], given_boxes[:, 2:] - given_boxes[:, :2])


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str], Path]:
    def save(name: str) -> Path:
        assert cv2.imwrite(str(tmp_path / name), STREET.image[..., ::-1])
        return tmp_path / name

    return save


def test_only_portraits_whose_faces_are_all_sure_are_learnt_from(saved: Callable[[str], Path], tmp_path: Path) -> None:
    photos = [Photo(saved(f"{name}.png"), 0, 0) for name in ("sure", "doubtful", "unknown")]
    rows = (("sure", 0.9), ("sure", 0.75), ("doubtful", 0.95), ("doubtful", 0.74))
    lines = [f"{name}.png\t1\t2\t30\t40\t{score}" for name, score in rows]
    (tmp_path / "faces.tsv").write_text("\n".join(["path\tx1\ty1\tx2\ty2\tscore", *lines]))
    (portrait,) = scenes.portraits(photos, tmp_path)
    assert portrait.boxes.tolist() == [[1, 2, 30, 40]] * 2
    assert np.array_equal(portrait.image, STREET.image)


def test_in_the_street_every_annotated_name_is_a_face(saved: Callable[[str], Path]) -> None:
    names = ("with_mask", "without_mask", "mask_weared_incorrect")
    faces = tuple(voc.Annotation(Box(at, 0, at + 9, 9), name) for at, name in enumerate(names))
    both = [voc.Scene(saved("a.png"), faces), voc.Scene(saved("b.png"), ())]
    assert [picture.boxes.tolist() for picture in scenes.streets(both)] == [
        [[0, 0, 9, 9], [1, 0, 10, 9], [2, 0, 11, 9]]
    ] * scenes.BARE_AGAIN
    assert [picture.boxes.shape for picture in scenes.rooms(both)] == [(0, 4)]


def test_every_source_is_drawn_as_often_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "FOURFOLD", 0.0)
    small, large = picture(99, 99, (1, 1, 50, 50)), picture(99, 99, (1, 1, 50, 50))
    drawn = []
    monkeypatch.setattr(scenes, "zoomed", lambda picture, *_, **__: drawn.append(picture is small) or picture)
    pictures = scenes.TrainingPictures([[small], [large] * 99])
    for seed in range(200):
        scenes.compose(pictures, 96, np.random.default_rng(seed))
    assert 70 < sum(drawn) < 130


@pytest.mark.parametrize(
    ("kind", "share"), [("street", scenes.AS_IT_IS_STREET), ("portrait", scenes.AS_IT_IS_PORTRAIT)]
)
def test_a_share_of_the_photographs_is_shown_as_a_device_sees_them(
    monkeypatch: pytest.MonkeyPatch, kind: str, share: float
) -> None:
    """One photograph, upright, hardly zoomed: each face keeps its proportions and nearly its size."""
    drawn = []
    monkeypatch.setattr(scenes, "zoomed", lambda picture, *_, **options: drawn.append(options) or picture)
    monkeypatch.setattr(scenes, "collage", lambda *_, **__: drawn.append("collage") or STREET)
    monkeypatch.setattr(scenes, "PORTRAITS", {"street": 0.0, "portrait": 1.0}[kind])
    pictures = scenes.TrainingPictures([[STREET]], [PORTRAIT])
    for seed in range(300):
        scenes.compose(pictures, 96, np.random.default_rng(seed))
    assert share - 0.1 < drawn.count({"zoom": scenes.AS_IT_IS_ZOOM}) / len(drawn) < share + 0.1
    low, high = scenes.AS_IT_IS_ZOOM
    assert 0.8 < low < 1 < high < 1.25


def test_a_room_is_shown_as_often_as_it_should_be_and_holds_no_face() -> None:
    pictures = scenes.TrainingPictures([[STREET]], [PORTRAIT], [ROOM])
    made = [scenes.compose(pictures, 96, np.random.default_rng(seed)) for seed in range(300)]
    rooms = [not len(scene.boxes) for scene in made]
    assert scenes.EMPTY / 2 < np.mean(rooms) < 2 * scenes.EMPTY
    assert all(len(drawn_faces(scene.image)) == 0 for scene, room in zip(made, rooms, strict=True) if room)


@pytest.mark.parametrize("way", ["zoomed", "collage", "mirrored"])
def test_what_is_left_out_of_the_loss_stays_so_wherever_it_is_shown(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Two faces of different width: the wide one was never annotated."""
    monkeypatch.setattr(weather, "CHANCES", {})
    monkeypatch.setattr(scenes, "DRESSED", 0.0)
    monkeypatch.setattr(scenes, "FOURFOLD", 0.0)
    edge = 80 if way == "collage" else 160  # of a tile, of the scene
    both = replace(picture(320, 320, (40, 40, 60, 80), (200, 200, 280, 240)), ignored=np.array([False, True]))
    seen = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        if way == "zoomed":
            scene = scenes.zoomed(both, 160, rng, lean=0.1)
        elif way == "collage":
            scene = scenes.collage(lambda: both, 160, rng, grids=(2,))
        else:
            monkeypatch.setattr(scenes, "zoomed", lambda *_, **__: both)
            scene = scenes.compose(scenes.TrainingPictures([[both]]), 160, rng)
        assert len(scene.left_out) == len(scene.boxes)
        sizes = scene.boxes[:, 2:] - scene.boxes[:, :2]
        whole = (way == "mirrored") | (scene.boxes % edge > 0).all(axis=1)
        assert np.array_equal((sizes[:, 0] > sizes[:, 1])[whole], scene.left_out[whole])
        seen += whole.sum()
    assert seen > 20


@pytest.mark.parametrize("seed", range(10))
def test_in_a_scene_that_leans_the_boxes_are_about_their_faces(seed: int) -> None:
    scene = scenes.zoomed(STREET, SIZE, np.random.default_rng(seed), lean=0.3)
    whole = scene.boxes[((scene.boxes > 8) & (scene.boxes < SIZE - 8)).all(axis=1)]
    faces = drawn_faces(scene.image)
    for box in whole:
        middle = (box[:2] + box[2:]) / 2
        assert np.abs((faces[:, :2] + faces[:, 2:]) / 2 - middle).max(axis=1).min() < 2


def test_zoomed_in_the_boxes_lie_on_the_faces() -> None:
    small = picture(80, 60, (30, 20, 50, 44))
    for seed in range(20):
        scene = scenes.zoomed(small, 320, np.random.default_rng(seed))
        inner = scene.boxes[((scene.boxes > 0) & (scene.boxes < 320)).all(axis=1)]
        red, green = scene.image[..., 0].astype(int), scene.image[..., 1]
        rows, columns = np.nonzero((red > 137) & (green < 60))  # half way between face and background
        if len(inner):
            seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            assert np.abs(inner[0] - seen).max() < 1.5, seed


def test_a_scene_that_cannot_be_decoded_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole, cut = tmp_path / "whole.png", tmp_path / "cut.png"
    cv2.imwrite(str(whole), np.zeros((9, 9, 3), np.uint8))
    cut.write_bytes(whole.read_bytes()[:-9])
    face = voc.Annotation(Box(1, 2, 3, 4), "with_mask")
    (picture,) = scenes.in_memory([voc.Scene(cut, ()), voc.Scene(whole, (face,))])
    assert picture.boxes.tolist() == [[1, 2, 3, 4]]
    assert str(cut) in caplog.text
