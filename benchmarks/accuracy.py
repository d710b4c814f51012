"""What each variant gets right, from the proof's figures: a file of rows, made by another workshop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.errors import MaskwatchError


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of pictures judged right, 0–1, with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def read(path: Path) -> dict[tuple[str, str], Accuracy]:
    """(model, variant) -> accuracy. One JSON object a line: model, variant, n, accuracy, interval95.

    Raises:
        MaskwatchError: the file is missing, or not of that kind.
    """
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return {(row["model"], row["variant"]): _accuracy(row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise MaskwatchError(
            f"accuracy {path}: {reason}; expected a JSON object a line with model, variant, n, accuracy, interval95"
        ) from error


def _accuracy(row: Mapping[str, Any]) -> Accuracy:
    low, high = row["interval95"]
    return Accuracy(float(row["accuracy"]), float(low), float(high), int(row["n"]))
