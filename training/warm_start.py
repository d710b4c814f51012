"""A finder that goes on from one that ships: its int8 weights as floats, in a network that can learn.

A bundle holds convolutions into which batch norm is folded. Their weights are dequantized. Each batch norm gets the
mean and variance that its input has on pictures, and the scale and offset that undo them: the network answers as
before, and its batch norm is as it would be after training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch import bundle
from maskwatch.errors import ModelError
from maskwatch.runtime import open_interpreter
from training.networks import finder

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
SUFFIX = "_1"  # what the converter adds to the name of each layer


@dataclass(frozen=True, slots=True)
class Folded:
    """One convolution of a bundle."""

    layer: str  # name of the convolution in Keras
    kernel: NDArray[
        np.float32
    ]  # as TFLite stores it: (outputs, height, width, inputs), depthwise (1, height, width, channels)
    bias: NDArray[np.float32]


def from_bundle(path: Path, pictures: NDArray[np.uint8], alpha: float, channels: int) -> keras.Model:
    """The finder in a bundle as a Keras model with batch norm.

    Args:
        path: a bundle of task face, made by `python -m convert` from training.networks.finder.
        pictures: (N, S, S, 3) that tell the statistics of the batch norms.
        alpha, channels: what the finder was built with.

    Raises:
        ModelError: it is no such bundle.
    """
    folded = {each.layer: each for each in convolutions(bundle.read(path, "face").flatbuffer)}
    try:
        stem = len(folded[finder.STEM].bias)
        model = finder.build(pictures.shape[1], alpha, channels, stem=stem)
        for owner in (model, model.get_layer(finder.TRUNK)):
            for layer in owner.layers:
                if layer.name in folded:
                    _set(owner, layer, folded[layer.name])
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"model {path}: {error}; expected a finder of {alpha} width and {channels} channels"
        ) from error
    for owner, inputs in ((model.get_layer(finder.TRUNK), model.get_layer("scale")(pictures)), (model, pictures)):
        _unfold(owner, np.asarray(inputs))
    return model


def convolutions(flatbuffer: bytes) -> Iterator[Folded]:
    """Every convolution of a model, as floats."""
    interpreter = open_interpreter(flatbuffer, 1, "the bundle")
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in CONVOLUTIONS:
            _, kernel, bias = (tensors[int(index)] for index in operator["inputs"])
            yield Folded(
                _layer(kernel["name"]),
                _dequantized(interpreter.get_tensor(kernel["index"]), kernel),
                _dequantized(interpreter.get_tensor(bias["index"]), bias),
            )


def _layer(tensor: str) -> str:
    """`a_1/finder_1/trunk_1/block_1_expand_1/convolution;…` -> block_1_expand.

    The tensor of a depthwise convolution has the name of the batch norm behind it.
    """
    parts = [part.removesuffix(SUFFIX) for part in tensor.partition(";")[0].split("/")]
    name = next(part for part in reversed(parts[:-1]) if part != "batchnorm")
    return name.removesuffix("_BN").removesuffix("_bn")


def _dequantized(values: NDArray[np.generic], tensor: dict) -> NDArray[np.float32]:
    said = tensor["quantization_parameters"]
    if not len(said["scales"]):
        return np.asarray(values, np.float32)
    shape = [1] * values.ndim
    if len(said["scales"]) > 1:
        shape[said["quantized_dimension"]] = -1
    zero, scale = said["zero_points"].reshape(shape), said["scales"].reshape(shape)
    return ((values.astype(np.float64) - zero) * scale).astype(np.float32)


def _set(owner: keras.Model, layer: keras.Layer, folded: Folded) -> None:
    """The convolution's weights; its bias goes into the batch norm behind it, where there is one."""
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    kernel = folded.kernel.transpose(1, 2, 3, 0)
    if layer.use_bias:
        layer.set_weights([kernel, folded.bias])
        return
    layer.set_weights([kernel if not depthwise else kernel.reshape(layer.kernel.shape)])
    norm = owner.get_layer(norm_of(layer.name))
    ones = np.ones_like(folded.bias)
    norm.set_weights([ones, folded.bias, 0 * ones, ones - norm.epsilon])


def norm_of(convolution: str) -> str:
    """The batch norm behind a convolution without a bias."""
    if convolution == finder.STEM:
        return f"bn_{finder.STEM}"
    if convolution.startswith(("block_", "expanded_conv")):
        return f"{convolution}_BN"
    return f"{convolution.removesuffix('_conv')}_bn"


def _unfold(owner: keras.Model, inputs: NDArray[np.float32]) -> None:
    """Give each batch norm of `owner` the statistics of what comes in, without changing what goes out."""
    norms = [layer for layer in owner.layers if isinstance(layer, keras.layers.BatchNormalization)]
    look = keras.Model(owner.input, [norm.input for norm in norms])
    sums: list[list[NDArray[np.float64]]] = [[] for _ in norms]
    for start in range(0, len(inputs), 8):
        for place, seen in enumerate(look.predict_on_batch(inputs[start : start + 8])):
            flat = np.asarray(seen, np.float64).reshape(-1, seen.shape[-1])
            sums[place].append(np.stack([flat.mean(axis=0), np.square(flat).mean(axis=0)]))
    for norm, seen in zip(norms, sums, strict=True):
        mean, square = np.mean(seen, axis=0)
        variance = np.maximum(square - mean**2, 0.0)
        _, beta, _, _ = norm.get_weights()
        gamma = np.sqrt(variance + norm.epsilon)
        norm.set_weights([np.asarray(each, np.float32) for each in (gamma, beta + mean, mean, variance)])
