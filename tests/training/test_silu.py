"""The compiled gradient of SiLU is the gradient of SiLU."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.runs import silu

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other back ends keep Keras' own")
X = np.concatenate([np.linspace(-30, 30, 601), [-200, -90, 0, 90, 200]]).astype(np.float32)


def gradient(dtype: str, activation: str = "silu") -> NDArray[np.float32]:
    """Of the layer's output, weighted by 1, 2, 3, …, at X."""
    import tensorflow as tf

    layer = keras.layers.Activation(activation, dtype=dtype)
    x = tf.cast(X, dtype)
    weights = tf.cast(tf.range(1, len(X) + 1), dtype)

    @tf.function
    def find() -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.cast(layer(x) * weights, tf.float32))
        return tf.cast(tape.gradient(total, x), tf.float32)

    return find().numpy()


def exact(dtype: str) -> NDArray[np.float64]:
    x = np.asarray(keras.ops.cast(keras.ops.cast(X, dtype), "float32"), np.float64)
    share = 1 / (1 + np.exp(-x))
    return np.arange(1, len(X) + 1) * share * (1 + x * (1 - share))


@pytest.mark.parametrize(("dtype", "close"), [("float32", 1e-5), ("bfloat16", 1e-2)])
def test_the_gradient_is_that_of_the_formula_also_far_from_zero(dtype: str, close: float) -> None:
    with silu.compiled():
        found = gradient(dtype)
    scale = np.arange(1, len(X) + 1)
    np.testing.assert_allclose(found / scale, exact(dtype) / scale, atol=close)


def test_other_activations_stay_as_they_are_and_silu_too_outside() -> None:
    usual = gradient("float32", "relu")
    with silu.compiled():
        np.testing.assert_array_equal(gradient("float32", "relu"), usual)
        inside = keras.layers.Activation.call
    assert keras.layers.Activation.call is not inside


def test_a_layer_called_inside_is_written_as_plain_keras(tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Activation("silu")])
    x = np.array([[-1.0, 0.0, 2.0]], np.float32)
    with silu.compiled():
        inside = np.asarray(network(x))
    network.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_allclose(np.asarray(loaded(x)), inside, rtol=1e-6)
