"""THE definition of a face crop and of a detector input.

Training cuts its crops with this file, convert calibrates on them, the device calls it live. Geometry only,
RGB uint8 in and out: scaling to the network's range is the model's first layer. Any change to the pixels
raises VERSION, and bundles made for another VERSION are refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image

VERSION = 1
FACE_MARGIN = 0.25  # of the face box's longer side, added on each side of the crop
LARGEST_PADDED = 4096  # pixels; the side of the largest square that is filled up beside the picture, 50 MB
LETTERBOX_GREY = 114  # fill beside a letterboxed frame, 0–255


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a frame was placed on the detector's square: input = image * scale + (left, top)."""

    scale: float
    left: int  # pixels of the input
    top: int  # pixels of the input

    def to_image(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 4) left, top, right, bottom in input pixels -> the same in pixels of the frame."""
        offset = np.array([self.left, self.top, self.left, self.top], np.float32)
        return ((boxes - offset) / np.float32(self.scale)).astype(np.float32)


def letterbox(image: Image, size: int) -> tuple[Image, Letterbox]:
    """Fit a frame, undistorted and centred, on a square detector input.

    Args:
        image: (H, W, 3) uint8 RGB.
        size: side of the square, pixels.

    Returns:
        The (size, size, 3) uint8 RGB input, and the placement that maps boxes back.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size - new_width) // 2, (size - new_height) // 2
    shrunk = resize(image, new_width, new_height)
    if new_width == new_height == size:
        return shrunk, Letterbox(scale, left, top)
    sides = (top, size - new_height - top, left, size - new_width - left)
    grey = (LETTERBOX_GREY,) * 3
    canvas = cv2.copyMakeBorder(shrunk, *sides, cv2.BORDER_CONSTANT, value=grey)
    return np.asarray(canvas, np.uint8), Letterbox(scale, left, top)


def face_square(box: Box, margin: float = FACE_MARGIN) -> Box:
    """The square cut around a face: the box's longer side plus `margin` of it on each side, same centre."""
    side = max(box.width, box.height) * (1 + 2 * margin)
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def face_crop(image: Image, box: Box, size: int, margin: float = FACE_MARGIN) -> Image:
    """Cut one face for the classifier.

    What lies outside the image is filled by repeating its edge pixels: a grey bar would be a cue of its own. Where
    square and filling would be larger than any camera's picture, the image is shrunk first, and memory stays bounded.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: the face, pixels of the image; may reach outside it.
        size: side of the crop, pixels.
        margin: see face_square.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        ValueError: the box is not finite.
    """
    height, width = image.shape[:2]
    square = face_square(box, margin)
    if not all(map(math.isfinite, (square.left, square.top, square.right, square.bottom))):
        raise ValueError(f"the place of a face is {box}, expected finite numbers")
    left, top = round(square.left), round(square.top)
    side = max(1, round(square.right - square.left))
    if side > LARGEST_PADDED and (left < 0 or top < 0 or left + side > width or top + side > height):
        return _shrunk_crop(image, square, size)
    inside = image[
        min(max(top, 0), height - 1) : max(min(top + side, height), 1),
        min(max(left, 0), width - 1) : max(min(left + side, width), 1),
    ]
    pad_top, pad_left = min(max(-top, 0), side - 1), min(max(-left, 0), side - 1)
    pad_bottom = max(side - pad_top - inside.shape[0], 0)
    pad_right = max(side - pad_left - inside.shape[1], 0)
    if pad_top or pad_left or pad_bottom or pad_right:
        padding = (pad_top, pad_bottom, pad_left, pad_right)
        inside = np.asarray(cv2.copyMakeBorder(inside, *padding, cv2.BORDER_REPLICATE), np.uint8)
    return resize(inside, size, size)


def _shrunk_crop(image: Image, square: Box, size: int) -> Image:
    """face_crop() of a huge square: of the image as small as makes its side LARGEST_PADDED."""
    scale = LARGEST_PADDED / square.width
    height, width = image.shape[:2]
    small = resize(image, max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = square.left * scale, square.top * scale
    return face_crop(small, Box(left, top, left + LARGEST_PADDED, top + LARGEST_PADDED), size, margin=0.0)


def whole_image(image: Image, size: int) -> Image:
    """A picture that already shows one face, as in the 7,553-image set: stretched to (size, size, 3) uint8 RGB."""
    return resize(image, size, size)


def resize(image: Image, width: int, height: int) -> Image:
    """Shrink by area (no aliasing), enlarge linearly. A frame over twice the target is shrunk linearly by 2 first.

    INTER_AREA from 1280×720 costs 4.4 ms on x86-64 and INTER_LINEAR 0.4 ms; a linear resize by exactly one half
    averages 2×2 pixels, so it is the same filter at a tenth of the price. (An odd side is not halved exactly: some
    columns then weigh less or nothing, in training as on the device.)
    """
    old_height, old_width = image.shape[:2]
    while old_width >= 2 * width and old_height >= 2 * height and min(old_width, old_height) > 2:
        old_width, old_height = old_width // 2, old_height // 2
        image = np.asarray(cv2.resize(image, (old_width, old_height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if (old_width, old_height) == (width, height):
        return np.ascontiguousarray(image)
    shrinking = width < old_width or height < old_height
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)
