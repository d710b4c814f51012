"""The daemon: build(settings) wires the parts, run(parts) is the loop."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from maskwatch import bundle
from maskwatch.camera import Source, open_source, without_password
from maskwatch.config import FaceSettings, MaskSettings, Settings
from maskwatch.flow import Alert, Face, Frame, Image, Label, Signal, Verdict
from maskwatch.outputs import Outputs
from maskwatch.outputs.gpio import open_pins
from maskwatch.outputs.log import LogOutput
from maskwatch.policy import Policy, Thresholds
from maskwatch.stages import Stages
from maskwatch.tracker import Opinion, Tracker

logger = logging.getLogger(__name__)
YUNET_MIN_SCORE = 0.6  # 0–1; cv2.FaceDetectorYN's own default of 0.9 misses masked faces
WAIT = 0.5  # seconds; how long a stop request may go unnoticed while no frame comes


class Finder(Protocol):
    """Frame -> faces."""

    def find(self, image: Image) -> list[Face]:
        """The faces in a (H, W, 3) uint8 RGB image."""


class Judge(Protocol):
    """Face -> verdict, in two steps so that each can be timed."""

    def crop(self, image: Image, face: Face) -> Image:
        """Cut the face for the network."""

    def verdict(self, crop: Image) -> Verdict:
        """Judge one crop."""


@dataclass(frozen=True)
class Parts:
    """Everything the loop works with."""

    source: Source
    detector: Finder
    classifier: Judge
    tracker: Tracker
    policy: Policy
    outputs: Outputs
    min_size: float = 0.0  # pixels; faces with a shorter side are ignored


def build(settings: Settings, stream: TextIO, as_json: bool = False, show_pins: bool = False) -> Parts:
    """Open everything the settings name; what was opened is given back when a later part fails.

    Args:
        settings: see config.load.
        stream: where alert lines go.
        as_json: one JSON object a line instead of text.
        show_pins: also a line whenever a pin changes.

    Raises:
        MaskwatchError: a model, pin or source cannot be used.
    """
    detector, classifier = build_detector(settings.face), build_classifier(settings.mask)
    with contextlib.ExitStack() as opened:
        lines = LogOutput(stream, as_json)
        pins = open_pins(settings.outputs, lines.pin if show_pins else None)
        for pin in pins:
            opened.callback(pin.close)
        source = open_source(settings.camera)
        opened.pop_all()  # from here on run() closes them
    logger.info("watching %s", without_password(settings.camera.source))
    return Parts(
        source,
        detector,
        classifier,
        Tracker(Opinion(**settings.opinion.model_dump(include={"time_constant", "forget", "min_iou"}))),
        Policy(Thresholds(**settings.alert.model_dump(include={"high", "low", "hold", "clear"}))),
        Outputs([lines, *pins]),
        settings.face.min_size,
    )


def build_detector(settings: FaceSettings) -> Finder:
    """The face finder the settings name.

    Raises:
        ModelError: its file cannot be used.
    """
    from maskwatch.detector import SingleShotDetector, YuNetDetector

    if settings.engine == "yunet":
        score = YUNET_MIN_SCORE if settings.min_score is None else settings.min_score
        return YuNetDetector(Path(settings.model), score)
    path = _model_path(settings.model, "face")
    return SingleShotDetector(bundle.read(path, "face"), settings.min_score, threads=settings.threads)


def build_classifier(settings: MaskSettings) -> Judge:
    """The classifier the settings name.

    Raises:
        ModelError: its file cannot be used.
    """
    from maskwatch.classifier import MaskClassifier

    model = bundle.read(_model_path(settings.model, "mask"), "mask")
    return MaskClassifier(model, settings.threads, Label(settings.incorrect))


def _model_path(name: str, task: bundle.Task) -> Path:
    return bundle.default_path(task) if name == "default" else Path(name)


def run(parts: Parts, stop: threading.Event, duration: float = math.inf, stages: Stages | None = None) -> None:
    """Watch until the source ends, `stop` is set or `duration` seconds of frames passed; then all is off.

    Raises:
        SourceError: the source failed; the alert and the pins are off by then all the same.
    """
    stages = stages or Stages()
    time = 0.0
    parts.outputs.show(Signal.WATCHING)
    try:
        while not stop.is_set() and not parts.source.ended:
            stages.begin()
            frame = parts.source.read(WAIT)
            if frame is None:
                continue
            if frame.time >= duration:
                break
            stages.lap("capture")
            time = frame.time
            if alert := watch(parts, frame, stages):
                parts.outputs.switch(alert)
                parts.outputs.show(Signal.ALERT if alert.on else Signal.WATCHING)
            stages.end()
    finally:
        _end(parts, time)


def watch(parts: Parts, frame: Frame, stages: Stages) -> Alert | None:
    """One frame through finder, classifier, tracker and policy."""
    faces = [face for face in parts.detector.find(frame.image) if _shorter_side(face) >= parts.min_size]
    stages.lap("find")
    judged: list[tuple[Face, Verdict]] = []
    for face in faces:
        crop = parts.classifier.crop(frame.image, face)
        stages.lap("crop")
        judged.append((face, parts.classifier.verdict(crop)))
        stages.lap("classify")
    tracks = parts.tracker.update(judged, frame.time)
    logger.debug("time=%.2f faces=%d tracks=%s", frame.time, len(faces), [round(track.bare, 2) for track in tracks])
    return parts.policy.update(tracks, frame.time)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM (systemd) or SIGINT (Ctrl-C) sets. Main thread only."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _shorter_side(face: Face) -> float:
    return min(face.box.width, face.box.height)


def _end(parts: Parts, time: float) -> None:
    """Alert off, then every output, then the source: a camera that hangs must not keep the buzzer on."""
    if alert := parts.policy.stop(time):
        parts.outputs.switch(alert)
    parts.outputs.close()
    parts.source.close()
