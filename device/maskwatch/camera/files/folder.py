"""The pictures in folders: which files are used, in which order, and which are skipped."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from maskwatch.camera.files.pictures import is_picture
from maskwatch.errors import SourceError
from maskwatch.text.printable import one_line

KINDS_SHOWN = 6  # kinds of skipped files in a message
NUMBER = re.compile("([0-9]+)")


@dataclass(frozen=True, slots=True)
class Found:
    """What is under the given files and folders."""

    pictures: tuple[tuple[str, Path], ...]  # (name, path), in order
    skipped: Counter[str] = field(default_factory=Counter)  # how many files of each kind are skipped
    closed: tuple[SourceError, ...] = ()  # one for each folder that could not be listed

    def skipped_text(self) -> str:
        """E.g. `12 files skipped: 10 .heic, 2 .txt`; "" when no file was skipped."""
        if not self.skipped:
            return ""
        total = self.skipped.total()
        kinds = [f"{number} {kind}" for kind, number in self.skipped.most_common(KINDS_SHOWN)]
        rest = total - sum(number for _, number in self.skipped.most_common(KINDS_SHOWN))
        return f"{total} file{'s' * (total > 1)} skipped: {', '.join(kinds + [f'{rest} others'] * bool(rest))}"


def find(paths: Iterable[Path]) -> Found:
    """Every picture under the given files and folders.

    A file is named by its file name, a picture in a folder by its path below that folder. Folders inside folders are
    searched too. Numbers in names are sorted by value: frame2 comes before frame10. Links to folders are not followed,
    because they may form a circle. A path that does not exist is kept, so that the error comes when it is read.
    """
    found: list[tuple[str, Path]] = []
    others: Counter[str] = Counter()
    closed: list[SourceError] = []
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
            found.append((path.name, path))
            continue
        inside, start = [], len(os.path.join(path, ""))  # noqa: PTH118
        for item in _files(path, others, closed):
            name = item[start:]
            if (kind := _skipped_kind(os.path.basename(name))) is None:  # noqa: PTH119 - a Path for each of 100,000
                inside.append(name)
            elif kind:
                others[kind] += 1
        found += [(name, path / name) for name in sorted(inside, key=counted)]
    return Found(tuple(found), others, tuple(closed))


def counted(name: str) -> tuple[object, ...]:
    """A sort key for paths: folder by folder, numbers by their value."""
    parts = name.split(os.sep)  # noqa: PTH206 - a Path for each of 100,000 takes seconds
    return (*map(_pieces, parts), name)


def _pieces(part: str) -> tuple[tuple[str, int], ...]:
    pieces = [*NUMBER.split(part), "-1"]  # text, number, text, ...
    return tuple(zip(pieces[::2], map(int, pieces[1::2]), strict=True))


def _files(folder: Path, others: Counter[str], closed: list[SourceError]) -> Iterator[str]:
    """The paths of all files below `folder`. It is a loop, because folders may be 2,000 levels deep."""
    waiting = [os.fspath(folder)]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 - is_dir raises in a circle
                        others["as a link to a folder"] += 1
                    else:
                        yield entry.path
        except OSError as error:
            closed.append(SourceError(f"folder {one_line(place)}: {error.strerror}; what is in it is not seen"))


def _skipped_kind(name: str) -> str | None:
    """The kind of a file that is skipped, "" for a file that macOS creates beside others; None: it is used."""
    if is_picture(name):
        return None
    if name.startswith("._") or name == ".DS_Store":
        return ""
    return one_line(Path(name).suffix.lower()) or "without a suffix"
