"""A run's folder: the model, and run.json with everything needed to know how it was made."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from maskwatch.errors import ModelError
from maskwatch.records.run import FILE as RECORD
from maskwatch.records.run import REMEDY, Run
from maskwatch.system import whole_file

VERSIONED = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python-headless", "maskwatch")


def file_sha256(path: Path | None) -> str | None:
    """The hash of the model that a training continued from, if any."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def versions() -> dict[str, str]:
    """Versions of Python and the packages that decide a result."""
    return {"python": platform.python_version(), **installed(VERSIONED)}


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Package -> version, of the packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def save(model: Any, path: Path) -> None:
    """Write a keras.Model as .keras; the file is replaced at once or not at all."""
    with whole_file.beside(path) as temporary:
        model.save(temporary)


def write(folder: Path, run: Run) -> None:
    """Write folder/run.json; the file is replaced at once or not at all."""
    whole_file.write(folder / RECORD, json.dumps(run.model_dump(mode="json"), indent=1) + "\n")


def read(model: Path) -> Run:
    """The record beside a model.

    Args:
        model: the path of model.keras.

    Raises:
        ModelError: there is no record, or it cannot be read.
    """
    return Run.read(model.parent / RECORD, REMEDY, ModelError)
