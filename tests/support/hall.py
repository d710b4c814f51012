"""Tracker and policy together, fed with faces that a test gives: hours pass in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from defaults import opinion, rules

from maskwatch.flow import Box, Face, Label, Verdict
from maskwatch.presence.policy import Policy, Rules
from maskwatch.presence.tracker import Opinion, Tracker

BARE, MASKED = Verdict(Label.WITHOUT_MASK, 0.97), Verdict(Label.WITH_MASK, 0.97)
Judged = tuple[Face, Verdict]
Switches = list[tuple[bool, float]]


def face(x: float = 300, y: float = 200, size: float = 80, verdict: Verdict = BARE) -> Judged:
    return Face(Box(x, y, x + size, y + size), 0.9), verdict


@dataclass
class Hall:
    """A unit without a camera: call `look` once a frame."""

    opinion: Opinion = field(default_factory=opinion)
    rules: Rules = field(default_factory=rules)
    tracker: Tracker = field(init=False)
    policy: Policy = field(init=False)
    switches: Switches = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracker, self.policy = Tracker(self.opinion), Policy(self.rules)

    def look(self, judged: Sequence[Judged], time: float) -> None:
        verdicts = {id(found): verdict for found, verdict in judged}
        for person in self.tracker.see([found for found, _ in judged], time):
            self.tracker.judge(person, verdicts[id(person.face)], time)
        people = self.tracker.people(time)
        if alert := self.policy.update(people, time, unjudged=self.tracker.unjudged(time)):
            self.switches.append((alert.on, round(time, 3)))

    def pause(self, time: float) -> None:
        if alert := self.policy.pause(time):
            self.switches.append((alert.on, round(time, 3)))

    def watch(self, times: Iterable[float], there: Callable[[float], Sequence[Judged]]) -> Switches:
        """Look at what is there at each time; returns all switches so far."""
        for time in times:
            self.look(there(time), time)
        return self.switches

    @property
    def begun(self) -> list[float]:
        """Seconds at which alerts began."""
        return [time for on, time in self.switches if on]

    @property
    def alarm(self) -> float:
        """Seconds of alarm, for the alerts that ended."""
        return sum(time if not on else -time for on, time in self.switches)


def every(gap: float, start: float, end: float) -> list[float]:
    """Times so many seconds apart."""
    return [start + step * gap for step in range(round((end - start) / gap))]
