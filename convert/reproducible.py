"""What makes a conversion give the same bytes on every processor.

TensorFlow computes with the widest instructions that a processor has, so the last bits of its results differ between
processors. Two of its results get into an int8 file: the factors by which batch norms change the weights, and the
ranges of activations. The factors are computed here instead, in float64. The ranges are rounded away from zero, so that
their last bits do not count, except near a border between two steps: `near_border` counts such ranges.

int16x8 is not covered: its converter has no step between measuring the ranges and using them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert import packing

RANGE_BITS = 8  # of a range's 24 significant bits: at most 0.8 % more than measured. 255, the input's, fits exactly
SLACK = 1e-5  # of a range. Many end near 1, 6 or 255; with slack, slightly more is still rounded to them everywhere
LAST_BITS = 2e-6  # of a range. The largest difference seen between an AMD EPYC and an Intel Xeon was 1.4e-6


class ScaleShift(keras.layers.Layer):
    """A batch norm at inference, with its four vectors made into two: output = input · scale + shift."""

    def __init__(self, norm: keras.layers.BatchNormalization) -> None:
        super().__init__(name=norm.name, dtype="float32")
        self.axis = norm.axis
        self.scale, self.shift = scale_shift(norm)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Any shape whose axis `axis` has one entry for each number of the vectors.

        `training` and `mask` are what a batch norm is called with; neither counts here.
        """
        del training, mask
        shape = [1] * len(inputs.shape)
        shape[self.axis] = -1
        # The names of a batch norm's own operations, which are in every bundle: tensors are found by them.
        with tf.name_scope("batchnorm"):
            scale = tf.constant(self.scale.reshape(shape), name="mul")
            shift = tf.constant(self.shift.reshape(shape), name="sub")
            return tf.add(tf.multiply(inputs, scale, name="mul_1"), shift, name="add_1")


def scale_shift(norm: keras.layers.BatchNormalization) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The two vectors of a batch norm, (C,) each.

    They are computed in float64, in which every processor rounds a square root alike. TensorFlow's reciprocal square
    root in float32 is quicker, and not rounded alike.
    """
    mean, variance = (_exact(each) for each in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * _exact(norm.gamma)
    shift = -mean * scale
    if norm.center:
        shift = shift + _exact(norm.beta)
    return scale.astype(np.float32), shift.astype(np.float32)


def _exact(variable: Any) -> NDArray[np.float64]:
    return keras.ops.convert_to_numpy(variable).astype(np.float64)


def without_norms(model: keras.Model) -> keras.Model:
    """The same layers, except that each batch norm is a ScaleShift of its name; for inference alone.

    Raises:
        ValueError: the model is not made of layers and their connections, but of own code; Keras cannot copy it.
    """
    return keras.models.clone_model(model, clone_function=_inference, recursive=True)


def _inference(layer: keras.Layer) -> keras.Layer:
    return ScaleShift(layer) if isinstance(layer, keras.layers.BatchNormalization) else layer


def round_ranges(calibrated: bytes) -> bytes:
    """A calibrated model, before it is quantized, with every tensor's measured range rounded away from zero."""
    model = packing.unpack(calibrated)
    for measured in _measured(model):
        measured.min, measured.max = away_from_zero(measured.min), away_from_zero(measured.max)
    return packing.pack(model)


def near_border(calibrated: bytes) -> int:
    """How many limits of ranges another processor might round to another step."""
    count = 0
    for measured in _measured(packing.unpack(calibrated)):
        limits = np.array([*measured.min, *measured.max], np.float64)
        error = LAST_BITS * np.abs(limits).max()
        limits = limits[limits != 0]  # the zero of a ReLU is exact everywhere
        count += int((away_from_zero(limits - error) != away_from_zero(limits + error)).sum())
    return count


def _measured(model: Any) -> Iterator[Any]:
    """The quantization of every tensor whose range was measured."""
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            said = tensor.quantization
            if said is not None and said.min is not None and said.max is not None:
                yield said


def away_from_zero(values: Any) -> NDArray[np.float32]:
    """Float32 numbers with RANGE_BITS significant bits; each at most SLACK nearer to zero than the given number."""
    fractions, exponents = np.frexp(np.asarray(values, np.float64) * (1 - SLACK))
    steps = np.copysign(np.ceil(np.abs(fractions) * 2**RANGE_BITS), fractions)
    return np.ldexp(steps / 2**RANGE_BITS, exponents).astype(np.float32)
