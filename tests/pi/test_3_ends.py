"""However the daemon ends in an alarm, the pins are low afterwards, under the unit file as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated_pi import waiting
from emulated_pi.board import Board, Card
from emulated_pi.flashing import PINS
from emulated_pi.transcript import Transcript

pytestmark = pytest.mark.pi
DROP_IN = "/etc/systemd/system/maskwatch.service.d/stuck.conf"
STUCK = """[Service]
ExecStart=
ExecStart=/opt/maskwatch/venv/bin/python3 /boot/firmware/stuck_finder.py run --config /etc/maskwatch/config.toml
Environment=STUCK=/run/maskwatch/stuck
"""


@pytest.fixture(scope="module")
def board(installed: Path, work: Path) -> Iterator[Board]:
    """A unit that has been installed; each test waits for an alarm."""
    with Board(Card(installed, work / "ends"), PINS) as board:
        waiting.watching(board)
        board.console.log_in()
        yield board


def test_the_unit_file_is_the_one_of_the_repository(board: Board) -> None:
    shipped = Path(__file__).parents[2] / "device" / "systemd" / "maskwatch.service"
    assert board.console.run("cat /etc/systemd/system/maskwatch.service") == shipped.read_text().strip("\n")
    assert not board.console.run("systemctl show -P DropInPaths maskwatch")


def test_killed(board: Board, told: Transcript) -> None:
    waiting.alarm(board)
    _ended(board, told, "kill -9", "systemctl kill -s KILL --kill-whom=main maskwatch")
    waiting.watching(board)  # and it starts anew


def test_stopped(board: Board, told: Transcript) -> None:
    waiting.alarm(board)
    _ended(board, told, "systemctl stop", "systemctl stop maskwatch")
    assert not board.levels.now(), "something is on though the service is stopped"


def test_a_hung_finder_is_ended_by_the_watchdog(board: Board, told: Transcript) -> None:
    console = board.console
    console.run("systemctl stop maskwatch")
    console.run(f"mkdir -p {Path(DROP_IN).parent}; printf '%s' '{STUCK}' > {DROP_IN}; systemctl daemon-reload")
    console.run("systemctl start --no-block maskwatch")
    waiting.watching(board)
    waiting.alarm(board)
    _ended(board, told, "hung finder", "touch /run/maskwatch/stuck")
    assert console.run("journalctl -u maskwatch -o cat | grep -c 'Watchdog timeout'") == "1"
    console.run(f"rm {DROP_IN}; systemctl daemon-reload")
    waiting.watching(board)


def _ended(board: Board, told: Transcript, name: str, order: str) -> None:
    """Give the order and wait for silence, which is to come while the person is still bare."""
    began = board.monitor.seconds()
    board.console.run(order)
    took = waiting.silent(board) - began
    told.note(f"silent_after_{name.replace(' ', '_')}_s", took)
    told.say(f"{name} in an alarm: pins low after {took:.1f} s of the board's")
