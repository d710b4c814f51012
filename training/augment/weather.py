"""What a camera at a door does to a picture.

Each effect takes (H, W, 3) uint8 RGB and a generator, and returns the same shape.
`apply` applies a random few of them, to crops and to whole scenes.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from maskwatch.flow import Image

Generator = np.random.Generator
Effect = Callable[[Image, Generator], Image]


def light(image: Image, rng: Generator) -> Image:
    """Exposure, contrast and gamma, from a dark hall to a bright door."""
    table = np.linspace(0, 1, 256) ** rng.uniform(0.6, 1.8)
    table = (table - 0.5) * rng.uniform(0.6, 1.3) + 0.5 + rng.uniform(-0.15, 0.15)
    return np.asarray(cv2.LUT(image, (table.clip(0, 1) * 255).astype(np.uint8)), np.uint8)


def colour_cast(image: Image, rng: Generator) -> Image:
    """A wrong white balance: each channel is off by up to a fifth."""
    return (image * rng.uniform(0.8, 1.2, 3).astype(np.float32)).clip(0, 255).astype(np.uint8)


def grey(image: Image, rng: Generator) -> Image:  # noqa: ARG001 - one signature for all effects
    """A night camera: no colour."""
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def infra_red(image: Image, rng: Generator) -> Image:
    """A night camera with an infra-red lamp: no colour, pale skin and dyes, dark corners, some noise.

    In the near infra-red, skin reflects more than in any visible colour; the red channel is the nearest to it. Cloth
    that most black dyes colour looks grey.
    """
    height, width = image.shape[:2]
    red = rng.uniform(0.5, 0.9)
    shares = np.array([red, *(1 - red) * np.array([0.7, 0.3])], np.float32)
    tone = 255 * (np.clip(image @ shares, 0, 255) / 255) ** rng.uniform(0.45, 0.9)
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    far = (x[None] - rng.uniform(-0.3, 0.3)) ** 2 + (y[:, None] - rng.uniform(-0.3, 0.3)) ** 2
    lit = tone * rng.uniform(0.6, 1.2) * np.clip(1 - rng.uniform(0.1, 0.45) * far, 0.1, 1)
    noisy = lit + rng.standard_normal((height, width), np.float32) * rng.uniform(1, 9)
    return np.repeat(noisy.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def back_light(image: Image, rng: Generator) -> Image:
    """A brightness ramp across the picture, as from a window on one side."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    ramp = np.cos(angle) * x[None] + np.sin(angle) * y[:, None]
    return (image * (1 + rng.uniform(0.2, 0.6) * ramp)[..., None]).clip(0, 255).astype(np.uint8)


def low_resolution(image: Image, rng: Generator) -> Image:
    """A face far away: shrunk to a fraction and enlarged again."""
    height, width = image.shape[:2]
    factor = rng.uniform(0.12, 0.6)
    small = cv2.resize(image, (max(8, int(width * factor)), max(8, int(height * factor))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def out_of_focus(image: Image, rng: Generator) -> Image:
    """A Gaussian blur of up to 1.5 % of the picture's side."""
    return np.asarray(
        cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, max(0.4, 0.015 * max(image.shape[:2])))), np.uint8
    )


def motion(image: Image, rng: Generator) -> Image:
    """A straight motion blur of up to 5 % of the picture's side."""
    length = int(rng.integers(3, max(4, 0.05 * max(image.shape[:2]))))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), rng.uniform(0, 180), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return np.asarray(cv2.filter2D(image, -1, kernel / max(kernel.sum(), 1e-3)), np.uint8)


def hidden(image: Image, rng: Generator) -> Image:
    """A bar of plain colour over one edge, up to a quarter deep: a pole, a door, somebody's shoulder."""
    height, width = image.shape[:2]
    image = image.copy()
    side, share = int(rng.integers(3)), rng.uniform(0.05, 0.25)
    strip = {
        0: image[:, : max(1, int(share * width))],
        1: image[:, width - max(1, int(share * width)) :],
        2: image[: max(1, int(share * height))],
    }[side]  # never the bottom: the bar might hide the mask itself
    strip[:] = rng.integers(0, 256, 3)
    return image


def dusk(image: Image, rng: Generator) -> Image:
    """Too little light: down to a third, with the noise of a high gain."""
    dark = image * rng.uniform(0.3, 0.7)
    return (dark + rng.standard_normal(image.shape, np.float32) * rng.uniform(1, 8)).clip(0, 255).astype(np.uint8)


def sensor_noise(image: Image, rng: Generator) -> Image:
    """Gaussian noise, standard deviation 2–13 of 255."""
    noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(2, 13)
    return (image + noise).clip(0, 255).astype(np.uint8)


def jpeg(image: Image, rng: Generator) -> Image:
    """Compression at quality 15–70."""
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_UNCHANGED), np.uint8)


# Effect -> how often it is applied, in a camera's order: light, optics, sensor, codec. A quarter of the pictures have
# no colour: a night camera gives grey pictures for half of the hours, and the classifier made four times as many
# mistakes on grey crops.
CHANCES: dict[Effect, float] = {
    hidden: 0.06,
    light: 0.6,
    colour_cast: 0.3,
    grey: 0.16,
    infra_red: 0.12,
    back_light: 0.15,
    dusk: 0.04,
    low_resolution: 0.2,
    out_of_focus: 0.15,
    motion: 0.06,
    sensor_noise: 0.2,
    jpeg: 0.25,
}


def apply(image: Image, rng: Generator, but: Effect | None = None) -> Image:
    """Apply a random few of the effects, in a camera's order, but never the effect `but`."""
    for effect, chance in CHANCES.items():
        if effect is but:
            continue
        if rng.random() < chance:
            image = effect(image, rng)
    return image


def mirror(image: Image) -> Image:
    """The picture with left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1])
