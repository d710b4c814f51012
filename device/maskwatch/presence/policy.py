"""Decides from people's opinions when the alert starts and ends. An opinion says how surely a person is bare.

The module reads no clock: each call is given the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from maskwatch.flow import Alert, Signal, Track
from maskwatch.presence.admission import Admission
from maskwatch.presence.pace import MAX_MATCHED_STEP, MISSES

ROUNDING = 1e-6  # seconds; a sum of many short times may be too small by this much
MAX_REMEMBERED = 512  # people whose alarm times are kept; the times of older ones are dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a person counts as bare, how long that must last, and how long an alert may last.

    The values come from config.AlertSettings, which also has the defaults.
    """

    high: float  # 0–1; a person whose opinion is at least this is bare
    low: float  # 0–1; a person whose opinion is below this is masked
    hold: float  # seconds somebody must be bare before an alert starts
    clear: float  # seconds without anybody bare before an alert ends
    cooldown: float  # seconds from the end of an alert to the next one, at least
    longest: float  # seconds of alarm for one person, at most; 0: no limit


class Policy:
    """Starts an alert when somebody stays bare for `hold` seconds, and ends it after `clear` seconds without anybody
    bare.

    Between `low` and `high` a person keeps the last state (hysteresis), so that an opinion near one threshold cannot
    make the alert flicker. An alert starts only while somebody's opinion is at least `high`. Frames in which a person
    is not seen do not count towards `hold`, because something that is seen only sometimes may not be a face.

    Each person has an alarm time: the seconds for which the alert was on while this person was bare. A person is
    ignored after `longest` seconds of alarm, or after an alert that was ended by quiet hours: an ignored person neither
    starts an alert nor keeps it on, until this person has worn a mask. A face that had an alert, vanished, and is back
    in exactly the same place is ignored too, because it is probably a picture that was covered for a while. Other
    people are not affected.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.on = False
        self._bare_since: dict[int, float] = {}  # person id -> seconds, start of being bare plus the time not seen
        self._alarm_time: dict[int, float] = {}  # person id -> seconds of alarm so far; infinity: ignored
        self._bare_now: frozenset[int] = frozenset()  # people seen bare in the newest frame, without the ignored ones
        # person id -> seconds, when last seen bare; the alert stays on while this is not empty
        self._last_bare: dict[int, float] = {}
        self._frames_without_bare = 0  # frames since `_bare_now` was last not empty
        self._switched_at = -math.inf  # seconds, when the alert last began or ended
        self._newest = -math.inf  # seconds, time of the newest frame
        self._paused = False
        self._admission = Admission()

    @property
    def signal(self) -> Signal:
        """What the unit shows after the newest frame."""
        if self.on:
            return Signal.ALERT
        return Signal.MASKED if self._admission.on else Signal.WATCHING

    def update(self, people: Sequence[Track], time: float, quiet: bool = False, unjudged: int = 0) -> Alert | None:
        """Process one frame's people; return an Alert if the alert starts or ends now.

        Args:
            people: everybody in view.
            time: of the frame, seconds; never smaller than before.
            quiet: whether it is a quiet hour, in which there are no alerts.
            unjudged: number of people in view who have no verdict yet.
        """
        rules = self.rules
        step = time - self._newest  # seconds since the previous frame
        self._admission.update(people, time, rules.low, rules.hold, rules.clear, unjudged)
        self._update_times(people, step, time)
        self._update_last_bare(people, time)
        self._newest, self._paused = time, False
        if self.on:
            return self._switch(False, people, time) if self._must_end(quiet) else None
        return self._switch(True, people, time) if not quiet and self._must_start(people, time) else None

    def pause(self, time: float) -> Alert | None:
        """The camera has trouble: switch the alert off at once. Nobody is forgotten, and the time until the next frame
        does not count."""
        self._paused = True
        self._bare_now, self._last_bare = frozenset(), {}
        self._admission.reset()
        return self._switch(False, (), time) if self.on else None

    def stop(self, time: float) -> Alert | None:
        """The daemon ends: switch the alert off at once and forget everybody."""
        self._bare_since, self._alarm_time = {}, {}
        return self.pause(time)

    def _update_times(self, people: Sequence[Track], step: float, time: float) -> None:
        """Update since when each person is bare, and the alarm times.

        Bare people get the `step` seconds since the previous frame as alarm time. Masked people lose their alarm time.
        """
        start_of_new = self._start_of_new(people, step, time)
        bare_since, rules = {}, self.rules
        for person in people:
            # A person who left and is back starts again.
            bare_from = self._bare_since.get(person.id) if person.since < time else None
            if person.bare < (rules.high if bare_from is None else rules.low):
                if person.bare < rules.low:
                    self._alarm_time.pop(person.id, None)
                continue
            if bare_from is None:
                bare_since[person.id] = start_of_new
                if person.returned and person.id in self._alarm_time:
                    self._alarm_time[person.id] = math.inf
                continue
            bare_since[person.id] = bare_from + step if self._paused or person.seen < time else bare_from
            if self.on:
                self._alarm_time[person.id] = self._alarm_time.get(person.id, 0.0) + step
        self._bare_since = bare_since
        for oldest in list(self._alarm_time)[: max(0, len(self._alarm_time) - MAX_REMEMBERED)]:
            del self._alarm_time[oldest]

    def _start_of_new(self, people: Sequence[Track], step: float, time: float) -> float:
        """The time in seconds since when a person who is new in this frame counts as bare.

        Usually that is the time of this frame. But if frames are far apart, a walking person gets a new id in each
        frame. Then, if a bare person of the previous frame is missing now, the new person takes over that person's
        start time: both may be the same person, and if they are not, somebody was bare all the time anyway.
        """
        if step <= MAX_MATCHED_STEP:
            return time
        missing = self._bare_now - {person.id for person in people if person.seen == time}
        return min((self._bare_since[person_id] for person_id in missing), default=time)

    def _update_last_bare(self, people: Sequence[Track], time: float) -> None:
        """Update who is bare now, and who was bare a short time ago."""
        seen_bare = (person.id for person in people if person.seen == time and person.id in self._bare_since)
        self._bare_now = frozenset(person_id for person_id in seen_bare if not self._is_ignored(person_id))
        self._frames_without_bare = 0 if self._bare_now else self._frames_without_bare + 1
        last_bare = self._last_bare | dict.fromkeys(self._bare_now, time)
        self._last_bare = {
            person_id: last
            for person_id, last in last_bare.items()
            if not self._is_ignored(person_id)
            and (self._frames_without_bare < MISSES or time - last < self.rules.clear)
        }

    def _is_ignored(self, person_id: int) -> bool:
        alarm_time = self._alarm_time.get(person_id, 0.0)
        return alarm_time == math.inf or 0 < self.rules.longest <= alarm_time + ROUNDING

    def _must_start(self, people: Sequence[Track], time: float) -> bool:
        """Whether an alert must start: somebody who is bare now has been bare for `hold` seconds."""
        if time - self._switched_at < self.rules.cooldown:
            return False
        surely_bare = [person for person in people if person.id in self._bare_now and person.bare >= self.rules.high]
        return any(time - self._bare_since[person.id] >= self.rules.hold for person in surely_bare)

    def _must_end(self, quiet: bool) -> bool:
        """Whether the alert must end. In quiet hours it ends, and those who caused it are ignored from now on."""
        if quiet:
            hold = self.rules.hold
            causes = (person_id for person_id, since in self._bare_since.items() if self._newest - since >= hold)
            self._alarm_time |= dict.fromkeys(causes, math.inf)
            return True
        return not self._last_bare

    def _switch(self, on: bool, people: Sequence[Track], time: float) -> Alert:
        self.on, self._switched_at = on, time
        scores = tuple(sorted((person.bare for person in people), reverse=True))
        return Alert(on, time, len(people), scores)
