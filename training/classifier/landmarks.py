"""Landmarks of the training faces, found once by YuNet, so that what is drawn on a face follows the head's turn.

YuNet is shown each face at the size that it finds best. A face that it does not find keeps only its box.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image
from maskwatch.system import whole_file
from training.augment import crops
from training.augment.head import PLACES, Head
from training.judging import peers
from training.pictures import data
from training.runs.progress import track

TABLE = "landmarks.tsv"
COLUMNS = ("face", *(f"{axis}{number}" for number in range(len(PLACES)) for axis in "xy"))
SIDE = 224  # pixels, side of the picture that YuNet is shown
MARGIN = 0.5  # share of the face's longer side, around the face
SLACK = 0.1  # share of the face's size by which a landmark may lie outside its box; beyond, it belongs to another face

Points = tuple[tuple[float, float], ...]
Find = Callable[[Image], NDArray[np.float32] | None]  # see peers.yunet_landmarks


def with_landmarks(samples: Sequence[crops.Sample], yunet: Path, table: Path) -> list[crops.Sample]:
    """The samples, with a Head instead of a box where landmarks were found.

    Args:
        samples: readable samples.
        yunet: YuNet's ONNX file.
        table: the landmarks are kept here for the next run.

    Raises:
        ModelError: `yunet` is not such a file.
    """
    find, known = peers.yunet_landmarks(yunet), read(table)
    faces = {key(sample): sample for sample in samples if sample.box}
    missing = [sample for name, sample in faces.items() if name not in known]
    for sample in track(missing, "Finding landmarks"):
        known[key(sample)] = found(data.read_rgb(sample.path), _box(sample), find)
    if missing:
        write(table, known)
    return [_with(sample, known[key(sample)]) if sample.box else sample for sample in samples]


def key(sample: crops.Sample) -> str:
    """The name of a face in the table: `source/images/a.jpg 10 20 70 74`."""
    box = _box(sample)
    corners = " ".join(f"{corner:g}" for corner in (box.left, box.top, box.right, box.bottom))
    return f"{'/'.join(sample.path.parts[-3:])} {corners}"


def _box(sample: crops.Sample) -> Box:
    assert sample.box is not None
    return sample.box


def _with(sample: crops.Sample, points: Points | None) -> crops.Sample:
    if points is None:
        return sample
    box = _box(sample)
    return replace(sample, box=Head(box.left, box.top, box.right, box.bottom, points))


def found(image: Image, box: Box, find: Find) -> Points | None:
    """The landmarks of the face in this box, pixels of the image; None when YuNet finds no face there."""
    reach = (0.5 + MARGIN) * max(box.width, box.height)
    x, y, scale = (box.left + box.right) / 2, (box.top + box.bottom) / 2, SIDE / (2 * reach)
    window = np.array([[scale, 0, (reach - x) * scale], [0, scale, (reach - y) * scale]], np.float32)
    look = cv2.warpAffine(image, window, (SIDE, SIDE), flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    points = find(np.asarray(look, np.uint8))
    if points is None:
        return None
    points = points / scale + np.array([x - reach, y - reach])
    low = np.array([box.left - SLACK * box.width, box.top - SLACK * box.height])
    high = np.array([box.right + SLACK * box.width, box.bottom + SLACK * box.height])
    if (points < low).any() or (points > high).any():
        return None
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)


def read(table: Path) -> dict[str, Points | None]:
    """Face (see `key`) -> its landmarks, or None where YuNet found none; empty without the file."""
    if not table.exists():
        return {}
    with table.open(newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return {row["face"]: _points([row[name] for name in COLUMNS[1:]]) for row in rows}


def _points(numbers: Sequence[str]) -> Points | None:
    if not all(numbers):
        return None
    values = [float(number) for number in numbers]
    return tuple(zip(values[::2], values[1::2], strict=True))


def write(table: Path, known: dict[str, Points | None]) -> None:
    """Write the table; the file is replaced at once or not at all."""
    table.parent.mkdir(parents=True, exist_ok=True)
    with whole_file.beside(table) as temporary, temporary.open("w", newline="") as stream:
        rows = csv.writer(stream, delimiter="\t", lineterminator="\n")
        rows.writerow(COLUMNS)
        for name, points in known.items():
            rows.writerow([name, *([number for point in points for number in point] if points else [""] * 10)])
