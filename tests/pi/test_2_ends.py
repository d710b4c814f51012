"""However the daemon ends in an alarm, the pins are low afterwards, under the unit file as it is."""

from pathlib import Path

import pytest
from emulated_pi import waiting
from emulated_pi.board import Board
from emulated_pi.transcript import Transcript

pytestmark = pytest.mark.pi
DROP_IN = "/etc/systemd/system/maskwatch.service.d/stuck.conf"
STUCK = """[Service]
ExecStart=
ExecStart=/opt/maskwatch/venv/bin/python3 /boot/firmware/stuck_finder.py run --config /etc/maskwatch/config.toml
Environment=STUCK=/run/maskwatch/stuck
"""


def test_the_unit_file_is_the_one_of_the_repository(unit: Board) -> None:
    shipped = Path(__file__).parents[2] / "device" / "systemd" / "maskwatch.service"
    assert unit.console.run("cat /etc/systemd/system/maskwatch.service") == shipped.read_text().strip("\n")
    assert not unit.console.run("systemctl show -P DropInPaths maskwatch")


def test_killed(unit: Board, told: Transcript) -> None:
    waiting.alarm(unit)
    before = _restarts(unit)  # the end of the folder of pictures is one, too
    _ended(unit, told, "kill -9", "systemctl kill -s KILL --kill-whom=main maskwatch")
    waiting.watching(unit)
    assert _restarts(unit) == before + 1


def test_stopped(unit: Board, told: Transcript) -> None:
    waiting.alarm(unit)
    _ended(unit, told, "systemctl stop", "systemctl stop maskwatch")
    assert not unit.levels.now(), "something is on though the service is stopped"


def test_a_hung_finder_is_ended_by_the_watchdog(unit: Board, told: Transcript) -> None:
    console = unit.console
    console.run("systemctl stop maskwatch")
    console.run(f"mkdir -p {Path(DROP_IN).parent}; printf '%s' '{STUCK}' > {DROP_IN}; systemctl daemon-reload")
    console.run("systemctl start --no-block maskwatch")
    waiting.watching(unit)
    waiting.alarm(unit)
    _ended(unit, told, "hung finder", "touch /run/maskwatch/stuck")
    assert console.run("journalctl -u maskwatch -o cat | grep -c 'Watchdog timeout'") == "1"
    console.run(f"rm {DROP_IN}; systemctl daemon-reload")
    waiting.watching(unit)


def _restarts(unit: Board) -> int:
    """How often systemd has started the service again since it was started by hand."""
    return int(unit.console.run("systemctl show -P NRestarts maskwatch"))


def _ended(unit: Board, told: Transcript, name: str, order: str) -> None:
    """Give the order and wait for silence, which is to come while the person is still bare."""
    began = unit.monitor.seconds()
    unit.console.run(order)
    took = waiting.silent(unit) - began
    ended = unit.console.run("journalctl -u maskwatch -o cat --no-pager | grep '^alert_' | tail -1")
    assert "alert_on" in ended or "faces=0" in ended, f"the mask ended the alarm, and not we: {ended}"
    told.note(f"silent_after_{name.replace(' ', '_')}_s", took)
    told.say(f"{name} in an alarm: pins low after {took:.1f} s of the board's")
