"""A record's figures for a terminal: the tables of the documents for this one board, with aligned columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report.readme import behaviour, quality, speed
from maskwatch.records.kinds import KINDS

TABLES: Mapping[str, Sequence[Callable[[list[Any]], str]]] = {
    "device": (speed.starts, speed.frame),
    "models": (speed.models,),
    "pipeline": (speed.pipeline,),
    "soak": (speed.soak,),
    "power": (behaviour.saved,),
    "search": (quality.search,),
}
QUICK = "-quick"  # the end of the kind of a quick try, which no document reads


def lines(record: dict[str, Any]) -> Iterator[str]:
    """The figures of a record that was just measured; no line for a kind without a table."""
    kind = record["kind"].removesuffix(QUICK)
    for table in TABLES.get(kind, ()):
        for part in table([KINDS[kind].model_validate(record)]).split("\n\n"):
            yield from aligned(part)
            yield ""


def aligned(markdown: str) -> Iterator[str]:
    """A Markdown table with aligned columns, without the column of the board."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    rows = [row for row in rows if set("".join(row)) - {"-"}]
    columns = [column for column in zip(*rows, strict=True) if column[0] != "board"]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
