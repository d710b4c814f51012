"""test-alert says what should be heard and seen before it plays; pins-off leaves every pin inactive."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin
from stand_ins.file_pins import file_pins

from maskwatch.cli import output_trial
from maskwatch.config import BEEPS, BuzzerSettings, LampSettings, LedSettings, OutputsSettings, Pattern, RelaySettings
from maskwatch.errors import OutputError
from maskwatch.outputs.gpio import Pin
from maskwatch.pins.pattern import Play
from maskwatch.pins.plan import FAULT, PinPlan, plans

EVERYTHING = OutputsSettings(
    buzzer=BuzzerSettings(pin=17, kind="passive"),
    led=LedSettings(pin=27),
    lamp=LampSettings(red=5, green=6, blue=13),
    relay=RelaySettings(pin=22, active_high=False),
)
NUMBERS = {"buzzer": 17, "led": 27, "lamp.red": 5, "lamp.green": 6, "lamp.blue": 13, "relay": 22}
LINES = [
    "buzzer GPIO17: two short beeps each second (alert)",
    "led GPIO27: a steady light (alert)",
    "led GPIO27: one flash each 2 s (fault)",
    "lamp.red GPIO5: a steady red light (alert)",
    "lamp.red GPIO5: one red flash each 2 s (fault)",
    "lamp.green GPIO6: a steady green light (watching)",
    "lamp.blue GPIO13: a steady blue light (muted)",
    "relay GPIO22: a click, and the relay stays on (alert)",
]


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before, Device.pin_factory = Device.pin_factory, MockFactory(pin_class=MockPWMPin)
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before


def on(pins: MockFactory) -> set[str]:
    """The names of the pins that are on; the relay is on at 0 V."""
    return {name for name, number in NUMBERS.items() if bool(pins.pin(number).state) == (name != "relay")}


def test_each_output_is_played_alone_after_its_line(pins: MockFactory) -> None:
    said: list[str] = []
    heard: dict[str, set[str]] = {}  # line -> what was on while it stood last
    lasted: dict[str, float] = {}

    def wait(seconds: float) -> None:
        heard.setdefault(said[-1], set()).update(on(pins))
        lasted[said[-1]] = lasted.get(said[-1], 0.0) + seconds

    output_trial.play_each(EVERYTHING, said.append, wait)
    assert said == LINES
    assert [heard[line] for line in said] == [{line.split()[0]} for line in said]
    assert list(lasted.values()) == pytest.approx([output_trial.LASTS + output_trial.PAUSE] * len(LINES))
    assert {pins.pin(number).function for number in NUMBERS.values()} == {"input"}


def test_stopped_half_way_everything_is_off(pins: MockFactory) -> None:
    def interrupted(seconds: float) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:  # its frames keep what is not closed
        output_trial.play_each(EVERYTHING, print, interrupted)
    assert {pins.pin(number).function for number in NUMBERS.values()} == {"input"}
    assert not pins.pin(17).state
    del stopped


@pytest.mark.parametrize("door", [False, True])
def test_a_door_stays_shut_unless_asked_for_by_name(pins: MockFactory, door: bool) -> None:
    said: list[str] = []
    opened: set[bool] = set()
    settings = OutputsSettings(relay=RelaySettings(pin=22, when="masked"))
    output_trial.play_each(settings, said.append, lambda _: opened.add(bool(pins.pin(22).state)), door)
    assert (True in opened) is door
    assert said == [
        "relay GPIO22: a click, and the relay stays on (masked)"
        if door
        else "relay GPIO22: not played: it opens a door for masked people; --door plays it"
    ]


@pytest.mark.parametrize(
    ("name", "tone", "play", "expected"),
    [
        ("buzzer", None, "steady", "a steady sound"),
        ("buzzer", 2700.0, "steady", "a steady tone of 2700 Hz"),
        ("buzzer", 2700.0, BEEPS, "two short beeps each second"),
        ("buzzer", None, Pattern(times=1, on=1.5, every=3.0), "one long beep each 3 s"),
        ("buzzer", None, Pattern(times=7, on=0.1, every=2.5), "7 short beeps each 2.5 s"),
        ("led", None, FAULT, "one flash each 2 s"),
        ("lamp.red", None, Pattern(times=3, on=0.25, every=2.0), "three red flashes each 2 s"),
        ("relay", None, Pattern(times=2, on=1.0, every=5.0), "two long clicks of the relay each 5 s"),
    ],
)
def test_words_come_from_the_pattern(name: str, tone: float | None, play: Play, expected: str) -> None:
    assert output_trial.words(PinPlan(name, 17, True, {}, tone=tone), play) == expected


def test_a_slow_pattern_is_played_for_one_row_but_not_for_ever(pins: MockFactory) -> None:  # noqa: ARG001
    waits: list[float] = []
    for play in (Pattern(times=3, on=1.0, off=1.0, every=30.0), Pattern(on=40.0, every=60.0)):
        waits.append(0.0)
        settings = OutputsSettings(buzzer=BuzzerSettings(pin=17, pattern=play))
        output_trial.play_each(settings, print, lambda seconds: waits.append(waits.pop() + seconds))
    assert waits == [5.0 + output_trial.PAUSE, output_trial.LONGEST + output_trial.PAUSE]


def test_pins_off_takes_what_it_can_get_and_names_the_rest(pins: MockFactory) -> None:
    held = Pin(plans(OutputsSettings(led=LedSettings(pin=27)))[0])
    for number in NUMBERS.values():
        pins.pin(number).clear_states()
    lines = list(output_trial.switch_off(plans(EVERYTHING)))
    assert [line.split(";")[0] for line in lines] == ["led: GPIO27 is already in use"]
    assert [bool(state.state) for state in pins.pin(22).states][:2] == [
        False,
        True,
    ]  # 3.3 V: the relay is off
    assert {pins.pin(number).function for name, number in NUMBERS.items() if name != "led"} == {"input"}
    held.close()


class Broken(MockPWMPin):
    """A pin that can be claimed, and fails at every level that is driven from then on, as long as `fails`."""

    fails = False

    def _set_state(self, value: float) -> None:
        if self.fails:
            raise OSError(5, "Input/output error")
        super()._set_state(value)


def test_pins_off_goes_on_to_the_next_pin_when_one_cannot_be_driven(pins: MockFactory) -> None:
    led, relay = plans(OutputsSettings(led=LedSettings(pin=27), relay=RelaySettings(pin=22)))
    pins.pin(27, pin_class=Broken)
    pins.pin(27).fails = True
    for number in (27, 22):
        pins.pin(number).clear_states()
    assert [line.split(";")[0] for line in output_trial.switch_off([led, relay])] == [
        "led: GPIO27 cannot be used (OSError: [Errno 5] Input/output error)"
    ]
    assert pins.pin(22).function == "input"
    assert not pins.pin(22).state


def test_a_pin_that_fails_while_it_plays_is_one_line_and_the_rest_is_off(pins: MockFactory) -> None:
    pins.pin(27, pin_class=Broken)
    pins.pin(17, pin_class=MockPWMPin)
    settings = OutputsSettings(buzzer=BuzzerSettings(pin=17), led=LedSettings(pin=27))

    def fail(_: float) -> None:
        pins.pin(27).fails = pins.pin(17).function == "output" and not pins.pin(17).state

    with pytest.raises(OutputError, match=r"^led: GPIO27 cannot be switched off \(OSError: .*error\)$"):
        output_trial.play_each(settings, print, fail)
    assert (pins.pin(17).function, bool(pins.pin(17).state)) == ("input", False)


# -- the commands ----------------------------------------------------------------------------------------------------

FILE_PINS = Path(file_pins.__file__).parent
PROGRAM = "import sys; from maskwatch.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"


def maskwatch(factory: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "GPIOZERO_PIN_FACTORY": factory},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("factory", "complaints"), [("mock", 0), ("nonsense", 2)])
def test_pins_off_is_light_and_exits_0_whatever_the_pins_say(factory: str, complaints: int) -> None:
    done = maskwatch(factory, "pins-off")
    *lines, modules = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (0, "")
    assert [line.split(":")[0] for line in lines] == ["maskwatch"] * complaints
    assert not {"cv2", "numpy", "ai_edge_litert", "maskwatch.daemon.loop"} & set(modules.split())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_test_alert_that_is_stopped_switches_off_first(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "x.toml").write_text("[outputs.led]\npin = 27\n")
    environment = {**os.environ, "GPIOZERO_PIN_FACTORY": "file", "FILE_PINS": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join([str(FILE_PINS), environment.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "test-alert", "--config", str(tmp_path / "x.toml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdout
    assert process.stdout.readline().startswith(b"led GPIO27")
    while not [edge.level for edge in file_pins.edges(tmp_path)][1:]:
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert [edge.level for edge in file_pins.edges(tmp_path)] == [0, 1, 0]
    process.stdout.close()


def test_test_alert_without_pins_is_one_line_and_exit_5() -> None:
    done = maskwatch("nonsense", "test-alert")
    line, _ = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (5, "")
    assert line.startswith("maskwatch: buzzer: GPIO17: no pins on this machine")


def test_test_alert_with_no_output_configured_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("")
    done = maskwatch("mock", "test-alert", "--config", path)
    assert (done.returncode, done.stdout) == (0, "no output in the config: nothing to play\n")
