"""The table of figures as one picture: a panel for each kind of figure, and a mark with an interval for each system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from maskwatch.system import whole_file
from training.strangers import measures
from training.strangers.measures import Row
from training.strangers.targets import TARGETS, Target

COLOURS = ("#9ca3af", "#059669", "#1d4ed8", "#f59e0b", "#be185d", "#7c3aed", "#0891b2", "#92400e")
INK = "#111827"
STYLE = {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
PANELS = ("faces found", "masks worn wrong, flagged", "mistakes: fewer is better", "whole pictures and crops")


def draw(rows: Sequence[Row], names: Sequence[str], place: Path) -> None:
    """Write a PNG; the file is replaced at once or not at all."""
    groups = {
        title: [target for target in TARGETS if title_of(target) == title and _of(target, rows)] for title in PANELS
    }
    drawn = {title: group for title, group in groups.items() if group}
    systems = [name for name in names if any(row.system == name and not row.about.startswith("float") for row in rows)]
    with mpl.rc_context(STYLE):
        canvas = Canvas(
            figsize=(9.5, 1.0 + 0.4 * sum(map(len, drawn.values())) + 0.5 * len(drawn)), layout="constrained"
        )
        heights = [len(group) for group in drawn.values()]
        panels = canvas.subplots(len(drawn), 1, squeeze=False, height_ratios=heights)[:, 0]
        for panel, (title, group) in zip(panels, drawn.items(), strict=True):
            _panel(panel, group, rows, systems)
            panel.set_title(title, loc="left", fontweight="bold")
        handles = [
            Line2D([], [], color=_colour(systems, name), marker="o", linestyle="", label=name) for name in systems
        ]
        handles.append(Line2D([], [], color=INK, marker="|", linestyle="", markersize=11, label="target"))
        canvas.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
        with whole_file.beside(place) as temporary:
            canvas.savefig(temporary, dpi=110, format="png")


def title_of(target: Target) -> str:
    """The panel of a target; empty for a target that is only in the table."""
    if target.about.startswith("float"):
        return ""
    if target.most or target.measure in (measures.MASKED_BARE, measures.BARE_MASKED):
        return PANELS[2]
    if target.measure == measures.WORN_WRONG:
        return PANELS[1]
    return PANELS[0] if target.about == "faces" else PANELS[3]


def _of(target: Target, rows: Sequence[Row]) -> list[Row]:
    key = (target.about, target.source, target.measure)
    return [row for row in rows if (row.about, row.source, row.measure) == key and row.interval95]


def _panel(panel: Axes, group: Sequence[Target], rows: Sequence[Row], names: Sequence[str]) -> None:
    """A line for each target, with its systems next to each other."""
    for place, target in enumerate(group):
        found = _of(target, rows)
        for row in found:
            offset = (names.index(row.system) / max(1, len(names) - 1) - 0.5) * 0.66
            low, high = row.interval95 or (0.0, 0.0)
            colour = _colour(names, row.system)
            panel.plot((low, high), (place + offset,) * 2, color=colour, linewidth=1)
            panel.plot(row.value, place + offset, "o", color=colour, markersize=3.5)
        if target.bound is not None:
            panel.plot((target.bound,) * 2, (place - 0.45, place + 0.45), color=INK, linewidth=1.4)
    panel.set_yticks(range(len(group)), map(_named, group))
    panel.set(ylim=(len(group) - 0.5, -0.5))
    panel.grid(axis="x", alpha=0.3)


def _named(target: Target) -> str:
    """The text beside a target's line."""
    how = target.about.partition(": ")[2]
    return f"{target.source}{f', {how}' if how else ''}: {target.measure}"


def _colour(names: Sequence[str], name: str) -> str:
    return COLOURS[list(names).index(name) % len(COLOURS)]
