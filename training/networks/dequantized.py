"""The weights of an int8 bundle as floats, layer by layer, so that a training can continue from a shipped model.

A bundle holds convolutions, with batch norm folded into them, and dense layers. `fill` puts them into the Keras network
that they were converted from; a batch norm behind a convolution then adds the bias and does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.vision.runtime import open_interpreter

WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
SUFFIX = "_1"  # what the converter adds to the name of each layer


@dataclass(frozen=True, slots=True)
class Folded:
    """One convolution or dense layer of a bundle."""

    layer: str  # its name in Keras
    kernel: NDArray[np.float32]  # TFLite's: (outputs, height, width, inputs), depthwise (1, height, width, channels)
    bias: NDArray[np.float32]


def layers(flatbuffer: bytes) -> dict[str, Folded]:
    """Every convolution and dense layer of a model, as floats, by its name in Keras."""
    return {each.layer: each for each in _layers(flatbuffer)}


def _layers(flatbuffer: bytes) -> Iterator[Folded]:
    interpreter = open_interpreter(flatbuffer, 1, "the bundle")
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in WITH_WEIGHTS:
            kernel, bias = (tensors.get(int(index)) for index in operator["inputs"][1:3])
            assert kernel is not None
            weights = _dequantized(interpreter.get_tensor(kernel["index"]), kernel)
            outputs = weights.shape[-1 if operator["op_name"] == "DEPTHWISE_CONV_2D" else 0]
            yield Folded(
                _layer(kernel["name"]),
                weights,
                # The converter leaves out a bias that is all zeros.
                _dequantized(interpreter.get_tensor(bias["index"]), bias) if bias else np.zeros(outputs, np.float32),
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


def fill(owner: keras.Model, folded: dict[str, Folded], norm_of: Callable[[str], str]) -> None:
    """Set the weights of the layers of `owner`; layers that the bundle does not name keep theirs.

    Args:
        owner: a network, or one inside it.
        folded: see `layers`.
        norm_of: name of a convolution without a bias -> name of the batch norm after it, which gets the bias.

    Raises:
        ValueError: a layer has another shape.
    """
    for layer in owner.layers:
        if layer.name in folded:
            _set(owner, layer, folded[layer.name], norm_of)


def _set(owner: keras.Model, layer: keras.Layer, folded: Folded, norm_of: Callable[[str], str]) -> None:
    if isinstance(layer, keras.layers.Dense):
        layer.set_weights([folded.kernel.T, folded.bias])
        return
    kernel = folded.kernel.transpose(1, 2, 3, 0)
    if layer.use_bias:
        layer.set_weights([kernel, folded.bias])
        return
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    layer.set_weights([kernel if not depthwise else kernel.reshape(layer.kernel.shape)])
    norm = owner.get_layer(norm_of(layer.name))
    ones = np.ones_like(folded.bias)
    norm.set_weights([ones, folded.bias, 0 * ones, ones - norm.epsilon])


def norm_of_mobilenet(convolution: str) -> str:
    """The batch norm behind a convolution of keras.applications.MobileNetV2."""
    if convolution == "Conv1":
        return f"bn_{convolution}"
    return f"{convolution}_bn" if convolution == "Conv_1" else f"{convolution}_BN"
