"""Keeps the messages of libraries off stderr, where our errors are single lines."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator


def mute_cv2() -> None:
    """Silence the warnings of cv2 and FFmpeg from now on."""
    import cv2  # here, because other users of this file need no cv2

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when FFmpeg is first used
    # In OpenCV 4 (needed with Bookworm's numpy 1) it is in cv2, in OpenCV 5 in cv2.utils; 0 means silent in both.
    (cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel)(0)


def mute_picamera2() -> None:
    """Silence picamera2's log, which has several lines for each opening. It raises whatever it reports as an error."""
    logging.getLogger("picamera2").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def muted_stderr() -> Iterator[None]:
    """Drop everything that the process writes to file descriptor 2, for libraries that cannot be silenced otherwise."""
    try:
        kept = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a str
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
