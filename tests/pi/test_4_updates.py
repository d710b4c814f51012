"""An update comes up watching; one that cannot leaves the former tree, which watches."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated_pi import waiting, wheels
from emulated_pi.board import Board, Card
from emulated_pi.flashing import PINS
from emulated_pi.transcript import Transcript

pytestmark = pytest.mark.pi
UPDATE = 3600.0  # seconds: a new tree is made, and a start is waited for
VERSION = "/opt/maskwatch/venv/bin/maskwatch --version"


@pytest.fixture(scope="module")
def board(installed: Path, work: Path) -> Iterator[Board]:
    """A unit that has been installed."""
    with Board(Card(installed, work / "updates"), PINS) as board:
        waiting.watching(board)
        board.console.log_in()
        yield board


def test_a_later_wheel_is_what_runs_afterwards(board: Board, told: Transcript) -> None:
    with told.timed("update to a later wheel", "update_s"):
        board.console.run(f"/opt/maskwatch/venv/bin/maskwatch update {_on_card(wheels.LATER)}", UPDATE)
    waiting.watching(board)
    assert wheels.LATER in board.console.run(VERSION)


def test_a_broken_one_leaves_the_former_which_watches(board: Board, told: Transcript) -> None:
    before = board.console.run("readlink -f /opt/maskwatch/venv")
    with told.timed("update that is broken on purpose", "broken_update_s"):
        answer = board.console.run(
            f"/opt/maskwatch/venv/bin/maskwatch update {_on_card(wheels.BROKEN)}; echo exit=$?", UPDATE
        )
    assert "exit=1" in answer
    waiting.watching(board)
    assert board.console.run("readlink -f /opt/maskwatch/venv") == before
    assert wheels.LATER in board.console.run(VERSION)


def _on_card(version: str) -> str:
    return f"/boot/firmware/maskwatch-{version}-py3-none-any.whl"
