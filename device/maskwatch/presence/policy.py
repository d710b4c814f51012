"""Opinions -> alert on or off. A state machine without a clock: time is given with the people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from maskwatch.flow import Alert, Signal, Track
from maskwatch.presence.admission import Admission
from maskwatch.presence.pace import MISSES, OUTRUN

ROUNDING = 1e-6  # seconds; a sum of many short times may be too small by this much
REMEMBERED = 512  # people; the alarm times of older ones are dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When somebody is bare, how long that must last, and how long an alert may last. See config.AlertSettings, which
    has the defaults."""

    high: float  # opinion 0–1, bare at or above
    low: float  # opinion 0–1, masked below
    hold: float  # seconds
    clear: float  # seconds
    cooldown: float  # seconds
    longest: float  # seconds of alarm for one person; 0: no limit


class Policy:
    """Starts an alert when somebody stays bare for `hold` seconds, and ends it after `clear` seconds without anybody
    bare.

    Between `low` and `high` a person keeps the last state (hysteresis), so that an opinion near one threshold cannot
    make the alert flicker. An alert starts only while somebody's opinion is at least `high`. Frames in which a person
    is not seen do not count towards `hold`, because something that is seen only sometimes may not be a face.

    Each person has an alarm time. After `longest` seconds of alarm, or after an alert that quiet hours ended, the same
    people cannot keep the alert on or start it again until they have worn a mask. The same rule applies to a face that
    had an alert, vanished, and is back in exactly the same place: it is probably a picture that somebody covered. Other
    people are not affected.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.on = False
        self._since: dict[int, float] = {}  # person id -> seconds, when bare began, shifted by the time not seen
        self._alarmed: dict[int, float] = {}  # person id -> seconds of alarm so far; infinity: no more alarm
        self._bare: frozenset[int] = frozenset()  # people who are bare, seen and not spent in the newest frame
        self._causes: dict[int, float] = {}  # person id that may cause an alert -> seconds, when last seen bare
        self._without = 0  # frames since one of them was seen bare
        self._switched = -math.inf  # seconds, when the alert last began or ended
        self._newest = -math.inf  # seconds, of the newest frame
        self._paused = False
        self._admission = Admission()

    @property
    def signal(self) -> Signal:
        """What the unit shows after the newest frame."""
        if self.on:
            return Signal.ALERT
        return Signal.MASKED if self._admission.on else Signal.WATCHING

    def update(self, people: Sequence[Track], time: float, quiet: bool = False, unjudged: int = 0) -> Alert | None:
        """Process one frame's people; return the alert if it switches now.

        Args:
            people: everybody in view.
            time: of the frame, seconds; never smaller than before.
            quiet: whether it is a quiet hour, in which there are no alerts.
            unjudged: number of people in view who have no verdict yet.
        """
        step = time - self._newest
        rules = self.rules
        self._admission.update(people, time, rules.low, rules.hold, rules.clear, unjudged)
        self._count(people, step, time)
        self._look(people, time)
        self._newest, self._paused = time, False
        if self.on:
            return self._switch(False, people, time) if self._over(quiet) else None
        return self._switch(True, people, time) if not quiet and self._due(people, time) else None

    def pause(self, time: float) -> Alert | None:
        """The camera has trouble: switch the alert off at once. Nobody is forgotten, and the time until the next frame
        does not count."""
        self._paused = True
        self._bare, self._causes = frozenset(), {}
        self._admission.reset()
        return self._switch(False, (), time) if self.on else None

    def stop(self, time: float) -> Alert | None:
        """The daemon ends: switch the alert off at once and forget everybody."""
        self._since, self._alarmed = {}, {}
        return self.pause(time)

    def _count(self, people: Sequence[Track], step: float, time: float) -> None:
        """Add the time since the previous frame to the alarm time of people who are bare; clear it for people who are
        masked."""
        inherited = self._inherited(people, step, time)
        since, rules = {}, self.rules
        for each in people:
            before = self._since.get(each.id) if each.since < time else None  # a person who is back starts again
            if each.bare < (rules.high if before is None else rules.low):
                if each.bare < rules.low:
                    self._alarmed.pop(each.id, None)
                continue
            if before is None:
                since[each.id] = inherited
                if each.returned and each.id in self._alarmed:
                    self._alarmed[each.id] = math.inf
                continue
            since[each.id] = before + step if self._paused or each.seen < time else before
            if self.on:
                self._alarmed[each.id] = self._alarmed.get(each.id, 0.0) + step
        self._since = since
        for one in list(self._alarmed)[: max(0, len(self._alarmed) - REMEMBERED)]:
            del self._alarmed[one]

    def _inherited(self, people: Sequence[Track], step: float, time: float) -> float:
        """The time in seconds from which on a new bare person counts as bare.

        If frames are far apart, a walking person is new in each frame. A bare person who was in the previous frame and
        is missing now is either this person or another bare one. In both cases somebody bare was there all the time, so
        the new person takes over that start time.
        """
        if step <= OUTRUN:
            return time
        gone = self._bare - {each.id for each in people if each.seen == time}
        return min((self._since[one] for one in gone), default=time)

    def _look(self, people: Sequence[Track], time: float) -> None:
        """Update the people who may cause an alert: those who are bare now, and those who were a short time ago."""
        seen = (each.id for each in people if each.seen == time and each.id in self._since)
        self._bare = frozenset(one for one in seen if not self._is_spent(one))
        self._without = 0 if self._bare else self._without + 1
        lately = self._causes | dict.fromkeys(self._bare, time)
        self._causes = {
            one: last
            for one, last in lately.items()
            if not self._is_spent(one) and (self._without < MISSES or time - last < self.rules.clear)
        }

    def _is_spent(self, person: int) -> bool:
        had = self._alarmed.get(person, 0.0)
        return had == math.inf or 0 < self.rules.longest <= had + ROUNDING

    def _due(self, people: Sequence[Track], time: float) -> bool:
        """Whether an alert must start: somebody who may cause one has been bare for `hold` seconds."""
        if time - self._switched < self.rules.cooldown:
            return False
        fresh = [each for each in people if each.id in self._bare and each.bare >= self.rules.high]
        return any(time - self._since[each.id] >= self.rules.hold for each in fresh)

    def _over(self, quiet: bool) -> bool:
        if quiet:
            causes = (one for one, since in self._since.items() if self._newest - since >= self.rules.hold)
            self._alarmed |= dict.fromkeys(causes, math.inf)
            return True
        return not self._causes

    def _switch(self, on: bool, people: Sequence[Track], time: float) -> Alert:
        self.on, self._switched = on, time
        scores = tuple(sorted((each.bare for each in people), reverse=True))
        return Alert(on, time, len(people), scores)
