"""A unit's first boot, followed stage by stage, until it watches; then one pass of the scene."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType

from emulated_pi.board import Board, Card
from emulated_pi.drawing import Mark
from emulated_pi.flashing import PINS
from emulated_pi.transcript import Transcript

STAGE = re.compile(r"maskwatch first boot: (?:working: )?([^\n]+)")
BOOT = 3600.0  # seconds: an emulated board on a machine that does other things too
SCENE = 1800.0  # seconds for the twenty of the scene
ALARM = {"led", "red"}  # steady in an alert; the buzzer beeps


class FirstBoot:
    """`with` switches the board on and waits for its first alarm to begin and to end."""

    def __init__(self, image: Path, folder: Path, told: Transcript) -> None:
        self.card = Card(image, folder)
        self.board = Board(self.card, PINS)
        self.marks: list[Mark] = []
        self.watching = self.alarm_on = self.alarm_off = 0.0  # seconds since power came
        self._told = told

    def __enter__(self) -> FirstBoot:
        self.board.switch_on()
        try:
            self._follow()
            self.board.console.log_in()
        except BaseException:
            self.board.cut_power()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.board.cut_power()

    def _follow(self) -> None:
        levels = self.board.levels
        self._told.say("first boot: switched on")
        self.watching = levels.wait(self._is_watching, BOOT, "green lamp: the unit watches")
        self._mark(self.watching, "watching", "first_boot_s")
        self.alarm_on = levels.wait(lambda high: high >= ALARM, SCENE, "alarm")
        self._mark(self.alarm_on, "bare: alarm", "first_alarm_s")
        self.alarm_off = levels.wait(lambda high: not high & {"led", "red", "buzzer"}, SCENE, "end of the alarm")
        self._mark(self.alarm_off, "masked: over", "first_alarm_over_s")

    def _is_watching(self, high: frozenset[str]) -> bool:
        """The stages are followed meanwhile."""
        for found in list(STAGE.finditer(self.board.console.text()))[len(self.marks) :]:
            stage = found[1].strip()
            self._mark(self.board.monitor.seconds(), stage, f"first_boot_{stage.split()[0]}_at_s")
            assert not stage.startswith("not ready"), f"first boot: {stage}"
        return high == {"green"} and any(mark.text == "ready" for mark in self.marks)

    def _mark(self, at: float, text: str, name: str) -> None:
        self.marks.append(Mark(at, text))
        self._told.note(name, at)
        self._told.say(f"first boot: {text}, {at:.1f} s after power came ({self.board.waited():.0f} s here)")
