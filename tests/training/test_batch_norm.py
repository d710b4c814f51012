"""The single-kernel batch norm gives the same numbers in training as Keras' operations."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.runs import batch_norm

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other back ends keep Keras' own")
SHAPE = (6, 5, 4, 3)
Everything = list[NDArray[np.float32]]


def learnt(fused: bool, **options: Any) -> Everything:
    """All weights of the network after three batches."""
    keras.utils.set_random_seed(1)
    layer = keras.layers.BatchNormalization(momentum=0.9, **options)
    model = keras.Sequential([keras.Input(SHAPE[1:]), layer, keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    rng = np.random.default_rng(2)
    x = rng.normal(3, 4, (3 * SHAPE[0], *SHAPE[1:])).astype(np.float32)
    y = rng.normal(0, 1, (len(x), *model.output_shape[1:])).astype(np.float32)

    def fit() -> None:
        model.fit(x, y, batch_size=SHAPE[0], epochs=1, shuffle=False, verbose=0)

    if fused:
        with batch_norm.fused():
            fit()
    else:
        fit()
    return [np.asarray(weight) for weight in model.get_weights()]


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.1}, {"scale": False}, {"axis": 1}], ids=str)
def test_the_network_learns_the_same(options: dict[str, Any]) -> None:
    fused = learnt(fused=True, **options)
    usual = learnt(fused=False, **options)
    assert len(fused) == len(usual)
    for mine, theirs in zip(fused, usual, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-5)


def test_maps_in_bfloat16_are_normalized_by_the_statistics_in_float32() -> None:
    x = np.random.default_rng(2).normal(3, 4, (*SHAPE[:3], batch_norm.BFLOAT16_CHANNELS)).astype(np.float32)
    layer = keras.layers.BatchNormalization(momentum=0.5, dtype="mixed_bfloat16")
    layer.build(x.shape)
    assert batch_norm.fits(layer, keras.ops.cast(x, "bfloat16"), None)
    with batch_norm.fused():
        found = np.asarray(keras.ops.cast(layer(x, training=True), "float32"))
    flat = x.reshape(-1, x.shape[-1])
    expected = (x - flat.mean(axis=0)) / np.sqrt(flat.var(axis=0) + layer.epsilon)
    np.testing.assert_allclose(found, expected, atol=0.02)  # bfloat16 has 8 bits
    np.testing.assert_allclose(np.asarray(layer.moving_mean), flat.mean(axis=0) / 2, rtol=0.01)
    np.testing.assert_allclose(np.asarray(layer.moving_variance), (1 + flat.var(axis=0)) / 2, rtol=0.01)


def test_it_is_the_one_kernel_inside_and_not_outside() -> None:
    inputs = keras.Input(SHAPE[1:])
    layer = keras.layers.BatchNormalization()
    layer(inputs)
    assert batch_norm.fits(layer, inputs, None)
    x = np.ones(SHAPE, np.float32)
    import tensorflow as tf

    def names() -> set[str]:
        traced = tf.function(lambda shown: layer(shown, training=True)).get_concrete_function(tf.constant(x))
        return {operation.type for operation in traced.graph.get_operations()}

    with batch_norm.fused():
        assert "FusedBatchNormV3" in names()
    assert "FusedBatchNormV3" not in names()


def test_a_layer_that_is_frozen_keeps_its_statistics() -> None:
    layer = keras.layers.BatchNormalization()
    layer.build(SHAPE)
    layer.trainable = False
    before = [np.asarray(weight) for weight in layer.weights]
    x = np.random.default_rng(0).normal(5, 2, SHAPE).astype(np.float32)
    with batch_norm.fused():
        layer(x, training=True)
    for weight, kept in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), kept)


@pytest.mark.parametrize(
    ("options", "shape", "dtype"),
    [({"center": False}, SHAPE, "float32"), ({}, (6, 3), "float32"), ({}, SHAPE, "bfloat16")],
    ids=["no offset", "a row of numbers", "bfloat16 in few channels"],
)
def test_what_the_kernel_does_not_know_is_left_to_keras(
    options: dict[str, Any], shape: tuple[int, ...], dtype: str
) -> None:
    layer = keras.layers.BatchNormalization(**options)
    layer.build(shape)
    assert not batch_norm.fits(layer, keras.KerasTensor(shape, dtype=dtype), None)
