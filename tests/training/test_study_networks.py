"""The study's networks have the published shapes and counts, and the deep network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras
else:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

from maskwatch.errors import ConfigError
from training.networks import deep_cnn, size
from training.study import networks, variants

tf = pytest.importorskip("tensorflow", reason="needs extra `train`")


def learnt(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def variant(network: str, name: str) -> variants.Variant:
    found = variants.named(network, name)
    assert found is not None
    return found


def test_alexnet_has_the_studys_parameters_to_the_last_one() -> None:
    network = networks.build(variant("alexnet", "alexnet"))
    assert network.count_params() == variant("alexnet", "alexnet").parameters == 29_979_394
    sides = [layer.output.shape[1] for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    pooled = [layer.output.shape[1] for layer in network.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert (sides, pooled) == ([55, 27, 11, 9, 7], [27, 13, 3])
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [norm.gamma.shape[0] for norm in norms] == [96, 256]
    first = network.get_layer("conv1")
    assert (first.filters, first.kernel_size, first.strides) == (96, (11, 11), (4, 4))


def test_alexnet_takes_any_side_from_its_smallest_up_and_refuses_others() -> None:
    narrow = {"channels": (2, 2, 2, 2, 2), "dense": (4,)}
    network = networks.alexnet_of_the_study(networks.SMALLEST, **narrow)
    assert network.get_layer("pool5").output.shape[1] == 1
    with pytest.raises(ConfigError, match=r"^size 162: too small .* expected at least 163 pixels$"):
        networks.alexnet_of_the_study(networks.SMALLEST - 1, **narrow)


@pytest.mark.parametrize(
    ("name", "parameters", "trainable"),
    [("M1", 2_422_210, 164_226), ("M3", 2_438_722, 180_738), ("M6", 2_455_234, 197_250)],
)
def test_mobilenet_has_the_studys_parameters_of_which_the_head_alone_learns(
    name: str, parameters: int, trainable: int
) -> None:
    network = networks.build(variant("mobilenet_v2", name), size=32)  # the side changes no count
    assert (network.count_params(), learnt(network)) == (parameters, trainable)
    assert size.trainable(network, frozen_base=True) == trainable
    assert network.output_shape == (None, 2)


@pytest.mark.parametrize(("depth", "sides"), [(1, [40]), (2, [40, 20]), (3, [40, 20, 10])])
def test_the_five_plain_cnns_have_one_to_three_hidden_layers(depth: int, sides: list[int]) -> None:
    for each in variants.of("cnn"):
        if each.depth == depth:
            network = networks.build(each, size=40)
            found = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
            assert [layer.output.shape[1] for layer in found] == sides
    told = [each for each in variants.of("cnn") if each.name.startswith("C")]
    assert sorted({each.depth for each in told}) == [1, 2, 3]
    assert len(told) == 5
    assert {sum(each.epochs) for each in told} == {5, 10, 15}


@pytest.fixture(scope="module")
def deep() -> keras.Model:
    keras.utils.set_random_seed(3)
    return deep_cnn.build(32)


def test_the_deep_cnn_has_128_layers_in_one_row(deep: keras.Model) -> None:
    kinds = (keras.layers.Conv2D, keras.layers.Dense, keras.layers.ReLU)
    assert sum(isinstance(layer, kinds) for layer in deep.layers) == deep_cnn.LAYERS == 128
    for before, after in zip(deep.layers, deep.layers[1:], strict=False):  # plain: nothing joins, nothing branches off
        assert after.input is before.output


def test_the_deep_cnn_gives_a_picture_on_to_its_last_layers(deep: keras.Model) -> None:
    """With He's initialisation only, the deep network's outputs for two pictures would be nearly the same."""
    rng = np.random.default_rng(0)
    look = keras.Model(deep.input, deep.get_layer("pool").output)
    answers = np.asarray(look(rng.integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)))
    assert answers.std(axis=0).mean() > 0.05 * np.abs(answers).mean()


def test_the_deep_cnn_learns(deep: keras.Model) -> None:
    rng = np.random.default_rng(1)
    truth = np.arange(32) % 2
    images = rng.integers(0, 120, (32, 32, 32, 3)).astype(np.uint8)
    images[truth == 1, 16:] += 90
    deep.compile(
        keras.optimizers.Adam(1e-3, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,  # a graph of so many layers takes longer to make
    )
    losses = [float(deep.train_on_batch(images, truth)) for _ in range(12)]
    assert np.mean(losses[-2:]) < 0.5 * losses[0], losses


def test_multiply_adds_are_counted_by_hand() -> None:
    image = keras.Input((8, 8, 3))
    feature = keras.layers.Conv2D(4, 3, padding="same")(image)  # 8 · 8 · 3 · 3 · 3 · 4
    feature = keras.layers.DepthwiseConv2D(3, 2, padding="same")(feature)  # 4 · 4 · 3 · 3 · 4
    inner = keras.Model(image, keras.layers.Flatten()(feature))
    given = keras.Input((8, 8, 3))
    network = keras.Model(given, keras.layers.Dense(2)(inner(given)))  # 64 · 2
    assert size.multiply_adds(network) == 6912 + 576 + 128
