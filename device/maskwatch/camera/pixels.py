"""Converts all pixel formats of drivers to (H, W, 3) uint8 RGB, or refuses them."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np

from maskwatch.errors import SourceError
from maskwatch.flow import Image

Order = Literal["rgb", "bgr"]

FROM_BGR = {1: cv2.COLOR_GRAY2RGB, 2: cv2.COLOR_YUV2RGB_YUYV, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
FROM_RGB = {1: cv2.COLOR_GRAY2RGB, 2: cv2.COLOR_YUV2RGB_YUYV, 4: cv2.COLOR_RGBA2RGB}
LARGEST = 50_000_000  # pixels, 150 MB; no camera has more
SQUARE = 0.02  # pixels whose aspect differs less from 1 count as square
WIDEST = 4.0  # a larger aspect of pixels, or one below 1/4, is an error of the stream


class FrameError(SourceError):
    """This frame cannot be used; the camera may still work."""


def as_rgb(pixels: Any, order: Order) -> Image:
    """Convert a driver's frame to a contiguous (H, W, 3) uint8 RGB array.

    Grey, RGBA and YUYV are converted. Of 16 bits for each channel, the upper 8 are used.

    Args:
        pixels: (H, W), (H, W, 1), (H, W, 2) YUYV, (H, W, 3) or (H, W, 4); uint8 or uint16.
        order: whether red or blue comes first.

    Raises:
        FrameError: it has another shape or type.
    """
    array = np.asarray(pixels)
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or not 1 <= channels <= 4 or not 0 < array.shape[0] * array.shape[1] <= LARGEST:
        raise FrameError(f"a frame of shape {array.shape}, {array.dtype}; expected height x width x 3 of uint8")
    code = (FROM_BGR if order == "bgr" else FROM_RGB).get(channels)
    if code is None:
        return np.ascontiguousarray(array)
    try:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(array), code), np.uint8)
    except cv2.error as error:  # YUYV of an odd width
        raise FrameError(f"a frame of shape {array.shape} cannot be converted") from error


def usable_aspect(across: float, down: float) -> float:
    """The aspect (width by height) of a stream's pixels; 1 if it is not stated, or impossible."""
    aspect = across / down if across > 0 and down > 0 else 1.0
    return aspect if 1 / WIDEST <= aspect <= WIDEST and abs(aspect - 1) > SQUARE else 1.0


def squared(image: Image, aspect: float) -> Image:
    """The picture with square pixels, like those in training. It is enlarged in one direction, so nothing is lost.

    INTER_LINEAR_EXACT gives the same pixels on every processor, see maskwatch.vision.preprocess.resize.

    Args:
        image: (H, W, 3).
        aspect: width by height of its pixels, see usable_aspect.
    """
    if aspect == 1.0:
        return image
    height, width = image.shape[:2]
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
