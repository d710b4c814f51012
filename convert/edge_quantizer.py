"""int8 by Google's ai-edge-quantizer, from the float32 .tflite instead of the Keras model."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from convert import reproducible
from maskwatch.errors import ConfigError
from maskwatch.flow import Image
from maskwatch.vision.runtime import open_interpreter

THREADS = 2


def to_int8(float32: bytes, calibration: Sequence[Image], keep_float: Sequence[str] = ()) -> bytes:
    """Quantise weights, by channel, and activations to int8.

    Args:
        float32: the float .tflite.
        calibration: (S, S, 3) uint8 RGB each; a moving average of their activations' extremes sets the ranges.
        keep_float: parts of tensor names; the operators that compute these tensors stay in float.

    Returns:
        The flatbuffer, its input int8.

    Raises:
        ConfigError: ai-edge-quantizer is not installed.
    """
    try:
        from ai_edge_quantizer import quantizer
    except ImportError as error:
        raise ConfigError(f"back end ai-edge-quantizer: {error}; pip install ai-edge-quantizer") from error
    signature, image = _signature(float32)
    work = quantizer.Quantizer(bytearray(float32), _recipe(keep_float))
    # Its progress bars and sizes
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        ranges = work.calibrate(
            {signature: [{image: picture[None].astype(np.float32)} for picture in calibration]}, num_threads=THREADS
        )
        _whole_input(float32, ranges)
        for measured in ranges.values():
            for end in ("min", "max"):
                measured[end] = reproducible.away_from_zero(measured[end])
        return bytes(work.quantize(ranges).quantized_model)


def _recipe(keep_float: Sequence[str]) -> Any:
    from ai_edge_quantizer import algorithm_manager, qtyping, recipe_manager

    everything = qtyping.TFLOperationName.ALL_SUPPORTED
    recipe = recipe_manager.RecipeManager()
    recipe.add_static_config(regex=".*", operation_name=everything, activation_num_bits=8, weight_num_bits=8)
    for part in keep_float:
        recipe.add_quantization_config(
            regex=f".*{re.escape(part)}.*",
            operation_name=everything,
            algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
        )
    return recipe.get_quantization_recipe()


def _whole_input(float32: bytes, ranges: dict[str, Any]) -> None:
    """Set the input's range to 255: the moving average of the brightest pixels is lower, and would clip them."""
    (entry,) = open_interpreter(float32, 1, "the float32 .tflite").get_input_details()
    for end, value in (("min", 0.0), ("max", 255.0)):
        ranges[entry["name"]][end] = np.full_like(ranges[entry["name"]][end], value)


def _signature(float32: bytes) -> tuple[str, str]:
    """(name of the signature, name of its only input)."""
    signatures = open_interpreter(float32, 1, "the float32 .tflite").get_signature_list()
    name, signature = next(iter(signatures.items()))
    return name, signature["inputs"][0]
