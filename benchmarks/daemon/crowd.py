"""Scenes with any number of people, drawn from the built-in demo's portrait, mask and hall.

All people have the same size, whatever their number. They sway by more than a quarter of a face's width, so nobody
counts as a picture on the wall. Every second one wears a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from maskwatch.camera import demo
from maskwatch.flow import Image

STEPS = 30  # frames of one sway; the scene can be looped after them
ABREAST = 5  # people in a row at most
SCALE = 0.3  # of the portrait: faces of about 57x57 pixels as the finder boxes them
SWAY = 12.0  # pixels to each side
NOD = 3.0  # pixels up and down
GOLDEN = 0.618  # share of a sway between neighbours, so that no two people move alike


@dataclass(frozen=True, slots=True)
class Person:
    """Where somebody is, in pixels of the scene, and whether they wear a mask."""

    across: float  # of the middle
    top: float  # of the portrait
    bare: bool
    phase: float = 0.0  # of the sway, 0–1


def group(count: int) -> list[Person]:
    """`count` people, those in the back row first; up to 2 × ABREAST people do not hide each other."""
    tops = (150.0,) if count <= ABREAST else (40.0, 262.0)
    rows = np.array_split(range(count), len(tops))
    return [
        Person(demo.WIDTH * (place + 0.5) / len(row), top, number % 2 == 0, GOLDEN * number % 1)
        for row, top in zip(rows, tops, strict=True)
        for place, number in enumerate(row.tolist())
    ]


class Hall:
    """Draws people in the hall.

    Raises:
        SourceError: see demo.portrait.
    """

    def __init__(self) -> None:
        portrait = demo.portrait().astype(np.float32)
        silhouette, mask = demo.draw_silhouette(), demo.draw_mask()
        masked = np.asarray(portrait + mask.alpha * (mask.colour - portrait), np.float32)
        self._bare, self._masked = _standing(portrait, silhouette), _standing(masked, silhouette)
        self._hall = demo.draw_hall()
        self._grain = np.random.default_rng(0).normal(0, 2.5, self._hall.shape).astype(np.float32)

    def draw(self, people: Sequence[Person], step: int) -> Image:
        """(480, 640, 3) uint8 RGB; repeats after STEPS, except for the noise, which a camera never repeats."""
        scene = self._hall.copy()
        for person in people:
            turn = 2 * np.pi * (step / STEPS + person.phase)
            across, top = person.across + SWAY * np.sin(turn), person.top + NOD * np.sin(2 * turn)
            _lay(scene, self._bare if person.bare else self._masked, across, top)
        grain = np.roll(self._grain, (23 * step, 41 * step), axis=(0, 1))
        return np.asarray(np.clip(scene + grain, 0, 255), np.uint8)


def _standing(portrait: demo.Floats, silhouette: demo.Floats) -> demo.Cutout:
    """The person cut out and shrunk, with the last row of the chest extended to the floor."""
    width, height = (round(SCALE * side) for side in demo.PORTRAIT_SIZE)
    parts = [cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA) for part in (portrait, silhouette)]
    colour, alpha = (cv2.copyMakeBorder(part, 0, demo.HEIGHT, 0, 0, cv2.BORDER_REPLICATE) for part in parts)
    return demo.Cutout(np.asarray(colour, np.float32), np.asarray(alpha, np.float32)[..., None])


def _lay(scene: demo.Floats, cutout: demo.Cutout, across: float, top: float) -> None:
    """Draw a cutout with its middle and top at this place; only the columns that it covers change."""
    width = cutout.alpha.shape[1]
    left = across - width / 2
    first, last = max(int(left) - 1, 0), min(int(left) + width + 2, demo.WIDTH)
    shift, size = np.array([[1, 0, left - first], [0, 1, top]], np.float32), (last - first, demo.HEIGHT)
    colour = cv2.warpAffine(cutout.colour, shift, size, borderMode=cv2.BORDER_REPLICATE)
    strip, alpha = scene[:, first:last], cv2.warpAffine(cutout.alpha, shift, size)[..., None]
    strip += alpha * (colour - strip)
