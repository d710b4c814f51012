"""One model, one file: a .tflite with its labels and model card inside.

The file is an ordinary TFLite model; labels.txt and model_card.json are appended to the flatbuffer as a zip
archive, where TFLite metadata keeps its associated files, so any TFLite tool still reads it. The card carries the
SHA-256 of the flatbuffer, what the pixels must look like, and the figures the model was shipped with.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import zipfile
import zlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskwatch import preprocess
from maskwatch.errors import ModelError

Task = Literal["mask", "face", "scene"]
TASKS: tuple[Task, ...] = ("mask", "face")  # that a device runs
CARD_FILE = "model_card.json"
LABELS_FILE = "labels.txt"
MAX_DIRECTORY = 4096  # bytes; the archive's directory, at the end of the file, is shorter
# What zipfile raises for damage here or there: a bad compression method, an encryption bit, an offset past the end.
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, KeyError, ValueError)
REBUILD = "make it again with `python -m convert`, or use the bundle that ships with maskwatch"


class ModelCard(BaseModel):
    """What a model is and what it needs, written by convert and obeyed by the device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    name: str
    """Architecture and recipe, e.g. mobilenet_v2."""
    task: Task
    """mask: face crop -> a logit a class. face: letterboxed frame -> score logits and boxes at several strides.
    scene: letterboxed frame -> faces with their classes, for comparison; no device runs it."""
    labels: tuple[str, ...]
    """Class names in the order of the outputs."""
    input_size: int = Field(gt=0)
    """Side of the square input, pixels."""
    preprocess_version: int
    """preprocess.VERSION of the crops it was trained on."""
    margin: float | None = None
    """Face margin of the crops the device must cut (mask models), see preprocess.face_square."""
    score_threshold: float | None = Field(default=None, ge=0, le=1)
    """The finder's default threshold, chosen on validation scenes (face models)."""
    temperature: float = Field(default=1.0, gt=0)
    """Logits are divided by this before softmax, so that confidence means what it says (mask models)."""
    bias: float = 0.0
    """Added to the log-odds of being bare, see classifier.bare_share (mask models)."""
    sha256: str
    """Of the flatbuffer, the part of the file before the appended archive."""
    metrics: dict[str, Any] = {}
    """Figures measured on this very file, with their counts."""
    provenance: dict[str, Any] = {}
    """Seed, split and calibration hashes, versions, data sets."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model in memory."""

    card: ModelCard
    flatbuffer: bytes
    origin: str  # where it was read from, for messages


def default_path(task: Task) -> Path:
    """The bundle that ships in the package."""
    return Path(str(resources.files("maskwatch") / "models" / f"{task}.tflite"))


def read(path: Path, task: Task) -> Bundle:
    """Read and verify a bundle.

    Raises:
        ModelError: the file is missing, cut short, altered, for another task or for another preprocess.VERSION.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}; name a .tflite made by `python -m convert`") from error
    card, flatbuffer = _unpack(data, path)
    if hashlib.sha256(flatbuffer).hexdigest() != card.sha256:
        raise ModelError(f"model {path}: altered, its SHA-256 is not the one its card states; {REBUILD}")
    if card.task != task:
        raise ModelError(f"model {path}: made for task '{card.task}', expected '{task}'; {REBUILD}")
    if card.preprocess_version != preprocess.VERSION:
        raise ModelError(
            f"model {path}: made for preprocess version {card.preprocess_version}, "
            f"this maskwatch has {preprocess.VERSION}; {REBUILD}"
        )
    return Bundle(card, flatbuffer, str(path))


def is_bundle(data: bytes) -> bool:
    """Does a file carry a card? A plain .tflite does not."""
    return CARD_FILE.encode() in data[-MAX_DIRECTORY:]


def _unpack(data: bytes, path: Path) -> tuple[ModelCard, bytes]:
    """Split a file into its card and its flatbuffer."""
    if data[4:8] != b"TFL3":
        raise ModelError(f"model {path}: not a TFLite file; {REBUILD}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            start = min(entry.header_offset for entry in archive.infolist())
            card = ModelCard.model_validate_json(archive.read(CARD_FILE))
            labels = tuple(archive.read(LABELS_FILE).decode().split())
    except DAMAGE as error:
        found = "its model card is unreadable" if isinstance(error, ValidationError) else "no model card inside"
        raise ModelError(f"model {path}: cut short, or not a maskwatch bundle ({found}); {REBUILD}") from error
    if labels != card.labels:
        raise ModelError(f"model {path}: labels.txt says {labels}, the card {card.labels}; {REBUILD}")
    return card, data[:start]


def pack(flatbuffer: bytes, card: ModelCard) -> bytes:
    """The bytes of a bundle. The card's sha256 is set from the flatbuffer.

    Entries are stored uncompressed with a fixed date, so the same model gives the same bytes.
    """
    card = card.model_copy(update={"sha256": hashlib.sha256(flatbuffer).hexdigest()})
    buffer = io.BytesIO(flatbuffer)  # mode "a" starts the archive behind it, with offsets from the file's start
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, text in (
            (LABELS_FILE, "".join(f"{label}\n" for label in card.labels)),
            (CARD_FILE, card.model_dump_json(indent=1)),
        ):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def write(path: Path, flatbuffer: bytes, card: ModelCard) -> None:
    """Write a bundle: first to a temporary file beside it, then renamed, so that no half-written model exists."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(pack(flatbuffer, card))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
