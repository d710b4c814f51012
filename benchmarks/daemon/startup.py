"""Measures the daemon's start: time to the first verdict and memory; and the time of each stage of a frame.

The frames show the built-in demo scene, with one face in each. They are in a video file, so that capture is real work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import host, records
from maskwatch import config
from maskwatch.camera import demo
from maskwatch.daemon import loop, parts
from maskwatch.daemon.timing import StageTimes
from maskwatch.outputs.log import LogOutput

SCHEMA = 1
STARTS = 7  # processes
FRAMES = 200
BARE_AT, MASKED_AT = 5.0, 11.0  # seconds of the scene: one face in view, for at least 4 s
FPS = 25

# A separate process, given its start time. It imports what the daemon imports, opens the models, and judges one face.
# It reads its peak memory from VmHWM, which exec resets; getrusage's ru_maxrss may be the parent's.
FIRST_VERDICT = """
import sys, time
begun = float(sys.argv[1])
from maskwatch import config
from maskwatch.daemon import loop as daemon, parts
from maskwatch.vision import finder as detector, classifier
from maskwatch.camera.files import pictures
imported = time.monotonic()
settings = config.load()
finder, judge = parts.build_finder(settings.face), parts.build_classifier(settings.mask)
opened = time.monotonic()
image = pictures.read(__import__("pathlib").Path(sys.argv[2]))
(face,) = finder.find(image)
judge.verdict(judge.crop(image, face))
done = time.monotonic()
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(imported - begun, opened - imported, done - begun, int(peak) / 1024)
"""


def measure() -> dict[str, Any]:
    """The record, ready for JSON. Takes about half a minute on a workstation.

    Raises:
        MaskwatchError: the default bundles or the demo's portrait are not there.
    """
    settings, machine = config.Settings(), host.facts()  # facts first: measuring loads the machine
    head = records.head("device", SCHEMA, machine, settings)
    with tempfile.TemporaryDirectory() as folder:
        scene, video, picture = demo.Scene(), Path(folder) / "scene.avi", Path(folder) / "bare.png"
        cv2.imwrite(str(picture), scene.at(BARE_AT)[..., ::-1])
        write_video(video, scene)
        starts = [first_verdict(picture) for _ in range(STARTS)]
        stages = StageTimes()
        camera = settings.camera.model_copy(update={"source": f"video:{video}"})
        with Path(os.devnull).open("w") as nowhere:
            opened = parts.build(settings.model_copy(update={"camera": camera}), log=LogOutput(nowhere))
            loop.run(opened, threading.Event(), stages=stages)
    return {
        **head,
        "frame_pixels": [demo.WIDTH, demo.HEIGHT],
        "starts": starts,
        "frames_ms": {
            stage: [round(row[stage] * 1e3, 3) for row in stages.rows] for stage in next(iter(stages.rows), {})
        },
    }


def write_video(path: Path, scene: demo.Scene) -> None:
    """FRAMES frames of somebody bare, then masked, in Motion JPEG."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (demo.WIDTH, demo.HEIGHT))
    for begin in (BARE_AT - 1, MASKED_AT):
        for step in range(FRAMES // 2):
            writer.write(np.ascontiguousarray(scene.at(begin + step / FPS)[..., ::-1]))
    writer.release()


def first_verdict(picture: Path) -> dict[str, float]:
    """Times and memory of one new process, from its start to the verdict on a picture of one face."""
    command = [sys.executable, "-c", FIRST_VERDICT, str(time.monotonic()), str(picture)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    names = ("import_s", "models_s", "first_verdict_s", "peak_rss_mb")
    return {name: round(float(value), 3) for name, value in zip(names, printed, strict=True)}
