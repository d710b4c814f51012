"""The pictures of a script for the motion gate: heads in front of a wall.

They are difficult for the gate: only heads move, no bodies; a wall may be as bright as a face; the sensor is noisy, and
daylight changes.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.behaviour.scenes.scripts import HEIGHT, WIDTH, Script
from maskwatch.flow import Box, Image

Floats = NDArray[np.float32]
NOISE = 5.0  # grey levels, standard deviation of a pixel
DAYLIGHT, CLOUDS = 0.1, 40.0  # the share by which the light varies; the period, seconds
SHIFT = 64  # pixels; the noise is moved by up to this, so that frames have different noise


class Drawn:
    """The pictures of one script; grey, because the gate uses one colour only."""

    def __init__(self, script: Script, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._script = script
        self._hall = _texture(rng, (24, 32), (HEIGHT, WIDTH), 60, 200)
        self._heads = [_head(rng) for _ in script.actors]
        self._grain: Floats = rng.normal(0, NOISE, (HEIGHT + SHIFT, WIDTH + SHIFT)).astype(np.float32)
        self._moves = rng.integers(0, SHIFT, (script.steps, 2))
        self._phase = rng.uniform(0, 2 * math.pi)

    def at(self, step: int) -> Image:
        """(HEIGHT, WIDTH, 3) uint8 RGB of a frame."""
        time, scene = step / self._script.fps, self._hall.copy()
        for actor, head in zip(self._script.actors, self._heads, strict=True):
            if box := actor.at(time):
                _lay(scene, head, box)
        light = 1 + DAYLIGHT * math.sin(2 * math.pi * time / CLOUDS + self._phase)
        down, right = self._moves[step % len(self._moves)]
        grain = self._grain[down : down + HEIGHT, right : right + WIDTH]
        grey = cv2.addWeighted(scene, light, grain, 1, 0, dtype=cv2.CV_8U)
        return np.broadcast_to(np.asarray(grey, np.uint8)[..., None], (HEIGHT, WIDTH, 3))


def _texture(
    rng: np.random.Generator, coarse: tuple[int, int], size: tuple[int, int], low: float, high: float
) -> Floats:
    """(H, W) soft patches between two grey levels."""
    patches = rng.uniform(low, high, coarse).astype(np.float32)
    return np.asarray(cv2.resize(patches, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _head(rng: np.random.Generator) -> Floats:
    """(16, 12) hair, skin with eyes, and cloth or more skin below them."""
    head = np.full((16, 12), rng.uniform(80, 200), np.float32)
    head[:4] = rng.uniform(20, 120)
    head[6, [3, 8]] = 40
    head[9:] = rng.uniform(60, 230)
    return head


def _lay(scene: Floats, head: Floats, box: Box) -> None:
    """Draw the part of a head that is inside the frame, where a face is."""
    left, top, right, bottom = (round(value) for value in (box.left, box.top, box.right, box.bottom))
    drawn = cv2.resize(head, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    above, aside = (rows >= 0) & (rows < scene.shape[0]), (columns >= 0) & (columns < scene.shape[1])
    scene[np.ix_(rows[above], columns[aside])] = drawn[np.ix_(above, aside)]
