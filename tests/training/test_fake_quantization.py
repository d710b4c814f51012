"""The finder that rounds its activations in training, against the int8 finder that a device runs."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from convert import packing, quantize
from maskwatch.flow import Image
from maskwatch.vision.runtime import Model
from training.finder import fake_quantization
from training.networks import finder

SIZE = 64
PICTURES: list[Image] = list(np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3), np.uint8))
STACK = np.stack(PICTURES)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A finder with wide activations in its neck, so that rounding shows."""
    keras.utils.set_random_seed(1)
    model = finder.build(SIZE, channels=8, stem=8)
    for owner in (model.get_layer(finder.TRUNK), model):
        for layer in owner.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                gamma, beta, mean, variance = layer.get_weights()
                layer.set_weights([gamma, beta + 0.5, mean, variance * 0.02])
    return model


@pytest.fixture(scope="module")
def ranges(network: keras.Model) -> dict[str, tuple[float, float]]:
    return fake_quantization.ranges(network, STACK)


@pytest.mark.parametrize(("low", "high"), [(0.0, 6.0), (-1.0, 3.0), (-5.0, 0.0)])
def test_rounding_keeps_zero_and_has_256_steps(low: float, high: float) -> None:
    layer = fake_quantization.Rounded(low, high)
    spread = np.linspace(low - 1, high + 1, 5001, dtype=np.float32)
    rounded = np.asarray(layer(spread))
    assert float(layer(np.zeros(1, np.float32))[0]) == 0.0
    assert len(np.unique(np.round(rounded / layer.step))) == 256
    inside = (spread > layer.low) & (spread < layer.high)
    assert np.abs(rounded - spread)[inside].max(initial=0) <= layer.step / 2 + 1e-6
    assert rounded.min() >= low - layer.step
    assert rounded.max() <= high + layer.step


def test_the_gradient_passes_inside_the_range_alone() -> None:
    import tensorflow as tf

    layer = fake_quantization.Rounded(0.0, 6.0)
    values = tf.Variable([-1.0, 0.013, 5.99, 7.0])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(values))
    assert np.asarray(tape.gradient(total, values)).tolist() == [0.0, 1.0, 1.0, 0.0]


def test_it_rounds_what_a_device_rounds_in_the_same_steps(
    network: keras.Model, ranges: dict[str, tuple[float, float]]
) -> None:
    graph = packing.unpack(quantize.to_int8(network, PICTURES)).subgraphs[0]
    made = {index for operator in graph.operators for index in operator.outputs} - set(graph.outputs)
    on_device = {
        layer: float(tensor.quantization.scale[0])
        for tensor in (graph.tensors[index] for index in made)
        for layer in tensor.name.decode().split(";")[0].split("/")
    }
    assert len(made) == len(ranges) + 3  # those that turn camera bytes into numbers from -1 to 1
    ours = {f"{name}_1": fake_quantization.Rounded(*ends).step for name, ends in ranges.items()}
    assert ours == pytest.approx({name: on_device[name] for name in ours}, rel=0.15)


def test_it_errs_about_as_much_as_int8_does(network: keras.Model, ranges: dict[str, tuple[float, float]]) -> None:
    """Rounding is chaotic: two roundings of one network differ from each other as much as each from the network.

    Ranges are also a little wider in a conversion, so the errors differ by up to a quarter in this untrained network.
    """
    int8 = Model(quantize.to_int8(network, PICTURES), 1, "here")
    rounded = fake_quantization.rounded(network, ranges)
    errors: dict[str, list[float]] = {"int8": [], "rounded": []}
    for picture in PICTURES:
        wanted = {answer.shape: np.asarray(answer) for answer in network(picture[None].astype(np.float32))}
        for name, answers in (("int8", int8.run(picture)), ("rounded", rounded(picture[None].astype(np.float32)))):
            errors[name] += [float(np.abs(np.asarray(each) - wanted[each.shape]).mean()) for each in answers]
    assert 0.6 < np.mean(errors["rounded"]) / np.mean(errors["int8"]) < 1.5


def test_it_shares_every_weight_and_leaves_the_finder_as_it_is(
    network: keras.Model, ranges: dict[str, tuple[float, float]], tmp_path: Path
) -> None:
    before = [np.asarray(answer) for answer in network(STACK.astype(np.float32))]
    rounded = fake_quantization.rounded(network, ranges)
    assert {id(weight) for weight in rounded.weights} == {id(weight) for weight in network.weights}
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert not [name for name in names(loaded) if "rounded" in name]
    for old, new in zip(before, loaded(STACK.astype(np.float32)), strict=True):
        assert np.asarray(new) == pytest.approx(old, abs=1e-4)


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model._flatten_layers()]


def test_statistics_are_fixed_meanwhile_and_batch_norms_learn_afterwards(network: keras.Model) -> None:
    norms = [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    norms[0].trainable = False  # by finder.freeze
    with fake_quantization.fixed_statistics(network):
        assert not any(norm.trainable for norm in norms)
    assert [norm.trainable for norm in norms] == [False] + [True] * (len(norms) - 1)
    norms[0].trainable = True


def test_training_it_changes_the_finders_convolutions_and_no_batch_norm(
    network: keras.Model, ranges: dict[str, tuple[float, float]]
) -> None:
    own = keras.models.clone_model(network)
    own.set_weights(network.get_weights())
    rounded = fake_quantization.rounded(own, ranges)
    with fake_quantization.fixed_statistics(own):
        trainer = keras.Model(rounded.input, keras.layers.Flatten()(rounded.outputs[1]))
        trainer.compile(keras.optimizers.SGD(0.1), "mse")
        trainer.train_on_batch(STACK, np.ones((len(STACK), trainer.output_shape[1]), np.float32))
    changed = {
        type(layer).__name__
        for layer, before in zip(own._flatten_layers(), network._flatten_layers(), strict=True)
        if not isinstance(layer, keras.Model)
        and any(not np.array_equal(*pair) for pair in zip(layer.get_weights(), before.get_weights(), strict=True))
    }
    assert changed == {"Conv2D", "DepthwiseConv2D"}
