"""The only definition of a face crop and of a finder's input.

Training cuts its crops with this file, convert calibrates on them, and the device calls it for each frame. It only
changes geometry: RGB uint8 in and out. Scaling to the network's range is the model's first layer. Every change of the
resulting pixels must raise VERSION, and bundles made for another VERSION are refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image

VERSION = 2
FACE_MARGIN = 0.25  # share of the face box's longer side that is added on each side of the crop
LARGEST_PADDED = 4096  # pixels; side of the largest square that is padded beyond the picture's edge, 50 MB
LETTERBOX_GREY = 114  # 0–255, fills the input beside a letterboxed frame


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

    Outside the image, its edge pixels are repeated; the classifier could learn a grey bar as a feature. If the padded
    square would be larger than any camera's picture, the image is scaled down first, which limits the memory.

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
        raise ValueError(f"the box of a face is {box}, expected finite numbers")
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
    """face_crop() of a huge square, from the image scaled down so that the square's side is LARGEST_PADDED."""
    scale = LARGEST_PADDED / square.width
    height, width = image.shape[:2]
    small = resize(image, max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = square.left * scale, square.top * scale
    return face_crop(small, Box(left, top, left + LARGEST_PADDED, top + LARGEST_PADDED), size, margin=0.0)


def whole_image(image: Image, size: int) -> Image:
    """The input for a picture that shows only one face, like those of the 7,553-image set: stretched to (size, size, 3)
    uint8 RGB."""
    return resize(image, size, size)


def resize(image: Image, width: int, height: int) -> Image:
    """Scale down without aliasing, or up linearly, with the same pixels on every processor.

    Each side is halved while it is at least twice its target; a pixel becomes the mean of those it covers. If a side is
    still too large, it is enlarged to exactly twice its target and halved once more, so that all its pixels count. Both
    steps are exact in OpenCV. INTER_AREA by one half gave the same pixels on x86-64 and aarch64, with a quarter of the
    instructions of INTER_LINEAR, which OpenCV 5 rounds differently on aarch64. INTER_LINEAR_EXACT uses integers only.
    INTER_AREA by other factors gives different pixels in some places.

    Args:
        image: (H, W, 3) uint8 RGB.
        width: of the result, pixels.
        height: of the result, pixels.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    while (across := image.shape[1] >= 2 * width) | (down := image.shape[0] >= 2 * height):
        image = halved(image, across=across, down=down)
    across, down = image.shape[1] > width, image.shape[0] > height
    if across or down:
        image = halved(_enlarged(image, width * (1 + across), height * (1 + down)), across=across, down=down)
    if image.shape[:2] != (height, width):
        image = _enlarged(image, width, height)
    return np.ascontiguousarray(image)


def halved(image: Image, across: bool = True, down: bool = True) -> Image:
    """(H, W, 3) -> half of it in one or both directions, rounded up: means of 2×2, 2×1 or 1×2 pixels.

    An odd side is first enlarged by one pixel, so that each pixel has the same weight.
    """
    height, width = image.shape[:2]
    size = ((width + 1) // 2 if across else width, (height + 1) // 2 if down else height)
    even = (2 * size[0] if across else width, 2 * size[1] if down else height)
    return np.asarray(cv2.resize(_enlarged(image, *even), size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(image: Image, width: int, height: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
