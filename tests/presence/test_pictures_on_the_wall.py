"""A picture is known by the time it was seen in its place, for hours; whoever comes in its place is judged."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hall import MASKED, Hall, Judged, every, face
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.flow import Box
from maskwatch.presence.stillness import STILL, Spot
from maskwatch.presence.tracker import THINGS, Picture

HOUR = 3600.0
Hides = Callable[[float], bool]


def poster(time: float, noise: float = 1.0) -> Judged:
    """As the finder sees one that is 80 pixels large: it wavers by a pixel or so."""
    chance = random.Random(time)
    x, y, size = (chance.gauss(0, noise) for _ in range(3))
    return face(300 + x, 200 + y, 80 + size)


def passing(every_seconds: float, hides: float) -> Hides:
    return lambda time: time % every_seconds < hides


HIDERS = {
    "never": lambda _: False,
    "for a moment every five minutes": passing(300, 1.5),
    "for two seconds every six": passing(6, 2),
    "for ten seconds every half minute": passing(30, 10),
    "for half an hour after a quarter": lambda time: 900 < time < 2700,
    "by one who stands there for minutes": passing(1200, 400),
}


@pytest.mark.parametrize("hides", HIDERS.values(), ids=HIDERS)
@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_a_poster_alerts_once_whatever_passes_before_it(hides: Hides, rate: float) -> None:
    hall = Hall()
    hall.watch(every(1 / rate, 10, 3 * HOUR if rate < 1 else HOUR), lambda time: [] if hides(time) else [poster(time)])
    assert len(hall.begun) == 1
    assert hall.tracker.people(3 * HOUR) == ()
    assert len(hall.tracker.pictures) == 1


def test_a_poster_that_each_passer_by_hides_is_learnt_at_ten_frames_a_second_too() -> None:
    def there(time: float) -> list[Judged]:
        walker = face(40 * (time % 20) - 60, 215, 90, MASKED)
        hidden = walker[0].box.iou(poster(0)[0].box) > 0.3
        return [walker] if hidden else [walker, poster(time)]

    hall = Hall()
    hall.watch(every(0.1, 0, 700), there)
    assert len(hall.begun) == 1
    assert len(hall.tracker.pictures) == 1


def test_a_poster_is_known_after_a_night_without_a_find_and_after_one_without_a_camera() -> None:
    hall = Hall()
    hall.watch(every(1.0, 0, HOUR), lambda time: [poster(time)])
    hall.watch(every(5.0, HOUR, 10 * HOUR), lambda _: [])
    hall.pause(10 * HOUR)
    hall.watch(every(1.0, 20 * HOUR, 21 * HOUR), lambda time: [poster(time)])
    assert len(hall.begun) == 1


def test_a_poster_is_known_after_a_restart_by_what_was_kept() -> None:
    before, after = Hall(), Hall()
    before.watch(every(1.0, 0, HOUR), lambda time: [poster(time)])
    after.tracker.hang(before.tracker.pictures)
    assert after.watch(every(1.0, 0, HOUR), lambda time: [poster(time)]) == []
    assert after.tracker.empty
    assert after.tracker.pictures[0].seen > 2 * HOUR - 60


def test_without_what_was_kept_it_alerts_once_more() -> None:
    hall = Hall()
    hall.watch(every(1.0, 0, HOUR), lambda time: [poster(time)])
    assert len(hall.begun) == 1


def test_after_a_bump_each_picture_alerts_once_more_and_no_more() -> None:
    hall, places = Hall(), [(100, 60), (300, 200), (500, 90)]
    hall.watch(every(1.0, 0, HOUR), lambda _: [face(x, y) for x, y in places])
    hall.watch(every(1.0, HOUR, 2 * HOUR), lambda _: [face(x + 35, y + 20) for x, y in places])
    assert [round(begun / HOUR) for begun in hall.begun] == [0, 1]
    assert len(hall.tracker.pictures) == 6


# -- newcomers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("sway", [0.0, 0.1, 0.2])
def test_a_bare_newcomer_where_somebody_sat_still_is_judged(rate: float, sway: float) -> None:
    hall = Hall()
    hall.watch(every(1 / rate, 0, 660), lambda _: [face(verdict=MASKED)])
    hall.watch(every(1 / rate, 660, 700), lambda _: [])
    hall.watch(every(1 / rate, 700, 760), lambda time: [face(303 + 84 * sway * math.sin(time), 203, 84)])
    assert hall.begun
    assert hall.begun[0] < 701 + 3 / rate


@pytest.mark.parametrize("rate", [0.5, 2.0, 10.0])
def test_a_bare_person_who_comes_and_stands_before_a_picture_is_judged(rate: float) -> None:
    hall = Hall()
    hall.watch(every(1 / rate, 0, HOUR / 2), lambda time: [poster(time)])
    begun = len(hall.begun)

    def comes(time: float) -> list[Judged]:
        here = max(0.0, 400 - 100 * (time - HOUR / 2)) + 6 * math.sin(time)
        return [face(300 + here, 206, 86)] if here < 60 else [poster(time), face(300 + here, 206, 86)]

    hall.watch(every(1 / rate, HOUR / 2, HOUR / 2 + 30), comes)
    assert len(hall.begun) == begun + 1


def test_who_sits_exactly_where_a_picture_hangs_counts_as_soon_as_they_move() -> None:
    hall = Hall()
    hall.watch(every(0.5, 0, HOUR / 2), lambda _: [face(verdict=MASKED)])
    hall.watch(every(0.5, HOUR / 2, HOUR / 2 + 60), lambda time: [face(300 + 12 * (time > HOUR / 2 + 30))])
    assert hall.begun
    assert hall.begun[0] <= HOUR / 2 + 33


def test_people_who_sit_in_one_seat_all_day_never_become_a_picture() -> None:
    """Each for twenty minutes, and none as still as a picture: a head moves by a fifth of a face within a minute."""
    hall = Hall()

    def sits(time: float) -> list[Judged]:
        head = random.Random(time // 8)
        x, y = head.gauss(0, 12), head.gauss(0, 6)
        return [] if time % 1200 < 30 else [face(300 + x, 200 + y, 80 + 3 * (time // 1200 % 3))]

    hall.watch(every(1.0, 0, 3 * HOUR), sits)
    assert hall.tracker.pictures == ()
    assert len(hall.begun) >= 9  # nobody's seat is muted for the next one


def test_a_spent_alarm_in_a_place_is_not_inherited_by_somebody_who_moves_there() -> None:
    hall = Hall()
    hall.watch(every(0.2, 0, 60), lambda _: [face()])  # stands like a picture, and is gone from one frame to the next
    hall.watch(every(0.2, 60, 80), lambda _: [])
    hall.watch(every(0.2, 80, 120), lambda time: [face(300 + 15 * math.sin(time))])
    assert len(hall.begun) == 2
    assert 80 < hall.begun[1] < 84


# -- bounds ---------------------------------------------------------------------------------------------------------


def test_no_more_things_are_waited_for_than_there_is_room_the_longest_known_stay() -> None:
    hall = Hall()
    hall.tracker.hang([Picture(Box(x, 0, x + 20, 20), 1000.0 + x) for x in range(0, 4 * THINGS, 1)])
    hall.look([], 0.0)
    assert len(hall.tracker._people) == THINGS
    assert hall.tracker.pictures[0].seen == 1000.0 + 4 * THINGS - 1


def test_a_crowd_that_vanishes_at_every_frame_leaves_no_crowd_behind() -> None:
    hall, chance = Hall(), random.Random(0)
    for step in range(200):
        hall.look([face(chance.uniform(0, 1200), chance.uniform(0, 700), 30) for _ in range(40)], step / 2)
    assert len(hall.tracker._people) < 40 * 5 + THINGS


def test_a_picture_that_was_taken_down_is_forgotten_after_a_month() -> None:
    hall = Hall()
    hall.tracker.hang([Picture(Box(0, 0, 50, 50), 1000.0, 29.9 * 86400)])
    hall.watch(every(10, 0, 3 * HOUR), lambda _: [])
    assert hall.tracker.pictures == ()


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400), st.floats(16, 200)), max_size=5), st.floats(600, 1e6))
def test_what_is_kept_comes_back_as_it_was(places: list[tuple[float, float, float]], seen: float) -> None:
    pictures = [Picture(Box(x, y, x + size, y + size), seen - step) for step, (x, y, size) in enumerate(places)]
    hall = Hall(opinion=replace(Hall().opinion, motionless=60.0))
    hall.tracker.hang(pictures)
    assert sorted(hall.tracker.pictures, key=lambda each: -each.seen) == pictures


@given(st.lists(st.tuples(st.floats(-60, 60), st.floats(0.01, 5)), max_size=80))
def test_a_place_is_a_mean_and_its_time_never_more_than_what_passed(steps: Sequence[tuple[float, float]]) -> None:
    spot, passed = Spot(Box(0, 0, 80, 80)), 0.0
    for shift, seconds in steps:
        spot.seen(Box(shift, 0, shift + 80, 80), seconds)
        passed += seconds
        assert 0 <= spot.stationary <= passed + 1e-6
        assert -60 <= spot.anchor.left <= 60
    assert 0 < STILL < 1
