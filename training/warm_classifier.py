"""A mask classifier that goes on from one that ships: its int8 weights as floats, in a network that can learn.

Its batch norm stays in inference mode, as in every training of it (see networks.mobilenet_v2): nothing has to be
measured.
"""

from __future__ import annotations

from pathlib import Path

import keras

from maskwatch import bundle
from maskwatch.errors import ModelError
from training import dequantized
from training.networks import mobilenet_v2


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
