"""The photographs that people are cut from: those of the test part that show one whole face.

`python -m training list DATA --out FILE` lists them. A list of any other part is refused, because the models were
trained on its photographs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwatch.camera.files import pictures
from maskwatch.errors import SourceError
from maskwatch.flow import Box, Label

MIN_SCORE = 0.6  # 0–1, score of the face that another finder, YuNet, found in the photograph
MIN_WIDTH = 36.0  # pixels of that face; a smaller one would have to be enlarged in most clips
# Bounds of a face's width / height: outside them, the photograph is stretched or the face is turned away
NARROWEST, WIDEST = 0.5, 1.05
# Share of the photograph that must be free beside, above and below the face, so that hair and chin are in it
ROOM = 0.02, 0.04, 0.03
SEPARATOR = "\t"
# Wrong labels, found by looking at all photographs before any model saw a clip
LEFT_OUT = Path(__file__).with_name("left-out.tsv")


@dataclass(frozen=True, slots=True)
class Portrait:
    """One photograph of one person."""

    path: Path
    name: str  # class/file, as in the list
    label: Label
    face: Box  # pixels of the photograph

    @property
    def bare(self) -> bool:
        return self.label is Label.WITHOUT_MASK


def choose(listed: Path, root: Path) -> list[Portrait]:
    """The photographs of the list that can be cut out, one of each group of near-duplicates, sorted by name.

    Those named in left-out.tsv are excluded: their folder does not match what they show.

    Args:
        listed: the list's file.
        root: folder of the photographs, which the list's paths start from.

    Raises:
        SourceError: the list is not valid, is of another part than test, or has no masked or no bare face that fits.
    """
    seen: set[str] = set()
    chosen, wrong = [], left_out()
    for row in _rows(listed):
        if row["path"] in wrong or row["group"] in seen or row["faces"] != "1" or float(row["score"]) < MIN_SCORE:
            continue
        face = Box(*(float(row[side]) for side in ("left", "top", "right", "bottom")))
        portrait = Portrait(root / row["path"], row["path"], Label(row["label"]), face)
        height, width = pictures.read(portrait.path).shape[:2]
        if fits(face, width, height):
            seen.add(row["group"])
            chosen.append(portrait)
    if {portrait.bare for portrait in chosen} != {False, True}:
        raise SourceError(
            f"list {listed}: all of {len(chosen)} whole faces are masked, or none is; expected some of both"
        )
    return sorted(chosen, key=lambda portrait: portrait.name)


def left_out() -> dict[str, str]:
    """class/file of photographs whose label is wrong, or that show several people -> why."""
    with LEFT_OUT.open(newline="") as file:
        return {row["photograph"]: row["why"] for row in csv.DictReader(file, delimiter=SEPARATOR)}


def fits(face: Box, width: int, height: int) -> bool:
    """Whether a face is large enough and whole inside a photograph of that size, pixels."""
    beside, above, below = ROOM
    inside = face.left >= beside * width and face.right <= (1 - beside) * width
    inside = inside and face.top >= above * height and face.bottom <= (1 - below) * height
    return inside and face.width >= MIN_WIDTH and NARROWEST <= face.width / face.height <= WIDEST


def _rows(listed: Path) -> Iterator[dict[str, str]]:
    try:
        with listed.open(newline="") as file:
            table = csv.DictReader(file, delimiter=SEPARATOR)
            missing = {"part", "path", "label", "group", "faces", "score"} - set(table.fieldnames or ())
            rows = list(table)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"list {listed}: {error}; make it with `python -m training list`") from error
    if missing:
        raise SourceError(
            f"list {listed}: no column {', '.join(sorted(missing))}; make it with `python -m training list`"
        )
    for row in rows:
        if row["part"] != "test":
            raise SourceError(
                f"list {listed}: {row['path']} is of part {row['part']!r}, on which models were trained; expected test"
            )
    yield from rows


class Deck:
    """Deals photographs in random order. Each is dealt once before any is dealt again."""

    def __init__(self, portraits: Iterable[Portrait], rng: np.random.Generator) -> None:
        self._portraits: Sequence[Portrait] = tuple(portraits)
        self._rng = rng
        self._left: list[Portrait] = []

    def deal(self) -> Portrait:
        if not self._left:
            self._left = [self._portraits[place] for place in self._rng.permutation(len(self._portraits))]
        return self._left.pop()
