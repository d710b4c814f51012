"""One model, one file: a .tflite with its labels and model card inside.

The file is an ordinary TFLite model. labels.txt, model_card.json and SHA256SUMS are appended to the flatbuffer as a zip
archive. TFLite metadata stores its associated files in the same way, so every TFLite tool can still read the file. The
card has the SHA-256 of the flatbuffer, the definition of its input, and the figures measured of the model. SHA256SUMS
has the hashes of card and labels in the format of the program sha256sum. The hashes show damage and careless changes.
They do not show who made a file.
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

TASKS: tuple[Task, ...] = ("mask", "face")  # those that a unit runs
CARD_FILE = "model_card.json"
LABELS_FILE = "labels.txt"
SUMS_FILE = "SHA256SUMS"
# Bytes. The largest file that convert has made, AlexNet in float32, has 115 MB; our cards have 5 kB.
MAX_FILE = 128 << 20
MAX_ARCHIVE = 512 << 10
MAX_DIRECTORY = 4096  # of the archive's directory at the end of the file, which is shorter
# What zipfile raises for various damage: a bad compression method, an encryption bit, an offset past the end.
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, KeyError, ValueError)
REBUILD = "make it again with `python -m convert`, or use the bundle that ships with maskwatch"
UNSEALED = f"no {SUMS_FILE} inside, as an older maskwatch wrote it: run `python -m convert.seal` on it"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model in memory."""

    card: ModelCard
    flatbuffer: bytes
    origin: str  # where it was read from, for messages
    sha256: str = ""  # of the whole file; empty if it did not come from a file

    def demand_size(self, found: int) -> None:
        """Check that the model's input has the size that its card states.

        Args:
            found: side of the input, pixels.

        Raises:
            ModelError: the card states another size.
        """
        if found != self.card.input_size:
            takes = f"takes {found} pixels, its card says {self.card.input_size}"
            raise ModelError(f"model {self.origin}: {takes}; {REBUILD}")


@dataclass(frozen=True, slots=True)
class Contents:
    """The parts of a file; their hashes are not yet compared."""

    flatbuffer: bytes
    files: dict[str, bytes]  # of the archive, by name


def default_path(task: Task, far: bool = False) -> Path:
    """The bundle that ships in the package.

    Args:
        task: of the model.
        far: whether to take the finder with the larger input.
    """
    return Path(str(resources.files("maskwatch") / "models" / f"{task}{'-far' * far}.tflite"))


def read(path: Path, task: Task, any_pixels: bool = False) -> Bundle:
    """Read and verify a bundle.

    Args:
        path: the file.
        task: that the model must have.
        any_pixels: accept another preprocess.VERSION too. Only for training that starts from its weights.

    Raises:
        ModelError: the file is missing, cut short, changed, for another task or for another preprocess.VERSION.
    """
    return verified(content(path), path, task, any_pixels)


def verified(data: bytes, path: Path, task: Task, any_pixels: bool = False) -> Bundle:
    """Like read(), from the file's bytes; the path is for messages.

    Raises:
        ModelError: see read().
    """
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
        ModelError: it cannot be read, is not a regular file, or is longer than MAX_FILE.
    """
    try:
        return regular_file.read(path, MAX_FILE)
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}; name a .tflite made by `python -m convert`") from error


def is_bundle(data: bytes) -> bool:
    """Whether a file contains a card; a plain .tflite does not."""
    return CARD_FILE.encode() in data[-MAX_DIRECTORY:]


def unpack(data: bytes, path: Path) -> Contents:
    """Split a file into flatbuffer and archive.

    Only the last MAX_ARCHIVE bytes are given to zipfile, and compressed entries are refused. So a hostile file cannot
    make zipfile use more memory than that.

    Raises:
        ModelError: it is not a TFLite file, or has no archive like those of pack().
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
    """The card of a file, checked against its labels and its flatbuffer.

    Raises:
        ModelError: it cannot be read, has a value out of bounds, or belongs to another model.
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
        return "it is not JSON"
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
    """The bytes of a bundle from its parts. Entries are stored uncompressed with a fixed date, so the same model always
    gives the same bytes.
    """
    buffer = io.BytesIO(flatbuffer)  # mode "a" appends the archive, with offsets from the file's start
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, text in ((LABELS_FILE, labels), (CARD_FILE, card), (SUMS_FILE, sums(labels, card))):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def write(path: Path, flatbuffer: bytes, card: ModelCard) -> None:
    """Write a bundle, as a whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    whole_file.write(path, pack(flatbuffer, card))
