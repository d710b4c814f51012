"""A record on disk, and what is read out of many values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import host


def save(record: dict[str, Any], results: Path) -> Path:
    """Write results/BOARD/KIND.json, whole or not at all."""
    return write(json.dumps(record, indent=1) + "\n", path(record, results))


def save_anywhere(record: dict[str, Any], results: Path) -> Path:
    """Write results/KIND.json of a record that is the same on every machine; a line for each row of its tables."""
    return write(lined(record), results / f"{record['kind']}.json")


def lined(record: dict[str, Any]) -> str:
    """JSON in which each item of a list of objects has a line of its own."""
    items = []
    for key, value in record.items():
        if value and isinstance(value, list) and isinstance(value[0], dict):
            told = "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
        else:
            told = json.dumps(value)
        items.append(f" {json.dumps(key)}: {told}")
    return "{\n" + ",\n".join(items) + "\n}\n"


def write(text: str, place: Path) -> Path:
    """Whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}")
    temporary.write_text(text)
    temporary.replace(place)
    return place


def path(record: dict[str, Any], results: Path) -> Path:
    """Where a record belongs: results/BOARD/KIND.json."""
    return results / host.slug(record["host"]["board"]) / f"{record['kind']}.json"


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, 10th and 90th percentile."""
    middle, low, high = np.percentile(values, (50, 10, 90))
    return float(middle), float(low), float(high)
