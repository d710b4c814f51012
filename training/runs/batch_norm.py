"""Batch normalization in one kernel while a network is trained on TensorFlow.

Keras computes it from a dozen elementwise operations. On a CPU these take half of the time of a finder's training step.
TensorFlow's own kernel (FusedBatchNormV3) gives the same numbers, up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

Layer = keras.layers.BatchNormalization
# In bfloat16 the kernel is quick for these multiples alone: for YOLOv5s it takes a quarter of the step's time away, for
# the finder's 24 or 40 channels it takes four times as long as in float32.
BFLOAT16_CHANNELS = 16


@contextmanager
def fused() -> Iterator[None]:
    """Use the kernel for every batch normalization in networks traced inside; other back ends stay as they are."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    usual = Layer.call

    def call(self: Layer, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if training and self.trainable and fits(self, inputs, mask):
            return one_kernel(self, inputs)
        return usual(self, inputs, training=training, mask=mask)

    Layer.call = call
    try:
        yield
    finally:
        Layer.call = usual


def fits(layer: Layer, inputs: Any, mask: Any) -> bool:
    """Whether the kernel does this layer's work well: maps with the channels last, and no mask."""
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    return (
        mask is None
        and len(inputs.shape) == 4
        and layer.axis in (-1, 3)
        and (dtype == "float32" or (dtype == "bfloat16" and inputs.shape[-1] % BFLOAT16_CHANNELS == 0))
        and layer.scale
        and layer.center
        and not (layer.synchronized or layer.renorm)
    )


def one_kernel(layer: Layer, inputs: Any) -> Any:
    """Normalize by the batch's statistics, and update the layer's moving statistics."""
    import tensorflow as tf

    found = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=layer.gamma.value,
        offset=layer.beta.value,
        mean=tf.zeros([0]),  # not used in training
        variance=tf.zeros([0]),
        epsilon=layer.epsilon,
        is_training=True,
    )
    # The kernel's variance is unbiased; Keras keeps the biased one.
    values = tf.cast(tf.size(inputs) / inputs.shape[-1], tf.float32)
    biased = found.batch_variance * (values - 1) / values
    for kept, now in ((layer.moving_mean, found.batch_mean), (layer.moving_variance, biased)):
        kept.assign(kept * layer.momentum + now * (1 - layer.momentum))
    return found.y
