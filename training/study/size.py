"""How large a network is, and how much it has to multiply."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers


def every_layer(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Those of models inside models too."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)
        else:
            yield layer


def multiply_adds(model: keras.Model) -> int:
    """Of one picture, in convolutions and dense layers; biases, norms and activations are not counted."""
    return sum(_of(layer) for layer in every_layer(model))


def _of(layer: keras.layers.Layer) -> int:
    if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Dense):
        return 0
    kernel = int(np.prod(layer.kernel.shape))
    if isinstance(layer, layers.Dense):
        return kernel
    return kernel * int(np.prod(layer.output.shape[1:3]))  # the kernel is applied at every place of the output


def trainable(model: keras.Model, frozen_base: bool) -> int:
    """Parameters that were learnt: all that can be, or those behind the base that was not."""
    learnt = model.get_layer("head") if frozen_base else model
    return sum(int(np.prod(weight.shape)) for weight in learnt.trainable_weights)
