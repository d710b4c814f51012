"""Painting on the face in a photograph: shapes with soft edges, lit like the face under them.

A place on the face is given by shares of the face box. Where landmarks are known (see training.augment.head), places
follow the head's turn; without landmarks they follow it only a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image
from training.augment import head

Generator = np.random.Generator
Texture = NDArray[np.float32]  # (h, w, 3), 0–255
Places = Sequence[tuple[float, float]]  # (across, down) in shares of the face box

SKIN_PLACES = ((0.3, 0.55), (0.7, 0.55), (0.5, 0.5))  # cheeks and nose, where the face's own colour is read


@dataclass(frozen=True, slots=True)
class Canvas:
    """The part of a picture around a face, and the map from places on the face to its pixels."""

    image: Image
    origin: tuple[int, int]  # left, top of `patch` in the picture, pixels
    patch: NDArray[np.float32]  # (h, w, 3), 0–255
    box: Box
    roll: float  # radians
    yaw: float  # -1 … 1: how far the middle of the face is shifted to one side
    face_map: NDArray[np.float64] | None = None  # see Head.map; if given, it is used instead of roll and yaw

    @classmethod
    def around(cls, image: Image, box: Box, rng: Generator) -> Canvas:
        height, width = image.shape[:2]
        left = int(np.clip(box.left - 0.4 * box.width, 0, width - 1))
        right = int(np.clip(box.right + 0.4 * box.width, left + 1, width))
        top = int(np.clip(box.top - 0.5 * box.height, 0, height - 1))
        bottom = int(np.clip(box.bottom + 0.8 * box.height, top + 1, height))
        patch = image[top:bottom, left:right].astype(np.float32)
        face_map = box.map if isinstance(box, head.Head) else None
        return cls(image, (left, top), patch, box, rng.normal(0, 0.06), rng.normal(0, 0.12), face_map)

    @property
    def map(self) -> NDArray[np.float64]:
        """(4, 2) the map of the face in pixels of `patch`, see Head.map."""
        found = head.upright(self.box, self.roll) if self.face_map is None else self.face_map.copy()
        found[3] -= self.origin
        return found

    def pixels(self, places: Places) -> NDArray[np.float32]:
        """(N, 2) pixels of `patch`. Without landmarks, the turn moves the middle of the face, but not its edges."""
        if self.face_map is not None:
            return head.pixels(self.map, np.array(places)).astype(np.float32)
        across, down = np.array(places, np.float32).T
        across = across + 0.5 * self.yaw * (1 - (2 * across - 1).clip(-1, 1) ** 2)
        x, y = (across - 0.5) * self.box.width, (down - 0.5) * self.box.height
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        middle = (self.box.left + self.box.right) / 2, (self.box.top + self.box.bottom) / 2
        return np.stack(
            [middle[0] - self.origin[0] + cos * x - sin * y, middle[1] - self.origin[1] + sin * x + cos * y], axis=1
        ).astype(np.float32)

    def skin(self) -> NDArray[np.float32]:
        """(3,) mean colour of the face's own skin, 0–255."""
        height, width = self.patch.shape[:2]
        spots = self.pixels(SKIN_PLACES).round().astype(int).clip(0, (width - 1, height - 1))
        return np.median(self.patch[spots[:, 1], spots[:, 0]], axis=0)

    def fill(self, places: Places, texture: Texture, rng: Generator, opacity: float = 1.0) -> None:
        """Paint a closed shape, lit like the face under it, with an edge as soft as the photograph."""
        shape = np.zeros(self.patch.shape[:2], np.uint8)
        cv2.fillPoly(shape, [(self.pixels(places) * 16).round().astype(np.int32)], 255, cv2.LINE_AA, shift=4)
        self.blend(shape, texture, rng, opacity)

    def line(
        self, places: Places, colour: NDArray[np.float32], width: float, rng: Generator, opacity: float = 1.0
    ) -> None:
        """Paint an open line; its width is a share of the face's width."""
        shape = np.zeros(self.patch.shape[:2], np.uint8)
        thick = max(1, round(width * self.box.width))
        cv2.polylines(
            shape, [(self.pixels(places) * 16).round().astype(np.int32)], False, 255, thick, cv2.LINE_AA, shift=4
        )
        self.blend(shape, plain(self.patch.shape, colour), rng, opacity)

    def blend(self, shape: NDArray[np.uint8], texture: Texture, rng: Generator, opacity: float = 1.0) -> None:
        """Blend a texture into the patch where `shape` is 255."""
        edge = max(0.3, rng.uniform(0.002, 0.012) * self.box.width)
        rows, columns = rectangle_of(shape, margin=int(np.ceil(4 * edge)))  # nothing changes elsewhere
        inside = shape[rows, columns] > 127
        if not inside.any():
            return
        soft = cv2.GaussianBlur(shape[rows, columns], (0, 0), edge, borderType=cv2.BORDER_REPLICATE)
        alpha = (soft.astype(np.float32) * (opacity / 255))[..., None]
        light = self.light()[rows, columns]
        mean = float(light[inside].mean())
        exposure = np.clip(mean / 140, 0.45, 1.15) * rng.uniform(0.85, 1.1)
        lit = texture[rows, columns] * ((light / max(mean, 1.0)).clip(0.55, 1.4) * exposure)[..., None]
        self.patch[rows, columns] += (lit.clip(0, 255) - self.patch[rows, columns]) * alpha

    def light(self) -> NDArray[np.float32]:
        """(h, w) grey levels of the patch, blurred over a tenth of the face's width: how its places are lit."""
        height, width = self.patch.shape[:2]
        step = max(1, int(0.03 * self.box.width))  # what is blurred so much needs no more pixels
        grey = cv2.transform(self.patch, np.full((1, 3), 1 / 3, np.float32))
        small = cv2.resize(grey, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), max(0.5, 0.1 * self.box.width / step))
        return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)

    def uncover(self, places: Places, below: NDArray[np.float32]) -> None:
        """Show in a closed shape what was there before; `below` is a copy of `patch`, made then."""
        shape = np.zeros(self.patch.shape[:2], np.uint8)
        cv2.fillPoly(shape, [self.pixels(places).round().astype(np.int32)], 255, cv2.LINE_AA)
        alpha = (cv2.GaussianBlur(shape, (0, 0), 1.0) / 255.0)[..., None]
        self.patch[:] = self.patch * (1 - alpha) + below * alpha

    def done(self) -> Image:
        """The whole picture, with what was painted on it."""
        left, top = self.origin
        out = self.image.copy()
        out[top : top + self.patch.shape[0], left : left + self.patch.shape[1]] = self.patch.clip(0, 255)
        return out


def rectangle_of(shape: NDArray[np.uint8], margin: int) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle with all pixels that are not 0, and `margin` pixels around it."""
    left, top, width, height = cv2.boundingRect(shape)
    return slice(max(0, top - margin), top + height + margin), slice(max(0, left - margin), left + width + margin)


def plain(shape: tuple[int, ...], colour: Sequence[float] | NDArray[np.float32]) -> Texture:
    """A texture of one colour."""
    return np.broadcast_to(np.asarray(colour, np.float32), (shape[0], shape[1], 3)).copy()


def ellipse(at: tuple[float, float], across: float, down: float, turn: float = 0.0) -> list[tuple[float, float]]:
    """Places on the edge of an ellipse."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    x, y = across * np.cos(angles), down * np.sin(angles)
    cos, sin = np.cos(turn), np.sin(turn)
    return [(at[0] + cos * a - sin * b, at[1] + sin * a + cos * b) for a, b in zip(x, y, strict=True)]
