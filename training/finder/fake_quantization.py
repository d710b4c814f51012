"""A finder that rounds its activations while it is trained, as its int8 form rounds them on a device.

Quantization-aware training (Jacob et al. 2018, arXiv 1712.05877) of the activations alone: weights are rounded for each
channel, which costs a finder little. The outputs are not rounded either, because the converter gives them fine steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

STEPS = 255  # between the lowest and the highest value of a byte
BATCH = 8  # pictures at once, when ranges are measured
CONVOLVED = (layers.ReLU, layers.BatchNormalization)  # the ends of convolutions
ROUNDED = (*CONVOLVED, layers.Add, layers.UpSampling2D)  # the operators on a device

Ranges = Mapping[str, tuple[float, float]]  # a layer's name -> the lowest and the highest value of its output


class Rounded(layers.Layer):
    """Clips to a range that has 0 in it, and rounds to one of 256 equal steps. The gradient passes through unchanged
    inside the range, and is zero outside (straight-through estimator, Bengio et al. 2013, arXiv 1308.3432)."""

    def __init__(self, low: float, high: float, **options: Any) -> None:
        super().__init__(**options)
        self.step = max(high - low, 1e-6) / STEPS
        self.low = round(low / self.step) * self.step  # the zero point is a whole number, so that 0 stays exact
        self.high = self.low + STEPS * self.step

    def call(self, values: keras.KerasTensor) -> keras.KerasTensor:
        """Values of any shape -> the same shape."""
        inside = ops.clip(values, self.low, self.high)
        return inside + ops.stop_gradient(ops.round(inside / self.step) * self.step - inside)


def rounded(model: keras.Model, ranges: Ranges) -> keras.Model:
    """The finder with its activations rounded. It shares the layers: training it changes the weights of `model`."""

    def call(layer: layers.Layer, *inputs: Any, **options: Any) -> Any:
        if isinstance(layer, keras.Model):
            return wrapped(layer)(*inputs)
        output = layer(*inputs, **options)
        return Rounded(*ranges[layer.name], name=f"{layer.name}_rounded")(output) if layer.name in ranges else output

    def wrapped(owner: keras.Model) -> keras.Model:
        return keras.models.clone_model(owner, clone_function=lambda layer: layer, call_function=call)

    return wrapped(model)


def ranges(model: keras.Model, pictures: NDArray[np.uint8]) -> dict[str, tuple[float, float]]:
    """The range of every activation that a device rounds, over (N, S, S, 3) pictures."""
    found: dict[str, tuple[float, float]] = {}
    trunks = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    probes = [*(_probe(trunk, model.get_layer("scale")) for trunk in trunks), _probe(model, lambda images: images)]
    for start in range(0, len(pictures), BATCH):
        for probe in probes:
            for name, seen in probe(pictures[start : start + BATCH]).items():
                found[name] = _widest(found.get(name, (0.0, 0.0)), (float(seen.min()), float(seen.max())))
    for owner in (*trunks, model):
        for layer in owner.layers:
            if isinstance(layer, layers.Add):  # the converter gives the convolution before it the range of the sum
                makers = [operand._keras_history.operation for operand in layer.input]
                name = [maker.name for maker in makers if isinstance(maker, CONVOLVED)][-1]
                found[name] = _widest(found[name], found[layer.name])
    return found


def _widest(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return min(one[0], other[0]), max(one[1], other[1])


def _probe(owner: keras.Model, prepare: Callable[[Any], Any]) -> Callable[[NDArray[np.uint8]], dict[str, Any]]:
    """Pictures -> the outputs of the layers that a device rounds. A batch norm with a ReLU behind it is one operator
    with it, and is not rounded on its own."""
    activated = {id(layer.input) for layer in owner.layers if isinstance(layer, layers.ReLU)}
    found = [layer for layer in owner.layers if isinstance(layer, ROUNDED) and id(layer.output) not in activated]
    answers = keras.Model(owner.input, {layer.name: layer.output for layer in found})
    return lambda pictures: {name: np.asarray(seen) for name, seen in answers(prepare(pictures)).items()}


@contextmanager
def fixed_statistics(model: keras.Model) -> Iterator[None]:
    """The batch norms use their moving averages meanwhile, as a device does, and are not trained."""
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    before = [norm.trainable for norm in norms]
    for norm in norms:
        norm.trainable = False
    try:
        yield
    finally:
        for norm, trainable in zip(norms, before, strict=True):
            norm.trainable = trainable
