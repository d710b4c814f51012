"""Another head in front of a face, as in a queue: cut out of a portrait and put into a scene."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.augment.picture import MIN_VISIBLE, Boxes, Picture, clipped, from_centres, in_frame

MIN_FACE = 20.0  # pixels across: of the face that is hidden; in front of a smaller one nobody would see a head
NEARER = (0.8, 1.6)  # width of the head in front by that of the face behind
ASIDE, DOWN = (0.45, 0.95), (-0.15, 0.6)  # where its middle is, in widths and heights of the face behind
# The cut-out head: an ellipse about the face box, half axes in widths and heights of the box, and its soft edge
HEAD, SOFT = (0.62, 0.74), 0.05
HIDDEN = 0.6  # share of a box: a face that is hidden more than this is ignored


def in_front(scene: Picture, portrait: Picture, rng: np.random.Generator) -> Picture:
    """The scene with the portrait's head in front of one of its faces.

    Args:
        scene: its faces that are hidden too much become ignored ones.
        portrait: a photograph; it is only used if it has a single face.

    Returns:
        The scene unchanged, if it has no face that is large enough, or if the head would be outside of it.
    """
    sides = scene.boxes[:, 2:] - scene.boxes[:, :2]
    behind = np.flatnonzero((sides[:, 0] >= MIN_FACE) & ~scene.left_out)
    if not len(behind) or len(portrait.boxes) != 1 or portrait.left_out.any():
        return scene
    matrix = placed(portrait.boxes[0], scene.boxes[rng.choice(behind)], rng)
    box = moved(portrait.boxes, matrix)
    height, width = scene.image.shape[:2]
    if in_frame(box, width, height)[0] <= MIN_VISIBLE:
        return scene
    alpha = _shown(_cutout(portrait), matrix, width, height)[..., 0]
    head = _shown(portrait.image.astype(np.float32), matrix, width, height)
    image = scene.image * (1 - alpha[..., None]) + head * alpha[..., None]
    hidden = np.array([_share(alpha, face) > HIDDEN for face in scene.boxes], np.bool_)
    return Picture(
        np.rint(image).clip(0, 255).astype(np.uint8),
        np.concatenate([scene.boxes, clipped(box, width, height)]),
        ignored=np.concatenate([scene.left_out | hidden, [False]]),
    )


def placed(face: NDArray[np.float32], behind: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """(2, 3) from pixels of the portrait to pixels of the scene."""
    width, height = behind[2:] - behind[:2]
    scale = width * np.exp(rng.uniform(*np.log(NEARER))) / (face[2] - face[0])
    side = rng.choice([-1.0, 1.0]) * rng.uniform(*ASIDE)
    middle = (behind[:2] + behind[2:]) / 2 + (side * width, rng.uniform(*DOWN) * height)
    offset = middle - scale * (face[:2] + face[2:]) / 2
    return np.array([[scale, 0, offset[0]], [0, scale, offset[1]]], np.float32)


def moved(boxes: Boxes, matrix: NDArray[np.float32]) -> Boxes:
    """The boxes in the scene."""
    return (boxes * np.tile(np.diag(matrix[:, :2]), 2) + np.tile(matrix[:, 2], 2)).astype(np.float32)


def _cutout(portrait: Picture) -> NDArray[np.float32]:
    """(H, W, 1) how much of each pixel belongs to the head, 0–1."""
    (left, top, right, bottom) = portrait.boxes[0].tolist()
    middle, half = ((left + right) / 2, (top + bottom) / 2), ((right - left) * HEAD[0], (bottom - top) * HEAD[1])
    alpha = np.zeros(portrait.image.shape[:2], np.float32)
    cv2.ellipse(alpha, (middle, (2 * half[0], 2 * half[1]), 0), 1.0, cv2.FILLED)
    return cv2.GaussianBlur(alpha, (0, 0), max(0.5, SOFT * (right - left)))[..., None]


def _shown(image: NDArray[np.float32], matrix: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """(height, width, C) the portrait's pixels at their places in the scene."""
    found = cv2.warpAffine(image, from_centres(matrix), (width, height), flags=cv2.INTER_LINEAR)
    return found.reshape(height, width, -1)


def _share(alpha: NDArray[np.float32], face: NDArray[np.float32]) -> float:
    """The share of a face's box that the head hides."""
    left, top, right, bottom = np.rint(face).astype(int).clip(0)
    part = alpha[top:bottom, left:right]
    return float(part.mean()) if part.size else 0.0
