"""The study's plain CNN: one to three convolutions, each followed by pooling, and a dense layer. No batch norm.

The study gives their number. The rest is our choice: 3×3 kernels; channels that double where the side is halved
(Simonyan & Zisserman 2015, arXiv 1409.1556), starting at 16, because starting at 32 means almost four times the
multiplications; one hidden dense layer of 128 with dropout, as in the study's other heads. The parts (convolution,
ReLU, max pooling, dropout before dense layers) are those of Krizhevsky et al. 2012 (NeurIPS 25).
"""

from __future__ import annotations

import keras
from keras import layers

CHANNELS = (16, 32, 64)


def build(size: int = 128, depth: int = 3, dense: int = 128, dropout: float = 0.5, classes: int = 3) -> keras.Model:
    """(B, size, size, 3) bytes -> (B, classes) logits.

    At 128 px and depth 3: 2.1 million parameters, 99 % of them in the hidden dense layer.

    Args:
        size: side of the input, pixels; at least 2 ** depth.
        depth: hidden convolutions, 1 to 3. Fewer give more parameters: the dense layer sees a larger picture.
        dense: units of the hidden layer.
        dropout: share of features dropped before the logits while training.
        classes: with_mask, without_mask and, as the third, mask_weared_incorrect.
    """
    image = keras.Input((size, size, 3), name="image")
    feature = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    for number, channels in enumerate(CHANNELS[:depth], 1):
        feature = layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"conv{number}")(feature)
        feature = layers.MaxPooling2D(2, name=f"pool{number}")(feature)  # side / 2 ** number
    flat = layers.Flatten(name="flat")(feature)  # (B, (size / 2 ** depth) ** 2 * channels)
    hidden = layers.Dense(dense, activation="relu", name="hidden")(flat)
    logits = layers.Dense(classes, name="logits")(layers.Dropout(dropout)(hidden))
    return keras.Model(image, logits, name="cnn")
