"""An update comes up watching; one that cannot leaves the former tree, which watches."""

import pytest
from emulated_pi import waiting, wheels
from emulated_pi.board import Board
from emulated_pi.transcript import Transcript

pytestmark = pytest.mark.pi
UPDATE = 3600.0  # seconds: a new tree is made, and a start is waited for
VERSION = "/opt/maskwatch/venv/bin/maskwatch --version"


def test_a_later_wheel_is_what_runs_afterwards(unit: Board, told: Transcript) -> None:
    with told.timed("update to a later wheel", "update_s"):
        unit.console.run(f"/opt/maskwatch/venv/bin/maskwatch update {_on_card(wheels.LATER)}", UPDATE)
    waiting.watching(unit)
    assert wheels.LATER in unit.console.run(VERSION)


def test_a_broken_one_leaves_the_former_which_watches(unit: Board, told: Transcript) -> None:
    before = unit.console.run("readlink -f /opt/maskwatch/venv")
    with told.timed("update that is broken on purpose", "broken_update_s"):
        answer = unit.console.run(
            f"/opt/maskwatch/venv/bin/maskwatch update {_on_card(wheels.BROKEN)}; echo exit=$?", UPDATE
        )
    assert "exit=7" in answer
    assert "does not run: it stopped: RuntimeError: broken on purpose" in answer
    waiting.watching(unit)
    assert unit.console.run("readlink -f /opt/maskwatch/venv") == before
    assert wheels.LATER in unit.console.run(VERSION)


def _on_card(version: str) -> str:
    return f"/boot/firmware/maskwatch-{version}-py3-none-any.whl"
