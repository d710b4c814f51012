"""A model's scaling of pixels, as a 3×C matrix and an offset, so that it can be folded into the model as one layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image
from maskwatch.vision.quantization import Floats

# Name -> (factor, offset) of each of the three channels, in the model's order. The last two are the `caffe` and `torch`
# modes of keras.applications.imagenet_utils: VGG and ResNet50 were trained with the first, on BGR.
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
GREY = (0.299, 0.587, 0.114)  # of red, green and blue, as in OpenCV and Pillow (ITU-R BT.601)


@dataclass(frozen=True, slots=True)
class Pixels:
    """One way of scaling and ordering the channels."""

    scaled: str  # one of SCALED
    channels: str  # one of CHANNELS: the order of the channels before scaling

    def __str__(self) -> str:
        return f"{self.scaled} {self.channels}"

    @property
    def matrix(self) -> NDArray[np.float32]:
        """(3, C) from red, green and blue to the model's channels, without the offset."""
        factors = np.array(SCALED[self.scaled][0], np.float32)
        if self.channels == "grey":
            return np.array(GREY, np.float32)[:, None] * factors[0]
        order = np.eye(3, dtype=np.float32)
        return (order[:, ::-1] if self._turned else order) * factors

    @property
    def offset(self) -> NDArray[np.float32]:
        """(C,) added after the matrix."""
        offset = np.array(SCALED[self.scaled][1], np.float32)
        return offset[:1] if self.channels == "grey" else offset

    @property
    def plain(self) -> bool:
        """Whether camera bytes go in unchanged."""
        return np.array_equal(self.matrix, np.eye(3)) and not self.offset.any()

    @property
    def _turned(self) -> bool:
        """Whether the matrix reverses the channels: `caffe` does so itself, so a BGR input stays in order."""
        return (self.channels == "bgr") != (self.scaled == "caffe")

    def of(self, image: Image) -> Floats:
        """(S, S, 3) uint8 RGB -> (S, S, C) as the model takes it."""
        return np.asarray(image.astype(np.float32) @ self.matrix + self.offset, np.float32)


def ways(scaled: str | None, channels: str | None, depth: int) -> list[Pixels]:
    """Every possible way, given what is known. A model with one channel takes grey."""
    orders = [channels] if channels else ["rgb", "bgr"] if depth == 3 else ["grey"]
    scales = [scaled] if scaled else [name for name in SCALED if depth == 3 or name in ("0..255", "0..1", "-1..1")]
    return [Pixels(scale, order) for scale in scales for order in orders]
