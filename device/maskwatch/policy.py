"""Opinions -> alert on or off. A pure state machine: time comes in with the people, it has no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from maskwatch.admission import Admission
from maskwatch.flow import Alert, Signal, Track


@dataclass(frozen=True, slots=True)
class Rules:
    """When somebody is bare, how long that must last, and how long an alert may. See config.AlertSettings."""

    high: float = 0.6  # opinion 0–1, bare at or above
    low: float = 0.4  # opinion 0–1, masked below
    hold: float = 1.0  # seconds
    clear: float = 2.0  # seconds
    cooldown: float = 0.0  # seconds
    longest: float = 0.0  # seconds; 0: no limit


class Policy:
    """Begins an alert when somebody stays bare for `hold` seconds, ends it after `clear` seconds of nobody.

    Between `low` and `high` the last judgement of a person stands, so an opinion that wavers around one value cannot
    make the alert flicker; but none begins on somebody who is not at or above `high` at that moment. Frames in which a
    person is not seen do not count towards `hold`: what is seen now and then need not be a face. An alert that lasted
    `longest`, or that quiet hours ended, is spent on those who caused it: they cause another only after they were
    masked, or gone.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.on = False
        self._bare: dict[int, float] = {}  # person -> seconds, since when bare; later by the time out of sight
        self._spent: set[int] = set()  # people who had their alert
        self._switched = -math.inf  # seconds, when the alert last began or ended
        self._last_bare = -math.inf  # seconds, when somebody was last bare
        self._newest = -math.inf  # seconds, of the newest frame
        self._admission = Admission()

    @property
    def signal(self) -> Signal:
        """What the unit is to show after the newest frame."""
        if self.on:
            return Signal.ALERT
        return Signal.MASKED if self._admission.on else Signal.WATCHING

    def update(self, people: Sequence[Track], time: float, quiet: bool = False, unjudged: int = 0) -> Alert | None:
        """Take one frame's people; return the alert if it switches now.

        Args:
            people: everybody in view.
            time: of the frame, seconds; never runs backwards.
            quiet: whether alerts are unwanted now.
            unjudged: people in view whom no verdict was given on yet.
        """
        rules = self.rules
        self._admission.update(people, time, rules.low, rules.hold, rules.clear, unjudged)
        self._sort(people, time)
        if self.on:
            return self._switch(False, people, time) if self._over(time, quiet) else None
        return self._switch(True, people, time) if not quiet and self._due(people, time) else None

    def stop(self, time: float) -> Alert | None:
        """The watch ends, or cannot go on: an alert that is on is switched off at once, nobody is known any more."""
        self._bare, self._spent, self._last_bare = {}, set(), -math.inf
        self._admission.reset()
        return self._switch(False, (), time) if self.on else None

    def _sort(self, people: Sequence[Track], time: float) -> None:
        """Who is bare, and since when; who is masked or gone may cause an alert again."""
        bare = [each for each in people if each.bare >= (self.rules.low if each.id in self._bare else self.rules.high)]
        unseen = {each.id: time - self._newest for each in bare if each.id in self._bare and each.seen < time}
        self._bare = {each.id: self._bare.get(each.id, time) + unseen.get(each.id, 0.0) for each in bare}
        self._newest = time
        self._spent &= self._bare.keys()
        self._last_bare = max([self._last_bare, *(each.seen for each in bare)])

    def _due(self, people: Sequence[Track], time: float) -> bool:
        """Somebody is bare now and was seen so for long enough; who left before the last switch proves nothing more."""
        if time - self._switched < self.rules.cooldown:
            return False
        fresh = [each for each in people if each.bare >= self.rules.high and each.id not in self._spent]
        return any(each.seen > self._switched and each.seen - self._bare[each.id] >= self.rules.hold for each in fresh)

    def _over(self, time: float, quiet: bool) -> bool:
        if quiet or 0 < self.rules.longest <= time - self._switched:
            self._spent |= self._bare.keys()
            return True
        return time - self._last_bare >= self.rules.clear

    def _switch(self, on: bool, people: Sequence[Track], time: float) -> Alert:
        self.on, self._switched = on, time
        scores = tuple(sorted((each.bare for each in people), reverse=True))
        return Alert(on, time, len(people), scores)
