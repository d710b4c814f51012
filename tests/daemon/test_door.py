"""The whole loop with a relay for the masked: it opens for them alone, and is shut in the end whatever happens."""

import contextlib
import io
import threading

import pytest
from colour_door import CLOTH, GREY, SKIN, Flaky, Reel, changes, shown, switches
from defaults import unit

from maskwatch.camera import Source
from maskwatch.config import OutputsSettings, RelaySettings
from maskwatch.daemon import loop
from maskwatch.errors import SourceError
from maskwatch.outputs.gpio import open_pins
from maskwatch.outputs.log import LogOutput
from maskwatch.presence.quiet_hours import QuietHours

ALWAYS = QuietHours.of([("00:00", "12:00"), ("12:00", "00:00")], None)


def watched(source: Source, quiet: QuietHours | None = None) -> tuple[list[object], list[object]]:
    """How the relay switched, and the alert."""
    stream = io.StringIO()
    lines = LogOutput(stream, as_json=True)
    relay = open_pins(OutputsSettings(relay=RelaySettings(pin=22, when="masked", active_high=False)), lines.pin)
    made = unit(source, [lines, *relay])
    made.quiet_hours = quiet or made.quiet_hours
    with contextlib.suppress(SourceError):
        loop.run(made, threading.Event())
    return changes(stream, "relay"), [name for name, _ in switches(stream) if name in ("alert_on", "alert_off")]


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        pytest.param(shown(GREY, 0, 9), [], id="nobody"),
        pytest.param(shown(SKIN, 0, 9), [], id="bare"),
        pytest.param(shown(CLOTH, 0, 9), [True, False], id="masked to the end"),
        pytest.param(shown(CLOTH, 0, 5) + shown(GREY, 5, 12), [True, False], id="masked, goes"),
        pytest.param(shown(CLOTH, 0, 5) + shown(SKIN, 5, 12), [True, False], id="takes it off"),
        pytest.param(shown(SKIN, 0, 5) + shown(CLOTH, 5, 12), [True, False], id="puts it on"),
        pytest.param(shown(CLOTH, 0, 0.5) + shown(GREY, 0.5, 5), [], id="hurries past"),
    ],
)
def test_it_opens_for_the_masked_alone(moments: list[tuple[float, tuple[int, int, int]]], expected: list[bool]) -> None:
    switched, _ = watched(Reel(moments))
    assert switched == expected


@pytest.mark.usefixtures("pins")
def test_a_camera_that_fails_for_good_leaves_it_shut() -> None:
    switched, _ = watched(Reel(shown(CLOTH, 0, 5), SourceError("gone")))
    assert switched == [True, False]


@pytest.mark.usefixtures("pins")
def test_in_quiet_hours_the_alert_is_silent_and_the_door_works() -> None:
    switched, alerts = watched(Reel(shown(CLOTH, 0, 4) + shown(SKIN, 4, 9) + shown(CLOTH, 9, 14)), ALWAYS)
    assert (switched, alerts) == ([True, False, True, False], [])


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize("covered", [False, True])
def test_a_camera_in_trouble_shuts_it_and_masked_must_be_seen_anew(covered: bool) -> None:
    switched, _ = watched(Flaky(shown(CLOTH, 0, 12), (4.0, 7.0), "it hangs", covered))
    assert switched == [True, False, True, False]
