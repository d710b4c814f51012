"""A head with known landmarks: maps places on the face to pixels of the picture, also when the head is turned.

The face is modelled as a solid: each place, in shares of its box (see `wear`), has a depth. A camera far away maps such
places linearly. Five landmarks give ten equations for the eight numbers of the map; the tip of the nose, which is
nearer to the camera, shows how far the head is turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box

Array = NDArray[np.float64]
# Eyes, tip of the nose, corners of the mouth, from left to right, in shares of YuNet's box: medians of its answers on
# 250 bare portraits.
PLACES = ((0.27, 0.39), (0.73, 0.39), (0.5, 0.6), (0.31, 0.745), (0.69, 0.745))
# Depth towards the camera, in widths of the box; 0 at the eyes. A box is about 14 cm wide.
ROUND = 0.55  # how far the ears are behind the middle of the face
NOSE, NOSE_WIDE = 0.085, 0.11  # how far the tip of the nose is in front of that curve, and how wide the nose is
MAX_ROUND = 1.15  # half widths from the middle; beyond, the head is modelled as flat
MIN_SEEN = (
    0.15  # share of the area that a place has when the face looks into the camera; with less, it counts as not seen
)
TURNED = 0.6  # sine of the turn to one side: beyond it, more than a third of the face is hidden


@dataclass(frozen=True, slots=True)
class Head(Box):
    """A face box with the pixels of its landmarks, in the order of PLACES."""

    points: tuple[tuple[float, float], ...]

    @property
    def map(self) -> Array:
        """(4, 2): (across, down, depth, 1) of a place @ map = its pixels."""
        places = np.array(PLACES)
        known = np.column_stack([places, depth(places), np.ones(len(places))])
        return np.asarray(np.linalg.lstsq(known, np.array(self.points), rcond=None)[0])

    @property
    def turn(self) -> float:
        """Sine of the head's turn to one side or up: 0 when it looks into the camera, 1 in profile."""
        found = self.map
        return float(np.hypot(*found[2]) / max(np.hypot(np.hypot(*found[0]), np.hypot(*found[2])), 1e-6))


def depth(places: Sequence[tuple[float, float]] | Array) -> Array:
    """(N,) depths of (N, 2) places on the face."""
    across, down = np.asarray(places, np.float64).T
    side = (2 * across - 1).clip(-MAX_ROUND, MAX_ROUND)
    nose = np.exp(-(((across - 0.5) / NOSE_WIDE) ** 2) - ((down - 0.6) / NOSE_WIDE) ** 2)
    return ROUND * ((2 * PLACES[1][0] - 1) ** 2 - side**2) + NOSE * nose


def pixels(found: Array, places: Sequence[tuple[float, float]] | Array) -> Array:
    """(N, 2) pixels in the picture of the places; `found` is Head.map."""
    places = np.asarray(places, np.float64)
    return np.column_stack([places, depth(places), np.ones(len(places))]) @ found


def places(found: Array, points: Array, steps: int = 6) -> Array:
    """(N, 2) the places on the face that these pixels show: Newton's method for the inverse of `pixels`.

    NaN where the face is turned away from the camera or the method does not converge: such a pixel shows no face.
    """
    flat, size = found[:2], np.sqrt(abs(np.linalg.det(found[:2])))
    at = (points - found[3]) @ np.linalg.inv(flat)
    for _ in range(steps):
        miss = pixels(found, at) - points
        a, b, c, d = _slopes(found, at)
        det = a * d - b * c
        det = np.where(np.abs(det) < 1e-3, 1e-3, det)
        step = np.column_stack([d * miss[:, 0] - b * miss[:, 1], a * miss[:, 1] - c * miss[:, 0]]) / det[:, None]
        at = at - step.clip(-0.2, 0.2)
    a, b, c, d = _slopes(found, at)
    away = (a * d - b * c) / np.linalg.det(flat) < MIN_SEEN
    lost = np.abs(pixels(found, at) - points).max(axis=1) > 0.02 * size
    return np.where((away | lost)[:, None], np.nan, at)


def _slopes(found: Array, at: Array) -> tuple[Array, Array, Array, Array]:
    """How the pixel moves with the place: x by across, x by down, y by across, y by down, (N,) each."""
    across, down = at.T
    side = (2 * across - 1).clip(-MAX_ROUND, MAX_ROUND)
    nose = NOSE * np.exp(-(((across - 0.5) / NOSE_WIDE) ** 2) - ((down - 0.6) / NOSE_WIDE) ** 2)
    by_across = -4 * ROUND * side * (np.abs(side) < MAX_ROUND) - 2 * nose * (across - 0.5) / NOSE_WIDE**2
    by_down = -2 * nose * (down - 0.6) / NOSE_WIDE**2
    x, y = found[2]
    return (
        found[0, 0] + x * by_across,
        found[1, 0] + x * by_down,
        found[0, 1] + y * by_across,
        found[1, 1] + y * by_down,
    )


def upright(box: Box, roll: float = 0.0) -> Array:
    """(4, 2) the map of a face with no known landmarks: it looks into the camera."""
    cos, sin = np.cos(roll), np.sin(roll)
    flat = np.array([[cos * box.width, sin * box.width], [-sin * box.height, cos * box.height]])
    middle = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2])
    return np.concatenate([flat, np.zeros((1, 2)), [middle - 0.5 * flat.sum(axis=0)]])
