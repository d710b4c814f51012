"""Annotated scenes in Pascal VOC layout: images/ and annotations/NAME.xml, from any source.

Three optional tables beside those folders say what is special about a source:

- groups.tsv (`image, group`): near-duplicates. No split cuts a group.
- unlabelled.tsv (`image, x1, y1, x2, y2, …`): faces without an annotation, used neither as faces nor as background.
- suspect.tsv (`image, …`): pictures with a wrong class. Their faces are faces of an unknown class.
"""

from __future__ import annotations

import csv
import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from maskwatch.camera.files import pictures
from maskwatch.errors import ConfigError, SourceError
from maskwatch.flow import Box

HELD_OUT = 0.2  # share of the scenes in the test part
VALIDATION = 0.1  # share of the scenes in the validation part, which chooses the threshold
CORNERS = ("x1", "y1", "x2", "y2")  # columns of unlabelled.tsv, pixels
FACE = "face"  # the name of an annotated face whose class is not known
CLOSE = 60  # pixels: the face in a portrait has a longer side


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotated face."""

    box: Box  # pixels
    name: str  # with_mask, without_mask, mask_weared_incorrect, or FACE
    ignored: bool = False  # neither a face to find nor background


@dataclass(frozen=True, slots=True)
class Scene:
    """One photograph with all its annotated faces."""

    path: Path
    faces: tuple[Annotation, ...]
    group: str = ""  # near-duplicates share it; empty: there are none

    @property
    def key(self) -> str:
        """The whole path: pictures of different sources may have the same name."""
        return str(self.path)


@dataclass(frozen=True)
class Split:
    """Three parts without a common scene."""

    train: tuple[Scene, ...]
    validation: tuple[Scene, ...]
    test: tuple[Scene, ...]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the part and name of every scene."""
        digest = hashlib.sha256()
        for part in ("train", "validation", "test"):
            for scene in getattr(self, part):
                digest.update(f"{part}\t{scene.path.name}\n".encode())
        return digest.hexdigest()


def load(root: Path) -> tuple[Scene, ...]:
    """All scenes under root/images with root/annotations, sorted by name.

    Raises:
        SourceError: a folder is missing, or an annotation cannot be parsed.
    """
    images, annotations = root / "images", root / "annotations"
    if not images.is_dir() or not annotations.is_dir():
        raise SourceError(f"scenes {root}: expected the folders images/ and annotations/ (Pascal VOC)")
    paths = sorted(path for path in images.iterdir() if pictures.is_picture(path.name))
    groups = {row["image"]: row["group"] for row in _table(root / "groups.tsv", ("image", "group"))}
    suspects = {row["image"] for row in _table(root / "suspect.tsv", ("image",))}
    unlabelled: dict[str, list[Annotation]] = {}
    for row in _table(root / "unlabelled.tsv", ("image", *CORNERS)):
        box = Box(*(float(row[key]) for key in CORNERS))
        unlabelled.setdefault(row["image"], []).append(Annotation(box, FACE, ignored=True))
    scenes = []
    for path in paths:
        faces = read_annotation(annotations / f"{path.stem}.xml")
        if path.name in suspects:
            faces = tuple(replace(face, name=FACE) for face in faces)
        scenes.append(Scene(path, (*faces, *unlabelled.get(path.name, ())), groups.get(path.name, "")))
    return tuple(scenes)


def _table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a tab-separated table with a header; empty when the file does not exist.

    Raises:
        SourceError: a column is missing.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        if missing := set(columns) - set(rows.fieldnames or ()):
            raise SourceError(f"table {path}: no column {', '.join(sorted(missing))}; expected {', '.join(columns)}")
        return list(rows)


def read_annotation(path: Path) -> tuple[Annotation, ...]:
    """The faces of one VOC file."""
    try:
        tree = ElementTree.parse(path)  # noqa: S314 - a data set the user chose to train on
        return tuple(_face(item) for item in tree.getroot().iter("object"))
    except (OSError, ElementTree.ParseError, AttributeError, TypeError, ValueError) as error:
        raise SourceError(
            f"annotation {path}: {error}; expected Pascal VOC with object/name and object/bndbox"
        ) from error


def _face(item: ElementTree.Element) -> Annotation:
    corners = (float(item.find(f"bndbox/{key}").text) for key in ("xmin", "ymin", "xmax", "ymax"))  # type: ignore
    return Annotation(Box(*corners), item.find("name").text.strip())  # type: ignore[union-attr]


def split(scenes: tuple[Scene, ...], seed: int = 0) -> Split:
    """Split by groups of near-duplicates; a scene without duplicates is a group. A fifth of the groups is the test
    part, a tenth is the validation part, and the rest is trained on.
    """
    members: dict[str, list[Scene]] = {}
    for place, scene in enumerate(scenes):
        members.setdefault(scene.group or f"scene {place}", []).append(scene)
    groups = list(members.values())
    order = np.random.default_rng(seed).permutation(len(groups))
    cuts = np.cumsum([round(HELD_OUT * len(groups)), round(VALIDATION * len(groups))])
    test, validation, train = (
        tuple(scene for place in sorted(part) for scene in groups[place]) for part in np.split(order, cuts)
    )
    return Split(train, validation, test)


def sources(roots: Iterable[Path], seed: int) -> dict[str, Split]:
    """Split each folder of scenes; the folder's name is the name of the source.

    Raises:
        ConfigError: two folders have the same name.
        SourceError: a folder cannot be read.
    """
    found: dict[str, Split] = {}
    for root in roots:
        name = root.resolve().name
        if name in found:
            raise ConfigError(f"scenes {root}: another folder of scenes is named {name} too; rename one of them")
        found[name] = split(load(root), seed)
    return found


def portraits_mostly(shown: Iterable[Scene]) -> bool:
    """Whether most pictures of a source show a single, large face."""
    shown = [scene for scene in shown if scene.faces]
    alone = sum(len(scene.faces) == 1 and scene.faces[0].box.area >= CLOSE**2 for scene in shown)
    return bool(shown) and alone > len(shown) / 2


def part(split: Split, name: str) -> tuple[Scene, ...]:
    """One part by its name; "all" gives all parts."""
    if name == "all":
        return split.train + split.validation + split.test
    return {"train": split.train, "validation": split.validation, "test": split.test}[name]


def sha256(splits: Iterable[Split]) -> str:
    """SHA-256 of the splits of several sources in their order; for one source, its own SHA-256."""
    return joined_sha256([split.sha256 for split in splits])


def joined_sha256(each: Sequence[str]) -> str:
    """The hash of several splits, from the hash of each."""
    return each[0] if len(each) == 1 else hashlib.sha256("\n".join(each).encode()).hexdigest()
