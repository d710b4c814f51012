"""Writes files atomically: into a temporary file in the same folder, which is synced and then renamed.

A power cut leaves the old file or the new one, never a part. Only the standard library is used, because first boot
needs this file too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODE = 0o644  # reduced by the umask


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A temporary file to write to, with the same suffix as `path`; at the end of the block it replaces `path`.

    After an exception `path` is unchanged. The temporary name contains the process id, so that two processes that write
    the same file do not mix their bytes.

    Raises:
        OSError: it cannot be written, synced or renamed.
    """
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name}")
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write(path: Path, content: str | bytes, mode: int = MODE) -> None:
    """Write text (UTF-8) or bytes. On FAT, which has no modes, `mode` has no effect.

    Raises:
        OSError: it cannot be written; `path` is unchanged.
    """
    data = content.encode() if isinstance(content, str) else content
    created = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with beside(path) as temporary, os.fdopen(os.open(temporary, created, mode), "wb") as file:
        file.write(data)


def link(path: Path, target: str | Path) -> None:
    """Replace the link or file at `path` by a symbolic link to `target`, atomically."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write a folder's names to the disk."""
    _sync(folder, os.O_RDONLY)


def _sync(path: Path, access: int) -> None:
    number = os.open(path, access | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
