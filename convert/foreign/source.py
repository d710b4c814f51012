"""A model as it was found: its input, its number of outputs, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.foreign.pixels import Pixels
from maskwatch.flow import Image
from maskwatch.vision.quantization import Floats

TYPICAL = 0.364  # temperature for shares: 0.9 stays 0.9, because its log-odds are 2.197 and 0.9 - 0.1 is 0.8


@dataclass(frozen=True, slots=True)
class Source:
    """One model."""

    size: int  # side of its input, pixels
    depth: int  # channels of its input: 1 or 3
    outputs: int  # 1: the probability of the second class
    shares: bool  # whether its outputs are shares, 0–1; otherwise they are logits
    scaled: str | None  # the scaling of its pixels, if the file shows it
    ask: Callable[[Floats], Floats]  # (S, S, C) as it takes it -> (outputs,)

    @property
    def columns(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(outputs, L) and (L,): from its outputs to a number for each label. A single output gives two labels."""
        if self.outputs > 1:
            return np.eye(self.outputs, dtype=np.float32), np.zeros(self.outputs, np.float32)
        if self.shares:
            return np.array([[-1, 1]], np.float32), np.array([1, 0], np.float32)
        return np.array([[-0.5, 0.5]], np.float32), np.zeros(2, np.float32)

    @property
    def temperature(self) -> float:
        """The divisor before softmax, until one is fitted."""
        return TYPICAL if self.shares else 1.0

    def answer(self, image: Image, pixels: Pixels) -> Floats:
        """(S, S, 3) uint8 RGB -> (L,) a number for each label."""
        matrix, offset = self.columns
        return np.asarray(self.ask(pixels.of(image)) @ matrix + offset, np.float32)


def are_shares(answers: Floats) -> bool:
    """Whether (N, outputs) numbers look like a softmax or sigmoid: 0–1, and with several outputs the sum is 1."""
    within = bool((answers >= 0).all() and (answers <= 1.001).all())
    return within and (answers.shape[1] == 1 or bool(np.allclose(answers.sum(axis=1), 1, atol=0.03)))
