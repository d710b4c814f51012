"""Matches found boxes with annotated faces, and counts the matches at one threshold.

The rule is the same for every detector. Annotated faces whose shorter side is under `min_side` pixels are ignored:
they do not count as missed. A found box below that size that matches no face does not count as false. A found box
matches the annotated face that it overlaps most, if the IoU is at least 0.5; a face is matched once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maskwatch.flow import Box, Label
from training.judging.detections import MIN_SIDE, Findings, Found, Truth, Truths, short_side

MATCH_IOU = 0.5
NEAR_IGNORED_IOU = 0.3  # a box that overlaps an ignored face this much is not counted as false at a threshold


def closest(box: Box, faces: Sequence[Truth], used: set[int]) -> tuple[float, int]:
    """(IoU, index) of the annotated face with the largest overlap that is not used yet; (0, -1) if there is none."""
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
        """F1 of finding faces: harmonic mean of precision and recall, 0–1."""
        return 2 * self.matched / max(1, 2 * self.matched + self.false + self.missed)


def tally(found: Findings, annotated: Truths, threshold: float, min_side: float = MIN_SIDE) -> Tally:
    """Match every box that reaches the threshold, the highest score first, and count."""
    counts = Tally()
    for stem, faces in annotated.items():
        matched, false = match(found.get(stem, []), faces, threshold, min_side)
        for at, face in matched.items():
            _count_label(counts, face.label, faces[at].name)
        counts.false += len(false)
        counts.missed += sum(1 for at, true in enumerate(faces) if not true.ignored and at not in matched)
    return counts


def match(
    found: Iterable[Found], faces: Sequence[Truth], threshold: float, min_side: float = MIN_SIDE
) -> tuple[dict[int, Found], list[Found]]:
    """Match one picture's boxes that reach the threshold, the highest score first.

    Returns:
        The matching boxes by index of their face, and the false boxes. Boxes on an ignored face are in neither.
    """
    matched: dict[int, Found] = {}
    false = []
    for face in sorted((face for face in found if face.score >= threshold), key=lambda face: -face.score):
        overlap, at = closest(face.box, faces, set(matched))
        if overlap >= MATCH_IOU:
            if not faces[at].ignored:
                matched[at] = face
        elif short_side(face.box) >= min_side and not (overlap >= NEAR_IGNORED_IOU and faces[at].ignored):
            false.append(face)
    return matched, false


def _count_label(counts: Tally, label: str | None, name: str) -> None:
    counts.matched += 1
    if label and name == Label.WITHOUT_MASK:
        counts.bare += 1
        counts.bare_called_masked += label != name
    elif label and name == Label.WITH_MASK:
        counts.masked += 1
        counts.masked_called_bare += label != name
