"""A sheet of frames, to see what clips look like or what was wrong in one. For run folders; never committed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.behaviour.doorway.film import Clip, Film
from maskwatch.flow import Image
from maskwatch.system import whole_file

TILE = (480, 360)  # pixels
COLUMNS = 4
SAMPLES = 24
Scene = tuple[Clip, float]  # the clip, and seconds of it


def write(scenes: Sequence[Scene], path: Path) -> None:
    """Write frames with clip and time as a PNG; the file is replaced at once or not at all."""
    tiles = [_tile(clip, time) for clip, time in scenes]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    with whole_file.beside(path) as temporary:
        cv2.imwrite(str(temporary), np.vstack(rows)[..., ::-1])


def samples(clips: Sequence[Clip]) -> list[Scene]:
    """SAMPLES moments with somebody in view, spread over the clips."""
    found = []
    for place in range(SAMPLES):
        clip = clips[place * len(clips) // SAMPLES]
        times = [step / 2 for step in range(int(clip.plan.seconds * 2)) if clip.plan.sights(step / 2)]
        if times:
            found.append((clip, times[(2 * place + 1) * len(times) // (2 * SAMPLES)]))
    return found


def _tile(clip: Clip, time: float) -> Image:
    image = Film(clip).at(time)
    height = round(TILE[0] * image.shape[0] / image.shape[1])
    tile = np.zeros((TILE[1], TILE[0], 3), np.uint8)
    tile[:height] = cv2.resize(image, (TILE[0], height), interpolation=cv2.INTER_AREA)
    cv2.putText(
        tile, f"clip {clip.number}, {time:.1f} s", (4, TILE[1] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 0)
    )
    return tile
