"""Tries on photographs what the user did not say about a model: scaling, order of channels, order of labels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convert.foreign.declared import Labels
from convert.foreign.pixels import Pixels
from convert.foreign.source import Source
from convert.samples import Example, Shelf, alternating
from maskwatch.errors import ModelError
from maskwatch.flow import Label
from maskwatch.vision.classifier import bare_share
from training.pictures import data

MOST = 60  # photographs of each class
FITS = 0.9  # share of right verdicts that is needed, as for the gate `accuracy`
ALIKE = 0.02  # share of right verdicts; a way this much worse counts as equally good
SURE = 1e-6  # 0–1: shares are kept this far from 0 and 1, whose logarithm is infinite


@dataclass(frozen=True, slots=True)
class Tried:
    """One possibility, and its result."""

    pixels: Pixels
    labels: Labels
    right: float  # share of right verdicts, mean of both classes
    loss: float  # mean cross-entropy

    def __str__(self) -> str:
        return f"--pixels {self.pixels.scaled} --channels {self.pixels.channels} --labels {','.join(self.labels)}"


def choose(
    found: Source, ways: Sequence[Pixels], orders: Sequence[Labels], photographs: Sequence[Example]
) -> list[Tried]:
    """Every possibility with its result on the photographs, the best first."""
    tried = [each for pixels in ways for each in _orders(found, pixels, orders, photographs)]
    return sorted(tried, key=lambda each: (-each.right, each.loss))


def _orders(found: Source, pixels: Pixels, orders: Sequence[Labels], photographs: Sequence[Example]) -> list[Tried]:
    answers = np.array([found.answer(each.image, pixels) for each in photographs], np.float32)
    bare = np.array([data.LABELS[each.label] == Label.WITHOUT_MASK for each in photographs])
    weights = np.where(bare, 1 / max(1, bare.sum()), 1 / max(1, (~bare).sum())) / 2
    tried = []
    for labels in orders:
        share = bare_share(answers, labels, found.temperature)
        true = np.where(bare, share, 1 - share).clip(SURE)
        right = float((weights * ((share >= 0.5) == bare)).sum())
        tried.append(Tried(pixels, labels, right, float(-(weights * np.log(true)).sum())))
    return tried


def require_fit(tried: Sequence[Tried], photographs: int, name: str) -> Tried:
    """The best possibility.

    Raises:
        ModelError: even the best is wrong too often, so another assumption is wrong.
    """
    best = tried[0]
    if not best.right >= FITS:
        raise ModelError(
            f"model {name}: of {len(tried)} ways to feed and read it, the best ({best}) has {best.right:.0%} of "
            f"{photographs} photographs right, expected {FITS:.0%}; is --margin that of the crops it learnt from?"
        )
    return best


def alike(tried: Sequence[Tried], name: str) -> list[Tried]:
    """The possibilities that are as good as the best on these photographs.

    Raises:
        ModelError: one of them has another order of labels, so the choice would be a guess.
    """
    found = [each for each in tried[1:] if each.right >= tried[0].right - ALIKE]
    if other := next((each for each in found if each.labels != tried[0].labels), None):
        raise ModelError(
            f"model {name}: these photographs fit {tried[0]} and {other} alike; say --labels or --channels"
        )
    return found


def sample(shelf: Shelf) -> list[Example]:
    """Some validation photographs of each class, with the views in turn."""
    rng = np.random.default_rng(0)
    found: list[Example] = []
    for label in range(len(data.LABELS)):
        queue = alternating([each for each in shelf.validation if each.label == label], rng)
        found += itertools.islice(shelf.read(queue), MOST)
    return found
