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
    place = path(record, results)
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}")
    temporary.write_text(json.dumps(record, indent=1) + "\n")
    temporary.replace(place)
    return place


def path(record: dict[str, Any], results: Path) -> Path:
    """Where a record belongs: results/BOARD/KIND.json."""
    return results / host.slug(record["host"]["board"]) / f"{record['kind']}.json"


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, 10th and 90th percentile."""
    middle, low, high = np.percentile(values, (50, 10, 90))
    return float(middle), float(low), float(high)
