"""Compares the face finder's variants with the float model, face by face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert import intervals
from convert.recipe import REFERENCE, Variant
from convert.samples import Example
from maskwatch.flow import Image
from maskwatch.vision import decoding
from maskwatch.vision.quantization import Floats
from training.judging import matching
from training.judging.average_precision import average_precision, precision_interval
from training.judging.detections import Found, Truth
from training.judging.matching import MATCH_IOU, Tally

Maps = Callable[[Image], Sequence[Floats]]  # (S, S, 3) uint8 RGB -> score and box maps
Find = Callable[[Maps, Image], list[Found]]
FAINT = 0.05  # 0–1; fainter boxes would not change an average precision
THRESHOLDS = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True, slots=True)
class Change:
    """A face that only one of the two models reports."""

    name: str
    face: Found
    other: float  # 0–1, the best score of the other model's boxes at this face; 0 without a box
    lost: bool  # whether only the float model reports it; otherwise only the variant does

    def record(self, variant: Variant) -> dict[str, Any]:
        """Ready for JSON; the box in pixels of the input."""
        box, scores = self.face.box, (self.face.score, self.other)
        before, after = scores if self.lost else scores[::-1]
        return {
            "image": self.name,
            "change": "lost" if self.lost else "gained",
            "box": [round(value, 1) for value in (box.left, box.top, box.right, box.bottom)],
            "float": round(before, 4),
            variant: round(after, 4),
        }


@dataclass(frozen=True, slots=True, eq=False)
class FaceJudgement:
    """The faces that every variant found on the pictures, and the figures computed from them."""

    found: Mapping[Variant, Mapping[str, list[Found]]]  # picture -> faces, FAINT and above
    truths: Mapping[str, list[Truth]]
    views: Mapping[str, str]  # picture -> frame or portrait
    threshold: float  # 0–1, faces are reported from this score on

    def counts(self) -> dict[str, int]:
        """The number of annotated faces."""
        return {"faces": sum(not face.ignored for faces in self.truths.values() for face in faces)}

    def reported(self, variant: Variant, name: str) -> list[Found]:
        """The faces of a picture at the threshold."""
        return [face for face in self.found[variant][name] if face.score >= self.threshold]

    def changed(self, variant: Variant) -> list[Change]:
        """Every face that only the float model or only the variant reports."""
        return [
            Change(name, face, _score_there(face, self.found[other][name]), lost)
            for name in self.truths
            for one, other, lost in ((REFERENCE, variant, True), (variant, REFERENCE, False))
            for face in _without(self.reported(one, name), self.reported(other, name))
        ]

    def measures(self, variant: Variant) -> dict[str, float]:
        """The measures of the gates."""
        before, after = (100 * average_precision(self.found[model], self.truths)[0] for model in (REFERENCE, variant))
        reported = sum(len(self.reported(REFERENCE, name)) for name in self.truths)
        lost = sum(change.lost for change in self.changed(variant))
        kept = 100 * (1 - lost / reported) if reported else float("nan")
        return {"ap50": after, "ap50_drop": before - after, "kept_faces": kept}

    def figures(self, variant: Variant) -> dict[str, Any]:
        """The figures with their counts and intervals, for the card and the report, in %."""
        counts = matching.tally(self.found[variant], self.truths, self.threshold)
        return {
            "pictures": len(self.truths),
            "faces": sum(not face.ignored for faces in self.truths.values() for face in faces),
            "ap50": self._precision(variant, self.truths),
            "threshold": self.threshold,
            "precision": intervals.share(_hits(counts.matched, counts.false)),
            "recall": intervals.share(_hits(counts.matched, counts.missed)),
            "f1": _f1(counts),
            "by_view": {view: self._view(variant, view) for view in sorted(set(self.views.values()))},
            **({} if variant == REFERENCE else self._against(variant)),
        }

    def _view(self, variant: Variant, view: str) -> dict[str, Any]:
        truths = {name: faces for name, faces in self.truths.items() if self.views[name] == view}
        return {"pictures": len(truths), "ap50": self._precision(variant, truths)}

    def _precision(self, variant: Variant, truths: Mapping[str, list[Truth]]) -> dict[str, Any]:
        found = {name: self.found[variant][name] for name in truths}
        ends = precision_interval(found, truths)
        value = average_precision(found, truths)[0]
        return {"value": round(100 * value, 2), "interval95": [round(100 * end, 2) for end in ends]}

    def _against(self, variant: Variant) -> dict[str, Any]:
        """The difference from float. Agreement: among the faces that either reports, the share that both report."""
        changes = self.changed(variant)
        both = sum(len(self.reported(REFERENCE, name)) for name in self.truths) - sum(change.lost for change in changes)
        return {
            "lost": sum(change.lost for change in changes),
            "gained": sum(not change.lost for change in changes),
            "agreement": intervals.share(_hits(both, len(changes))),
            "drift": intervals.drift(self._drift(variant)),
        }

    def _drift(self, variant: Variant) -> intervals.Values:
        """The change of score, for every face that the float model reports and the variant finds at all."""
        pairs = (
            (face.score, _score_there(face, self.found[variant][name]))
            for name in self.truths
            for face in self.reported(REFERENCE, name)
        )
        return np.array([after - before for before, after in pairs if after], np.float32)

    def changes(self, variant: Variant) -> list[dict[str, Any]]:
        """Every face lost or gained, with both scores."""
        return [change.record(variant) for change in self.changed(variant)]

    def curve(self, variant: Variant) -> dict[str, list[float]]:
        """Precision and recall by threshold, in %."""
        tallies = [matching.tally(self.found[variant], self.truths, float(at)) for at in THRESHOLDS]
        return {
            "threshold": THRESHOLDS.round(3).tolist(),
            "precision": [round(100 * counts.precision, 2) for counts in tallies],
            "recall": [round(100 * counts.recall, 2) for counts in tallies],
        }


def _without(faces: list[Found], others: list[Found]) -> list[Found]:
    """The faces that overlap none of the others."""
    return [face for face in faces if all(face.box.iou(other.box) < MATCH_IOU for other in others)]


def _score_there(face: Found, others: list[Found]) -> float:
    """The best score among the faces that overlap; 0 if there is none."""
    return max((other.score for other in others if face.box.iou(other.box) >= MATCH_IOU), default=0.0)


def _f1(counts: Tally) -> dict[str, Any]:
    """F1 of finding faces, %: an unmatched box or an unmatched face counts as one mistake."""
    found = _hits(counts.matched + counts.false, counts.missed)
    false = np.arange(len(found)) - counts.matched
    return intervals.f1(found, (false < 0) | (false >= counts.false))


def _hits(hits: int, misses: int) -> intervals.Bools:
    return np.arange(hits + misses) < hits


def judge(examples: Iterable[Example], models: Mapping[Variant, Maps], threshold: float) -> FaceJudgement:
    """Run every variant on every picture.

    Args:
        examples: the pictures, letterboxed.
        models: each variant, run as the device runs it; one of them is REFERENCE.
        threshold: faces are reported from this score on, 0–1.
    """
    return FaceJudgement(*show(examples, models, find), threshold)


def show(
    examples: Iterable[Example], models: Mapping[Variant, Maps], find: Find
) -> tuple[dict[Variant, dict[str, list[Found]]], dict[str, list[Truth]], dict[str, str]]:
    """The faces that every variant found, the annotations, and the view of every picture."""
    found: dict[Variant, dict[str, list[Found]]] = {variant: {} for variant in models}
    truths: dict[str, list[Truth]] = {}
    views: dict[str, str] = {}
    for example in examples:
        for variant, model in models.items():
            found[variant][example.name] = find(model, example.image)
        truths[example.name], views[example.name] = list(example.faces), example.view
    return found, truths, views


def find(maps: Maps, image: Image) -> list[Found]:
    """The faces in one input with scores from FAINT on, in its pixels."""
    boxes, scores = decoding.decode(maps(image), len(image), FAINT)
    kept = decoding.non_maximum_suppression(boxes, scores)
    return [Found(face.box, face.score) for face in decoding.as_faces(boxes[kept], scores[kept])]
