"""The proof's pictures as SVG: how far scores drifted, figures by threshold, every layer's error. No photograph."""

from __future__ import annotations

import io
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
    "float32": "black",
    "float16": "tab:green",
    "dynamic": "tab:orange",
    "int8": "tab:blue",
    "int16x8": "tab:purple",
}


def drift(part: dict[str, Any]) -> str:
    """Histograms of score minus float score, a row for each variant, counts on a logarithmic axis."""
    figures = {name: each["drift"] for name, each in part["figures"].items() if each.get("drift", {}).get("n")}
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(
            max(1, len(figures)), 1, figsize=(7, 0.7 + 1.1 * max(1, len(figures))), sharex=True, squeeze=False
        )
        for axis, (name, found) in zip(axes[:, 0], figures.items(), strict=False):
            axis.stairs(found["histogram"], BINS, fill=True, color=COLOURS[name])
            axis.set(yscale="log", ylim=(0.5, None), ylabel=name)
        axes[-1, 0].set(xlabel=f"score minus float score (the ends hold all beyond ±{BINS[-1]:g})")
        return _svg(figure)


def curves(part: dict[str, Any]) -> str:
    """Both figures by threshold: float dashed, the others drawn through."""
    measures = [name for name in part["curves"][REFERENCE] if name != "threshold"]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(measures), figsize=(7, 2.9))
        for axis, measure in zip(axes, measures, strict=True):
            for name, curve in part["curves"].items():
                style = "--" if name == REFERENCE else "-"
                axis.plot(curve["threshold"], curve[measure], style, label=name, color=COLOURS[name], linewidth=1.2)
            axis.set(xlabel="threshold", ylabel=f"{measure}, %", ylim=_between(part["curves"], measure))
        axes[0].legend()
        return _svg(figure)


def _between(curves: dict[str, Any], measure: str) -> tuple[float, float]:
    """The range of what happens between the two ends, where every curve falls from all to nothing."""
    inner = [value for curve in curves.values() for value in curve[measure][len(curve[measure]) // 20 + 1 : -1]]
    return max(-1.0, min(inner) - 0.5), min(101.0, max(inner) + 0.5)


def layers(variants: dict[str, Any]) -> str:
    """Signal to noise of every layer, in the order they run."""
    known = {name: each["layers"] for name, each in variants.items() if each["layers"]}
    with mpl.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 2.9))
        for name, found in known.items():
            values = np.array([layer["sqnr_db"] for layer in found])
            axis.plot(values, marker=".", markersize=3, linewidth=1, label=name, color=COLOURS[name])
        axis.set(xlabel="layer, in the order they run", ylabel="signal to noise, dB", ylim=(0, 80))
        if known:
            axis.legend()
        return _svg(figure)


def _svg(figure: Figure) -> str:
    """Only the element: it is set into a page. No date, so that the same figures give the same bytes."""
    figure.tight_layout()
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]
