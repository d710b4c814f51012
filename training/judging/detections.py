"""Faces that a detector found and faces that are annotated, and how both are read from files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.errors import SourceError
from maskwatch.flow import Box
from training.pictures import voc

MIN_SIDE = 16.0  # pixels; annotated faces with a shorter side are ignored


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
    """The annotated faces in every Pascal VOC file of a folder.

    Raises:
        SourceError: the folder holds none, or one cannot be parsed.
    """
    files = sorted(annotations.glob("*.xml"))
    if not files:
        raise SourceError(f"annotations {annotations}: no .xml file; expected Pascal VOC annotations")
    return {file.stem: as_truths(voc.read_annotation(file), min_side) for file in files}


def as_truths(faces: Iterable[voc.Annotation], min_side: float = MIN_SIDE) -> list[Truth]:
    """Annotated faces; those too small to judge are marked as ignored."""
    return [Truth(face.box, face.name, face.ignored or short_side(face.box) < min_side) for face in faces]


def findings(predictions: Path) -> dict[str, list[Found]]:
    """Read the lines that `maskwatch detect --json` prints.

    Raises:
        SourceError: the file cannot be read, or a line is not one of those.
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


def short_side(box: Box) -> float:
    """The shorter side of a box, pixels."""
    return min(box.width, box.height)
