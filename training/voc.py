"""Annotated scenes in Pascal VOC layout: images/ and annotations/NAME.xml."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from maskwatch.camera import pictures
from maskwatch.errors import SourceError
from maskwatch.flow import Box

HELD_OUT = 0.2  # of the scenes: the test
VALIDATION = 0.1  # of the scenes: chooses the threshold


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotated face."""

    box: Box  # pixels
    name: str  # with_mask, without_mask or mask_weared_incorrect


@dataclass(frozen=True, slots=True)
class Scene:
    """One photograph with all its annotated faces."""

    path: Path
    faces: tuple[Annotation, ...]


@dataclass(frozen=True)
class Split:
    """Three parts that share no scene."""

    train: tuple[Scene, ...]
    validation: tuple[Scene, ...]
    test: tuple[Scene, ...]

    @cached_property
    def sha256(self) -> str:
        """Of the part and the name of every scene."""
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
    paths = sorted(path for path in images.iterdir() if path.suffix.lower() in pictures.SUFFIXES)
    return tuple(Scene(path, read_annotation(annotations / f"{path.stem}.xml")) for path in paths)


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
    """Dealt by scene: a fifth is never looked at until the end, a tenth chooses the threshold, the rest is learnt."""
    order = np.random.default_rng(seed).permutation(len(scenes))
    cuts = np.cumsum([round(HELD_OUT * len(scenes)), round(VALIDATION * len(scenes))])
    test, validation, train = np.split(order, cuts)
    return Split(*(tuple(scenes[index] for index in sorted(part)) for part in (train, validation, test)))


def part(split: Split, name: str) -> tuple[Scene, ...]:
    """One part by its name, or "all" of them."""
    if name == "all":
        return split.train + split.validation + split.test
    return {"train": split.train, "validation": split.validation, "test": split.test}[name]
