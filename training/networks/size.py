"""The number of a network's parameters and of its multiplications."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers


def every_layer(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """All layers, also those of models inside models."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)
        else:
            yield layer


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds for one picture in convolutions and dense layers; biases, norms and activations are not counted."""
    return sum(_of(layer) for layer in every_layer(model))


def _of(layer: keras.layers.Layer) -> int:
    if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Dense):
        return 0
    kernel = int(np.prod(layer.kernel.shape))
    if isinstance(layer, layers.Dense):
        return kernel
    return kernel * int(np.prod(layer.output.shape[1:3]))  # the kernel is applied once for each pixel of the output


def trainable(model: keras.Model, frozen_base: bool) -> int:
    """The number of trained parameters: all trainable ones, or only those after a frozen base."""
    learnt = model.get_layer("head") if frozen_base else model
    return sum(int(np.prod(weight.shape)) for weight in learnt.trainable_weights)
