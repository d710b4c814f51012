"""The alert begins and ends as the settings say, whatever the opinions do."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.flow import Alert, Box, Face, Label, Track, Verdict
from maskwatch.presence.pace import MAX_MATCHED_STEP
from maskwatch.presence.policy import Policy, Rules

RULES = Rules(high=0.6, low=0.4, hold=1.0, clear=2.0, cooldown=0.0, longest=0.0)


Story = list[tuple[float, list[float]]]


def people(opinions: list[float], time: float) -> list[Track]:
    face, verdict = Face(Box(0, 0, 9, 9), 1.0), Verdict(Label.WITHOUT_MASK, 1.0)
    return [Track(place, face, verdict, bare, -math.inf, time) for place, bare in enumerate(opinions)]


def play(frames: Story, policy: Policy | None = None, quiet: tuple[float, float] = (0, 0)) -> list[Alert]:
    """What the policy says to frames of (time, each person's opinion); it is quiet from one time to another."""
    policy = policy or Policy(RULES)
    alerts = [policy.update(people(opinions, time), time, quiet[0] <= time < quiet[1]) for time, opinions in frames]
    return [alert for alert in alerts if alert]


def times(alerts: list[Alert]) -> list[tuple[bool, float]]:
    return [(alert.on, alert.time) for alert in alerts]


def seconds(opinions: list[float], start: float, end: float) -> Story:
    """The same opinions ten times a second, from start to end."""
    return [(step / 10, opinions) for step in range(round(start * 10), round(end * 10))]


def test_the_alert_begins_after_hold_and_ends_after_clear() -> None:
    alerts = play([*seconds([0.9], 0, 5), *seconds([0.1], 5, 10)])
    assert times(alerts) == [(True, 1.0), (False, 6.9)]


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
def test_a_story_switches_so_many_times(story: Story, switches: int) -> None:
    assert len(play(story)) == switches


def test_stopping_ends_a_running_alert_and_only_that() -> None:
    policy = Policy(RULES)
    assert policy.stop(0.0) is None
    play(seconds([0.9], 0, 2), policy)
    assert policy.stop(2.0) == Alert(False, 2.0, 0, ())
    assert policy.stop(2.1) is None


# -- who had an alert, had it ---------------------------------------------------------------------------------------


def test_the_longest_alert_ends_whoever_is_there_and_does_not_come_back() -> None:
    alerts = play(seconds([0.9], 0, 60), Policy(replace(RULES, longest=5.0)))
    assert times(alerts) == [(True, 1.0), (False, 6.0)]


def test_after_the_longest_alert_somebody_else_begins_another() -> None:
    story = seconds([0.9, 0.1], 0, 10) + seconds([0.9, 0.9], 10, 30)
    alerts = play(story, Policy(replace(RULES, longest=5.0)))
    assert times(alerts) == [(True, 1.0), (False, 6.0), (True, 11.0), (False, 16.0)]


def test_after_the_longest_alert_the_mask_on_and_off_begins_another() -> None:
    story = seconds([0.9], 0, 10) + seconds([0.1], 10, 15) + seconds([0.9], 15, 19)
    alerts = play(story, Policy(replace(RULES, longest=5.0)))
    assert times(alerts) == [(True, 1.0), (False, 6.0), (True, 16.0)]


def test_the_cooldown_delays_the_next_alert() -> None:
    story = seconds([0.9], 0, 3) + seconds([], 3, 6) + seconds([0.9], 6, 20)
    assert times(play(story, Policy(replace(RULES, cooldown=7.0)))) == [(True, 1.0), (False, 4.9), (True, 11.9)]


def test_quiet_hours_end_an_alert_at_once_and_its_cause_does_not_begin_another() -> None:
    alerts = play(seconds([0.9], 0, 30), quiet=(5, 10))
    assert times(alerts) == [(True, 1.0), (False, 5.0)]


def test_who_comes_in_quiet_hours_and_stays_is_alerted_of_when_they_end() -> None:
    assert times(play(seconds([0.9], 0, 30), quiet=(0, 10))) == [(True, 10.0)]


def test_who_left_and_is_still_remembered_begins_no_second_alert() -> None:
    policy = Policy(replace(RULES, clear=0.5))  # shorter than [opinion] forget
    there = [(time, people(opinions, time)) for time, opinions in seconds([0.9], 0, 3)]
    remembered = [(3 + step / 10, people([0.9], 2.9)) for step in range(10)]
    alerts = [policy.update(tracks, time) for time, tracks in there + remembered]
    assert times([alert for alert in alerts if alert]) == [(True, 1.0), (False, 3.4)]


def test_who_is_out_of_sight_proves_nothing_more() -> None:
    """One bare frame, then the person is lost but not yet forgotten."""
    policy = Policy(RULES)
    lost = people([0.9], 0.0)
    assert [policy.update(lost, time / 10) for time in range(50)] == [None] * 50


# -- what proves that somebody is bare ------------------------------------------------------------------------------


def test_an_opinion_on_its_way_down_begins_no_alert() -> None:
    """The first verdict was wrong: between the thresholds as `hold` is over, and masked soon after."""
    falling = [(step / 10, [0.92 - 0.04 * step]) for step in range(30)]
    assert RULES.low < falling[10][1][0] < RULES.high
    assert play(falling) == []


def test_one_who_dips_between_the_thresholds_is_alerted_of_as_soon_as_bare_again() -> None:
    story = seconds([0.9], 0, 0.8) + seconds([0.5], 0.8, 1.5) + seconds([0.7], 1.5, 3)
    assert times(play(story)) == [(True, 1.5)]


def glimpsed(every: int, frames: int) -> list[Alert]:
    """Somebody bare is seen in one of so many frames and known in between; ten frames a second."""
    policy = Policy(RULES)
    seen = [people([0.9], step // every * every / 10) for step in range(frames)]
    return [alert for step in range(frames) if (alert := policy.update(seen[step], step / 10))]


@pytest.mark.parametrize(("every", "begins"), [(1, 1.0), (2, 2.0), (5, 5.0), (10, 10.0)])
def test_only_frames_in_which_somebody_is_seen_count_towards_hold(every: int, begins: float) -> None:
    (alert,) = glimpsed(every, 130)
    assert alert.time == pytest.approx(begins, abs=0.1001 * every)


# -- whatever happens -----------------------------------------------------------------------------------------------

RULE_SETS = st.builds(
    Rules,
    high=st.floats(0.5, 1),
    low=st.floats(0, 0.5),
    hold=st.floats(0, 3),
    clear=st.floats(0, 3),
    cooldown=st.floats(0, 5),
    longest=st.one_of(st.just(0.0), st.floats(0.1, 5)),
)
OPINIONS = st.lists(st.floats(0, 1), max_size=3)
STORIES = st.lists(st.tuples(st.floats(0.01, 3), OPINIONS), min_size=1, max_size=60)
SPANS = st.tuples(st.floats(0, 30), st.floats(0, 60))


def timed(story: Story) -> Story:
    now, frames = 0.0, []
    for step, opinions in story:
        now += step
        frames.append((now, opinions))
    return frames


@given(RULE_SETS, STORIES, SPANS)
def test_switches_alternate_beginning_with_on(rules: Rules, story: Story, quiet: tuple[float, float]) -> None:
    switches = [alert.on for alert in play(timed(story), Policy(rules), quiet)]
    assert switches == [place % 2 == 0 for place in range(len(switches))]


@given(RULE_SETS, STORIES)
def test_on_needs_somebody_bare_in_each_frame_of_hold_seconds(rules: Rules, story: Story) -> None:
    frames = timed(story)
    for alert in play(frames, Policy(rules)):
        if alert.on:
            recent = [opinions for time, opinions in frames if alert.time - rules.hold <= time <= alert.time]
            assert all(any(bare >= rules.low for bare in seen) for seen in recent)


@given(RULE_SETS, st.lists(st.tuples(st.floats(0.01, MAX_MATCHED_STEP), OPINIONS), min_size=1, max_size=60))
def test_where_frames_are_close_it_is_one_and_the_same_person(rules: Rules, story: Story) -> None:
    frames = timed(story)
    for alert in play(frames, Policy(rules)):
        if alert.on:
            recent = [opinions for time, opinions in frames if alert.time - rules.hold <= time <= alert.time]
            assert any(all(len(seen) > who and seen[who] >= rules.low for seen in recent) for who in range(3))


@given(RULE_SETS, STORIES)
def test_off_needs_clear_seconds_without_anybody_above_high_or_the_longest_alert(rules: Rules, story: Story) -> None:
    frames, began = timed(story), 0.0
    for alert in play(frames, Policy(rules)):
        if alert.on:
            began = alert.time
        elif not 0 < rules.longest <= alert.time - began:
            recent = [opinions for time, opinions in frames if alert.time - rules.clear < time <= alert.time]
            assert all(max(opinions, default=0.0) < rules.high for opinions in recent)


@given(RULE_SETS, STORIES)
def test_nobody_causes_more_alarm_than_the_longest_without_having_been_masked(rules: Rules, story: Story) -> None:
    policy, before, had = Policy(rules), 0.0, 0.0
    for time, opinions in timed(story):
        alone = [max(rules.high, *opinions)] if opinions else [rules.high]  # one person, never masked
        had += time - before if policy.on else 0.0
        before, was_on = time, policy.on
        policy.update(people(alone, time), time)
        if rules.longest and had >= rules.longest:
            assert not policy.on
        assert policy.on or not was_on or rules.longest


@given(RULE_SETS, STORIES, st.integers(0, 60))
def test_whatever_the_others_do_who_is_bare_has_an_alarm_time_of_the_own(
    rules: Rules, story: Story, comes: int
) -> None:
    """Somebody comes, is bare, and stays: from `hold` until their own time is over, an alert is on."""
    rules = replace(rules, cooldown=0.0)
    policy, came = Policy(rules), math.inf
    for step, (time, opinions) in enumerate(timed(story)):
        they = people(opinions, time)
        if step >= comes:
            came = min(came, time)
            they.append(replace(people([1.0], time)[0], id=99))
        policy.update(they, time)
        if rules.hold <= time - came < (rules.longest or math.inf):
            assert policy.on


def test_who_came_just_before_the_longest_alert_ends_is_not_spent_with_the_others() -> None:
    story = seconds([0.9, 0.1], 0, 5.5) + seconds([0.9, 0.9], 5.5, 30)
    assert times(play(story, Policy(replace(RULES, longest=5.0)))) == [(True, 1.0), (False, 10.5)]


def test_a_pause_forgets_nobody_and_counts_for_nothing() -> None:
    policy = Policy(replace(RULES, longest=5.0))
    alerts = play(seconds([0.9], 0, 4), policy)
    alerts += [policy.pause(4.0)]
    alerts += play(seconds([0.9], 7, 30), policy)
    assert times(alerts) == [(True, 1.0), (False, 4.0), (True, 7.0), (False, 9.1)]  # 2.9 s, and 2.1 s


def test_the_hold_goes_on_after_a_pause_and_the_pause_is_no_part_of_it() -> None:
    policy = Policy(RULES)
    assert play(seconds([0.9], 0, 0.6), policy) == []
    policy.pause(0.6)
    assert times(play(seconds([0.9], 5, 9), policy)) == [(True, 5.5)]


def test_one_frame_without_anybody_does_not_end_an_alert_however_late_it_comes() -> None:
    slow = [(5.0 * step, [0.9] if step != 4 else []) for step in range(9)]
    assert times(play(slow)) == [(True, 5.0)]


def test_somebody_bare_elsewhere_just_before_will_do_where_frames_are_far_apart() -> None:
    def seen(gap: float) -> list[tuple[bool, float]]:
        policy = Policy(RULES)
        walking = [[replace(each, id=step) for each in people([0.9], gap * step)] for step in range(8)]
        return times([alert for step in range(8) if (alert := policy.update(walking[step], gap * step))])

    assert seen(0.1) == []
    assert seen(1.0) == [(True, 1.0)]
    assert seen(5.0) == [(True, 5.0)]


@given(RULE_SETS, STORIES, SPANS)
def test_no_alert_is_on_in_quiet_hours(rules: Rules, story: Story, quiet: tuple[float, float]) -> None:
    policy = Policy(rules)
    for time, opinions in timed(story):
        policy.update(people(opinions, time), time, quiet[0] <= time < quiet[1])
        assert not (policy.on and quiet[0] <= time < quiet[1])


@given(RULE_SETS, STORIES)
def test_no_alert_begins_before_the_cooldown_is_over(rules: Rules, story: Story) -> None:
    alerts = play(timed(story), Policy(rules))
    for off, on in zip(alerts[1::2], alerts[2::2], strict=False):
        assert on.time - off.time >= rules.cooldown - 1e-9


@given(RULE_SETS, STORIES)
def test_once_everybody_has_left_the_alert_ends(rules: Rules, story: Story) -> None:
    policy, frames = Policy(rules), timed(story)
    end = frames[-1][0]
    play([*frames, (end + 0.1, []), (end + 0.2 + rules.clear, [])], policy)
    assert not policy.on


@given(RULE_SETS, STORIES, st.floats(-1e9, 1e9))
def test_only_differences_of_time_matter(rules: Rules, story: Story, shift: float) -> None:
    """The frames' clock may begin anywhere; the wall clock is not asked at all."""
    frames = [(round(time * 1024) / 1024, opinions) for time, opinions in timed(story)]
    shift = float(round(shift))
    rules = replace(rules, hold=1.0, clear=2.0, cooldown=3.0, longest=4.0)
    moved = [(time + shift, opinions) for time, opinions in frames]
    assert [(alert.on, alert.time - shift) for alert in play(moved, Policy(rules))] == times(
        play(frames, Policy(rules))
    )
