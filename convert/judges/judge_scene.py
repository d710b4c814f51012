"""Compares a scene model's variants with the float model, verdict by verdict: a verdict is a face and its label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert import intervals
from convert.judges import judge_face
from convert.judges.judge_face import FAINT, THRESHOLDS, FaceJudgement, Maps
from convert.recipe import REFERENCE, Variant
from convert.samples import Example
from maskwatch.flow import Image
from training.judging import scene_scores
from training.judging.detections import Found
from training.judging.matching import MATCH_IOU
from training.yolo import yolo_boxes
from training.yolo.yolo_boxes import Anchors


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A face that both models report with different labels."""

    name: str
    before: Found
    after: Found

    def record(self, variant: Variant) -> dict[str, Any]:
        """Ready for JSON; the box in pixels of the input."""
        box = self.before.box
        return {
            "image": self.name,
            "change": f"{self.before.label} -> {self.after.label}",
            "box": [round(value, 1) for value in (box.left, box.top, box.right, box.bottom)],
            "float": round(self.before.score, 4),
            variant: round(self.after.score, 4),
        }


@dataclass(frozen=True, slots=True, eq=False)
class SceneJudgement(FaceJudgement):
    """The faces that every variant found on the pictures, and the figures computed from them."""

    def relabelled(self, variant: Variant) -> list[Relabelled]:
        """Every face that both models report, with different labels."""
        return [
            Relabelled(name, before, after)
            for name in self.truths
            for before, after in _pairs(self.reported(REFERENCE, name), self.reported(variant, name))
            if after.label != before.label
        ]

    def measures(self, variant: Variant) -> dict[str, float]:
        """The measures of the gates: those of faces, and the share of the float model's verdicts that are kept."""
        found = FaceJudgement.measures(self, variant)
        reported = sum(len(self.reported(REFERENCE, name)) for name in self.truths)
        lost = sum(change.lost for change in self.changed(variant)) + len(self.relabelled(variant))
        before, after = (
            100 * scene_scores.mean(scene_scores.precisions(self.found[model], self.truths))
            for model in (REFERENCE, variant)
        )
        kept = 100 * (1 - lost / reported) if reported else float("nan")
        return {**found, "map50": after, "map50_drop": before - after, "kept_verdicts": kept}

    def figures(self, variant: Variant) -> dict[str, Any]:
        """The figures with their counts and intervals, for the card and the report, in %."""
        by_class = scene_scores.precisions(self.found[variant], self.truths)
        counts = scene_scores.tally(self.found[variant], self.truths, self.threshold)
        called, annotated = counts.matched + counts.false, counts.matched + counts.missed
        found = {
            "map50": round(100 * scene_scores.mean(by_class), 2),
            "class_ap50": {name: {"value": round(100 * value, 2), "n": n} for name, (value, n) in by_class.items()},
            "verdict_precision": intervals.share(np.arange(called) < counts.matched),
            "verdict_recall": intervals.share(np.arange(annotated) < counts.matched),
            **FaceJudgement.figures(self, variant),
        }
        return found if variant == REFERENCE else {**found, "relabelled": len(self.relabelled(variant))}

    def changes(self, variant: Variant) -> list[dict[str, Any]]:
        """Every face that is lost, gained or relabelled, with both scores."""
        return FaceJudgement.changes(self, variant) + [face.record(variant) for face in self.relabelled(variant)]

    def curve(self, variant: Variant) -> dict[str, list[float]]:
        """Precision and recall of verdicts by threshold, in %."""
        tallies = [scene_scores.tally(self.found[variant], self.truths, float(at)) for at in THRESHOLDS]
        return {
            "threshold": THRESHOLDS.round(3).tolist(),
            "precision": [round(100 * counts.precision, 2) for counts in tallies],
            "recall": [round(100 * counts.recall, 2) for counts in tallies],
        }


def _pairs(before: Iterable[Found], after: Iterable[Found]) -> Iterator[tuple[Found, Found]]:
    """Pairs of the same face, each used once: for each face of `before`, the face of `after` that overlaps it most."""
    free = list(after)
    for face in before:
        found = max(free, key=lambda other: face.box.iou(other.box), default=None)
        if found is not None and face.box.iou(found.box) >= MATCH_IOU:
            free.remove(found)
            yield face, found


def judge(
    examples: Iterable[Example],
    models: Mapping[Variant, Maps],
    threshold: float,
    labels: Sequence[str],
    anchors: Anchors,
) -> SceneJudgement:
    """Run every variant on every picture.

    Args:
        examples: the pictures, letterboxed.
        models: each variant, run as the device runs it; one of them is REFERENCE.
        threshold: faces are reported from this score on, 0–1.
        labels: in the order of the outputs.
        anchors: the network's, pixels of the input.
    """

    def find(maps: Maps, image: Image) -> list[Found]:
        return yolo_boxes.find(maps(image), len(image), anchors, labels, FAINT)

    return SceneJudgement(*judge_face.show(examples, models, find), threshold)
