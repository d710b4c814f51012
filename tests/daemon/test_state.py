"""What systemd and the outputs are told of the unit's state: each change once, and the rate of frames now and then."""

import pytest
from told_outputs import Clock, Part, Told

from maskwatch.daemon.state import STATUS_EVERY, UnitState
from maskwatch.flow import Signal
from maskwatch.outputs import Outputs


class Unit:
    """A state, and what it told."""

    def __init__(self) -> None:
        self.clock, self.lamp, self.systemd = Clock(), Part("lamp"), Told()
        self.outputs = Outputs([self.lamp])
        self.state = UnitState(self.outputs, self.systemd, self.clock)
        self.state.begin()

    def frames(self, number: int, rate: float, blind: str | None = None) -> None:
        for _ in range(number):
            self.clock.now += 1 / rate
            self.state.faults(blind, None, self.clock.now)
            if blind is None:
                self.state.signal(Signal.WATCHING)

    def statuses(self) -> list[str]:
        return [text.removeprefix("STATUS=") for text in self.systemd.told if text.startswith("STATUS")]


@pytest.fixture
def unit() -> Unit:
    return Unit()


@pytest.mark.parametrize(("rate", "expected"), [(0.5, "0.5"), (14.9, "14.9"), (60.0, "60.0")])
def test_systemd_is_told_the_rate_of_frames_now_and_then(unit: Unit, rate: float, expected: str) -> None:
    unit.frames(round(3.5 * STATUS_EVERY * rate), rate)
    unit.outputs.close()
    told = unit.statuses()
    assert told[0] == "watching"
    assert 2 <= len(told[1:]) <= 3  # not at every frame
    for line in told[1:]:
        words, figure, unit_ = line.rpartition(" ")[0].rpartition(" ")[0], line.split()[-2], line.split()[-1]
        assert (words, unit_) == ("watching,", "fps")
        assert abs(float(figure) - float(expected)) <= max(0.1, 0.1 * float(expected))


def test_a_fault_stays_in_the_status_until_it_is_over(unit: Unit) -> None:
    unit.frames(10, 10.0)
    unit.frames(300, 10.0, blind="no frame for 5 s")
    unit.frames(5, 10.0)
    unit.outputs.close()
    assert unit.statuses() == ["watching", "no frame for 5 s", "watching"]
    assert unit.lamp.shown == [Signal.WATCHING, Signal.FAULT, Signal.WATCHING]


def test_before_the_first_frame_a_fault_is_shown_and_nothing_else(unit: Unit) -> None:
    unit.state.faults(None, None, 0.0)
    unit.state.faults(None, "output buzzer failed: OSError", 0.0)
    unit.outputs.close()
    assert unit.lamp.shown == [Signal.FAULT]


@pytest.mark.parametrize(
    ("blind", "broken", "signal", "shown"),
    [
        (None, None, Signal.ALERT, Signal.ALERT),
        (None, "output led failed", Signal.ALERT, Signal.ALERT),  # what works must tell
        (None, "output led failed", Signal.WATCHING, Signal.FAULT),
        (None, "output led failed", Signal.MASKED, Signal.FAULT),
        ("covered", None, Signal.ALERT, Signal.FAULT),  # must not seem to watch
        ("covered", "output led failed", Signal.ALERT, Signal.FAULT),
    ],
)
def test_which_of_them_is_shown(
    unit: Unit, blind: str | None, broken: str | None, signal: Signal, shown: Signal
) -> None:
    unit.state.faults(blind, broken, 1.0)
    unit.state.signal(signal)
    unit.outputs.close()
    assert unit.lamp.shown[-1] is shown
