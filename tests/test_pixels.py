"""Whatever a driver delivers becomes (H, W, 3) uint8 RGB, or is refused in a line."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from maskwatch.camera.pixels import FrameError, Order, as_rgb, squared, usable_aspect

RGB = np.full((48, 64, 3), (200, 30, 20), np.uint8)
RGB[24:] = (20, 30, 200)
BGR = np.ascontiguousarray(RGB[..., ::-1])
ALPHA = np.full((48, 64, 1), 255, np.uint8)
GREY = cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize(
    ("pixels", "order"),
    [
        (RGB, "rgb"),
        (BGR, "bgr"),
        (np.dstack([RGB, ALPHA]), "rgb"),
        (np.dstack([BGR, ALPHA]), "bgr"),
        (BGR.astype(np.uint16) << 8 | 0x7F, "bgr"),
        (RGB[:, ::-1][:, ::-1], "rgb"),
        (np.repeat(RGB, 2, axis=1)[:, ::2], "rgb"),
        (np.asfortranarray(BGR), "bgr"),
    ],
    ids=["rgb", "bgr", "rgba", "bgra", "16 bits", "turned", "padded", "columns first"],
)
def test_colours_arrive_as_rgb(pixels: Any, order: Order) -> None:
    image = as_rgb(pixels, order)
    assert np.array_equal(image, RGB)
    assert (image.dtype, image.flags.c_contiguous) == (np.uint8, True)


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("pixels", [GREY, GREY[..., None], GREY.astype(np.uint16) << 8])
def test_grey_arrives_as_three_times_the_same(pixels: Any, order: Order) -> None:
    assert np.array_equal(as_rgb(pixels, order), np.repeat(GREY[..., None], 3, axis=2))


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_yuyv_arrives_in_its_colours(order: Order) -> None:
    assert np.abs(as_rgb(cv2.cvtColor(RGB, cv2.COLOR_RGB2YUV_YUYV), order).astype(int) - RGB).max() < 8


@pytest.mark.parametrize(
    "pixels",
    [
        None,
        b"\xff\xd8",
        "frame",
        np.zeros((0, 64, 3), np.uint8),
        np.zeros((48, 0, 3), np.uint8),
        np.zeros((48,), np.uint8),
        np.zeros((), np.uint8),
        np.zeros((1, 48, 64, 3), np.uint8),
        np.zeros((48, 64, 5), np.uint8),
        np.zeros((48, 64, 0), np.uint8),
        np.zeros((48, 63, 2), np.uint8),
        np.zeros((48, 64, 3), np.float32),
        np.zeros((48, 64, 3), np.int16),
        np.zeros((48, 64, 3), bool),
        np.broadcast_to(np.uint8(0), (10_000, 10_000, 3)),
    ],
    ids=lambda pixels: f"{getattr(pixels, 'dtype', type(pixels).__name__)} {getattr(pixels, 'shape', '')}",
)
def test_anything_else_is_refused_in_a_line(pixels: Any) -> None:
    with pytest.raises(FrameError, match=r"^a frame of shape .*[^\n]$"):
        as_rgb(pixels, "bgr")


@pytest.mark.parametrize(
    ("across", "down", "aspect"),
    [
        (16, 11, 16 / 11),
        (10, 11, 10 / 11),
        (1, 1, 1),
        (0, 1, 1),
        (0, 0, 1),
        (-1, 1, 1),
        (1000, 1, 1),
        (1, 1000, 1),
        (101, 100, 1),
        (float("nan"), 1, 1),
        (1, float("nan"), 1),
    ],
)
def test_only_a_sensible_shape_of_pixels_is_heeded(across: float, down: float, aspect: float) -> None:
    assert usable_aspect(across, down) == pytest.approx(aspect)


@pytest.mark.parametrize(("aspect", "size"), [(16 / 11, (93, 48)), (0.5, (64, 96)), (1.0, (64, 48))])
def test_a_picture_gets_square_pixels_and_loses_none(aspect: float, size: tuple[int, int]) -> None:
    assert squared(RGB, aspect).shape[1::-1] == size
