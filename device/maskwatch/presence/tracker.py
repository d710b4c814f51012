"""Verdicts over time -> one opinion per person.

The faces of a frame are assigned to known people greedily: first by overlap with the box where each person should be
now, then by distance for people who moved farther than their box (see matching). Each person's opinion of being bare is
an exponentially weighted mean. Its weights depend on the time between frames, not on the number of frames.

The longer a person was not seen, the closer a face must be to the expected place. A face that may belong to somebody
else becomes a new person, with a new opinion and alarm time. A face that never moves is kept while it is hidden, and
becomes a picture on the wall (see stillness).

A person who is new or in doubt is judged at every frame, a settled one once per `recheck`. So a crowd costs little more
than one person, and a single wrong verdict about a settled person only puts that person in doubt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from maskwatch.flow import Box, Face, Label, Track, Verdict
from maskwatch.presence.matching import Wanted, match, middle
from maskwatch.presence.pace import FAR_APART, MISSES
from maskwatch.presence.stillness import STILL, Spot

SURE = 0.1  # an opinion closer than this to 0 or 1 is settled
OFTEN = 1.0, 3  # seconds and verdicts; until both are reached, a new person is judged at every frame
SPEAKS = 0.5  # seconds; the longest time that one verdict can stand for in the weighted mean
URGENT = 4.0  # factor on the waiting time of people who are new or in doubt: they are judged first
AGILITY = 0.5  # weight of the newest step in a person's velocity
FORESEEN = 1.0  # seconds that a velocity is used for prediction; people stop or turn after that
AWAY = 0.5  # seconds unseen, over several frames, after which another person may be in that place
LIKELY = 0.3  # overlap (IoU) from which on a face is the same one if frames are far apart
HIDDEN = 0.25  # subtracted from the overlap of a hidden picture, so that a visible person gets the face first
THINGS = 64  # hidden faces that are kept at most, pictures included


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
    """A person who is followed. `track` is the public part; it exists once there was a verdict."""

    id: int
    face: Face
    since: float  # seconds, first seen
    seen: float  # seconds, last seen
    previous_seen: float  # seconds, seen the time before `seen`
    spot: Spot
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second, across and down
    missed: int = 0  # processed frames since then without the face
    hidden: bool = False  # gone, but kept in case it comes back in the same place
    returned: bool = False  # was hidden and came back: identified by its place alone
    uncovered: bool = False  # was hidden while the camera worked, so something covered it
    judged: float | None = None  # seconds, last judged
    first_judged: float = 0.0  # seconds
    verdicts: int = 0
    track: Track | None = None

    def expected(self, time: float) -> Box:
        """Where the face should be at `time`, by its last velocity."""
        return moved(self.face.box, self.velocity, min(time - self.seen, FORESEEN))


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on the wall, as it is saved for the next start."""

    box: Box
    seen: float  # seconds, in total
    unseen: float = 0.0  # seconds of watching since it was last seen


@dataclass(slots=True)
class Tracker:
    """Keeps the people in view. For each frame in the order of time: call see(), then judge() for each person it
    returns."""

    opinion: Opinion
    _people: list[Person] = field(default_factory=list)
    _newest: float = -math.inf  # seconds, of the newest frame
    _next_id: int = 1

    def see(self, faces: Sequence[Face], time: float) -> list[Person]:
        """Process one frame's faces; return the people to judge in this frame, most urgent first.

        Args:
            faces: found in the frame.
            time: of the frame, seconds.
        """
        step = max(0.0, min(time - self._newest, self.opinion.gap))
        self._newest = time
        self._forget(time)
        pairs = match([self._wanted(person, time) for person in self._people], faces)
        for index, person in enumerate(self._people):
            if index in pairs:
                _seen_again(person, faces[pairs[index]], time, step)
            else:
                person.missed += 1
                person.spot.unseen += step
        taken = set(pairs.values())
        newcomers = [self._newcomer(face, time) for index, face in enumerate(faces) if index not in taken]
        self._doubt_things(newcomers)
        self._people += newcomers
        waiting = [person for person in self._people if person.seen == time and self._should_judge(person, time)]
        return sorted(waiting, key=lambda person: _urgency(person, time))[: self.opinion.crowd]

    def judge(self, person: Person, verdict: Verdict, time: float) -> None:
        """Add the verdict on one of the people that see() returned for this frame."""
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
        """Everybody who was judged and is not forgotten, oldest first; without pictures on a wall."""
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
        """How many people are known to be there who have no verdict yet; without pictures on a wall."""
        return sum(person.track is None and self._is_there(person, time) for person in self._people)

    @property
    def empty(self) -> bool:
        """Whether nobody is known to be there; pictures on a wall do not count."""
        return not any(self._is_there(person, self._newest) for person in self._people)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The known pictures on the wall, the longest seen first."""
        spots = sorted((each.spot for each in self._people if self.is_picture(each)), key=lambda spot: -spot.stationary)
        return tuple(Picture(spot.anchor, spot.stationary, spot.unseen) for spot in spots[:THINGS])

    def hang(self, pictures: Iterable[Picture]) -> None:
        """Add saved pictures. They count as hidden until their faces are seen."""
        for picture in pictures:
            person = self._newcomer(Face(picture.box, 0.0), -math.inf)
            person.hidden = True
            person.spot = Spot(picture.box, picture.seen, unseen=picture.unseen)
            self._people.append(person)

    def is_picture(self, person: Person) -> bool:
        """Whether a face was seen in one place for so long that it is a picture."""
        return person.spot.is_picture(self.opinion.motionless)

    def _is_there(self, person: Person, time: float) -> bool:
        """Whether a person is known to be there and is not a picture."""
        return not person.hidden and self._is_known(person, time) and not self.is_picture(person)

    def _is_known(self, person: Person, time: float) -> bool:
        """Whether a person was seen recently: by time, or by the number of frames if frames are far apart."""
        away = time - person.seen
        return away <= self.opinion.gap and (away <= self.opinion.forget or person.missed < MISSES)

    def _forget(self, time: float) -> None:
        """Remove people who left. Faces that may only be hidden are kept; the longest known first, if there are too
        many."""
        for person in self._people:
            person.hidden = person.hidden or not self._is_known(person, time)
        waits = (each for each in self._people if each.hidden and each.spot.awaited(self.opinion.motionless))
        kept = {each.id for each in sorted(waits, key=lambda each: -each.spot.stationary)[:THINGS]}
        self._people = [each for each in self._people if not each.hidden or each.id in kept]

    def _wanted(self, person: Person, time: float) -> Wanted:
        """What a face must fulfil to be this person's."""
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
        """If a new face appears beside a still one just as that vanishes, the still one may have moved: it is alive
        then."""
        for thing in self._people:
            if newcomers and thing.missed == 1 and self._is_thing(thing):
                box = thing.spot.anchor
                if any(box.iou(one.face.box) >= LIKELY for one in newcomers):
                    thing.spot.left()
                    thing.hidden = True

    def _is_thing(self, person: Person) -> bool:
        """Whether it is identified by its place alone."""
        return person.hidden or person.returned or self.is_picture(person)

    def _weight(self, seconds: float) -> float:
        """Weight (0–1) of a verdict that comes `seconds` after the previous one. It is limited, so that a single
        verdict does not decide alone when frames are far apart."""
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
    """One verdict as a number from 0 (surely masked) to 1 (surely bare)."""
    return verdict.score if verdict.label is Label.WITHOUT_MASK else 1.0 - verdict.score


def in_doubt(person: Person, time: float) -> bool:
    """Whether a person must be judged at every frame: still new, undecided, or the newest verdict contradicts the
    opinion."""
    seconds, verdicts = OFTEN
    if person.track is None or time - person.first_judged < seconds or person.verdicts < verdicts:
        return True
    bare = person.track.bare
    undecided = SURE < bare < 1 - SURE
    return undecided or (bareness(person.track.verdict) >= 0.5) != (bare >= 0.5)


def _urgency(person: Person, time: float) -> tuple[float, float]:
    """Sort key: the longest waiting first, with more weight for people in doubt; among equals, the larger face
    first."""
    if person.judged is None:
        waited = URGENT * (time - person.since + OFTEN[0])
    else:
        waited = (time - person.judged) * (URGENT if in_doubt(person, time) else 1.0)
    return -waited, -person.face.box.area


def _seen_again(person: Person, face: Face, time: float, step: float) -> None:
    """Update a person whose face was found; step: seconds since the previous frame."""
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
    """The box after `seconds` at a velocity in pixels a second, across and down."""
    across, down = (speed * seconds for speed in velocity)
    return Box(box.left + across, box.top + down, box.right + across, box.bottom + down)
