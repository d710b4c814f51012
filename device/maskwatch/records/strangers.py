"""strangers-PART.json: bundles and other people's detectors on pictures that no system was trained on.

`python -m training strangers` writes it; benchmarks draws tables from it.
"""

from __future__ import annotations

from pydantic import Field

from maskwatch.records.record import Interval, Number, Record

REMEDY = "make it again with `make quality`"


class ModelFile(Record):
    """A model file of a system; the last two only for bundles."""

    file: str
    bytes: int
    sha256: str
    input_size: int | None = None
    preprocess_version: int | None = None


class SystemFacts(Record):
    """One measured system."""

    name: str
    kind: str
    face: ModelFile
    mask: ModelFile | None = None
    threshold: Number | None = None
    """A face is reported from this score, 0–1."""
    learnt: tuple[str, ...] | None = None
    """Sources whose training part it was trained on; None: not known."""


class SourceCounts(Record):
    """The size of one source."""

    pictures: int
    faces: int


class TargetRow(Record):
    """A figure that is asked for."""

    about: str
    source: str
    measure: str
    bound: Number | None
    """None: shown only, no bound."""
    most: bool
    """Whether the bound is an upper one."""
    of_system: dict[str, Number] = Field(default_factory=dict)
    """The bounds of systems that have their own."""


class FigureRow(Record):
    """One figure of one system."""

    about: str
    source: str
    system: str
    measure: str
    hits: int | None
    """Of n; None: the figure is not a share."""
    n: int
    value: Number | None
    """None: there was nothing to count."""
    interval95: Interval | None


class Strangers(Record):
    """The whole measurement."""

    schema_version: int = Field(alias="schema")
    kind: str
    part: str
    seed: int
    min_side: Number
    """Smaller faces are ignored, pixels of the shorter side."""
    most: int | None
    """At most so many pictures of a source; None: all."""
    preprocess_version: int
    resampled: int
    """How often pictures were drawn again for an interval."""
    versions: dict[str, str]
    systems: tuple[SystemFacts, ...]
    sources: dict[str, SourceCounts]
    targets: tuple[TargetRow, ...]
    seconds: int
    rows: tuple[FigureRow, ...]
