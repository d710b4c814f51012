"""Faces that a detector found and faces that are annotated, and how both are read from files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from maskwatch.errors import SourceError
from maskwatch.flow import Box
from training.pictures import voc

MIN_SIDE = 16.0  # pixels; annotated faces with a shorter side are ignored


@dataclass(frozen=True, slots=True)
class Found:
    """One face that a detector found."""

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


Findings = Mapping[str, list[Found]]  # picture, e.g. its stem -> found faces
Truths = Mapping[str, list[Truth]]  # the same names -> annotated faces


def truths(annotations: Path, min_side: float = MIN_SIDE) -> dict[str, list[Truth]]:
    """The annotated faces in every Pascal VOC file of a folder.

    Raises:
        SourceError: the folder holds no such file, or one cannot be parsed.
    """
    files = sorted(annotations.glob("*.xml"))
    if not files:
        raise SourceError(f"annotations {annotations}: no .xml file; expected Pascal VOC annotations")
    return {file.stem: as_truths(voc.read_annotation(file), min_side) for file in files}


def as_truths(faces: Iterable[voc.Annotation], min_side: float = MIN_SIDE) -> list[Truth]:
    """Annotated faces; those too small to judge are marked as ignored."""
    return [Truth(face.box, face.name, face.ignored or short_side(face.box) < min_side) for face in faces]


def findings(predictions: Path) -> dict[str, list[Found]]:
    """Found faces by file stem, which the annotation has too, from the lines that `maskwatch detect --json` prints.

    Raises:
        SourceError: see `by_name`; or two pictures have the same stem.
    """
    found: dict[str, list[Found]] = {}
    for name, faces in by_name(predictions).items():
        if (stem := Path(name).stem) in found:
            raise SourceError(
                f"{predictions}: two pictures have the name {stem} (the second is {name}); expected different names"
            )
        found[stem] = faces
    return found


def by_name(predictions: Path) -> dict[str, list[Found]]:
    """Found faces by the picture's name, as `maskwatch detect --json` prints it: the path below the given folder.

    Raises:
        SourceError: the file cannot be read, a line is not one of those, or two lines have the same name.
    """
    try:
        lines = predictions.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{predictions}: {error}; expected a file of `maskwatch detect --json`") from error
    found: dict[str, list[Found]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            name, faces = PurePosixPath(record["image"]).as_posix(), [_found(face) for face in record["faces"]]
        except (ValueError, KeyError, TypeError) as error:
            message = f"{predictions}:{number}: {error!r}; expected the lines of `maskwatch detect --json`"
            raise SourceError(message) from error
        if name in found:
            raise SourceError(
                f"{predictions}:{number}: a second picture with the name {name}; expected different names: "
                "run `maskwatch detect DIR --json` on the folder that contains all pictures"
            )
        found[name] = faces
    return found


def of_portraits(predictions: Path, root: Path, portraits: Sequence[Path]) -> dict[Path, list[Found]]:
    """Found faces by portrait. Both classes may have a file of the same name, so the class folder is part of the name.

    Args:
        predictions: the lines of `maskwatch detect ROOT --json`, whose names begin with the class folder. Lines of
            `detect` on the two class folders have no such names; they can be used if no file name occurs in both.
        root: contains with_mask/ and without_mask/.
        portraits: every photograph below them.

    Raises:
        SourceError: see `by_name`; or a name fits two portraits.
    """
    found = by_name(predictions)
    names = {path: path.relative_to(root) for path in portraits}
    classes = {name.parts[0] for name in names.values()}
    if any(name.partition("/")[0] in classes for name in found):
        return {path: found[name.as_posix()] for path, name in names.items() if name.as_posix() in found}
    portrait_of: dict[str, Path] = {}
    for path, name in names.items():
        short = name.relative_to(name.parts[0]).as_posix()
        if short in found and short in portrait_of:
            raise SourceError(
                f"{predictions}: {short} fits two portraits, {names[portrait_of[short]]} and {name}; "
                f"expected names with the class folder: run `maskwatch detect {root} --json`"
            )
        portrait_of[short] = path
    return {path: found[short] for short, path in portrait_of.items() if short in found}


def _found(face: Mapping[str, Any]) -> Found:
    box = Box(*(float(value) for value in face["box"]))
    return Found(box, float(face["score"]), face.get("label"), float(face.get("confidence", 1.0)))


def short_side(box: Box) -> float:
    """The shorter side of a box, pixels."""
    return min(box.width, box.height)
