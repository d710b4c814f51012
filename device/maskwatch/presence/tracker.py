"""Verdicts over time -> one opinion per person.

Faces of a frame are given to known people greedily: first by overlap with where each person should be by now, then, for
those who outran their own box, by distance (see matching). Each person's opinion of being bare is an exponentially
weighted mean whose weight follows the time between frames, not their number.

The longer somebody was out of sight, the nearer the face must be to where it should be: who may be somebody else is
somebody else, with their own opinion and alarm time. What never moves is waited for in its place, whatever
passes before it, and becomes a picture on the wall (see spot).

Who is new or in doubt is judged at every frame, who is settled once in a while: a crowd then costs little more than one
person, and one odd verdict about somebody settled only puts that person in doubt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from maskwatch.flow import Box, Face, Label, Track, Verdict
from maskwatch.presence.matching import Wanted, match, middle
from maskwatch.presence.pace import FAR_APART, MISSES
from maskwatch.presence.stillness import STILL, Spot

SURE = 0.1  # an opinion within this of 0 or 1 is settled
OFTEN = 1.0, 3  # seconds, and verdicts, for which a new person is judged at every frame
SPEAKS = 0.5  # seconds that one verdict speaks for, at the most
URGENT = 4.0  # who is new or in doubt waits so many times as long as who is settled
AGILITY = 0.5  # weight of the newest step in a person's velocity
FORESEEN = 1.0  # seconds a velocity is believed; who walks stops or turns
AWAY = 0.5  # seconds out of sight, in several frames, after which somebody else may have come
LIKELY = 0.3  # overlap (IoU) that makes a face the same one where frames are far apart
HIDDEN = 0.25  # of overlap: who is in sight goes before a picture that is hidden when both want a face
THINGS = 64  # that are waited for while they are hidden, pictures among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """How fast people are believed, how often judged and how fast forgotten. See config.OpinionSettings, which has the
    defaults."""

    time_constant: float  # seconds
    forget: float  # seconds
    gap: float  # seconds
    min_iou: float  # 0–1
    recheck: float  # seconds
    crowd: int  # faces a frame
    motionless: float  # seconds; 0: never


@dataclass(slots=True)
class Person:
    """Somebody followed; `track` is what others see of it, once there was a verdict."""

    id: int
    face: Face
    since: float  # seconds, first seen
    seen: float  # seconds, last seen
    previous_seen: float  # seconds, seen the time before
    spot: Spot
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second, across and down
    missed: int = 0  # looked-at frames since, without the face
    hidden: bool = False  # forgotten, but waited for in its place
    returned: bool = False  # was hidden once: only its place says that it is the same
    uncovered: bool = False  # it was hidden while frames were looked at: the camera was not away
    judged: float | None = None  # seconds, last judged
    first_judged: float = 0.0  # seconds
    verdicts: int = 0
    track: Track | None = None

    def expected(self, time: float) -> Box:
        """Where the face should be by now."""
        return moved(self.face.box, self.velocity, min(time - self.seen, FORESEEN))


@dataclass(frozen=True, slots=True)
class Picture:
    """A face that hangs on the wall, as it is kept over a restart."""

    box: Box
    seen: float  # seconds, all together
    unseen: float = 0.0  # seconds watched since it was last seen


@dataclass(slots=True)
class Tracker:
    """Keeps the people in view. For each frame, in the order of time: see(), then judge() for those it names."""

    opinion: Opinion
    _people: list[Person] = field(default_factory=list)
    _newest: float = -math.inf  # seconds, of the newest frame
    _next_id: int = 1

    def see(self, faces: Sequence[Face], time: float) -> list[Person]:
        """Take one frame's faces; return who should be judged by this frame, most urgent first.

        Args:
            faces: found in the frame.
            time: of the frame, seconds.
        """
        step = max(0.0, min(time - self._newest, self.opinion.gap))
        self._newest = time
        self._forget(time)
        pairs = match([self._wanted(person, time) for person in self._people], faces)
        for place, person in enumerate(self._people):
            if place in pairs:
                _seen_again(person, faces[pairs[place]], time, step)
            else:
                person.missed += 1
                person.spot.unseen += step
        taken = set(pairs.values())
        newcomers = [self._newcomer(face, time) for place, face in enumerate(faces) if place not in taken]
        self._doubt_things(newcomers)
        self._people += newcomers
        waiting = [person for person in self._people if person.seen == time and self._should_judge(person, time)]
        return sorted(waiting, key=lambda person: _urgency(person, time))[: self.opinion.crowd]

    def judge(self, person: Person, verdict: Verdict, time: float) -> None:
        """Take the verdict on one of those that see() named."""
        bare = bareness(verdict)
        if person.track is None or person.judged is None:
            person.first_judged = time
        else:
            # Weight by the gap since the previous frame, not since the last judgement: a settled person is deliberately
            # rechecked rarely.
            last = person.judged if in_doubt(person, time) else person.previous_seen
            bare = person.track.bare + self._weight(time - last) * (bare - person.track.bare)
        person.judged = time
        person.verdicts += 1
        person.track = Track(person.id, person.face, verdict, bare, person.since, person.seen)

    def people(self, time: float) -> tuple[Track, ...]:
        """Everybody judged and not forgotten, oldest first; pictures on a wall left out."""
        return tuple(
            replace(
                person.track,
                face=person.face,
                since=person.since,
                seen=person.seen,
                returned=person.uncovered,
            )
            for person in self._people
            if person.track is not None and self._is_there(person, time)
        )

    def unjudged(self, time: float) -> int:
        """How many are known to be there whom no verdict was given on yet; pictures on a wall left out."""
        return sum(person.track is None and self._is_there(person, time) for person in self._people)

    @property
    def empty(self) -> bool:
        """Whether nobody is known to be there; pictures on a wall are nobody."""
        return not any(self._is_there(person, self._newest) for person in self._people)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Those known to hang on the wall, longest first."""
        spots = sorted((each.spot for each in self._people if self.is_picture(each)), key=lambda spot: -spot.stationary)
        return tuple(Picture(spot.anchor, spot.stationary, spot.unseen) for spot in spots[:THINGS])

    def hang(self, pictures: Iterable[Picture]) -> None:
        """Know these pictures from now on, wherever they are hidden at the moment."""
        for picture in pictures:
            person = self._newcomer(Face(picture.box, 0.0), -math.inf)
            person.hidden = True
            person.spot = Spot(picture.box, picture.seen, unseen=picture.unseen)
            self._people.append(person)

    def is_picture(self, person: Person) -> bool:
        """Whether a face was seen where it is for so long that it hangs on the wall."""
        return person.spot.is_picture(self.opinion.motionless)

    def _is_there(self, person: Person, time: float) -> bool:
        """Whether somebody is known to be there, and is no picture."""
        return not person.hidden and self._is_known(person, time) and not self.is_picture(person)

    def _is_known(self, person: Person, time: float) -> bool:
        """Whether somebody was seen lately: in time or, where frames are far apart, in frames."""
        away = time - person.seen
        return away <= self.opinion.gap and (away <= self.opinion.forget or person.missed < MISSES)

    def _forget(self, time: float) -> None:
        """Let go of who left. What only hid is waited for, the longest known before the others."""
        for person in self._people:
            person.hidden = person.hidden or not self._is_known(person, time)
        waits = (each for each in self._people if each.hidden and each.spot.awaited(self.opinion.motionless))
        kept = {each.id for each in sorted(waits, key=lambda each: -each.spot.stationary)[:THINGS]}
        self._people = [each for each in self._people if not each.hidden or each.id in kept]

    def _wanted(self, person: Person, time: float) -> Wanted:
        """What a face must be like to be this person's."""
        spot, last = person.spot, person.face.box
        if self._is_thing(person):
            return Wanted(spot.anchor, spot.anchor, STILL, handicap=HIDDEN if person.missed else 0.0)
        away, expected = time - person.seen, person.expected(time)
        if away > AWAY and person.missed >= MISSES:
            return Wanted(expected, last, STILL)
        if away > FAR_APART:
            return Wanted(expected, last, LIKELY)
        return Wanted(expected, expected, self.opinion.min_iou, reach=True)

    def _doubt_things(self, newcomers: Sequence[Person]) -> None:
        """Who appears beside a thing as that vanishes may be the thing: then it lives."""
        for thing in self._people:
            if newcomers and thing.missed == 1 and self._is_thing(thing):
                box = thing.spot.anchor
                if any(box.iou(one.face.box) >= LIKELY for one in newcomers):
                    thing.spot.left()
                    thing.hidden = True

    def _is_thing(self, person: Person) -> bool:
        """Whether only the place says who it is."""
        return person.hidden or person.returned or self.is_picture(person)

    def _weight(self, seconds: float) -> float:
        """Of a verdict so long after the one before; frames that are far apart must not make one verdict all."""
        constant = self.opinion.time_constant
        longest = max(SPEAKS, math.log(2) * constant)
        return -math.expm1(-min(max(0.0, seconds), longest) / constant)

    def _should_judge(self, person: Person, time: float) -> bool:
        if self.is_picture(person):
            return False
        return person.judged is None or in_doubt(person, time) or time - person.judged >= self.opinion.recheck

    def _newcomer(self, face: Face, time: float) -> Person:
        person = Person(self._next_id, face, since=time, seen=time, previous_seen=time, spot=Spot(face.box))
        self._next_id += 1
        return person


def bareness(verdict: Verdict) -> float:
    """One verdict as a number: 0 surely masked … 1 surely bare."""
    return verdict.score if verdict.label is Label.WITHOUT_MASK else 1.0 - verdict.score


def in_doubt(person: Person, time: float) -> bool:
    """Whether somebody judged before is to be judged at every frame: still new, undecided, or not as thought."""
    seconds, verdicts = OFTEN
    if person.track is None or time - person.first_judged < seconds or person.verdicts < verdicts:
        return True
    bare = person.track.bare
    undecided = SURE < bare < 1 - SURE
    return undecided or (bareness(person.track.verdict) >= 0.5) != (bare >= 0.5)


def _urgency(person: Person, time: float) -> tuple[float, float]:
    """Who has waited longest, those in doubt more than the others; a nearer one first among equals."""
    if person.judged is None:
        waited = URGENT * (time - person.since + OFTEN[0])
    else:
        waited = (time - person.judged) * (URGENT if in_doubt(person, time) else 1.0)
    return -waited, -person.face.box.area


def _seen_again(person: Person, face: Face, time: float, step: float) -> None:
    """step: seconds since the frame before."""
    elapsed = time - person.seen
    if 0 < elapsed < math.inf:
        moves = [(new - old) / elapsed for new, old in zip(middle(face.box), middle(person.face.box), strict=True)]
        across, down = (old + AGILITY * (new - old) for new, old in zip(moves, person.velocity, strict=True))
        person.velocity = (across, down)
    if person.hidden:
        person.hidden, person.returned, person.previous_seen, person.since = False, True, time, time
        person.uncovered = person.missed >= MISSES
    else:
        person.previous_seen = person.seen
    person.spot.seen(face.box, step)
    person.face, person.seen, person.missed = face, time, 0


def moved(box: Box, velocity: tuple[float, float], seconds: float) -> Box:
    """The box after so long at that velocity."""
    across, down = (speed * seconds for speed in velocity)
    return Box(box.left + across, box.top + down, box.right + across, box.bottom + down)
