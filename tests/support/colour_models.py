"""Networks that classify drawn faces without training, by how blue the lower half of the face is."""

from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
from drawn_faces import SIDE, drawn, made

from maskwatch.flow import Image
from training.pictures import data
from training.runs import run_folder

SURE = 12.0  # smallest difference of logits between a bare face and a masked one


def photographs(root: Path, number: int = 40, face: Callable[[str, np.random.Generator], Image] = drawn) -> Path:
    """A data set of drawn faces."""
    rng = np.random.default_rng(0)
    for label in data.LABELS:
        (root / label).mkdir(parents=True)
        for index in range(number):
            cv2.imwrite(str(root / label / f"{index}.png"), face(label, rng)[..., ::-1])
    return root


def network(red: int = 0) -> keras.Model:
    """(B, SIDE, SIDE, 3) bytes, RGB -> (B, 2) logits: with a mask, without. With `red` 2 it takes BGR."""
    image = keras.Input((SIDE, SIDE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(image)
    seen = keras.layers.Conv2D(2, 1, name="blue_or_red")
    cells = keras.layers.AveragePooling2D(8)(seen(scaled))
    known = keras.layers.Dense(2, name="known")
    model = keras.Model(image, known(keras.layers.Flatten()(cells)))
    colours = np.zeros((1, 1, 3, 2), np.float32)
    colours[0, 0, red] = (-1, 1)
    colours[0, 0, 2 - red] = (1, -1)
    seen.set_weights([colours, np.zeros(2, np.float32)])
    weights = np.zeros((4, 4, 2, 2), np.float32)
    weights[2, 1:3] = SURE * np.eye(2)
    known.set_weights([weights.reshape(-1, 2), np.zeros(2, np.float32)])
    return model


def kept(folder: Path, photographs: Path) -> Path:
    """A run folder with such a network, as a training leaves it."""
    folder.mkdir(parents=True)
    run_folder.save(network(), folder / "model.keras")
    run_folder.write(folder, made(data.load(photographs, progress=False).split(0).sha256))
    return folder / "model.keras"
