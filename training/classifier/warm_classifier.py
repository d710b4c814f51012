"""A mask classifier that goes on from another: from a float one, or from the int8 weights of one that ships.

Its batch norm stays in inference mode, as in every training of it (see networks.mobilenet_v2): nothing has to be
measured.
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
        ModelError: it cannot be read, or is another network.
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
        size: side of the input, pixels; it may be another than the bundle's.
        alpha: width of its base.

    Raises:
        ModelError: it is no such bundle.
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
