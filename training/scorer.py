"""How well found faces and their labels fit annotated scenes: average precision, precision and recall, labels.

One rule for every detector, ours or another's. Annotated faces whose shorter side is under `min_side` pixels are
ignored, neither missed nor false, and so are unmatched found boxes that small. A found box matches the annotated face
it overlaps most, at an IoU of 0.5 or more; a face is matched once. Average precision is interpolated at 101 recalls,
as COCO does. An incorrectly worn mask counts as a face, and for neither label.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from maskwatch.errors import SourceError
from maskwatch.flow import Box, Label
from training import voc
from training.data import LABELS

MATCH_IOU = 0.5
NEAR_IGNORED_IOU = 0.3  # a box this close to an ignored face is not called false at a threshold
MIN_SIDE = 16.0  # pixels
RESAMPLED = 400  # times, for the interval of an average precision


@dataclass(frozen=True, slots=True)
class Found:
    """One face a detector found."""

    box: Box
    score: float  # 0–1
    label: str | None = None
    confidence: float = 1.0  # in the label, 0–1


@dataclass(frozen=True, slots=True)
class Truth:
    """One annotated face."""

    box: Box
    name: str
    ignored: bool


Findings = Mapping[str, list[Found]]  # image stem -> found faces
Truths = Mapping[str, list[Truth]]  # image stem -> annotated faces


def truths(annotations: Path, min_side: float = MIN_SIDE) -> dict[str, list[Truth]]:
    """Every Pascal VOC file of a folder.

    Raises:
        SourceError: the folder holds none, or one cannot be parsed.
    """
    files = sorted(annotations.glob("*.xml"))
    if not files:
        raise SourceError(f"annotations {annotations}: no .xml file; expected Pascal VOC annotations")
    return {file.stem: as_truths(voc.read_annotation(file), min_side) for file in files}


def as_truths(faces: Iterable[voc.Annotation], min_side: float = MIN_SIDE) -> list[Truth]:
    """Annotations with those too small to judge marked as ignored."""
    return [Truth(face.box, face.name, face.ignored or _short_side(face.box) < min_side) for face in faces]


def findings(predictions: Path) -> dict[str, list[Found]]:
    """The lines `maskwatch detect --json` prints.

    Raises:
        SourceError: a line is not one of those.
    """
    try:
        lines = predictions.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{predictions}: {error}; expected a file of `maskwatch detect --json`") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            found[Path(record["image"]).stem] = [_found(face) for face in record["faces"]]
        except (ValueError, KeyError, TypeError) as error:
            message = f"{predictions}:{number}: {error!r}; expected the lines of `maskwatch detect --json`"
            raise SourceError(message) from error
    return found


def _found(face: Mapping[str, Any]) -> Found:
    box = Box(*(float(value) for value in face["box"]))
    return Found(box, float(face["score"]), face.get("label"), float(face.get("confidence", 1.0)))


def _short_side(box: Box) -> float:
    return min(box.width, box.height)


def average_precision(
    found: Findings, annotated: Truths, keep: Callable[[str], bool] = lambda _: True, min_side: float = MIN_SIDE
) -> tuple[float, int]:
    """(average precision 0–1, number of faces judged) over the annotated faces whose name `keep` accepts."""
    rows, counts = _rows(found, annotated, keep, min_side)
    return _average_precision(np.concatenate([np.zeros((0, 2)), *rows]), sum(counts)), sum(counts)


def precision_interval(found: Findings, annotated: Truths, min_side: float = MIN_SIDE) -> tuple[float, float]:
    """95 % interval of the average precision, 0–1: RESAMPLED sets of as many pictures, drawn with replacement."""
    rows, counts = _rows(found, annotated, lambda _: True, min_side)
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(rows), size=len(rows)) for _ in range(RESAMPLED if rows else 0)]
    values = [
        _average_precision(np.concatenate([rows[at] for at in draw]), sum(counts[at] for at in draw)) for draw in draws
    ]
    low, high = np.percentile(values, (2.5, 97.5)) if values else (0.0, 0.0)
    return float(low), float(high)


def _rows(
    found: Findings, annotated: Truths, keep: Callable[[str], bool], min_side: float
) -> tuple[list[NDArray[np.float64]], list[int]]:
    """For each picture (N, 2) score and hit of its boxes that count, and the number of its faces that do."""
    asked = {stem: [face for face in faces if keep(face.name)] for stem, faces in annotated.items()}
    rows = [
        np.array(_hits(found.get(stem, []), faces, min_side), float).reshape(-1, 2) for stem, faces in asked.items()
    ]
    return rows, [sum(not face.ignored for face in faces) for faces in asked.values()]


def _average_precision(rows: NDArray[np.float64], count: int) -> float:
    """(N, 2) score and hit, and the number of faces there are -> 0–1."""
    if not len(rows) or not count:
        return 0.0
    hits = np.cumsum(rows[np.argsort(-rows[:, 0], kind="stable"), 1])
    recall = hits / count
    precision = np.maximum.accumulate((hits / np.arange(1, len(rows) + 1))[::-1])[::-1]
    reached = [precision[np.searchsorted(recall, at)] for at in np.linspace(0, 1, 101) if at <= recall[-1]]
    return float(sum(reached) / 101)


def _hits(found: list[Found], faces: list[Truth], min_side: float) -> list[tuple[float, bool]]:
    """(score, true or false) of each found box that counts."""
    rows = []
    used: set[int] = set()
    for face in sorted(found, key=lambda face: -face.score):
        overlap, at = _closest(face.box, faces, used)
        if overlap >= MATCH_IOU:
            if not faces[at].ignored:
                used.add(at)
                rows.append((face.score, True))
        elif _short_side(face.box) >= min_side:
            rows.append((face.score, False))
    return rows


def _closest(box: Box, faces: list[Truth], used: set[int]) -> tuple[float, int]:
    """(IoU, index) of the annotated face that overlaps most and is still free; (0, -1) if there is none."""
    free = [(box.iou(true.box), at) for at, true in enumerate(faces) if at not in used or true.ignored]
    return max(free, default=(0.0, -1))


@dataclass(slots=True)
class Tally:
    """Counts at one threshold."""

    matched: int = 0
    false: int = 0
    missed: int = 0
    bare: int = 0
    bare_called_masked: int = 0
    masked: int = 0
    masked_called_bare: int = 0

    @property
    def precision(self) -> float:
        """Found boxes that are faces, 0–1."""
        return self.matched / max(1, self.matched + self.false)

    @property
    def recall(self) -> float:
        """Faces that were found, 0–1."""
        return self.matched / max(1, self.matched + self.missed)

    @property
    def f1(self) -> float:
        """Of finding faces: harmonic mean of precision and recall, 0–1."""
        return 2 * self.matched / max(1, 2 * self.matched + self.false + self.missed)


def tally(found: Findings, annotated: Truths, threshold: float, min_side: float = MIN_SIDE) -> Tally:
    """Match every box that reaches the threshold, surest first, and count."""
    counts = Tally()
    for stem, faces in annotated.items():
        used: set[int] = set()
        sure = sorted((face for face in found.get(stem, []) if face.score >= threshold), key=lambda face: -face.score)
        for face in sure:
            overlap, at = _closest(face.box, faces, used)
            if overlap >= MATCH_IOU:
                if not faces[at].ignored:
                    used.add(at)
                    _count_label(counts, face.label, faces[at].name)
            elif _short_side(face.box) >= min_side and not (overlap >= NEAR_IGNORED_IOU and faces[at].ignored):
                counts.false += 1
        counts.missed += sum(1 for at, true in enumerate(faces) if not true.ignored and at not in used)
    return counts


def _count_label(counts: Tally, label: str | None, name: str) -> None:
    counts.matched += 1
    if label and name == Label.WITHOUT_MASK:
        counts.bare += 1
        counts.bare_called_masked += label != name
    elif label and name == Label.WITH_MASK:
        counts.masked += 1
        counts.masked_called_bare += label != name


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
    """How right the labels of the found faces are."""
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


def score_portraits(found: Findings, portraits: Mapping[str, str]) -> dict[str, Any]:
    """The whole pipeline on portraits: the label of each picture's largest face against its class.

    Args:
        found: by image stem. A picture without a face, or not among them, counts as wrong.
        portraits: image stem -> label.
    """
    answers = {stem: _largest(found.get(stem, [])) for stem in portraits}
    right = sum(answers[stem] == label for stem, label in portraits.items())

    def called(truth: Label, answer: Label | None) -> int:
        return sum(label == truth and answers[stem] == answer for stem, label in portraits.items())

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


def interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22); of nothing, 0 to 1."""
    if not n:
        return 0.0, 1.0
    found = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def _rounded(ends: tuple[float, float]) -> list[float]:
    return [round(end, 4) for end in ends]
