"""The face finder, float against int8, face by face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convert.samples import Example
from maskwatch import detector
from maskwatch.flow import Image
from maskwatch.runtime import Floats
from training import scorer
from training.scorer import Found

Maps = Callable[[Image], Sequence[Floats]]  # (S, S, 3) uint8 RGB -> score and box maps
FAINT = 0.05  # 0–1; fainter boxes would not change an average precision


@dataclass(frozen=True, slots=True)
class Change:
    """A face that only one of the two models reports."""

    name: str
    face: Found
    lost: bool  # the float model reports it, int8 does not; otherwise the other way round

    def record(self) -> dict[str, Any]:
        """Ready for JSON; the box in pixels of the input."""
        box = self.face.box
        return {
            "image": self.name,
            "change": "lost" if self.lost else "gained",
            "box": [round(value, 1) for value in (box.left, box.top, box.right, box.bottom)],
            "score": round(self.face.score, 4),
        }


@dataclass(frozen=True, slots=True)
class FaceJudgement:
    """What both models found on the validation pictures, and the figures that follow."""

    float_: Mapping[str, list[Found]]  # picture -> faces, FAINT and above
    int8: Mapping[str, list[Found]]
    truths: Mapping[str, list[scorer.Truth]]
    views: Mapping[str, str]  # picture -> frame or portrait
    threshold: float  # 0–1, from here on a face is reported

    def ap50(self, found: Mapping[str, list[Found]], view: str | None = None) -> float:
        """Average precision in %, of all pictures or of one view."""
        asked = {name: faces for name, faces in self.truths.items() if view in (None, self.views[name])}
        return 100 * scorer.average_precision(found, asked)[0]

    def reported(self, found: Mapping[str, list[Found]], name: str) -> list[Found]:
        """The faces of a picture at the threshold."""
        return [face for face in found[name] if face.score >= self.threshold]

    @property
    def changes(self) -> list[Change]:
        """Every face that one model reports and the other does not."""
        rows = []
        for name in self.truths:
            before, after = self.reported(self.float_, name), self.reported(self.int8, name)
            rows += [Change(name, face, lost=True) for face in _without(before, after)]
            rows += [Change(name, face, lost=False) for face in _without(after, before)]
        return rows

    def measures(self) -> dict[str, float]:
        """What the gates ask for."""
        reported = sum(len(self.reported(self.float_, name)) for name in self.truths)
        lost = sum(change.lost for change in self.changes)
        return {
            "ap50": self.ap50(self.int8),
            "ap50_drop": self.ap50(self.float_) - self.ap50(self.int8),
            "kept_faces": 100 * (1 - lost / reported) if reported else float("nan"),
        }

    def metrics(self) -> dict[str, Any]:
        """The figures with their counts, for the card and the report, in %."""
        figures = {
            view: {
                "pictures": sum(view == other for other in self.views.values()),
                "ap50_float": round(self.ap50(self.float_, view), 2),
                "ap50_int8": round(self.ap50(self.int8, view), 2),
            }
            for view in sorted(set(self.views.values()))
        }
        counts = scorer.tally(self.int8, self.truths, self.threshold)
        return {
            "pictures": len(self.truths),
            "faces": sum(not face.ignored for faces in self.truths.values() for face in faces),
            "ap50_float": round(self.ap50(self.float_), 2),
            "ap50_int8": round(self.ap50(self.int8), 2),
            "threshold": self.threshold,
            "precision_int8": round(100 * counts.precision, 2),
            "recall_int8": round(100 * counts.recall, 2),
            "lost": sum(change.lost for change in self.changes),
            "gained": sum(not change.lost for change in self.changes),
            "by_view": figures,
        }

    def listed(self) -> list[dict[str, Any]]:
        """Every change."""
        return [change.record() for change in self.changes]


def _without(faces: list[Found], others: list[Found]) -> list[Found]:
    """The faces that none of the others overlaps."""
    return [face for face in faces if all(face.box.iou(other.box) < scorer.MATCH_IOU for other in others)]


def judge(examples: Iterable[Example], float_: Maps, int8: Maps, threshold: float) -> FaceJudgement:
    """Show every picture to both models.

    Args:
        examples: the validation pictures, letterboxed.
        float_: the float model.
        int8: the quantized model, run as the device runs it.
        threshold: a face at or above is reported, 0–1.
    """
    before, after, truths, views = {}, {}, {}, {}
    for example in examples:
        before[example.name], after[example.name] = find(float_, example.image), find(int8, example.image)
        truths[example.name], views[example.name] = list(example.faces), example.view
    return FaceJudgement(before, after, truths, views, threshold)


def find(maps: Maps, image: Image) -> list[Found]:
    """The faces in one input, FAINT and above, in its pixels."""
    boxes, scores = detector.decode(maps(image), len(image), FAINT)
    kept = detector.non_maximum_suppression(boxes, scores)
    return [Found(face.box, face.score) for face in detector.as_faces(boxes[kept], scores[kept])]
