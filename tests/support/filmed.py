"""Pictures and videos made for a test, and the frames that a source gives of them."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwatch.camera import open_source
from maskwatch.config import CameraSettings
from maskwatch.flow import Frame, Image

RED = np.full((48, 64, 3), (200, 30, 20), np.uint8)  # RGB


def picture(path: Path, rgb: Image = RED) -> Path:
    rng = np.random.default_rng(0)
    noisy = np.clip(rgb + rng.normal(0, 8, rgb.shape), 0, 255).astype(np.uint8)
    kind = {".jpe": ".jpg", ".jfif": ".jpg"}.get(path.suffix.lower(), path.suffix)  # cv2 knows JPEG by two names
    path.write_bytes(cv2.imencode(kind, noisy[..., ::-1])[1].tobytes())
    return path


def video(path: Path, frames: int, codec: str = "MJPG", fps: float = 10.0) -> Path:
    """Frame n has brightness 5n, so that order and completeness can be read off."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 5 * number, np.uint8))
    writer.release()
    return path


def frames_of(spec: str, **settings: Any) -> list[Frame]:
    source = open_source(CameraSettings(source=spec, **settings))
    frames = []
    while not source.ended:
        if (frame := source.read(1.0)) is not None:
            frames.append(frame)
    source.close()
    return frames
