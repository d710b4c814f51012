"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) with ImageNet weights and a small head: the study's winner.

Batch norm stays frozen, and so always in inference mode: the width-1.0 weights have it folded in, and batch statistics
would destroy what the base has learnt. (`training=False` at the call is not enough: fitting the outer model overrides
it.)
"""

from __future__ import annotations

import keras
from keras import layers

BASE = "base"


def build(
    size: int = 224,
    alpha: float = 1.0,
    weights: str | None = "imagenet",
    dense: int = 128,
    dropout: float = 0.5,
    classes: int = 3,
) -> keras.Model:
    """(B, size, size, 3) bytes -> (B, classes) logits.

    The head is the study's M1: one dense layer and dropout. Logits, not softmax: an int8 softmax has 256 steps.

    Args:
        size: side of the input, pixels.
        alpha: width of the base.
        weights: a Keras weights file of the base without top, "imagenet", or None for random.
        dense: units of the hidden layer.
        dropout: share of features dropped while training.
        classes: with_mask, without_mask and, as the third, mask_weared_incorrect.
    """
    image = keras.Input((size, size, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    base = keras.applications.MobileNetV2(
        input_shape=(size, size, 3), alpha=alpha, include_top=False, weights=weights, name=BASE
    )
    pooled = layers.GlobalAveragePooling2D(name="pool")(base(scaled))
    hidden = layers.Dense(dense, activation="relu", name="hidden")(layers.Dropout(dropout / 2)(pooled))
    logits = layers.Dense(classes, name="logits")(layers.Dropout(dropout)(hidden))
    return keras.Model(image, logits, name="mobilenet_v2")


def freeze(model: keras.Model, last: str | None) -> None:
    """Freeze the base's layers up to and including `last`, and all batch norm; None freezes the whole base."""
    base = model.get_layer(BASE)
    names = [layer.name for layer in base.layers]
    learnt_from = len(names) if last is None else names.index(last) + 1
    for place, layer in enumerate(base.layers):  # one by one: Keras does not pass on a value that the base already has
        layer.trainable = place >= learnt_from and not isinstance(layer, layers.BatchNormalization)
