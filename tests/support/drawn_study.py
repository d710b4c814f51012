"""Drawn pictures that any network can learn: a light lower half means a mask."""

from pathlib import Path

import cv2
import numpy as np

from training.pictures import data

SIDE = 64  # pixels
CLOTH, SKIN = (220, 180, 90), (90, 120, 200)  # BGR


def photographs(root: Path, count: int = 60) -> Path:
    """with_mask/ and without_mask/, all pictures different; half of each class."""
    rng = np.random.default_rng(0)
    for number in range(count):
        label = data.LABELS[number % 2]
        picture = rng.integers(0, 255, (12, 12, 3)).astype(np.uint8)
        picture[6:] = CLOTH if label == "with_mask" else SKIN
        path = root / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    return root
