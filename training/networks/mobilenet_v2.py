"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) with ImageNet weights and a small head: the study's winner."""

from __future__ import annotations

import keras
from keras import layers

POOL = "pool"  # the layer where the frozen base ends: (B, 1280) features for alpha 1.0
HEAD = "head"


def build(
    size: int = 224,
    alpha: float = 1.0,
    weights: str | None = "imagenet",
    dense: int = 128,
    dropout: float = 0.5,
) -> keras.Model:
    """(B, size, size, 3) bytes -> (B, 2) logits of with_mask, without_mask.

    The head is the study's M1: one dense layer and dropout. Logits, not softmax: an int8 softmax has 256 steps.

    Args:
        size: side of the input, pixels.
        alpha: width of the base.
        weights: a Keras weights file of the base without top, "imagenet", or None for random.
        dense: units of the hidden layer.
        dropout: share of features dropped while training.
    """
    image = keras.Input((size, size, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    base = keras.applications.MobileNetV2(input_shape=(size, size, 3), alpha=alpha, include_top=False, weights=weights)
    base.trainable = False
    pooled = layers.GlobalAveragePooling2D(name=POOL)(base(scaled, training=False))
    head = keras.Sequential(
        [
            keras.Input((pooled.shape[-1],)),
            layers.Dropout(dropout / 2),
            layers.Dense(dense, activation="relu", name="hidden"),
            layers.Dropout(dropout),
            layers.Dense(2, name="logits"),
        ],
        name=HEAD,
    )
    return keras.Model(image, head(pooled), name="mobilenet_v2")
