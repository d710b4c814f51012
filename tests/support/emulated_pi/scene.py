"""The demo's scene as pictures: a unit plays a folder by the folder's own clock, so a slow board misses no moment."""

from __future__ import annotations

from pathlib import Path

import cv2

from maskwatch.camera import demo

# Pictures a second of the scene. The emulated board looks at about ten in a second of its own, so the scene lasts as
# long as it does at a door: an order that a test types reaches the board three seconds after the alarm began.
FPS = 10.0
EMPTY = 900  # pictures of the empty hall afterwards: an update is kept when the unit watched for 20 s without a break
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90]


def write(folder: Path) -> Path:
    """Somebody comes in bare, puts a mask on after 8 s and leaves: 200 pictures of 640×480. Then nobody."""
    folder.mkdir()
    scene = demo.Scene()
    for count in range(int(demo.DURATION * FPS)):
        (folder / f"{count:04d}.jpg").write_bytes(_jpeg(scene, count / FPS))
    nobody = _jpeg(scene, 0.0)
    for count in range(EMPTY):
        (folder / f"{1000 + count}.jpg").write_bytes(nobody)
    return folder


def _jpeg(scene: demo.Scene, moment: float) -> bytes:
    is_made, content = cv2.imencode(".jpg", cv2.cvtColor(scene.at(moment), cv2.COLOR_RGB2BGR), JPEG)
    assert is_made
    return content.tobytes()
