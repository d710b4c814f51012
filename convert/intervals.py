"""Shares with their 95 % intervals, and the drift of scores. Pure arithmetic on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.judging import wilson

RESAMPLED = 1000  # sets of pictures, for the interval of a figure that is not a share
BINS = np.linspace(-0.2, 0.2, 41)  # of a score's drift; larger drifts are counted in the outermost bins

Bools = NDArray[np.bool_]
Values = NDArray[np.float32]


def share(right: Bools) -> dict[str, Any]:
    """% of True with Wilson's interval; NaN for an empty array, so that a class without pictures holds no gate."""
    if not len(right):
        return {"value": float("nan"), "interval95": [0.0, 100.0], "n": 0}
    return {
        "value": _percent(right.mean()),
        "interval95": _ends(wilson.interval(int(right.sum()), len(right))),
        "n": len(right),
    }


def f1(called: Bools, truth: Bools) -> dict[str, Any]:
    """F1 of a class in %, with an interval by drawing the pictures again.

    Args:
        called: (N,) whether the model named the class.
        truth: (N,) whether it is the class.
    """
    tallies = np.stack([called & truth, called ^ truth])  # right, wrong
    right, wrong = _resampled(tallies)
    values = 2 * right / np.maximum(2 * right + wrong, 1)
    hits, errors = tallies.sum(axis=1)
    return {
        "value": _percent(2 * hits / max(2 * hits + errors, 1)),
        "interval95": _ends(np.percentile(values, (2.5, 97.5))),
    }


def drop(before: Bools, after: Bools) -> dict[str, Any]:
    """Points of accuracy lost on the same pictures, and on how many pictures only one of the two is right."""
    lost, gained = before & ~after, after & ~before
    losses, gains = _resampled(np.stack([lost, gained]))
    ends = np.percentile((losses - gains) / len(before), (2.5, 97.5))
    return {
        "value": _percent((lost.sum() - gained.sum()) / len(before)),
        "interval95": _ends(ends),
        "only_before_right": int(lost.sum()),
        "only_after_right": int(gained.sum()),
    }


def drift(differences: Values) -> dict[str, Any]:
    """How much the scores changed: quantiles of the change's size, and a histogram of BINS."""
    if not len(differences):
        return {"n": 0, "mean": 0.0, "median_size": 0.0, "p99_size": 0.0, "largest": 0.0, "histogram": []}
    sizes = np.abs(differences)
    counts, _ = np.histogram(np.clip(differences, BINS[0], BINS[-1]), BINS)
    return {
        "n": len(differences),
        "mean": round(float(differences.mean()), 5),
        "median_size": round(float(np.median(sizes)), 5),
        "p99_size": round(float(np.percentile(sizes, 99)), 5),
        "largest": round(float(sizes.max()), 5),
        "histogram": counts.tolist(),
    }


def _resampled(tallies: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(K, N) -> (K, RESAMPLED) sums over N pictures drawn with replacement, the same draws for each row."""
    count = tallies.shape[1]
    draws = np.random.default_rng(0).integers(count, size=(RESAMPLED, count))
    return tallies[:, draws].sum(axis=2)


def _percent(value: Any) -> float:
    return round(100 * float(value), 3)


def _ends(ends: Any) -> list[float]:
    return [round(100 * float(end), 2) for end in ends]
