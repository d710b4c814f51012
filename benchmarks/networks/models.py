"""Times models on one thread, in turns, in one run, to compare them: the ratio of their times matters.

Because they take turns, a bad moment of the machine affects all of them alike. The record has every raw value.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import host
from maskwatch.camera import demo
from maskwatch.errors import ModelError
from maskwatch.flow import Image
from maskwatch.system.library_chatter import mute_cv2
from maskwatch.vision import bundle, runtime
from maskwatch.vision import finder as detector

SCHEMA = 1
ROUNDS = 100
WARM_UPS = 5
THREADS = 1
BARE_AT = 5.0  # seconds of the built-in scene: one face in view


@dataclass(frozen=True, slots=True)
class Runner:
    """One model, ready to call."""

    name: str
    kind: str  # "network": the network alone; "finder": letterbox, network, decoding, suppression
    file: Path
    input_size: int
    run: Callable[[], object]


def network(name: str, path: Path) -> Runner:
    """Any .tflite with one square image as input, fed with zeros, called as the device does.

    Raises:
        ModelError: the file cannot be opened.
    """
    try:
        interpreter = runtime.open_interpreter(path.read_bytes(), THREADS, str(path))
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}") from error
    entry = interpreter.get_input_details()[0]
    pixels = np.zeros(entry["shape"], entry["dtype"])

    def run() -> None:
        interpreter.set_tensor(entry["index"], pixels)
        interpreter.invoke()

    return Runner(name, "network", path, int(entry["shape"][1]), run)


def finder(name: str, path: Path) -> Runner:
    """Our face finder, called as the device does, on a picture of its input's size."""
    card = bundle.read(path, "face")
    ours = detector.SingleShotDetector(card, None, THREADS)
    picture = scene(card.card.input_size)
    return Runner(name, "finder", path, card.card.input_size, lambda: ours.find(picture))


def yunet(path: Path, size: int) -> Runner:
    """OpenCV's YuNet, called as its users do, on a picture of that size."""
    theirs = detector.YuNetDetector(path, 0.6)
    picture = scene(size)
    return Runner(f"YuNet {size}", "finder", path, size, lambda: theirs.find(picture))


def ultraface(path: Path) -> Runner:
    """UltraFace's network in OpenCV, at its own 640×480.

    Raises:
        ModelError: OpenCV cannot read it.
    """
    mute_cv2()
    try:
        theirs = cv2.dnn.readNetFromONNX(str(path))
    except cv2.error as error:
        raise ModelError(f"model {path}: OpenCV cannot read it; expected an ONNX file") from error
    pixels, outputs = np.zeros((1, 3, 480, 640), np.float32), theirs.getUnconnectedOutLayersNames()

    def run() -> None:
        theirs.setInput(pixels)
        theirs.forward(outputs)

    return Runner("UltraFace-masked", "network", path, 640, run)


def scene(size: int) -> Image:
    """(size, size, 3) uint8 RGB with one face."""
    image = demo.Scene().at(BARE_AT)
    side = min(image.shape[:2])
    left = (image.shape[1] - side) // 2
    return np.asarray(cv2.resize(image[:side, left : left + side], (size, size)), np.uint8)


def measure(runners: Sequence[Runner], against: Mapping[str, str], rounds: int = ROUNDS) -> dict[str, Any]:
    """The record, ready for JSON: every call's milliseconds, by model.

    Args:
        runners: called in turns.
        against: model -> the model that its time is compared with.
        rounds: measured calls of each, after WARM_UPS.
    """
    host_facts = host.facts()  # first: measuring loads the machine
    cv2.setNumThreads(THREADS)
    times: Mapping[str, list[float]] = {runner.name: [] for runner in runners}
    for turn in range(-WARM_UPS, rounds):
        for runner in runners:
            begin = time.perf_counter()
            runner.run()
            if turn >= 0:
                times[runner.name].append(round((time.perf_counter() - begin) * 1e3, 4))
    return {
        "schema": SCHEMA,
        "kind": "models",
        "host": host_facts,
        "threads": THREADS,
        "warm_ups": WARM_UPS,
        "against": dict(against),
        "models": [
            {
                "name": runner.name,
                "kind": runner.kind,
                "input_size": runner.input_size,
                "bytes": runner.file.stat().st_size,
                "sha256": hashlib.sha256(runner.file.read_bytes()).hexdigest(),
                "ms": times[runner.name],
            }
            for runner in runners
        ],
    }
