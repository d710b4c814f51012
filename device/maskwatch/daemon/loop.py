"""The daemon's loop: frames in, alerts out, and at every turn a sign of life."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
from collections.abc import Callable
from typing import Protocol

from maskwatch.daemon.failed_frames import Skips, required
from maskwatch.daemon.parts import Parts
from maskwatch.daemon.state import State
from maskwatch.daemon.systemd import Notifier
from maskwatch.daemon.timing import StageTimes
from maskwatch.flow import Face, Frame
from maskwatch.presence.pace import Pace
from maskwatch.system import process_end

logger = logging.getLogger(__name__)
WAIT = 0.5  # seconds; how long a stop request may go unnoticed while no frame comes
# Seconds; the whole end must take less than TimeoutStopSec of the unit file.
BUTTONS_WITHIN, SOURCE_WITHIN, WALL_WITHIN = 0.5, 2.5, 1.0
SLACK = 0.01  # seconds a frame may come early and still be looked at under max_fps


class Stop(Protocol):
    """Asks for the end: signals.Flag, or threading.Event where no signal handler sets it."""

    def is_set(self) -> bool:
        """Whether the end is asked for."""


def run(
    parts: Parts,
    stop: Stop,
    duration: float = math.inf,
    stages: StageTimes | None = None,
    notifier: Notifier | None = None,
    before_each: Callable[[], None] = lambda: None,
) -> None:
    """Watch until the source ends, `stop` is set or `duration` seconds of frames passed; then all is off.

    Args:
        parts: see parts.build; closed at the end.
        stop: asks for the end.
        duration: seconds of the frames' own time.
        stages: where the time of a frame goes is written.
        notifier: of systemd.
        before_each: called at every turn, e.g. to read the settings again.

    Raises:
        SourceError: the source failed for good; the alert and the pins are off by then all the same.
        MaskwatchError: too many frames in a row could not be looked at; likewise.
        OutputError: no output could tell of an alert for too long, see Outputs.check; likewise.
    """
    notifier = notifier or Notifier()
    state = State(parts.outputs, notifier)
    watch = Watch(parts, stages or StageTimes(), state)
    try:
        state.begin()
        while not stop.is_set() and not parts.source.ended:
            notifier.feed()
            before_each()
            if not watch.turn(duration):
                break
    finally:
        notifier.stopping()
        watch.end()


class Watch:
    """What the loop remembers from turn to turn."""

    def __init__(self, parts: Parts, stages: StageTimes, state: State) -> None:
        self._parts, self._stages, self._state = parts, stages, state
        self._time = 0.0  # seconds, of the newest frame
        self._looked = -math.inf  # seconds, of the newest frame that was looked at
        self._blind: str | None = None  # why the unit cannot see
        self._skips = Skips()
        self._pace = Pace()

    def turn(self, duration: float) -> bool:
        """Wait for a frame, and look at it; False when `duration` is over."""
        self._stages.begin()
        frame = self._parts.source.read(WAIT)
        trouble = self._parts.source.trouble
        self._heed(trouble or self._skips.blind)
        if frame is None:
            return True
        if frame.time >= duration:
            return False
        self._time = frame.time
        self._stages.lap("capture")
        if trouble is None and self._is_due(frame.time):
            self._try(frame)
        return True

    def end(self) -> None:
        """Alert off, then every output, then the rest: a button or camera that hangs must not keep the buzzer on.

        Each is closed whatever the others do, and none can make the end last: what hangs is left behind.
        """
        parts = self._parts
        with contextlib.ExitStack() as rest:  # the last one named is closed first
            rest.callback(process_end.attempt, "the camera", parts.source.close, SOURCE_WITHIN)
            if parts.wall:
                save = functools.partial(parts.wall.save, parts.tracker.pictures)
                rest.callback(process_end.attempt, "the pictures on the wall", save, WALL_WITHIN)
            rest.callback(process_end.attempt, "the buttons", parts.buttons.close, BUTTONS_WITHIN)
            rest.callback(parts.outputs.close)
            if alert := parts.policy.stop(self._time):
                parts.outputs.switch(alert)

    def _try(self, frame: Frame) -> None:
        """Look at a frame; one that raises is skipped, for the next one may be sound."""
        self._looked = frame.time
        try:
            required(frame.image)
            self._look(frame)
        except Exception as error:  # a model's, OpenCV's, ours: an assertion, no memory for a picture
            self._skips.failed(error, frame.time)
            return
        self._skips.went_well(frame.time)
        self._stages.end()

    def _look(self, frame: Frame) -> None:
        """One frame through gate, finder, zone, tracker, classifier and policy."""
        parts = self._parts
        for person in parts.tracker.see(self._faces(frame), frame.time):
            crop = parts.classifier.crop(frame.image, person.face)
            self._stages.lap("crop")
            parts.tracker.judge(person, parts.classifier.verdict(crop), frame.time)
            self._stages.lap("classify")
        people = parts.tracker.people(frame.time)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("time=%.2f people=%s", frame.time, [(each.id, round(each.bare, 2)) for each in people])
        if alert := parts.policy.update(people, frame.time, parts.quiet(), parts.tracker.unjudged(frame.time)):
            parts.outputs.switch(alert)
        self._state.signal(parts.policy.signal)
        if told := self._pace.looked(frame.time, parts.policy.rules.hold, parts.tracker.opinion.forget):
            logger.warning(told)
        if parts.wall:
            parts.wall.keep(parts.tracker.pictures, frame.time)

    def _faces(self, frame: Frame) -> list[Face]:
        """Those in the frame that count."""
        parts, (height, width) = self._parts, frame.image.shape[:2]
        if parts.gate and not parts.gate.open(frame.image, frame.time, not parts.tracker.empty):
            return []
        faces = parts.detector.find(frame.image)
        self._stages.lap("find")
        return [face for face in faces if parts.zone.counts(face, width, height)]

    def _heed(self, blind: str | None) -> None:
        """A unit that cannot see ends the alert and shows a fault; a short trouble makes nobody forgotten."""
        before, self._blind = self._blind, blind
        self._state.faults(blind, self._parts.outputs.check(), self._time)
        if blind == before:
            return
        self._pace.pause()
        # Not when the trouble is over: the frame that ended it may have begun an alert.
        alert = self._parts.policy.pause(self._time) if blind else None
        if alert:
            self._parts.outputs.switch(alert)
        self._state.signal(self._parts.policy.signal)

    def _is_due(self, time: float) -> bool:
        return self._parts.max_fps is None or time - self._looked >= 1 / self._parts.max_fps - SLACK
