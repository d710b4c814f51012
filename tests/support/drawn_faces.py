"""Drawn faces, a network that classifies them, and its conversion."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs extra `train`")
from maskwatch.flow import Image, Label  # noqa: E402
from maskwatch.records.run import Run  # noqa: E402
from training.pictures import data  # noqa: E402

SIDE = 32  # pixels
SKIN, CLOTH = (220, 160, 130), (120, 170, 230)  # RGB


def drawn(label: str, rng: np.random.Generator) -> Image:
    """(48, 48, 3) a face on a random background, the lower half in skin colour or cloth colour."""
    image = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (48, 48), interpolation=cv2.INTER_NEAREST)
    cv2.ellipse(image, (24, 24), (15, 20), 0, 0, 360, SKIN, -1)
    cv2.ellipse(image, (24, 24), (15, 20), 0, 0, 180, SKIN if label == Label.WITHOUT_MASK else CLOTH, -1)
    return image


def made(split_sha256: str, **other: object) -> Run:
    fields: dict[str, object] = {
        "name": "tiny",
        "task": "mask",
        "labels": data.LABELS,
        "input_size": SIDE,
        "margin": 0.25,
        "seed": 0,
        "split_sha256": split_sha256,
        "knobs": {},
        "versions": {},
        "history": {},
    }
    return Run.model_validate({**fields, **other})


class Finished(NamedTuple):
    """The exit code and messages of one call of the command line."""

    exit_code: int
    errors: str


Convert = Callable[..., Finished]
