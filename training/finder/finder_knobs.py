"""The numbers of the face finder's recipe, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Knobs:
    """Every number of the recipe, with its reason."""

    size: int = 320  # pixels; a 400 px street scene keeps its 22 px faces at 18
    alpha: float = 0.35  # trunk width: 0.2 M weights, an int8 file of half a megabyte
    channels: int = 40  # of neck and heads
    stem: int = 8  # of the first 16 channels, those kept after the first phase: saves a tenth of the time
    batch: int = 16
    steps: int = 4000  # 64,000 composed scenes: 0.6 s a step on two x86-64 cores
    again: int = 2500  # steps of a second phase at half the rate, with the slimmed finder
    rounded: int = 1000  # steps of a last phase, in which activations are rounded as in int8
    rate: float = 2e-3  # peak after a warm-up, then cosine to zero; half in the second phase, a tenth in the last
    frozen: str = ""  # trunk layers up to this one are frozen; "": none
    warmup: int = 200  # steps
    decay: float = 1e-4
    ema: float = 0.998  # weight averaging over about 500 steps
    steps_per_epoch: int = 250
    seed: int = 0
