"""The parts of the unit: build() makes them from the settings, adjust() changes them while they run."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from maskwatch.camera import Source, open_source
from maskwatch.config import CameraSettings, FaceSettings, MaskSettings, OutputsSettings, Settings
from maskwatch.daemon import from_settings
from maskwatch.daemon.buttons import Buttons
from maskwatch.daemon.kept_pictures import Wall
from maskwatch.daemon.looking import EarlyFinder, Finder, Looking
from maskwatch.flow import Face, Image, Label, Verdict
from maskwatch.outputs import Outputs
from maskwatch.outputs.gpio import open_pins
from maskwatch.outputs.log import LogOutput
from maskwatch.outputs.sound import open_sound
from maskwatch.pins import driven_pins
from maskwatch.pins.plan import plans
from maskwatch.presence.motion import MotionGate
from maskwatch.presence.policy import Policy
from maskwatch.presence.quiet_hours import QuietHours
from maskwatch.presence.tracker import Tracker
from maskwatch.presence.zone import Zone
from maskwatch.text import address
from maskwatch.vision import bundle
from maskwatch.vision.model_card import Task

logger = logging.getLogger(__name__)
YUNET_MIN_SCORE = 0.6  # 0–1; the default of cv2.FaceDetectorYN, 0.9, misses masked faces


class Classifier(Protocol):
    """Face -> verdict, in two steps, so that each can be timed."""

    def crop(self, image: Image, face: Face) -> Image:
        """Cut the face out of an (H, W, 3) uint8 RGB image, as the network's input."""

    def verdict(self, crop: Image) -> Verdict:
        """Judge one crop."""


@dataclass(slots=True)
class Preparation:
    """Lets the finder start on a frame on the capture thread, before the loop reads the frame.

    It is disabled when the settings skip frames, because the work on a skipped frame is wasted. If the loop is slower
    than the camera, one prepared frame in each turn is not used, on a core that is idle.
    """

    finder: EarlyFinder
    enabled: bool = True

    def __call__(self, image: Image) -> None:
        if self.enabled:
            self.finder.prepare(image)


@dataclass(slots=True)
class Parts:
    """Everything that the loop works with, made by build(). adjust() applies changed settings while it runs."""

    source: Source
    finder: Finder
    classifier: Classifier
    tracker: Tracker
    policy: Policy
    outputs: Outputs
    buttons: Buttons
    zone: Zone
    quiet_hours: QuietHours
    motion_gate: MotionGate | None = None
    max_fps: float | None = None  # frames a second that are processed; None: all
    preparation: Preparation | None = None
    wall: Wall | None = None


def build(
    settings: Settings,
    source: Source | None = None,
    outputs: Outputs | None = None,
    *,
    finder: Finder | None = None,
    classifier: Classifier | None = None,
    log: LogOutput | None = None,
    show_pins: bool = False,
) -> Parts:
    """Open all parts that the settings name. If one fails, those opened before are closed.

    The caller may give some of the parts instead, as tests and benchmarks do.

    Args:
        settings: see config.load.
        source: used instead of the camera in the settings. Its frames are not prepared, and its pictures on the wall
            are not saved.
        outputs: used instead of the log, the pins and the sound.
        finder: used instead of the model in the settings. It sees whole frames, unless it is a Looking.
        classifier: used instead of the model in the settings.
        log: writes the alert lines; None: they are not written.
        show_pins: whether the log also gets a line whenever a pin changes.

    Raises:
        MaskwatchError: a model, pin or source cannot be used.
    """
    finder = finder or Looking(build_finder(settings.face))
    classifier = classifier or build_classifier(settings.mask)
    preparation = Preparation(finder) if isinstance(finder, Looking) else None
    with contextlib.ExitStack() as opened:
        outputs = outputs or _open_outputs(settings.outputs, log, show_pins, opened)
        opened.callback(outputs.close)
        buttons = Buttons(settings.buttons, outputs)
        opened.callback(buttons.close)
        wall = None
        if source is None:
            source = open_source(settings.camera, preparation)
            logger.info("watching %s", address.parse(settings.camera.source).shown)
            wall = Wall.from_environment(_view(settings.camera))
        opened.pop_all()  # from now on the loop closes them
    parts = Parts(
        source,
        finder,
        classifier,
        Tracker(from_settings.opinion(settings)),
        Policy(from_settings.rules(settings)),
        outputs,
        buttons,
        from_settings.zone(settings),
        from_settings.quiet_hours(settings),
        preparation=preparation,
        wall=wall,
    )
    adjust(parts, settings)
    if wall:
        parts.tracker.hang(wall.load())
    return parts


def _open_outputs(
    settings: OutputsSettings, log: LogOutput | None, show_pins: bool, opened: contextlib.ExitStack
) -> Outputs:
    """The log, the pins and the sound. The sound is opened first, and closed by `opened` if a pin cannot be used."""
    sounds = open_sound(settings)
    for sound in sounds:
        opened.callback(sound.close)
    driven_pins.write(plans(settings))
    pins = open_pins(settings, log.pin if log and show_pins else None)
    return Outputs([*([log] if log else []), *pins, *sounds])


def _view(camera: CameraSettings) -> str:
    """Identifies the view: what decides where in a frame something is."""
    return f"{address.parse(camera.source).shown} {camera.width}x{camera.height} {camera.rotation}"


def adjust(parts: Parts, settings: Settings) -> None:
    """Apply the settings that can change while the parts run (reload.LIVE)."""
    parts.tracker.opinion = from_settings.opinion(settings)
    parts.policy.rules = from_settings.rules(settings)
    parts.quiet_hours = from_settings.quiet_hours(settings)
    parts.zone = from_settings.zone(settings)
    if isinstance(parts.finder, Looking):
        parts.finder.zone = parts.zone
    parts.max_fps = settings.power.max_fps
    parts.outputs.give_up = settings.outputs.give_up
    if not settings.power.gate:
        parts.motion_gate = None
    elif parts.motion_gate is None:
        parts.motion_gate = MotionGate()
    if parts.preparation:
        parts.preparation.enabled = not settings.power.gate and settings.power.max_fps is None
    if settings.buttons.mute:
        parts.buttons.mute_lasts = settings.buttons.mute.lasts


def build_finder(settings: FaceSettings, tell: Callable[[str], object] = lambda _: None) -> EarlyFinder:
    """The face finder that the settings name.

    Args:
        settings: [face].
        tell: called with a few words: whose model it is, and whether it was tried in a separate process.

    Raises:
        ModelError: its file cannot be used.
    """
    from maskwatch.vision.finder import SingleShotDetector, YuNetDetector, read_yunet
    from maskwatch.vision.foreign import trust

    if settings.engine == "yunet":
        score, path = YUNET_MIN_SCORE if settings.min_score is None else settings.min_score, Path(settings.model)
        content = read_yunet(path)
        tell(trust.admit_yunet(content, path))
        return YuNetDetector(path, score, content)
    return SingleShotDetector(_admitted(settings, "face", tell), settings.min_score, threads=settings.threads)


def build_classifier(settings: MaskSettings, tell: Callable[[str], object] = lambda _: None) -> Classifier:
    """The classifier that the settings name.

    Args:
        settings: [mask].
        tell: called with a few words: whose model it is, whether it was tried, and the warnings on its card.

    Raises:
        ModelError: its file cannot be used.
    """
    from maskwatch.vision.classifier import MaskClassifier

    return MaskClassifier(_admitted(settings, "mask", tell), settings.threads, Label(settings.incorrect))


def model_path(settings: FaceSettings | MaskSettings, task: Task) -> Path:
    """The file of the model that the settings name."""
    if settings.model != "default":
        return Path(settings.model)
    far = isinstance(settings, FaceSettings) and settings.reach == "far"
    return bundle.default_path(task, far=True) if far else bundle.default_path(task)


def _admitted(settings: FaceSettings | MaskSettings, task: Task, tell: Callable[[str], object]) -> bundle.Bundle:
    """A bundle that is safe to open in this process."""
    from maskwatch.vision.foreign import trust

    path = model_path(settings, task)
    content = bundle.content(path)
    opened = bundle.verified(content, path, task)
    tell(trust.admit(opened, content, settings.threads))
    for caveat in opened.card.caveats:
        tell(caveat)
        logger.warning("model %s: %s", path, caveat)
    return opened
