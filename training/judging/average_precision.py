"""Average precision, interpolated at 101 recalls as in COCO. Boxes match faces as in training.judging.matching."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.judging.detections import MIN_SIDE, Findings, Found, Truth, Truths, short_side
from training.judging.matching import MATCH_IOU, closest

RESAMPLED = 400  # sets of pictures that are drawn for the interval of an average precision


def average_precision(
    found: Findings,
    annotated: Truths,
    keep: Callable[[str], bool] = lambda _: True,
    min_side: float = MIN_SIDE,
    iou: float = MATCH_IOU,
) -> tuple[float, int]:
    """(average precision 0–1, number of faces judged) over the annotated faces whose name `keep` accepts.

    `iou`: the overlap from which a found box counts as matching.
    """
    rows, counts = _rows(found, annotated, keep, min_side, iou)
    return _average_precision(np.concatenate([np.zeros((0, 2)), *rows]), sum(counts)), sum(counts)


def precision_interval(found: Findings, annotated: Truths, min_side: float = MIN_SIDE) -> tuple[float, float]:
    """95 % interval of the average precision, 0–1, from RESAMPLED sets of as many pictures drawn with replacement."""
    values = resampled_precisions(found, annotated, min_side, RESAMPLED)
    low, high = np.percentile(values, (2.5, 97.5)) if len(values) else (0.0, 0.0)
    return float(low), float(high)


def resampled_precisions(found: Findings, annotated: Truths, min_side: float, times: int) -> NDArray[np.float64]:
    """(times,) average precisions, 0–1, of as many pictures drawn with replacement; empty without pictures.

    Two detectors on the same pictures get the same draws, so their difference can be computed draw by draw.
    """
    rows, counts = _rows(found, annotated, lambda _: True, min_side, MATCH_IOU)
    if not rows:
        return np.zeros(0)
    boxes, picture = np.concatenate(rows), np.repeat(np.arange(len(rows)), list(map(len, rows)))
    order = np.argsort(-boxes[:, 0], kind="stable")
    hits, picture = boxes[order, 1], picture[order]
    rng = np.random.default_rng(0)
    draws = [np.bincount(rng.integers(len(rows), size=len(rows)), minlength=len(rows)) for _ in range(times)]
    return np.array([_interpolated(hits, draw[picture], int(draw @ counts)) for draw in draws])


def _rows(
    found: Findings, annotated: Truths, keep: Callable[[str], bool], min_side: float, iou: float
) -> tuple[list[NDArray[np.float64]], list[int]]:
    """For each picture, (N, 2) score and hit of its boxes that count, and the number of its faces that count."""
    kept = {stem: [face for face in faces if keep(face.name)] for stem, faces in annotated.items()}
    rows = [
        np.array(_hits(found.get(stem, []), faces, min_side, iou), float).reshape(-1, 2) for stem, faces in kept.items()
    ]
    return rows, [sum(not face.ignored for face in faces) for faces in kept.values()]


def _average_precision(rows: NDArray[np.float64], count: int) -> float:
    """(N, 2) score and hit, and the number of annotated faces -> average precision, 0–1."""
    return _interpolated(rows[np.argsort(-rows[:, 0], kind="stable"), 1], np.ones(len(rows), np.int64), count)


def _interpolated(hits: NDArray[np.float64], times: NDArray[np.int64], count: int) -> float:
    """Average precision, 0–1: (N,) hits by falling score, (N,) how often each occurs, the number of faces."""
    if not len(hits) or not count:
        return 0.0
    reached = np.cumsum(hits * times)
    recall, precision = reached / count, reached / np.maximum(np.cumsum(times), 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    recalls = np.linspace(0, 1, 101)
    return float(best[np.searchsorted(recall, recalls[recalls <= recall[-1]])].sum() / 101)


def _hits(found: list[Found], faces: list[Truth], min_side: float, iou: float) -> list[tuple[float, bool]]:
    """(score, true or false) of each found box that counts."""
    rows = []
    used: set[int] = set()
    for face in sorted(found, key=lambda face: -face.score):
        overlap, at = closest(face.box, faces, used)
        if overlap >= iou:
            if not faces[at].ignored:
                used.add(at)
                rows.append((face.score, True))
        elif short_side(face.box) >= min_side:
            rows.append((face.score, False))
    return rows
