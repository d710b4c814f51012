"""A base image, compressed or not: opens, hashes and copies it."""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from maskwatch.errors import FlashError

CHUNK = 4 << 20  # bytes
XZ = b"\xfd7zXZ\x00"
EXPECTED = "give a Raspberry Pi OS Lite image (.img or .img.xz)"
HASH = re.compile(r"[0-9a-fA-F]{64}")
OnProgress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in total; 0: the total is not known."""


def no_progress(*_: int) -> None:
    """An OnProgress that does nothing."""


class _HashedReader:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO, total: int, on_progress: OnProgress) -> None:
        self._file, self._total, self._on_progress = file, total, on_progress
        self.hash = hashlib.sha256()
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.hash.update(content)
        self._done += len(content)
        self._on_progress(self._done, self._total)
        return content


def copy_out(base: Path, out: Path, sha256: str | None = None, on_progress: OnProgress = no_progress) -> str:
    """Copy the image, uncompressed, to a new file that only its owner can read. Long runs of zeros become holes.

    Args:
        base: .img or .img.xz.
        out: the new file; it is created as a whole or not at all.
        sha256: expected, of `base` or of the uncompressed image, because both are published.
        on_progress: see OnProgress; counts bytes of `base`.

    Returns:
        The SHA-256 of the uncompressed image.

    Raises:
        FlashError: `base` is not an image, is damaged, or has another hash than expected.
    """
    if sha256 is not None and not HASH.fullmatch(sha256):
        raise FlashError(
            f"--sha256: found {sha256[:70]!r}, expected 64 hexadecimal digits, as on the page of the image"
        )
    with _opening(base) as file, new_file(out) as target:
        reader = _HashedReader(file, base.stat().st_size, on_progress)
        try:
            uncompressed_hash = _copied(_unpacked(reader, base), target)
        except (lzma.LZMAError, EOFError) as error:
            raise FlashError(f"{base.name}: damaged ({error}); download it again") from None
        while reader.read(CHUNK):  # data after the end of the compressed part
            pass
        if sha256 is not None and sha256.lower() not in (reader.hash.hexdigest(), uncompressed_hash):
            raise FlashError(
                f"{base.name}: SHA-256 is {reader.hash.hexdigest()}, expected {sha256.lower()}: download it again"
            )
    return uncompressed_hash


def require_folder(out: Path) -> None:
    """Refuse a file whose folder does not exist, before minutes are spent on what goes into it.

    Raises:
        FlashError: there is no such folder.
    """
    if not out.parent.is_dir():
        raise FlashError(f"{out}: there is no folder {out.parent}; make it first: mkdir -p {out.parent}")


@contextlib.contextmanager
def new_file(out: Path) -> Iterator[BinaryIO]:
    """A file that only its owner can read. It is written under another name and renamed when complete; otherwise
    removed.

    Raises:
        FlashError: it cannot be written.
    """
    try:
        number, name = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)  # mode 0600
    except OSError as error:
        raise FlashError(f"{out}: cannot be written ({error.strerror})") from None
    temporary = Path(name)
    try:
        with os.fdopen(number, "w+b") as file:
            yield cast(BinaryIO, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
    except OSError as error:
        raise FlashError(f"{out}: cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _opening(base: Path) -> BinaryIO:
    try:
        return base.open("rb")
    except OSError as error:
        raise FlashError(f"{base}: {error.strerror}; {EXPECTED}") from None


def _unpacked(reader: _HashedReader, base: Path) -> Iterator[bytes]:
    first = reader.read(CHUNK)
    if first[:4] in (b"PK\x03\x04", b"\x1f\x8b\x08\x08", b"\x28\xb5\x2f\xfd"):
        raise FlashError(f"{base.name}: found a .zip, .gz or .zst, expected .img or .img.xz: unpack it first")
    if not first.startswith(XZ):
        yield first
        while content := reader.read(CHUNK):
            yield content
        return
    unpacker = lzma.LZMADecompressor()
    while not unpacker.eof:
        content = unpacker.decompress(first, max_length=CHUNK)
        if content:
            yield content
        first = b""
        if unpacker.needs_input and not unpacker.eof:
            first = reader.read(CHUNK)
            if not first:
                raise EOFError("the file ends too early")


def _copied(pieces: Iterator[bytes], target: BinaryIO) -> str:
    """Write the pieces, with runs of zeros as holes; return the SHA-256 of all."""
    digest = hashlib.sha256()
    size = 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if piece.count(0) == len(piece):
            target.seek(len(piece), os.SEEK_CUR)
        else:
            target.write(piece)
    target.truncate(size)
    return digest.hexdigest()
