"""The program `maskwatch` with a face finder that raises at every frame once the file named in RAISES exists."""

import os
from pathlib import Path

from maskwatch import cli
from maskwatch.config import FaceSettings
from maskwatch.daemon import parts
from maskwatch.flow import Face, Image

build = parts.build_finder


class Raising:
    def __init__(self, settings: FaceSettings) -> None:
        self._finder, self._file = build(settings), Path(os.environ["RAISES"])

    @property
    def input_size(self) -> int:
        return self._finder.input_size

    def prepare(self, image: Image) -> None:
        self._finder.prepare(image)

    def find(self, image: Image) -> list[Face]:
        if self._file.exists():
            raise RuntimeError("no kernel for this picture")
        return self._finder.find(image)


parts.build_finder = Raising
cli.main()
