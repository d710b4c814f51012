"""A contact sheet of the scenes that the finder learns from, with their boxes: look at it before a long training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image
from training.augment import scenes
from training.augment.picture import Picture
from training.augment.scenes import TrainingPictures
from training.finder import finder_loss, finder_scenes
from training.pictures import contact_sheet

NAME = "scenes.png"
SHOWN, COLUMNS = 40, 8
AT_MOST = 60  # pictures of each source: the sheet shows no more than a few of each
LEARNT, IGNORED = (255, 210, 0), (160, 160, 160)  # colours of the boxes


def write(sources: Sequence[Path], portraits: Path, out: Path, size: int, seed: int) -> str:
    """Write scenes of the training part into the folder `out`. Faces to learn are yellow, ignored ones grey.

    Args:
        sources: folders of annotated scenes.
        portraits: with_mask/, without_mask/ and faces.tsv.
        out: an existing folder.
        size: side of a scene, pixels.
        seed: of the split and of the scenes.

    Returns:
        The file's name.
    """
    pictures = finder_scenes.gather(sources, portraits, seed, AT_MOST).pictures
    contact_sheet.write(shown(pictures, size, np.random.default_rng(seed)), out / NAME, COLUMNS, size)
    return NAME


def shown(pictures: TrainingPictures, size: int, rng: np.random.Generator) -> list[tuple[Image, str]]:
    """Scenes with their boxes, and the numbers of both kinds of faces."""
    return [_captioned(scenes.compose(pictures, size, rng)) for _ in range(SHOWN)]


def _captioned(scene: Picture) -> tuple[Image, str]:
    image, ignored = scene.image.copy(), is_ignored(scene)
    for box, left_out in zip(np.rint(scene.boxes).astype(int).tolist(), ignored, strict=True):
        cv2.rectangle(image, box[:2], box[2:], IGNORED if left_out else LEARNT, 2)
    return image, f"faces: {np.sum(~ignored)}" + (f", ignored: {np.sum(ignored)}" if ignored.any() else "")


def is_ignored(scene: Picture) -> NDArray[np.bool_]:
    """(N,) whether the loss ignores each face: it is not annotated, or too small."""
    sides = np.sqrt(np.prod(np.maximum(scene.boxes[:, 2:] - scene.boxes[:, :2], 0), axis=1))
    return scene.left_out | (sides < finder_loss.TOO_SMALL)
