"""Fits a line through samples by least squares, with an interval that allows for correlated samples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLOSEST = 0.98  # the highest correlation of neighbouring residuals; above it, no number of samples would be enough


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope in units a second."""

    value: float
    low: float  # lower end of the 95 % interval
    high: float


def slope(times: Sequence[float], values: Sequence[float]) -> Slope:
    """The line of least squares through the samples.

    Memory grows in steps, so neighbouring residuals are correlated. So n of them count only as n (1 - r) / (1 + r)
    independent ones, where r is the correlation of neighbours (Bayley and Hammersley 1946).

    Args:
        times: seconds, evenly spaced; at least four.
        values: of any unit.

    Raises:
        ValueError: too few samples.
    """
    if len(times) < 4:
        raise ValueError(f"a slope needs 4 samples, found {len(times)}")
    x, y = np.asarray(times, float) - np.mean(times), np.asarray(values, float)
    value = float(x @ y / (x @ x))
    residuals = y - y.mean() - value * x
    independent = max(4.0, len(x) * (1 - (r := correlation(residuals))) / (1 + r))
    error = math.sqrt(float(residuals @ residuals) / len(x) / (independent - 2) / float(x @ x / len(x)))
    reach = error * student(independent - 2)
    return Slope(value, value - reach, value + reach)


def correlation(residuals: NDArray[np.float64]) -> float:
    """Correlation of neighbouring values, 0 to CLOSEST; 0 if all values are zero."""
    spread = float(residuals @ residuals)
    return min(max(float(residuals[1:] @ residuals[:-1]) / spread, 0.0), CLOSEST) if spread > 0 else 0.0


def student(freedom: float) -> float:
    """The 97.5 % point of Student's t, by its expansion around the normal one (Abramowitz and Stegun 1964, 26.7.5)."""
    z = statistics.NormalDist().inv_cdf(0.975)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms))
