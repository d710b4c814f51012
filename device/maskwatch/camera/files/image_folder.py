"""A folder of images: every one, in order, on its own clock, so that a run can be repeated."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from maskwatch.camera.files import pictures
from maskwatch.camera.files.folder import find
from maskwatch.errors import SourceError
from maskwatch.flow import Frame
from maskwatch.text.printable import one_line

logger = logging.getLogger(__name__)


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
        self.trouble = None  # a folder fails at once, or never

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
