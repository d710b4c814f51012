"""What each variant gets right, from the proof that convert writes beside a model: NAME.report.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.errors import MaskwatchError

PART = "test"  # of the split: the one no choice was made on


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of pictures judged right, 0–1, with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def read(path: Path) -> dict[str, Accuracy]:
    """Variant -> accuracy.

    Raises:
        MaskwatchError: the file is missing, or no proof of a classifier.
    """
    try:
        figures = json.loads(path.read_text())["parts"][PART]["figures"]
        return {variant: _accuracy(each["accuracy"]) for variant, each in figures.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise MaskwatchError(
            f"accuracy {path}: {reason}; expected a classifier's NAME.report.json, made by `python -m convert`"
        ) from error


def _accuracy(found: Mapping[str, Any]) -> Accuracy:
    """From per cent."""
    low, high = found["interval95"]
    return Accuracy(found["value"] / 100, low / 100, high / 100, int(found["n"]))
