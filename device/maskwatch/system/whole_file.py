"""A file is there whole or not at all, whatever happens while it is written: beside it, synced, renamed.

Needs the standard library alone: the first boot of a unit uses it too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODE = 0o644  # less what the umask takes away


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A file to write to, with the ending of `path`; when the block ends well, it takes the place of `path`.

    After an exception `path` is as it was. The name holds the process's number, so that two processes that write the
    same file at one time never mix their bytes.

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
    """Write text (UTF-8) or bytes. On FAT, which has no modes, `mode` is passed over.

    Raises:
        OSError: it cannot be written; `path` is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    created = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with beside(path) as temporary, os.fdopen(os.open(temporary, created, mode), "wb") as file:
        file.write(data)


def link(path: Path, target: str | Path) -> None:
    """A symbolic link to `target`, in place of whatever link or file is at `path`: at every moment one of the two."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """The names in a folder are on the disk."""
    _sync(folder, os.O_RDONLY)


def _sync(path: Path, access: int) -> None:
    number = os.open(path, access | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
