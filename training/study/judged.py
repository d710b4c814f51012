"""What a comparison reads: one file a training, with every photograph's score. The schema is below whoever reads it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from maskwatch.errors import SourceError
from maskwatch.records import record as records
from maskwatch.system import whole_file

SCHEMA = "maskwatch-study-1"
DECIMALS = 6  # of a score
NUMBERS = re.compile(r"\[\n\s+((?:-?[\d.]+(?:e[-+]?\d+)?,?\n\s*)+)\]")  # an array of numbers alone


class Scores(records.Record):
    """What one model says of every photograph of one part."""

    photos_sha256: str
    """Of their names in order: two lists with the same hash can be held against each other."""
    truth: str
    """A digit each: 0 with_mask, 1 without_mask."""
    masked: tuple[float, ...]
    """Score of with_mask, 0–1."""
    bare: tuple[float, ...]
    """Score of without_mask. Both are 0 where a detector finds no face: then neither is its answer."""

    def classes(self) -> NDArray[np.float64]:
        """(N, 2) scores: with_mask, without_mask."""
        return np.column_stack([self.masked, self.bare])

    def truths(self) -> NDArray[np.int64]:
        """(N,) 0 or 1."""
        return np.array([int(digit) for digit in self.truth])


class Scenes(records.Record):
    """How a detector does on the scenes of one part of one source; average precisions 0–1."""

    images: int
    faces: int
    """Annotated ones that are large enough to judge."""
    face_ap50: float
    face_ap50_interval95: tuple[float, float]
    map50: float
    """Mean over with_mask and without_mask."""
    map50_95: float
    """Mean over overlaps of 0.5 to 0.95, too."""
    class_ap50: dict[str, float]


class Judged(records.Record):
    """One file of a model."""

    file: str
    bytes: int
    sha256: str
    parts: dict[str, Scores]
    """validation, test (whole photographs), crops (faces of the test photographs), and each source of scenes' faces."""
    scenes: dict[str, Scenes] = Field(default_factory=dict)
    """PART of SOURCE."""


class Record(records.Record):
    """One training, judged."""

    schema_name: Literal["maskwatch-study-1"] = "maskwatch-study-1"
    network: str
    variant: str
    protocol: Literal["honest", "study", "device"]
    """device: learnt from crops, scenes and drawn masks, on the honest split."""
    seed: int
    share: float
    """Of the training part that was learnt from, 0–1."""
    quick: bool
    """A try with few photographs or epochs: never a result."""
    input_size: int
    parameters: int | None
    trainable: int | None
    multiply_adds: int | None
    """Of one picture."""
    seconds: float | None
    """Of training, without the features of a frozen base."""
    epochs: int | None
    kept_epoch: int | None
    learnt: int | None
    """Photographs or faces that were learnt from."""
    curves: dict[str, tuple[float, ...]]
    knobs: dict[str, Any]
    versions: dict[str, str]
    times_judged: int
    """How often this training's test part was judged: 1 is as it should be."""
    judged: dict[str, Judged]
    """float32, int8."""


def sha256_of(names: Iterable[str]) -> str:
    """Of names in order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def write(record: Record, path: Path) -> None:
    """Write a record, whole or not at all."""
    text = json.dumps(record.model_dump(mode="json"), indent=1)
    whole_file.write(path, NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n")


def is_record(content: dict[str, Any]) -> bool:
    """Whether a file's content claims to be one."""
    return content.get("schema_name") == SCHEMA


def read(path: Path) -> Record:
    """A record.

    Raises:
        SourceError: it cannot be read, or does not fit the schema.
    """
    return Record.read(path, "judge the model again with `python -m training judge`", SourceError)
