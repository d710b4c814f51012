"""The program `maskwatch` with a face finder that raises at every frame once the file named in RAISES exists."""

import os
from pathlib import Path

from maskwatch import cli, parts
from maskwatch.config import FaceSettings
from maskwatch.flow import Face, Image

build = parts.build_detector


class Raising:
    def __init__(self, settings: FaceSettings) -> None:
        self._finder, self._file = build(settings), Path(os.environ["RAISES"])

    def ahead(self, image: Image) -> None:
        self._finder.ahead(image)

    def find(self, image: Image) -> list[Face]:
        if self._file.exists():
            raise RuntimeError("no kernel for this picture")
        return self._finder.find(image)


parts.build_detector = Raising
cli.main()
