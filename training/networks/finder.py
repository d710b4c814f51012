"""The face finder: a single-shot, anchor-free detector on a narrow MobileNetV2, with heads at strides 8, 16 and 32.

Each cell of each head gives a score for a face centred there, and the face's box. A box is coded as in YOLOX (Ge et al.
2021, arXiv 2107.08430): offset of the centre and logarithm of the size, in strides. The neck is a top-down feature
pyramid (Lin et al. 2017, arXiv 1612.03144) of depthwise separable convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

STRIDES = (8, 16, 32)
# The last layer at each stride: the expansion before the stride-2 depthwise, and the end of the trunk. What follows
# block 14 is left out: it has most of the weights and takes a twelfth of the time, and finds no more faces.
TRUNK, STEM = "trunk", "Conv1"
TAPS = ("block_6_expand_relu", "block_13_expand_relu", "block_14_add")
PRIOR = -4.0  # initial logit of a cell: 2 % of cells hold a face (focal loss, Lin et al. 2017, arXiv 1708.02002)


def build(
    size: int = 320,
    alpha: float = 0.35,
    channels: int = 40,
    weights: str | None = None,
    stem: int | None = None,
) -> keras.Model:
    """(B, size, size, 3) bytes -> for each stride s: score logits (B, size/s, size/s, 1), boxes (B, size/s, size/s, 4).

    Args:
        size: side of the input, pixels, a multiple of 32.
        alpha: width of the MobileNetV2 trunk.
        channels: width of the neck and the heads.
        weights: a Keras weights file of the trunk without top, "imagenet", or None for random.
        stem: channels of the first layers, for weights that were slimmed (training.finder.slimming); None: the
            trunk's own.
    """
    image = keras.Input((size, size, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    trunk = keras.applications.MobileNetV2(input_shape=(size, size, 3), alpha=alpha, include_top=False, weights=weights)
    if stem is not None:
        trunk = narrowed(trunk, stem)
    taps = keras.Model(trunk.input, [trunk.get_layer(name).output for name in TAPS], name=TRUNK)
    # Batch norm is trained with the rest: a batch of scenes has enough pixels for its statistics.
    return keras.Model(image, neck_and_heads(taps(scaled), channels), name="finder")


def neck_and_heads(features: Sequence[keras.KerasTensor], channels: int, blocks: int = 1) -> list[keras.KerasTensor]:
    """The trunk's features at each stride -> score logits and boxes of each stride in turn."""
    refined = neck(features, channels, blocks)
    outputs = [head(feature, channels, stride) for feature, stride in zip(refined, STRIDES, strict=True)]
    return [output for pair in outputs for output in pair]


def narrowed(trunk: keras.Model, stem: int) -> keras.Model:
    """The trunk with another number of channels in its first layers, and new random weights."""
    config = trunk.get_config()
    for layer in config["layers"]:
        layer.pop("build_config", None)  # shapes of the wider one
        if layer["config"]["name"] == STEM:
            layer["config"]["filters"] = stem
    return keras.Model.from_config(config)


def freeze(model: keras.Model, last: str) -> None:
    """Freeze the trunk's layers up to and including `last`, and no others; "" freezes none. A model that was saved with
    frozen layers still has them when it is loaded."""
    trunk = model.get_layer(TRUNK)
    learnt_from = 1 + [layer.name for layer in trunk.layers].index(last) if last else 0
    for place, layer in enumerate(trunk.layers):
        layer.trainable = place >= learnt_from


def neck(features: Sequence[keras.KerasTensor], channels: int, blocks: int = 1) -> list[keras.KerasTensor]:
    """Features from fine to coarse in, the same out, each refined with the coarser ones by `blocks` convolutions."""
    merged: list[keras.KerasTensor] = []
    for level, feature in reversed(list(enumerate(features))):
        lateral = convolve(feature, channels, f"lateral{level}", kernel=1)
        if merged:
            lateral = layers.Add(name=f"merge{level}")([lateral, enlarged(merged[-1], level)])
        for block in range(blocks):
            name = f"neck{level}" + (f"_{block}" if block else "")
            lateral = convolve(lateral, channels, name, separable=True)
        merged.append(lateral)
    return merged[::-1]


def head(feature: keras.KerasTensor, channels: int, stride: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Score logits and boxes of one stride, from one shared tower: two towers cost time and found no more faces."""
    tower = convolve(feature, channels, f"tower{stride}", separable=True)
    return (
        layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(PRIOR), name=f"score{stride}")(tower),
        layers.Conv2D(4, 1, name=f"box{stride}")(tower),
    )


def enlarged(feature: keras.KerasTensor, level: int) -> keras.KerasTensor:
    """Double the side. Bilinear is one operator in TFLite; nearest becomes tiles, which leave the fast path."""
    return layers.UpSampling2D(2, interpolation="bilinear", name=f"up{level}")(feature)


def convolve(
    feature: keras.KerasTensor, channels: int, name: str, kernel: int = 3, separable: bool = False
) -> keras.KerasTensor:
    """Convolution (or depthwise + pointwise), batch norm, ReLU6 (bounded, so int8 keeps its resolution)."""
    if separable:
        feature = layers.DepthwiseConv2D(kernel, padding="same", use_bias=False, name=f"{name}_depthwise")(feature)
        feature = layers.BatchNormalization(momentum=0.95, name=f"{name}_depthwise_bn")(feature)
        kernel = 1
    feature = layers.Conv2D(channels, kernel, padding="same", use_bias=False, name=f"{name}_conv")(feature)
    feature = layers.BatchNormalization(momentum=0.95, name=f"{name}_bn")(feature)
    return layers.ReLU(6.0, name=f"{name}_relu")(feature)
