"""Sorts a finder's mistakes by kind, to show what a training must mend (after Bolya et al. 2020, arXiv 2008.08115).

A badly placed box counts twice: as a false box, and as a missed face.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from training.judging.detections import MIN_SIDE, Findings, Found, Truth, Truths
from training.judging.matching import MATCH_IOU, match

BESIDE_IOU = 0.2  # from this overlap on, a false box is on the face, but badly placed


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Counts at one threshold."""

    found: int = 0
    false_misplaced: int = 0  # on a face, with an overlap from BESIDE_IOU to MATCH_IOU
    false_doubled: int = 0  # the face has a better box already
    false_nothing: int = 0  # on no annotated face
    missed_misplaced: int = 0  # a box from the threshold on is on it, badly placed
    missed_score: int = 0  # a box that fits has a score below the threshold
    missed_nothing: int = 0

    @property
    def false(self) -> int:
        """False boxes."""
        return self.false_misplaced + self.false_doubled + self.false_nothing

    @property
    def missed(self) -> int:
        """Missed faces."""
        return self.missed_misplaced + self.missed_score + self.missed_nothing


def of(found: Findings, annotated: Truths, threshold: float, min_side: float = MIN_SIDE) -> Mistakes:
    """Count by kind; which boxes and faces are judged is as in training.judging.matching.

    Args:
        found: boxes from a score on that is well below `threshold`.
        annotated: the annotated faces of the same pictures.
        threshold: score, 0–1.
        min_side: pixels; see matching.
    """
    counts: Counter[str] = Counter()
    for name, faces in annotated.items():
        boxes = found.get(name, [])
        matched, false = match(boxes, faces, threshold, min_side)
        counts["found"] += len(matched)
        counts.update(f"false_{_kind_of_false(box, faces)}" for box in false)
        counts.update(
            f"missed_{_kind_of_missed(face, boxes, threshold)}"
            for at, face in enumerate(faces)
            if not face.ignored and at not in matched
        )
    return Mistakes(**counts)


def _kind_of_false(box: Found, faces: Sequence[Truth]) -> str:
    overlap = max((box.box.iou(face.box) for face in faces), default=0.0)
    return "doubled" if overlap >= MATCH_IOU else "misplaced" if overlap >= BESIDE_IOU else "nothing"


def _kind_of_missed(face: Truth, boxes: Sequence[Found], threshold: float) -> str:
    overlaps = [(box.box.iou(face.box), box.score >= threshold) for box in boxes]
    if any(overlap >= BESIDE_IOU and sure for overlap, sure in overlaps):
        return "misplaced"
    return "score" if any(overlap >= MATCH_IOU for overlap, _ in overlaps) else "nothing"


def summary(mistakes: Mistakes) -> dict[str, int]:
    """Ready for JSON."""
    return asdict(mistakes)


def line(kinds: Mistakes) -> str:
    """In words."""
    return (
        f"{kinds.false} false boxes: {kinds.false_misplaced} badly placed on a face, {kinds.false_doubled} second "
        f"ones, {kinds.false_nothing} on nothing annotated; {kinds.missed} missed faces: {kinds.missed_misplaced} "
        f"badly placed, {kinds.missed_score} with a lower score, {kinds.missed_nothing} without a box"
    )
