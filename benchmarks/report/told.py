"""What a record says, on a terminal: the tables of the documents, of this one board, with their columns in line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report.readme import behaviour, quality, speed

TABLES: Mapping[str, Sequence[Callable[[list[Any]], str]]] = {
    "device": (speed.starts, speed.frame),
    "models": (speed.models,),
    "pipeline": (speed.pipeline,),
    "soak": (speed.soak,),
    "power": (behaviour.saved,),
    "search": (quality.search,),
}
QUICK = "-quick"  # how the kind of a quick try ends: no document reads it


def lines(record: dict[str, Any]) -> Iterator[str]:
    """Its figures; a record of another kind has none to tell."""
    tables = TABLES.get(record["kind"].removesuffix(QUICK), ())
    for table in tables:
        for part in table([record]).split("\n\n"):
            yield from aligned(part)
            yield ""


def aligned(markdown: str) -> Iterator[str]:
    """A Markdown table in columns; one that says the same in each row, the board's, is left out."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    rows = [row for row in rows if set("".join(row)) - {"-"}]
    columns = [column for column in zip(*rows, strict=True) if column[0] != "board"]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
