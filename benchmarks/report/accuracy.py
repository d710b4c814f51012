"""What each variant gets right, from the proof that convert writes beside a model: NAME.report.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.errors import MaskwatchError

PART = "test"  # of the split: the one no choice was made on
MEASURES = {"accuracy": "Accuracy", "ap50": "AP50 of street scenes"}  # of a classifier, of a finder
SUFFIX = ".report.json"
# The view that all finders are judged on: the street scenes, by the name of their folder, or "frame" where a proof has
# one source of scenes alone. Ours is judged on portraits and other sources too.
STREETS = ("face-mask-boxes", "frame")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share, 0–1, with its 95 % interval: of pictures judged right, or the average precision at an overlap of 0.5."""

    measure: str  # of MEASURES
    value: float
    low: float
    high: float


def proofs(folder: Path) -> list[tuple[str, Path]]:
    """Network and file of every proof in a folder, which is named after its network.

    Raises:
        MaskwatchError: there is none.
    """
    found = [(path.name.removesuffix(SUFFIX), path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    if not found:
        raise MaskwatchError(f"accuracy {folder}: no NAME{SUFFIX} in it; expected those that `python -m convert` makes")
    return found


def read(path: Path) -> dict[str, Accuracy]:
    """Variant -> what it gets right.

    Raises:
        MaskwatchError: the file is missing, or no proof.
    """
    try:
        figures = json.loads(path.read_text())["parts"][PART]["figures"]
        return {variant: _accuracy(each) for variant, each in figures.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error or "neither accuracy nor AP50 of street scenes"
        raise MaskwatchError(
            f"accuracy {path}: {reason}; expected a NAME.report.json, made by `python -m convert`"
        ) from error


def _accuracy(figures: Mapping[str, Any]) -> Accuracy:
    """From per cent."""
    measure = next(each for each in MEASURES if each in figures)
    if measure == "ap50":
        figures = figures["by_view"][next(view for view in STREETS if view in figures["by_view"])]
    low, high = figures[measure]["interval95"]
    return Accuracy(measure, figures[measure]["value"] / 100, low / 100, high / 100)
