"""Makes the frames of a clip when they are read: the device's own loop reads them like those of any source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.behaviour.doorway import cutouts
from benchmarks.behaviour.doorway.backdrops import MARGIN, backdrop
from benchmarks.behaviour.doorway.cutouts import Cutout
from benchmarks.behaviour.doorway.lens import Lens, Noise, smeared, window
from benchmarks.behaviour.doorway.portraits import Deck, Portrait
from benchmarks.behaviour.doorway.walks import Eye, Plan, Visit, plan
from maskwatch.flow import Frame, Image

FPS = 10.0  # frames a second
SIZES = ((640, 480), (1280, 720))  # sizes of frames, used in turn
LIGHT = (0.75, 1.2)  # brightness of a person compared with the photograph
TURN = 4.0  # degrees, standard deviation of a head's tilt
LEVEL = (0.08, 0.2)  # share of the frame's height at which things are level with the lens
ABOVE = (0.1, 0.2)  # metres that the lens is above the faces
Cutter = Callable[[Portrait, np.random.Generator], Cutout]


@dataclass(frozen=True, slots=True)
class Clip:
    """Everything that makes a clip; the same clip has the same frames."""

    number: int
    seed: int
    plan: Plan
    photographs: tuple[Path, ...] = ()  # backgrounds


def clips(
    count: int, seconds: float, portraits: Sequence[Portrait], seed: int, photographs: Sequence[Path] = ()
) -> list[Clip]:
    """`count` clips of this many seconds. In all clips together, everybody comes about equally often."""
    rng_of_decks = np.random.default_rng((seed, 0))
    masked, bare = (
        Deck([portrait for portrait in portraits if portrait.bare == kind], rng_of_decks) for kind in (False, True)
    )
    made = []
    for number in range(count):
        rng, (width, height) = np.random.default_rng((seed, 1, number)), SIZES[number % len(SIZES)]
        eye = Eye(width, height, rng.uniform(*LEVEL) * height, rng.uniform(*ABOVE))
        made.append(Clip(number, int(rng.integers(2**31)), plan(seconds, eye, masked, bare, rng), tuple(photographs)))
    return made


class Film:
    """A source (see maskwatch.camera.Source) that shows one clip."""

    trouble = None  # a film never fails

    def __init__(self, clip: Clip, cut: Cutter = cutouts.cut) -> None:
        """
        Args:
            clip: what to show.
            cut: makes a cutout of a portrait.
        """
        self.clip = clip
        self.ended = False
        self.frame: Frame | None = None  # the newest frame that was read
        eye, rng = clip.plan.eye, np.random.default_rng((clip.seed, 0))
        self._lens = Lens.any(eye.height, rng)
        self._backdrop = backdrop(eye.width, eye.height, rng, clip.photographs)
        self._noise = Noise(eye.width, eye.height, clip.seed)
        self._cut = cut
        self._cast: dict[int, Actor] = {}  # by index of the visit, while they are present
        self._step = 0

    def read(self, wait: float) -> Frame | None:  # noqa: ARG002  a frame is always ready
        """The next frame; None at the end."""
        time = self._step / FPS
        if time >= self.clip.plan.seconds:
            self.ended = True
            return None
        self._step += 1
        self.frame = Frame(self.at(time), time)
        return self.frame

    def describe(self) -> str:
        return f"clip {self.clip.number}"

    def close(self) -> None:
        """Nothing to close."""

    def at(self, time: float) -> Image:
        """(H, W, 3) uint8 RGB at a moment, seconds; the same moment gives the same picture."""
        eye, lens = self.clip.plan.eye, self._lens
        right, down = lens.offset(time)
        scene = window(self._backdrop, MARGIN - right, MARGIN - down, eye.width, eye.height)
        for actor in self._present(time):
            actor.enter(scene, time, eye, lens, (right, down))
        rng = np.random.default_rng((self.clip.seed, 1, round(time * 1000)))
        return lens.taken(scene, time, self._noise, rng)

    def _present(self, time: float) -> list[Actor]:
        """The people present, the farthest first; those who have left are forgotten."""
        visits = self.clip.plan.visits
        there = {number for number, visit in enumerate(visits) if visit.at(time, self.clip.plan.eye)}
        self._cast = {number: actor for number, actor in self._cast.items() if number in there}
        for number in there - self._cast.keys():
            self._cast[number] = Actor.of(visits[number], self._cut)
        return sorted(self._cast.values(), key=lambda actor: actor.side(time, self.clip.plan.eye))


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A person who can be drawn at any size."""

    visit: Visit
    # Each half as large as the one before, because shrinking by more in one step causes aliasing
    sizes: Sequence[Cutout]
    turn: float  # degrees

    @classmethod
    def of(cls, visit: Visit, cut: Cutter) -> Actor:
        rng = np.random.default_rng(visit.seed)
        whole = cut(visit.portrait, rng)
        lit = cv2.convertScaleAbs(whole.pixels, alpha=rng.uniform(*LIGHT))
        lit[..., 3] = whole.pixels[..., 3]
        sizes = [Cutout(np.minimum(lit, lit[..., 3:]), whole.face)]
        while sizes[-1].face.height > 60:
            sizes.append(sizes[-1].halved())
        return cls(visit, sizes, float(rng.normal(0, TURN)))

    def side(self, time: float, eye: Eye) -> float:
        """Height of the face, pixels; people who are nearer have a larger one."""
        box = self.visit.at(time, eye)
        return box.height if box else 0.0

    def enter(self, scene: NDArray[np.uint8], time: float, eye: Eye, lens: Lens, shake: tuple[float, float]) -> None:
        """Draw the person into the scene, blurred along the path during the exposure."""
        box = self.visit.at(time, eye)
        if box is None:
            return
        cutout = min(self.sizes, key=lambda size: abs(np.log(size.face.height / (1.2 * box.height))))
        matrix, (left, top, right, bottom) = self._placement(cutout, time, eye, shake)
        if left >= right or top >= bottom:
            return
        matrix[:, 2] -= (left, top)
        drawn = cv2.warpAffine(cutout.pixels, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        drawn = smeared(np.asarray(drawn, np.uint8), *self._way(time, eye, lens.shutter))
        under = scene[top:bottom, left:right]
        clear = 255 - drawn[..., 3:].repeat(3, axis=2)
        under[:] = cv2.add(cv2.multiply(under, clear, scale=1 / 255), np.ascontiguousarray(drawn[..., :3]))

    def _placement(
        self, cutout: Cutout, time: float, eye: Eye, shake: tuple[float, float]
    ) -> tuple[NDArray[np.float64], tuple[int, int, int, int]]:
        """(2, 3) cutout pixels -> frame pixels, and the part of the frame that may change."""
        box = self.visit.at(time, eye)
        assert box is not None
        scale, face = box.height / cutout.face.height, cutout.face
        middle = ((face.left + face.right) / 2, (face.top + face.bottom) / 2)
        turn = self.turn + 1.5 * np.sin(1.7 * time + self.visit.rhythm)
        matrix = cv2.getRotationMatrix2D(middle, turn, scale)
        matrix[:, 2] += ((box.left + box.right) / 2 + shake[0], (box.top + box.bottom) / 2 + shake[1])
        matrix[:, 2] -= middle
        height, width = cutout.pixels.shape[:2]
        corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
        margin = 0.1 * box.height + 4
        left, top = np.floor(corners.min(axis=1) - margin).clip(0, (eye.width, eye.height)).astype(int)
        right, bottom = np.ceil(corners.max(axis=1) + margin).clip(0, (eye.width, eye.height)).astype(int)
        return matrix, (left, top, right, bottom)

    def _way(self, time: float, eye: Eye, shutter: float) -> tuple[float, float]:
        """Pixels right and down that the face moves in `shutter` seconds."""
        step = 0.02
        now, soon = self.visit.at(time, eye), self.visit.at(time + step, eye)
        if now is None or soon is None:
            return 0.0, 0.0
        share = shutter / step
        return share * (soon.left + soon.right - now.left - now.right) / 2, share * (soon.top - now.top)
