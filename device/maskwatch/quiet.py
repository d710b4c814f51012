"""Chatter of libraries kept off stderr, where an error of ours is one line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def mute_cv2() -> None:
    """Keep cv2's and FFmpeg's warnings to themselves, from now on."""
    import cv2  # here, because who mutes another library need not have this one

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when FFmpeg is first used
    # OpenCV 4 (Bookworm's numpy 1 holds us there) has it at the top, OpenCV 5 under utils; 0 is silent in both.
    (cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel)(0)


@contextlib.contextmanager
def muted_stderr() -> Iterator[None]:
    """For a library without a switch: whatever the process writes to file descriptor 2 meanwhile is dropped."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is no path of ours
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
