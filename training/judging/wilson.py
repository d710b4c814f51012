"""The 95 % interval of a share."""

from __future__ import annotations

from scipy.stats import binomtest


def interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, 0–1 (Wilson 1927, J. Am. Stat. Assoc. 22); (0, 1) when n is 0."""
    if not n:
        return 0.0, 1.0
    found = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
