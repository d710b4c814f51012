"""How small faces can be for a finder: its measured recall by face size, from a file beside the model.

`python -m training reach` writes the file. For it, faces of annotated scenes were shown to the finder at many sizes,
and again enlarged, like looking.region enlarges them in a small zone.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskwatch.system import regular_file

SUFFIX = ".reach.json"
LARGEST = 65536  # bytes; no such file is longer
FEWEST = 10  # faces of a size that are needed for a share


class Sized(BaseModel):
    """Faces of about one size."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enlarged: float = Field(ge=1, le=8)
    """Factor by which the picture was enlarged for the finder; 1: it was not."""
    least: float = Field(gt=0)
    """Smallest shorter side of these faces, pixels of the picture before it was enlarged."""
    below: float = Field(gt=0)
    """All their shorter sides are below this, in the same pixels."""
    faces: int = Field(ge=0)
    found: int = Field(ge=0)

    @property
    def middle(self) -> float:
        """Geometric mean of the two limits, pixels."""
        return math.sqrt(self.least * self.below)


class Recall(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    sha256: str
    """SHA-256 of the model file that was measured."""
    input_size: int = Field(ge=1, le=2048)
    """Side of its input, pixels."""
    threshold: float = Field(ge=0, le=1)
    """Score from which on a face counted as found."""
    part: Literal["validation"] = "validation"
    """Which scenes were used: never those of the test part, which must not affect what the device says."""
    sources: tuple[str, ...]
    seed: int
    """Seed of the split of the scenes into parts."""
    scenes: int
    rows: tuple[Sized, ...] = Field(min_length=1)

    def smallest_found(self, share: float, scale: float) -> float | None:
        """The shorter side, in pixels of the frame, from which on this share of the faces is found in a single frame.

        Args:
            share: 0–1.
            scale: pixels of the input per pixel of the frame; below 1 the frame is scaled down.

        Returns:
            The side; None if faces of no size are found so often.
        """
        enlarged = max(row.enlarged for row in self.rows if row.enlarged <= max(scale, 1.0))
        found = self._from(share, enlarged)
        return None if found is None else found / min(scale, 1.0)

    def _from(self, share: float, enlarged: float) -> float | None:
        rows = sorted(
            (row for row in self.rows if row.enlarged == enlarged and row.faces >= FEWEST), key=lambda row: row.least
        )
        return crossing(
            [row.middle for row in rows],
            rising([row.found / row.faces for row in rows], [row.faces for row in rows]),
            share,
        )


def rising(values: list[float], weights: list[int]) -> list[float]:
    """The closest non-decreasing values. Larger faces are found at least as often; a decrease is chance of small
    numbers.

    Pool adjacent violators algorithm (Ayer et al. 1955, doi 10.1214/aoms/1177728423).
    """
    pools: list[tuple[float, int, int]] = []  # mean, weight, how many values
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, first, few), (other, second, more) = pools[-2:]
            pools[-2:] = [((one * first + other * second) / (first + second), first + second, few + more)]
    return list(itertools.chain.from_iterable([mean] * count for mean, _, count in pools))


def crossing(sizes: list[float], shares: list[float], share: float) -> float | None:
    """The size at which non-decreasing shares reach `share`, interpolated on the logarithm of the size.

    If the smallest size reaches it already, that size is the result, because smaller ones were not measured.
    """
    for index, (size, value) in enumerate(zip(sizes, shares, strict=True)):
        if value < share:
            continue
        if not index:
            return size
        smaller, low = sizes[index - 1], shares[index - 1]
        return float(smaller * (size / smaller) ** ((share - low) / (value - low)))
    return None


def beside(model: Path) -> Path:
    """Path of the file of a model: face.reach.json for face.tflite."""
    return model.with_name(model.stem + SUFFIX)


def read(model: Path, sha256: str) -> Recall | str:
    """The measured recall of a model, or the reason why it is not known.

    Args:
        model: its file.
        sha256: of that file.
    """
    path = beside(model)
    try:
        found = Recall.model_validate_json(regular_file.read(path, LARGEST))
    except FileNotFoundError:
        return f"no {path.name} lies beside the model"
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it was not written by `python -m training reach`"
        return f"{path.name} cannot be used ({reason})"
    if found.sha256 != sha256:
        return f"{path.name} is of another model"
    return found
