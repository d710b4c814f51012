"""The study's networks with the numbers of parameters that it published. Input: camera bytes; output: two logits."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from maskwatch.errors import ConfigError
from training.networks import alexnet, cnn, deep_cnn, mobilenet_v2
from training.study.variants import Head, Variant

CLASSES = 2
SMALLEST = 163  # pixels; a smaller input leaves nothing for AlexNet's last pooling


def build(variant: Variant, weights: str | None = None, size: int | None = None) -> keras.Model:
    """(B, size, size, 3) bytes -> (B, 2) logits.

    Args:
        variant: which one.
        weights: of MobileNetV2's base: a Keras weights file without top, "imagenet", or None for random.
        size: side of the input, pixels, if not the variant's own.
    """
    side = size or variant.size
    if variant.network == "cnn":
        return cnn.build(side, variant.depth, classes=CLASSES)
    if variant.network == "deep_cnn":
        return deep_cnn.build(side, CLASSES)
    if variant.network == "alexnet":
        return alexnet_of_the_study(side)
    base, head = transfer(variant, weights, side)
    image = keras.Input((side, side, 3), name="image")
    return keras.Model(image, head(base(image)), name="mobilenet_v2")


def alexnet_of_the_study(
    size: int = 227, channels: Sequence[int] = alexnet.CHANNELS, dense: Sequence[int] = (4096, 4096)
) -> keras.Model:
    """AlexNet with the study's 29,979,394 parameters.

    The study gives 96 kernels of 11×11 at stride 4, dense layers of 4096, batch norm, and the sum. Of 2,026,760
    combinations that we tried, 563 have that sum. We tried:

    - 16 sizes of the input; each padding of the convolutions and of the pooling;
    - 2×2 or 3×3 pooling, after different convolutions; second kernels of 3, 5 and 11;
    - 5 lists of channels, 23 of dense layers; 1, 2, 3 or 1000 outputs; batch norm after any of the layers.

    All of the 563 with the paper's channels and two dense layers of 4096 agree: the first dense layer gets 3×3×256
    features, batch norm follows only the first two convolutions (where the paper has its own normalisation), and there
    are two outputs. They differ in the layers that lead to those 3×3 features. This one has the paper's 227 px, 3×3
    pooling at stride 2 and 5×5 second kernel, padded as in the paper; the last three convolutions are not padded: sides
    55, pooled to 27; 27, pooled to 13; 11; 9; 7, pooled to 3.

    The sum does not show where the batch norm is: here it is before the ReLU, where a converter folds it.

    Args:
        size: side of the input, pixels.
        channels: of the five convolutions.
        dense: units of the hidden layers.

    Raises:
        ConfigError: the input is too small.
    """
    if size < SMALLEST:
        raise ConfigError(f"size {size}: too small for AlexNet's kernels; expected at least {SMALLEST} pixels")
    image = keras.Input((size, size, 3), name="image")
    feature = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    for number, (width, kernel) in enumerate(zip(channels, alexnet.KERNELS, strict=True), 1):
        stride, padding = (4 if number == 1 else 1), ("same" if number == 2 else "valid")
        convolution = layers.Conv2D(
            width, kernel, stride, padding, kernel_initializer="he_normal", name=f"conv{number}"
        )
        feature = convolution(feature)
        if number <= 2:
            feature = layers.BatchNormalization(momentum=0.95, name=f"conv{number}_bn")(feature)
        feature = layers.ReLU(name=f"conv{number}_relu")(feature)
        if number in alexnet.POOLED:
            feature = layers.MaxPooling2D(3, 2, name=f"pool{number}")(feature)
    feature = layers.Flatten(name="flat")(feature)  # (B, 2304) at 227 px
    for number, units in enumerate(dense, 1):
        feature = layers.Dense(units, "relu", kernel_initializer="he_normal", name=f"dense{number}")(feature)
        feature = layers.Dropout(0.5)(feature)
    return keras.Model(image, layers.Dense(CLASSES, name="logits")(feature), name="alexnet")


def transfer(variant: Variant, weights: str | None, size: int) -> tuple[keras.Model, keras.Model]:
    """MobileNetV2's frozen base, (B, size, size, 3) bytes -> (B, 1280), and the head that is trained on it."""
    image = keras.Input((size, size, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    trunk = keras.applications.MobileNetV2(
        input_shape=(size, size, 3), include_top=False, weights=weights, name=mobilenet_v2.BASE
    )
    trunk.trainable = False
    base = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(trunk(scaled)), name="frozen")
    return base, head(base.output_shape[-1], variant.heads)


def head(features: int, heads: Sequence[Head]) -> keras.Model:
    """(B, features) -> (B, 2) logits."""
    inputs = feature = keras.Input((features,), name="features")
    for number, (units, dropout) in enumerate(heads, 1):
        feature = layers.Dense(units, activation="relu", name=f"hidden{number}")(feature)
        if dropout:
            feature = layers.Dropout(dropout)(feature)
    return keras.Model(inputs, layers.Dense(CLASSES, name="logits")(feature), name="head")
