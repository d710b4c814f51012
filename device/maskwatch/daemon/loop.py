"""The daemon's loop: reads frames, switches alerts, and reports to systemd's watchdog at every turn."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
from collections.abc import Callable
from typing import Protocol

from maskwatch.daemon.failed_frames import Skips, required
from maskwatch.daemon.parts import Parts
from maskwatch.daemon.state import UnitState
from maskwatch.daemon.systemd import Notifier
from maskwatch.daemon.timing import StageTimes
from maskwatch.flow import Face, Frame
from maskwatch.presence.pace import Pace
from maskwatch.system import process_end

logger = logging.getLogger(__name__)
WAIT = 0.5  # seconds until a stop request is noticed while no frame comes
# Seconds that each part may take to close; all together must stay below TimeoutStopSec of the unit file.
BUTTONS_WITHIN, SOURCE_WITHIN, WALL_WITHIN = 0.5, 2.5, 1.0
SLACK = 0.01  # seconds that a frame may come too early for max_fps and still be processed


class Stop(Protocol):
    """A request to end: signals.Flag, or threading.Event if no signal handler sets it."""

    def is_set(self) -> bool:
        """Whether the end was requested."""


def run(
    parts: Parts,
    stop: Stop,
    duration: float = math.inf,
    stages: StageTimes | None = None,
    notifier: Notifier | None = None,
    before_each: Callable[[], None] = lambda: None,
) -> None:
    """Watch until the source ends, `stop` is set or `duration` is over; then switch everything off.

    Args:
        parts: see parts.build; closed at the end.
        stop: requests the end.
        duration: seconds, by the times of the frames.
        stages: records how long each stage of a frame takes.
        notifier: reports to systemd.
        before_each: called at every turn, e.g. to read the settings again.

    Raises:
        SourceError: the source failed permanently.
        MaskwatchError: too many frames in a row could not be processed.
        OutputError: no output could tell of an alert for too long, see Outputs.check.
        In each case the alert and the pins are switched off before.
    """
    notifier = notifier or Notifier()
    state = UnitState(parts.outputs, notifier)
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
    """One turn of the loop after the other, and what is remembered between them."""

    def __init__(self, parts: Parts, stages: StageTimes, state: UnitState) -> None:
        self._parts, self._stages, self._state = parts, stages, state
        self._time = 0.0  # seconds, of the newest frame
        self._looked = -math.inf  # seconds, of the newest frame that was processed
        self._blind: str | None = None  # why the unit cannot see
        self._skips = Skips()
        self._pace = Pace()

    def turn(self, duration: float) -> bool:
        """Wait for a frame and process it; False when `duration` is over."""
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
            self._process(frame)
        return True

    def end(self) -> None:
        """Switch the alert off, close the outputs, then the rest, so that a hanging button or camera does not keep the
        buzzer on.

        Each part is closed even if another one fails. A part that hangs is abandoned after its time limit.
        """
        parts = self._parts
        with contextlib.ExitStack() as rest:  # callbacks run in reverse order
            rest.callback(process_end.attempt, "the camera", parts.source.close, SOURCE_WITHIN)
            if parts.wall:
                save = functools.partial(parts.wall.save, parts.tracker.pictures)
                rest.callback(process_end.attempt, "the pictures on the wall", save, WALL_WITHIN)
            rest.callback(process_end.attempt, "the buttons", parts.buttons.close, BUTTONS_WITHIN)
            rest.callback(parts.outputs.close)
            if alert := parts.policy.stop(self._time):
                parts.outputs.switch(alert)

    def _process(self, frame: Frame) -> None:
        """Process a frame; if that raises, skip it, because the next one may be good."""
        self._looked = frame.time
        try:
            required(frame.image)
            self._look(frame)
        except Exception as error:  # e.g. from a model, OpenCV, an assertion, or a lack of memory
            self._skips.failed(error, frame.time)
            return
        self._skips.went_well(frame.time)
        self._stages.end()

    def _look(self, frame: Frame) -> None:
        """Pass one frame through gate, finder, zone, tracker, classifier and policy."""
        parts = self._parts
        for person in parts.tracker.see(self._faces(frame), frame.time):
            crop = parts.classifier.crop(frame.image, person.face)
            self._stages.lap("crop")
            parts.tracker.judge(person, parts.classifier.verdict(crop), frame.time)
            self._stages.lap("classify")
        people = parts.tracker.people(frame.time)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("time=%.2f people=%s", frame.time, [(each.id, round(each.bare, 2)) for each in people])
        if alert := parts.policy.update(people, frame.time, parts.quiet_hours(), parts.tracker.unjudged(frame.time)):
            parts.outputs.switch(alert)
        self._state.signal(parts.policy.signal)
        if warning := self._pace.looked(frame.time, parts.policy.rules.hold, parts.tracker.opinion.forget):
            logger.warning(warning)
        if parts.wall:
            parts.wall.keep(parts.tracker.pictures, frame.time)

    def _faces(self, frame: Frame) -> list[Face]:
        """The faces in the frame that count."""
        parts, (height, width) = self._parts, frame.image.shape[:2]
        if parts.motion_gate and not parts.motion_gate.open(frame.image, frame.time, not parts.tracker.empty):
            return []
        faces = parts.finder.find(frame.image)
        self._stages.lap("find")
        return [face for face in faces if parts.zone.counts(face, width, height)]

    def _heed(self, blind: str | None) -> None:
        """If the unit cannot see, end the alert and show a fault. People are not forgotten in a short trouble."""
        before, self._blind = self._blind, blind
        self._state.faults(blind, self._parts.outputs.check(), self._time)
        if blind == before:
            return
        self._pace.pause()
        # Only when the trouble begins: when it is over, its last frame may have started an alert already.
        alert = self._parts.policy.pause(self._time) if blind else None
        if alert:
            self._parts.outputs.switch(alert)
        self._state.signal(self._parts.policy.signal)

    def _is_due(self, time: float) -> bool:
        return self._parts.max_fps is None or time - self._looked >= 1 / self._parts.max_fps - SLACK
