"""The file that `compare` reads for each training, with every photograph's score."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from maskwatch.errors import SourceError
from maskwatch.records import record as records
from maskwatch.system import whole_file

SCHEMA = "maskwatch-study-1"
DECIMALS = 6  # of a score
NUMBERS = re.compile(r"\[\n\s+((?:-?[\d.]+(?:e[-+]?\d+)?,?\n\s*)+)\]")  # an array that holds only numbers


class Scores(records.Record):
    """One model's scores of every photograph of one part."""

    photos_sha256: str
    """Of the photographs' names in order: lists with the same hash can be compared photograph by photograph."""
    truth: str
    """One digit a photograph: 0 with_mask, 1 without_mask."""
    masked: tuple[float, ...]
    """Score of with_mask, 0–1."""
    bare: tuple[float, ...]
    """Score of without_mask. Where a detector finds no face both scores are 0, and there is no answer."""

    @model_validator(mode="after")
    def _of_the_same_photographs(self) -> Self:
        if not len(self.truth) == len(self.masked) == len(self.bare):
            counts = (
                f"{len(self.truth)} classes, {len(self.masked)} scores of with_mask, {len(self.bare)} of without_mask"
            )
            raise ValueError(f"{counts}; expected as many of each")
        return self

    def classes(self) -> NDArray[np.float64]:
        """(N, 2) scores: with_mask, without_mask."""
        return np.column_stack([self.masked, self.bare])

    def truths(self) -> NDArray[np.int64]:
        """(N,) 0 or 1."""
        return np.array([int(digit) for digit in self.truth])


class Scenes(records.Record):
    """A detector's figures on the scenes of one part of one source; average precisions 0–1."""

    images: int
    faces: int
    """Annotated faces that are large enough to judge."""
    face_ap50: float
    face_ap50_interval95: tuple[float, float]
    map50: float
    """Mean over with_mask and without_mask."""
    map50_95: float
    """Mean over the classes and overlaps of 0.5 to 0.95."""
    class_ap50: dict[str, float]


class Judged(records.Record):
    """One model file."""

    file: str
    bytes: int
    sha256: str
    parts: dict[str, Scores]
    """validation, test (whole photographs), crops (faces of the test photographs), and each source of scenes' faces."""
    scenes: dict[str, Scenes] = Field(default_factory=dict)
    """`PART of SOURCE` -> figures."""


class Record(records.Record):
    """One judged training."""

    schema_name: Literal["maskwatch-study-1"] = "maskwatch-study-1"
    network: str
    variant: str
    protocol: Literal["honest", "study", "device"]
    """device: trained on crops, scenes and drawn masks, on the honest split."""
    seed: int
    share: float
    """Share of the training part that was used, 0–1."""
    quick: bool
    """Whether it was a try with few photographs or epochs: never a result."""
    input_size: int
    parameters: int | None
    trainable: int | None
    multiply_adds: int | None
    """Multiplications and additions for one picture."""
    seconds: float | None
    """Duration of the training, without computing the features of a frozen base."""
    epochs: int | None
    kept_epoch: int | None
    learnt: int | None
    """Number of training photographs or faces."""
    curves: dict[str, tuple[float, ...]]
    knobs: dict[str, Any]
    versions: dict[str, str]
    times_judged: int
    """How often the test part was judged with this network, variant, protocol, seed and share; should be 1. `judge`
    counts in the run's folder. In the committed records earlier folders are added, see docs/study.md."""
    judged: dict[str, Judged]
    """float32, int8 -> figures."""


def sha256_of(names: Iterable[str]) -> str:
    """A hash of names in order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def write(record: Record, path: Path) -> None:
    """Write a record; the file is replaced at once or not at all."""
    text = json.dumps(record.model_dump(mode="json"), indent=1)
    whole_file.write(path, NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n")


def is_record(content: dict[str, Any]) -> bool:
    """Whether a file's content claims to be such a record."""
    return content.get("schema_name") == SCHEMA


def read(path: Path) -> Record:
    """A record.

    Raises:
        SourceError: it cannot be read, or does not fit the schema.
    """
    return Record.read(path, "judge the model again with `python -m training judge`", SourceError)
