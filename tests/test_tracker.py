"""Verdicts over time become one opinion per person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.flow import Box, Face, Label, Verdict
from maskwatch.tracker import Judged, Opinion, Tracker

BARE, MASKED = Verdict(Label.WITHOUT_MASK, 1.0), Verdict(Label.WITH_MASK, 1.0)


def at(x: float, verdict: Verdict) -> Judged:
    return Face(Box(x, 0, x + 100, 100), 0.9), verdict


def opinion_after(frames: int, seconds: float, time_constant: float) -> float:
    """Somebody bare at first puts a mask on and is watched for `seconds` in `frames` frames."""
    tracker = Tracker(Opinion(time_constant=time_constant, forget=100))
    tracker.update([at(0, BARE)], 0.0)
    for step in range(1, frames + 1):
        (track,) = tracker.update([at(0, MASKED)], seconds * step / frames)
    return track.bare


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 10), st.floats(0.1, 5))
def test_the_frame_rate_does_not_matter(few: int, many: int, seconds: float, constant: float) -> None:
    assert opinion_after(few, seconds, constant) == pytest.approx(opinion_after(many, seconds, constant), abs=1e-9)


def test_after_one_time_constant_the_opinion_has_moved_by_63_percent() -> None:
    assert opinion_after(7, 2.0, 2.0) == pytest.approx(0.368, abs=1e-3)


def test_a_person_keeps_the_id_while_walking() -> None:
    tracker = Tracker()
    seen = [tracker.update([at(30.0 * step, BARE)], 0.1 * step) for step in range(10)]
    assert {track.id for tracks in seen for track in tracks} == {1}
    assert seen[-1][0].since == 0.0


def test_a_person_unseen_is_kept_for_a_while_and_then_forgotten() -> None:
    tracker = Tracker(Opinion(forget=1.0))
    tracker.update([at(0, BARE)], 0.0)
    assert [track.id for track in tracker.update([], 1.0)] == [1]
    assert tracker.update([], 1.01) == ()
    assert tracker.update([at(0, MASKED)], 1.1)[0].id == 2


def test_two_people_keep_their_own_opinions_whatever_the_order_of_the_faces() -> None:
    tracker = Tracker()
    for step in range(20):
        faces = [at(0, BARE), at(60, MASKED)]
        tracks = tracker.update(faces if step % 2 else faces[::-1], 0.1 * step)
    by_place = {track.face.box.left: track.bare for track in tracks}
    assert by_place == {0: 1.0, 60: 0.0}


def test_one_face_is_never_given_to_two_people() -> None:
    tracker = Tracker(Opinion(forget=5))
    tracker.update([at(0, BARE), at(60, MASKED)], 0.0)
    tracks = tracker.update([at(30, BARE)], 0.1)
    assert [track.seen for track in tracks].count(0.1) == 1


def test_a_weak_verdict_counts_for_less() -> None:
    (track,) = Tracker().update([at(0, Verdict(Label.WITH_MASK, 0.7))], 0.0)
    assert track.bare == pytest.approx(0.3)
