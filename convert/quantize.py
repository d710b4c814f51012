"""Converts a Keras model with TensorFlow's converter: float32 for comparison, int8 for shipping, and those between.

The int8 model takes camera bytes: scaling is the network's first layer, so a calibration sample that spans 0 to 255
gives its input scale 1 and zero point 0. Outputs are int8 logits, because an int8 softmax would only have 256 steps. So
nothing in the graph is computed in float.
"""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize

from convert import packing, reproducible
from maskwatch.errors import ModelError
from maskwatch.flow import Image
from maskwatch.system.library_chatter import muted_stderr

BORDER = (
    "measured ranges may be rounded otherwise on another processor; for the same bytes everywhere try another --seed"
)


def load(path: Path) -> keras.Model:
    """Read a .keras file.

    Raises:
        ModelError: it is missing, or not a Keras model.
    """
    if not path.is_file():
        raise ModelError(f"model {path}: no such file; name a .keras made by `python -m training train`")
    if not zipfile.is_zipfile(path):
        raise ModelError(f"model {path}: not a .keras file, or cut short; train it again, or copy it again")
    try:
        return keras.saving.load_model(path, compile=False)
    except (KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"model {path}: Keras cannot load it ({reason}); train it again") from error


def to_float32(model: keras.Model) -> bytes:
    """The model unchanged, which size and verdicts are compared with."""
    return _made(_converter(model))


def to_float16(model: keras.Model) -> bytes:
    """Weights as float16, computed in float32."""
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return _made(converter)


def to_dynamic(model: keras.Model) -> bytes:
    """Weights in int8; activations stay float and are quantized when an operator runs."""
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return _made(converter)


def to_int8(model: keras.Model, calibration: Sequence[Image], keep_float: Sequence[str] = ()) -> bytes:
    """Quantize weights and activations to int8, and the input to uint8.

    Args:
        model: input (B, S, S, 3), 0–255.
        calibration: (S, S, 3) uint8 RGB each; their activations set the ranges.
        keep_float: parts of the names of tensors; the operators that make them stay in float.

    Returns:
        The flatbuffer. The same model and sample give the same bytes, also on another processor (see reproducible); if
        that is not sure, a line says so.
    """
    converter = _calibrated(model, calibration, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
    return _quantized(converter, keep_float)


def to_int16x8(model: keras.Model, calibration: Sequence[Image]) -> bytes:
    """Weights in int8, activations in int16: slower than int8, and almost as exact as float.

    Its bytes may depend on the processor.
    """
    int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter = _calibrated(model, calibration, int16)
    converter.inference_input_type = tf.int16
    converter.inference_output_type = tf.int16
    return _made(converter)


def _calibrated(model: keras.Model, calibration: Sequence[Image], operators: Any) -> Any:
    """A converter to integers, with one set of operators."""
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None].astype(np.float32)] for image in calibration)
    converter.target_spec.supported_ops = [operators]
    return converter


def _quantized(converter: Any, keep_float: Sequence[str]) -> bytes:
    """The converter's own two steps one by one: measure ranges, and quantize.

    Between them the ranges are rounded, and together they have no option for layers that stay in float.
    """
    converter._experimental_calibrate_only = True
    calibrated = _made(converter)
    if count := reproducible.near_border(calibrated):
        click.echo(f"convert: {count} {BORDER}", err=True)
    rounded = reproducible.round_ranges(calibrated)
    names = [tensor.name.decode() for tensor in packing.unpack(rounded).subgraphs[0].tensors]
    kept = [name for name in names if any(part in name for part in keep_float)]
    with muted_stderr():
        return bytes(mlir_quantize(rounded, input_data_type=tf.uint8, output_data_type=tf.int8, denylisted_nodes=kept))


def _converter(model: keras.Model) -> Any:
    """The converter, with the batch fixed at 1: the device judges one picture at a time, and XNNPACK plans memory for
    it.

    The wrapper has a fixed name: Keras would number it otherwise, and the tensor names in the file would change.
    """
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    inference = reproducible.without_norms(model)
    wrapper = keras.Model(image, inference(image, training=False), name="bytes_in")
    return tf.lite.TFLiteConverter.from_keras_model(wrapper)


def _made(converter: Any) -> bytes:
    """The flatbuffer, without what Keras and TensorFlow write meanwhile: every variable, and a warning for int8 inputs.

    What fails raises an exception.
    """
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), muted_stderr():
        warnings.simplefilter("ignore")
        return bytes(converter.convert())
