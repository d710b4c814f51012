"""YOLOv5s, version 6.0, written anew from its published architecture (Jocher et al., doi 10.5281/zenodo.3908559).

A CSP backbone of C3 blocks (Wang et al. 2020, arXiv 1911.11929) that ends in SPPF, a PANet neck (Liu et al. 2018,
arXiv 1803.01534), and at strides 8, 16 and 32 a head of three anchors, each with box, objectness and classes. The
outputs are raw logits. Sigmoid and anchors are applied outside (training.yolo.yolo_boxes), because an int8 sigmoid has
256 steps from 0 to 1, few of them where a score is small.

One difference from the original: a 3×3 convolution of stride 2 pads below and to the right, not on all sides, because
the original's padding would be a separate operator.
"""

from __future__ import annotations

import math

import keras
from keras import layers

STRIDES = (8, 16, 32)
ANCHORS = 3  # a cell
BOX, OBJECTNESS = 4, 4  # numbers of a box; the index of objectness after them
DEPTH, WIDTH = 0.33, 0.5  # the depth and width that make the `s` of the family
FACES = 8  # expected in a picture before training


def build(size: int = 320, classes: int = 3, depth: float = DEPTH, width: float = WIDTH) -> keras.Model:
    """(B, size, size, 3) bytes -> for each stride s logits (B, size/s, size/s, 3 · (5 + classes)).

    The last axis holds, anchor by anchor, x, y, width, height, objectness and the classes.

    Args:
        size: side of the input, pixels, a multiple of 32.
        classes: how many.
        depth: number of blocks, as a share of the family's largest network.
        width: number of channels, as a share of the same.
    """

    def channels(full: int) -> int:
        return 8 * math.ceil(full * width / 8)

    def blocks(full: int) -> int:
        return max(round(full * depth), 1)

    image = keras.Input((size, size, 3), name="image")
    feature = layers.Rescaling(1 / 255, name="scale")(image)
    feature = convolve(feature, channels(64), "stem", kernel=6, stride=2)
    seen = []  # by the backbone, fine to coarse
    for level, (full, count) in enumerate(((128, 3), (256, 6), (512, 9), (1024, 3))):
        feature = convolve(feature, channels(full), f"down{level}", kernel=3, stride=2)
        feature = csp(feature, channels(full), blocks(count), f"csp{level}")
        seen.append(feature)
    coarse = pooled(seen[3], channels(1024), "pool")

    lateral32 = convolve(coarse, channels(512), "lateral32")
    middle = csp(merged(enlarged(lateral32, "up16"), seen[2], "merge16"), channels(512), blocks(3), "top16", add=False)
    lateral16 = convolve(middle, channels(256), "lateral16")
    fine = csp(merged(enlarged(lateral16, "up8"), seen[1], "merge8"), channels(256), blocks(3), "out8", add=False)
    down = convolve(fine, channels(256), "back16", kernel=3, stride=2)
    middle = csp(merged(down, lateral16, "join16"), channels(512), blocks(3), "out16", add=False)
    down = convolve(middle, channels(512), "back32", kernel=3, stride=2)
    coarse = csp(merged(down, lateral32, "join32"), channels(1024), blocks(3), "out32", add=False)
    outputs = [
        head(feature, classes, size // stride, f"head{stride}")
        for feature, stride in zip((fine, middle, coarse), STRIDES, strict=True)
    ]
    return keras.Model(image, outputs, name="yolov5s")


def csp(feature: keras.KerasTensor, channels: int, blocks: int, name: str, add: bool = True) -> keras.KerasTensor:
    """C3: half of the channels goes through the bottlenecks, the other half past them."""
    inner = convolve(feature, channels // 2, f"{name}_in")
    for block in range(blocks):
        narrow = convolve(inner, channels // 2, f"{name}_{block}_narrow")
        wide = convolve(narrow, channels // 2, f"{name}_{block}_wide", kernel=3)
        inner = layers.Add(name=f"{name}_{block}_add")([inner, wide]) if add else wide
    past = convolve(feature, channels // 2, f"{name}_past")
    return convolve(merged(inner, past, f"{name}_merge"), channels, f"{name}_out")


def pooled(feature: keras.KerasTensor, channels: int, name: str) -> keras.KerasTensor:
    """SPPF: features and their maxima within 5, 9, 13 cells, by pooling three times (He et al. 2014, 1406.4729)."""
    seen = [convolve(feature, feature.shape[-1] // 2, f"{name}_in")]
    for reach in (5, 9, 13):
        seen.append(layers.MaxPooling2D(5, 1, padding="same", name=f"{name}_{reach}")(seen[-1]))
    return convolve(layers.Concatenate(name=f"{name}_merge")(seen), channels, f"{name}_out")


def merged(one: keras.KerasTensor, other: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Both features, joined along the channels."""
    return layers.Concatenate(name=name)([one, other])


def enlarged(feature: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Double the side, each cell four times: a Resizing layer is one operator in TFLite, UpSampling2D would be five."""
    _, height, width, _ = feature.shape
    return layers.Resizing(2 * height, 2 * width, interpolation="nearest", name=name)(feature)


def head(feature: keras.KerasTensor, classes: int, side: int, name: str) -> keras.KerasTensor:
    """The logits of one stride. Their initial bias expects FACES faces in a picture, and each class equally often."""
    bias = [0.0] * BOX + [math.log(FACES / side**2)] + [math.log(0.6 / (classes - 0.99))] * classes
    start = keras.initializers.Constant(ANCHORS * bias)
    return layers.Conv2D(ANCHORS * len(bias), 1, bias_initializer=start, name=name)(feature)


def convolve(
    feature: keras.KerasTensor, channels: int, name: str, kernel: int = 1, stride: int = 1
) -> keras.KerasTensor:
    """Convolution, batch norm, SiLU."""
    feature = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(feature)
    feature = layers.BatchNormalization(momentum=0.97, epsilon=1e-3, name=f"{name}_bn")(feature)
    return layers.Activation("silu", name=f"{name}_silu")(feature)
