"""Materials of masks and scarves: paper and cloth, plain, printed or lace, in the colours they are sold in.

Without such cloth, a model may take every skin-coloured patch for skin and every pale patch for a mask. Then it fails
on masks in skin colour, black or red, and on a mask with a printed mouth.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from training.augment.canvas import Generator, Texture

# Masks as they are sold: surgical blue, green, white, pink, black, greys, navy; cloth in red, wine, yellow and skin
# colours, which look most like a bare mouth when the face is a few pixels wide. Other masks have a random colour.
MASK_COLOURS = (
    (120, 180, 215),
    (150, 205, 190),
    (235, 238, 240),
    (225, 175, 190),
    (25, 25, 28),
    (45, 45, 50),
    (130, 130, 135),
    (245, 245, 245),
    (30, 40, 80),
    (190, 35, 45),
    (110, 30, 45),
    (225, 190, 70),
    (205, 165, 140),
    (150, 105, 80),
)
SKIN_COLOURED = 0.08  # share of masks in the wearer's own skin colour
Pattern = Callable[[tuple[int, int], Generator, float], NDArray[np.float32]]  # (h, w), rng, period -> (h, w, 1), 0–1


def cloth(shape: tuple[int, ...], rng: Generator, scale: float, skin: NDArray[np.float32] | None = None) -> Texture:
    """Fabric or paper with a fine grain: plain, striped, checked, dotted, blotched, printed with leaves, or lace.

    Args:
        shape: (h, w, ...).
        rng: draws everything.
        scale: width of the face, pixels.
        skin: (3,) skin colour of the wearer, which some cloth gets; None: no cloth gets it.
    """
    height, width = shape[:2]
    colour = mask_colour(rng)
    if skin is not None and rng.random() < SKIN_COLOURED:
        colour = np.asarray(skin * rng.uniform(0.85, 1.15), np.float32)
    pattern = PATTERNS[rng.choice(len(PATTERNS), p=CHANCES)]
    texture = np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
    for _ in range(2 if pattern in (blotches, leaves) else 1):  # prints have several colours
        other = rng.integers(0, 256, 3).astype(np.float32)
        share = pattern((height, width), rng, scale * rng.uniform(0.05, 0.22))
        texture = texture * (1 - share) + other * share
    grain = rng.standard_normal((height, width, 1), np.float32) * rng.uniform(0, 7)
    return (texture + grain).astype(np.float32)


def waves(shape: tuple[int, int], rng: Generator, period: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two (h, w) waves at right angles to each other, -1 … 1."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return np.sin(2 * np.pi * along / period), np.sin(2 * np.pi * across / period)


def noise(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:
    """(h, w) soft blobs, mostly 0 … 1."""
    coarse = rng.random((max(2, int(shape[0] / period) + 2), max(2, int(shape[1] / period) + 2))).astype(np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def plain_cloth(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:  # noqa: ARG001
    """No second colour."""
    return np.zeros((*shape, 1), np.float32)


def stripes(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:
    """Parallel lines."""
    return _where(waves(shape, rng, period)[0] > rng.uniform(-0.5, 0.5))


def checks(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:
    """A chess board."""
    along, across = waves(shape, rng, period)
    return _where((along > 0) ^ (across > 0))


def dots(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:
    """Rows of dots."""
    along, across = waves(shape, rng, period)
    return _where(along * across > rng.uniform(0.2, 0.6))


def blotches(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:
    """Camouflage, or a batik."""
    return _where(noise(shape, rng, period) > 0.55)


def leaves(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:
    """Outlines of leaves and flowers: the contour lines of blobs."""
    return _where(np.abs(noise(shape, rng, period) - 0.5) < rng.uniform(0.05, 0.12))


def lace(shape: tuple[int, int], rng: Generator, period: float) -> NDArray[np.float32]:
    """A net of fine holes with thicker threads."""
    along, across = waves(shape, rng, max(3.0, 0.35 * period))
    thread = np.abs(noise(shape, rng, 1.5 * period) - 0.5) < 0.08
    return _where(((along * across) > 0.3) & ~thread)


def _where(share: NDArray[np.bool_]) -> NDArray[np.float32]:
    return share[..., None].astype(np.float32)


PATTERNS: tuple[Pattern, ...] = (plain_cloth, stripes, checks, dots, blotches, leaves, lace)
CHANCES = (0.6, 0.07, 0.06, 0.06, 0.09, 0.07, 0.05)


def mask_colour(rng: Generator) -> NDArray[np.float32]:
    """(3,) the colour of a mask as sold, or a random one."""
    if rng.random() < 0.7:
        return (np.array(MASK_COLOURS[rng.integers(len(MASK_COLOURS))]) + rng.normal(0, 10, 3)).clip(0, 255)
    return rng.integers(0, 256, 3).astype(np.float32)
