"""A run's folder: the model, and run.json with everything needed to know how it came about. convert reads it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from maskwatch.errors import ModelError
from maskwatch.system import whole_file
from maskwatch.vision import preprocess

RECORD = "run.json"
VERSIONED = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python-headless", "maskwatch")


class Run(BaseModel):
    """How a model was made. Written when training ends, beside model.keras."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The network, e.g. mobilenet_v2."""
    task: str
    """mask, face or scene."""
    labels: tuple[str, ...]
    """Class names in the order of the outputs."""
    input_size: int
    """Side of the square input, pixels."""
    preprocess_version: int = preprocess.VERSION
    """The geometry the crops were cut with."""
    margin: float | None = None
    """Face margin the device must cut with (mask)."""
    temperature: float = 1.0
    """Divides the logits, fitted on validation (mask)."""
    bias: float = 0.0
    """Added to the log-odds of being bare, fitted on validation (mask)."""
    score_threshold: float | None = None
    """Default threshold, chosen on validation (face, scene)."""
    seed: int
    split_sha256: str
    """Which photographs were learnt from, see data.Split.sha256."""
    knobs: dict[str, Any]
    """Every number the recipe was run with."""
    versions: dict[str, str]
    history: dict[str, Any]
    """Curves by epoch, among them the seconds each took."""
    metrics: dict[str, Any] = {}
    """Figures of the float model, by data set."""
    quick: bool = False
    """Whether it was made with --quick, of a few pictures and for minutes: not for use."""
    start_sha256: str | None = None
    """Of the model file it went on from (--start); None where it began with a weights file, or with random weights."""
    key: str = ""
    """A hash of all that decided the result, see checkpoints.fingerprint; empty in the record of an older maskwatch."""


def file_sha256(path: Path | None) -> str | None:
    """Of the model that a training went on from, if there is one."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def versions() -> dict[str, str]:
    """What the run was made with."""
    return {"python": platform.python_version(), **installed(VERSIONED)}


def installed(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def save(model: Any, path: Path) -> None:
    """Write a keras.Model as .keras, whole or not at all."""
    with whole_file.beside(path) as temporary:
        model.save(temporary)


def write(folder: Path, run: Run) -> None:
    """Write folder/run.json, whole or not at all."""
    whole_file.write(folder / RECORD, json.dumps(run.model_dump(mode="json"), indent=1) + "\n")


def read(model: Path) -> Run:
    """The record beside a model.

    Raises:
        ModelError: there is none, or it is not one.
    """
    path = model.parent / RECORD
    try:
        return Run.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(
            f"run record {path}: {reason}; `python -m training train` writes it beside the model"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ModelError(f"run record {path}: {where}: {first['msg']}; train the model again") from error
