"""A Keras model as TFLite: float32, to compare with, and full-integer int8, to ship.

The int8 model eats camera bytes: scaling is the network's first layer, so a calibration sample that spans 0 to 255
gives its input scale 1 and zero point 0. Outputs are int8 too (logits: softmax in int8 would leave 256 steps of
probability), so nothing in the graph is computed in float.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from maskwatch.errors import ModelError
from maskwatch.flow import Image


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
    """The model as it is, the yardstick for size."""
    return bytes(_converter(model).convert())


def to_int8(model: keras.Model, calibration: Sequence[Image]) -> bytes:
    """Quantise weights and activations to int8, the input to uint8.

    Args:
        model: input (B, S, S, 3), 0–255.
        calibration: (S, S, 3) uint8 RGB each; their activations set the ranges.

    Returns:
        The flatbuffer. The same model and sample give the same bytes.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None].astype(np.float32)] for image in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _converter(model: keras.Model) -> Any:
    """Batch fixed at 1: the device sees one picture at a time, and XNNPACK plans its memory for fixed shapes.

    The wrapper has a name of its own: Keras would count one up, and the tensor names in the file with it.
    """
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    wrapper = keras.Model(image, model(image, training=False), name="bytes_in")
    return tf.lite.TFLiteConverter.from_keras_model(wrapper)
