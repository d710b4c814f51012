"""The photographs of one part as a table, for workshops that do not import training and so cannot compute the split."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from training.pictures import data

COLUMNS = ("part", "path", "label", "group", "pasted", "faces", "score", "left", "top", "right", "bottom")


def write(root: Path, part: str, seed: int, stream: TextIO) -> int:
    """Write a tab-separated row for each photograph of a part: class, near-duplicates, best known face.

    Boxes are in pixels of the photograph; `faces` counts the known ones. Without any, the last five columns are empty.

    Returns:
        The number of photographs.
    """
    photos = getattr(data.load(root).split(seed), part)
    known, pasted = data.faces(root), data.pasted(root)
    table = csv.writer(stream, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    for photo in photos:
        faces = known.get(photo.path, [])
        best = [faces[0][1], *(getattr(faces[0][0], side) for side in COLUMNS[-4:])] if faces else [""] * 5
        path, label = photo.path.relative_to(root).as_posix(), data.LABELS[photo.label]
        table.writerow([part, path, label, photo.group, int(photo.path.name in pasted), len(faces), *best])
    return len(photos)
