"""Compares found faces and their labels with annotated scenes; gives figures ready for JSON.

A mask worn wrong counts as a face, but for neither label. training.judging.matching says which box belongs to which
face.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from maskwatch.flow import Label
from training.judging.average_precision import average_precision, precision_interval
from training.judging.detections import MIN_SIDE, Findings, Found, Truths
from training.judging.matching import tally
from training.judging.wilson import interval
from training.pictures.data import LABELS

Portrait = TypeVar("Portrait", str, Path)


def score(found: Findings, annotated: Truths, threshold: float = 0.0, min_side: float = MIN_SIDE) -> dict[str, Any]:
    """Every figure, ready for JSON: the faces, and their labels."""
    return {
        **score_faces(found, annotated, threshold, min_side),
        **score_labels(found, annotated, threshold, min_side),
    }


def score_faces(found: Findings, annotated: Truths, threshold: float, min_side: float = MIN_SIDE) -> dict[str, Any]:
    """How well the faces were found, whatever their labels."""
    face_ap, faces = average_precision(found, annotated, min_side=min_side)
    counts = tally(found, annotated, threshold, min_side)
    return {
        "images": len(annotated),
        "min_side": min_side,
        "faces": faces,
        "face_ap50": round(face_ap, 4),
        "face_ap50_interval95": _rounded(precision_interval(found, annotated, min_side)),
        "threshold": threshold,
        "recall": round(counts.recall, 4),
        "recall_interval95": _rounded(interval(counts.matched, counts.matched + counts.missed)),
        "precision": round(counts.precision, 4),
        "precision_interval95": _rounded(interval(counts.matched, counts.matched + counts.false)),
    }


def score_labels(found: Findings, annotated: Truths, threshold: float, min_side: float = MIN_SIDE) -> dict[str, Any]:
    """How often the labels of the found faces are right."""
    result: dict[str, Any] = {}
    for label in LABELS:
        weighed = {
            stem: [Found(face.box, face.score * face.confidence) for face in faces if face.label == label]
            for stem, faces in found.items()
        }
        label_ap, count = average_precision(weighed, annotated, lambda name, label=label: name == label, min_side)
        result |= {f"{label}_ap50": round(label_ap, 4), f"{label}_n": count}
    counts = tally(found, annotated, threshold, min_side)
    judged = counts.bare + counts.masked
    wrong = counts.bare_called_masked + counts.masked_called_bare
    return result | {
        "label_accuracy": round(1 - wrong / judged, 4) if judged else None,
        "label_interval95": _rounded(interval(judged - wrong, judged)) if judged else None,
        "bare_called_masked": f"{counts.bare_called_masked}/{counts.bare}",
        "masked_called_bare": f"{counts.masked_called_bare}/{counts.masked}",
    }


def score_portraits(found: Mapping[Portrait, list[Found]], portraits: Mapping[Portrait, str]) -> dict[str, Any]:
    """The whole pipeline on portraits: the label of each picture's largest face against its class.

    Args:
        found: portrait (its path or another unique name) -> faces. A portrait without a face, or missing here, counts
            as wrong.
        portraits: portrait -> label.
    """
    answers = {portrait: _largest(found.get(portrait, [])) for portrait in portraits}
    right = sum(answers[portrait] == label for portrait, label in portraits.items())

    def called(truth: Label, answer: Label | None) -> int:
        return sum(label == truth and answers[portrait] == answer for portrait, label in portraits.items())

    return {
        "images": len(portraits),
        "right": right,
        "accuracy": round(right / len(portraits), 4),
        "interval95": _rounded(interval(right, len(portraits))),
        "no_face": sum(answer is None for answer in answers.values()),
        "bare_called_masked": called(Label.WITHOUT_MASK, Label.WITH_MASK),
        "masked_called_bare": called(Label.WITH_MASK, Label.WITHOUT_MASK),
    }


def _largest(faces: list[Found]) -> str | None:
    """The label of the largest face."""
    return max(faces, key=lambda face: face.box.area).label if faces else None


def _rounded(ends: tuple[float, float]) -> list[float]:
    return [round(end, 4) for end in ends]
