"""A plain CNN of 128 layers: 64 convolutions, 63 ReLUs and one dense layer, without a shortcut anywhere.

The study describes its custom network only as "with 128 layers". Counted here are layers with weights and activations,
without the scaling, pooling and batch norm between them.

Such a deep network does not train from the usual initial weights: after some dozen random layers nothing is left of the
picture, and batch norm after each layer makes gradients grow from layer to layer (Yang et al. 2019, arXiv 1902.08129).
So a convolution that keeps the number of channels starts as the identity (Dirac kernels: Zagoruyko & Komodakis 2017,
arXiv 1706.00388) with little noise (He et al. 2015, arXiv 1502.01852, times NOISE). After a ReLU nothing is negative,
so the next ReLU changes nothing, and the 64 layers first act like a network of a few layers. Batch norm is only where
the channels change and at the end of each stage, to keep the scale; a converter folds it into the convolution.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

# (side of the picture there at 128 px of input, channels, convolutions): few channels, because the depth is expensive.
STAGES = ((64, 16, 4), (32, 24, 12), (16, 32, 24), (8, 64, 24))
NOISE = 0.1  # of He's standard deviation, on top of the identity
LAYERS = 128


def build(size: int = 128, classes: int = 2, dropout: float = 0.3) -> keras.Model:
    """(B, size, size, 3) bytes -> (B, classes) logits.

    Args:
        size: side of the input, pixels; at least 16.
        classes: with_mask, without_mask and, as the third, mask_weared_incorrect.
        dropout: share of features dropped before the logits while training.
    """
    image = keras.Input((size, size, 3), name="image")
    feature = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    for number, (_, channels, count) in enumerate(STAGES, 1):
        for place in range(1, count + 1):
            last = (number, place) == (len(STAGES), count)
            feature = step(feature, channels, f"stage{number}_{place}", first=place == 1, end=place == count, last=last)
    feature = layers.GlobalAveragePooling2D(name="pool")(feature)
    logits = layers.Dense(classes, name="logits")(layers.Dropout(dropout)(feature))
    model = keras.Model(image, logits, name="deep_cnn")
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            near_identity(layer)
    return model


def near_identity(layer: layers.Conv2D) -> None:
    """Initialise a convolution that keeps its number of channels as the identity, with a little of its random noise."""
    kernel = np.array(layer.kernel)
    height, width, before, after = kernel.shape
    if before == after:
        kernel *= NOISE
        kernel[height // 2, width // 2] += np.eye(before)
        layer.kernel.assign(kernel)


def step(feature: keras.KerasTensor, channels: int, name: str, first: bool, end: bool, last: bool) -> keras.KerasTensor:
    """One convolution with its ReLU; the first of a stage halves the side, the last of all has no ReLU.

    A mean after a ReLU is never negative: after one, the dense layer would lose half of the information.
    """
    stride, biased = 2 if first else 1, not (first or end)
    convolution = layers.Conv2D(channels, 3, stride, "same", kernel_initializer="he_normal", use_bias=biased, name=name)
    feature = convolution(feature)
    if first or end:
        feature = layers.BatchNormalization(momentum=0.95, name=f"{name}_bn")(feature)
    return feature if last else layers.ReLU(name=f"{name}_relu")(feature)
