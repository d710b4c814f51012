"""A pattern is on when its numbers say so, at whatever moment it is asked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.config import BEEPS, Pattern
from maskwatch.outputs.pattern import SHORTEST, level, next_edge, row

TICK = 1 / 1000  # seconds: patterns below lie on a grid of milliseconds
SLACK = 1e-9  # seconds, of rounding


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    times = draw(st.integers(1, 8))
    on, off, pause = (draw(st.integers(10, 3000)) for _ in range(3))
    off = off if times > 1 else 100
    return Pattern(times=times, on=on * TICK, off=off * TICK, every=(times * on + (times - 1) * off + pause) * TICK)


@pytest.mark.parametrize(
    ("elapsed", "on", "edge"),
    [
        (0.0, True, 0.1),
        (0.05, True, 0.05),
        (0.1, False, 0.1),
        (0.25, True, 0.05),
        (0.35, False, 0.65),
        (0.95, False, 0.05),
        (1.05, True, 0.05),
        (86400.25, True, 0.05),
    ],
)
def test_two_beeps_each_second(elapsed: float, on: bool, edge: float) -> None:
    assert level(BEEPS, elapsed) is on
    assert next_edge(BEEPS, elapsed) == pytest.approx(edge)


@given(st.floats(0, 1e6))
def test_steady_is_on_and_has_no_edge(elapsed: float) -> None:
    assert level("steady", elapsed)
    assert next_edge("steady", elapsed) == math.inf


@given(patterns(), st.floats(0, 1000), st.floats(0.01, 0.99))
def test_nothing_changes_before_the_next_edge_and_it_changes_there(play: Pattern, start: float, share: float) -> None:
    wait = next_edge(play, start)
    assert wait >= SHORTEST
    if wait > SHORTEST:
        assert level(play, start + share * (wait - SLACK)) == level(play, start)
        assert level(play, start + wait + SLACK) != level(play, start)


@given(patterns(), st.integers(0, 20))
def test_each_row_has_its_pulses_and_its_time_on(play: Pattern, number: int) -> None:
    start, elapsed, on, pulses = number * play.every, 0.0, 0.0, 0
    while elapsed < play.every - SLACK:
        step = next_edge(play, start + elapsed + SLACK) + SLACK
        if level(play, start + elapsed + SLACK):
            on, pulses = on + step, pulses + 1
        elapsed += step
    assert pulses == play.times
    assert on == pytest.approx(play.times * play.on, abs=1e-6)
    assert elapsed == pytest.approx(play.every, abs=1e-6)


@given(patterns(), st.floats(0, 0.99))
def test_a_row_ends_in_its_pause(play: Pattern, share: float) -> None:
    assert level(play, row(play) - SLACK)
    assert not level(play, row(play) + SLACK + share * (play.every - row(play) - 2 * SLACK))


@given(st.floats(0.01, 60), st.floats(1e-9, 60), st.floats(0, 1e7))
def test_no_pattern_makes_a_thread_spin(on: float, pause: float, elapsed: float) -> None:
    assert next_edge(Pattern(on=on, every=on + pause + SLACK), elapsed) >= SHORTEST
