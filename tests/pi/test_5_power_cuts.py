"""The plug is pulled at any time: the next boot comes up watching."""

from pathlib import Path

import pytest
from emulated_pi import drawing, waiting
from emulated_pi.board import Board, Card
from emulated_pi.drawing import Mark
from emulated_pi.flashing import PINS
from emulated_pi.transcript import Transcript

pytestmark = pytest.mark.pi
STAGES = ("tree", "working: config", "working: check")  # unpacking; the set-up; the last step, with the models
BOOT = 3600.0  # seconds until a stage begins


def test_a_cut_in_an_alarm_is_followed_by_watching(unit: Board, told: Transcript) -> None:
    waiting.alarm(unit)
    unit.cut_power()
    told.say("power cut while an alarm sounds")
    unit.switch_on()
    at = waiting.watching(unit)
    told.note("boot_s", at)
    told.say(f"watching {at:.1f} s after power came again: a boot that is not the first ({unit.waited():.0f} s here)")
    assert not unit.levels.seen_high(0.0) & waiting.LOUD, "something sounded while it booted"
    shown = (0.0, at + 3)
    drawing.draw(unit.levels, [Mark(at, "watching")], shown, told.folder / "pins-boot.png", "Boot after a power cut")


def test_the_first_boot_survives_three_cuts(unit: Board, unit_image: Path, work: Path, told: Transcript) -> None:
    unit.cut_power()  # one board at a time
    card = Card(unit_image, work / "cuts")
    for stage in STAGES:
        with Board(card, PINS) as board:
            board.console.wait(rf"maskwatch first boot: {stage}\b", BOOT)
            told.say(f"power cut in first boot's stage `{stage}`, {board.monitor.seconds():.1f} s after power came")
    with Board(card, PINS) as board:
        at = waiting.watching(board)
        told.say(f"after three cuts: watching {at:.1f} s after power came ({board.waited():.0f} s here)")
        told.note("watching_after_cuts_s", at)
        board.console.log_in()
        assert board.console.run("head -1 /boot/firmware/maskwatch-report.txt") == "ready"
