"""A mask classifier that continues from another one: a float model, or the int8 weights of a shipped bundle.

Batch norm stays in inference mode, as always in its training (see networks.mobilenet_v2): no statistics are measured.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import keras

from maskwatch.errors import ModelError
from maskwatch.vision import bundle
from training.networks import dequantized, mobilenet_v2


def from_model(path: Path, size: int, alpha: float) -> keras.Model:
    """A float MobileNetV2 (.keras) of `python -m training train mobilenet_v2`.

    Raises:
        ModelError: it cannot be read, or is a different network.
    """
    try:
        kept = keras.models.load_model(path, compile=False)
        model = mobilenet_v2.build(
            size, alpha, None, dense=kept.get_layer("hidden").units, classes=kept.get_layer("logits").units
        )
        model.set_weights(kept.get_weights())
    except (OSError, ValueError, BadZipFile) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"model {path}: {reason}; expected a mobilenet_v2 of {alpha} width") from error
    return model


def from_bundle(path: Path, size: int, alpha: float) -> keras.Model:
    """The MobileNetV2 in a bundle as a Keras model.

    Args:
        path: a bundle of task mask, made by `python -m convert` from training.networks.mobilenet_v2.
        size: side of the input, pixels; it may differ from the bundle's.
        alpha: width of its base.

    Raises:
        ModelError: the file is not such a bundle.
    """
    folded = dequantized.layers(bundle.read(path, "mask", any_pixels=True).flatbuffer)
    try:
        model = mobilenet_v2.build(
            size, alpha, None, dense=len(folded["hidden"].bias), classes=len(folded["logits"].bias)
        )
        owners = (model, model.get_layer(mobilenet_v2.BASE))
        named = {layer.name for owner in owners for layer in owner.layers}
        if unknown := set(folded) - named:
            raise ValueError(f"layer {min(unknown)}")
        for owner in owners:
            dequantized.fill(owner, folded, dequantized.norm_of_mobilenet)
    except (KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"model {path}: {reason}; expected a mobilenet_v2 of {alpha} width") from error
    return model
