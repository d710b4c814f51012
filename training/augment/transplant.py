"""Masks cut out of photographs and put on other faces: properly, below the nose, or at the chin.

A drawn mask teaches where a mask is; a real one also teaches what it looks like. The same masks are put on the same
bare faces in all three ways, so the class depends on the nose and not on the cloth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image
from training.augment import head
from training.augment.canvas import Canvas, Generator, plain

SCALE = 110  # pixels of a cut-out across the width, and across the height, of a face
LEFT, TOP, RIGHT, BOTTOM = -0.15, 0.3, 1.15, 1.4  # of a cut-out, in shares of the face box
NOSE, LIPS = (0.5, 0.6), (0.5, 0.76)  # places that a mask worn properly covers
LOOSE = 0.12  # share of the face's height: a longer visible edge beside the face belongs to a scarf or a neighbour
BRIDGE = (0.4, 0.57)  # where the upper edge of such a mask is, in the middle; share of the face box
ENDS = (0.86, 1.18)  # where its lower edge is
WIDTH = (0.5, 1.2)  # share of the face's width that it covers at the lips
MIN_FACE = 56.0  # pixels across: the mask of a smaller face has too few pixels to be moved
STRAIGHT = 0.45  # Head.turn: beyond it, one side of the mask is hidden
SPAN = 32.0  # grey levels by which the mask must differ from the skin above it; otherwise its edge is only a guess
OUTSIDE = -9.0  # marks a place outside the cut-out
MAX_MASKS = 300  # that are kept in memory
BARE_NOSE = (0.68, 0.74)  # upper edges in the middle, share of the face box: between the nose and the lips
BARE_MOUTH = (0.87, 0.94)  # the same, below the lips


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A mask as it is on a face that looks into the camera."""

    texture: NDArray[np.float32]  # (h, w, 3), 0–255, as bright as on a face in medium light
    alpha: NDArray[np.float32]  # (h, w), 0–1
    top: float  # upper edge in the middle, share of the face box
    bottom: float  # lower edge, the same


def cut_out_masks(
    faces: Iterable[tuple[Path, Box]], read: Callable[[Path], Image], limit: int = MAX_MASKS
) -> list[Cutout]:
    """Cut out the masks of the first faces on which this succeeds, at most `limit`."""
    found: list[Cutout] = []
    for path, box in faces:
        if len(found) >= limit:
            break
        if (mask := cut_out(read(path), box)) is not None:
            found.append(mask)
    return found


def cut_out(image: Image, box: Box) -> Cutout | None:
    """The mask of a face that wears one properly; None when its edge is not clear."""
    if box.width < MIN_FACE or (isinstance(box, head.Head) and box.turn > STRAIGHT):
        return None
    found = box.map if isinstance(box, head.Head) else head.upright(box)
    if not (0 <= head.pixels(found, [(0.5, 1.1)])[0, 1] < image.shape[0]):
        return None  # its lower edge is not in the picture
    face = upright(image, found)
    shape = outline(face)
    if shape is None:
        return None
    rows = np.nonzero(shape[:, column(NOSE[0])])[0]
    top, bottom = (TOP + row / SCALE for row in (rows[0], rows[-1] + 1))
    soft = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), 1.5)
    # A mask's rim is blended with the background: take only the pixels well inside, and extend them to the rim.
    inside = cv2.erode(shape.astype(np.uint8), np.ones((5, 5), np.uint8))
    texture = spread(face, inside)
    grey = float(np.median(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[: column_down(0.42)]))
    light = np.clip(140 / max(grey, 1.0), 0.7, 1.6)
    return Cutout(texture * light, np.clip(1.6 * soft - 0.3, 0, 1), top, bottom)


def spread(face: Image, inside: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) the colours inside, extended beyond the edge."""
    weight = inside.astype(np.float32)[..., None]
    around = cv2.GaussianBlur(face * weight, (0, 0), 4.0) / np.maximum(
        cv2.GaussianBlur(weight, (0, 0), 4.0)[..., None], 1e-3
    )
    return np.asarray(face * weight + around * (1 - weight), np.float32)


def upright(image: Image, found: NDArray[np.float64]) -> Image:
    """(h, w, 3) the face as if it looked into the camera, SCALE pixels wide; `found` is Head.map."""
    across = LEFT + (np.arange(round((RIGHT - LEFT) * SCALE)) + 0.5) / SCALE
    down = TOP + (np.arange(round((BOTTOM - TOP) * SCALE)) + 0.5) / SCALE
    grid = np.stack(np.meshgrid(across, down), axis=-1)
    points = head.pixels(found, grid.reshape(-1, 2)).reshape(grid.shape).astype(np.float32)
    seen = cv2.remap(
        image, points[..., 0] - 0.5, points[..., 1] - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(seen, np.uint8)


def column(across: float) -> int:
    """Column of a cut-out for a place, share of the face box."""
    return round((across - LEFT) * SCALE)


def column_down(down: float) -> int:
    """Row of a cut-out for a place, share of the face box."""
    return round((down - TOP) * SCALE)


def outline(face: Image) -> NDArray[np.bool_] | None:
    """(h, w) the mask on an upright face, found by GrabCut (Rother et al. 2004) from where masks are; None: not clear.

    The middle from nose to chin is given as mask; eyes, neck and what is beside the face are given as not mask.
    """
    height, width = face.shape[:2]
    guess = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    likely = [(0.04, 0.52), (0.3, 0.46), (0.5, 0.44), (0.7, 0.46), (0.96, 0.52), (0.93, 0.8), (0.75, 1.0), (0.5, 1.07)]
    likely += [(0.25, 1.0), (0.07, 0.8)]
    cv2.fillPoly(guess, [_pixels(likely)], cv2.GC_PR_FGD)
    cv2.ellipse(guess, (column(0.5), column_down(0.76)), (round(0.2 * SCALE), round(0.15 * SCALE)), 0, 0, 360, 1, -1)
    guess[: column_down(0.42)] = cv2.GC_BGD
    guess[column_down(1.2) :] = cv2.GC_BGD
    guess[:, : column(-0.06)] = guess[:, column(1.06) :] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(face, guess, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    shape = np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    shape = cv2.morphologyEx(shape, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    _, parts = cv2.connectedComponents(shape)
    middle = parts[column_down(LIPS[1]), column(LIPS[0])]
    if not middle:
        return None
    edges, _ = cv2.findContours((parts == middle).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = np.zeros((height, width), np.uint8)
    cv2.drawContours(whole, edges, -1, 1, -1)  # without holes
    return whole.astype(bool) if plausible(whole.astype(bool), face) else None


def plausible(shape: NDArray[np.bool_], face: Image) -> bool:
    """Whether the shape is as wide and high as a proper mask, covers the nose, and differs from the skin above."""
    middle = np.nonzero(shape[:, column(0.5)])[0]
    across = np.nonzero(shape[column_down(LIPS[1])])[0]
    if not len(middle) or not shape[column_down(NOSE[1]), column(NOSE[0])]:
        return False
    top, bottom, wide = TOP + middle[0] / SCALE, TOP + middle[-1] / SCALE, len(across) / SCALE
    if not (BRIDGE[0] <= top <= BRIDGE[1] and ENDS[0] <= bottom <= ENDS[1] and WIDTH[0] <= wide <= WIDTH[1]):
        return False
    beside = shape[:, : column(-0.03)].any(axis=1) | shape[:, column(1.03) :].any(axis=1)
    if beside.sum() > LOOSE * SCALE:
        return False
    hull = cv2.convexHull(np.argwhere(shape)[:, ::-1].astype(np.int32))
    if shape.sum() < 0.85 * cv2.contourArea(hull):
        return False
    skin = np.median(face[: column_down(0.42), column(0.3) : column(0.7)].reshape(-1, 3), axis=0)
    return bool(np.abs(np.median(face[shape], axis=0) - skin).max() >= SPAN)


def _pixels(places: list[tuple[float, float]]) -> NDArray[np.int32]:
    return np.array([(column(across), column_down(down)) for across, down in places], np.int32)


def proper(image: Image, box: Box, mask: Cutout, rng: Generator) -> Image:
    """The mask over nose, mouth and chin."""
    return put(image, box, mask, min(mask.top + rng.normal(0, 0.015), 0.53), mask.bottom + rng.normal(0, 0.03), rng)


def nose_out(image: Image, box: Box, mask: Cutout, rng: Generator) -> Image:
    """The same mask below the nose, pulled down and folded a little."""
    top = rng.uniform(*BARE_NOSE)
    return put(image, box, mask, top, max(mask.bottom, top + 0.33) + rng.uniform(0, 0.08), rng)


def on_chin(image: Image, box: Box, mask: Cutout, rng: Generator) -> Image:
    """The same mask below the mouth."""
    top = rng.uniform(*BARE_MOUTH)
    return put(image, box, mask, top, top + rng.uniform(0.26, 0.4), rng)


def put(image: Image, box: Box, mask: Cutout, top: float, bottom: float, rng: Generator) -> Image:
    """Put a mask with its edges there, in shares of the face box, lit like the face, with an edge as soft."""
    canvas = Canvas.around(image, box, rng)
    height, width = canvas.patch.shape[:2]
    y, x = np.mgrid[:height, :width]
    seen = head.places(canvas.map, np.column_stack([x.ravel(), y.ravel()]) + 0.5).reshape(height, width, 2)
    seen = np.nan_to_num(seen, nan=OUTSIDE)
    down = mask.top + (seen[..., 1] - top) * (mask.bottom - mask.top) / (bottom - top)
    across = ((seen[..., 0] - LEFT) * SCALE - 0.5).astype(np.float32)
    rows = ((down - TOP) * SCALE - 0.5).astype(np.float32)
    blur = max(0.0, 0.4 * (SCALE / max(box.width, 1.0) - 1))  # removes detail finer than the picture's pixels
    alpha, texture = (_blurred(channel, blur) for channel in (mask.alpha, mask.texture))
    shape = cv2.remap(alpha, across, rows, cv2.INTER_LINEAR, borderValue=0)
    colours = cv2.remap(texture, across, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    strap(canvas, top, rng)
    canvas.blend((255 * shape).astype(np.uint8), colours, rng)
    return canvas.done()


def _blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32) if sigma > 0.2 else image


def strap(canvas: Canvas, top: float, rng: Generator) -> None:
    """Draw straps from the mask's sides to the ears, on each side by chance."""
    colour = plain((1, 1), rng.uniform(60, 245, 1).repeat(3))[0, 0]
    for side in (0.0, 1.0):
        if rng.random() < 0.7:
            start = (abs(side - 0.12), top + 0.1)
            canvas.line([start, (side + (side - 0.5) * 0.1, rng.uniform(0.4, 0.55))], colour, 0.015, rng)
