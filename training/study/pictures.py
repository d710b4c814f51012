"""Decoded photographs, stored on disk: the first training decodes each file, later trainings need not.

They are in the user's cache folder (0.4 GB for the study's photographs at 128 px, 1.1 GB at 224), and may be deleted.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwatch.system import whole_file
from maskwatch.vision import preprocess
from training.pictures import data
from training.runs.progress import track

logger = logging.getLogger(__name__)
CACHE = data.HASH_CACHE.parent / "study"


def decoded(paths: Sequence[Path], size: int) -> NDArray[np.uint8]:
    """(N, size, size, 3) uint8 RGB: every photograph whole, scaled as on the device; memory-mapped, read-only.

    Raises:
        SourceError: a photograph cannot be decoded.
    """

    def fill(images: NDArray[Any]) -> None:
        for place, path in enumerate(track(paths, f"Decoding at {size} px", len(paths))):
            images[place] = preprocess.whole_image(data.read_rgb(path), size)

    key = of_files(paths, size, preprocess.VERSION)
    return cached(f"pictures-{size}-{key[:16]}", (len(paths), size, size, 3), np.uint8, fill)


def of_files(paths: Sequence[Path], *more: object) -> str:
    """A hash of files, by path, length and modification time, and of `more`."""
    digest = hashlib.sha256(repr(more).encode())
    for path in paths:
        status = path.stat()
        digest.update(f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def cached(name: str, shape: tuple[int, ...], kind: Any, fill: Callable[[NDArray[Any]], None]) -> NDArray[Any]:
    """The array of that name in the cache. If it is missing, `fill` fills it; a file is never left half written."""
    file = CACHE / f"{name}.npy"
    if (found := _read(file, shape, kind)) is not None:
        return found
    CACHE.mkdir(parents=True, exist_ok=True)
    with whole_file.beside(file) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=kind, shape=shape)
        fill(array)
        array.flush()
        del array
    return np.asarray(np.load(file, mmap_mode="r"))


def _read(file: Path, shape: tuple[int, ...], kind: Any) -> NDArray[Any] | None:
    """The array in a file of the cache; None if there is none, or a damaged one, which is named."""
    if not file.exists():
        return None
    try:
        found = np.load(file, mmap_mode="r")
        if (found.shape, found.dtype) == (shape, np.dtype(kind)):
            return np.asarray(found)
        reason = f"it holds {found.dtype} {found.shape}, expected {np.dtype(kind)} {shape}"
    except (OSError, ValueError, EOFError) as error:
        reason = str(error)
    logger.warning("cache %s: damaged (%s); it is made again", file, reason)
    return None
