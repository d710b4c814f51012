"""Values that are valid alone, but together would let the unit see nothing. The message names both settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from maskwatch.text.address import parse

if TYPE_CHECKING:
    from maskwatch.config.settings import Settings

SIZED = ("picamera", "v4l2")  # sources that are asked for a frame size; others have a fixed one
PACED = (*SIZED, "http")  # sources that are asked for a frame rate; an http camera, for snapshots
FRAMES = 2  # frames that must fit into these times: fewer do not show that a camera stopped or is frozen


def contradictions(settings: Settings) -> Iterator[str]:
    """Each contradiction as one sentence that names both settings."""
    for find in (_no_face_fits, _slower_than_it_may_be, _everybody_new_in_every_frame):
        yield from find(settings)


def _no_face_fits(settings: Settings) -> Iterator[str]:
    camera, min_size = settings.camera, settings.face.min_size
    shorter = min(camera.width, camera.height)
    if parse(camera.source).kind in SIZED and min_size > shorter / 2:
        yield (
            f"face.min_size = {min_size:g} is more than half of a frame of camera.width = {camera.width} and "
            f"camera.height = {camera.height}: no face at a door is that large"
        )


def _slower_than_it_may_be(settings: Settings) -> Iterator[str]:
    camera = settings.camera
    if parse(camera.source).kind not in PACED:
        return
    for key in ("stall", "frozen"):
        seconds = getattr(camera, key)
        if 0 < seconds < FRAMES / camera.fps:
            yield (
                f"camera.{key} = {seconds:g} is less than the {FRAMES / camera.fps:.1f} s that {FRAMES} frames take at "
                f"camera.fps = {camera.fps:g}: a camera that works would be opened again and again"
            )


def _everybody_new_in_every_frame(settings: Settings) -> Iterator[str]:
    camera, gap = settings.camera, settings.opinion.gap
    rates = {"power.max_fps": settings.power.max_fps}
    if parse(camera.source).kind in (*PACED, "images"):
        rates["camera.fps"] = camera.fps
    for name, rate in rates.items():
        if rate is not None and gap < FRAMES / rate:
            yield (
                f"opinion.gap = {gap:g} is less than the {FRAMES / rate:.1f} s that {FRAMES} frames take at "
                f"{name} = {rate:g}: everybody would be a new person in every frame, and no alert would begin"
            )
