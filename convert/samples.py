"""The pictures of a conversion, cut by the device's own preprocess: some of the training split for calibration, the
whole validation split for judging, and the test split for the figures in the model card.

A mask model sees portraits, whole and cut to the face, and annotated street faces. A finder sees letterboxed frames:
street scenes, windows of them, and portraits, whose faces are large; a scene model sees the first two.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ConfigError, SourceError
from maskwatch.flow import Image
from maskwatch.records.run import Run
from maskwatch.vision import preprocess
from training.augment import crops, scenes
from training.augment.picture import Picture, as_array
from training.judging import detections
from training.judging.detections import Truth
from training.pictures import data, quick, voc

# Views: the kinds of pictures a model is shown. Several folders of scenes are each a view with the folder's name.
WHOLE, FACE, STREET = "whole", "face", "street"  # a mask model
FRAME, WINDOW, PORTRAIT = "frame", "window", "portrait"  # a finder
MOST_SOURCES = 8  # folders whose order is found by trying: 40,320 orders take a tenth of a second


@dataclass(frozen=True, slots=True)
class Folders:
    """The data. A mask model needs portraits, a finder needs scenes; the other kind adds to the sample."""

    portraits: Path | None = None  # with_mask/ and without_mask/
    scenes: tuple[Path, ...] = ()  # each images/ and annotations/, Pascal VOC; in any order


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One model input."""

    name: str  # see `named`: the same on every machine
    view: str
    label: int  # index into data.LABELS; 0 for a finder and a scene model
    image: Image  # (S, S, 3) uint8 RGB
    faces: tuple[Truth, ...] = ()  # annotated faces for a finder, pixels of the input

    @property
    def sha256(self) -> str:
        """SHA-256 of the pixels."""
        return hashlib.sha256(np.ascontiguousarray(self.image).tobytes()).hexdigest()


def sha256(sample: Iterable[Example]) -> str:
    """SHA-256 of the pixels of a sample, in its order."""
    return hashlib.sha256("".join(example.sha256 for example in sample).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture that can be made, not read yet."""

    path: Path
    view: str
    label: int
    make: Callable[[Image], tuple[Image, tuple[Truth, ...]]]


@dataclass(slots=True)
class Shelf:
    """The candidates of one conversion, and the files that could not be read."""

    train: list[Candidate]
    validation: list[Candidate]
    test: list[Candidate]
    unreadable: list[str] = field(default_factory=list)

    def few(self, count: int) -> Shelf:
        """At most `count` candidates of each class of each view, in each part."""

        def some(part: list[Candidate]) -> list[Candidate]:
            return quick.few(part, count, lambda candidate: (candidate.view, candidate.label))

        return Shelf(some(self.train), some(self.validation), some(self.test), self.unreadable)

    def calibration(self, count: int, seed: int) -> list[Example]:
        """A shuffled sample with the same number of each class, and within a class of each view as far as possible.

        Raises:
            SourceError: a class has no readable picture.
        """
        rng = np.random.default_rng(seed)
        labels = sorted({candidate.label for candidate in self.train})
        shares = []
        for label in labels:
            queue = alternating([each for each in self.train if each.label == label], rng)
            shares.append(list(itertools.islice(self.read(queue), count // len(labels))))
        size = min(map(len, shares), default=0)
        if not size:
            raise SourceError("calibration: a class has no readable training picture; give a larger data set")
        chosen = [example for share in shares for example in share[:size]]
        return [chosen[index] for index in rng.permutation(len(chosen))]

    def read(self, candidates: Iterable[Candidate]) -> Iterator[Example]:
        """Make each picture; a file that cannot be decoded is named and left out."""
        for candidate in candidates:
            try:
                picture = data.read_rgb(candidate.path)
            except SourceError as error:
                self.unreadable.append(str(error))
                continue
            image, faces = candidate.make(picture)
            yield Example(named(candidate.path), candidate.view, candidate.label, image, faces)


def named(path: Path) -> str:
    """`with_mask/a.jpg` for portraits; `SOURCE/images/a.jpg` for scenes, whose sources use the same names."""
    return "/".join(path.parts[-3 if path.parent.name == "images" else -2 :])


def alternating(candidates: list[Candidate], rng: np.random.Generator) -> Iterator[Candidate]:
    """Shuffled, taken from each view in turn."""
    views: dict[str, list[Candidate]] = {}
    for index in rng.permutation(len(candidates)):
        views.setdefault(candidates[index].view, []).append(candidates[index])
    rows = itertools.zip_longest(*(views[view] for view in sorted(views)))
    return (candidate for row in rows for candidate in row if candidate is not None)


def recognise(folders: Iterable[Path]) -> Folders:
    """Recognise portraits and scenes by the folders inside.

    Raises:
        SourceError: a folder is neither.
        ConfigError: two folders have portraits.
    """
    portraits: list[Path] = []
    scenes: list[Path] = []
    for folder in folders:
        if (folder / "annotations").is_dir() and (folder / "images").is_dir():
            scenes.append(folder)
        elif any((folder / label).is_dir() for label in data.LABELS):
            portraits.append(folder)
        else:
            raise SourceError(
                f"data {folder}: neither with_mask/ and without_mask/ nor images/ and annotations/ inside; "
                "name the folder the model was trained on"
            )
    if len(portraits) > 1:
        raise ConfigError(f"--data {portraits[1]}: {portraits[0]} already gives portraits; give one folder of them")
    return Folders(portraits[0] if portraits else None, tuple(scenes))


def gather(run: Run, folders: Folders) -> Shelf:
    """All pictures for a model of this task.

    Raises:
        SourceError: the folder for the task is missing, or has another split than in the training.
    """
    return {"mask": mask_shelf, "face": face_shelf, "scene": scene_shelf}[run.task](run, folders)


def mask_shelf(run: Run, folders: Folders) -> Shelf:
    """Portraits, whole and cut to the face, and street faces; without masks worn wrong, which have no verdict."""
    if folders.portraits is None:
        raise SourceError("data: a mask model is judged on portraits; --data a folder of with_mask/ and without_mask/")
    dataset = data.load(folders.portraits)
    split = dataset.split(run.seed)
    same_split(folders.portraits, split.sha256, run.split_sha256)
    known = data.faces(folders.portraits)
    shelf = Shelf([], [], [], list(dataset.unreadable))
    for part, photos in ((shelf.train, split.train), (shelf.validation, split.validation), (shelf.test, split.test)):
        part += [_mask(run, sample, WHOLE if sample.whole else FACE) for sample in crops.portraits(photos, known)]
    expected = run.knobs.get("street_split")
    streets = _splits(folders, run.seed, expected)
    if streets and expected:
        same_split(folders.scenes, voc.sha256(streets.values()), expected)
    for root, street in streets.items():
        view = STREET if len(streets) == 1 else root.name
        found = (street.train, street.validation, street.test)
        for part, pictures in zip((shelf.train, shelf.validation, shelf.test), found, strict=True):
            found_in = crops.annotated(pictures, root.name)
            part += [_mask(run, sample, view) for sample in found_in if sample.label < len(data.LABELS)]
    return shelf


def _splits(folders: Folders, seed: int, expected: str | None) -> dict[Path, voc.Split]:
    """Each folder of scenes, split as in training, in the order that gives the hash `expected`."""
    splits = {root: voc.split(voc.load(root), seed) for root in folders.scenes}
    orders = itertools.permutations(splits.items()) if len(splits) <= MOST_SOURCES else ()
    fitting = (dict(order) for order in orders if voc.sha256(split for _, split in order) == expected)
    return next(fitting, splits)


def _mask(run: Run, sample: crops.Sample, view: str) -> Candidate:
    def make(picture: Image) -> tuple[Image, tuple[Truth, ...]]:
        if sample.whole or sample.box is None:
            return preprocess.whole_image(picture, run.input_size), ()
        margin = preprocess.FACE_MARGIN if run.margin is None else run.margin
        return preprocess.face_crop(picture, sample.box, run.input_size, margin), ()

    return Candidate(sample.path, view, sample.label, make)


def face_shelf(run: Run, folders: Folders) -> Shelf:
    """Letterboxed scenes and windows of them, and letterboxed portraits whose faces are all known."""
    if not folders.scenes:
        raise SourceError("data: faces are found in scenes; --data a folder with images/ and annotations/")
    splits = _splits(folders, run.seed, run.split_sha256)
    same_split(folders.scenes, voc.sha256(splits.values()), run.split_sha256)
    shelf = Shelf([], [], [])
    for root, split in splits.items():
        frames, windows = (FRAME, WINDOW) if len(splits) == 1 else (root.name, f"{root.name} windows")
        found = (split.train, split.validation, split.test)
        for part, pictures in zip((shelf.train, shelf.validation, shelf.test), found, strict=True):
            part += [_frame(run, scene.path, scene.faces, frames) for scene in pictures]
        shelf.train += [_window(run, scene, index, windows) for index, scene in enumerate(split.train)]
    if folders.portraits is not None:
        dataset = data.load(folders.portraits)
        shelf.unreadable += dataset.unreadable
        photos, known = dataset.split(run.seed), data.faces(folders.portraits)
        parts = ((shelf.train, photos.train), (shelf.validation, photos.validation), (shelf.test, photos.test))
        for part, found in parts:
            part += [_frame(run, path, faces, PORTRAIT) for path, faces in sure_faces(found, known)]
    return shelf


def scene_shelf(run: Run, folders: Folders) -> Shelf:
    """Letterboxed scenes and windows of them, like the training data of a scene model."""
    return face_shelf(run, Folders(scenes=folders.scenes))


def sure_faces(
    photos: Iterable[data.Photo], known: dict[Path, list[tuple[data.Box, float]]]
) -> Iterator[tuple[Path, tuple[voc.Annotation, ...]]]:
    """Portraits on which every known face is sure: an unknown face would count as a false one."""
    for photo in photos:
        faces = known.get(photo.path, [])
        if faces and all(score >= scenes.SURE for _, score in faces):
            yield photo.path, tuple(voc.Annotation(box, data.LABELS[photo.label]) for box, _ in faces)


def _frame(run: Run, path: Path, faces: tuple[voc.Annotation, ...], view: str) -> Candidate:
    def make(picture: Image) -> tuple[Image, tuple[Truth, ...]]:
        image, place = preprocess.letterbox(picture, run.input_size)
        boxes = as_array([face.box for face in faces])
        moved = boxes * place.scale + np.array([place.left, place.top] * 2, np.float32)
        return image, tuple(truths(moved, faces))

    return Candidate(path, view, 0, make)


def truths(boxes: NDArray[np.float32], faces: Iterable[voc.Annotation]) -> list[Truth]:
    """Annotated faces with their (N, 4) boxes in pixels of the input; those that are too small are ignored."""
    moved = [replace(face, box=data.Box(*map(float, box))) for box, face in zip(boxes, faces, strict=True)]
    return detections.as_truths(moved)


def _window(run: Run, scene: voc.Scene, index: int, view: str) -> Candidate:
    def make(picture: Image) -> tuple[Image, tuple[Truth, ...]]:
        boxes = as_array([face.box for face in scene.faces])
        rng = np.random.default_rng([run.seed, index])
        return scenes.zoomed(Picture(picture, boxes), run.input_size, rng).image, ()

    return Candidate(scene.path, view, 0, make)


def same_split(folders: Path | Sequence[Path], found: str, expected: str) -> None:
    """Refuse data with another split than in training: a validation picture may have been trained on."""
    if found != expected:
        folder = folders if isinstance(folders, Path) else ", ".join(map(str, folders))
        raise SourceError(
            f"data {folder}: its split is {found[:12]}, the model was trained on {expected[:12]}; "
            "give the same files as for the training, or train again"
        )
