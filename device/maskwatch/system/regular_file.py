"""Reads regular files only: a pipe could block the reader, and a device could fill the memory."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read(path: Path, limit: int) -> bytes:
    """The content of a regular file.

    Args:
        path: of the file.
        limit: its size in bytes at most.

    Raises:
        OSError: it cannot be read, is not a regular file, or is longer; `strerror` says which.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise OSError(errno.EFBIG, f"{size} bytes, expected {limit} at most")
        content = file.read(size + 1)  # not more, because another process may append to it
    if len(content) > size:
        raise OSError(errno.EAGAIN, "grows while it is read")
    return content


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading. The caller closes it.

    Raises:
        OSError: it cannot be opened, or is not a regular file; `strerror` says which.
    """
    try:
        _demand_regular(os.stat(path))  # noqa: PTH116 - first, because opening a device can have effects
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name holds a NUL character") from error
    file = open(descriptor, "rb")  # noqa: PTH123, SIM115 - a descriptor
    try:
        _demand_regular(os.fstat(descriptor))
    except OSError:
        file.close()
        raise
    return file


def _demand_regular(facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        kind = KINDS.get(stat.S_IFMT(facts.st_mode), "no file")
        raise OSError(errno.EINVAL, f"{kind}, expected a regular file")
