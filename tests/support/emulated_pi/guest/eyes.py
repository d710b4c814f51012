"""Runs in the guest: looks through maskwatch's own source as the daemon does, and tells each step as a line of JSON.

eyes.py SETTINGS STEP…: SETTINGS is [camera] in JSON, a STEP one of those below.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from maskwatch.camera import Source, open_source
from maskwatch.config import CameraSettings
from maskwatch.flow import Frame

PATIENCE = 300.0  # seconds for one step
WAIT = 0.1  # seconds, as the daemon reads
LINGER = 4.0  # times `stall`
DEVICES = {"picamera": ("vimc", "vimc.0"), "v4l2": ("vivid", "vivid.0")}  # the driver's name, its device's
SILENT = Path("/sys/module/vimc/parameters/silent")  # see vimc.py
BARS = 8  # of both drivers' test picture, from left to right


class Eyes:
    """One source, opened and closed as the steps say."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._driver, self._device = DEVICES[settings.source.partition(":")[0]]
        self._source: Source | None = None

    def open(self) -> dict[str, Any]:
        """Open it, and wait for the first frame."""
        self._source = open_source(self._settings)
        frame = self._until(lambda frame: frame is not None)
        assert frame is not None
        return {
            "shape": frame.image.shape,
            "type": str(frame.image.dtype),
            "bars": _bars(frame),
            "is": self._describe(),
        }

    def five(self) -> dict[str, Any]:
        """Five more frames."""
        times = [frame.time for frame in (self._until(lambda frame: frame is not None) for _ in range(5)) if frame]
        return {"frames": len(times), "rising": times == sorted(set(times))}

    def silence(self) -> dict[str, Any]:
        """No frame comes from now on, as by a loose cable; wait until that is told."""
        SILENT.write_text("1")
        self._until(lambda _: self._trouble() is not None)
        return {"trouble": self._trouble()}

    def vanish(self) -> dict[str, Any]:
        """The device goes away, as if unplugged; wait until that is told."""
        self._write("unbind")
        self._until(lambda _: self._trouble() is not None)
        return {"trouble": self._trouble()}

    def linger(self) -> dict[str, Any]:
        """Stay so for a while, through several attempts to open it."""
        told, end = [], time.monotonic() + LINGER * self._settings.stall
        while time.monotonic() < end:
            assert self._source is not None
            assert self._source.read(WAIT) is None
            if self._trouble() not in told:
                told.append(self._trouble())
        return {"troubles": told}

    def sound(self) -> dict[str, Any]:
        """Frames come again; wait for one."""
        SILENT.write_text("0")
        return self._again()

    def appear(self) -> dict[str, Any]:
        """The device is there; wait for a frame."""
        self._write("bind")
        return self._again()

    def close(self) -> dict[str, Any]:
        """Close it; nothing of the camera may be open afterwards."""
        assert self._source is not None
        self._source.close()
        opened = (_target(link) for link in Path("/proc/self/fd").iterdir())
        return {"open": [name for name in opened if name.startswith(("/dev/video", "/dev/media", "/dev/v4l"))]}

    def _again(self) -> dict[str, Any]:
        frame = self._until(lambda frame: frame is not None and self._trouble() is None)
        assert frame is not None
        return {"shape": frame.image.shape, "bars": _bars(frame)}

    def _until(self, happened: Callable[[Frame | None], bool]) -> Frame | None:
        assert self._source is not None
        end = time.monotonic() + PATIENCE
        while not happened(frame := self._source.read(WAIT)):
            if time.monotonic() > end:
                raise TimeoutError(f"nothing happened in {PATIENCE:g} s; trouble: {self._trouble()}")
        return frame

    def _trouble(self) -> str | None:
        assert self._source is not None
        return self._source.trouble

    def _describe(self) -> str:
        assert self._source is not None
        return self._source.describe()

    def _write(self, order: str) -> None:
        """Tell the driver. By another process, so that a driver that hangs does not stop the reading."""
        place = Path("/sys/bus/platform/drivers") / self._driver / order
        subprocess.Popen(["sh", "-c", f"echo {self._device} > {place}"])


def _bars(frame: Frame) -> list[list[int]]:
    """The colour of each bar: the median of a patch in its middle, R, G, B."""
    height, width, _ = frame.image.shape
    middles = [(2 * bar + 1) * width // (2 * BARS) for bar in range(BARS)]
    rows = slice(height - 16, height - 8)  # vivid's text is above
    return [np.median(frame.image[rows, x - 2 : x + 2], axis=(0, 1)).astype(int).tolist() for x in middles]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # the folder's own, which is closed by then
        return ""


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    eyes = Eyes(CameraSettings(**json.loads(sys.argv[1])))
    for step in sys.argv[2:]:
        began = time.monotonic()
        told = getattr(eyes, step)()
        told |= {"step": step, "seconds": round(time.monotonic() - began, 2), "threads": threading.active_count()}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
