"""Removes stem channels that a finder hardly uses: the first layers work at the finest scale and take the most time.

With ImageNet's weights, 5 of the 16 stem channels of a MobileNetV2 of width 0.35 are silent, and most others are
redundant. Channels are removed one by one, always the one whose loss the next projection can best compensate; the
projection's weights are then fitted again by least squares (He et al. 2017, arXiv 1707.06168). Nothing is trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from training.networks import finder

# In order: the layers that make the channels, and the layer that reads them.
DEPTHWISE, PROJECTION = "expanded_conv_depthwise", "expanded_conv_project"
STEM_NORM, DEPTHWISE_NORM, PROJECTION_NORM = "bn_Conv1", f"{DEPTHWISE}_BN", f"{PROJECTION}_BN"
CELLS = 200_000  # cells of the feature map that the fit uses
SEED = 0  # of the choice of those cells

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """The channels that stay, and the projection's weights for them."""

    kept: tuple[int, ...]
    kernel: Matrix  # (kept, outputs)
    constant: Matrix  # (outputs,), the mean contribution of the removed channels
    lost: float  # share of the projection's variance, 0-1


def slim(
    model: keras.Model, stem: int, pictures: NDArray[np.uint8], alpha: float, channels: int
) -> tuple[keras.Model, float]:
    """The finder with `stem` channels in its first layers.

    Args:
        model: a finder.
        stem: channels to keep.
        pictures: (N, S, S, 3) uint8 RGB, like those that it will process.
        alpha, channels: those that the finder was built with.

    Returns:
        A new model, and the share of the variance that the projection after the stem lost, 0-1.
    """
    trunk = model.get_layer(finder.TRUNK)
    fit = _fit(trunk, stem, model.get_layer("scale")(pictures))
    slimmed = finder.build(pictures.shape[1], alpha, channels, stem=stem)
    for old, new in ((model, slimmed), (trunk, slimmed.get_layer(finder.TRUNK))):
        for layer in old.layers:
            if layer.weights and layer.name != finder.TRUNK:
                new.get_layer(layer.name).set_weights(_kept(layer, fit))
    return slimmed, fit.lost


def _fit(trunk: keras.Model, stem: int, scaled: keras.KerasTensor) -> Fit:
    """Remove channels until `stem` are left."""
    layers = [f"{DEPTHWISE}_relu", PROJECTION]
    probe = keras.Model(trunk.input, [trunk.get_layer(name).output for name in layers])
    channels, outputs = (
        np.asarray(a, np.float64).reshape(-1, a.shape[-1]) for a in probe.predict(scaled, 8, verbose=0)
    )
    cells = np.random.default_rng(SEED).permutation(len(channels))[:CELLS]
    inputs = np.concatenate([channels[cells], np.ones((len(cells), 1))], axis=1)
    targets = outputs[cells]
    norm = trunk.get_layer(PROJECTION_NORM)
    # Weight of the squares of each output
    importance = np.square(norm.gamma) / (np.asarray(norm.moving_variance) + norm.epsilon)
    squares, products = inputs.T @ inputs, inputs.T @ targets

    def explained(channels: list[int]) -> float:
        """Sum of squares of the outputs that these channels and a constant explain."""
        rows = [*channels, len(squares) - 1]
        return float((_least_squares(squares, products, rows) * products[rows] @ importance).sum())

    kept = list(range(len(squares) - 1))
    while len(kept) > stem:
        kept.remove(max(kept, key=lambda channel: explained([other for other in kept if other != channel])))
    rows = [*kept, len(squares) - 1]
    weights = _least_squares(squares, products, rows)
    residual = np.square(targets - inputs[:, rows] @ weights).mean(axis=0)
    return Fit(
        tuple(kept), weights[:-1], weights[-1], float(residual @ importance / (targets.var(axis=0) @ importance))
    )


def _least_squares(squares: Matrix, products: Matrix, rows: list[int]) -> Matrix:
    """(rows, outputs) the weights of these rows of the normal equations."""
    return np.asarray(np.linalg.lstsq(squares[np.ix_(rows, rows)], products[rows], rcond=None)[0])


def _kept(layer: keras.Layer, fit: Fit) -> list[NDArray[np.float32]]:
    """The layer's weights in the slimmed model."""
    weights = layer.get_weights()
    kept = list(fit.kept)
    if layer.name in (finder.STEM, STEM_NORM, DEPTHWISE_NORM):
        return [weight[..., kept] for weight in weights]
    if layer.name == DEPTHWISE:
        return [weight[:, :, kept] for weight in weights]
    if layer.name == PROJECTION:
        return [fit.kernel[None, None].astype(np.float32)]
    if layer.name == PROJECTION_NORM:
        gamma, beta, mean, variance = weights
        return [gamma, beta, mean - fit.constant.astype(np.float32), variance]
    return weights
