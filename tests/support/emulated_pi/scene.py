"""The demo's scene as pictures: a unit plays a folder by the folder's own clock, so a slow board misses no moment."""

from __future__ import annotations

from pathlib import Path

import cv2

from maskwatch.camera import demo

FPS = 2.0  # pictures a second of the scene; an emulated board needs seconds for each
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90]


def write(folder: Path) -> Path:
    """Somebody walks in bare, puts a mask on after 8 s and leaves: 40 pictures of 640×480."""
    folder.mkdir()
    scene = demo.Scene()
    for count in range(int(demo.DURATION * FPS)):
        image = cv2.cvtColor(scene.at(count / FPS), cv2.COLOR_RGB2BGR)
        assert cv2.imwrite(str(folder / f"{count:03d}.jpg"), image, JPEG)
    return folder
