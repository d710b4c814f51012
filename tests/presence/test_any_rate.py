"""Alerts come at any frame rate, also one that changes, stutters or drops out, and nobody masked causes one."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import pytest
from defaults import opinion, rules
from hall import BARE, MASKED, Hall, Judged, every, face
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.flow import Verdict

RATES = (0.2, 0.5, 0.95, 1.0, 1.05, 1.5, 2.0, 3.0, 5.0, 15.0, 30.0)  # frames a second
SECONDS = 60.0
Where = Callable[[float], Sequence[Judged]]


def steady(rate: float) -> list[float]:
    return every(1 / rate, 0, SECONDS)


def jittered(rate: float) -> list[float]:
    chance = random.Random(round(rate * 100))
    return [time + chance.uniform(-0.4, 0.4) / rate for time in steady(rate)]


def with_holes(rate: float) -> list[float]:
    """Eight seconds of every twenty without a frame."""
    return [time for time in steady(rate) if time % 20 < 12]


def slower(rate: float) -> list[float]:
    """From fifteen frames a second to that rate, and back."""
    third = SECONDS / 3
    return [*every(1 / 15, 0, third), *every(1 / rate, third, 2 * third), *every(1 / 15, 2 * third, SECONDS)]


PATTERNS = (steady, jittered, with_holes, slower)
every_pattern = pytest.mark.parametrize("pattern", PATTERNS)


def stands(verdict: Verdict) -> Where:
    return lambda time: [face(300 + 10 * math.sin(time), verdict=verdict)]


def walks(verdict: Verdict) -> Where:
    """To and fro, three faces a second."""
    return lambda time: [face(abs((240 * time) % 1000 - 500), verdict=verdict)]


def comes_nearer(verdict: Verdict) -> Where:
    return lambda time: [face(300, size=40 + 3 * (time % 40), verdict=verdict)]


everybody = pytest.mark.parametrize("who", [stands, walks, comes_nearer])


@everybody
@every_pattern
@pytest.mark.parametrize("rate", RATES)
def test_who_is_bare_is_alerted_of(
    who: Callable[[Verdict], Where], pattern: Callable[[float], list[float]], rate: float
) -> None:
    hall, times = Hall(), pattern(rate)
    hall.watch(times, who(BARE))
    widest = max(later - time for time, later in pairwise(times))
    assert hall.begun
    assert hall.begun[0] - times[0] <= 1.0 + 3 * widest + 0.001


@everybody
@every_pattern
@pytest.mark.parametrize("rate", RATES)
def test_who_is_masked_is_not(
    who: Callable[[Verdict], Where], pattern: Callable[[float], list[float]], rate: float
) -> None:
    assert Hall().watch(pattern(rate), who(MASKED)) == []


@every_pattern
@pytest.mark.parametrize("rate", RATES)
def test_who_stays_where_they_are_is_one_person_with_one_alarm_time(
    pattern: Callable[[float], list[float]], rate: float
) -> None:
    hall = Hall()
    hall.watch(pattern(rate), stands(BARE))
    assert len(hall.begun) == 1
    assert 30.0 <= hall.alarm <= 30.0 + 12.0  # a hole may be its end


@pytest.mark.parametrize("rate", RATES)
def test_when_everybody_left_the_alert_ends(rate: float) -> None:
    hall = Hall(rules=rules(longest=0.0))
    hall.watch(steady(rate), lambda time: [face()] if time < 30 else [])
    assert [on for on, _ in hall.switches] == [True, False]
    assert hall.switches[1][1] <= 30 + max(2.0, 3 / rate) + 0.001


@pytest.mark.parametrize("rate", RATES)
def test_a_face_missed_in_one_frame_of_seven_changes_nothing(rate: float) -> None:
    hall, frame = Hall(rules=rules(longest=0.0)), iter(range(10**6))
    hall.watch(steady(rate), lambda _: [face()] if next(frame) % 7 != 6 else [])
    assert [on for on, _ in hall.switches] == [True]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("company", [0, 12])
def test_who_settled_masked_and_takes_the_mask_off_is_alerted_of_in_bounded_time(rate: float, company: int) -> None:
    hall, off = Hall(opinion(recheck=5.0)), 21.0
    others = [face(100.0 * place, 500, verdict=MASKED) for place in range(company)]
    hall.watch(every(1 / rate, 0, 90), lambda time: [face(verdict=BARE if time >= off else MASKED), *others])
    turns = (1 + company) / 4  # frames until each was looked at
    assert off < hall.begun[0] <= off + 5.0 + 2.0 + (6 + turns) / rate


def test_one_wrong_verdict_a_minute_causes_no_alert_at_half_a_frame_a_second() -> None:
    hall = Hall()
    hall.watch(every(2, 0, 3600), lambda time: [face(verdict=BARE if time % 60 == 30 else MASKED)])
    assert hall.switches == []


def test_a_settled_person_is_not_believed_by_one_verdict_however_long_ago_the_last_was() -> None:
    hall = Hall()
    hall.watch(every(5, 0, 100), stands(MASKED))
    hall.look(stands(BARE)(100.0), 100.0)
    (track,) = hall.tracker.people(100.0)
    assert 0.3 < track.bare < 0.6


def test_after_a_gap_a_jittery_box_is_still_looked_for_where_it_was() -> None:
    """A velocity that is but noise must not carry the expected place away."""
    hall, chance = Hall(), random.Random(0)
    hall.watch(every(1 / 15, 0, 20), lambda _: [face(300 + chance.uniform(-3, 3))])
    hall.watch([25.0, 30.0], lambda _: [face()])
    assert {track.id for track in hall.tracker.people(30.0)} == {1}


def test_at_a_low_rate_somebody_else_elsewhere_does_not_inherit_a_spent_alarm() -> None:
    hall = Hall()
    hall.watch(every(2, 0, 60), lambda _: [face(100)])
    assert hall.switches == [(True, 2.0), (False, 32.0)]
    hall.watch(every(2, 60, 80), lambda _: [face(400)])
    assert hall.begun == [2.0, 62.0]


GAPS = st.lists(st.floats(1 / 60, 5.0), min_size=12, max_size=80)


@settings(max_examples=60)
@given(GAPS, st.sampled_from([stands, walks, comes_nearer]))
def test_whatever_the_times_of_the_frames_who_is_bare_for_long_is_alerted_of(
    gaps: list[float], who: Callable[[Verdict], Where]
) -> None:
    times = list(accumulate([*gaps, *[5.0] * 3]))
    assert Hall().watch(times, who(BARE))
    assert Hall().watch(times, who(MASKED)) == []


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(5, 30), st.floats(0.1, 9.0)), max_size=6), st.floats(0.5, 8))
def test_hiccups_shorter_than_the_gap_forget_nobody(hiccups: list[tuple[float, float]], rate: float) -> None:
    """The camera is away now and then: one person has one alarm time, no more and no less."""
    hall, now, up = Hall(), 0.0, 0.0
    for lasts, away in [*hiccups, (35.0, 0.0)]:
        times = every(1 / rate, now, now + lasts)
        hall.watch(times, lambda _: [face()])
        hall.pause(times[-1])
        up, now = up + lasts, times[-1] + min(away, 9.9)
    assert 29.99 <= hall.alarm <= 30.01 + (2 + len(hiccups)) / rate


def test_a_camera_that_is_away_for_longer_makes_everybody_new() -> None:
    hall = Hall(opinion(gap=5.0))
    hall.watch(every(0.1, 0, 2), lambda _: [face()])
    hall.pause(2.0)
    hall.watch(every(0.1, 8, 40), lambda _: [face()])
    assert hall.begun == [1.0, 9.0]
