"""The two ends of a Keras model that others trained: camera bytes in, one logit a label out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from convert.foreign.pixels import Pixels
from convert.foreign.source import Source, are_shares
from maskwatch.errors import ConfigError, ModelError

SQUASHING = (keras.activations.softmax, keras.activations.sigmoid)
SQUASHED = (keras.layers.Softmax,)  # the activation as a layer; its outputs stay shares
LOOKS = 8  # random pictures that show what kind of numbers a model answers


def source(model: keras.Model, path: Path, size: int | None) -> Source:
    """The inputs and outputs of a model. A softmax or sigmoid at its end is removed where possible.

    Args:
        model: see keras_file.load.
        path: for messages.
        size: of its input, if the model leaves that open.

    Raises:
        ConfigError: the size is missing, or differs from the model's.
        ModelError: its input is not one picture, or its output not one line of numbers.
    """
    if not model.built and size:
        model.build((None, size, size, 3))
    if not model.built:
        raise ConfigError(f"model {path}: leaves the size of its pictures open; say --size")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        found = f"has {len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise ModelError(f"model {path}: {found}; expected one picture in and one line of numbers out")
    side, depth = _picture(tuple(model.inputs[0].shape), path, size)
    outputs = _count(tuple(model.outputs[0].shape), path)
    looks = np.random.default_rng(0).uniform(-1, 1, (LOOKS, side, side, depth)).astype(np.float32)
    shares = not _unsquash(model) and are_shares(np.asarray(model(looks, training=False)))
    return Source(side, depth, outputs, shares, None, lambda image: np.asarray(model(image[None], training=False))[0])


def _picture(shape: tuple[int | None, ...], path: Path, size: int | None) -> tuple[int, int]:
    """(side, channels) of the input."""
    if len(shape) != 4 or shape[3] not in (1, 3) or shape[1] != shape[2]:
        raise ModelError(f"model {path}: takes {shape}; expected square pictures, (None, S, S, 3) or (None, S, S, 1)")
    side = shape[1] or size
    if side is None:
        raise ConfigError(f"model {path}: leaves the size of its pictures open; say --size")
    if size not in (None, side):
        raise ConfigError(f"--size {size}: model {path} takes {side} pixels")
    return side, int(shape[3])


def _count(shape: tuple[int | None, ...], path: Path) -> int:
    if len(shape) != 2 or shape[1] not in (1, 2, 3):
        raise ModelError(f"model {path}: answers {shape}; expected one, two or three numbers, (None, 2)")
    return int(shape[1])


def _unsquash(model: keras.Model) -> bool:
    """Remove a softmax or sigmoid of the last layer, so that it gives logits; returns whether there was one."""
    last = model.outputs[0]._keras_history.operation
    while isinstance(last, keras.Model):
        last = last.outputs[0]._keras_history.operation
    if getattr(last, "activation", None) not in SQUASHING:
        return False
    last.activation = keras.activations.linear
    return True


def network(model: keras.Model, found: Source, pixels: Pixels) -> keras.Model:
    """(B, S, S, 3) bytes RGB -> (B, L) a number for each label."""
    image = keras.Input((found.size, found.size, 3), name="camera")
    answer = model(_scaled(image, pixels), training=False)
    if found.outputs == 1:
        answer = _fixed(keras.layers.Dense(2, name="labels"), answer, *found.columns)
    return keras.Model(image, answer, name="own")


def _scaled(image: Any, pixels: Pixels) -> Any:
    """The picture as the model takes it; by a Rescaling layer if no channels are reordered, as in our networks."""
    matrix, offset = pixels.matrix, pixels.offset
    if pixels.plain:
        return image
    if matrix.shape[1] == 3 and np.array_equal(matrix, np.eye(3) * matrix[0, 0]) and len(set(offset.tolist())) == 1:
        return keras.layers.Rescaling(float(matrix[0, 0]), float(offset[0]), name="scale")(image)
    return _fixed(keras.layers.Conv2D(len(offset), 1, name="scale"), image, matrix[None, None], offset)


def _fixed(layer: keras.layers.Layer, value: Any, *weights: Any) -> Any:
    """The layer applied to a value, with constant weights."""
    answer = layer(value)
    layer.set_weights(list(weights))
    return answer
