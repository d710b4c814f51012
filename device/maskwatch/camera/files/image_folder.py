"""A folder of images as a source: each image in order, at times that depend on the fps alone, so that a run can be
repeated."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from maskwatch.camera.files import pictures
from maskwatch.camera.files.folder import find
from maskwatch.camera.rotation import Turn, unturned
from maskwatch.errors import SourceError
from maskwatch.flow import Frame
from maskwatch.text.printable import one_line

logger = logging.getLogger(__name__)


class ImageFolder:
    """The images of a folder as frames 1/fps seconds apart, numbers in their names sorted by value (frame2, frame10).

    An image that cannot be read is named in the log and skipped.

    Raises:
        SourceError: the folder is missing, is taken away, or holds no readable image.
    """

    def __init__(self, folder: Path, fps: float, turn: Turn = unturned) -> None:
        """
        Args:
            folder: searched through and through.
            fps: frames a second of the folder's own clock.
            turn: makes each image upright.
        """
        self._turn = turn
        self._name = f"images {one_line(folder)}"
        if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
            raise SourceError(f"{self._name}: no such folder")
        self._folder = folder
        found = find([folder])
        self._paths = [path for _, path in found.pictures]
        skipped = f"; {found.skipped_text()}" * bool(found.skipped)
        if not self._paths:
            raise SourceError(f"{self._name}: no image inside; expected {pictures.KINDS}{skipped}")
        for error in found.closed:
            logger.warning("%s", error)
        if found.skipped:
            logger.warning("%s: %s", self._name, found.skipped_text())
        self._fps = fps
        self._next = 0  # index of the image that is read next
        self._unreadable = 0
        self.trouble = None  # a folder fails when it is opened, or read() raises

    def describe(self) -> str:
        return f"{len(self._paths)} images"

    @property
    def ended(self) -> bool:
        return self._next >= len(self._paths)

    def read(self, wait: float) -> Frame | None:  # noqa: ARG002  a folder never waits
        """The next readable image; None at the end."""
        while not self.ended:
            index, self._next = self._next, self._next + 1
            try:
                return Frame(self._turn(pictures.read(self._paths[index])), index / self._fps)
            except SourceError as error:
                self._unreadable += 1
                logger.warning("%s", error)
                self._refuse_if_gone()
        if self._unreadable == len(self._paths):
            raise SourceError(f"{self._name}: none of the {self._unreadable} images can be read")
        return None

    def _refuse_if_gone(self) -> None:
        if not self._folder.is_dir():
            self._next, seen = len(self._paths), self._next - self._unreadable
            raise SourceError(f"{self._name}: the folder is gone after {seen} of {len(self._paths)} images")

    def close(self) -> None:
        """Log how many images were skipped."""
        if self._unreadable:
            logger.warning("%s: %d of %d skipped", self._name, self._unreadable, len(self._paths))
            self._unreadable = 0
