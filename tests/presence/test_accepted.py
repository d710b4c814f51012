"""Whatever [opinion] and [alert] accept: who is bare is told of, who is masked is not, and the alert ends."""

import math

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from maskwatch import config
from maskwatch.config import AlertSettings, OpinionSettings
from maskwatch.config.alert import SURE
from maskwatch.daemon import from_settings
from maskwatch.flow import Box, Face, Label, Verdict
from maskwatch.presence import tracker as tracking
from maskwatch.presence.policy import Policy
from maskwatch.presence.tracker import Tracker

RATE = 10.0  # frames a second
BARE, MASKED = Verdict(Label.WITHOUT_MASK, 0.98), Verdict(Label.WITH_MASK, 0.98)
SLACK = 2.0  # seconds: frames, and the first moments of a person
NEVER = st.just(0.0)


@st.composite
def accepted(draw: st.DrawFn) -> config.Settings:
    """Anything between the bounds, the bounds themselves among it."""
    low, high = sorted(draw(st.lists(st.floats(SURE, 1 - SURE), min_size=2, max_size=2)))
    opinion = OpinionSettings(
        time_constant=draw(st.floats(0.01, 10)),
        forget=draw(st.floats(0.2, 60)),
        min_iou=draw(st.floats(0.01, 0.9)),
        recheck=draw(st.floats(0, 10)),
        crowd=draw(st.integers(1, 32)),
        motionless=draw(NEVER | st.floats(60, 86400)),
    )
    alert = AlertSettings(
        high=high,
        low=low,
        hold=draw(st.floats(0, 30)),
        clear=draw(st.floats(0.2, 60)),
        cooldown=draw(st.floats(0, 600)),
        longest=draw(NEVER | st.floats(1, 3600)),
    )
    return config.Settings(opinion=opinion, alert=alert)


def switches(wanted: config.Settings, seen: list[tuple[float, Verdict | None]]) -> list[tuple[bool, float]]:
    """(on, seconds) of each switch, somebody walking to and fro.

    Args:
        wanted: see config.load.
        seen: for how many seconds what they wear; None: nobody is there.
    """
    tracker, policy = Tracker(from_settings.opinion(wanted)), Policy(from_settings.rules(wanted))
    found, time = [], 0.0
    for lasts, verdict in seen:
        for _ in range(round(lasts * RATE)):
            time += 1 / RATE
            for person in tracker.see([_face(time)] if verdict else [], time):
                tracker.judge(person, verdict or BARE, time)
            if alert := policy.update(tracker.people(time), time):
                found.append((alert.on, time))
    return found


def _face(time: float) -> Face:
    left = 200 + 100 * math.sin(time / 2)
    return Face(Box(left, 100, left + 80, 200), 0.99)


def test_the_thresholds_are_bounded_where_an_opinion_counts_as_settled() -> None:
    assert SURE == tracking.SURE


@settings(deadline=None, max_examples=30)
@given(accepted())
def test_who_comes_bare_is_told_of_and_who_is_masked_never(wanted: config.Settings) -> None:
    lasts = wanted.alert.hold + SLACK
    (first, *_) = switches(wanted, [(3.0, None), (lasts, BARE)])
    assert first[0]
    assert switches(wanted, [(30.0, MASKED)]) == []


@settings(deadline=None, max_examples=20)
@given(accepted())
def test_who_takes_the_mask_off_is_told_of(wanted: config.Settings) -> None:
    turns = wanted.opinion.time_constant * math.log(0.96 / (0.98 - wanted.alert.high))  # seconds, from 0.02 to `high`
    lasts = wanted.opinion.recheck + turns + wanted.alert.hold + SLACK
    found = switches(wanted, [(15.0, MASKED), (lasts, BARE)])
    assert [on for on, _ in found][:1] == [True]


@settings(deadline=None, max_examples=20)
@given(accepted())
def test_the_alert_ends_when_they_are_gone_or_masked(wanted: config.Settings) -> None:
    assume(wanted.alert.longest == 0)
    hold, clear = wanted.alert.hold, wanted.alert.clear
    gone = switches(wanted, [(hold + SLACK, BARE), (clear + SLACK, None)])
    assert [on for on, _ in gone] == [True, False]
    turns = wanted.opinion.time_constant * math.log(0.96 / (wanted.alert.low - 0.02))
    masked = switches(wanted, [(hold + SLACK, BARE), (wanted.opinion.recheck + turns + clear + SLACK, MASKED)])
    assert [on for on, _ in masked][:2] == [True, False]
