"""Verdicts over time become one opinion per person."""

import math
from collections.abc import Mapping, Sequence

import pytest
from defaults import opinion
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.flow import Box, Face, Label, Track, Verdict
from maskwatch.presence.tracker import OFTEN, SPEAKS, Tracker

BARE, MASKED = Verdict(Label.WITHOUT_MASK, 1.0), Verdict(Label.WITH_MASK, 1.0)
Judged = tuple[Face, Verdict]


def at(x: float, verdict: Verdict, size: float = 100, y: float = 0) -> Judged:
    return Face(Box(x, y, x + size, y + size), 0.9), verdict


def update(tracker: Tracker, judged: Sequence[Judged], time: float) -> tuple[Track, ...]:
    """One frame: whoever the tracker asks about is judged."""
    verdicts: Mapping[int, Verdict] = {id(face): verdict for face, verdict in judged}
    for person in tracker.see([face for face, _ in judged], time):
        tracker.judge(person, verdicts[id(person.face)], time)
    return tracker.people(time)


def asked(tracker: Tracker, judged: Sequence[Judged], time: float) -> int:
    """How many were judged in this frame."""
    before = {person.id: person.judged for person in tracker._people}
    update(tracker, judged, time)
    return sum(person.judged != before.get(person.id) for person in tracker._people)


# -- the opinion ----------------------------------------------------------------------------------------------------


def opinion_after(frames: int, seconds: float, time_constant: float) -> float:
    """Somebody bare at first puts a mask on and is watched for `seconds` in so many frames, or more if need be."""
    frames = max(frames, math.ceil(seconds / SPEAKS))
    tracker = Tracker(opinion(time_constant=time_constant, forget=100, recheck=0))
    update(tracker, [at(0, BARE)], 0.0)
    for step in range(1, frames + 1):
        (track,) = update(tracker, [at(0, MASKED)], seconds * step / frames)
    return track.bare


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 10), st.floats(0.1, 5))
def test_the_frame_rate_does_not_matter(few: int, many: int, seconds: float, constant: float) -> None:
    assert opinion_after(few, seconds, constant) == pytest.approx(opinion_after(many, seconds, constant), abs=1e-9)


def test_after_one_time_constant_the_opinion_has_moved_by_63_percent() -> None:
    assert opinion_after(7, 2.0, 2.0) == pytest.approx(0.368, abs=1e-3)


def test_a_weak_verdict_counts_for_less() -> None:
    (track,) = update(Tracker(opinion()), [at(0, Verdict(Label.WITH_MASK, 0.7))], 0.0)
    assert track.bare == pytest.approx(0.3)


def test_one_odd_verdict_about_somebody_settled_does_not_turn_the_opinion_but_raises_a_doubt() -> None:
    tracker = Tracker(opinion(recheck=1.0))
    for step in range(100):
        update(tracker, [at(0, MASKED)], 0.1 * step)
    asked_at = next(step for step in range(100, 120) if asked(tracker, [at(0, BARE)], 0.1 * step))
    (track,) = tracker.people(0.1 * asked_at)
    assert 0.1 < track.bare < 0.2  # the share of one frame of 0.1 s, though the last judgement is a second old
    assert asked(tracker, [at(0, MASKED)], 0.1 * (asked_at + 1)) == 1


# -- who is judged --------------------------------------------------------------------------------------------------


def test_a_new_person_is_judged_at_every_frame_a_settled_one_once_in_a_while() -> None:
    tracker = Tracker(opinion(recheck=1.0))
    counts = [asked(tracker, [at(0, MASKED)], 0.1 * step) for step in range(100)]
    new = round(OFTEN[0] / 0.1)
    assert counts[:new] == [1] * new
    assert sum(counts[new + 1 :]) == pytest.approx((100 - new) / 10, abs=1.1)


def test_somebody_in_doubt_is_judged_at_every_frame() -> None:
    tracker = Tracker(opinion())
    unsure = Verdict(Label.WITH_MASK, 0.7)
    assert [asked(tracker, [at(0, unsure)], 0.1 * step) for step in range(50)] == [1] * 50


def test_a_crowd_is_judged_in_turns_nobody_is_passed_over() -> None:
    tracker = Tracker(opinion(crowd=3))
    crowd = [at(150.0 * place, BARE) for place in range(10)]
    counts = [asked(tracker, crowd, 0.1 * step) for step in range(8)]
    assert counts == [3] * 8
    assert len(tracker.people(0.7)) == 10


def test_nobody_is_reported_before_the_first_verdict() -> None:
    tracker = Tracker(opinion(crowd=1))
    assert len(update(tracker, [at(0, BARE), at(300, BARE)], 0.0)) == 1
    assert not tracker.empty


def test_who_waited_for_a_turn_is_believed_for_the_whole_wait() -> None:
    alone, crowded = Tracker(opinion()), Tracker(opinion(crowd=1))
    for step in range(40):
        verdict = BARE if step == 0 else MASKED
        update(alone, [at(0, verdict)], 0.1 * step)
        crowd = [at(0, BARE if step < 2 else MASKED), at(300, BARE if step < 2 else MASKED)]
        update(crowded, crowd, 0.1 * step)
    last = max(person.track.bare for person in crowded._people if person.track)
    assert last == pytest.approx(alone.people(3.9)[0].bare, abs=0.1)


# -- who is who -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [300.0, 700.0])  # pixels a second; at 10 frames a second, 0.3 and 0.7 of a face
def test_a_person_keeps_the_id_while_walking(speed: float) -> None:
    tracker = Tracker(opinion())
    seen = [update(tracker, [at(speed * 0.1 * step, BARE)], 0.1 * step) for step in range(10)]
    assert {track.id for tracks in seen for track in tracks} == {1}
    assert seen[-1][0].since == 0.0


def test_a_person_who_comes_nearer_keeps_the_id() -> None:
    tracker = Tracker(opinion())
    for step in range(20):
        update(tracker, [at(100 - 5 * step, BARE, 40 + 10 * step)], 0.1 * step)
    assert [track.id for track in tracker.people(1.9)] == [1]


def test_another_size_in_the_same_direction_is_another_person() -> None:
    tracker = Tracker(opinion())
    update(tracker, [at(0, BARE, 40)], 0.0)
    update(tracker, [at(60, MASKED, 100)], 0.1)
    assert [track.id for track in tracker.people(0.1)] == [1, 2]


def test_two_who_cross_keep_their_opinions_though_one_hides_the_other() -> None:
    tracker = Tracker(opinion())
    for step in range(21):
        left, right = at(40.0 * step, BARE), at(800 - 40.0 * step, MASKED, y=20)
        hidden = 8 <= step <= 12  # the masked one passes behind
        tracks = update(tracker, [left] if hidden else [left, right], 0.1 * step)
    assert [(track.id, round(track.bare)) for track in tracks] == [(1, 1), (2, 0)]


def test_a_person_unseen_is_kept_for_a_while_and_then_forgotten() -> None:
    tracker = Tracker(opinion(forget=1.0))
    update(tracker, [at(0, BARE)], 0.0)
    assert [track.id for step in range(1, 11) for track in update(tracker, [], step / 10)] == [1] * 10
    assert update(tracker, [], 1.01) == ()
    assert tracker.empty
    assert update(tracker, [at(0, MASKED)], 1.1)[0].id == 2


def test_two_people_keep_their_own_opinions_whatever_the_order_of_the_faces() -> None:
    tracker = Tracker(opinion(recheck=0))
    for step in range(20):
        faces = [at(0, BARE), at(60, MASKED)]
        tracks = update(tracker, faces if step % 2 else faces[::-1], 0.1 * step)
    by_place = {track.face.box.left: track.bare for track in tracks}
    assert by_place == {0: 1.0, 60: 0.0}


def test_one_face_is_never_given_to_two_people() -> None:
    tracker = Tracker(opinion(forget=5))
    update(tracker, [at(0, BARE), at(60, MASKED)], 0.0)
    tracks = update(tracker, [at(30, BARE)], 0.1)
    assert [track.seen for track in tracks].count(0.1) == 1


PLACES = st.lists(st.tuples(st.floats(0, 600), st.floats(20, 200), st.booleans()), max_size=5)


@given(st.lists(PLACES, min_size=1, max_size=12))
def test_whatever_comes_ids_are_one_a_person_and_opinions_are_shares(
    frames: list[list[tuple[float, float, bool]]],
) -> None:
    tracker = Tracker(opinion())
    for step, places in enumerate(frames):
        judged = [at(x, BARE if bare else MASKED, size) for x, size, bare in places]
        tracks = update(tracker, judged, 0.3 * step)
        assert len({track.id for track in tracks}) == len(tracks)
        assert all(0 <= track.bare <= 1 for track in tracks)
        assert sum(person.seen == 0.3 * step for person in tracker._people) == len(places)


# -- pictures on a wall ---------------------------------------------------------------------------------------------


def poster_seen(tracker: Tracker, start: float, end: float, jitter: float = 3.0) -> tuple[Track, ...]:
    tracks: tuple[Track, ...] = ()
    for step in range(round(start * 2), round(end * 2)):
        tracks = update(tracker, [at(50 + jitter * (step % 2), BARE)], step / 2)
    return tracks


def test_a_face_that_never_moves_stops_counting() -> None:
    tracker = Tracker(opinion(motionless=30))
    assert len(poster_seen(tracker, 0, 29)) == 1
    assert poster_seen(tracker, 29, 60) == ()
    assert asked(tracker, [at(50, BARE)], 60.0) == 0


def test_where_only_a_picture_hangs_nobody_is_there() -> None:
    tracker = Tracker(opinion(motionless=30))
    poster_seen(tracker, 0, 29)
    assert not tracker.empty
    poster_seen(tracker, 29, 40)
    assert tracker.empty
    update(tracker, [at(50, BARE), at(300, MASKED)], 40.0)
    assert not tracker.empty


def test_a_picture_stays_known_while_somebody_walks_past_it() -> None:
    tracker = Tracker(opinion(motionless=30))
    poster_seen(tracker, 0, 40)
    for step in range(10):
        update(tracker, [at(300, MASKED)], 40 + 0.5 * step)  # the poster is hidden for longer than `forget`
    assert [round(track.bare) for track in update(tracker, [at(50, BARE), at(300, MASKED)], 45.0)] == [0]


def test_a_face_that_moves_again_counts_again() -> None:
    tracker = Tracker(opinion(motionless=30))
    poster_seen(tracker, 0, 40)
    for step in range(6):
        tracks = update(tracker, [at(50 + 20 * step, BARE)], 40 + 0.2 * step)
    assert len(tracks) == 1


def test_without_a_limit_a_face_that_never_moves_counts_for_ever() -> None:
    assert len(poster_seen(Tracker(opinion(motionless=0)), 0, 2000)) == 1
