"""The differences between the classifiers: how each is built, and which layers are trained when, at which rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import keras

from training.classifier import warm_classifier
from training.networks import alexnet, cnn, mobilenet_v2
from training.runs.knobs import AlexNet, FineTuning, Knobs, PlainCnn

AnyKnobs = TypeVar("AnyKnobs", bound=Knobs)


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the training with its own layers and learning rate."""

    name: str
    frozen: str | None  # layers of the base up to this one are frozen; None: the whole base. Unused without a base
    epochs: int
    rate: float
    unaugmented_share: float = 0.0  # share of the views that are not augmented


def everything(model: keras.Model, last: str | None) -> None:
    """Freeze nothing: a network from random weights has no base to preserve."""


@dataclass(frozen=True, slots=True)
class Recipe(Generic[AnyKnobs]):
    """What is specific to one network; the rest, in train_classifier, is the same for all."""

    name: str
    build: Callable[[AnyKnobs], keras.Model]  # (B, size, size, 3) bytes -> (B, 3) logits
    phases: Callable[[AnyKnobs], tuple[Phase, ...]]
    freeze: Callable[[keras.Model, str | None], None] = everything  # for a phase, with Phase.frozen
    start: Path | None = None  # the model that the training continues from


def fine_tuning(knobs: FineTuning) -> tuple[Phase, ...]:
    """The head alone, then with the last blocks, then all but the first blocks; finally a phase to settle.

    The last phase shows faces as the device sees them, as YOLOX ends without mosaic (Ge et al. 2021, arXiv 2107.08430).
    It was not compared with the same number of augmented epochs.
    """
    return (
        Phase("head", None, 1, 1e-3),
        Phase("last-blocks", "block_12_add", 2, knobs.rate),
        Phase("all", knobs.frozen, knobs.epochs, knobs.rate),
        Phase("settling", knobs.frozen, knobs.settling, knobs.rate / 4, knobs.plain),
    )


def from_scratch(knobs: Knobs) -> tuple[Phase, ...]:
    """One phase: all layers at once, from random weights."""
    return (Phase("scratch", None, knobs.epochs, knobs.rate, knobs.plain),)


def going_on(knobs: FineTuning) -> tuple[Phase, ...]:
    """The last two of the phases above: the head is trained already."""
    return fine_tuning(knobs)[2:]


def of_mobilenet_v2(weights: str | None, start: Path | None = None) -> Recipe[FineTuning]:
    """The study's winner.

    Args:
        weights: a Keras weights file of the base without top, "imagenet", or None for random.
        start: a float model (.keras) or a bundle of this network to continue from, instead of weights.
    """

    def build(knobs: FineTuning) -> keras.Model:
        if start is None:
            return mobilenet_v2.build(knobs.size, knobs.alpha, weights)
        warm = warm_classifier.from_model if start.suffix == ".keras" else warm_classifier.from_bundle
        return warm(start, knobs.size, knobs.alpha)

    return Recipe("mobilenet_v2", build, going_on if start else fine_tuning, mobilenet_v2.freeze, start)


CNN: Recipe[PlainCnn] = Recipe("cnn", lambda knobs: cnn.build(knobs.size, knobs.depth), from_scratch)
ALEXNET: Recipe[AlexNet] = Recipe("alexnet", lambda knobs: alexnet.build(knobs.size), from_scratch)
