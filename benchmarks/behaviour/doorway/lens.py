"""Makes pictures look like those of a camera at a door: shake, drift, blur, noise and compression.

Everything depends on time and seed alone, so that the same frame can be made again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image

SPARE = 64  # pixels by which the stored noise is larger than the frame


@dataclass(frozen=True, slots=True)
class Drift:
    """A value that varies slowly between -1 and 1: a sum of sines without a common period."""

    periods: Sequence[float]  # seconds
    phases: Sequence[float]  # radians

    def at(self, time: float) -> float:
        pairs = zip(self.periods, self.phases, strict=True)
        waves = [math.sin(2 * math.pi * time / period + phase) for period, phase in pairs]
        return sum(waves) / len(waves)

    @classmethod
    def any(cls, shortest: float, longest: float, rng: np.random.Generator) -> Drift:
        """Three sines with periods within bounds, seconds."""
        return cls(tuple(rng.uniform(shortest, longest, 3)), tuple(rng.uniform(0, 2 * math.pi, 3)))


@dataclass(frozen=True, slots=True)
class Lens:
    """The camera of one clip, and how bad it is."""

    shake: float  # pixels, the largest shift
    shutter: float  # seconds of exposure: what moves is blurred along its path
    focus: float  # pixels, sigma of the blur in best focus
    hunting: float  # pixels of additional blur while the focus hunts
    exposure: float  # share by which the brightness varies up and down
    tint: float  # share by which red and blue vary against each other
    read_noise: float  # grey levels, standard deviation in the dark
    shot_noise: float  # variance added for each grey level
    quality: int  # of the JPEG, 1–100
    drifts: Sequence[Drift]  # of shake to the right and down, focus, exposure, tint

    @classmethod
    def any(cls, height: int, rng: np.random.Generator) -> Lens:
        """A random camera for a frame of that height, pixels: from a good one in daylight to a poor one at dusk."""
        unit = height / 480
        quick, slow = ((0.3, 1.5), (6.0, 40.0))
        return cls(
            shake=float(rng.choice([0.0, 1.0, 4.0]) * unit),
            shutter=float(rng.uniform(0.004, 0.04)),
            focus=float(rng.uniform(0.0, 1.2) * unit),
            hunting=float(rng.choice([0.0, 2.0], p=[0.6, 0.4]) * unit),
            exposure=float(rng.uniform(0.05, 0.35)),
            tint=float(rng.uniform(0.0, 0.12)),
            read_noise=float(rng.uniform(0.5, 7.0)),
            shot_noise=float(rng.uniform(0.0, 0.6)),
            quality=int(rng.integers(35, 95)),
            drifts=tuple(Drift.any(*span, rng) for span in (quick, quick, (3.0, 9.0), slow, slow)),
        )

    def offset(self, time: float) -> tuple[float, float]:
        """Pixels by which the picture is shifted right and down."""
        return self.shake * self.drifts[0].at(time), self.shake * self.drifts[1].at(time)

    def taken(self, scene: Image, time: float, noise: Noise, rng: np.random.Generator) -> Image:
        """The picture of a scene as the camera gives it."""
        hunting = max(0.0, self.drifts[2].at(time)) ** 2
        gain, tint = 1 + self.exposure * self.drifts[3].at(time), self.tint * self.drifts[4].at(time)
        image = defocused(scene, self.focus + self.hunting * hunting)
        image = exposed(image, (gain * (1 + tint), gain, gain * (1 - tint)))
        return coded(noise.added(image, self.read_noise, self.shot_noise, rng), self.quality)


class Noise:
    """Normal noise for frames of one size, drawn once: drawing new noise takes longer than everything else."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._bank = rng.standard_normal((height + SPARE, width + SPARE, 3), np.float32)

    def added(self, image: Image, read: float, shot: float, rng: np.random.Generator) -> Image:
        """Add noise of standard deviation sqrt(read² + shot × grey level), from a random place of the stored noise."""
        height, width = image.shape[:2]
        down, right, turned = (int(rng.integers(end)) for end in (SPARE, SPARE, 2))
        part = self._bank[down : down + height, right : right + width][:: 1 - 2 * turned]
        spread = np.sqrt(read**2 + shot * np.arange(256)).astype(np.float32)
        return np.asarray(cv2.add(image, np.rint(cv2.LUT(image, spread) * part), dtype=cv2.CV_8U), np.uint8)


def smeared(image: NDArray[np.uint8], across: float, down: float) -> NDArray[np.uint8]:
    """A picture with any number of channels, blurred along a straight path of so many pixels."""
    length = math.hypot(across, down)
    if length < 1:
        return image
    side = 2 * math.ceil(length / 2) + 1
    kernel, middle = np.zeros((side, side), np.float32), (side - 1) / 2
    ends = [(round(16 * (middle + sign * across / 2)), round(16 * (middle + sign * down / 2))) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def defocused(image: Image, sigma: float) -> Image:
    """The picture with Gaussian blur; below 0.3 pixels it would be invisible and is left out."""
    return image if sigma < 0.3 else np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def exposed(image: Image, gains: Sequence[float]) -> Image:
    """Each channel times its gain; values above 255 become 255."""
    table = np.outer(np.arange(256), gains).round().clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def coded(image: Image, quality: int) -> Image:
    """The picture after JPEG compression."""
    data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def window(image: Image, left: float, top: float, width: int, height: int) -> Image:
    """(height, width, 3) of a larger picture, at fractional pixels: takes a third of warpAffine's time."""
    column, row = math.floor(left), math.floor(top)
    part = image[row : row + height + 1, column : column + width + 1]
    if share := left - column:
        part = cv2.addWeighted(part[:, :-1], 1 - share, part[:, 1:], share, 0)
    if share := top - row:
        part = cv2.addWeighted(part[:-1], 1 - share, part[1:], share, 0)
    return np.ascontiguousarray(part[:height, :width])
