"""The alert begins and ends as the settings say, whatever the opinions do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.flow import Alert, Box, Face, Label, Track, Verdict
from maskwatch.policy import Policy, Thresholds

RULES = Thresholds(high=0.6, low=0.4, hold=1.0, clear=2.0)


def people(*opinions: float) -> list[Track]:
    face, verdict = Face(Box(0, 0, 9, 9), 1.0), Verdict(Label.WITHOUT_MASK, 1.0)
    return [Track(place, face, verdict, bare, 0.0, 0.0) for place, bare in enumerate(opinions)]


def play(frames: list[tuple[float, list[float]]], policy: Policy | None = None) -> list[Alert]:
    policy = policy or Policy(RULES)
    return [alert for time, opinions in frames if (alert := policy.update(people(*opinions), time))]


def seconds(opinions: list[float], start: float, end: float) -> list[tuple[float, list[float]]]:
    """The same opinions ten times a second, from start to end."""
    return [(step / 10, opinions) for step in range(round(start * 10), round(end * 10))]


def test_the_alert_begins_after_hold_and_ends_after_clear() -> None:
    alerts = play([*seconds([0.9], 0, 5), *seconds([0.1], 5, 10)])
    assert [(alert.on, alert.time) for alert in alerts] == [(True, 1.0), (False, 7.0)]


def test_the_alert_carries_the_people_worst_first() -> None:
    (alert,) = play(seconds([0.2, 0.9], 0, 2))
    assert (alert.faces, alert.scores) == (2, (0.9, 0.2))


@pytest.mark.parametrize(
    ("story", "switches"),
    [
        (seconds([0.9], 0, 0.9) + seconds([0.1], 0.9, 9), 0),  # bare, but not for long enough
        (seconds([0.59], 0, 9), 0),  # never quite bare
        (seconds([0.9], 0, 2) + seconds([0.5], 2, 9), 1),  # wavering between the thresholds keeps the alert
        (
            seconds([0.9], 0, 2) + seconds([0.1], 2, 3.5) + seconds([0.9], 3.5, 5),
            1,
        ),  # masked for a moment only
        (seconds([0.9], 0, 2) + seconds([], 2, 9), 2),  # left
        (seconds([0.9, 0.1], 0, 2) + seconds([0.1, 0.9], 2, 9), 1),  # one after the other
    ],
)
def test_a_story_switches_so_many_times(story: list[tuple[float, list[float]]], switches: int) -> None:
    assert len(play(story)) == switches


def test_stopping_ends_a_running_alert_and_only_that() -> None:
    policy = Policy(RULES)
    assert policy.stop(0.0) is None
    play(seconds([0.9], 0, 2), policy)
    assert policy.stop(2.0) == Alert(False, 2.0, 0, ())
    assert policy.stop(2.1) is None


STORIES = st.lists(st.tuples(st.floats(0.01, 3), st.lists(st.floats(0, 1), max_size=3)), min_size=1, max_size=60)


def timed(story: list[tuple[float, list[float]]]) -> list[tuple[float, list[float]]]:
    now, frames = 0.0, []
    for step, opinions in story:
        now += step
        frames.append((now, opinions))
    return frames


@given(STORIES)
def test_switches_alternate_beginning_with_on(story: list[tuple[float, list[float]]]) -> None:
    switches = [alert.on for alert in play(timed(story))]
    assert switches == [place % 2 == 0 for place in range(len(switches))]


@given(STORIES)
def test_on_needs_hold_seconds_since_nobody_was_above_low(story: list[tuple[float, list[float]]]) -> None:
    frames = timed(story)
    for alert in play(frames):
        if alert.on:
            recent = [opinions for time, opinions in frames if alert.time - RULES.hold <= time <= alert.time]
            assert all(max(opinions, default=0.0) >= RULES.low for opinions in recent)


@given(STORIES)
def test_off_needs_clear_seconds_without_anybody_above_high(story: list[tuple[float, list[float]]]) -> None:
    frames = timed(story)
    for alert in play(frames):
        if not alert.on:
            recent = [opinions for time, opinions in frames if alert.time - RULES.clear <= time <= alert.time]
            assert all(max(opinions, default=0.0) < RULES.high for opinions in recent)


@given(STORIES)
def test_once_everybody_has_left_the_alert_ends(story: list[tuple[float, list[float]]]) -> None:
    policy = Policy(RULES)
    frames = timed(story)
    end = frames[-1][0]
    play([*frames, (end + 0.1, []), (end + 0.2 + RULES.clear, [])], policy)
    assert not policy.on
