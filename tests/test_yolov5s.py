"""YOLOv5s is the published network, is taught what YOLOv5 is taught, and goes the whole way to a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras
else:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

from training.networks import yolov5s

# -- the network ----------------------------------------------------------------------------------------------------


def weights(network: keras.Model) -> tuple[int, int]:
    """How many are learnt, and how many are left when batch norm is folded into the convolutions, each one bias."""
    learnt = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    return learnt, learnt - sum(norm.gamma.shape[0] for norm in norms)


@pytest.mark.parametrize(("classes", "published"), [(80, (7_235_389, 7_225_885)), (3, (7_027_720, 7_018_216))])
def test_the_weights_are_as_many_as_published(classes: int, published: tuple[int, int]) -> None:
    """Both figures of version 6: of 270 layers as trained, and of 213 with batch norm folded. A class costs 2,697."""
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
