"""The pins over time, drawn as a logic analyser draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from emulated_pi.levels import Levels

COLOURS = {"buzzer": "#c2410c", "led": "#b91c1c", "red": "#b91c1c", "green": "#15803d"}


@dataclass(frozen=True)
class Mark:
    """What happened at a moment."""

    time: float  # seconds since power came, by the board's timer
    text: str


def draw(levels: Levels, marks: Sequence[Mark], span: tuple[float, float], path: Path, title: str) -> None:
    """A PNG: a row a pin, low or high, and a line at each mark.

    Args:
        span: where the drawing begins and ends, in seconds since power came.
    """
    figure, axes = plt.subplots(figsize=(11, 1.1 + 0.8 * len(levels.pins) + 0.5))
    for row, (name, pin) in enumerate(reversed(levels.pins.items())):
        times = [change.time for change in levels.changes] + [span[1]]
        states = [row + 0.6 * change.high(pin) for change in levels.changes]
        axes.step(times, [*states, states[-1]], where="post", color=COLOURS.get(name, "#1d4ed8"), linewidth=1.4)
    _mark(axes, marks, len(levels.pins))
    axes.set_yticks(
        [row + 0.3 for row in range(len(levels.pins))],
        [f"{name}\nGPIO{pin}" for name, pin in reversed(levels.pins.items())],
    )
    axes.set_xlim(*span)
    axes.set_xlabel("seconds since power came, by the board's own timer")
    axes.set_title(title, loc="left", fontsize=11)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, bbox_inches="tight", dpi=80)
    plt.close(figure)


def _mark(axes: plt.Axes, marks: Sequence[Mark], rows: int) -> None:
    for count, mark in enumerate(marks):
        axes.axvline(mark.time, color="#64748b", linewidth=0.8, linestyle=":")
        axes.text(mark.time, rows + 0.05 + 0.22 * (count % 3), f" {mark.text}", fontsize=8, color="#334155")
    axes.set_ylim(-0.15, rows + 0.75)
