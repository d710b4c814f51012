"""Backgrounds of the clips: drawn walls, floors, doors and notices, or photographs without people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.camera.files import pictures
from maskwatch.flow import Image

Floats = NDArray[np.float32]
Generator = np.random.Generator
MARGIN = 16  # pixels that a backdrop is larger than the frame on every side, because the camera shakes
SHADES = (40.0, 230.0)  # grey levels of walls and floors


def backdrop(width: int, height: int, rng: Generator, photographs: Sequence[Path] = ()) -> Image:
    """(height + 2 MARGIN, width + 2 MARGIN, 3) a doorway without people: drawn, or every second time a photograph."""
    size = (width + 2 * MARGIN, height + 2 * MARGIN)
    if photographs and rng.random() < 0.5:
        return _photograph(photographs[int(rng.integers(len(photographs)))], *size, rng)
    picture = WALLS[int(rng.integers(len(WALLS)))](*size, rng)
    _floor(picture, rng)
    for _ in range(int(rng.integers(1, 3))):
        _door(picture, rng)
    for _ in range(int(rng.integers(0, 6))):
        _notice(picture, rng)
    return (picture * _light(*size, rng)).clip(0, 255).astype(np.uint8)


def clouds(width: int, height: int, rng: Generator, coarsest: float, finest: float = 2.0) -> Floats:
    """(height, width) noise of mean 0 and deviation about 1, with details of many sizes, like plaster or leaves."""
    sum_, size = np.zeros((height, width), np.float32), coarsest
    while size >= finest:
        grid = rng.standard_normal((int(height / size) + 2, int(width / size) + 2), np.float32)
        sum_ += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(size / coarsest) ** 0.5
        size /= 2
    return sum_ / max(float(sum_.std()), 1e-6)


def plaster(width: int, height: int, rng: Generator) -> Floats:
    """A painted wall."""
    return _colour(rng) + clouds(width, height, rng, 200)[..., None] * rng.uniform(1, 8)


def bricks(width: int, height: int, rng: Generator) -> Floats:
    """Bricks or tiles in rows."""
    down = rng.uniform(12, 70)
    across, joint = down * rng.uniform(1, 3), max(1.0, down * rng.uniform(0.04, 0.12))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    row = (y // down).astype(int)
    x = x + (row % 2) * across * rng.choice([0.0, 0.5])
    column = (x // across).astype(int)
    shades = rng.normal(0, rng.uniform(2, 18), (row.max() + 1, column.max() + 1, 1)).astype(np.float32)
    wall = _colour(rng) + shades[row, column] + clouds(width, height, rng, 40)[..., None] * rng.uniform(1, 9)
    wall[(y % down < joint) | (x % across < joint)] = _colour(rng)
    return np.asarray(wall, np.float32)


def planks(width: int, height: int, rng: Generator) -> Floats:
    """Boards or a curtain: shades that only change from left to right, with a fine grain."""
    grain = np.repeat(clouds(width, 1, rng, rng.uniform(20, 90)), height, axis=0) * rng.uniform(4, 22)
    fine = cv2.resize(clouds(width, max(2, height // 30), rng, 8), (width, height)) * rng.uniform(1, 8)
    return _colour(rng) + (grain + fine)[..., None]


def street(width: int, height: int, rng: Generator) -> Floats:
    """Outdoors: sky, houses with windows, leaves."""
    sky = np.linspace(1.0, 0.75, height, dtype=np.float32)[:, None, None]
    view = (np.array([175, 205, 235], np.float32) * rng.uniform(0.6, 1.05) * sky).repeat(width, axis=1)
    for left in np.arange(0, width, width / rng.integers(2, 6)):
        top, right = rng.uniform(0, 0.4) * height, left + rng.uniform(0.1, 0.35) * width
        cv2.rectangle(view, (int(left), int(top)), (int(right), height), _colour(rng).tolist(), -1)
        step, pane = rng.uniform(28, 80), _colour(rng) * 0.6
        for x in np.arange(left + step / 3, right - step / 2, step):
            for y in np.arange(top + step / 3, height, step * 1.3):
                corner = (int(x + step * 0.5), int(y + step * 0.7))
                cv2.rectangle(view, (int(x), int(y)), corner, pane.tolist(), -1)
    leaves = clouds(width, height, rng, 120)
    green = np.array([70, 105, 50], np.float32) + clouds(width, height, rng, 12)[..., None] * 22
    return np.where((leaves > rng.uniform(0.4, 2.2))[..., None], green, view)


WALLS: tuple[Callable[[int, int, Generator], Floats], ...] = (plaster, bricks, planks, street)


def _colour(rng: Generator) -> Floats:
    """(3,) a random colour, mostly muted."""
    return (rng.uniform(*SHADES) + rng.normal(0, 14, 3)).clip(10, 245).astype(np.float32)


def _floor(picture: Floats, rng: Generator) -> None:
    height, width = picture.shape[:2]
    begin = int(rng.uniform(0.62, 0.9) * height)
    texture = clouds(width, height - begin, rng, 60)[..., None] * rng.uniform(1, 10)
    picture[begin:] = _colour(rng) * 0.8 + texture
    picture[begin - 6 : begin] = _colour(rng)


def _door(picture: Floats, rng: Generator) -> None:
    """A door with a frame, a handle, sometimes a pane with daylight behind it."""
    height, width = picture.shape[:2]
    across = int(rng.uniform(0.12, 0.3) * width)
    left, top, bottom = int(rng.uniform(0, width - across)), int(rng.uniform(0.02, 0.15) * height), int(0.8 * height)
    frame = max(4, across // 14)
    cv2.rectangle(picture, (left - frame, top - frame), (left + across + frame, bottom), _colour(rng).tolist(), -1)
    picture[top:bottom, left : left + across] = _colour(rng) + clouds(across, bottom - top, rng, 30)[..., None] * 3
    if rng.random() < 0.6:
        inset, down = across // 6, int(rng.uniform(0.3, 0.9) * (bottom - top))
        pane = picture[top + inset : top + down, left + inset : left + across - inset]
        if pane.size:
            pane[:] = street(pane.shape[1], pane.shape[0], rng)
    handle = (left + across - across // 8, (top + bottom) // 2)
    cv2.circle(picture, handle, max(3, across // 22), _colour(rng).tolist(), -1, cv2.LINE_AA)


def _notice(picture: Floats, rng: Generator) -> None:
    """A sheet with a heading, lines of text, sometimes a sign in a circle."""
    height, width = picture.shape[:2]
    across, down = int(rng.uniform(0.04, 0.16) * width), int(rng.uniform(0.06, 0.25) * height)
    left, top = int(rng.uniform(0, width - across)), int(rng.uniform(0.05, 0.6) * height)
    sheet = np.full((down, across, 3), _colour(rng) * 0.3 + 170, np.uint8)
    ink, size = (_colour(rng) * 0.5).tolist(), across / rng.uniform(120, 260)
    for row, y in enumerate(np.arange(12 * size + 4, down - 3, 26 * size + 4)):
        text = "".join(rng.choice(list("abcdefghi lmnop rstu"), 9 if row else 6))
        cv2.putText(sheet, text, (3, int(y)), cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)
    if rng.random() < 0.4:
        middle, radius = (across // 2, down // 2), min(across, down) // 3
        cv2.circle(sheet, middle, radius, _colour(rng).tolist(), -1, cv2.LINE_AA)
        cv2.circle(sheet, middle, radius, (200, 30, 30), max(2, radius // 6), cv2.LINE_AA)
    picture[top : top + down, left : left + across] = sheet


def _light(width: int, height: int, rng: Generator) -> Floats:
    """(height, width, 1) factors around 1: brighter on one side, a lamp, soft shadows."""
    angle, x, y = rng.uniform(0, 2 * np.pi), np.linspace(-1, 1, width), np.linspace(-1, 1, height)
    ramp = 1 + rng.uniform(0, 0.35) * (np.cos(angle) * x[None] + np.sin(angle) * y[:, None])
    lamp_x, lamp_y, wide = rng.uniform(-1, 1), rng.uniform(-1, 0), rng.uniform(0.1, 0.5)
    lamp = rng.uniform(0, 0.4) * np.exp(-((x[None] - lamp_x) ** 2 + (y[:, None] - lamp_y) ** 2) / wide)
    shadow = 1 - rng.uniform(0, 0.2) * (clouds(width, height, rng, 300, 100) > 0.5)
    return cv2.GaussianBlur((ramp + lamp) * shadow, (0, 0), 6)[..., None].astype(np.float32)


def _photograph(path: Path, width: int, height: int, rng: Generator) -> Image:
    """A part of a photograph, half to all of it, that fills the frame, sometimes mirrored."""
    photo = pictures.read(path)
    scale = min(photo.shape[1] / width, photo.shape[0] / height) * rng.uniform(0.5, 1.0)
    across, down = int(width * scale), int(height * scale)
    left, top = int(rng.integers(photo.shape[1] - across + 1)), int(rng.integers(photo.shape[0] - down + 1))
    part = photo[top : top + down, left : left + across][:, :: rng.choice([-1, 1])]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
