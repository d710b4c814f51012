"""Contact sheets of the augmentation: look at them before a long training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskwatch.errors import SourceError
from maskwatch.flow import Image, Label
from training.augment import crops, transplant, wear, weather
from training.classifier import landmarks
from training.classifier.pools import Pool, pools
from training.pictures import contact_sheet, data, voc
from training.runs.knobs import FineTuning

EACH = 6  # pictures of each drawing, of each way to wear a moved mask, and of each effect
MOVED = (transplant.proper, transplant.nose_out, transplant.on_chin)
LOOKS = 120


def write(root: Path, scenes: Sequence[Path], out: Path, size: int, seed: int, yunet: Path | None = None) -> list[str]:
    """Write sheets of training photographs into the folder `out`.

    Returns:
        The files' names: drawings.png, moved.png (masks on other faces; only where some could be cut out), weather.png
        and looks.png.

    Raises:
        SourceError: no bare portrait has a known face to draw on.
    """
    learn = crops.portraits(data.load(root).split(seed).train, data.faces(root))
    learn += crops.of_sources(voc.sources(scenes, seed), "train")
    good = data.readable(sample.path for sample in learn)
    learn = [sample for sample in learn if sample.path in good]
    if yunet:
        learn = landmarks.with_landmarks(learn, yunet, out / landmarks.TABLE)
    faces = [sample for sample in learn if sample.box and not (sample.whole or sample.source)]
    bare = [sample for sample in faces if data.CLASSES[sample.label] is Label.WITHOUT_MASK]
    if not bare:
        raise SourceError(f"data {root}: no bare portrait has a known face; expected faces.tsv beside without_mask/")
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    masks = transplant.cut_out_masks(crops.masked(learn, seed), data.read_rgb)
    sheets = {
        "drawings.png": _drawn(bare, size, rng),
        "moved.png": _moved(bare, masks, size, rng) if masks else [],
        "weather.png": _struck(faces, size, rng),
        "looks.png": _looks(pools(learn, FineTuning()), masks, size, rng),
    }
    for name, shown in sheets.items():
        if shown:
            contact_sheet.write(shown, out / name, side=size)
    return [name for name, shown in sheets.items() if shown]


def _drawn(bare: Sequence[crops.Sample], size: int, rng: np.random.Generator) -> list[tuple[Image, str]]:
    """Every drawing on a few bare faces."""
    shown = []
    for drawing in dict.fromkeys(wear.DRAWINGS):
        for _ in range(EACH):
            sample = bare[rng.integers(len(bare))]
            dressed = drawing(data.read_rgb(sample.path), sample.box, rng)
            shown.append((crops.cut(sample, dressed, size), drawing.__name__))
    return shown


def _moved(
    bare: Sequence[crops.Sample], masks: Sequence[transplant.Cutout], size: int, rng: np.random.Generator
) -> list[tuple[Image, str]]:
    """A few masks, each on one face in every way it can be worn."""
    shown = []
    for _ in range(4 * EACH):
        sample, mask = bare[rng.integers(len(bare))], masks[rng.integers(len(masks))]
        image = data.read_rgb(sample.path)
        assert sample.box is not None
        ways = MOVED if wear.in_picture(image, sample.box, wear.CHIN_SEEN) else MOVED[:2]
        shown += [(crops.cut(sample, way(image, sample.box, mask, rng), size), way.__name__) for way in ways]
    return shown


def _struck(faces: Sequence[crops.Sample], size: int, rng: np.random.Generator) -> list[tuple[Image, str]]:
    """Every effect on a few faces."""
    shown = []
    for effect in weather.CHANCES:
        for _ in range(EACH):
            sample = faces[rng.integers(len(faces))]
            shown.append((effect(crops.cut(sample, data.read_rgb(sample.path), size), rng), effect.__name__))
    return shown


def _looks(
    found: Sequence[Pool], masks: Sequence[transplant.Cutout], size: int, rng: np.random.Generator
) -> list[tuple[Image, str]]:
    """Random views as in training, each with the class that is taught."""
    shown = []
    for place in rng.choice(len(found), LOOKS, p=[share for share, _ in found]):
        pool = found[place][1]
        sample = pool[rng.integers(len(pool))]
        look, label = crops.varied(sample, data.read_rgb(sample.path), size, rng, masks)
        shown.append((look, str(data.CLASSES[label])))
    return shown
