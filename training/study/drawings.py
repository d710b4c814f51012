"""The comparison's plots, as SVG. No photograph."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.judging import wilson
from training.judging.plots import FEW

STYLE = {"svg.hashsalt": "maskwatch", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}
WIDE = 9.0  # inches
COLUMNS = 4  # small plots in a row
COLOURS = {"float32": "#1f6feb", "int8": "#d97706"}
PRECISIONS = "AP50, checked"  # of a detector: its panel has its own legend, because it shows two precisions
Result = Mapping[str, Any]


def of(result: Result) -> dict[str, str]:
    """Name -> SVG, for each plot that has data."""
    rows = result["protocols"]["honest"]
    wanted: dict[str, tuple[Any, Callable[[Any], Figure]]] = {
        "accuracy": (rows, accuracy),
        "confusion": (rows, confusion),
        "reliability": (rows, reliability),
        "curves": (result["curves"], curves),
        "study_curves": (result["study_curves"], curves),
        "learning": (result["learning"], learning),
    }
    with mpl.rc_context(STYLE):
        return {name: _svg(draw(content)) for name, (content, draw) in wanted.items() if content}


def accuracy(rows: list[dict[str, Any]]) -> Figure:
    """Wrong answers in %, with Wilson's intervals, and the study's figure."""
    titles = list(dict.fromkeys(row["title"] for row in rows))[::-1]
    figure, axis = plt.subplots(figsize=(WIDE, 1.1 + 0.34 * len(titles)), layout="constrained")
    for row in rows:
        at = titles.index(row["title"]) + (0.14 if row["precision"] == "float32" else -0.14)
        low, high = row["interval95"]
        centre = row["accuracy"]
        bars = [[100 * (centre - low)], [100 * (high - centre)]]
        axis.errorbar(100 * centre, at, xerr=bars, fmt="o", ms=4, capsize=2, color=COLOURS[row["precision"]])
        published = row["published"]["accuracy"]
        if published and row["precision"] == "float32":
            axis.plot(100 * published, at, marker="x", color="#6b7280", ls="")
    for precision, colour in COLOURS.items():
        axis.plot([], [], "o", ms=4, color=colour, label=precision)
    axis.plot([], [], marker="x", color="#6b7280", ls="", label="the study's figure")
    axis.set(yticks=range(len(titles)), yticklabels=titles, xlabel="accuracy on the held-out photographs, %")
    axis.legend(loc="best")
    return figure


def confusion(rows: list[dict[str, Any]]) -> Figure:
    """Counts, rows truth, columns answer, of the float models."""
    floats = [row for row in rows if row["precision"] == "float32"]
    figure, axes = _small(len(floats), 2.0)
    for axis, row in zip(axes, floats, strict=False):
        counts = np.array(row["confusion"])
        counts = counts if counts[:, 2].any() else counts[:, :2]
        axis.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (down, across), count in np.ndenumerate(counts):
            dark = count > counts[down].sum() / 2
            axis.text(across, down, f"{count}", ha="center", va="center", color="white" if dark else "black")
        axis.set(yticks=(0, 1), yticklabels=("masked", "bare"), xticks=range(counts.shape[1]))
        axis.set_xticklabels(("masked", "bare", "no face")[: counts.shape[1]])
        axis.set_title(row["title"], fontsize=9)
        axis.grid(visible=False)
    figure.supylabel("truth", fontsize=9)
    figure.supxlabel("answer", fontsize=9)
    return figure


def reliability(rows: list[dict[str, Any]]) -> Figure:
    """Share right by confidence, with Wilson's intervals. A bin of fewer than FEW photographs is drawn hollow."""
    floats = [row for row in rows if row["precision"] == "float32"]
    figure, axes = _small(len(floats), 2.1)
    for axis, row in zip(axes, floats, strict=False):
        found = row["reliability"]
        axis.plot((0.5, 1), (0.5, 1), color="grey", linestyle="--", linewidth=1)
        for bin_ in found:
            low, high = wilson.interval(round(bin_["right"] * bin_["n"]), bin_["n"])
            bars = [[max(0.0, bin_["right"] - low)], [max(0.0, high - bin_["right"])]]
            fill = "C0" if bin_["n"] >= FEW else "white"
            style = {"fmt": "o", "ms": 4, "color": "C0", "mfc": fill, "elinewidth": 0.7}
            axis.errorbar(bin_["confidence"], bin_["right"], bars, **style)
        axis.set(xlim=(0.48, 1.03), ylim=(-0.03, 1.06))
        axis.set_title(f"{row['title']}: ECE {row['ece']:.3f}", fontsize=9)
    figure.supxlabel("confidence", fontsize=9)
    figure.supylabel("share right", fontsize=9)
    return figure


def curves(found: Mapping[str, Mapping[str, list[float]]]) -> Figure:
    """Accuracy by epoch; a detector's average precisions of the checked scenes; the loss where there is neither."""
    figure, axes = _small(len(found), 2.1)
    for axis, (title, history) in zip(axes, found.items(), strict=False):
        style = {"marker": "o", "ms": 3} if len(history.get("loss", ())) < 6 else {}
        measure, lines = _lines(history)
        for name, label in lines.items():
            axis.plot(range(1, len(history[name]) + 1), history[name], label=label, linewidth=1.2, **style)
        axis.set_title(f"{title}: {measure}", fontsize=9)
        axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        if axis is axes[0] or measure == PRECISIONS:
            axis.legend(fontsize=7)
    figure.supxlabel("epoch", fontsize=9)
    return figure


def _lines(history: Mapping[str, list[float]]) -> tuple[str, dict[str, str]]:
    """What a training's curves show, and the label of each curve."""
    if "val_map50" in history:
        labels = {"val_map50": "with and without mask", "val_face_ap50": "faces"}
        return PRECISIONS, {name: label for name, label in labels.items() if name in history}
    measure = "accuracy" if "val_accuracy" in history else "loss"
    labels = {measure: "learnt from", f"val_{measure}": "checked"}
    return measure, {name: label for name, label in labels.items() if name in history}


def learning(found: Mapping[str, list[dict[str, Any]]]) -> Figure:
    """Accuracy by photographs learnt from, with intervals."""
    figure, axis = plt.subplots(figsize=(WIDE * 0.7, 3.6), layout="constrained")
    for title, points in found.items():
        centres = np.array([100 * point["mean"] for point in points])
        low, high = 100 * np.array([point["interval95"] for point in points]).T
        bars = np.maximum(0, np.stack([centres - low, high - centres]))
        axis.errorbar([point["learnt"] for point in points], centres, yerr=bars, marker="o", capsize=2, label=title)
    axis.set(xscale="log", xlabel="photographs learnt from", ylabel="accuracy, %")
    ticks = sorted({point["learnt"] for points in found.values() for point in points})
    axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.minorticks_off()
    axis.legend(loc="lower right")
    return figure


def _small(count: int, height: float) -> tuple[Figure, list[Any]]:
    """Small plots side by side; unused places of the last row stay empty."""
    rows = -(-count // COLUMNS)
    columns = min(count, COLUMNS)
    size = (WIDE * columns / COLUMNS + 0.6, height * rows + 0.3)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat)


def _svg(figure: Figure) -> str:
    """Only the <svg> element, to be put into a page. It has no date, so that the same figures give the same bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]
