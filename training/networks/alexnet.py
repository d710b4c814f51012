"""AlexNet (Krizhevsky et al. 2012, NeurIPS 25, "ImageNet Classification with Deep Convolutional Neural Networks").

As in the study: 96 kernels of 11×11 at stride 4, dense layers of 4096, batch norm, about 30 million parameters. The
paper's network has 60 million, most of them between the 6×6×256 features and the 4096 units. The Keras versions with
batch norm that are in circulation pad no convolution and keep ImageNet's 1000 units as a third dense layer, which gives
about 28 million. This one is like those: 2×2×256 features at 227 px, 28.9 million parameters. They differ in the second
kernel, 11×11 or the paper's 5×5, and in the pooling, 2×2 or the paper's 3×3; ours has the paper's.

Our own choices: batch norm (Ioffe & Szegedy 2015, arXiv 1502.03167) is between a layer and its ReLU, where a converter
folds it into the layer; after pooling, int8 would keep a MUL and an ADD for it. There is one dropout, after the last
batch norm: a dropout before a batch norm gives it a variance that inference does not have (Li et al. 2019, arXiv
1801.05134).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from maskwatch.errors import ConfigError

CHANNELS = (96, 256, 384, 384, 256)
KERNELS = (11, 5, 3, 3, 3)
POOLED = (1, 2, 5)  # the convolutions that are followed by pooling, 3×3 at stride 2: overlapping
DENSE = (4096, 4096, 1000)
SMALLEST = 195  # pixels; with a smaller input, nothing is left for the last pooling


def build(
    size: int = 227,
    classes: int = 3,
    channels: Sequence[int] = CHANNELS,
    dense: Sequence[int] = DENSE,
    dropout: float = 0.5,
) -> keras.Model:
    """(B, size, size, 3) bytes -> (B, classes) logits.

    Sides at 227 px: 55, pooled to 27; 23, pooled to 11; 9; 7; 5, pooled to 2.

    Args:
        size: side of the input, pixels, at least SMALLEST.
        classes: with_mask, without_mask and, as the third, mask_weared_incorrect.
        channels: of the five convolutions.
        dense: units of the hidden layers.
        dropout: share of features dropped before the logits while training.

    Raises:
        ConfigError: the input is too small.
    """
    if size < SMALLEST:
        raise ConfigError(f"size {size}: too small for AlexNet's kernels; expected at least {SMALLEST} pixels")
    image = keras.Input((size, size, 3), name="image")
    feature = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    for number, (width, kernel) in enumerate(zip(channels, KERNELS, strict=True), 1):
        stride = 4 if number == 1 else 1
        convolution = layers.Conv2D(width, kernel, strides=stride, use_bias=False, name=f"conv{number}")
        feature = normalised(convolution(feature), f"conv{number}")
        if number in POOLED:
            feature = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(feature)
    feature = layers.Flatten(name="flat")(feature)  # (B, 1024) at 227 px
    for number, units in enumerate(dense, 1):
        feature = normalised(layers.Dense(units, use_bias=False, name=f"dense{number}")(feature), f"dense{number}")
    logits = layers.Dense(classes, name="logits")(layers.Dropout(dropout)(feature))
    return keras.Model(image, logits, name="alexnet")


def normalised(feature: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Batch norm, whose shift replaces the layer's bias, and ReLU. Its average is short: a run has few steps."""
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(momentum=0.95, name=f"{name}_bn")(feature))
