"""docs/wiring.md, its drawings and config.toml name the same pins, and the Pi's header has them there."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from gpiozero.pins.mock import MockFactory

from maskwatch import config

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "wiring.md").read_text()
DRAWINGS = sorted((DOCS / "wiring").glob("*.svg"))
NAMES = {  # in header.svg -> in the config
    "buzzer": "outputs.buzzer.pin",
    "led": "outputs.led.pin",
    "lamp.red": "outputs.lamp.red",
    "lamp.green": "outputs.lamp.green",
    "lamp.blue": "outputs.lamp.blue",
    "relay": "outputs.relay.pin",
    "mute button": "buttons.mute.pin",
    "test button": "buttons.test.pin",
}
OF = {  # what each drawing may show, all of it
    "led": {"outputs.led.pin"},
    "lamp": {"outputs.lamp.red", "outputs.lamp.green", "outputs.lamp.blue"},
    "buzzer-active": {"outputs.buzzer.pin"},
    "buzzer-passive": {"outputs.buzzer.pin"},
    "relay": {"outputs.relay.pin"},
    "door": {"outputs.relay.pin"},
    "buttons": {"buttons.mute.pin", "buttons.test.pin"},
}


def shipped() -> dict[str, int]:
    """key -> BCM number of every pin in config.toml, those in sections that are commented out included."""
    text = re.sub(r"^# (?=\[|\w+ = )", "", config.default_path().read_text(), flags=re.MULTILINE)
    table = tomllib.loads(text[text.index("[outputs.buzzer]") : text.index("[power]")])
    settings = config.Settings.model_validate(table)
    return {name if name.count(".") == 2 else f"{name}.pin": pin for name, pin in config.claimed_pins(settings)}


def positions_in_the_config() -> dict[str, int]:
    """The comments' `(header position N)`, by BCM number."""
    found = re.findall(r"= (\d+) +# BCM number \(header position (\d+)\)", config.default_path().read_text())
    return {int(pin): int(position) for pin, position in found}


def table() -> list[list[str]]:
    """The rows of the page's first table."""
    rows = PAGE.split("## Pins")[1].split("## ")[0].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if re.match(r"\| [^-w]", row)]


def words(path: Path) -> list[str]:
    """The text elements of an SVG."""
    texts = ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own file
    return ["\n".join(text.itertext()) for text in texts]


def drawn(name: str) -> dict[str, str]:
    """`GPIO17`, `GND` or `5 V` -> its header position, in a schematic."""
    text = "\n".join(words(DOCS / "wiring" / f"{name}.svg"))
    return dict(re.findall(r"(GPIO\d+|GND|[\d.]+ V), header (\d+)", text))


def test_every_pin_of_the_config_is_in_the_table_once() -> None:
    rows = {row[1].strip("`"): row[2] for row in table()}
    assert rows == {key: f"GPIO{pin}" for key, pin in shipped().items()}
    assert len(table()) == len(rows) == len(NAMES)


def test_table_and_config_name_the_same_header_positions() -> None:
    assert {int(row[2].removeprefix("GPIO")): int(row[3]) for row in table()} == positions_in_the_config()


def test_the_header_of_a_pi_has_them_there() -> None:
    board = MockFactory(revision="c03111").board_info  # a Pi 4B; the 40-pin header is the same on all
    for row in table():
        ((header, pin),) = board.find_pin(row[2])
        assert (header.name, pin.number) == ("J8", int(row[3]))


@pytest.mark.parametrize("row", table(), ids=lambda row: row[1])
def test_ground_and_supplies_are_where_the_table_says(row: list[str]) -> None:
    pins = MockFactory(revision="c03111").board_info.headers["J8"].pins
    assert pins[int(row[4])].name == "GND"
    for volts, position in re.findall(r"([\d.]+) V, (\d+)", row[5]):
        assert pins[int(position)].name == {"5": "5V", "3.3": "3V3"}[volts]


@pytest.mark.parametrize("name", OF)
def test_a_drawing_shows_its_pins_grounds_and_supplies_as_the_table_does(name: str) -> None:
    rows = [row for row in table() if row[1].strip("`") in OF[name]]
    expected = {row[2]: row[3] for row in rows}
    for row in rows:
        expected |= {"GND": row[4]} | {
            f"{volts} V": position for volts, position in re.findall(r"([\d.]+) V, (\d+)", row[5])
        }
    assert drawn(name) == expected


def test_the_header_drawing_shows_every_pin_at_its_place() -> None:
    left_and_right = r"(?:GPIO(\d+) ([\w. ]+) · (\d+))|(?:(\d+) · GPIO(\d+) ([\w. ]+))"
    found = {}
    for text in words(DOCS / "wiring" / "header.svg"):
        if match := re.fullmatch(left_and_right, text.strip()):
            pin, name, left, right, other, name_right = match.groups()
            found[NAMES[name or name_right]] = (int(pin or other), int(left or right))
    positions = positions_in_the_config()
    assert found == {key: (pin, positions[pin]) for key, pin in shipped().items()}


def test_the_page_shows_every_drawing_there_is() -> None:
    assert sorted(re.findall(r"\(wiring/([\w-]+)\.svg\)", PAGE)) == [path.stem for path in DRAWINGS]
    assert {path.stem for path in DRAWINGS} == OF.keys() | {"header"}


def test_every_link_within_the_page_leads_somewhere() -> None:
    titles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    headings = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\(#([\w-]+)\)", PAGE)) <= headings


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_wiring", DOCS / "draw_wiring.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_drawn_again_they_are_the_same(tmp_path: Path) -> None:
    pytest.importorskip("schemdraw", reason="schemdraw, which draws them, is in extra `dev`")
    script().draw(tmp_path)
    for path in DRAWINGS:
        assert (tmp_path / path.name).read_text() == path.read_text(), f"{path.name}: run python docs/draw_wiring.py"
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in DRAWINGS]
