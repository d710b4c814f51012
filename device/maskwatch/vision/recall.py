"""How small a face a finder finds: what was measured of it, in a file beside the model.

`python -m training reach` writes the file. Faces of annotated scenes were shown to the finder at many sizes, and once
more enlarged, as looking.region shows them in a small zone.
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
LARGEST = 65536  # bytes of such a file
FEWEST = 10  # faces of a size, in the picture, that tell a share


class Sized(BaseModel):
    """Faces of about one size."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enlarged: float = Field(ge=1, le=8)
    """How many times the picture was enlarged before the finder saw it; 1: not."""
    least: float = Field(gt=0)
    """Pixels before that, shorter side of the face: from here on,"""
    below: float = Field(gt=0)
    """and below this."""
    faces: int = Field(ge=0)
    found: int = Field(ge=0)

    @property
    def middle(self) -> float:
        """Pixels."""
        return math.sqrt(self.least * self.below)


class Recall(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    sha256: str
    """Of the model's file that was measured."""
    input_size: int = Field(ge=1, le=2048)
    """Side of its input, pixels."""
    threshold: float = Field(ge=0, le=1)
    """Score from which on a face counted as found."""
    part: Literal["validation"] = "validation"
    """Of the scenes: the test part has no say in what the device tells."""
    sources: tuple[str, ...]
    seed: int
    """Of the split of the scenes."""
    scenes: int
    rows: tuple[Sized, ...] = Field(min_length=1)

    def least(self, share: float, scale: float) -> float | None:
        """Pixels of the frame, shorter side, from which on this share of the faces is found in a single frame.

        Args:
            share: 0–1.
            scale: pixels of the input by pixels of the frame; below 1 the frame is shrunk.

        Returns:
            None where no size of faces is found so often.
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
    """The nearest values that never fall: a larger face is found as often, whatever chance made of a few dozen.

    Pooled adjacent violators (Ayer et al. 1955, doi 10.1214/aoms/1177728423).
    """
    pools: list[tuple[float, int, int]] = []  # mean, weight, how many values
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, first, few), (other, second, more) = pools[-2:]
            pools[-2:] = [((one * first + other * second) / (first + second), first + second, few + more)]
    return list(itertools.chain.from_iterable([mean] * count for mean, _, count in pools))


def crossing(sizes: list[float], shares: list[float], share: float) -> float | None:
    """The size at which rising shares reach one; between two sizes by the logarithm of the size.

    Where the smallest size reaches it already, that one: of smaller ones nothing is known.
    """
    for place, (size, value) in enumerate(zip(sizes, shares, strict=True)):
        if value < share:
            continue
        if not place:
            return size
        before, low = sizes[place - 1], shares[place - 1]
        return float(before * (size / before) ** ((share - low) / (value - low)))
    return None


def beside(model: Path) -> Path:
    """Where the file of a model lies: face.tflite has face.reach.json."""
    return model.with_name(model.stem + SUFFIX)


def read(model: Path, sha256: str) -> Recall | str:
    """What was measured of a model, or why nothing is known.

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
        reason = getattr(error, "strerror", None) or "it is none of `python -m training reach`"
        return f"{path.name} cannot be used ({reason})"
    if found.sha256 != sha256:
        return f"{path.name} is of another model"
    return found
