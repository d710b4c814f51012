"""The built-in scene: somebody walks in bare, puts a mask on and leaves, in about 20 seconds.

The face is the public-domain portrait of Grace Hopper in matplotlib's sample data. Only that file is read; matplotlib
is not imported. Everything else is drawn: the hall, the silhouette of the portrait, the mask, and without matplotlib
also the face.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.camera import drawn_face
from maskwatch.camera.files import pictures
from maskwatch.errors import SourceError
from maskwatch.flow import Image

Floats = NDArray[np.float32]

WIDTH, HEIGHT = 640, 480  # pixels of the scene
FPS = 12.0
DURATION = 20.0  # seconds
ARRIVES, ARRIVED = 1.0, 3.5  # seconds: walks in
REACHES, MASKED = 8.0, 8.7  # seconds: the mask goes up
LEAVES, GONE = 15.5, 18.0  # seconds: walks out

PORTRAIT_SIZE = (512, 600)  # width, height in pixels; all points below were measured in this picture
SILHOUETTE = np.fromstring(
    "12 600 28 445 48 384 135 352 190 326 199 310 188 296 166 282 160 250 152 208 150 170 149 140 155 95 "
    "180 70 195 52 215 43 226 26 265 21 300 30 312 42 340 55 356 85 371 95 372 130 374 180 376 205 367 250 "
    "358 276 345 300 336 312 345 326 400 350 478 383 495 408 508 450 512 600",
    np.float32,
    sep=" ",
).reshape(-1, 2)  # x y x y …; a list would be formatted with one number in each line
MASK_MIDDLE = 266.0  # x of nose and chin
MASK_HALF_WIDTH = 82.0
EAR_LOOPS = (  # each is a curve from a corner of the mask around the ear
    ((187, 250), (172, 238), (163, 222)),
    ((196, 296), (176, 280), (164, 258)),
    ((347, 250), (360, 238), (370, 222)),
    ((338, 296), (356, 280), (368, 258)),
)


class Cutout(NamedTuple):
    """A picture with a soft edge."""

    colour: Floats  # (H, W, 3) 0–255 RGB
    alpha: Floats  # (H, W, 1) 0–1


class Scene:
    """The picture at any moment. The same moment always gives the same picture.

    Raises:
        SourceError: see portrait.
    """

    def __init__(self) -> None:
        self._person = Cutout(portrait().astype(np.float32), draw_silhouette())
        self._mask = draw_mask()
        self._hall = draw_hall()
        noise = np.random.default_rng(0).normal(0, 2.5, (HEIGHT + 64, WIDTH + 64, 3))
        self._grain: Floats = noise.astype(np.float32)

    def at(self, moment: float) -> Image:
        """(480, 640, 3) uint8 RGB at `moment` seconds from the start."""
        scene = self._hall
        if ARRIVES < moment < GONE:
            placement = _placement(moment)
            scene = _lay(scene, self._person, placement)
            if moment > REACHES:
                lift = (1 - _ease((moment - REACHES) / (MASKED - REACHES))) * 190  # pixels of the portrait
                scene = _lay(scene, self._mask, placement @ _shift(0.0, lift))
        light = 1 + 0.05 * np.sin(0.9 * moment)
        down, right = (int(moment * FPS * step) % 64 for step in (23, 41))
        grain = self._grain[down : down + HEIGHT, right : right + WIDTH]
        return np.asarray(np.clip(scene * np.float32(light) + grain, 0, 255), np.uint8)


class DemoCamera:
    """Plays a scene in real time, as a camera would see it (a grabber.Grabber)."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._start = time.monotonic()
        self._next = 0.0

    def grab(self) -> Image | None:
        wait = self._start + self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        now = time.monotonic() - self._start
        # A slow machine skips moments, so that it does not fall behind.
        self._next = max(self._next, now - 1 / FPS) + 1 / FPS
        return self._scene.at(now) if now < DURATION else None

    def close(self) -> None:
        """Nothing to close."""

    def describe(self) -> str:
        return "the built-in scene"


def portrait() -> Image:
    """(600, 512, 3) uint8 RGB: the portrait, or the drawn face if the portrait is not installed.

    Raises:
        SourceError: the installed portrait has another size than the one in which the points were measured.
    """
    path = portrait_path()
    if path is None:
        return drawn_face.portrait(*PORTRAIT_SIZE)
    found = pictures.read(path)
    if found.shape[1::-1] != PORTRAIT_SIZE:
        raise SourceError(
            f"demo: the portrait is {found.shape[1]}x{found.shape[0]} pixels, expected "
            "512x600; this matplotlib ships another one, pip install 'matplotlib==3.10.*'"
        )
    return found


def portrait_path() -> Path | None:
    """Path of the portrait in an installed matplotlib, found without importing it; None: not installed."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.origin:
        return None
    path = Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    return path if path.is_file() else None


def _placement(moment: float) -> Floats:
    """(3, 3) affine matrix, portrait pixels -> scene pixels: walks in from the left, stands and sways, leaves to the
    right."""
    walked = _ease((moment - ARRIVES) / (ARRIVED - ARRIVES))
    left = _ease((moment - LEAVES) / (GONE - LEAVES))
    scale = 0.60 + 0.08 * walked + 0.02 * np.sin(0.7 * moment)
    stride = 4 * np.sin(7 * moment) * (1 - walked + (left > 0))
    x = -190 + 510 * walked + 520 * left + 14 * np.sin(0.8 * moment)
    y = HEIGHT + 18 + stride + 3 * np.sin(1.7 * moment)
    turn = np.radians(2.0) * np.sin(1.1 * moment)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    foot = np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]], np.float32)
    return foot @ _shift(-PORTRAIT_SIZE[0] / 2, -PORTRAIT_SIZE[1])


def _shift(right: float, down: float) -> Floats:
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1]], np.float32)


def _ease(share: float) -> float:
    """Smoothstep: 0–1 with a soft start and end."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def _lay(scene: Floats, cutout: Cutout, placement: Floats) -> Floats:
    """Lay a cutout over the scene."""
    size = (WIDTH, HEIGHT)
    colour = cv2.warpAffine(cutout.colour, placement[:2], size, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(cutout.alpha, placement[:2], size)[..., None]
    return np.asarray(scene + alpha * (colour - scene), np.float32)


def draw_silhouette() -> Floats:
    """(600, 512, 1) 0–1: the person in the portrait, with a soft edge."""
    width, height = PORTRAIT_SIZE
    alpha = np.zeros((height, width), np.float32)
    cv2.fillPoly(alpha, [SILHOUETTE.round().astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(cv2.erode(alpha, np.ones((7, 7))), (0, 0), 1.8)[..., None], np.float32)


def draw_mask() -> Cutout:
    """A pleated surgical mask that fits the portrait: light blue cloth, rounded, with ear loops."""
    width, height = PORTRAIT_SIZE
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    across = (x - MASK_MIDDLE) / MASK_HALF_WIDTH  # -1 … 1
    top = 251 - 42 * np.exp(-((across / 0.42) ** 2)) - 4 * np.cos(across * np.pi)
    bottom = 346 - 46 * np.abs(across) ** 2.2
    down = (y - top) / (bottom - top)  # 0 … 1
    narrowing = 1 - 0.1 * np.clip(down, 0, 1)  # towards the chin
    cloth = ((down >= 0) & (down <= 1) & (np.abs(across) <= narrowing)).astype(np.float32)
    colour = _rgb(158, 196, 217) * _shade(across, down)[..., None]
    alpha: Floats = np.asarray(cv2.GaussianBlur(cloth, (0, 0), 0.9), np.float32)
    for curve in EAR_LOOPS:
        _draw_loop(colour, alpha, np.array(curve, np.float32))
    shadow = cv2.GaussianBlur(cloth, (0, 0), 6) * 0.45 * (1 - alpha)
    total = np.maximum(alpha + shadow, 1e-6)
    shaded = colour * (alpha / total)[..., None]  # around the mask there is its shadow, which is black
    return Cutout(shaded.astype(np.float32), total[..., None].astype(np.float32))


def _shade(across: Floats, down: Floats) -> Floats:
    """Brightness of the cloth: curved, lit from above, with pleats, a nose wire and a hem."""
    light = 1.06 - 0.38 * np.abs(across) ** 2.4 - 0.22 * np.clip(down, 0, 1) ** 2
    light += 0.07 * np.exp(-(((across - 0.06) / 0.2) ** 2) - ((down - 0.28) / 0.2) ** 2)  # over the nose
    for pleat in (0.36, 0.54, 0.72):
        line = pleat + 0.05 * across**2
        light -= 0.16 * np.exp(-(((down - line) / 0.014) ** 2))
        light += 0.07 * np.exp(-(((down - line - 0.035) / 0.022) ** 2))
    for hem in (0.07, 0.95):
        light -= 0.08 * np.exp(-(((down - hem) / 0.01) ** 2))
    return np.asarray(light, np.float32)


def _draw_loop(colour: Floats, alpha: Floats, curve: Floats) -> None:
    """One ear loop: a smooth curve through three points, drawn into both arrays."""
    along = np.linspace(0, 1, 24, dtype=np.float32)[:, None]
    points = (1 - along) ** 2 * curve[0] + 2 * along * (1 - along) * curve[1] + along**2 * curve[2]
    line = np.zeros_like(alpha)
    cv2.polylines(line, [(points * 8).round().astype(np.int32)], False, 1.0, 2, cv2.LINE_AA, 3)
    soft: Floats = np.asarray(cv2.GaussianBlur(line, (0, 0), 0.7), np.float32)
    colour += (soft * (1 - alpha))[..., None] * (_rgb(214, 222, 226) - colour)
    np.maximum(alpha, soft, out=alpha)


def _rgb(red: int, green: int, blue: int) -> Floats:
    return np.array((red, green, blue), np.float32)


def draw_hall() -> Floats:
    """(480, 640, 3) 0–255 RGB: an empty hall with wall, door, floor and notice board."""
    rows = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    columns = np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :, None]
    hall = _rgb(196, 190, 178) * (1.04 - 0.22 * rows) * (0.9 + 0.16 * columns)
    hall[392:] = _rgb(122, 104, 88) * (0.9 + 0.1 * columns)
    for corners, shade in (
        (((70, 60), (230, 392)), (112, 92, 74)),  # frame
        (((80, 70), (220, 392)), (146, 120, 94)),  # door
        (((96, 90), (204, 220)), (160, 186, 196)),  # its window
        (((500, 110), (590, 190)), (92, 108, 96)),  # notice board
        (((508, 118), (582, 182)), (176, 168, 128)),
        (((0, 384), (640, 394)), (150, 142, 130)),  # skirting
    ):
        cv2.rectangle(hall, *corners, shade, -1)
    cv2.circle(hall, (208, 250), 6, (202, 190, 150), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(hall, (0, 0), 2.2), np.float32)
