"""Contact sheets of the weakest slices: faces that were missed, and faces with a wrong label. For the run's folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from maskwatch.flow import Image
from maskwatch.vision import preprocess
from training.pictures import contact_sheet
from training.strangers import slicing
from training.strangers.measures import FaceResult, Row
from training.strangers.pictures import PORTRAITS
from training.strangers.systems import System
from training.strangers.watch import PictureResult

WEAKEST = 5  # slices of a system, for missed faces and for wrong labels each
MOST = 96  # faces on a sheet
SIDE, MARGIN = 112, 0.6  # pixels of a tile; margin around the face, share of its side


def write(
    results: Sequence[PictureResult], opened: Sequence[System], rows: Sequence[Row], min_side: float, run: Path
) -> list[Path]:
    """Write a sheet for each weak slice of each of these systems; returns the paths."""
    run.mkdir(parents=True, exist_ok=True)
    scenes = [result for result in results if result.picture.source != PORTRAITS]
    written = []
    for system in opened:
        grouped = slicing.slices(scenes, system, min_side)
        for about in ("found", "right"):
            for row in slicing.weakest(rows, about, system.name, WEAKEST):
                wrong = _wrong(grouped[(row.source, row.measure)], about)[:MOST]
                place = run / f"{_slug(system.name)}-{about}-{_slug(f'{row.source} {row.measure}')}.png"
                contact_sheet.write([_tile(face) for face in wrong], place, side=SIDE)
                written.append(place)
    return written


def _wrong(faces: Sequence[FaceResult], about: str) -> list[FaceResult]:
    """The faces that make the slice weak."""
    if about == "found":
        return [face for face in faces if face.found is None]
    return [face for face in slicing.labelled(faces) if not slicing.is_right(face)]


def _tile(face: FaceResult) -> tuple[Image, str]:
    picture = face.picture_result.picture
    tile = preprocess.face_crop(picture.read(), picture.faces[face.at].box, SIDE, MARGIN)
    return tile, f"{picture.source[-5:]} {picture.path.stem[-6:]} {face.name[:5]}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
