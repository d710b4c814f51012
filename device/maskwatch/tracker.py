"""Verdicts over time -> one opinion per person.

Faces of a frame are given to known people greedily: first by overlap with where each person should be by now, then, for
those who outran their own box, by distance. Each person's opinion of being bare is an exponentially weighted mean whose
weight follows the time between frames, not their number.

Who is new or in doubt is judged at every frame, who is settled once in a while: a crowd then costs little more than one
person, and one odd verdict about somebody settled only puts that person in doubt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from maskwatch.flow import Box, Face, Label, Track, Verdict

SURE = 0.1  # an opinion within this of 0 or 1 is settled
OFTEN = 1.0  # seconds a new person is judged at every frame
SAME_PLACE = 0.6  # overlap (IoU) with the place a face was first seen at, from which on it has not moved
REACH = 1.0  # of the face's longer side: who outran the overlap is looked for within this
GROWTH = 1.6  # a face so many times as large or as small as before is another one
AGILITY = 0.5  # weight of the newest step in a person's velocity


@dataclass(frozen=True, slots=True)
class Opinion:
    """How fast people are believed, how often judged and how fast forgotten. See config.OpinionSettings."""

    time_constant: float = 0.7  # seconds
    forget: float = 1.0  # seconds
    min_iou: float = 0.2  # 0–1
    recheck: float = 1.0  # seconds
    crowd: int = 4  # faces a frame
    motionless: float = 600.0  # seconds; 0: never


@dataclass(slots=True)
class Person:
    """Somebody followed; `track` is what others see of it, once there was a verdict."""

    id: int
    face: Face
    since: float  # seconds, first seen
    seen: float  # seconds, last seen
    before: float  # seconds, seen the time before
    place: Box  # where the face has been since `still`
    still: float  # seconds
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second, across and down
    judged: float | None = None  # seconds, last judged
    first_judged: float = 0.0  # seconds
    track: Track | None = None

    def expected(self, time: float) -> Box:
        """Where the face should be by now."""
        return moved(self.face.box, self.velocity, time - self.seen)


@dataclass(slots=True)
class Place:
    """Where a face that does not move hangs. Remembered when somebody walks past it."""

    box: Box
    since: float  # seconds
    seen: float  # seconds


@dataclass(slots=True)
class Tracker:
    """Keeps the people in view. For each frame, in the order of time: see(), then judge() for those it names."""

    opinion: Opinion = field(default_factory=Opinion)
    _people: list[Person] = field(default_factory=list)
    _places: list[Place] = field(default_factory=list)
    _next_id: int = 1

    def see(self, faces: Sequence[Face], time: float) -> list[Person]:
        """Take one frame's faces; return who should be judged by this frame, most urgent first.

        Args:
            faces: found in the frame.
            time: of the frame, seconds.
        """
        self._people = [person for person in self._people if time - person.seen <= self.opinion.forget]
        pairs = match([person.expected(time) for person in self._people], faces, self.opinion.min_iou)
        for place, person in enumerate(self._people):
            if place in pairs:
                _seen_again(person, faces[pairs[place]], time)
        taken = set(pairs.values())
        self._people += [self._newcomer(face, time) for place, face in enumerate(faces) if place not in taken]
        self._remember_places(time)
        waiting = [person for person in self._people if person.seen == time and self._should_judge(person, time)]
        return sorted(waiting, key=_urgency)[: self.opinion.crowd]

    def judge(self, person: Person, verdict: Verdict, time: float) -> None:
        """Take the verdict on one of those that see() named."""
        bare = bareness(verdict)
        if person.track is None or person.judged is None:
            person.first_judged = time
        else:
            # What was skipped on purpose must not weigh: one verdict on somebody settled speaks for one frame.
            last = person.judged if in_doubt(person, time) else person.before
            weight = -math.expm1(-max(0.0, time - last) / self.opinion.time_constant)
            bare = person.track.bare + weight * (bare - person.track.bare)
        person.judged = time
        person.track = Track(person.id, person.face, verdict, bare, person.since, person.seen)

    def people(self, time: float) -> tuple[Track, ...]:
        """Everybody judged and seen within the last `forget` seconds, oldest first; pictures on a wall left out."""
        return tuple(
            replace(person.track, face=person.face, seen=person.seen)
            for person in self._people
            if person.track is not None and not self.is_picture(person, time)
        )

    def unjudged(self, time: float) -> int:
        """How many are known to be there whom no verdict was given on yet; pictures on a wall left out."""
        return sum(person.track is None and not self.is_picture(person, time) for person in self._people)

    def clear(self) -> None:
        """Nobody is known any more; pictures on the wall are."""
        self._people = []

    @property
    def empty(self) -> bool:
        """Whether nobody is known to be there; pictures on a wall are nobody."""
        return all(self.is_picture(person, person.seen) for person in self._people)

    def is_picture(self, person: Person, time: float) -> bool:
        """Whether a face has stayed where it is for so long that it hangs on the wall."""
        return 0 < self.opinion.motionless <= time - person.still

    def _should_judge(self, person: Person, time: float) -> bool:
        if self.is_picture(person, time):
            return False
        return person.judged is None or in_doubt(person, time) or time - person.judged >= self.opinion.recheck

    def _newcomer(self, face: Face, time: float) -> Person:
        hung = next((place for place in self._places if place.box.iou(face.box) >= SAME_PLACE), None)
        place, still = (hung.box, hung.since) if hung else (face.box, time)
        person = Person(self._next_id, face, since=time, seen=time, before=time, place=place, still=still)
        self._next_id += 1
        return person

    def _remember_places(self, time: float) -> None:
        """Pictures on the wall stay known while something hides them."""
        if not self.opinion.motionless:
            return
        self._places = [place for place in self._places if time - place.seen <= self.opinion.motionless]
        for person in self._people:
            if person.seen == time and self.is_picture(person, time):
                known = next((place for place in self._places if place.box == person.place), None)
                if known:
                    known.seen = time
                else:
                    self._places.append(Place(person.place, person.still, time))


def bareness(verdict: Verdict) -> float:
    """One verdict as a number: 0 surely masked … 1 surely bare."""
    return verdict.score if verdict.label is Label.WITHOUT_MASK else 1.0 - verdict.score


def in_doubt(person: Person, time: float) -> bool:
    """Whether somebody judged before is to be judged at every frame: still new, undecided, or not as thought."""
    if person.track is None or time - person.first_judged < OFTEN:
        return True
    bare = person.track.bare
    undecided = SURE < bare < 1 - SURE
    return undecided or (bareness(person.track.verdict) >= 0.5) != (bare >= 0.5)


def _urgency(person: Person) -> tuple[float, float]:
    """Never judged first, then who has waited longest; a nearer one first among equals."""
    return (-math.inf if person.judged is None else person.judged, -person.face.box.area)


def _seen_again(person: Person, face: Face, time: float) -> None:
    elapsed = time - person.seen
    if elapsed > 0:
        step = [(new - old) / elapsed for new, old in zip(middle(face.box), middle(person.face.box), strict=True)]
        across, down = (old + AGILITY * (new - old) for new, old in zip(step, person.velocity, strict=True))
        person.velocity = (across, down)
    if person.place.iou(face.box) < SAME_PLACE:
        person.place, person.still = face.box, time
    person.face, person.before, person.seen = face, person.seen, time


def match(expected: Sequence[Box], faces: Sequence[Face], min_iou: float) -> dict[int, int]:
    """One-to-one association {place in expected: place in faces}: largest overlap first, then the nearest."""
    pairs: dict[int, int] = {}
    _take(pairs, expected, faces, lambda one, other: -iou if (iou := one.iou(other)) >= min_iou else None)
    _take(pairs, expected, faces, _distance)
    return pairs


def _take(
    pairs: dict[int, int], expected: Sequence[Box], faces: Sequence[Face], cost: Callable[[Box, Box], float | None]
) -> None:
    """Add the cheapest of the pairs that are still free, and so on; None: they cannot be one."""
    people = [place for place in range(len(expected)) if place not in pairs]
    found = [place for place in range(len(faces)) if place not in pairs.values()]
    rows: Iterable[tuple[float | None, int, int]] = (
        (cost(expected[person], faces[face].box), person, face) for person in people for face in found
    )
    for _, person, face in sorted((row[0], row[1], row[2]) for row in rows if row[0] is not None):
        if person not in pairs and face not in pairs.values():
            pairs[person] = face


def _distance(one: Box, other: Box) -> float | None:
    """Between the middles, in sides of the larger box; None when too far, or of another size."""
    sides = sorted(max(box.width, box.height, 1e-6) for box in (one, other))
    far = math.dist(middle(one), middle(other)) / sides[1]
    return far if far <= REACH and sides[1] / sides[0] <= GROWTH else None


def middle(box: Box) -> tuple[float, float]:
    """Across, down."""
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def moved(box: Box, velocity: tuple[float, float], seconds: float) -> Box:
    """The box after so long at that velocity."""
    across, down = (speed * seconds for speed in velocity)
    return Box(box.left + across, box.top + down, box.right + across, box.bottom + down)
