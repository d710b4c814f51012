"""Integers are compared as the floats they stand for, without making them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.vision.quantization import Scale

SCALES = st.builds(Scale, st.floats(1e-6, 10), st.integers(-128, 255))


@given(SCALES, st.floats(-1e4, 1e4), st.sampled_from([np.int8, np.uint8, np.int16]))
def test_the_least_raw_number_parts_them_as_the_floats_do(scale: Scale, value: float, dtype: type[np.integer]) -> None:
    limits = np.iinfo(dtype)
    raw = np.arange(limits.min, limits.max + 1, dtype=dtype)
    floats = scale.floats(raw)
    for each in (value, float(floats[len(raw) // 3])):  # one that no raw number need stand for, one that one does
        least = scale.smallest_raw(each, raw.dtype)
        assert np.array_equal(raw.astype(np.int64) >= least, floats >= np.float32(each))


@pytest.mark.parametrize(("value", "least"), [(-math.inf, -128), (math.inf, 128)])
def test_the_ends_let_all_through_or_none(value: float, least: int) -> None:
    assert Scale(0.1, 3).smallest_raw(value, np.dtype(np.int8)) == least


def test_floats_stand_for_themselves() -> None:
    raw = np.array([-0.5, 0.25], np.float32)
    assert Scale().floats(raw) is raw
    assert Scale().smallest_raw(0.25, raw.dtype) == 0.25
