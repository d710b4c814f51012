"""The proof's plots as SVG: drift of the scores, figures by threshold, every layer's error. No photograph."""

from __future__ import annotations

import io
import math
from typing import Any

import matplotlib as mpl
import numpy as np

from convert.intervals import BINS
from convert.recipe import REFERENCE

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

STYLE = {"svg.hashsalt": "maskwatch", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}
COLOURS = {
    "float32": "#6b7280",
    "float16": "#60a5fa",
    "dynamic": "#f59e0b",
    "int8": "#059669",
    "int16x8": "#be185d",
}
WIDE = 7.5  # inches


def drift(part: dict[str, Any]) -> str:
    """Histograms of score minus float score, a row for each variant, counts on a logarithmic axis."""
    figures = {name: each["drift"] for name, each in part["figures"].items() if each.get("drift", {}).get("n")}
    rows = max(1, len(figures))
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, 1, figsize=(WIDE, 0.7 + 1.1 * rows), sharex=True, squeeze=False, layout="constrained"
        )
        for axis, (name, found) in zip(axes[:, 0], figures.items(), strict=False):
            axis.stairs(found["histogram"], BINS, fill=True, color=COLOURS[name])
            axis.set(yscale="log", ylim=(0.5, None))
            axis.set_title(name, loc="left", fontsize=9)
            axis.yaxis.set_major_formatter(lambda count, _: f"{count:g}")
        figure.supylabel("how many", fontsize=9)
        axes[-1, 0].set(xlabel=f"score minus float score (the ends hold all beyond ±{BINS[-1]:g})")
        return _svg(figure)


def curves(part: dict[str, Any]) -> str:
    """Both figures by threshold: float dashed, the other variants solid."""
    measures = [name for name in part["curves"][REFERENCE] if name != "threshold"]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(measures), figsize=(WIDE, 3.2), layout="constrained")
        for axis, measure in zip(axes, measures, strict=True):
            for name, curve in part["curves"].items():
                style = "--" if name == REFERENCE else "-"
                axis.plot(
                    curve["threshold"], _told(curve, measure), style, label=name, color=COLOURS[name], linewidth=1.2
                )
            axis.set(xlabel="threshold", ylabel=f"{measure}, %", ylim=_between(part["curves"], measure))
        _legend(figure, axes[0])
        return _svg(figure)


def _between(curves: dict[str, Any], measure: str) -> tuple[float, float]:
    """The range of the plot between the two ends, where every curve falls from everything to nothing."""
    inner = [value for curve in curves.values() for value in _told(curve, measure)[len(curve[measure]) // 20 + 1 : -1]]
    known = [value for value in inner if not math.isnan(value)] or [0.0, 100.0]
    return max(-1.0, min(known) - 0.5), min(101.0, max(known) + 0.5)


def _told(curve: dict[str, Any], measure: str) -> list[float]:
    """The values, with a gap where nothing is reported: there is no precision then, and 0 would be wrong."""
    if measure != "precision":
        return list(curve[measure])
    pairs = zip(curve[measure], curve["recall"], strict=True)
    return [value if recall or value else math.nan for value, recall in pairs]


def layers(variants: dict[str, Any]) -> str:
    """Signal-to-noise ratio of every layer, in the order of execution."""
    known = {name: each["layers"] for name, each in variants.items() if each["layers"]}
    with mpl.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(WIDE, 3.2), layout="constrained")
        for name, found in known.items():
            values = np.array([layer["sqnr_db"] for layer in found])
            axis.plot(values, marker=".", markersize=3, linewidth=1, label=name, color=COLOURS[name])
        lowest = min((layer["sqnr_db"] for found in known.values() for layer in found), default=0.0)
        axis.set(xlabel="layer, in the order they run", ylabel="signal to noise, dB", ylim=(min(0.0, lowest), None))
        if known:
            _legend(figure, axis)
        return _svg(figure)


def _legend(figure: Figure, axis: Any) -> None:
    """A legend above the plot, where it hides no curve."""
    handles, names = axis.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=len(names), frameon=False)


def _svg(figure: Figure) -> str:
    """The svg element alone, to be embedded in a page. It has no date, so the same figures give the same bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]
