"""YOLOv5s is the published network with the published targets and loss, and becomes a bundle."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from annotated_scenes import entry, write
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras
else:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

from convert import conversion, page, proof
from convert.judges import judge_scene
from convert.recipe import Recipe
from maskwatch.errors import ConfigError
from maskwatch.flow import Box
from maskwatch.vision import bundle, preprocess
from maskwatch.vision.runtime import Model
from training.augment.picture import Boxes, Picture
from training.judging import scene_scores
from training.judging.detections import Found, Truth
from training.networks import yolov5s
from training.pictures import data, voc
from training.runs import run_folder
from training.yolo import mosaics, train_yolov5s, yolo_boxes, yolo_loss

tf = pytest.importorskip("tensorflow", reason="needs extra `train`")

# -- the network ----------------------------------------------------------------------------------------------------


def weights(network: keras.Model) -> tuple[int, int]:
    """The counts of weights as trained, and with batch norm folded: each norm becomes one bias a channel."""
    learnt = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    return learnt, learnt - sum(norm.gamma.shape[0] for norm in norms)


@pytest.mark.parametrize(("classes", "published"), [(80, (7_235_389, 7_225_885)), (3, (7_027_720, 7_018_216))])
def test_the_weights_are_as_many_as_published(classes: int, published: tuple[int, int]) -> None:
    """The counts published for version 6, as trained (270 layers) and folded (213). A class costs 2,697 weights."""
    assert weights(yolov5s.build(64, classes)) == published


def test_a_narrower_and_a_shallower_one_have_fewer_weights() -> None:
    found = [weights(yolov5s.build(64, 3, depth, 0.125))[0] for depth in (0.33, 1.0)]
    assert 0 < found[0] < found[1] < 7_027_720 / 5


@pytest.fixture(scope="module")
def thin() -> keras.Model:
    keras.utils.set_random_seed(0)
    return yolov5s.build(64, 3, depth=0.1, width=0.125)


def test_the_network_answers_a_map_of_three_anchors_for_each_stride(thin: keras.Model) -> None:
    assert thin.input_shape == (None, 64, 64, 3)
    assert [output.shape for output in thin.outputs] == [(None, side, side, 3 * (5 + 3)) for side in (8, 4, 2)]


def test_the_first_layer_scales_camera_bytes_to_one(thin: keras.Model) -> None:
    first = thin.layers[1]
    assert first.name == "scale"
    assert np.asarray(first(np.array([0, 51, 255], np.uint8))) == pytest.approx([0, 0.2, 1])


def test_a_fresh_network_expects_few_faces_and_no_class_more_than_another(thin: keras.Model) -> None:
    for stride in yolov5s.STRIDES:
        bias = thin.get_layer(f"head{stride}").get_weights()[1].reshape(yolov5s.ANCHORS, -1)
        expected = 1 / (1 + np.exp(-bias[:, yolov5s.OBJECTNESS])) * (64 // stride) ** 2
        assert (expected <= yolov5s.FACES).all()
        assert (bias[:, yolov5s.OBJECTNESS + 1 :] == bias[0, yolov5s.OBJECTNESS + 1]).all()


def test_the_neck_enlarges_by_the_nearest_cell_in_one_operation(thin: keras.Model) -> None:
    enlarging = [layer for layer in thin.layers if layer.name in ("up8", "up16")]
    assert [layer.interpolation for layer in enlarging] == ["nearest"] * 2
    cells = np.arange(4, dtype=np.float32).reshape(1, 2, 2, 1)
    twice = yolov5s.enlarged(keras.ops.convert_to_tensor(cells), "twice")
    assert np.array_equal(np.asarray(twice), cells.repeat(2, axis=1).repeat(2, axis=2))


# -- anchors, targets and boxes --------------------------------------------------------------------------------------

SIZE = 320  # pixels
ANCHORS = yolo_boxes.anchors(SIZE)
PLACES = yolo_boxes.places(SIZE, ANCHORS)
COUNT = 3 * (40 * 40 + 20 * 20 + 10 * 10)


def boxes(*corners: tuple[float, float, float, float]) -> Boxes:
    return np.array(corners, np.float32).reshape(-1, 4)


def face(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def asked(faces: Boxes, labels: tuple[int, ...]) -> NDArray[np.float32]:
    return yolo_loss.targets(faces, np.array(labels, np.int64), SIZE, ANCHORS)


def test_the_anchors_grow_from_stride_to_stride_and_with_the_input() -> None:
    sides = ANCHORS.reshape(-1, 2)
    assert (np.diff(sides, axis=0) > 0).all()
    assert yolo_boxes.anchors(2 * SIZE) == pytest.approx(2 * ANCHORS)
    assert (ANCHORS[:, 0] < [[9], [25], [75]]).all()


def test_a_place_is_a_cell_and_an_anchor_in_the_order_of_the_maps() -> None:
    assert PLACES.shape == (COUNT, 5)
    assert PLACES[:4].tolist() == [
        *([0, 0, 8, *sides] for sides in ANCHORS[0].tolist()),
        [1, 0, 8, *ANCHORS[0, 0].tolist()],
    ]
    assert PLACES[-1].tolist() == [9, 9, 32, *ANCHORS[2, 2].tolist()]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (101, 101, {(12, 12), (13, 12), (12, 13)}),  # 12.6 cells: right and below
        (98, 98, {(12, 12), (11, 12), (12, 11)}),  # 12.25: left and above
        (98, 101, {(12, 12), (11, 12), (12, 13)}),
        (1, 1, {(0, 0)}),  # nothing beyond the edge
        (319, 319, {(39, 39)}),
        (320, 320, {(39, 39)}),
    ],
)
def test_a_face_belongs_to_the_cell_of_its_centre_and_the_two_next_ones(
    x: float, y: float, expected: set[tuple[int, int]]
) -> None:
    answer = asked(boxes(face(x, y, 10, 11)), (1,))
    chosen = PLACES[(answer[:, 0] == 1) & (PLACES[:, 2] == 8)]
    assert {(int(column), int(row)) for column, row in chosen[:, :2]} == expected


@settings(deadline=None)
@given(st.floats(2.5, 300), st.floats(0.5, 2))
def test_a_face_belongs_to_every_anchor_less_than_four_times_off_and_to_no_other(side: float, ratio: float) -> None:
    width, height = side * ratio, side / ratio
    answer = asked(boxes(face(160, 160, width, height)), (0,))
    share = np.array([width, height]) / PLACES[:, 3:]
    fits = np.maximum(share, 1 / share).max(axis=1) < 4 - 1e-4
    fails = np.maximum(share, 1 / share).max(axis=1) > 4 + 1e-4
    chosen = answer[:, 0] == 1
    if min(width, height) > yolo_loss.MIN_SIDE:
        for anchor in PLACES[fits, 3]:
            assert (PLACES[chosen, 3] == anchor).any()
    assert not (chosen & fails).any()


def test_the_smaller_face_wins_a_contested_place_whatever_the_order() -> None:
    large, small = face(101, 101, 40, 40), face(102, 102, 15, 15)
    for order, labels in (((large, small), (0, 1)), ((small, large), (1, 0))):
        answer = asked(boxes(*order), labels)
        (here,) = answer[(PLACES[:, :3] == (12, 12, 8)).all(axis=1) & (PLACES[:, 3] == ANCHORS[0, 2, 0])]
        assert here.tolist() == [1, *small, 1]


def test_without_faces_and_with_specks_nothing_is_asked_for() -> None:
    assert asked(boxes(), ()).shape == (COUNT, 6)
    assert not asked(boxes(), ())[:, 0].any()
    assert not asked(boxes(face(50, 50, 1.9, 8)), (0,))[:, 0].any()


FACES = boxes(face(41, 52, 20, 24), face(150, 160, 60, 66), face(251, 70, 130, 150))
NAMES = (1, 0, 2)
TARGETS = asked(FACES, NAMES)


def logit(share: NDArray[np.float32]) -> NDArray[np.float32]:
    share = np.clip(share, 1e-6, 1 - 1e-6)
    return np.log(share) - np.log1p(-share)


def perfect(targets: NDArray[np.float32], shift: float = 0.0) -> NDArray[np.float32]:
    """(N, 8) answers with high scores and the given boxes, moved by some pixels."""
    centre, sides = (targets[:, 1:3] + targets[:, 3:5]) / 2 + shift, targets[:, 3:5] - targets[:, 1:3]
    xy = logit((centre / PLACES[:, 2:3] - PLACES[:, :2] + 0.5) / 2)
    sure = np.where(targets[:, :1] == 1, 14.0, -14.0)
    classes = np.where(np.arange(3)[None] == targets[:, 5:], 14.0, -14.0)
    return np.concatenate([xy, logit(np.sqrt(sides / PLACES[:, 3:]) / 2), sure, classes], axis=1).astype(np.float32)


def as_maps(rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The outputs with the coarsest first: a converter may change the order."""
    sides = [SIZE // stride for stride in yolov5s.STRIDES]
    parts = np.split(rows, np.cumsum([3 * side * side for side in sides])[:-1])
    return [part.reshape(1, side, side, -1) for part, side in zip(parts, sides, strict=True)][::-1]


def test_decoding_gives_back_the_faces_that_were_asked_for() -> None:
    found = yolo_boxes.find(as_maps(perfect(TARGETS)), SIZE, ANCHORS, data.CLASSES, 0.5)
    assert len(found) == len(FACES)
    for box, name in zip(FACES.tolist(), NAMES, strict=True):
        (same,) = [each for each in found if each.box.iou(Box(*box)) > 0.98]
        assert same.label == data.CLASSES[name]
        assert same.score == pytest.approx(1, abs=1e-4)


def test_a_score_is_objectness_times_the_surest_class_and_faint_ones_stay_out() -> None:
    rows = np.full((COUNT, 8), -14.0, np.float32)
    rows[700, 4:] = logit(np.array([0.8, 0.1, 0.7, 0.2], np.float32))
    answers = yolo_boxes.decode(as_maps(rows), SIZE, ANCHORS, 0.05)
    assert (answers.scores.tolist(), answers.classes.tolist()) == ([pytest.approx(0.56)], [1])
    assert len(yolo_boxes.decode(as_maps(rows), SIZE, ANCHORS, 0.57).scores) == 0


def test_found_boxes_are_given_in_pixels_of_the_frame() -> None:
    placement = preprocess.letterbox(np.zeros((480, 640, 3), np.uint8), SIZE)[1]
    maps = as_maps(perfect(TARGETS))
    inside = yolo_boxes.find(maps, SIZE, ANCHORS, data.CLASSES, 0.5)
    outside = yolo_boxes.find(maps, SIZE, ANCHORS, data.CLASSES, 0.5, placement)
    for one, other in zip(inside, outside, strict=True):
        assert other.box.left == pytest.approx(2 * one.box.left, abs=1e-3)
        assert other.box.top == pytest.approx(2 * (one.box.top - 40), abs=1e-3)


@pytest.mark.parametrize("change", [lambda maps: maps[:2], lambda maps: [maps[0], maps[1], maps[2][..., :23]]])
def test_maps_of_another_network_are_refused(change: Callable[[list[Any]], list[Any]]) -> None:
    with pytest.raises(ValueError, match="not YOLOv5"):
        yolo_boxes.decode(change(as_maps(perfect(TARGETS))), SIZE, ANCHORS, 0.5)


# -- the loss --------------------------------------------------------------------------------------------------------

LOSS = yolo_loss.YoloLoss(SIZE, 3, ANCHORS)


def loss(output: NDArray[np.float32]) -> float:
    return float(LOSS(TARGETS[None], output[None]))


def test_a_perfect_answer_costs_nothing_and_a_box_costs_the_more_the_further_it_is_off() -> None:
    costs = [loss(perfect(TARGETS, shift)) for shift in (0, 1, 2, 4)]
    assert costs[0] == pytest.approx(0, abs=1e-3)
    assert min(np.diff(costs)) > 1e-3


def test_the_box_to_learn_by_is_the_box_that_is_read() -> None:
    rows = np.random.default_rng(0).normal(size=(COUNT, 8)).astype(np.float32)
    learnt = np.asarray(LOSS.boxes(rows[None]))[0]
    assert learnt == pytest.approx(yolo_boxes.corners(rows[:, :4], PLACES), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("column", [4, 5, 6, 7])
def test_a_wrong_class_or_objectness_costs_where_a_face_is(column: int) -> None:
    output = perfect(TARGETS)
    output[TARGETS[:, 0] == 1, column] *= -1
    assert loss(output) > 0.01


def test_in_the_box_of_an_ignored_face_nothing_counts_and_a_face_beside_it_still_does() -> None:
    boxes, labels = np.array([[8, 8, 40, 44], [60, 20, 90, 52]], np.float32), np.array([0, 0])
    ignoring = yolo_loss.targets(boxes, labels, SIZE, ANCHORS, np.array([True, False]))
    alone = yolo_loss.targets(boxes[1:], labels[1:], SIZE, ANCHORS)
    ignored = ignoring[:, 0] == yolo_loss.IGNORED
    middles = (PLACES[:, :2] + 0.5) * PLACES[:, 2:3]
    inside = ((middles > boxes[0, :2]) & (middles < boxes[0, 2:])).all(axis=1)
    assert ignored[inside].all()
    assert ignored.sum() < 2.5 * inside.sum()
    assert ignoring[~ignored] == pytest.approx(alone[~ignored])
    output = perfect(alone)
    before = float(LOSS(ignoring[None], output[None]))
    output[ignored, 4] *= -1  # each says that it is a face
    assert float(LOSS(ignoring[None], output[None])) == pytest.approx(before, abs=1e-6)
    assert float(LOSS(alone[None], output[None])) > before + 0.01


def test_where_no_face_is_only_objectness_counts() -> None:
    output, nowhere = perfect(TARGETS), TARGETS[:, 0] == 0
    output[nowhere, :4] += 2
    output[nowhere, 5:] *= -1
    assert loss(output) == pytest.approx(loss(perfect(TARGETS)), abs=1e-6)
    output[nowhere, 4] *= -1
    assert loss(output) > 1


def test_objectness_is_asked_for_the_overlap_that_is_reached() -> None:
    """When the box is wrong, a lower score has a smaller loss."""
    off = perfect(TARGETS, 4)
    modest = off.copy()
    modest[TARGETS[:, 0] == 1, 4] = 0.5
    assert loss(modest) < loss(off)


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3 - 25 / 325),
        ((0, 0, 10, 10), (20, 0, 30, 10), 0 - 400 / 1000),
    ],
)
def test_complete_iou_is_overlap_less_the_distance_of_the_centres(
    found: tuple[float, ...], true: tuple[float, ...], expected: float
) -> None:
    value = yolo_loss.complete_iou(np.array([found], np.float32), np.array([true], np.float32))
    assert np.asarray(value) == pytest.approx(expected, abs=1e-5)


def test_complete_iou_falls_with_other_proportions() -> None:
    true = np.array([[0, 0, 20, 20]], np.float32)
    wide = np.array([[0, 5, 20, 15]], np.float32)
    slopes = (math.atan(1) - math.atan(2)) ** 2 * 4 / math.pi**2
    weight = slopes / (slopes - 0.5 + 1)
    assert np.asarray(yolo_loss.complete_iou(wide, true)) == pytest.approx(0.5 - weight * slopes, abs=1e-5)


def test_following_the_gradient_lowers_the_loss() -> None:
    answer = keras.Variable(np.random.default_rng(0).normal(size=(1, COUNT, 8)).astype(np.float32))
    optimizer = keras.optimizers.Adam(0.5)
    costs = []
    for _ in range(10):
        with tf.GradientTape() as tape:
            cost = LOSS(TARGETS[None], answer)
        (gradient,) = tape.gradient(cost, [answer.value])
        assert np.isfinite(gradient).all()
        optimizer.apply([gradient], [answer])
        costs.append(float(cost))
    assert costs[-1] < 0.5 * costs[0]


# -- composed scenes -------------------------------------------------------------------------------------------------

COLOURS = ((255, 0, 255), (255, 255, 0), (0, 255, 255))  # of the classes


def street(seed: int) -> Picture:
    """(240, 320) green, with a plain patch for each face in the colour of its class."""
    rng = np.random.default_rng(seed)
    image, corners, labels = np.full((240, 320, 3), (20, 120, 40), np.uint8), [], []
    for column in range(4):
        label, left, top = int(rng.integers(3)), 20 + 75 * column, int(rng.integers(20, 180))
        image[top : top + 40, left : left + 36] = COLOURS[label]
        corners.append((left, top, left + 36, top + 40))
        labels.append(label)
    return Picture(image, np.array(corners, np.float32), np.array(labels))


PHOTOGRAPHS = mosaics.Photographs([[street(0), street(1)], [street(2)]])


@pytest.mark.parametrize("seed", range(12))
def test_in_a_mosaic_every_label_lies_on_a_face_of_its_class(seed: int) -> None:
    made = mosaics.mosaic(PHOTOGRAPHS, SIZE, np.random.default_rng(seed))
    assert made.image.shape == (SIZE, SIZE, 3)
    assert made.labels is not None
    assert len(made.labels) == len(made.boxes) > 0
    for (left, top, right, bottom), label in zip(made.boxes, made.labels, strict=True):
        middle = made.image[int((top + bottom) / 2), int((left + right) / 2)].astype(int)
        assert np.abs(middle - COLOURS[label]).max() < 20


def test_mirroring_keeps_labels_on_their_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaics.weather, "apply", lambda image, _rng: image)
    for seed in range(12):
        made = mosaics.compose(PHOTOGRAPHS, SIZE, np.random.default_rng(seed))
        assert made.labels is not None
        for (left, top, right, bottom), label in zip(made.boxes, made.labels, strict=True):
            middle = made.image[int((top + bottom) / 2), int((left + right) / 2)].astype(int)
            assert np.abs(middle - COLOURS[label]).max() < 20


def plain(grey: int) -> Picture:
    return Picture(np.full((64, 64, 3), grey, np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def shares(photographs: mosaics.Photographs, monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Shares of 1,000 views by the grey of their picture."""
    monkeypatch.setattr(mosaics.scenes, "zoomed", lambda picture, *_, **__: picture)
    rng = np.random.default_rng(0)
    seen = [int(photographs.view(64, rng).image[0, 0, 0]) for _ in range(1000)]
    return {grey: seen.count(grey) / 1000 for grey in sorted(set(seen))}


def test_sources_of_a_kind_are_shown_equally_often_however_large_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found = shares(mosaics.Photographs([[plain(200)], [plain(10)] * 9], [[plain(250)]]), monkeypatch)
    assert found[250] == pytest.approx(mosaics.PORTRAITS, abs=0.05)
    assert found[200] == pytest.approx(found[10], abs=0.07)


def test_what_there_is_is_shown_if_one_kind_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shares(mosaics.Photographs([], [[plain(250)]]), monkeypatch).keys() == {250}
    assert shares(mosaics.Photographs([[plain(200)]]), monkeypatch).keys() == {200}


def test_a_portrait_is_shown_whole_or_cut_and_never_as_small_as_a_passer_by() -> None:
    """Its face is half of the photograph, and the device judges such photographs as well."""
    face = Picture(np.zeros((64, 64, 3), np.uint8), np.array([[16, 16, 48, 48]], np.float32), np.array([1]))
    photographs, rng = mosaics.Photographs([], [[face]]), np.random.default_rng(0)
    views = [photographs.view(64, rng) for _ in range(200)]
    assert all(len(view.boxes) <= 1 for view in views)
    sides = np.array([view.boxes[0, 2] - view.boxes[0, 0] for view in views if len(view.boxes)])
    assert len(sides) > 150
    assert sides.min() > 32 * 0.3
    assert sides.max() > 32 * 1.3


def test_a_photograph_with_several_known_faces_is_no_portrait(tmp_path: Path) -> None:
    paths = [tmp_path / "with_mask" / f"{number}.png" for number in range(3)]
    paths[0].parent.mkdir()
    for path in paths:
        cv2.imwrite(str(path), np.zeros((40, 40, 3), np.uint8))
    photos = [data.Photo(path, 0, number) for number, path in enumerate(paths)]
    box = Box(5, 6, 30, 32)
    found = mosaics.portraits(photos, {paths[0]: [(box, 0.4)], paths[1]: [(box, 0.9), (box, 0.8)]})
    assert [picture.boxes.tolist() for picture in found] == [[[5, 6, 30, 32]]]
    assert [picture.labels.tolist() for picture in found if picture.labels is not None] == [[0]]


def test_a_face_of_an_unknown_class_and_one_that_nobody_annotated_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((40, 40, 3), np.uint8))
    boxes = [Box(0, 0, 10, 10), Box(10, 0, 20, 10), Box(20, 0, 30, 10)]
    faces = (
        voc.Annotation(boxes[0], "without_mask"),
        voc.Annotation(boxes[1], voc.FACE),
        voc.Annotation(boxes[2], voc.FACE, ignored=True),
    )
    scene = voc.Scene(path, faces)
    assert mosaics.picture(scene).left_out.tolist() == [False, True, True]


def test_a_scene_with_a_rare_face_is_listed_twice_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((40, 40, 3), np.uint8))
    box = Box(0, 0, 10, 10)
    masked, bare, unknown = (
        voc.Scene(path, (voc.Annotation(box, name),)) for name in ("with_mask", "without_mask", voc.FACE)
    )
    shown = [masked, bare, unknown]
    assert [len(mosaics.pictures(shown, again)) for again in (1, 2)] == [3, 4]


# -- figures ---------------------------------------------------------------------------------------------------------


def test_a_face_under_another_label_is_missed_and_false() -> None:
    here, there = Box(0, 0, 30, 30), Box(100, 0, 130, 30)
    truths = {"a": [Truth(here, "with_mask", False), Truth(there, "without_mask", False)]}
    found = {"a": [Found(here, 0.9, "with_mask"), Found(there, 0.8, "with_mask")]}
    counts = scene_scores.tally(found, truths, 0.5)
    assert (counts.matched, counts.false, counts.missed) == (1, 1, 1)
    precisions = scene_scores.precisions(found, truths)
    assert precisions == {"with_mask": (1.0, 1), "without_mask": (0.0, 1), "mask_weared_incorrect": (0.0, 0)}
    assert scene_scores.mean(precisions) == 0.5
    assert scene_scores.score(found, truths, 0.5)["face_ap50"] == 1.0


def test_a_face_of_an_unknown_class_may_be_called_anything_and_is_a_face() -> None:
    box = Box(0, 0, 30, 30)
    truths = {"a": [Truth(box, voc.FACE, False)]}
    for label in data.CLASSES:
        found = {"a": [Found(box, 0.9, label)]}
        counts = scene_scores.tally(found, truths, 0.5)
        assert (counts.matched, counts.false, counts.missed) == (0, 0, 0)
        assert scene_scores.score(found, truths, 0.5)["face_ap50"] == 1.0


def test_a_face_too_small_to_judge_may_be_called_anything() -> None:
    speck = Box(0, 0, 9, 9)
    truths = {"a": [Truth(speck, "with_mask", True)]}
    counts = scene_scores.tally({"a": [Found(speck, 0.9, "without_mask")]}, truths, 0.5)
    assert (counts.matched, counts.false, counts.missed) == (0, 0, 0)


def judgement(int8: list[Found]) -> judge_scene.SceneJudgement:
    here, there = Box(0, 0, 30, 30), Box(100, 0, 130, 30)
    truths = {"a": [Truth(here, "with_mask", False), Truth(there, "without_mask", False)]}
    before = [Found(here, 0.9, "with_mask"), Found(there, 0.8, "without_mask")]
    found = {"float32": {"a": before}, "int8": {"a": int8}}
    return judge_scene.SceneJudgement(found, truths, {"a": "frame"}, 0.5)  # type: ignore[arg-type]


def test_every_lost_gained_and_relabelled_face_is_listed_with_both_scores() -> None:
    here, there, new = Box(1, 0, 31, 30), Box(100, 0, 130, 30), Box(200, 0, 230, 30)
    found = judgement([Found(here, 0.7, "without_mask"), Found(there, 0.4, "without_mask"), Found(new, 0.6, "x")])
    changes = {(each["change"], each["float"], each["int8"]) for each in found.changes("int8")}
    assert changes == {("lost", 0.8, 0.4), ("gained", 0.0, 0.6), ("with_mask -> without_mask", 0.9, 0.7)}
    measures = found.measures("int8")
    assert (measures["kept_faces"], measures["kept_verdicts"]) == (50.0, 0.0)
    assert measures["map50_drop"] > 0
    assert found.figures("int8")["relabelled"] == 1


def test_one_face_is_not_taken_for_two() -> None:
    left, middle, right = (Found(Box(at, 0, at + 30, 30), 0.9, "with_mask") for at in (0, 8, 16))
    assert list(judge_scene._pairs([left, right], [middle])) == [(left, middle)]


def test_the_same_answers_change_nothing() -> None:
    found = judgement([Found(Box(0, 0, 30, 30), 0.9, "with_mask"), Found(Box(100, 0, 130, 30), 0.8, "without_mask")])
    assert found.changes("int8") == []
    assert found.measures("int8") == found.measures("float32")
    assert found.measures("int8")["kept_verdicts"] == 100.0


# -- a whole run, and its conversion ---------------------------------------------------------------------------------

KNOBS = train_yolov5s.Knobs(
    size=64, depth=0.1, width=0.125, batch=4, steps=4, steps_per_epoch=2, warmup=1, rate=1e-3, ema=0.5, seed=3
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten annotated scenes; noise beside the faces, so that they hold every byte from 0 to 255."""
    root = tmp_path_factory.mktemp("street")
    for number in range(10):
        picture = street(number)
        assert picture.labels is not None
        picture.image[200:] = np.random.default_rng(number).integers(0, 256, (40, 320, 3), np.uint8)
        named = zip(picture.labels, picture.boxes.astype(int), strict=True)
        write(root, f"{number}", *(entry(data.CLASSES[label], *corners) for label, corners in named))
        cv2.imwrite(str(root / "images" / f"{number}.png"), picture.image[..., ::-1])
    return root


@pytest.fixture(scope="module")
def out(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted after the first of its two epochs and then started again."""
    out = tmp_path_factory.mktemp("runs") / "yolov5s"
    fit = keras.Model.fit

    def interrupted(model: keras.Model, *args: Any, epochs: int, **options: Any) -> None:
        fit(model, *args, **{**options, "epochs": epochs - 1})
        raise KeyboardInterrupt

    tf.config.run_functions_eagerly(True)  # a few small steps: making a graph takes longer than all of them
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_yolov5s.train([root], None, out, KNOBS)
    train_yolov5s.train([root], None, out, KNOBS)
    tf.config.run_functions_eagerly(False)
    return out


def test_a_run_leaves_its_model_record_and_curves_and_goes_on_where_it_was(out: Path, root: Path) -> None:
    assert {"model.keras", "run.json", "curves.png"} <= {path.name for path in out.iterdir()}
    run = run_folder.read(out / "model.keras")
    assert (run.name, run.task, run.labels, run.input_size) == ("yolov5s", "scene", data.CLASSES, 64)
    assert run.split_sha256 == voc.split(voc.load(root), KNOBS.seed).sha256
    assert run.score_threshold in train_yolov5s.THRESHOLDS
    assert np.array(run.knobs["anchors"]) == pytest.approx(yolo_boxes.anchors(64), abs=1e-3)
    assert {name: len(values) for name, values in run.history.items()} == dict.fromkeys(
        ("loss", "val_map50", "val_face_ap50", "seconds"), 2
    )
    assert run.knobs["kept_epoch"] == 1 + train_yolov5s.best_epoch(run.history)
    assert run.knobs["sources"] == [root.name]
    assert all(map(math.isfinite, run.history["loss"]))
    assert run.metrics["validation"]["images"] == 1


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([0.0] * 9, False),  # it has not begun to find anything
        ([0.0, 0.0, 0.3, 0.2], False),
        ([0.0, 0.0, 0.3, 0.2, 0.3], True),  # as good is not better
        ([0.3, 0.2, 0.4], False),
        ([0.4], False),
    ],
)
def test_a_training_ends_when_looks_get_no_better_after_it_found_something(looks: list[float], expected: bool) -> None:
    assert train_yolov5s.stalled({"val_map50": looks}, patience=2) is expected


def test_the_model_is_loaded_by_plain_keras(out: Path) -> None:
    network = keras.models.load_model(out / "model.keras")
    assert [output.shape for output in network.outputs] == [(None, side, side, 24) for side in (8, 4, 2)]


@pytest.fixture(scope="module")
def done(out: Path, root: Path) -> conversion.Conversion:
    """Convert only the shipped variant and float32: each takes seconds, and the others compute the same as float32."""
    return conversion.convert(out / "model.keras", [root], Recipe(calibration=7))


def test_int8_computes_nothing_in_float_and_eats_camera_bytes(done: conversion.Conversion) -> None:
    """The operators of the int8 model, among them the two of SiLU."""
    facts = done.made["int8"].facts
    assert facts.float_operators == ()
    assert facts.eats_camera_bytes
    assert facts.operators["LOGISTIC"] == facts.operators["MUL"] > 40
    assert facts.operators["RESIZE_NEAREST_NEIGHBOR"] == 2
    assert not {"SUB", "DIV", "PAD", "TILE"} & facts.operators.keys()


def test_only_what_so_short_a_training_cannot_reach_fails(done: conversion.Conversion) -> None:
    failed = {failure.gate.measure for failure in done.failures}
    assert failed <= {"ap50", "map50", "kept_faces", "kept_verdicts", "size_ratio"}
    assert done.made["float32"].measures["conversion_error"] < 0.01


def test_a_bundle_holds_what_reads_its_maps(done: conversion.Conversion, tmp_path: Path) -> None:
    path = tmp_path / "yolov5s.tflite"
    bundle.write(path, done.made["int8"].flatbuffer, done.card("int8"))
    read = bundle.read(path, "scene")
    anchors = np.array(read.card.provenance["anchors"], np.float32)
    maps = Model(read.flatbuffer, 1, "here").run(np.zeros((64, 64, 3), np.uint8))
    assert isinstance(yolo_boxes.find(maps, 64, anchors, read.card.labels, 0.0), list)


def test_the_proof_tells_of_every_class(done: conversion.Conversion) -> None:
    text = page.markdown(proof.summary(done))
    for line in ("mAP50 of the classes", "AP50 mask_weared_incorrect", "recall of verdicts", "kept verdicts"):
        assert line in text
    assert "yolov5s (scene)" in page.html(proof.summary(done))


@pytest.mark.parametrize(
    ("turned", "expected"),
    [
        ({"size": 100}, "size 100: expected a multiple of 32"),
        ({"steps": 175}, "steps 175: expected a multiple of 500 above the warm-up's 100"),
        ({"steps": 100}, "steps 100: expected"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(tmp_path: Path, turned: dict[str, int], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        train_yolov5s.train([tmp_path], None, tmp_path / "run", train_yolov5s.Knobs(**turned))
    assert not (tmp_path / "run").exists()
