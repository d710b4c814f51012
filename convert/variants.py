"""Makes one network in every variant that a recipe asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras

from convert import edge_quantizer, ends, packing, quantize
from convert.recipe import REFERENCE, Recipe, Variant
from maskwatch.flow import Image
from training.runs.progress import track

Maker = Callable[[keras.Model, Sequence[Image], Recipe, str], Mapping[Variant, bytes]]


def make(network: keras.Model, calibration: Sequence[Image], recipe: Recipe, task: str) -> dict[Variant, bytes]:
    """Every variant of the recipe, and always float32.

    Args:
        network: input (B, S, S, 3), 0–255.
        calibration: (S, S, 3) uint8 RGB each.
        recipe: see Recipe.
        task: mask, face or scene. A mask model gives uint8, for readers without int8 such as MediaPipe; a finder's
            scores have fine steps.
    """
    float32 = quantize.to_float32(network)
    makers: dict[Variant, Callable[[], bytes]] = {
        "float16": lambda: quantize.to_float16(network),
        "dynamic": lambda: quantize.to_dynamic(network),
        "int8": lambda: _int8(network, float32, calibration, recipe, task),
        "int16x8": lambda: quantize.to_int16x8(network, calibration),
    }
    asked = [variant for variant in recipe.variants if variant != REFERENCE]
    made = {variant: makers[variant]() for variant in track(asked, "Converting")}
    return {REFERENCE: float32, **{variant: packing.packed(flatbuffer) for variant, flatbuffer in made.items()}}


def _int8(network: keras.Model, float32: bytes, calibration: Sequence[Image], recipe: Recipe, task: str) -> bytes:
    if recipe.back_end == "tensorflow":
        made = quantize.to_int8(network, calibration, recipe.keep_float)
    else:
        made = edge_quantizer.to_int8(float32, calibration, recipe.keep_float)
    if task == "face":
        made = ends.fine_scores(made)
    return ends.unsigned(made, output=task == "mask")
