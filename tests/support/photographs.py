"""Data sets of drawn photographs: with_mask/ and without_mask/."""

from pathlib import Path

import cv2
import numpy as np

from maskwatch.flow import Image, Label


def blotches(seed: int) -> Image:
    """(96, 128, 3) RGB: a picture like no other seed's."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC), np.uint8)


def save(root: Path, name: str, seed: int, quality: int = 95) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix.lower() == ".jpg" else []
    assert cv2.imwrite(str(path), blotches(seed)[..., ::-1], parameters)
    return path


def portraits(root: Path, count: int = 20) -> Path:
    """Portraits of both classes in turn, each with a known face in faces.tsv."""
    lines = ["path\tx1\ty1\tx2\ty2\tscore"]
    for number in range(count):
        name = f"{(Label.WITH_MASK, Label.WITHOUT_MASK)[number % 2]}/{number}.png"
        save(root, name, number)
        lines.append(f"{name}\t30\t20\t70\t74\t0.9")
    (root / "faces.tsv").write_text("\n".join(lines) + "\n")
    return root
