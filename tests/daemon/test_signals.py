"""Signals only ask: however many come, whenever, the daemon goes on or ends as it should, and nothing stays on."""

import contextlib
import os
import pty
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from needed import BUNDLES, DEMO
from stand_ins.unit import ALARM, HERE, PATIENCE, Unit

from maskwatch.daemon import signals

QUICK = str(HERE / "quick_unit.py")
MANY = 1000


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    """In an alarm, which lasts."""
    made = Unit(tmp_path, "demo")
    made.start(QUICK)
    made.alarm()
    yield made
    made.end()


def ended(unit: Unit) -> tuple[int, set[str]]:
    return unit.ended(), unit.on()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_thousand_requests_for_the_end_are_one(unit: Unit, number: signal.Signals) -> None:
    for _ in range(MANY):
        with contextlib.suppress(ProcessLookupError):
            unit.process.send_signal(number)
    assert ended(unit) == (0, set())


def test_a_thousand_reloads_in_an_alarm_leave_it_on_and_the_daemon_well(unit: Unit) -> None:
    unit.begin()
    for _ in range(MANY):
        unit.process.send_signal(signal.SIGHUP)
    for number in signals.UNUSED:
        unit.process.send_signal(number)
    unit.wait(lambda: bool(unit.log()), "a line on the config")
    assert set(unit.log()) == {"config read again: nothing changed"}
    assert unit.on() == ALARM
    unit.process.send_signal(signal.SIGTERM)
    assert ended(unit) == (0, set())


def test_all_of_them_at_once_end_it(unit: Unit) -> None:
    rng = random.Random(1)
    for _ in range(MANY):
        with contextlib.suppress(ProcessLookupError):
            unit.process.send_signal(rng.choice([signal.SIGHUP, signal.SIGTERM, signal.SIGINT]))
    assert ended(unit) == (0, set())


# -- the first second -----------------------------------------------------------------------------------------------


def caught(process: subprocess.Popen[str], number: int) -> bool:
    """Whether the process has a handler for a signal."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.001)


@BUNDLES
@DEMO
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("after", [0.0, *(round(random.Random(seed).uniform(0.02, 1.0), 2) for seed in range(2))])
def test_a_signal_in_the_first_second_is_heeded_and_breaks_nothing(
    tmp_path: Path, number: signal.Signals, after: float
) -> None:
    unit = Unit(tmp_path, "demo")
    unit.start()
    until(lambda: caught(unit.process, signal.SIGHUP))
    time.sleep(after)
    unit.process.send_signal(number)
    if number == signal.SIGHUP:
        unit.wait(lambda: "watching demo" in "".join(unit._logged), "the watch")
        unit.process.send_signal(signal.SIGTERM)
    code, on = ended(unit)
    unit.end()
    assert on == set()
    if number == signal.SIGINT and code == 130:  # before the watch began
        assert unit.log() == ["stopped"]
    else:
        assert code == 0
        assert set(unit.log()) <= {"config read again: nothing changed"}


def test_handlers_stand_before_anything_heavy_is_imported() -> None:
    program = (
        "import sys; from maskwatch.daemon import signals; stand = signals.stand\n"
        "signals.stand = lambda: sys.exit(' '.join(sys.modules))\n"
        "sys.argv = ['maskwatch', 'run']; from maskwatch.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "maskwatch.daemon.signals" in done.stderr.split()
    assert {"click", "numpy", "cv2", "pydantic", "gpiozero"}.isdisjoint(done.stderr.split())


# -- a terminal's end -----------------------------------------------------------------------------------------------


def in_terminal(unit: Unit, ignored: bool) -> tuple[int, int]:
    """The process and its terminal; `ignored`: hang-ups are, as nohup does it."""
    command = [sys.executable, QUICK, "run", "--config", str(unit.config)]
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        os.execve(sys.executable, command, unit._environment)  # noqa: S606
    return child, terminal


@pytest.mark.parametrize("ignored", [False, True], ids=["closed", "closed, under nohup"])
def test_a_terminal_that_is_closed_ends_the_program_unless_it_is_to_outlive_it(tmp_path: Path, ignored: bool) -> None:
    unit = Unit(tmp_path, "demo")
    child, terminal = in_terminal(unit, ignored)
    end = time.monotonic() + PATIENCE
    while unit.on() != ALARM:
        assert time.monotonic() < end
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 4096)
    os.close(terminal)  # the kernel sends SIGHUP
    if ignored:
        time.sleep(1.0)
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        os.kill(child, signal.SIGTERM)
    until(lambda: not unit.on())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- the flags ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "hang_up_ends", "stop", "reload", "by_hand"),
    [
        (signal.SIGTERM, False, True, False, False),
        (signal.SIGINT, False, True, False, True),
        (signal.SIGQUIT, False, True, False, False),
        (signal.SIGHUP, False, False, True, False),
        (signal.SIGHUP, True, True, False, False),
    ],
)
def test_what_each_signal_asks_for(number: int, hang_up_ends: bool, stop: bool, reload: bool, by_hand: bool) -> None:
    asked = signals.Requests()
    asked.take(number, hang_up_ends)
    assert (asked.stop.is_set(), asked.reload.is_set(), asked.by_hand) == (stop, reload, by_hand)
    asked.reload.clear()
    assert not asked.reload.is_set()
