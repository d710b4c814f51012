"""A loop that is too slow for its settings says so once, and once when that is over."""

import pytest
from hall import every
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.pace import Pace


def told(times: list[float], hold: float = 1.0, forget: float = 1.0) -> list[tuple[float, str]]:
    pace = Pace()
    return [(time, line) for time in times if (line := pace.looked(time, hold, forget))]


@pytest.mark.parametrize("rate", [0.7, 1.0, 2.0, 15.0, 60.0])
def test_a_rate_that_will_do_is_not_told(rate: float) -> None:
    assert told(every(1 / rate, 0, 60)) == []


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.6])
def test_a_rate_that_is_too_low_is_told_once_with_what_it_is_too_low_for(rate: float) -> None:
    ((time, line),) = told(every(1 / rate, 0, 300))
    assert time == pytest.approx(5 / rate)
    assert f"only every {1 / rate:.2g} s" in line
    assert "hold = 1 and [opinion] forget = 1" in line


def test_settings_for_a_low_rate_bear_it() -> None:
    assert told(every(2.0, 0, 300), hold=4.0) == []
    assert told(every(2.0, 0, 300), forget=3.0) == []


def test_each_episode_is_told_once() -> None:
    times = [*every(0.1, 0, 30), *every(2.0, 30, 90), *every(0.1, 90, 120), *every(3.0, 120, 180)]
    lines = [line for _, line in told(times)]
    assert ["again" in line for line in lines] == [False, True, False]


def test_one_long_pause_is_no_low_rate_nor_is_the_time_of_a_trouble() -> None:
    assert told([*every(0.1, 0, 30), *every(0.1, 35, 60)]) == []
    pace = Pace()
    for step in range(40):
        assert pace.looked(step * 4.0, 1.0, 1.0) is None
        pace.pause()


@given(st.lists(st.floats(0.01, 10), max_size=100))
def test_complaints_and_their_ends_take_turns(gaps: list[float]) -> None:
    times = [sum(gaps[:place]) for place in range(len(gaps))]
    assert all(("again" in line) == (place % 2 == 1) for place, (_, line) in enumerate(told(times)))
