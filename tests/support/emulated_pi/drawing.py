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


CLOSE = 0.005  # of the drawing's width: marks that are closer together are one


@dataclass(frozen=True)
class Mark:
    """What happened at a moment."""

    time: float  # seconds since power came, by the board's timer
    text: str


def draw(levels: Levels, marks: Sequence[Mark], span: tuple[float, float], path: Path, title: str) -> None:
    """A PNG: a row a pin, low or high, and a line at each mark. Beside it a CSV with the same.

    Args:
        span: where the drawing begins and ends, in seconds since power came.
    """
    _write(levels, path.with_suffix(".csv"))
    figure, axes = plt.subplots(figsize=(11, 1.1 + 0.8 * len(levels.pins) + 0.5))
    for row, (name, pin) in enumerate(reversed(levels.pins.items())):
        times = [change.time for change in levels.changes] + [span[1]]
        states = [row + 0.6 * change.high(pin) for change in levels.changes]
        axes.step(times, [*states, states[-1]], where="post", color=COLOURS.get(name, "#1d4ed8"), linewidth=1.4)
    _mark(axes, _joined(marks, (span[1] - span[0]) * CLOSE), len(levels.pins))
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


def _write(levels: Levels, path: Path) -> None:
    """A row a change: seconds since power came, and 0 or 1 of each pin."""
    rows = [["seconds", *(f"{name}_GPIO{pin}" for name, pin in levels.pins.items())]]
    rows += [
        [f"{change.time:.3f}", *(str(int(change.high(pin))) for pin in levels.pins.values())]
        for change in levels.changes
    ]
    path.write_text("".join(",".join(row) + "\n" for row in rows))


def _joined(marks: Sequence[Mark], apart: float) -> list[Mark]:
    """Marks that would be drawn over each other become one: from the first to the last of them."""
    groups: list[list[Mark]] = []
    for mark in marks:
        if groups and mark.time - groups[-1][-1].time < apart:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    texts = [group[0].text if len(group) == 1 else f"{group[0].text} … {group[-1].text}" for group in groups]
    return [Mark(group[0].time, text) for group, text in zip(groups, texts, strict=True)]


def _mark(axes: plt.Axes, marks: Sequence[Mark], rows: int) -> None:
    for count, mark in enumerate(marks):
        axes.axvline(mark.time, color="#64748b", linewidth=0.8, linestyle=":")
        axes.text(mark.time, rows + 0.05 + 0.22 * (count % 3), f" {mark.text}", fontsize=8, color="#334155")
    axes.set_ylim(-0.15, rows + 0.75)
