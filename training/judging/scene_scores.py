"""Scores a detector with classes: a face with a wrong label counts as missed, and its box as false.

Each class is judged by the rules of training.judging.matching, on the boxes and annotations of that class alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from training.judging import matching, scorer
from training.judging.average_precision import average_precision
from training.judging.detections import Findings, Found, Truth, Truths
from training.judging.matching import MATCH_IOU, Tally
from training.pictures.data import CLASSES


def of(found: Findings, label: str) -> dict[str, list[Found]]:
    """The found faces of one class."""
    return {stem: [face for face in faces if face.label == label] for stem, faces in found.items()}


def annotated(truths: Truths, label: str) -> dict[str, list[Truth]]:
    """The annotated faces of one class, and all ignored faces. Faces of an unknown class are ignored."""
    judged = {stem: [_judged(face) for face in faces] for stem, faces in truths.items()}
    return {stem: [face for face in faces if face.ignored or face.name == label] for stem, faces in judged.items()}


def _judged(face: Truth) -> Truth:
    return face if face.name in CLASSES else replace(face, ignored=True)


def precisions(found: Findings, truths: Truths, iou: float = MATCH_IOU) -> dict[str, tuple[float, int]]:
    """Class -> (average precision 0–1, number of faces judged); a box matches from an overlap of `iou`."""
    return {str(name): average_precision(of(found, name), annotated(truths, name), iou=iou) for name in CLASSES}


def mean(precisions: dict[str, tuple[float, int]]) -> float:
    """mAP50, 0–1: the mean over the classes that occur."""
    values = [value for value, count in precisions.values() if count]
    return float(np.mean(values)) if values else 0.0


def tally(found: Findings, truths: Truths, threshold: float) -> Tally:
    """Matched, false and missed at one threshold, of all classes together."""
    counts = [matching.tally(of(found, name), annotated(truths, name), threshold) for name in CLASSES]
    return Tally(
        *(sum(getattr(tally_of_class, key) for tally_of_class in counts) for key in ("matched", "false", "missed"))
    )


def score(found: Findings, truths: Truths, threshold: float) -> dict[str, Any]:
    """Every figure, ready for JSON: faces whatever their class, each class, and verdicts at the threshold."""
    by_class, counts = precisions(found, truths), tally(found, truths, threshold)
    return {
        **scorer.score_faces(found, truths, threshold),
        "map50": round(mean(by_class), 4),
        **{f"{name}_ap50": round(value, 4) for name, (value, _) in by_class.items()},
        **{f"{name}_n": count for name, (_, count) in by_class.items()},
        "verdict_recall": round(counts.recall, 4),
        "verdict_precision": round(counts.precision, 4),
    }
