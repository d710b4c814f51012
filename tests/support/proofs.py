"""Made-up proofs, as convert writes them, for tests of what benchmarks reads from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def share(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """A figure in %; by default its interval is from one point below to half a point above."""
    return {"value": value, "interval95": [value - 1 if low is None else low, value + 0.5 if high is None else high]}


def classifier(accuracy: float) -> dict[str, Any]:
    """The figures of a mask classifier with this accuracy, %."""
    return {"n": 100, "accuracy": share(accuracy), "recall": {}, "f1": {}, "by_view": {}}


def finder(views: Mapping[str, dict[str, Any]], ap50: float = 1.0) -> dict[str, Any]:
    """The figures of a face finder.

    Args:
        views: source of pictures -> its average precision, as share() makes it.
        ap50: over all pictures, %.
    """
    return {
        "pictures": 100,
        "faces": 200,
        "ap50": share(ap50),
        "threshold": 0.5,
        "precision": share(90.0),
        "recall": share(90.0),
        "f1": share(90.0),
        "by_view": {view: {"pictures": 50, "ap50": found} for view, found in views.items()},
    }


def proof(task: str, test: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A whole proof, ready for JSON.

    Args:
        task: mask or face.
        test: variant -> its figures on the test part.
    """
    parts = {
        name: {"figures": figures, "changed_verdicts": {}, "curves": {}}
        for name, figures in (("validation", {}), ("test", dict(test)))
    }
    return {
        "model": "made up",
        "task": task,
        "shipped": True,
        "recipe": {},
        "card": {},
        "variants": {},
        "gates": [],
        "parts": parts,
        "calibration": {"n": 0, "seed": 0, "sha256": "", "pictures": []},
        "versions": {},
        "unreadable": [],
    }
