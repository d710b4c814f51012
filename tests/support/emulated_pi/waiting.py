"""What a board is waited for in several tests."""

from __future__ import annotations

from emulated_pi.board import Board
from emulated_pi.first_boot import ALARM, BOOT, SCENE

LOUD = {"buzzer", "led"}  # on in an alert, and dark otherwise; the lamp shows faults too
SILENT_WITHIN = 900.0  # seconds of the host; systemd's watchdog alone takes 30 of the board's


def watching(board: Board, seconds: float = BOOT) -> float:
    """Until the lamp is green alone; since when, in seconds since power came."""
    return board.levels.wait(lambda high: high == {"green"}, seconds, "green lamp: the unit watches")


def alarm(board: Board) -> float:
    """Until it sounds."""
    return board.levels.wait(lambda high: high >= ALARM, SCENE, "alarm")


def silent(board: Board, seconds: float = SILENT_WITHIN) -> float:
    """Until nothing of an alarm is on."""
    return board.levels.wait(lambda high: not high & (LOUD | {"red"}), seconds, "end of the alarm")
