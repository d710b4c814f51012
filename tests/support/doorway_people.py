"""Drawn photographs for tests of the doorway: a grey person whose face is blue when masked, red when bare."""

import csv
from pathlib import Path

import cv2
import numpy as np

from benchmarks.behaviour.doorway.portraits import Portrait
from maskwatch.flow import Box, Image, Label

FACE = Box(80.0, 50.0, 140.0, 130.0)  # pixels, of 224×224
COLOURS = {Label.WITH_MASK: (30, 40, 230), Label.WITHOUT_MASK: (230, 40, 30)}
COLUMNS = ("part", "path", "label", "group", "pasted", "faces", "score", "left", "top", "right", "bottom")


def photograph(label: Label) -> Image:
    """A grey person in black in front of light green."""
    image = np.full((224, 224, 3), (190, 225, 190), np.uint8)
    cv2.ellipse(image, (110, 224), (90, 80), 0, 0, 360, (25, 25, 25), -1)
    cv2.ellipse(image, (110, 85), (42, 55), 0, 0, 360, (90, 90, 90), -1)
    cv2.ellipse(image, (110, 90), (30, 40), 0, 0, 360, COLOURS[label], -1)
    return image


def portrait(folder: Path, label: Label, number: int = 0) -> Portrait:
    """A photograph of one person, written to disk."""
    name = f"{label}/{number}.png"
    (folder / label).mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(folder / name), photograph(label)[..., ::-1])
    return Portrait(folder / name, name, label, FACE)


def crowd(folder: Path, each: int = 3) -> list[Portrait]:
    """As many masked people as bare ones."""
    return [portrait(folder, label, number) for label in COLOURS for number in range(each)]


def listed(folder: Path, people: list[Portrait], **changed: object) -> Path:
    """The list that `training list` writes of them; `changed` replaces columns in every row."""
    path = folder / "list.tsv"
    with path.open("w") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter="\t")
        table.writeheader()
        for number, person in enumerate(people):
            box = {side: getattr(person.face, side) for side in ("left", "top", "right", "bottom")}
            row = {"part": "test", "path": person.name, "label": person.label, "group": number, "pasted": 0, "faces": 1}
            table.writerow({**row, "score": 0.9, **box, **changed})
    return path
