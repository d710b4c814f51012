"""A file read whole, whatever its name leads to: a pipe does not make us wait, a device does not fill the memory."""

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
        limit: bytes it may have.

    Raises:
        OSError: it cannot be read, is no regular file, or is longer; its `strerror` says which.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise OSError(errno.EFBIG, f"{size} bytes, expected {limit} at most")
        content = file.read(size + 1)  # no more than is stated: another process may write to it
    if len(content) > size:
        raise OSError(errno.EAGAIN, "grows while it is read")
    return content


def opened(path: Path) -> BinaryIO:
    """A regular file, to read from.

    Raises:
        OSError: it cannot be opened, or is no regular file; its `strerror` says which.
    """
    try:
        _demand_regular(os.stat(path))  # noqa: PTH116 - before it is opened: that alone can do something to a device
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name holds a NUL character") from error
    file = open(descriptor, "rb")  # noqa: PTH123, SIM115 - of what was opened, not of the name; the caller closes it
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
