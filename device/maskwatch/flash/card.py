"""Writes an image to a card and reads it back. The first bytes are written last, so that an incomplete card does not
boot."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from maskwatch.errors import FlashError
from maskwatch.flash.image import OnProgress, no_progress

CHUNK = 4 << 20  # bytes
BLKFLSBUF = 0x1261  # Linux: drop the cached content of a disk
F_NOCACHE = 48  # macOS: do not cache what is read


class State(Enum):
    """The state of a card, in words for a user who pressed Ctrl-C."""

    UNTOUCHED = "nothing was written; the card is unchanged"
    PARTIAL = "partly written: the card looks empty and does not boot; flash it again"
    WRITTEN = "written but not checked: it may boot; flash it again to be sure"
    CHECKED = "written and checked: ready for the unit"


class Card:
    """A disk (in tests, a file) to which an image is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = State.UNTOUCHED

    def write(self, image: Path, on_progress: OnProgress = no_progress) -> None:
        """Write the image; at the end all of it is on the card.

        Args:
            image: a file.
            on_progress: called with the bytes done and the bytes in total.

        Raises:
            FlashError: the card cannot be opened or written to.
        """
        total = image.stat().st_size
        with self._opened(os.O_WRONLY) as card, image.open("rb") as source:
            first = source.read(CHUNK)
            self.state = State.PARTIAL
            _write_at(card, 0, bytes(len(first)))
            done = len(first)
            while content := source.read(CHUNK):
                _write_at(card, done, content)
                done += len(content)
                on_progress(done, total)
            os.fsync(card)
            _write_at(card, 0, first)
            os.fsync(card)
        self.state = State.WRITTEN

    def check(self, image: Path, on_progress: OnProgress = no_progress) -> None:
        """Read the card, not this machine's cache of it, and compare it with the image.

        Raises:
            FlashError: it differs.
        """
        total, done = image.stat().st_size, 0
        with self._opened(os.O_RDONLY) as card, image.open("rb") as source:
            _drop_cache(card)
            while content := source.read(CHUNK):
                if _read(card, len(content)) != content:
                    raise FlashError(
                        f"{self.path}: at {done / 1e6:.0f} MB the card differs from what was written: it is worn out, "
                        "or smaller than it claims; use another card"
                    )
                done += len(content)
                on_progress(done, total)
        self.state = State.CHECKED

    @contextlib.contextmanager
    def _opened(self, how: int) -> Iterator[int]:
        exclusive = os.O_EXCL if self.path.is_block_device() else 0  # Linux refuses it while the disk is mounted
        try:
            number = os.open(self.path, how | exclusive | os.O_CLOEXEC)
        except OSError as error:
            raise FlashError(f"{self.path}: cannot be opened ({error.strerror}){_hint(error)}") from None
        try:
            yield number
        except OSError as error:
            raise FlashError(f"{self.path}: {error.strerror}: {self.state.value}") from None
        finally:
            os.close(number)


def require_writable(path: Path) -> None:
    """Refuse a card that this user may not write to, before minutes are spent on its image.

    Raises:
        FlashError: it needs root.
    """
    if path.exists() and not os.access(path, os.W_OK):
        error = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        raise FlashError(f"{path}: cannot be opened ({error.strerror}){_hint(error)}")


def raw(path: str) -> Path:
    """The path to write to: on macOS the unbuffered device, which is many times faster."""
    return Path(path.replace("/dev/disk", "/dev/rdisk")) if sys.platform == "darwin" else Path(path)


def _hint(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "; only root may write to a card: run the same command with sudo, or make an image with -o"
    return "; unmount its partitions first" if error.errno == errno.EBUSY else ""


def _write_at(card: int, place: int, content: bytes) -> None:
    view = memoryview(content)
    os.lseek(card, place, os.SEEK_SET)
    while view:
        view = view[os.write(card, view) :]


def _read(card: int, size: int) -> bytes:
    parts = []
    while size > 0 and (content := os.read(card, size)):
        parts.append(content)
        size -= len(content)
    return b"".join(parts)


def _drop_cache(card: int) -> None:
    """Drop this machine's cache of the card. If that fails, check() may compare the cache, which is still better than
    nothing."""
    with contextlib.suppress(OSError):
        if sys.platform == "darwin":
            fcntl.fcntl(card, F_NOCACHE, 1)
        else:
            os.posix_fadvise(card, 0, 0, os.POSIX_FADV_DONTNEED)
            fcntl.ioctl(card, BLKFLSBUF)
