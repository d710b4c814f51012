"""Shared by the tables: reads committed records, formats numbers, writes Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.records import spread
from maskwatch.records.record import Record

ROOT = Path(__file__).parents[3]
RESULTS = "benchmarks/results"
REMEDY = "measure again, or change its schema in maskwatch.records"
Schema = TypeVar("Schema", bound=Record)


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def interval(values: Sequence[float], digits: int = 2) -> str:
    """`median (10th–90th percentile)`."""
    middle, low, high = spread(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def ends(interval: Sequence[float], scale: float = 1.0) -> str:
    """A 95 % interval."""
    digits = 3 if scale == 1 else 1
    return f"({interval[0] * scale:.{digits}f}–{interval[1] * scale:.{digits}f})"


def read(schema: type[Schema], name: str) -> Schema:
    """The committed record in a file.

    Args:
        schema: what the file holds.
        name: path below the repository's root.

    Raises:
        MaskwatchError: the file is missing, or does not fit the schema.
    """
    return schema.read(ROOT / name, REMEDY)


def read_lines(schema: type[Schema], name: str) -> list[Schema]:
    """The committed records in a file with one a line. Raises as read()."""
    return schema.read_lines(ROOT / name, REMEDY)


def of_boards(schema: type[Schema], kind: str) -> list[Schema]:
    """The records results/BOARD/KIND.json, of every board that has one. Raises as read()."""
    return [schema.read(path, REMEDY) for path in sorted((ROOT / RESULTS).glob(f"*/{kind}.json"))]
