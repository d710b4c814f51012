"""Contact sheets: many small pictures in one file, each with a caption. For run folders; never committed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from maskwatch.flow import Image
from maskwatch.system import whole_file

PAPER, INK = (255, 255, 255), (20, 20, 20)
TEXT = 11  # pixels


def write(pictures: Sequence[tuple[Image, str]], path: Path, columns: int = 12, side: int = 128) -> None:
    """Write (H, W, 3) uint8 RGB pictures with their captions as a PNG; the file is replaced at once or not at all."""
    line = TEXT + 5
    rows = max(1, -(-len(pictures) // columns))
    paper = Pillow.new("RGB", (columns * (side + 4), rows * (side + line + 4)), PAPER)
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(TEXT)
    for index, (picture, caption) in enumerate(pictures):
        x, y = index % columns * (side + 4), index // columns * (side + line + 4)
        tile = Pillow.fromarray(np.ascontiguousarray(picture)).resize((side, side), Pillow.Resampling.NEAREST)
        paper.paste(tile, (x, y))
        draw.text((x + 1, y + side + 1), caption[: side // 6], INK, font)
    with whole_file.beside(path) as temporary:
        paper.save(temporary, format="PNG")
