"""Where each system is weak: faces found, and labels right, by the faces' traits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from training.pictures import data
from training.strangers import measures
from training.strangers.measures import FaceResult, Row
from training.strangers.systems import System
from training.strangers.watch import PictureResult

MIN_FACES = 8  # in a slice that is reported
MIN_FACES_WEAK = 20  # in a slice that may be called weak
SMALLEST = 16.0  # pixels; slices by size count faces from here on, all others from the table's smallest side on


def slices(
    results: Sequence[PictureResult], system: System, min_side: float
) -> dict[tuple[str, str], list[FaceResult]]:
    """(kind, slice) -> its faces."""
    found: dict[tuple[str, str], list[FaceResult]] = {}
    for face in measures.face_results(results, system, min(SMALLEST, min_side)):
        box = face.picture_result.picture.faces[face.at].box
        large = min(box.width, box.height) >= min_side
        for trait in face.traits.items():
            if large or trait[0].startswith("size"):
                found.setdefault(trait, []).append(face)
    return dict(sorted(found.items()))


def rows(results: Sequence[PictureResult], system: System, min_side: float) -> list[Row]:
    """For each slice: faces found; and right labels among found faces of a known class."""
    made = []
    for (kind, name), faces in slices(results, system, min_side).items():
        if len(faces) >= MIN_FACES:
            made.append(measures.share("found", kind, system.name, name, [face.found is not None for face in faces]))
        judged = labelled(faces)
        if system.labels and len(judged) >= MIN_FACES:
            made.append(measures.share("right", kind, system.name, name, [is_right(face) for face in judged]))
    return made


def labelled(faces: Iterable[FaceResult]) -> list[FaceResult]:
    """The found faces with a known class."""
    return [face for face in faces if face.found and face.name in data.CLASSES]


def is_right(face: FaceResult) -> bool:
    """Whether a found face has the right label."""
    return face.found is not None and measures.right(str(face.found.label), face.name)


def weakest(found: Iterable[Row], about: str, system: str, count: int) -> list[Row]:
    """The slices that are most surely weak: their interval has the lowest upper end."""
    weak = [
        row
        for row in found
        if row.about == about
        and row.system == system
        and row.n >= MIN_FACES_WEAK
        and row.interval95
        and row.hits != row.n
    ]
    return sorted(weak, key=lambda row: row.interval95[1] if row.interval95 else 1.0)[:count]
