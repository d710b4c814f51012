"""One model, one file: a .tflite with its labels and model card inside.

The file is an ordinary TFLite model; labels.txt, model_card.json and SHA256SUMS are appended to the flatbuffer as a zip
archive, where TFLite metadata keeps its associated files, so any TFLite tool still reads it. The card carries the
SHA-256 of the flatbuffer, what the pixels must look like, and the figures the model was shipped with; SHA256SUMS, in
the form of the program sha256sum, has the hashes of card and labels. Hashes tell of damage, and of a change by somebody
who forgot them; they do not tell who made a file.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from maskwatch.config.complaint import complaint
from maskwatch.errors import ModelError
from maskwatch.system import regular_file, whole_file
from maskwatch.vision import preprocess
from maskwatch.vision.model_card import ModelCard, Task

TASKS: tuple[Task, ...] = ("mask", "face")  # that a device runs
CARD_FILE = "model_card.json"
LABELS_FILE = "labels.txt"
SUMS_FILE = "SHA256SUMS"
# Bytes. The largest that convert has made, AlexNet in float32, is 115 MB; a card of ours has 5 kB.
MAX_FILE = 128 << 20
MAX_ARCHIVE = 512 << 10
MAX_DIRECTORY = 4096  # the archive's directory, at the end of the file, is shorter
# What zipfile raises for damage here or there: a bad compression method, an encryption bit, an offset past the end.
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, KeyError, ValueError)
REBUILD = "make it again with `python -m convert`, or use the bundle that ships with maskwatch"
UNSEALED = f"no {SUMS_FILE} inside, as an older maskwatch wrote it: run `python -m convert.seal` on it"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model in memory."""

    card: ModelCard
    flatbuffer: bytes
    origin: str  # where it was read from, for messages
    sha256: str = ""  # of the whole file; empty where there is none

    def demand_size(self, found: int) -> None:
        """Refuse a model whose input is not of the size that its card says.

        Args:
            found: the side of its input, pixels.

        Raises:
            ModelError: the card says another.
        """
        if found != self.card.input_size:
            takes = f"takes {found} pixels, its card says {self.card.input_size}"
            raise ModelError(f"model {self.origin}: {takes}; {REBUILD}")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file consists of, its hashes not yet compared."""

    flatbuffer: bytes
    files: dict[str, bytes]  # of the archive, by name


def default_path(task: Task, far: bool = False) -> Path:
    """The bundle that ships in the package.

    Args:
        task: what it is for.
        far: of the two finders, the one with the larger input.
    """
    return Path(str(resources.files("maskwatch") / "models" / f"{task}{'-far' * far}.tflite"))


def read(path: Path, task: Task, any_pixels: bool = False) -> Bundle:
    """Read and verify a bundle.

    Args:
        path: the file.
        task: what it must be for.
        any_pixels: take one for another preprocess.VERSION too: to train on from its weights, not to run it.

    Raises:
        ModelError: the file is missing, cut short, altered, for another task or for another preprocess.VERSION.
    """
    return verified(content(path), path, task, any_pixels)


def verified(data: bytes, path: Path, task: Task, any_pixels: bool = False) -> Bundle:
    """As read(), of a file's bytes; the path is for messages."""
    contents = unpack(data, path)
    card = card_of(contents, path)
    if contents.files.get(SUMS_FILE) != sums(contents.files[LABELS_FILE], contents.files[CARD_FILE]):
        found = "labels or card are not those of its hashes" if SUMS_FILE in contents.files else UNSEALED
        raise ModelError(f"model {path}: altered or damaged ({found}); {REBUILD}")
    if card.task != task:
        raise ModelError(f"model {path}: made for task '{card.task}', expected '{task}'; {REBUILD}")
    if card.preprocess_version != preprocess.VERSION and not any_pixels:
        raise ModelError(
            f"model {path}: made for preprocess version {card.preprocess_version}, "
            f"this maskwatch has {preprocess.VERSION}; {REBUILD}"
        )
    return Bundle(card, contents.flatbuffer, str(path), hashlib.sha256(data).hexdigest())


def content(path: Path) -> bytes:
    """The bytes of a model file.

    Raises:
        ModelError: it cannot be read, is no regular file, or is longer than MAX_FILE.
    """
    try:
        return regular_file.read(path, MAX_FILE)
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}; name a .tflite made by `python -m convert`") from error


def is_bundle(data: bytes) -> bool:
    """Does a file carry a card? A plain .tflite does not."""
    return CARD_FILE.encode() in data[-MAX_DIRECTORY:]


def unpack(data: bytes, path: Path) -> Contents:
    """Split a file into flatbuffer and archive. The archive's files are not compressed, and only a file's last
    MAX_ARCHIVE bytes are given to the library: whatever the sizes in it say, it can take no more than those.

    Raises:
        ModelError: it is no TFLite file, or has no archive as pack() makes it.
    """
    if data[4:8] != b"TFL3":
        raise ModelError(f"model {path}: not a TFLite file; {REBUILD}")
    tail = data[-MAX_ARCHIVE:]
    try:
        with zipfile.ZipFile(io.BytesIO(tail)) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            start = min(entry.header_offset for entry in entries.values())
            if start < 0 or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
                raise ValueError
            files = {name: archive.read(entries[name]) for name in (LABELS_FILE, CARD_FILE)}
            if SUMS_FILE in entries:
                files[SUMS_FILE] = archive.read(entries[SUMS_FILE])
    except DAMAGE as error:
        found = "cut short, or not a maskwatch bundle (no model card inside)"
        raise ModelError(f"model {path}: {found}; {REBUILD}") from error
    return Contents(data[: len(data) - len(tail) + start], files)


def card_of(contents: Contents, path: Path) -> ModelCard:
    """The card of a file, which goes with its labels and its flatbuffer.

    Raises:
        ModelError: it cannot be read, has a value out of bounds, or is of another model.
    """
    try:
        card = ModelCard.model_validate_json(contents.files[CARD_FILE])
        labels = tuple(contents.files[LABELS_FILE].decode().split())
    except ValidationError as error:
        raise ModelError(f"model {path}: its model card is unreadable ({_wrong(error)}); {REBUILD}") from error
    except ValueError as error:
        raise ModelError(f"model {path}: its labels are unreadable; {REBUILD}") from error
    if labels != card.labels:
        raise ModelError(f"model {path}: labels.txt says {labels}, the card {card.labels}; {REBUILD}")
    if hashlib.sha256(contents.flatbuffer).hexdigest() != card.sha256:
        raise ModelError(f"model {path}: altered or damaged, its SHA-256 is not the one its card states; {REBUILD}")
    return card


def _wrong(error: ValidationError) -> str:
    if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
        return "it is no JSON"
    return complaint(error, ModelCard).text


def sums(labels: bytes, card: bytes) -> bytes:
    """The content of SHA256SUMS."""
    rows = ((LABELS_FILE, labels), (CARD_FILE, card))
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in rows).encode()


def pack(flatbuffer: bytes, card: ModelCard) -> bytes:
    """The bytes of a bundle. The card's sha256 is set from the flatbuffer."""
    card = card.model_copy(update={"sha256": hashlib.sha256(flatbuffer).hexdigest()})
    labels = "".join(f"{label}\n" for label in card.labels)
    return seal(flatbuffer, labels.encode(), card.model_dump_json(indent=1).encode())


def seal(flatbuffer: bytes, labels: bytes, card: bytes) -> bytes:
    """The bytes of a bundle from its parts. Entries are stored uncompressed with a fixed date, so the same model gives
    the same bytes.
    """
    buffer = io.BytesIO(flatbuffer)  # mode "a" starts the archive behind it, with offsets from the file's start
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, text in ((LABELS_FILE, labels), (CARD_FILE, card), (SUMS_FILE, sums(labels, card))):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def write(path: Path, flatbuffer: bytes, card: ModelCard) -> None:
    """Write a bundle, whole or not at all."""
    whole_file.write(path, pack(flatbuffer, card))
