"""Whether nine of ten verdicts with a confidence of 0.9 are right; and what a threshold costs a site, in people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from maskwatch.flow import Label
from maskwatch.vision.classifier import bare_share
from training.pictures import data

BINS = 10
WRONG = data.CLASSES.index(Label.INCORRECT)
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(2, 20))  # 0.1 to 0.95, of the bare share


def fit(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Temperature and bias with the lowest loss. In the loss, masked and bare faces have the same weight.

    Args:
        logits: (N, C) of validation faces.
        labels: (N,) indices into data.CLASSES. Masks worn wrong are left out: a site may count them either way.
    """
    logits, is_bare = logits[labels != WRONG], labels[labels != WRONG] == data.CLASSES.index(Label.WITHOUT_MASK)
    weights = np.where(is_bare, 1 / max(1, is_bare.sum()), 1 / max(1, (~is_bare).sum()))

    def loss(parameters: NDArray[np.float64]) -> float:
        bare = bare_share(logits, data.CLASSES[: logits.shape[1]], float(np.exp(parameters[0])), float(parameters[1]))
        return float(-(weights * np.log(np.where(is_bare, bare, 1 - bare).clip(1e-7))).sum())

    found = minimize(loss, (0.0, 0.0), method="Nelder-Mead", bounds=((-3, 3), (-5, 5)))
    return float(np.exp(found.x[0])), float(found.x[1])


@dataclass(frozen=True, slots=True)
class Bin:
    """Verdicts of similar confidence."""

    n: int
    confidence: float  # mean, 0.5–1
    right: float  # share, 0–1


def bins(bare: NDArray[np.float32], is_bare: NDArray[np.bool_]) -> list[Bin]:
    """(N,) how surely each face counts as bare, and whether it is bare -> the bins of confidence that are not empty."""
    confidence = np.maximum(bare, 1 - bare)
    right = (bare >= 0.5) == is_bare
    indices = np.minimum(((confidence - 0.5) * 2 * BINS).astype(int), BINS - 1)
    return [
        Bin(int(chosen.sum()), float(confidence[chosen].mean()), float(right[chosen].mean()))
        for chosen in (indices == at for at in range(BINS))
        if chosen.any()
    ]


def expected_error(found: Sequence[Bin]) -> float:
    """Expected calibration error, 0–1 (Naeini et al. 2015, AAAI): mean gap between confidence and share right."""
    total = max(1, sum(bin_.n for bin_ in found))
    return sum(bin_.n * abs(bin_.right - bin_.confidence) for bin_ in found) / total


@dataclass(frozen=True, slots=True)
class Point:
    """The outcome of one threshold, in people, if each is judged once."""

    threshold: float  # 0–1; a face counts as bare from this value on
    false_alarms: int  # masked people called bare
    masked: int
    missed: int  # bare people called masked
    bare: int


def points(bare: NDArray[np.float32], is_bare: NDArray[np.bool_]) -> list[Point]:
    """The outcome of every threshold on the same faces."""
    return [
        Point(
            threshold,
            int((bare[~is_bare] >= threshold).sum()),
            int((~is_bare).sum()),
            int((bare[is_bare] < threshold).sum()),
            int(is_bare.sum()),
        )
        for threshold in THRESHOLDS
    ]


def choose(found: Sequence[Point], people: int) -> Point:
    """The lowest threshold with at most one false alarm in `people` masked people; else the highest threshold."""
    return next((point for point in found if point.false_alarms * people <= point.masked), found[-1])
