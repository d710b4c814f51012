"""Contact sheets of the augmentation: look at them before a long training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskwatch.errors import SourceError
from maskwatch.flow import Image, Label
from training import crops, data, sheet, voc
from training.augment import wear, weather

EACH = 6  # pictures of a drawing or an effect
LOOKS = 120


def write(root: Path, scenes: Path | None, out: Path, size: int, seed: int) -> None:
    """Write drawings.png, weather.png and looks.png of training photographs into the folder `out`.

    Raises:
        SourceError: no bare portrait has a known face to draw on.
    """
    learn = crops.portraits(data.load(root).split(seed).train, data.faces(root))
    street = crops.street(voc.split(voc.load(scenes), seed).train) if scenes else []
    good = data.readable(sample.path for sample in learn + street)
    faces = [sample for sample in learn if sample.box and not sample.whole and sample.path in good]
    bare = [sample for sample in faces if data.CLASSES[sample.label] is Label.WITHOUT_MASK]
    if not bare:
        raise SourceError(f"data {root}: no bare portrait has a known face; expected faces.tsv beside without_mask/")
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    drawn = []
    for drawing in dict.fromkeys(wear.DRAWINGS):
        for _ in range(EACH):
            sample = bare[rng.integers(len(bare))]
            dressed = drawing(data.read_rgb(sample.path), sample.box, rng)
            drawn.append((crops.cut(sample, dressed, size), drawing.__name__))
    sheet.write(drawn, out / "drawings.png", side=size)
    struck = []
    for effect in weather.CHANCES:
        for _ in range(EACH):
            sample = faces[rng.integers(len(faces))]
            struck.append((effect(crops.cut(sample, data.read_rgb(sample.path), size), rng), effect.__name__))
    sheet.write(struck, out / "weather.png", side=size)
    pools = [pool for pool in ([sample for sample in part if sample.path in good] for part in (learn, street)) if pool]
    sheet.write([_look(pools[at % len(pools)], size, rng) for at in range(LOOKS)], out / "looks.png", side=size)


def _look(pool: list[crops.Sample], size: int, rng: np.random.Generator) -> tuple[Image, str]:
    """One look as the training sees it, with the class it is taught."""
    sample = pool[rng.integers(len(pool))]
    look, label = crops.varied(sample, data.read_rgb(sample.path), size, rng)
    return look, str(data.CLASSES[label])
