"""The least-squares slope, and an interval wide enough for its coverage."""

import numpy as np
import pytest

from benchmarks.daemon import trend


def test_a_line_is_found_exactly() -> None:
    found = trend.slope(range(10), [3 + 0.5 * time for time in range(10)])
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.parametrize("tie", [0.0, 0.5, 0.9])
def test_nearly_all_intervals_hold_the_true_slope_also_when_neighbours_lean_on_each_other(tie: float) -> None:
    rng, hits = np.random.default_rng(0), 0
    times = 5.0 * np.arange(300)
    for _ in range(200):
        noise = rng.normal(size=300)
        for place in range(1, 300):
            noise[place] += tie * noise[place - 1]
        found = trend.slope(times.tolist(), (0.01 * times + noise).tolist())
        hits += found.low <= 0.01 <= found.high
    assert 170 <= hits <= 198


def test_too_few_samples_have_no_slope() -> None:
    with pytest.raises(ValueError, match="needs 4 samples, found 3"):
        trend.slope([0, 1, 2], [1, 2, 3])


@pytest.mark.parametrize(("freedom", "expected"), [(2, 4.303), (5, 2.571), (10, 2.228), (30, 2.042), (1e6, 1.960)])
def test_students_t_is_as_in_the_tables(freedom: float, expected: float) -> None:
    assert trend.student(freedom) == pytest.approx(expected, rel=0.01 if freedom < 5 else 0.0005)
