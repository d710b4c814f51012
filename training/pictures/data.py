"""A data set on disk: photographs in with_mask/ and without_mask/, grouped by near-duplicate, split honestly.

The study's set holds 307 exact copies and 804 near-copies. A split that puts one copy in training and another in the
test measures memory, so near-duplicates are grouped in any data set, and the split never separates a group.
"""

from __future__ import annotations

import csv
import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from maskwatch.camera.files import pictures
from maskwatch.errors import SourceError
from maskwatch.flow import Box, Image, Label
from maskwatch.system import whole_file
from training.runs.progress import track

logger = logging.getLogger(__name__)
CLASSES = tuple(Label)  # class index -> label, the order of the classifier's outputs
LABELS = CLASSES[:2]  # the classes of portraits, and of verdicts
DUPLICATE_DISTANCE = 4  # bits of a 64-bit perceptual hash; the same as for the study set's groups.tsv
SPLIT = {"train": 5287, "validation": 454, "test": 1812}  # the study's sizes, out of 7,553
FACES = "faces.tsv"
FACE_COLUMNS = ("path", "x1", "y1", "x2", "y2", "score")
HASH_CACHE = Path.home() / ".cache" / "maskwatch" / "hashes.csv"


@dataclass(frozen=True, slots=True)
class Photo:
    """One photograph: its class (index into LABELS), and its group of near-duplicates."""

    path: Path
    label: int
    group: int


@dataclass(frozen=True)
class Split:
    """Three parts that share no group."""

    train: tuple[Photo, ...]
    validation: tuple[Photo, ...]
    test: tuple[Photo, ...]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the part and class/name of every photograph: runs with the same hash had the same split."""
        digest = hashlib.sha256()
        for part in SPLIT:
            for photo in sorted(getattr(self, part), key=lambda photo: photo.path):
                digest.update(f"{part}\t{photo.path.parent.name}/{photo.path.name}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Dataset:
    """The photographs found under a folder."""

    root: Path
    photos: tuple[Photo, ...]
    unreadable: tuple[str, ...]  # one line for each file left out

    def split(self, seed: int = 0) -> Split:
        """Split in the study's proportions, by class, without separating a group of near-duplicates."""
        return split(self.photos, seed)


def load(root: Path, progress: bool = True) -> Dataset:
    """Scan root/with_mask and root/without_mask, and group near-duplicates.

    Raises:
        SourceError: a class folder is missing or holds no readable image.
    """
    paths = [(path, index) for index, label in enumerate(LABELS) for path in class_files(root, label)]
    hashes, unreadable = hashes_of(root, [path for path, _ in paths], progress)
    kept = [(path, label) for path, label in paths if path in hashes]
    for index, label in enumerate(LABELS):
        if not any(kept_label == index for _, kept_label in kept):
            raise SourceError(f"data {root / label}: no readable image; expected photographs of that class")
    for line in unreadable:
        logger.warning("image %s", line)
    if unreadable:
        logger.warning("data %s: %d of %d images left out", root, len(unreadable), len(paths))
    groups = group_duplicates(np.array([hashes[path] for path, _ in kept], np.uint64))
    photos = (Photo(path, label, int(group)) for (path, label), group in zip(kept, groups, strict=True))
    return Dataset(root, tuple(photos), tuple(unreadable))


def class_files(root: Path, label: str) -> list[Path]:
    """The image files of one class, sorted by name."""
    folder = root / label
    if not folder.is_dir():
        raise SourceError(f"data {root}: no folder {label}/; expected {' and '.join(f'{name}/' for name in LABELS)}")
    return sorted(path for path in folder.rglob("*") if pictures.is_picture(path.name))


def hashes_of(root: Path, paths: list[Path], progress: bool) -> tuple[dict[Path, int], list[str]]:
    """Perceptual hash of each readable file (cached while it is unchanged), and a line for each unreadable one.

    `root` names the progress bar.
    """
    cache = _read_cache()
    found: dict[Path, int] = {}
    unreadable: list[str] = []
    fresh = False
    for path in track(paths, f"Hashing {root.name}") if progress else paths:
        try:
            status = path.stat()
        except OSError as error:  # a link to a file that no longer exists
            unreadable.append(f"{path}: {error.strerror}")
            continue
        key = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        if key not in cache:
            try:
                with PillowImage.open(path) as image:
                    cache[key] = int(str(imagehash.phash(image.convert("RGB"))), 16)
                    fresh = True
            except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
                unreadable.append(f"{path}: {error}")
                continue
        found[path] = cache[key]
    if fresh:
        _write_cache(cache)
    return found, unreadable


def _read_cache() -> dict[str, int]:
    if not HASH_CACHE.exists():
        return {}
    try:
        with HASH_CACHE.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return {key: int(value, 16) for key, value in csv.reader(file)}
    except (OSError, ValueError, csv.Error) as error:  # the cache only saves a minute
        logger.warning("hashes %s: damaged (%s), so it is made anew", HASH_CACHE, str(error) or type(error).__name__)
        return {}


def _write_cache(cache: dict[str, int]) -> None:
    HASH_CACHE.parent.mkdir(parents=True, exist_ok=True)
    with (
        whole_file.beside(HASH_CACHE) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        csv.writer(file).writerows((key, f"{value:016x}") for key, value in cache.items())


def group_duplicates(hashes: NDArray[np.uint64], distance: int = DUPLICATE_DISTANCE) -> NDArray[np.int32]:
    """(N,) 64-bit hashes -> (N,) group numbers; hashes within `distance` bits share a group, transitively."""
    rows, columns = [], []
    for start in range(0, len(hashes), 512):
        block = hashes[start : start + 512, None] ^ hashes[None, :]
        near_rows, near_columns = np.nonzero(np.bitwise_count(block) <= distance)
        rows.append(near_rows + start)
        columns.append(near_columns)
    row, column = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(row), bool), (row, column)), shape=(len(hashes), len(hashes)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def split(photos: Iterable[Photo], seed: int) -> Split:
    """Put the groups into the parts, the largest group first, each into a part that has room for all its members.

    The number of each class in a part is fixed beforehand, in the study's proportions. Small groups fill the last gaps,
    so on the study's set the numbers come out exactly; a group that fits nowhere goes to training.
    """
    members: dict[int, list[Photo]] = {}
    for photo in photos:
        members.setdefault(photo.group, []).append(photo)
    room = _rooms([photo for group in members.values() for photo in group])
    rng = np.random.default_rng(seed)
    order = rng.permutation(sorted(members))
    parts: dict[str, list[Photo]] = {part: [] for part in SPLIT}
    for group in sorted(order, key=lambda group: -len(members[group])):
        need = np.bincount([photo.label for photo in members[group]], minlength=len(LABELS))
        fitting = [part for part in SPLIT if (room[part] >= need).all()] or ["train"]
        weights = np.array([max(room[part].sum(), 1) for part in fitting], float)
        part = fitting[rng.choice(len(fitting), p=weights / weights.sum())]
        room[part] -= need
        parts[part] += members[group]
    return Split(*(tuple(sorted(parts[part], key=lambda photo: photo.path)) for part in SPLIT))


def _rooms(photos: list[Photo]) -> dict[str, NDArray[np.int64]]:
    """Part -> how many photographs of each class it takes."""
    total = np.bincount([photo.label for photo in photos], minlength=len(LABELS))
    share = {part: count / sum(SPLIT.values()) for part, count in SPLIT.items()}
    room = {}
    for part in ("validation", "test"):
        size = round(share[part] * total.sum())
        with_mask = round(size * total[0] / total.sum())
        room[part] = np.array([with_mask, size - with_mask])
    return {"train": total - room["validation"] - room["test"], **room}


def read_rgb(path: Path) -> Image:
    """One photograph as (H, W, 3) uint8 RGB.

    Raises:
        SourceError: the file is missing, truncated or not an image.
    """
    return pictures.read(path)


def readable(paths: Iterable[Path]) -> set[Path]:
    """The files that can be decoded completely; the others are named and counted on stderr, and training continues."""
    distinct = sorted(set(paths))
    good = set()
    for path in track(distinct, "Looking whether all can be read"):
        try:
            read_rgb(path)
        except SourceError as error:
            logger.warning("%s", error)
            continue
        good.add(path)
    if len(good) < len(distinct):
        logger.warning("data: %d of %d images left out", len(distinct) - len(good), len(distinct))
    return good


def faces(root: Path) -> dict[Path, list[tuple[Box, float]]]:
    """Known face boxes of a data set: path -> (box in pixels, finder's score), best first, from root/faces.tsv.

    Without that file a warning is logged, and the answer is empty.

    Raises:
        SourceError: the file is not such a table.
    """
    file = root / FACES
    known: dict[Path, list[tuple[Box, float]]] = {}
    if not file.exists():
        _say_without_faces(root)
        return known
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                box = Box(*(float(row[key]) for key in FACE_COLUMNS[1:-1]))
                known.setdefault(root / row["path"], []).append((box, float(row["score"])))
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        reason = f"no column {error}" if isinstance(error, KeyError) else error
        raise SourceError(f"table {file}: {reason}; expected columns {', '.join(FACE_COLUMNS)} with tabs") from error
    return {path: sorted(found, key=lambda item: -item[1]) for path, found in known.items()}


@cache
def _say_without_faces(root: Path) -> None:
    """Warn once for each folder."""
    logger.warning(
        "data %s: no %s, so no face is cut out and whole photographs alone are used; "
        "`python -m training find-faces %s` makes it",
        *(root, FACES, root),
    )


def pasted(root: Path) -> frozenset[str]:
    """File names of the with_mask photographs with a drawn mask, from root/synthetic.txt; empty without that file."""
    file = root / "synthetic.txt"
    return frozenset(Path(line).name for line in file.read_text().split()) if file.exists() else frozenset()
