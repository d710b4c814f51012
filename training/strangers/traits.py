"""The traits of each annotated face, which decide the slices it is counted in.

Some traits are annotated (WIDER's occluded, blur, atypical_pose). The others are measured in the picture with the
bounds below, because nobody has looked at every face.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from maskwatch.flow import Box, Image, Label
from maskwatch.vision import preprocess
from training.augment import crops
from training.judging import slices
from training.pictures import data, voc

ANNOTATED = {  # tag of faces-wider -> kind of slice, names of its values
    "occluded": ("occlusion (annotated)", ("none", "some", "much")),
    "blur": ("blur (annotated)", ("none", "some", "much")),
    "atypical_pose": ("pose (annotated)", ("usual", "unusual")),
}
EDGE = 1.0  # pixels: a box this near to the picture's edge is cut by it
COVERED = 0.1  # share of a face's area that another face's box covers
GREY = 6.0  # of 255: mean difference between the strongest and weakest channel; below it, a picture has no colour
INPUT = 320  # pixels, of the shipped finder
INPUT_SIZES = (8, 12, 16, 24, 40, 80)  # pixels of that input, shorter side of the face
POINTS_AT = 160  # pixels, the side of the square in which YuNet looks for a face's landmarks
ROLL = 15.0  # degrees between the line of the eyes and the horizontal, from which a head is tilted
# Of 255: standard deviation of a mask's grey levels from their surroundings'; most masks above it have a print
UNEVEN = 24.0
SHADING = (
    6.0  # pixels, in a face of 64: sigma of the Gaussian that separates a print from folds and shadows, which are wider
)
CLOSE = 0.4  # share of the picture's longer side: a face with such a longer side was taken from close


def of(
    path: Path, faces: Sequence[voc.Annotation], image: Image, source: str, landmarks: slices.Landmarks | None
) -> list[dict[str, str]]:
    """Kind of slice -> slice, of every face of a picture; empty for a face that is ignored."""
    tags = annotated(path)
    return [
        {}
        if face.ignored
        else _traits(path, face, faces, image, source, landmarks) | (tags[at] if at < len(tags) else {})
        for at, face in enumerate(faces)
    ]


def annotated(path: Path) -> list[dict[str, str]]:
    """The traits in the annotation beside a picture, for each of its faces."""
    file = path.parent.parent / "annotations" / f"{path.stem}.xml"
    if not file.exists():
        return []
    objects = ElementTree.parse(file).getroot().findall("object")  # noqa: S314 - read by voc already
    if not any(item.find("atypical_pose") is not None for item in objects):
        return [{} for _ in objects]  # other sets have the tag too, but it is always 0
    return [
        {
            kind: names[min(int(item.findtext(tag) or 0), len(names) - 1)]
            for tag, (kind, names) in ANNOTATED.items()
            if item.find(tag) is not None
        }
        for item in objects
    ]


def _traits(
    path: Path,
    face: voc.Annotation,
    faces: Sequence[voc.Annotation],
    image: Image,
    source: str,
    landmarks: slices.Landmarks | None,
) -> dict[str, str]:
    known = face.name if face.name in data.CLASSES else Label.WITHOUT_MASK
    sample = crops.Sample(path, data.CLASSES.index(Label(known)), face.box, source=source)
    found = slices.traits(sample, image, frozenset())
    found |= {"class": face.name, "size at 320": _at_320(face.box, image), "picture": picture_colour(image)}
    found["at the frame's edge"] = "cut" if cut(face.box, image) else "whole"
    found["overlap"] = "another face over it" if covered(face, faces) else "none"
    if is_close(face.box, image):
        found["close-up"] = "masked" if face.name in (Label.WITH_MASK, Label.INCORRECT) else "others"
    if face.name == Label.WITH_MASK:
        found["mask surface"] = surface(image, face.box)
        if is_close(face.box, image):
            found["close-up, mask"] = found["mask surface"]
    if landmarks is not None:
        found["pose (points)"] = pose(image, face.box, landmarks)
    return found


def _at_320(box: Box, image: Image) -> str:
    scale = INPUT / max(image.shape[:2])
    side = min(box.width, box.height) * scale
    at = int(np.searchsorted(INPUT_SIZES, side, side="right"))
    if at == 0:
        return f"under {INPUT_SIZES[0]} px"
    return f"{INPUT_SIZES[at - 1]}–{INPUT_SIZES[at]} px" if at < len(INPUT_SIZES) else f"{INPUT_SIZES[-1]} px and more"


def picture_colour(image: Image) -> str:
    """Whether a picture has any colour."""
    spread = image.max(axis=2).astype(np.int16) - image.min(axis=2)
    return "grey" if float(spread.mean()) < GREY else "colour"


def cut(box: Box, image: Image) -> bool:
    """Whether the picture's side cuts a face."""
    height, width = image.shape[:2]
    return min(box.left, box.top, width - 1 - box.right, height - 1 - box.bottom) < EDGE


def covered(face: voc.Annotation, faces: Sequence[voc.Annotation]) -> bool:
    """Whether another face's box covers a tenth of this one's, in front of it or behind it."""
    return any(_common(face.box, other.box) >= COVERED * face.box.area for other in faces if other is not face)


def _common(one: Box, other: Box) -> float:
    """Number of pixels in both boxes."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(width, 0.0) * max(height, 0.0)


def is_close(box: Box, image: Image) -> bool:
    """Whether a face was taken from close."""
    return max(box.width, box.height) >= CLOSE * max(image.shape[:2])


def surface(image: Image, box: Box) -> str:
    """Whether the cloth in the lower middle of a masked face is even, or has a print, an edge or a valve."""
    face = preprocess.face_crop(image, box, 64, margin=0.0)
    left, top, right, bottom = (round(64 * share) for share in slices.MASK_PLACE)
    grey = cv2.cvtColor(face[top:bottom, left:right], cv2.COLOR_RGB2GRAY).astype(np.float32)
    return "uneven" if float((grey - cv2.GaussianBlur(grey, (0, 0), SHADING)).std()) > UNEVEN else "even"


def pose(image: Image, box: Box, landmarks: slices.Landmarks) -> str:
    """The direction of a face, from the five landmarks that another finder gives."""
    points = landmarks(preprocess.face_crop(image, box, POINTS_AT, margin=0.6))
    if points is None:
        return "no points found"
    across = points[1] - points[0]
    if abs(np.degrees(np.arctan2(across[1], max(across[0], 1e-3)))) >= ROLL:
        return "tilted"
    turn = (points[2, 0] - points[:2, 0].mean()) / max(abs(float(across[0])), 1e-3)
    return "turned" if abs(turn) >= slices.TURN else "ahead"
