"""`maskwatch detect`: runs finder and classifier on image files, and formats the result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from maskwatch.camera.files import pictures
from maskwatch.camera.files.folder import Found
from maskwatch.daemon.looking import Finder
from maskwatch.daemon.parts import Classifier
from maskwatch.errors import SourceError
from maskwatch.flow import Box, Face, Verdict
from maskwatch.presence.zone import Zone
from maskwatch.system.library_chatter import muted_stderr
from maskwatch.text.printable import one_line


@dataclass(frozen=True, slots=True)
class Still:
    """One image and who is in it."""

    name: str
    width: int  # pixels
    height: int  # pixels
    faces: tuple[tuple[Face, Verdict], ...]  # best score first


def inspect(
    found: Found, finder: Finder, classifier: Classifier, zone: Zone | None = None
) -> Iterator[Still | SourceError]:
    """Process every picture in order; yields an error for each picture or folder that cannot be read.

    Args:
        found: the pictures.
        finder: finds the faces.
        classifier: judges each face.
        zone: faces that do not count there are left out; None: all faces are kept.

    Raises:
        SourceError: there are no images.
    """
    yield from found.closed
    if not found.pictures and not found.closed:
        skipped = f"; {found.skipped_text()}" * bool(found.skipped)
        raise SourceError(f"no image found; expected files or folders of {pictures.KINDS}{skipped}")
    for name, path in found.pictures:
        try:
            with muted_stderr():  # decoders print warnings about damaged pictures
                image = pictures.read(path)
        except SourceError as error:
            yield error
            continue
        height, width = image.shape[:2]
        faces = [face for face in finder.find(image) if zone is None or zone.counts(face, width, height)]
        faces.sort(key=lambda face: -face.score)
        judged = tuple((face, classifier.verdict(classifier.crop(image, face))) for face in faces)
        yield Still(name, width, height, judged)


def json_line(still: Still) -> str:
    """The line of `maskwatch detect --json`; boxes are left, top, right, bottom in pixels.

    A byte of the file's name that is not UTF-8 becomes a lone surrogate, see os.fsdecode.
    """
    faces = [
        {
            "box": inside(face.box, still.width, still.height),
            "score": round(face.score, 4),
            "label": str(verdict.label),
            "confidence": round(verdict.score, 4),
        }
        for face, verdict in still.faces
    ]
    return json.dumps({"image": still.name, "width": still.width, "height": still.height, "faces": faces})


def text_line(still: Still) -> str:
    """The line for people: `door.jpg 640x480: without_mask 0.98 at 12,30 80,110`."""
    faces = [
        "{} {:.2f} at {:.0f},{:.0f} {:.0f},{:.0f}".format(
            verdict.label, verdict.score, *inside(face.box, still.width, still.height)
        )
        for face, verdict in still.faces
    ]
    return f"{one_line(still.name)} {still.width}x{still.height}: {'; '.join(faces) or 'no face'}"


def inside(box: Box, width: int, height: int) -> list[float]:
    """The part of a box inside the image: left, top, right, bottom in pixels."""
    sides = ((box.left, width), (box.top, height), (box.right, width), (box.bottom, height))
    return [round(float(min(max(side, 0.0), end)), 2) for side, end in sides]
