"""The pictures on the wall, saved for the next start: one small file in systemd's STATE_DIRECTORY.

It is written rarely, because SD cards wear out, and on a separate thread, because a card may take seconds. Losing it is
harmless: each picture then causes one more alert. Without STATE_DIRECTORY nothing is saved.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwatch.flow import Box
from maskwatch.presence.tracker import THINGS, Picture
from maskwatch.system import regular_file, whole_file

logger = logging.getLogger(__name__)
SCHEMA = 1
NAME = "pictures.json"
LARGEST = 65536  # bytes; we never write a larger file
EVERY = 600.0  # seconds between two writes at least
FARTHEST = 1e5  # pixels; no frame is larger
STEP = 8.0  # pixels; a smaller move of a picture is not written


class Wall:
    """Loads and saves the pictures. The loop calls `keep`, which never waits."""

    def __init__(self, folder: Path | None, camera: str) -> None:
        """
        Args:
            folder: of the file; None: nothing is saved.
            camera: identifies the view. Boxes of another camera or frame size are not used.
        """
        self._path = folder / NAME if folder else None
        self._camera = hashlib.sha256(camera.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._kept: list[tuple[int, ...]] = []
        self._written = -math.inf  # seconds, when a write last began
        self._writer: threading.Thread | None = None
        self._failed = False

    @classmethod
    def from_environment(cls, camera: str, environment: Mapping[str, str] = os.environ) -> Wall:
        """With the file in the first folder of STATE_DIRECTORY, see systemd.exec(5)."""
        folder = environment.get("STATE_DIRECTORY", "").split(":")[0]
        return cls(Path(folder) if folder else None, camera)

    def load(self) -> tuple[Picture, ...]:
        """The saved pictures; none if there is no file, or one that cannot be used, which the log then says."""
        if self._path is None:
            return ()
        try:
            pictures = _read(json.loads(regular_file.read(self._path, LARGEST)), self._camera)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or error
            logger.warning("%s: not used (%s): pictures on the wall are learned again", self._path, reason)
            return ()
        self._kept = _gist(pictures)
        return pictures

    def keep(self, pictures: Sequence[Picture], time: float) -> None:
        """Save them on a separate thread, if they changed and the last write was EVERY seconds ago or more.

        Args:
            pictures: all that are known.
            time: seconds, of the newest frame.
        """
        if self._path is None or time - self._written < EVERY or _gist(pictures) == self._kept:
            return
        if self._writer is None or not self._writer.is_alive():
            self._written = time
            self._writer = threading.Thread(target=self.save, args=(pictures,), name="pictures", daemon=True)
            self._writer.start()

    def save(self, pictures: Sequence[Picture]) -> None:
        """Save them now, if they changed. The file is replaced as a whole. A failure is logged once."""
        if self._path is None or _gist(pictures) == self._kept:
            return
        rows = [[*_corners(each.box), each.seen, each.unseen] for each in pictures]
        text = json.dumps({"schema": SCHEMA, "camera": self._camera, "pictures": rows})
        try:
            whole_file.write(self._path, text)
        except OSError as error:
            if not self._failed:
                text = "%s: not written (%s): after a restart each picture causes one more alert"
                logger.warning(text, self._path, error)
            self._failed = True
            return
        self._kept, self._failed = _gist(pictures), False


def _read(content: Any, camera: str) -> tuple[Picture, ...]:
    """The pictures in a parsed file.

    Raises:
        ValueError: the file is not ours, or of another camera.
    """
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError("of another program or version")
    if content.get("camera") != camera:
        raise ValueError("of another camera or frame size")
    rows = content.get("pictures")
    if not isinstance(rows, list) or len(rows) > THINGS:
        raise ValueError("too many pictures, or no list of them")
    return tuple(_picture(row) for row in rows)


def _picture(row: Any) -> Picture:
    if not (isinstance(row, list) and len(row) == 6 and all(type(each) in (int, float) for each in row)):
        raise ValueError("a picture is six numbers")
    if not all(abs(side) <= FARTHEST for side in row[:4]) or not all(0 <= seconds < 1e12 for seconds in row[4:]):
        raise ValueError("its numbers are not a box and times")
    left, top, right, bottom, seen, unseen = map(float, row)
    if right <= left or bottom <= top:
        raise ValueError("a box without area")
    return Picture(Box(left, top, right, bottom), seen, unseen)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return round(box.left, 2), round(box.top, 2), round(box.right, 2), round(box.bottom, 2)


def _gist(pictures: Sequence[Picture]) -> list[tuple[int, ...]]:
    """What must change before the file is written again: the pictures, their places rounded to STEP, and the power of
    two below their times."""
    return sorted((*(round(side / STEP) for side in _corners(each.box)), math.frexp(each.seen)[1]) for each in pictures)
