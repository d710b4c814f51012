"""The pictures of a run: curves, confusion matrix, reliability, thresholds, candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from maskwatch.system import whole_file

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

from training.judging import wilson
from training.judging.calibration import Bin, Point

FEW = 20  # faces: a bin with fewer is uncertain, and the line leaves it out


def curves(history: dict[str, list[float]], path: Path) -> None:
    """Each measure by epoch, training and validation on one axis, as a PNG."""
    names = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    figure, axes = plt.subplots(1, len(names), figsize=(5 * len(names), 3.6), squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in history:
                marker = "o" if len(history[key]) == 1 else ""  # a single epoch has no line
                axis.plot(range(1, len(history[key]) + 1), history[key], marker=marker, label=label)
        epochs = max(map(len, history.values()))
        axis.set(title=name.replace("_", " "), xlabel="epoch", xlim=(0.5, epochs + 0.5))
        axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        axis.grid(alpha=0.3)
        axis.legend()
    _save(figure, path)


def confusion(matrix: NDArray[np.int64], labels: tuple[str, ...], path: Path) -> None:
    """Counts by true class (rows) and answer (columns), as a PNG."""
    figure, axis = plt.subplots(figsize=(4.6, 3.8))
    axis.imshow(matrix, cmap="Blues")
    axis.set(xticks=range(len(labels)), xticklabels=labels, yticks=range(len(labels)), yticklabels=labels)
    axis.set(xlabel="answer", ylabel="truth")
    for (row, column), count in np.ndenumerate(matrix):
        axis.text(
            column,
            row,
            f"{count}",
            ha="center",
            va="center",
            color="white" if count > matrix.max() / 2 else "black",
        )
    _save(figure, path)


def reliability(bins: Sequence[Bin], error: float, path: Path) -> None:
    """Share judged right by confidence with its 95 % interval, and the number of faces, as a PNG.

    A bin of fewer than FEW faces is drawn hollow, and the line leaves it out.
    """
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.6, 5.4), sharex=True, height_ratios=(3, 1))
    above.plot((0.5, 1), (0.5, 1), color="grey", linestyle="--", label="as stated")
    large = [bin_ for bin_ in bins if bin_.n >= FEW]
    above.plot([bin_.confidence for bin_ in large], [bin_.right for bin_ in large], color="C0", label="found")
    for bin_ in bins:
        low, high = wilson.interval(round(bin_.right * bin_.n), bin_.n)
        spread = [[max(0.0, bin_.right - low)], [max(0.0, high - bin_.right)]]
        fill = "C0" if bin_.n >= FEW else "white"
        above.errorbar(bin_.confidence, bin_.right, spread, fmt="o", color="C0", mfc=fill, elinewidth=0.8, capsize=2)
    above.set(ylabel="share judged right", title=f"expected calibration error {error:.3f}", ylim=(-0.03, 1.03))
    above.legend(loc="lower right")
    below.bar([bin_.confidence for bin_ in bins], [bin_.n for bin_ in bins], width=0.03)
    below.set(xlabel="confidence", ylabel="faces", yscale="log")
    for axis in (above, below):
        axis.grid(alpha=0.3)
    _save(figure, path)


def operating(points: Sequence[Point], chosen: Point, path: Path) -> None:
    """False alarms and missed people by threshold, in %, as a PNG."""
    figure, axis = plt.subplots(figsize=(5.6, 3.8))
    thresholds = [point.threshold for point in points]
    axis.plot(thresholds, [100 * p.false_alarms / max(1, p.masked) for p in points], label="masked called bare")
    axis.plot(thresholds, [100 * p.missed / max(1, p.bare) for p in points], label="bare called masked")
    axis.axvline(chosen.threshold, color="grey", linestyle="--", label=f"chosen, {chosen.threshold:g}")
    axis.set(xlabel="a face counts as bare from", ylabel="% of those people", ylim=(0, None))
    axis.grid(alpha=0.3)
    axis.legend()
    _save(figure, path)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be shipped."""

    name: str
    ms: float  # of one call
    quality: Mapping[str, Mapping[str, Any]]  # measure -> value, interval95: shares, 0–1


def search(panels: Mapping[str, Sequence[Candidate]], path: Path) -> None:
    """Mistakes of each candidate, in % with their 95 % interval, against its time; a panel for each task; a PNG."""
    figure, axes = plt.subplots(len(panels), 1, figsize=(8, 4.4 * len(panels)), squeeze=False)
    for axis, (task, candidates) in zip(axes[:, 0], panels.items(), strict=True):
        candidates = sorted(candidates, key=lambda candidate: candidate.ms)
        for index, measure in enumerate(candidates[0].quality):
            factor = 1 + 0.01 * index  # so that intervals do not hide each other
            found = [candidate.quality[measure] for candidate in candidates]
            wrong = np.array([100 * (1 - quality["value"]) for quality in found])
            ends = np.array([[100 * (1 - end) for end in quality["interval95"][::-1]] for quality in found]).T
            axis.errorbar(
                [candidate.ms * factor for candidate in candidates],
                wrong,
                yerr=np.abs(ends - wrong),
                fmt="o",
                capsize=3,
                label=measure,
            )
        for candidate in candidates:
            axis.axvline(candidate.ms, color="lightgrey", zorder=0)
            axis.annotate(
                candidate.name,
                (candidate.ms, 1),
                xycoords=("data", "axes fraction"),
                rotation=80,
                fontsize=8,
            )
        axis.set(xlabel="ms on one thread", ylabel=f"{task}: wrong, %", xscale="log", ylim=(0, None))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter("{x:g}")
        axis.grid(alpha=0.3, which="both")
        axis.legend(fontsize=8)
    _save(figure, path)


def gains(rows: Sequence[tuple[str, float, tuple[float, float]]], label: str, path: Path) -> None:
    """Each change's name, gain and interval, one below the other, as a PNG; `label`: what is gained, and its unit."""
    figure, axis = plt.subplots(figsize=(8.5, 1.2 + 0.34 * len(rows)))
    for place, (_, gain, (low, high)) in enumerate(rows):
        axis.errorbar(gain, place, xerr=[[max(0.0, gain - low)], [max(0.0, high - gain)]], fmt="o", color="C0")
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.set(yticks=range(len(rows)), yticklabels=[name for name, *_ in rows], ylim=(len(rows) - 0.5, -0.5))
    axis.set_xlabel(label)
    axis.grid(axis="x", alpha=0.3)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    with whole_file.beside(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", bbox_inches="tight")  # room for long labels
    plt.close(figure)
