"""What every table is made with: records read, numbers told, Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.records import spread

ROOT = Path(__file__).parents[2]


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def interval(values: Sequence[float], digits: int = 2) -> str:
    middle, low, high = spread(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def ends(interval: Sequence[float], scale: float = 1.0) -> str:
    """A 95 % interval."""
    digits = 3 if scale == 1 else 1
    return f"({interval[0] * scale:.{digits}f}–{interval[1] * scale:.{digits}f})"


def read_json(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


def read_lines(name: str) -> list[Any]:
    return [json.loads(line) for line in (ROOT / name).read_text().splitlines()]


def of_boards(kind: str) -> list[Any]:
    """That record of every board that has one."""
    return [json.loads(path.read_text()) for path in sorted((ROOT / "benchmarks/results").glob(f"*/{kind}.json"))]
