"""faces.tsv: the faces in portraits, found by our own finder, for photographs without annotations.

A table with tabs and a header, a row a face: `path` (within DATA), `x1, y1, x2, y2` (left, top, right, bottom in pixels
of the photograph; a box may reach outside it) and `score` (0–1, the finder's). Training cuts faces out by it, like the
device does; a photograph without a row is only used whole.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskwatch.errors import ConfigError, SourceError
from maskwatch.flow import Face, Image
from maskwatch.system import whole_file
from maskwatch.vision import bundle, decoding
from maskwatch.vision.finder import SingleShotDetector
from training.pictures import contact_sheet, data, quick
from training.runs.progress import track

logger = logging.getLogger(__name__)
LEAST_SCORE = 0.3  # 0–1; lower than at a door, because a portrait is sure to show a face
SHEET = "faces.png"
SHOWN = 48  # photographs of each kind on the sheet: without a face, with the lowest scores, and some of the rest
SIDE = 128  # pixels of a picture on the sheet
BOX = (255, 60, 0)


@dataclass(frozen=True, slots=True)
class Looked:
    """A photograph and the faces found in it, surest first."""

    path: Path
    faces: tuple[Face, ...]


def write(root: Path, finders: Sequence[Path], min_score: float, force: bool) -> list[Looked]:
    """Write root/faces.tsv, and root/faces.png with the boxes drawn in: check it before a training.

    Args:
        root: with_mask/ and without_mask/.
        finders: bundles of task face; the boxes of several, for near and far faces, are joined.
        min_score: a face of a lower score is left out, 0–1.
        force: whether an existing faces.tsv is overwritten.

    Raises:
        ConfigError: faces.tsv exists already.
        ModelError: a finder cannot be used.
        SourceError: a folder of photographs is missing, or none of them can be read.
    """
    table = root / data.FACES
    if table.exists() and not force:
        raise ConfigError(f"data {root}: has a {data.FACES} already; look at it, or give --force to write it anew")
    opened = [SingleShotDetector(bundle.read(path, "face"), min_score, threads=2) for path in finders]
    paths = [path for label in data.LABELS for path in data.class_files(root, label)]
    looked = list(look(opened, paths))
    if not looked:
        raise SourceError(f"data {root}: no photograph that can be read; expected some in {' and '.join(data.LABELS)}")
    whole_file.write(table, text(root, looked))
    contact_sheet.write(list(pictures(looked)), root / SHEET, side=SIDE)
    return looked


def look(finders: Sequence[SingleShotDetector], paths: Sequence[Path]) -> Iterator[Looked]:
    """Find the faces in every readable photograph; unreadable ones are named."""
    for path in track(paths, "Looking for faces"):
        try:
            image = data.read_rgb(path)
        except SourceError as error:
            logger.warning("%s", error)
            continue
        yield Looked(path, joined([face for finder in finders for face in finder.find(image)]))


def joined(faces: Sequence[Face]) -> tuple[Face, ...]:
    """Each face once, even if several finders found it."""
    if not faces:
        return ()
    boxes = np.array([(face.box.left, face.box.top, face.box.right, face.box.bottom) for face in faces], np.float32)
    kept = decoding.non_maximum_suppression(boxes, np.array([face.score for face in faces], np.float32))
    return tuple(faces[place] for place in kept)


def text(root: Path, looked: Sequence[Looked]) -> str:
    """The table as text."""
    stream = io.StringIO()
    rows = csv.writer(stream, delimiter="\t", lineterminator="\n")
    rows.writerow(data.FACE_COLUMNS)
    for each in looked:
        for face in each.faces:
            box = (face.box.left, face.box.top, face.box.right, face.box.bottom)
            rows.writerow(
                [each.path.relative_to(root).as_posix(), *(f"{side:.1f}" for side in box), f"{face.score:.4f}"]
            )
    return stream.getvalue()


def pictures(looked: Sequence[Looked]) -> Iterator[tuple[Image, str]]:
    """For a contact sheet: photographs without a face, those with the lowest scores, and some of the rest."""
    none = [each for each in looked if not each.faces]
    found = sorted((each for each in looked if each.faces), key=lambda each: each.faces[0].score)
    shown = [*quick.few(none, SHOWN), *found[:SHOWN], *quick.few(found[SHOWN:], SHOWN)]
    for each in shown:
        said = (
            f"{each.faces[0].score:.2f}" + f" +{len(each.faces) - 1}" * (len(each.faces) > 1) if each.faces else "none"
        )
        yield _drawn(each), f"{said} {each.path.name}"


def _drawn(looked: Looked) -> Image:
    """The photograph, shrunk into a square, with a frame around each face."""
    image = data.read_rgb(looked.path)
    scale = SIDE / max(image.shape[:2])
    small = cv2.resize(image, (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))))
    for face in looked.faces:
        box = (np.array([face.box.left, face.box.top, face.box.right, face.box.bottom]) * scale).round().astype(int)
        cv2.rectangle(small, box[:2].tolist(), box[2:].tolist(), BOX, 1)
    square = np.full((SIDE, SIDE, 3), 255, np.uint8)
    square[: small.shape[0], : small.shape[1]] = small
    return square


def lines(root: Path, looked: Sequence[Looked]) -> Iterator[str]:
    """A summary for people."""
    found = sum(bool(each.faces) for each in looked)
    several = sum(len(each.faces) > 1 for each in looked)
    share = 100 * found / len(looked)
    yield f"wrote {root / data.FACES}: a face in {found} of {len(looked)} photographs ({share:.1f} %)"
    yield f"several faces in {several}; each photograph is learnt whole, and its largest face cut out"
    yield f"wrote {root / SHEET}: those without a face and the least sure ones come first; look at it before you train"
