"""Videos and image folders: every frame, in order, on the file's own clock, so that a run can be repeated."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import cv2
import numpy as np

from maskwatch.camera import pictures
from maskwatch.camera.folder import find
from maskwatch.errors import SourceError
from maskwatch.flow import Frame
from maskwatch.printable import one_line
from maskwatch.quiet import mute_cv2

logger = logging.getLogger(__name__)

# Containers differ by a few frames between the count in the header and what a whole file decodes to.
MISSING_FRAMES = 5
MISSING_SHARE = 0.02


class VideoFile:
    """A video, played as fast as it is read; frame time = frame index / frame rate of the file.

    Raises:
        SourceError: the file is missing, no video, or ends before its header says.
    """

    def __init__(self, path: Path, fps: float) -> None:
        """
        Args:
            path: anything FFmpeg reads.
            fps: frames a second, for a file that does not state its own.
        """
        mute_cv2()
        if not path.is_file():
            raise SourceError(f"video {path}: no such file; expected a video FFmpeg can read")
        self._path = path
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise SourceError(f"video {path}: cannot be opened: no video FFmpeg can read, or cut short; copy it again")
        stated = self._capture.get(cv2.CAP_PROP_FPS)
        self._fps = stated if np.isfinite(stated) and stated > 0 else fps
        self._stated_frames = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._frames = 0
        self.ended = False
        self.trouble = None  # a file has none: it fails at once, or never

    def describe(self) -> str:
        return f"{self._fps:g} frames a second"

    def read(self, wait: float) -> Frame | None:  # noqa: ARG002  a file never lets anybody wait
        """The next frame; None at the end.

        Raises:
            SourceError: the end came too early.
        """
        there, pixels = self._capture.read()
        if not there:
            self.ended = True
            self._refuse_early_end()
            return None
        time = self._frames / self._fps
        self._frames += 1
        return Frame(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8), time)

    def close(self) -> None:
        self._capture.release()

    def _refuse_early_end(self) -> None:
        missing = self._stated_frames - self._frames
        if self._frames and missing <= max(MISSING_FRAMES, MISSING_SHARE * self._stated_frames):
            return
        stated = f"{self._stated_frames:.0f}" if self._stated_frames > 0 else "its"
        raise SourceError(f"video {self._path}: ends after {self._frames} of {stated} frames: cut short or damaged")


class ImageFolder:
    """The images of a folder in the order people count, as frames 1/fps seconds apart.

    One that cannot be read is named and skipped.

    Raises:
        SourceError: the folder is missing, is taken away, or holds no readable image.
    """

    def __init__(self, folder: Path, fps: float) -> None:
        self._name = f"images {one_line(folder)}"
        if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
            raise SourceError(f"{self._name}: no such folder")
        self._folder = folder
        found = find([folder])
        self._paths = [path for _, path in found.pictures]
        told = f"; {found.told()}" * bool(found.passed_over)
        if not self._paths:
            raise SourceError(f"{self._name}: no image inside; expected {pictures.KINDS}{told}")
        for error in found.closed:
            logger.warning("%s", error)
        if found.passed_over:
            logger.warning("%s: %s", self._name, found.told())
        self._fps = fps
        self._place = 0
        self._unreadable = 0
        self.trouble = None  # see VideoFile

    def describe(self) -> str:
        return f"{len(self._paths)} images"

    @property
    def ended(self) -> bool:
        return self._place >= len(self._paths)

    def read(self, wait: float) -> Frame | None:  # noqa: ARG002  a folder never lets anybody wait
        """The next readable image; None at the end."""
        while not self.ended:
            place, self._place = self._place, self._place + 1
            try:
                return Frame(pictures.read(self._paths[place]), place / self._fps)
            except SourceError as error:
                self._unreadable += 1
                logger.warning("%s", error)
                self._refuse_if_gone()
        if self._unreadable == len(self._paths):
            raise SourceError(f"{self._name}: none of the {self._unreadable} images can be read")
        return None

    def _refuse_if_gone(self) -> None:
        if not self._folder.is_dir():
            self._place, seen = len(self._paths), self._place - self._unreadable
            raise SourceError(f"{self._name}: the folder is gone after {seen} of {len(self._paths)} images")

    def close(self) -> None:
        """Tells how many were skipped."""
        if self._unreadable:
            logger.warning("%s: %d of %d skipped", self._name, self._unreadable, len(self._paths))
            self._unreadable = 0
