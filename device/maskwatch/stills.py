"""Finder and classifier run once over image files: what `maskwatch detect` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from maskwatch.camera import pictures
from maskwatch.camera.folder import Found
from maskwatch.errors import SourceError
from maskwatch.flow import Box, Face, Verdict
from maskwatch.parts import Finder, Judge
from maskwatch.printable import one_line
from maskwatch.quiet import muted_stderr


@dataclass(frozen=True, slots=True)
class Still:
    """One image and who is in it."""

    name: str
    width: int  # pixels
    height: int  # pixels
    faces: tuple[tuple[Face, Verdict], ...]  # best score first


def inspect(found: Found, detector: Finder, classifier: Judge) -> Iterator[Still | SourceError]:
    """Every picture in order; what cannot be read, or a folder that cannot be listed, comes as its error.

    Raises:
        SourceError: there is no image at all.
    """
    yield from found.closed
    if not found.pictures and not found.closed:
        told = f"; {found.told()}" * bool(found.passed_over)
        raise SourceError(f"no image found; expected files or folders of {pictures.KINDS}{told}")
    for name, path in found.pictures:
        try:
            with muted_stderr():  # what a decoder mutters about a damaged picture
                image = pictures.read(path)
        except SourceError as error:
            yield error
            continue
        faces = sorted(detector.find(image), key=lambda face: -face.score)
        judged = tuple((face, classifier.verdict(classifier.crop(image, face))) for face in faces)
        yield Still(name, image.shape[1], image.shape[0], judged)


def json_line(still: Still) -> str:
    """The line `maskwatch detect --json` prints: boxes are left, top, right, bottom in pixels.

    A byte of the name that is no UTF-8 comes as a lone surrogate, as Python's os.fsdecode has it.
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
    """The same for reading: `door.jpg 640x480: without_mask 0.98 at 12,30 80,110`."""
    faces = [
        "{} {:.2f} at {:.0f},{:.0f} {:.0f},{:.0f}".format(
            verdict.label, verdict.score, *inside(face.box, still.width, still.height)
        )
        for face, verdict in still.faces
    ]
    return f"{one_line(still.name)} {still.width}x{still.height}: {'; '.join(faces) or 'no face'}"


def inside(box: Box, width: int, height: int) -> list[float]:
    """A box may reach outside the image; what is reported (left, top, right, bottom) does not."""
    sides = ((box.left, width), (box.top, height), (box.right, width), (box.bottom, height))
    return [round(float(min(max(place, 0.0), end)), 2) for place, end in sides]
