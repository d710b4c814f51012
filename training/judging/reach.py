"""Measures how small a face a finder still finds: it gets annotated scenes at many sizes.

Only validation scenes are used. A scene is shrunk, so its faces become small, but stay as sharp as with a good lens.
Then it is put on the finder's input, as it is, or enlarged as the device enlarges a small zone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwatch.flow import Box, Image
from maskwatch.system import whole_file
from maskwatch.vision import bundle, preprocess
from maskwatch.vision.finder import SingleShotDetector
from maskwatch.vision.recall import Recall, Sized
from training.judging.matching import MATCH_IOU
from training.pictures import data, voc
from training.runs.progress import track

PART = "validation"
# How many times a picture is enlarged -> the shares of the input that it then fills.
FILLS = {1.0: (1.0, 0.7, 0.5, 0.35), 1.5: (1.0, 0.7), 2.0: (1.0, 0.7), 3.0: (1.0,)}
EDGES = (6, 8, 10, 12, 14, 17, 20, 24, 29, 34, 40, 48, 64, 96)  # pixels, shorter side of a face


@dataclass(frozen=True, slots=True)
class ShownScene:
    """A scene on the finder's input."""

    enlarged: float
    pixels: Image  # (S, S, 3) uint8 RGB
    faces: list[tuple[float, Box]]  # shorter side before enlarging, and place on the input; pixels


def measure(model: Path, roots: Sequence[Path], seed: int = 0) -> Recall:
    """Show every validation scene of the folders to a finder.

    Args:
        model: a bundle of task face.
        roots: folders of annotated scenes, a source each.
        seed: of their splits.

    Raises:
        MaskwatchError: the model or the scenes cannot be used.
    """
    opened = bundle.read(model, "face")
    finder = SingleShotDetector(opened, None, threads=1)
    counts: dict[tuple[float, int], list[bool]] = {}
    splits = voc.sources(roots, seed)
    scenes = [scene for split in splits.values() for scene in voc.part(split, PART)]
    good = data.readable(scene.path for scene in scenes)
    for scene in track([scene for scene in scenes if scene.path in good], "Showing scenes"):
        for shown in variants(data.read_rgb(scene.path), scene.faces, finder.input_size):
            found = [face.box for face in finder.find(shown.pixels)]
            for side, hit in hits(shown, found):
                place = int(np.searchsorted(EDGES, side, side="right")) - 1
                if 0 <= place < len(EDGES) - 1:
                    counts.setdefault((shown.enlarged, place), []).append(hit)
    return Recall(
        sha256=opened.sha256,
        input_size=finder.input_size,
        threshold=opened.card.score_threshold or 0.5,
        sources=tuple(splits),
        seed=seed,
        scenes=len(good),
        rows=tuple(
            Sized(
                enlarged=enlarged,
                least=EDGES[at],
                below=EDGES[at + 1],
                faces=len(hits_of_size),
                found=sum(hits_of_size),
            )
            for (enlarged, at), hits_of_size in sorted(counts.items())
        ),
    )


def variants(image: Image, faces: Sequence[voc.Annotation], size: int) -> Iterator[ShownScene]:
    """A scene at every size of FILLS, except those larger than the original picture."""
    height, width = image.shape[:2]
    for enlarged, fills in FILLS.items():
        for fill in fills:
            scale = size * fill / enlarged / max(width, height)  # of the picture, before it is enlarged
            if scale > 1 or not faces:
                continue
            small = _resized(image, scale)
            pixels, left, top = _centred(_resized(small, enlarged), size)
            across, down = (
                new_side / side for new_side, side in zip(_sides(small, enlarged), (width, height), strict=True)
            )
            yield ShownScene(
                enlarged,
                pixels,
                [
                    (
                        min(face.box.width, face.box.height) * scale,
                        Box(
                            face.box.left * across + left,
                            face.box.top * down + top,
                            face.box.right * across + left,
                            face.box.bottom * down + top,
                        ),
                    )
                    for face in faces
                    if not face.ignored
                ],
            )


def _sides(image: Image, scale: float) -> tuple[int, int]:
    return max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))


def _resized(image: Image, scale: float) -> Image:
    return preprocess.resize(image, *_sides(image, scale))


def _centred(image: Image, size: int) -> tuple[Image, int, int]:
    """The image in the middle of a grey square, and its left and top edge there, pixels."""
    image = image[:size, :size]
    canvas = np.full((size, size, 3), preprocess.LETTERBOX_GREY, np.uint8)
    left, top = (size - image.shape[1]) // 2, (size - image.shape[0]) // 2
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas, left, top


def hits(shown: ShownScene, found: Sequence[Box]) -> list[tuple[float, bool]]:
    """For each annotated face, its size, and whether a box matches it. A box matches at most one face."""
    left, rows = list(found), []
    for side, face in sorted(shown.faces, key=lambda size_and_box: -size_and_box[0]):
        best = max(left, key=face.iou, default=None)
        hit = best is not None and face.iou(best) >= MATCH_IOU
        if hit:
            left.remove(best)  # type: ignore[arg-type]
        rows.append((side, hit))
    return rows


def write(recall: Recall, path: Path) -> None:
    """Write the record with one row a line; the file is replaced at once or not at all."""
    fields: dict[str, Any] = recall.model_dump(mode="json")
    rows = ",\n".join(f"  {json.dumps(row)}" for row in fields.pop("rows"))
    head = json.dumps(fields, indent=1).removesuffix("\n}")
    whole_file.write(path, f'{head},\n "rows": [\n{rows}\n ]\n}}\n')
