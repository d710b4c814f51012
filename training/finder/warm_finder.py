"""Loads a shipped finder to continue its training: its int8 weights as floats, in a network that can learn.

A bundle holds convolutions into which batch norm is folded. Their weights are dequantized. Each batch norm gets the
mean and variance that its input has on pictures, and the scale and offset that undo them. So the network gives the same
outputs, and its batch norm is as it would be after training.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ModelError
from maskwatch.vision import bundle
from training.networks import dequantized, finder


def from_model(path: Path, size: int) -> keras.Model:
    """A float finder (.keras), unchanged, at its own input side.

    Raises:
        ModelError: it cannot be read, is not a finder, or has another input side than `size`.
    """
    try:
        model = keras.models.load_model(path, compile=False)
        model.get_layer(finder.TRUNK)
    except (OSError, ValueError, BadZipFile) as error:
        raise ModelError(f"model {path}: {error}; expected a finder of `python -m training train finder`") from error
    if model.input_shape[1] != size:
        found = model.input_shape[1]
        raise ModelError(f"model {path}: its input is {found} px, expected {size}; see `python -m training resize`")
    return model


def from_bundle(path: Path, pictures: NDArray[np.uint8], alpha: float, channels: int) -> keras.Model:
    """The finder in a bundle as a Keras model with batch norm.

    Args:
        path: a bundle of task face, made by `python -m convert` from training.networks.finder.
        pictures: (N, S, S, 3); the statistics of the batch norms are measured on them.
        alpha, channels: those that the finder was built with.

    Raises:
        ModelError: it is not such a bundle.
    """
    folded = dequantized.layers(bundle.read(path, "face", any_pixels=True).flatbuffer)
    try:
        stem = len(folded[finder.STEM].bias)
        model = finder.build(pictures.shape[1], alpha, channels, stem=stem)
        for owner in (model, model.get_layer(finder.TRUNK)):
            dequantized.fill(owner, folded, norm_of)
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"model {path}: {error}; expected a finder of {alpha} width and {channels} channels"
        ) from error
    for owner, inputs in ((model.get_layer(finder.TRUNK), model.get_layer("scale")(pictures)), (model, pictures)):
        _unfold(owner, np.asarray(inputs))
    return model


def norm_of(convolution: str) -> str:
    """The batch norm behind a convolution without a bias."""
    if convolution == finder.STEM or convolution.startswith(("block_", "expanded_conv")):
        return dequantized.norm_of_mobilenet(convolution)
    return f"{convolution.removesuffix('_conv')}_bn"


def _unfold(owner: keras.Model, inputs: NDArray[np.float32]) -> None:
    """Give each batch norm of `owner` the statistics of its input, without changing its output."""
    norms = [layer for layer in owner.layers if isinstance(layer, keras.layers.BatchNormalization)]
    probe = keras.Model(owner.input, [norm.input for norm in norms])
    sums: list[list[NDArray[np.float64]]] = [[] for _ in norms]
    for start in range(0, len(inputs), 8):
        for index, seen in enumerate(probe.predict_on_batch(inputs[start : start + 8])):
            flat = np.asarray(seen, np.float64).reshape(-1, seen.shape[-1])
            sums[index].append(np.stack([flat.mean(axis=0), np.square(flat).mean(axis=0)]))
    for norm, seen in zip(norms, sums, strict=True):
        mean, square = np.mean(seen, axis=0)
        variance = np.maximum(square - mean**2, 0.0)
        _, beta, _, _ = norm.get_weights()
        gamma = np.sqrt(variance + norm.epsilon)
        norm.set_weights([np.asarray(values, np.float32) for values in (gamma, beta + mean, mean, variance)])
