"""Draw how a unit is mounted: `python docs/draw_mounting.py [FILE]`, docs/mounting.svg by default.

The camera's angle down is worked out here: the middle between the ray to the tallest face far away and the ray to the
smallest one nearby. A test holds the drawing and the table of docs/install.md to these numbers.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

NEAR, FAR = 1.0, 3.0  # metres
SMALLEST, TALLEST = 1.15, 1.85  # metres, height of the middle of a face: a child of eight, a tall adult
ACROSS, RATIO = 66.0, 9 / 16  # degrees of a Camera Module 3 across; the frame's height by its width
HEIGHTS = (1.6, 2.0, 2.4)  # metres
DRAWN = 2.0
SCALE, LEFT, FLOOR = 170.0, 70.0, 430.0  # pixels a metre; of the wall; of the floor


@dataclass(frozen=True)
class Mount:
    """A camera on the wall."""

    height: float  # metres
    down: float  # degrees its axis points below level
    needed: float  # degrees from the highest to the lowest face
    up_and_down: float  # degrees that the camera sees

    @property
    def sees_all(self) -> bool:
        """Whether every face from NEAR to FAR is in the picture."""
        return self.needed <= self.up_and_down


def mount(height: float, across: float = ACROSS) -> Mount:
    """At this height, with a lens of this angle across."""
    angles = [
        math.degrees(math.atan2(height - face, distance)) for face in (SMALLEST, TALLEST) for distance in (NEAR, FAR)
    ]
    seen = 2 * math.degrees(math.atan(math.tan(math.radians(across / 2)) * RATIO))
    return Mount(height, (min(angles) + max(angles)) / 2, max(angles) - min(angles), seen)


def _at(metres: float, height: float) -> tuple[float, float]:
    return LEFT + metres * SCALE, FLOOR - height * SCALE


def _line(start: tuple[float, float], end: tuple[float, float], style: str) -> str:
    return f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" {style}/>'


def _text(place: tuple[float, float], words: str, anchor: str = "start") -> str:
    return f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" text-anchor="{anchor}">{words}</text>'


def _person(metres: float, face: float) -> list[str]:
    x, y = _at(metres, face)
    neck, hip, feet = y + 0.16 * SCALE, FLOOR - 0.45 * face * SCALE, FLOOR
    style = 'stroke="#345" stroke-width="5" stroke-linecap="round"'
    return [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{0.12 * SCALE:.1f}" fill="#dde6ee" stroke="#345" stroke-width="2"/>',
        _line((x, neck), (x, hip), style),
        _line((x, hip), (x - 14, feet), style),
        _line((x, hip), (x + 14, feet), style),
    ]


def _ray(made: Mount, degrees: float, length: float, style: str) -> str:
    end = (length * math.cos(math.radians(degrees)), made.height - length * math.sin(math.radians(degrees)))
    return _line(_at(0, made.height), _at(*end), style)


def drawing() -> str:
    """The SVG."""
    made = mount(DRAWN)
    half = made.up_and_down / 2
    camera = _at(0, made.height)
    edge = 'stroke="#b50" stroke-width="1.5" stroke-dasharray="6 5"'
    rows = [
        *(_ray(made, made.down + each, 3.75 if each < 0 else 2.2, edge) for each in (-half, half)),
        _ray(made, made.down, 3.2, 'stroke="#b50" stroke-width="1.5"'),
        *(part for metres, face in ((NEAR, SMALLEST), (2.0, 1.55), (FAR, TALLEST)) for part in _person(metres, face)),
        _line((LEFT, 40), (LEFT, FLOOR), 'stroke="#000" stroke-width="6"'),
        _line((20, FLOOR), (LEFT + 3.7 * SCALE, FLOOR), 'stroke="#000" stroke-width="3"'),
        f'<rect x="{camera[0] - 2:.1f}" y="{camera[1] - 11:.1f}" width="24" height="22" fill="#b50" '
        f'transform="rotate({made.down:.1f} {camera[0]:.1f} {camera[1]:.1f})"/>',
        _line((35, camera[1]), (35, FLOOR), 'stroke="#555"'),
        _text((30, (camera[1] + FLOOR) / 2), f"{made.height:g} m", "end"),
        _text((camera[0] + 30, camera[1] - 16), f"camera, {made.down:.0f}° down"),
        *(_text((_at(metres, 0)[0], FLOOR + 24), f"{metres:g} m", "middle") for metres in (NEAR, 2.0, FAR)),
        *(
            _text((_at(metres, 0)[0] + 30, _at(metres, face)[1] + 5), f"face at {face:g} m")
            for metres, face in ((NEAR, SMALLEST), (FAR, TALLEST))
        ),
    ]
    body = "\n".join(rows)
    ground = '<rect x="-30" y="20" width="790" height="450" fill="#fff"/>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-30 20 790 450" width="790" height="450" '
        f'font-family="sans-serif" font-size="15">\n{ground}\n{body}\n</svg>\n'
    )


def row(made: Mount) -> str:
    """A line of the table in docs/install.md."""
    verdict = "all of them" if made.sees_all else "not the smallest ones nearby"
    return f"| {made.height:.1f} m | {made.down:.0f}° | {made.needed:.0f}° of {made.up_and_down:.0f}° | {verdict} |"


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "mounting.svg"
    path.write_text(drawing())
    print("\n".join(row(mount(height)) for height in HEIGHTS))
