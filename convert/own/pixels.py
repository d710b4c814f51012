"""How a model wants its pixels: as a 3×C matrix and an offset, so that it can be folded into the model as one layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image
from maskwatch.scale import Floats

# Name -> (factor, offset) of each of the three channels as the model has them. The last two are what Keras' `caffe` and
# `torch` modes do (keras.applications.imagenet_utils): VGG and ResNet50 were trained with the first, on BGR.
SCALED: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "0..255": ((1.0,) * 3, (0.0,) * 3),
    "0..1": ((1 / 255,) * 3, (0.0,) * 3),
    "-1..1": ((1 / 127.5,) * 3, (-1.0,) * 3),
    "caffe": ((1.0,) * 3, (-103.939, -116.779, -123.68)),
    "torch": (
        tuple(1 / (255 * deviation) for deviation in (0.229, 0.224, 0.225)),
        tuple(-mean / deviation for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))),
    ),
}
CHANNELS = ("rgb", "bgr", "grey")
GREY = (0.299, 0.587, 0.114)  # of red, green and blue, as OpenCV and Pillow have it (ITU-R BT.601)


@dataclass(frozen=True, slots=True)
class Pixels:
    """One way."""

    scaled: str  # one of SCALED
    channels: str  # one of CHANNELS: the order in which the model got a picture before it was scaled

    def __str__(self) -> str:
        return f"{self.scaled} {self.channels}"

    @property
    def matrix(self) -> NDArray[np.float32]:
        """(3, C) from red, green and blue to what the model takes, the offset apart."""
        factors = np.array(SCALED[self.scaled][0], np.float32)
        if self.channels == "grey":
            return np.array(GREY, np.float32)[:, None] * factors[0]
        order = np.eye(3, dtype=np.float32)
        return (order[:, ::-1] if self._turned else order) * factors

    @property
    def offset(self) -> NDArray[np.float32]:
        """(C,)"""
        offset = np.array(SCALED[self.scaled][1], np.float32)
        return offset[:1] if self.channels == "grey" else offset

    @property
    def plain(self) -> bool:
        """Whether camera bytes go in as they are."""
        return np.array_equal(self.matrix, np.eye(3)) and not self.offset.any()

    @property
    def _turned(self) -> bool:
        """`caffe` turns the channels itself: what came in as BGR is RGB then."""
        return (self.channels == "bgr") != (self.scaled == "caffe")

    def of(self, image: Image) -> Floats:
        """(S, S, 3) uint8 RGB -> (S, S, C) as the model takes it."""
        return np.asarray(image.astype(np.float32) @ self.matrix + self.offset, np.float32)


def ways(scaled: str | None, channels: str | None, depth: int) -> list[Pixels]:
    """Every way that may be meant, with what is told. A model of one channel sees grey."""
    orders = [channels] if channels else ["rgb", "bgr"] if depth == 3 else ["grey"]
    scales = [scaled] if scaled else [name for name in SCALED if depth == 3 or name in ("0..255", "0..1", "-1..1")]
    return [Pixels(scale, order) for scale in scales for order in orders]
