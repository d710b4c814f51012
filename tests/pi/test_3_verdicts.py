"""The same pictures, the same models: what aarch64 says, held against this machine's processor."""

import json
from pathlib import Path
from typing import Any

import pytest
from emulated_pi import flashing
from emulated_pi.board import Board
from emulated_pi.transcript import Transcript

pytestmark = pytest.mark.pi
PICTURES = "00*[05].jpg"  # twenty of the scene's: bare, and with the mask
PIXELS = 1.0  # of a box's corners, that may differ: OpenCV rounds another way where it makes a picture smaller
CONFIDENCE = 0.02  # of a verdict


@pytest.fixture(scope="module")
def here(work: Path) -> list[dict[str, Any]]:
    """This machine's, of the pictures that are on the card."""
    return _parsed(flashing.run("detect", *map(str, sorted((work / "scene").glob(PICTURES))), "--json"))


@pytest.fixture(scope="module")
def there(unit: Board) -> list[dict[str, Any]]:
    """The board's."""
    unit.console.run("systemctl stop maskwatch")
    shown = unit.console.run(
        f"/opt/maskwatch/venv/bin/maskwatch detect /boot/firmware/scene/{PICTURES} --json 2>/dev/null", 3600
    )
    unit.console.run("systemctl start --no-block maskwatch")
    return _parsed(shown)


def test_the_same_faces_are_found_and_judged_alike(
    here: list[dict[str, Any]], there: list[dict[str, Any]], told: Transcript
) -> None:
    assert len(here) == len(there)
    boxes, confidences, alike = [0.0], [0.0], 0
    for ours, theirs in zip(here, there, strict=True):
        assert [face["label"] for face in ours["faces"]] == [face["label"] for face in theirs["faces"]]
        alike += ours["faces"] == theirs["faces"]
        for one, other in zip(ours["faces"], theirs["faces"], strict=True):
            boxes += [abs(a - b) for a, b in zip(one["box"], other["box"], strict=True)]
            confidences.append(abs(one["confidence"] - other["confidence"]))
    told.note("pictures_compared", len(here))
    told.note("pictures_alike_to_the_last_digit", alike)
    told.note("box_difference_px", max(boxes))
    told.note("confidence_difference", max(confidences))
    assert max(boxes) <= PIXELS
    assert max(confidences) <= CONFIDENCE


def _parsed(lines: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
    return sorted(found, key=lambda line: Path(line["image"]).name)
