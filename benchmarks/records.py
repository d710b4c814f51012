"""A record on disk, and what is read out of many values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import host
from maskwatch.errors import MaskwatchError
from maskwatch.system import whole_file

BREAK = re.compile(r"\n\s*")  # within a text JSON writes it as two characters
FLAT = re.compile(
    r'\[\n\s+((?:(?:-?[\d.]+(?:e[-+]?\d+)?|"[^"\\\n]*"),?\n\s*)+)\]'
)  # an array of numbers and texts alone


def save(record: dict[str, Any], results: Path) -> Path:
    """Write results/BOARD/KIND.json, whole or not at all."""
    return write(text(record), path(record, results))


def save_anywhere(record: dict[str, Any], results: Path) -> Path:
    """Write results/KIND.json of a record that is the same on every machine."""
    return write(text(record), results / f"{record['kind']}.json")


def write(content: str, place: Path) -> Path:
    """Whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(place, content)
    return place


def text(record: dict[str, Any]) -> str:
    """JSON to read and to compare line by line; a flat array is one line, or it would be most of the file."""
    return FLAT.sub(lambda found: f"[{BREAK.sub(' ', found[1]).strip()}]", json.dumps(record, indent=1)) + "\n"


def load(place: Path, kind: str, schema: int) -> dict[str, Any]:
    """A record of that kind.

    Raises:
        MaskwatchError: it is missing, or of another kind or schema.
    """
    try:
        record: dict[str, Any] = json.loads(place.read_text())
        found = record["kind"], record["schema"], record["host"]["board"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MaskwatchError(f"record {place}: unreadable ({error}); measure again") from error
    if found[:2] != (kind, schema):
        raise MaskwatchError(f"record {place}: {found[0]} of schema {found[1]}; expected {kind} of schema {schema}")
    return record


def of_boards(results: Path, kind: str, schema: int) -> list[dict[str, Any]]:
    """The records results/BOARD/KIND.json.

    Raises:
        MaskwatchError: one stands in another board's folder, or see load.
    """
    found = []
    for place in sorted(results.glob(f"*/{kind}.json")):
        record = load(place, kind, schema)
        if place != path(record, results):
            board = record["host"]["board"]
            raise MaskwatchError(
                f"record {place}: measured on {board}, expected in {host.slug(board)}/; boards are not mixed"
            )
        found.append(record)
    return found


def path(record: dict[str, Any], results: Path) -> Path:
    """Where a record belongs: results/BOARD/KIND.json."""
    return results / host.slug(record["host"]["board"]) / f"{record['kind']}.json"


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, 10th and 90th percentile."""
    middle, low, high = np.percentile(values, (50, 10, 90))
    return float(middle), float(low), float(high)
