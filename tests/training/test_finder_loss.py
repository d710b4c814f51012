"""The finder's cells, targets, loss and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    import keras
else:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

from training.augment.picture import Boxes
from training.finder import finder_loss
from training.finder.finder_loss import IGNORED, NEGATIVE, POSITIVE
from training.networks import finder, mobilenet_v2
from training.pictures import data

SIZE = 128  # pixels of the input
CELLS = finder_loss.cell_centres(SIZE)
LOSS = finder_loss.FinderLoss(SIZE)


def boxes(*corners: tuple[float, float, float, float]) -> Boxes:
    return np.array(corners, np.float32).reshape(-1, 4)


def face(x: float, y: float, side: float) -> tuple[float, float, float, float]:
    return (x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def strides_of(answer: np.ndarray, state: float = POSITIVE) -> set[int]:
    return {int(stride) for stride in CELLS[answer[:, 0] == state, 2]}


@pytest.mark.parametrize(
    ("side", "strides"),
    [
        (9, {8}),
        (31, {8}),
        (32, {8, 16}),
        (47, {8, 16}),
        (48, {16}),
        (79, {16}),
        (80, {16, 32}),
        (112, {32}),
        (126, {32}),
    ],
)
def test_a_face_belongs_to_the_strides_that_suit_its_size(side: float, strides: set[int]) -> None:
    assert strides_of(finder_loss.targets(boxes(face(64, 64, side)), CELLS)) == strides


@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(9.01, 128), st.floats(0, 1), st.floats(0, 1), st.floats(0.6, 1.6))
def test_every_face_is_somebodys_and_the_cells_are_near_its_centre(
    side: float, x: float, y: float, ratio: float
) -> None:
    width, height = min(side * ratio, SIZE), min(side / ratio, SIZE)
    left, top = x * (SIZE - width), y * (SIZE - height)
    box = boxes((left, top, left + width, top + height))
    if np.sqrt(width * height) < finder_loss.TOO_SMALL:
        return
    answer = finder_loss.targets(box, CELLS)
    positive = answer[:, 0] == POSITIVE
    assert positive.any()
    assert (answer[positive, 1:] == box).all()
    away = np.abs(CELLS[positive, :2] - (box[0, :2] + box[0, 2:]) / 2).max(axis=1)
    assert (away <= finder_loss.NEAR * CELLS[positive, 2] + 1e-3).all()


def test_cells_around_a_face_are_not_judged_and_those_far_away_are_background() -> None:
    answer = finder_loss.targets(boxes(face(68, 68, 30)), CELLS)
    fine = CELLS[:, 2] == 8
    row = answer[fine & (CELLS[:, 1] == 68), 0]  # centres 4, 12, 20 ... 124
    assert row[7:10].tolist() == [IGNORED, POSITIVE, IGNORED]
    assert set(row[:7]) | set(row[10:]) == {NEGATIVE}


def test_the_smaller_face_wins_a_contested_cell_whatever_the_order() -> None:
    large, small = face(66, 66, 44), face(70, 70, 20)
    for order in ((large, small), (small, large)):
        answer = finder_loss.targets(boxes(*order), CELLS)
        (cell,) = answer[(CELLS == (68, 68, 8)).all(axis=1)]
        assert cell.tolist() == [POSITIVE, *small]
        assert strides_of(answer) == {8, 16}  # the large face keeps the stride that is its own


def test_a_face_too_small_is_neither_a_face_nor_background() -> None:
    answer = finder_loss.targets(boxes(face(68, 68, 8.9)), CELLS)
    assert strides_of(answer) == set()
    assert answer[(CELLS == (68, 68, 8)).all(axis=1), 0] == IGNORED


def test_without_faces_everything_is_background() -> None:
    assert (finder_loss.targets(boxes(), CELLS)[:, 0] == NEGATIVE).all()


def perfect(target: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """(N, 5) outputs with high scores whose boxes are the target's, moved by some pixels."""
    size, stride = target[:, 3:] - target[:, 1:3], CELLS[:, 2:]
    centre = (target[:, 1:3] + target[:, 3:]) / 2 + shift
    logit = np.where(target[:, :1] == POSITIVE, 12.0, -12.0)
    return np.concatenate([logit, (centre - CELLS[:, :2]) / stride, np.log(size / stride)], axis=1).astype(np.float32)


def loss(target: np.ndarray, output: np.ndarray) -> float:
    return float(LOSS(target[None], output[None]))


TARGET = finder_loss.targets(boxes(face(40, 50, 30), face(90, 80, 60), face(20, 110, 7)), CELLS)


def test_perfect_answers_cost_nothing() -> None:
    iou, giou = (np.asarray(value)[0] for value in LOSS.overlaps(TARGET[None, :, 1:], perfect(TARGET)[None, :, 1:]))
    positive = TARGET[:, 0] == POSITIVE
    assert iou[positive] == pytest.approx(1, abs=1e-4)
    assert giou[positive] == pytest.approx(1, abs=1e-4)
    assert loss(TARGET, perfect(TARGET)) == pytest.approx(0, abs=1e-3)


def test_the_further_a_box_is_off_the_more_it_costs_even_without_overlap() -> None:
    costs = [loss(TARGET, perfect(TARGET, shift)) for shift in (0, 2, 8, 70, 100)]
    assert costs == sorted(costs)
    assert min(np.diff(costs)) > 0.01


@pytest.mark.parametrize(("state", "counts"), [(IGNORED, False), (NEGATIVE, True), (POSITIVE, True)])
def test_a_wrong_score_counts_unless_the_cell_is_ignored(state: float, counts: bool) -> None:
    output = perfect(TARGET)
    output[TARGET[:, 0] == state, 0] *= -1
    assert (TARGET[:, 0] == state).any()
    assert (loss(TARGET, output) > 1) is counts


@pytest.mark.parametrize("state", [IGNORED, NEGATIVE])
def test_only_positive_cells_have_a_box(state: float) -> None:
    output = perfect(TARGET)
    output[TARGET[:, 0] == state, 1:] += 3
    assert loss(TARGET, output) == pytest.approx(loss(TARGET, perfect(TARGET)), abs=1e-6)


def test_the_joined_maps_are_in_the_order_of_the_cells() -> None:
    maps = []
    for stride in finder.STRIDES:
        side = SIZE // stride
        y, x = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
        places = (np.stack([x, y, x, y], axis=2)[None] + 0.5) * stride
        maps += [np.full((1, side, side, 1), stride, np.float32), places.astype(np.float32)]
    joined = np.asarray(finder_loss.join([keras.ops.convert_to_tensor(single) for single in maps]))[0]
    assert np.array_equal(joined[:, [1, 2, 0]], CELLS)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return finder.build(size=64, weights=None)


def test_the_finder_answers_a_score_and_a_box_map_for_each_stride(network: keras.Model) -> None:
    sides = [64 // stride for stride in finder.STRIDES]
    expected = [(None, side, side, depth) for side in sides for depth in (1, 4)]
    assert [output.shape for output in network.outputs] == expected
    assert network.input_shape == (None, 64, 64, 3)
    assert finder_loss.join(network.outputs).shape == (None, len(finder_loss.cell_centres(64)), 5)


def test_a_fresh_finder_takes_bytes_and_expects_few_faces(network: keras.Model) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    scores = [1 / (1 + np.exp(-np.asarray(single))) for single in network(image)[::2]]
    assert all(0.001 < score.mean() < 0.2 for score in scores)


def test_freezing_keeps_the_trunk_up_to_the_named_layer(network: keras.Model) -> None:
    finder.freeze(network, "block_2_add")
    trunk = network.get_layer(finder.TRUNK)
    frozen = [layer.name for layer in trunk.layers if not layer.trainable]
    assert frozen == [layer.name for layer in trunk.layers][: len(frozen)]
    assert frozen[-1] == "block_2_add"
    assert 0 < len(trunk.trainable_weights) < len(trunk.weights)


def test_a_finder_saved_with_frozen_layers_learns_with_all_that_are_not_frozen_now(
    network: keras.Model, tmp_path: Path
) -> None:
    finder.freeze(network, "block_5_add")
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    finder.freeze(loaded, "block_2_add")
    frozen = [layer.name for layer in loaded.get_layer(finder.TRUNK).layers if not layer.trainable]
    assert frozen[-1] == "block_2_add"
    finder.freeze(loaded, "")
    assert all(layer.trainable for layer in loaded.get_layer(finder.TRUNK).layers)


def operations(network: keras.Model) -> list[keras.Operation]:
    """Every layer, also those inside the trunk."""
    trunk = network.get_layer(finder.TRUNK)
    return [*trunk.layers, *(layer for layer in network.layers if layer is not trunk)]


def test_the_trunk_ends_where_the_last_tap_is_and_each_stride_has_one_tower(network: keras.Model) -> None:
    names = [layer.name for layer in operations(network)]
    assert network.get_layer(finder.TRUNK).layers[-1].name == finder.TAPS[-1]
    assert not [name for name in names if name.startswith(("block_15", "block_16", "Conv_1"))]
    for stride in finder.STRIDES:
        assert [name for name in names if name.startswith("tower") and name.endswith(f"{stride}_conv")] == [
            f"tower{stride}_conv"
        ]
        heads = [network.get_layer(f"{kind}{stride}") for kind in ("score", "box")]
        assert heads[0].input is heads[1].input


def test_the_neck_enlarges_bilinearly_which_is_one_operator_on_the_device(network: keras.Model) -> None:
    enlarging = [layer for layer in operations(network) if isinstance(layer, keras.layers.UpSampling2D)]
    assert [(layer.interpolation, layer.size) for layer in enlarging] == [("bilinear", (2, 2))] * 2


# -- the mask classifier --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifier() -> keras.Model:
    return mobilenet_v2.build(size=32, alpha=0.35, weights=None, dense=16)


def test_the_mask_classifier_answers_a_logit_for_each_class(classifier: keras.Model) -> None:
    assert (classifier.input_shape, classifier.output_shape) == ((None, 32, 32, 3), (None, len(data.CLASSES)))
    two = mobilenet_v2.build(size=32, alpha=0.35, weights=None, dense=16, classes=2)
    assert two.output_shape == (None, 2)


def kernels(classifier: keras.Model) -> list[keras.Layer]:
    """The base's layers with weights, apart from batch norm."""
    layers = classifier.get_layer(mobilenet_v2.BASE).layers
    return [layer for layer in layers if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)]


def learning(classifier: keras.Model) -> list[str]:
    return [layer.name for layer in kernels(classifier) if layer.trainable_weights]


def test_freezing_the_whole_base_leaves_the_head_to_learn(classifier: keras.Model) -> None:
    mobilenet_v2.freeze(classifier, None)
    shapes = [tuple(weight.shape) for weight in classifier.trainable_weights]
    assert shapes == [(1280, 16), (16,), (16, 3), (3,)]


def test_freezing_can_be_taken_back_and_repeated_in_any_order(classifier: keras.Model) -> None:
    names = [layer.name for layer in kernels(classifier)]
    first = {"block_12_add": "block_13_expand", "block_2_add": "block_3_expand"}
    for last in (None, "block_12_add", "block_2_add", None, "block_2_add", "block_12_add", None, "block_12_add"):
        mobilenet_v2.freeze(classifier, last)
        assert learning(classifier) == ([] if last is None else names[names.index(first[last]) :])
        paths = {weight.path for weight in classifier.trainable_weights}
        assert any("block_13_expand/kernel" in path for path in paths) is (last is not None)
        assert any("block_12_" in path for path in paths) is (last == "block_2_add")
        assert not any("block_2_" in path for path in paths)


def test_a_step_moves_what_may_learn_and_nothing_else(classifier: keras.Model) -> None:
    mobilenet_v2.freeze(classifier, None)  # first, as the recipe does
    mobilenet_v2.freeze(classifier, "block_12_add")
    before = {layer.name: layer.get_weights() for layer in kernels(classifier)}
    trainer = keras.Model(classifier.input, classifier.output)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trainer.compile(keras.optimizers.Adam(1e-2), loss, run_eagerly=True)  # one step is not worth a graph
    rng = np.random.default_rng(0)
    trainer.train_on_batch(rng.integers(0, 256, (8, 32, 32, 3), np.uint8), np.arange(8) % 3)
    moved = [
        layer.name
        for layer in kernels(classifier)
        if not all(map(np.array_equal, before[layer.name], layer.get_weights()))
    ]
    assert moved == learning(classifier)
    assert moved[0] == "block_13_expand"


def test_pretrained_batch_norm_of_the_classifier_stays_as_it_is_while_training() -> None:
    model = mobilenet_v2.build(size=32, alpha=0.35, weights=None, dense=16)
    mobilenet_v2.freeze(model, "block_2_add")
    norm = model.get_layer(mobilenet_v2.BASE).get_layer("block_13_expand_BN")
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    before, inferred = norm.get_weights(), np.asarray(model.get_layer(mobilenet_v2.BASE)(images / 127.5 - 1))
    model(images, training=True)
    assert all(map(np.array_equal, before, norm.get_weights()))
    trained = np.asarray(model.get_layer(mobilenet_v2.BASE)(images / 127.5 - 1, training=True))
    assert trained == pytest.approx(inferred, abs=1e-6)


def test_the_classifiers_answers_are_logits_of_bytes() -> None:
    model = mobilenet_v2.build(size=32, alpha=0.35, weights=None, dense=16)
    model.get_layer("logits").set_weights([np.zeros((16, 3)), np.array([-3.0, 5.0, 0.5])])
    image = np.full((1, 32, 32, 3), 255, np.uint8)
    assert np.asarray(model(image)) == pytest.approx(np.array([[-3.0, 5.0, 0.5]]))
    scaled = keras.Model(model.input, model.get_layer("scale").output)
    assert np.asarray(scaled(image)).max() == pytest.approx(1.0)
    assert np.asarray(scaled(0 * image)).min() == pytest.approx(-1.0)


def test_where_a_face_is_left_out_nothing_is_taught() -> None:
    cells = finder_loss.cell_centres(64)
    box = np.array([[8, 8, 40, 40]], np.float32)
    state = finder_loss.targets(box, cells, np.array([True]))[:, 0]
    inside = ((cells[:, :2] > 8) & (cells[:, :2] < 40)).all(axis=1)
    assert (state[inside] == finder_loss.IGNORED).all()
    far = (np.abs(cells[:, :2] - 24).max(axis=1) > cells[:, 2]) & ~inside
    assert (state[far] == finder_loss.NEGATIVE).all()
    assert (finder_loss.targets(box, cells, np.array([False]))[:, 0] == finder_loss.POSITIVE).any()
