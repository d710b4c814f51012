"""The real face finder until a file exists, one that fails from then on: what raising_finder and stuck_finder share."""

import os
from abc import ABC, abstractmethod
from pathlib import Path

from maskwatch import cli
from maskwatch.config import FaceSettings
from maskwatch.daemon import parts
from maskwatch.flow import Face, Image

build = parts.build_finder


class Spoilt(ABC):
    """A finder whose `fail` is called instead of finding faces."""

    variable = ""  # the environment variable that names the file

    def __init__(self, settings: FaceSettings) -> None:
        self._finder, self._file = build(settings), Path(os.environ[self.variable])

    @property
    def input_size(self) -> int:
        return self._finder.input_size

    def prepare(self, image: Image) -> None:
        self._finder.prepare(image)

    def find(self, image: Image) -> list[Face]:
        if self._file.exists():
            self.fail()
        return self._finder.find(image)

    @abstractmethod
    def fail(self) -> None:
        """Called for each frame from now on; a subclass fails in its own way."""


def run(finder: type[Spoilt]) -> None:
    """Run the program `maskwatch` with this finder instead of the real one."""
    parts.build_finder = finder
    cli.main()
