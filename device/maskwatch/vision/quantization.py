"""Converts the quantized outputs of a network to real numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scale:
    """The real value of a raw number is (raw - zero_point) * scale; with the defaults, the number itself."""

    scale: float = 1.0
    zero_point: int = 0

    def floats(self, raw: NDArray[Any]) -> Floats:
        """The real values of integers or floats of any shape, float32; floats are returned as they are."""
        if raw.dtype.kind == "f":
            return np.asarray(raw, np.float32)
        floats = raw.astype(np.float32)
        floats -= np.float32(self.zero_point)
        floats *= np.float32(self.scale)
        return floats

    def smallest_raw(self, value: float, dtype: np.dtype[Any]) -> float:
        """The smallest raw number of a type whose real value is at least `value`.

        If there is none, the result is larger than any number of the type.

        Raises:
            ValueError: the type has more than 16 bits, which no network's output has.
        """
        if dtype.kind == "f":
            return value
        limits = np.iinfo(dtype)
        if limits.bits > np.iinfo(np.int16).bits:
            raise ValueError(f"answers {dtype}, expected floats or integers of 8 or 16 bits")
        every = self.floats(np.arange(limits.min, limits.max + 1))
        return int(limits.min) + int(np.searchsorted(every, np.float32(value)))
