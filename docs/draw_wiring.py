"""Draw the schematics of docs/wiring.md: `python docs/draw_wiring.py [FOLDER]`, docs/wiring by default.

A test holds these numbers, the table in wiring.md and config.toml together, and draws again to compare.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import schemdraw
import schemdraw.elements as elm

# BCM number -> position on the 40-pin header; the defaults of config.toml and nothing else.
HEADER = {17: 11, 27: 13, 5: 29, 6: 31, 13: 33, 22: 15, 23: 16, 24: 18}
BUZZER, LED, RED, GREEN, BLUE, RELAY, MUTE, TEST = HEADER
# Positions of supply and ground, each near the pins it serves.
SUPPLY = {"3.3 V": 17, "5 V": 2, "5 V relay": 4}
GROUND = {"buzzer": 9, "led": 14, "lamp": 34, "relay": 20, "buttons": 25}
NAMES = {
    BUZZER: "buzzer",
    LED: "led",
    RED: "lamp.red",
    GREEN: "lamp.green",
    BLUE: "lamp.blue",
    RELAY: "relay",
    MUTE: "mute button",
    TEST: "test button",
}


def gpio(pin: int) -> str:
    return f"GPIO{pin}, header {HEADER[pin]}"


def supply(name: str) -> str:
    return f"{name.removesuffix(' relay')}, header {SUPPLY[name]}"


def ground(name: str) -> str:
    return f"GND, header {GROUND[name]}"


def terminal(drawing: schemdraw.Drawing, at: tuple[float, float], text: str) -> None:
    """A place on the Pi's header, to the left of the circuit."""
    drawing += elm.Dot(open=True).at(at).label(text, loc="left", ofst=0.15)


def ends_in_ground(drawing: schemdraw.Drawing, at: tuple[float, float], name: str) -> None:
    drawing += elm.Ground().at(at).label(ground(name), loc="bottom", ofst=0.25)


def led(drawing: schemdraw.Drawing) -> None:
    terminal(drawing, (0, 0), gpio(LED))
    drawing += elm.Resistor().at((0, 0)).right().label("330 Ω")
    drawing += elm.LED().down().label("LED", loc="bottom", ofst=0.35).color("black")
    ends_in_ground(drawing, (3, -3), "led")


def lamp(drawing: schemdraw.Drawing) -> None:
    rows = ((RED, "330 Ω", "red"), (GREEN, "100 Ω", "green"), (BLUE, "100 Ω", "blue"))
    for row, (pin, ohms, colour) in enumerate(rows):
        y = -2.2 * row
        terminal(drawing, (0, y), gpio(pin))
        drawing += elm.Resistor().at((0, y)).right().label(ohms)
        drawing += elm.LED().right().label(colour, loc="bottom", ofst=0.2)
        if row:
            drawing += elm.Dot().at((6, y))
    drawing += elm.Line().at((6, 0)).to((6, -5.4))
    drawing += elm.Label().at((6.2, -1.1)).label("common\ncathode", halign="left", valign="center")
    ends_in_ground(drawing, (6, -5.4), "lamp")


def buzzer(drawing: schemdraw.Drawing, passive: bool) -> None:
    """Low-side switch: 5 V, buzzer with its diode, transistor, ground."""
    signal = f"{gpio(BUZZER)}" + ("\ntone (PWM)" if passive else "")
    terminal(drawing, (0, 0), signal)
    drawing += elm.Resistor().at((0, 0)).right().label("1 kΩ")
    drawing += elm.Dot().at((3, 0))
    drawing += elm.Line().at((3, 0)).to((4.2, 0))
    npn = elm.BjtNpn(circle=True).at((4.2, 0)).anchor("base").label("BC337\n2N2222", loc="right", ofst=0.3)
    drawing += npn
    x, top = npn.collector.x, npn.collector.y
    drawing += elm.Resistor().at((3, 0)).down().label("10 kΩ\npull-down", loc="top", ofst=0.2)
    drawing += elm.Line().at(npn.emitter).to((x, -3))
    drawing += elm.Line().at((3, -3)).to((x, -3))
    drawing += elm.Dot().at((x, -3))
    ends_in_ground(drawing, (x, -3), "buzzer")

    drawing += elm.Line().at((x, top)).to((x, 1.6))
    drawing += elm.Dot().at((x, 1.6))
    low, high = 1.6, 4.6
    kind = "passive\nbuzzer" if passive else "active\nbuzzer, 5 V"
    drawing += elm.RBox().at((x, low)).to((x, high)).label(kind, loc="bottom", ofst=0.35)
    drawing += elm.Label().at((x + 0.15, high - 0.6)).label("+", halign="left", valign="center")
    drawing += elm.Label().at((x + 0.15, low + 0.6)).label("–", halign="left", valign="center")
    drawing += elm.Line().at((x, low)).to((x - 2.2, low))
    drawing += elm.Diode().at((x - 2.2, low)).to((x - 2.2, high)).label("1N4148", loc="top", ofst=0.2)
    drawing += elm.Line().at((x - 2.2, high)).to((x, high))
    drawing += elm.Dot().at((x, high))
    drawing += elm.Line().at((x, high)).to((x, high + 0.8))
    drawing += elm.Dot(open=True).at((x, high + 0.8)).label(supply("5 V"), loc="top", ofst=0.15)


def relay_board(drawing: schemdraw.Drawing) -> schemdraw.elements.Element:
    """The board with what the Pi gives it; what it switches is drawn by others."""
    left = [
        elm.IcPin(name="GND", side="left", anchorname="gnd"),
        elm.IcPin(name="JD-VCC", side="left", anchorname="jd"),
        elm.IcPin(name="VCC", side="left", anchorname="vcc"),
        elm.IcPin(name="IN", side="left", anchorname="in1"),
    ]
    right = [
        elm.IcPin(name="NC", side="right", anchorname="nc"),
        elm.IcPin(name="COM", side="right", anchorname="com"),
        elm.IcPin(name="NO", side="right", anchorname="no"),
    ]
    board = elm.Ic(pins=left + right, size=(4, 5), edgepadH=0.5, pinspacing=1.2)
    drawing += board.label("relay board, active_high = false", loc="top", ofst=0.2)
    for anchor, text in (
        ("in1", gpio(RELAY)),
        ("vcc", supply("3.3 V")),
        ("jd", supply("5 V relay")),
        ("gnd", ground("relay")),
    ):
        at = getattr(board, anchor)
        drawing += elm.Line().at(at).left().length(1)
        terminal(drawing, (at.x - 1, at.y), text)
    return board


def relay(drawing: schemdraw.Drawing) -> None:
    board = relay_board(drawing)
    for anchor, text in (("com", "what is switched"), ("no", "closed in an alert")):
        at = getattr(board, anchor)
        drawing += elm.Line().at(at).right().length(1)
        drawing += elm.Dot(open=True).at((at.x + 1, at.y)).label(text, loc="right", ofst=0.15)


def door(drawing: schemdraw.Drawing) -> None:
    """A 12 V door strike that opens while it has current, with its own supply and its diode."""
    board = relay_board(drawing)
    plus, strike = board.no, board.com  # either contact may have the supply: so no lines cross
    x, low = strike.x + 1.6, strike.y - 4.4
    top, bottom = strike.y - 0.8, low + 0.6
    drawing += elm.Line().at(plus).right().length(4.4)
    drawing += elm.Dot(open=True).at((plus.x + 4.4, plus.y)).label("strike's supply, + 12 V", loc="right", ofst=0.15)
    drawing += elm.Line().at(strike).to((x, strike.y))
    drawing += elm.Line().at((x, strike.y)).to((x, top))
    drawing += elm.RBox().at((x, top)).to((x, bottom)).label("door\nstrike", loc="top", ofst=0.35)
    for y in (top, bottom):
        drawing += elm.Dot().at((x, y))
        drawing += elm.Line().at((x, y)).to((x + 1.4, y))
    drawing += elm.Diode().at((x + 1.4, bottom)).to((x + 1.4, top)).label("1N4007", loc="bottom", ofst=0.2)
    drawing += elm.Line().at((x, bottom)).to((x, low))
    drawing += elm.Line().at((x, low)).to((plus.x + 4.4, low))
    drawing += elm.Dot(open=True).at((plus.x + 4.4, low)).label("strike's supply, –", loc="right", ofst=0.15)


def buttons(drawing: schemdraw.Drawing) -> None:
    for row, (pin, name) in enumerate(((MUTE, "mute"), (TEST, "test"))):
        y = -2.0 * row
        terminal(drawing, (0, y), gpio(pin))
        drawing += elm.Button().at((0, y)).right().label(name, ofst=0.2)
    drawing += elm.Line().at((3, 0)).to((3, -3.2))
    drawing += elm.Dot().at((3, -2))
    ends_in_ground(drawing, (3, -3.2), "buttons")


def header(drawing: schemdraw.Drawing) -> None:
    """The 40 pins from above, with what goes where."""
    words = {HEADER[pin]: f"GPIO{pin} {name}" for pin, name in NAMES.items()}
    words |= {position: name for name, position in SUPPLY.items()}
    words |= {position: f"GND {name}" for name, position in GROUND.items()}
    pitch = 0.75
    drawing += elm.Rect(corner1=(-pitch / 2, pitch / 2), corner2=(1.5 * pitch, -19.5 * pitch))
    for position in range(1, 41):
        row, column = divmod(position - 1, 2)
        word, side = words.get(position, ""), ("left", "right")[column]
        text = f"{position} · {word}" if column else f"{word} · {position}"
        drawing += elm.Dot(open=True).at((column * pitch, -row * pitch)).label(text.strip(" ·"), loc=side, ofst=0.45)


DRAWINGS: dict[str, Callable[[schemdraw.Drawing], None]] = {
    "header": header,
    "led": led,
    "lamp": lamp,
    "buzzer-active": lambda drawing: buzzer(drawing, passive=False),
    "buzzer-passive": lambda drawing: buzzer(drawing, passive=True),
    "relay": relay,
    "door": door,
    "buttons": buttons,
}


def draw(folder: Path) -> None:
    """Write each drawing as folder/NAME.svg, with its words as text."""
    schemdraw.use("svg")
    schemdraw.svgconfig.text = "text"
    for name, circuit in DRAWINGS.items():
        drawing = schemdraw.Drawing(show=False)
        drawing.config(fontsize=12, font="Helvetica, Arial, sans-serif", bgcolor="white", margin=0.7)
        circuit(drawing)
        drawing.save(str(folder / f"{name}.svg"))


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "wiring")
