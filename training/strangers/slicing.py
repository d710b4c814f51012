"""Where each system is weak: faces found, and labels right, by the faces' traits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from training.pictures import data
from training.strangers import measures
from training.strangers.measures import Met, Row
from training.strangers.systems import System
from training.strangers.watch import Seen

LEAST = 8  # smallest number of faces in a slice that is reported
LEAST_WORST = 20  # smallest number of faces in a slice that may be called weak
SMALLEST = 16.0  # pixels; slices by size start here, all others at the table's least side


def slices(seen: Sequence[Seen], system: System, min_side: float) -> dict[tuple[str, str], list[Met]]:
    """(kind, slice) -> its faces."""
    found: dict[tuple[str, str], list[Met]] = {}
    for each in measures.met(seen, system, min(SMALLEST, min_side)):
        box = each.seen.picture.faces[each.at].box
        large = min(box.width, box.height) >= min_side
        for trait in each.traits.items():
            if large or trait[0].startswith("size"):
                found.setdefault(trait, []).append(each)
    return dict(sorted(found.items()))


def rows(seen: Sequence[Seen], system: System, min_side: float) -> list[Row]:
    """For each slice: faces found; and right labels among found faces of a known class."""
    made = []
    for (kind, name), faces in slices(seen, system, min_side).items():
        if len(faces) >= LEAST:
            made.append(measures.share("found", kind, system.name, name, [face.found is not None for face in faces]))
        judged = labelled(faces)
        if system.labels and len(judged) >= LEAST:
            made.append(measures.share("right", kind, system.name, name, [is_right(face) for face in judged]))
    return made


def labelled(faces: Iterable[Met]) -> list[Met]:
    """The found faces with a known class."""
    return [face for face in faces if face.found and face.name in data.CLASSES]


def is_right(face: Met) -> bool:
    """Whether the label is."""
    return face.found is not None and measures.right(str(face.found.label), face.name)


def weakest(found: Iterable[Row], about: str, system: str, count: int) -> list[Row]:
    """The slices most surely weak: those whose interval ends lowest."""
    weak = [
        row
        for row in found
        if row.about == about and row.system == system and row.n >= LEAST_WORST and row.interval95 and row.hits != row.n
    ]
    return sorted(weak, key=lambda row: row.interval95[1] if row.interval95 else 1.0)[:count]
