"""A drawn face for the demo if the portrait is not installed, so that no more packages are needed.

It fits the points that were measured in the portrait (see camera.demo), and the shipped finder gives it a similar
score.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image

Plane = NDArray[np.float32]  # (H, W), 0–1
Shape = Callable[[Plane], object]  # draws itself into a plane
Colour = tuple[int, int, int]

CLOTHES, HAIR, SKIN, SHADE, LIGHT = (52, 60, 84), (58, 40, 30), (214, 168, 142), (176, 124, 102), (240, 204, 182)
DARK, WHITE, CHEEK, LIPS, MOUTH = (50, 34, 28), (240, 236, 232), (222, 140, 122), (164, 72, 70), (110, 44, 44)
MIDDLE = 266  # x of nose and chin, pixels


def portrait(width: int, height: int) -> Image:
    """(H, W, 3) uint8 RGB: a person from head to chest, always the same."""
    canvas = np.full((height, width, 3), HAIR, np.float32)
    _paint(canvas, CLOTHES, lambda plane: cv2.rectangle(plane, (0, 330), (width, height), 1.0, -1), 3)
    _paint(canvas, SHADE, lambda plane: cv2.rectangle(plane, (215, 300), (318, 420), 1.0, -1), 8)  # neck
    _paint(canvas, HAIR, _disc(MIDDLE, 170, 118, 140), 3)
    _paint(canvas, SKIN, _disc(MIDDLE, 222, 88, 124), 2.5)
    for ear in (176, 356):
        _paint(canvas, SKIN, _disc(ear, 228, 14, 28), 2)
    _paint(canvas, LIGHT, _disc(MIDDLE, 150, 56, 30), 14, 0.6)  # forehead
    for side in (-1, 1):
        _half(canvas, side)
    _paint(canvas, SHADE, _line((254, 206), (250, 250), 5), 5, 0.7)  # nose
    _paint(canvas, LIGHT, _line((267, 200), (268, 246), 8), 4, 0.8)
    _paint(canvas, LIPS, _disc(MIDDLE, 296, 34, 10), 2)
    _paint(canvas, MOUTH, _arc(MIDDLE, 292, 34, 6, (10, 170), 3), 1)
    _paint(canvas, SHADE, _disc(MIDDLE, 320, 24, 6), 5, 0.6)  # chin
    return _lit(canvas)


def _half(canvas: NDArray[np.float32], side: int) -> None:
    """Eye, brow, cheek and nostril of one side: -1 or 1."""
    eye = MIDDLE + 38 * side
    _paint(canvas, SHADE, _disc(eye, 196, 30, 17), 5, 0.75)
    _paint(canvas, WHITE, _disc(eye, 198, 19, 9), 1.2)
    _paint(canvas, DARK, _disc(eye, 198, 9, 9), 1)
    _paint(canvas, DARK, _arc(eye, 200, 22, 12, (190, 350), 3), 1)
    _paint(canvas, DARK, _arc(eye + side, 182, 28, 12, (200, 340), 6), 1.5)
    _paint(canvas, CHEEK, _disc(MIDDLE + 48 * side, 258, 24, 18), 10, 0.5)
    _paint(canvas, MOUTH, _disc(MIDDLE + 10 * side, 256, 6, 4), 1.5)


def _lit(canvas: NDArray[np.float32]) -> Image:
    """Add shading (darker at the sides and the chin) and the noise of a photograph."""
    rows, columns = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]].astype(np.float32)
    aside, down = np.clip(np.abs(columns - 256) / 110, 0, 1.6), np.clip((rows - 240) / 120, 0, 1)
    light = 1 - 0.17 * aside**2 - 0.12 * down
    grain = np.random.default_rng(1).normal(0, 4, canvas.shape)
    return np.asarray(np.clip(canvas * light[..., None] + grain, 0, 255), np.uint8)


def _paint(canvas: NDArray[np.float32], colour: Colour, shape: Shape, blur: float, strength: float = 1.0) -> None:
    """Paint a shape with a soft edge on the canvas; blur in pixels, strength 0–1."""
    plane = np.zeros(canvas.shape[:2], np.float32)
    shape(plane)
    alpha = strength * cv2.GaussianBlur(plane, (0, 0), blur)[..., None]
    canvas += alpha * (np.array(colour, np.float32) - canvas)


def _disc(x: int, y: int, across: int, down: int) -> Shape:
    """A filled ellipse, from its centre and half axes in pixels."""
    return lambda plane: cv2.ellipse(plane, (x, y), (across, down), 0, 0, 360, 1.0, -1, cv2.LINE_AA)


def _arc(x: int, y: int, across: int, down: int, angles: tuple[int, int], thick: int) -> Shape:
    """A part of an ellipse's outline, between two angles in degrees."""
    return lambda plane: cv2.ellipse(plane, (x, y), (across, down), 0, *angles, 1.0, thick, cv2.LINE_AA)


def _line(begin: tuple[int, int], end: tuple[int, int], thick: int) -> Shape:
    return lambda plane: cv2.line(plane, begin, end, 1.0, thick, cv2.LINE_AA)
