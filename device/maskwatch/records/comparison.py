"""comparison.json: the study's networks side by side. `python -m training compare` writes it; benchmarks reads it.

The file also holds tables and curves for the page that training draws. Only what another workshop reads has a schema.
"""

from __future__ import annotations

from pydantic import ConfigDict

from maskwatch.records.record import Interval, Number, Record

FILE = "comparison.json"


class Published(Record):
    """The study's own figures."""

    model_config = ConfigDict(extra="ignore")

    accuracy: Number | None
    """0–1; None: the study published none."""


class Row(Record):
    """One network in one precision on the test part; the first seed's figures."""

    model_config = ConfigDict(extra="ignore")

    title: str
    network: str
    protocol: str
    """honest, study or device."""
    precision: str
    """float32 or int8."""
    accuracy: Number
    """0–1."""
    interval95: Interval
    n: int
    parameters: int | None
    bytes: int
    best_of_kind: bool
    """Whether validation chose this training among those of its network."""
    quick: bool
    """Whether a training with few photographs or epochs is among the seeds: never a result."""
    published: Published


class Comparison(Record):
    """The whole comparison."""

    model_config = ConfigDict(extra="ignore")

    protocols: dict[str, tuple[Row, ...]]
    """Protocol -> its rows, the best network first."""
    answer: tuple[str, ...]
    """What the figures say about the study's question: a sentence each."""
