"""The plots of the page. Needs extra `report` (matplotlib)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmarks.networks.figures import Figure
from benchmarks.report.accuracy import MEASURES, Accuracy
from benchmarks.report.published import Outside

COLOURS = {"float32": "#6b7280", "float16": "#60a5fa", "dynamic": "#f59e0b", "int8": "#059669", "int16x8": "#be185d"}
ORDER = tuple(COLOURS)
MARKERS = "osD^vP*X"
INK, PALE = "#111827", "#9ca3af"
STYLE = {"svg.hashsalt": "maskwatch", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
MIN_SHARE = 0.01  # share of the time from which a kind of kernel is named
OTHERS = "others"


def bars(found: Sequence[Figure], path: Path) -> None:
    """One network, quantized and float: medians, with whiskers from p10 to p90.

    A panel for each runtime, starting at zero, with its own scale: one runtime's plain kernels are ten times slower
    than another's, and the plot is to show what quantizing changes on each runtime.
    """
    runtimes = list(dict.fromkeys(figure.key[2] for figure in found))
    counts = sorted({figure.key[3] for figure in found})
    variants = [variant for variant in ORDER if any(variant == figure.key[1] for figure in found)]
    across = 0.5 + max(2.0, 0.34 * len(counts) * (len(variants) + 1))
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(across * len(runtimes), 2.9), layout="constrained")
        panels = canvas.subplots(1, len(runtimes), squeeze=False)[0]
        for panel, runtime in zip(panels, runtimes, strict=True):
            _panel(panel, [figure for figure in found if figure.key[2] == runtime], counts, variants)
            panel.set_title(runtime, fontsize=10)
        panels[0].set_ylabel("ms")
        handles = [Patch(color=COLOURS[variant], label=variant) for variant in variants]
        canvas.legend(handles=handles, loc="outside upper left", ncols=len(variants), frameon=False)
        _save(canvas, path)


def _panel(panel: Any, found: Sequence[Figure], counts: Sequence[int], variants: Sequence[str]) -> None:
    """One runtime's bars, grouped by threads; a variant that was not measured leaves a gap."""
    wide = 1 / (len(variants) + 1)
    for figure in found:
        place = counts.index(figure.key[3]) + (variants.index(figure.key[1]) - (len(variants) - 1) / 2) * wide
        whiskers = [[figure.p50 - figure.p10], [figure.p90 - figure.p50]]
        panel.bar(
            place, figure.p50, wide, yerr=whiskers, color=COLOURS[figure.key[1]], error_kw={"lw": 1, "capsize": 2}
        )
        panel.annotate(
            _digits(figure.p50), (place, figure.p90), (0, 3), textcoords="offset points", ha="center", size=7
        )
    panel.set(ylim=(0, 1.12 * max(figure.p90 for figure in found)), xlim=(-0.5, len(counts) - 0.5))
    panel.set_xticks(range(len(counts)), map(_threads, counts))
    panel.tick_params(axis="x", length=0)
    panel.grid(axis="y", alpha=0.3)


def _digits(ms: float) -> str:
    return f"{ms:.{2 if ms < 10 else 1 if ms < 100 else 0}f}"


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def pareto(points: Sequence[tuple[Figure, Accuracy]], path: Path) -> None:
    """Quality against time: a marker for each network, lines between its variants, rings around unbeaten ones."""
    networks = dict(zip(dict.fromkeys(figure.key[0] for figure, _ in points), itertools.cycle(MARKERS), strict=False))
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.4, 4.4), layout="constrained")
        axes = canvas.subplots()
        for name, marker in networks.items():
            _network(axes, [point for point in points if point[0].key[0] == name], marker)
        best = front([(figure.p50, 100 * judged.value) for figure, judged in points])
        axes.step(*zip(*best, strict=True), where="post", color=INK, lw=1, ls="--", zorder=1)
        axes.plot(*zip(*best, strict=True), "o", ms=14, mfc="none", mec=INK, zorder=4)
        measure = MEASURES[points[0][1].measure]
        axes.set(xlabel="ms, median (p10–p90)", ylabel=f"{measure}, % (95 % interval)", xscale="log")
        _plain_ticks(axes.xaxis, [value for figure, _ in points for value in (figure.p10, figure.p90)])
        axes.grid(alpha=0.3)
        canvas.legend(handles=_key(networks, points), loc="outside right upper", frameon=False)
        _save(canvas, path)


def _network(axes: Any, points: Sequence[tuple[Figure, Accuracy]], marker: str) -> None:
    points = sorted(points, key=lambda point: ORDER.index(point[0].key[1]))
    axes.plot([figure.p50 for figure, _ in points], [100 * judged.value for _, judged in points], color=PALE, lw=1.5)
    for figure, judged in points:
        axes.errorbar(
            figure.p50,
            100 * judged.value,
            xerr=[[figure.p50 - figure.p10], [figure.p90 - figure.p50]],
            yerr=[[100 * (judged.value - judged.low)], [100 * (judged.high - judged.value)]],
            fmt=marker,
            ms=7,
            color=COLOURS[figure.key[1]],
            mec="white",
            elinewidth=0.8,
            zorder=3,
        )


def _key(networks: Mapping[str, str], points: Sequence[tuple[Figure, Accuracy]]) -> list[Any]:
    """The legend: markers for networks, colours for variants, the ring."""
    measured = {figure.key[1] for figure, _ in points}
    return [
        *(Line2D([], [], marker=marker, color=PALE, label=name) for name, marker in networks.items()),
        *(Patch(color=COLOURS[variant], label=variant) for variant in ORDER if variant in measured),
        Line2D([], [], marker="o", ms=10, mfc="none", color=INK, lw=1, ls="--", label="beaten by none"),
    ]


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (time, accuracy) points that no quicker or equally quick point reaches in accuracy, the quickest first."""
    unbeaten: list[tuple[float, float]] = []
    for time, value in sorted(points, key=lambda point: (point[0], -point[1])):
        if not unbeaten or value > unbeaten[-1][1]:
            unbeaten.append((time, value))
    return unbeaten


def faces(crowds: Mapping[int, Sequence[float]], path: Path) -> None:
    """Milliseconds a frame by the number of faces in it: the median and p10 to p90 of the turns."""
    import numpy as np

    counts = sorted(crowds)
    low, middle, high = np.array([np.percentile(crowds[count], (10, 50, 90)) for count in counts]).T
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7, 3.4), layout="constrained")
        axes = canvas.subplots()
        axes.errorbar(counts, middle, yerr=(middle - low, high - middle), fmt="o-", color=COLOURS["int8"], capsize=3)
        for count, ms, top in zip(counts, middle, high, strict=True):
            axes.annotate(f"{1e3 / ms:.0f}/s", (count, top), (0, 5), textcoords="offset points", ha="center", size=8)
        axes.set(
            ylim=(0, 1.15 * high.max()),
            xlabel="faces in view; above each, frames a second",
            ylabel="ms a frame, median (p10–p90)",
            xticks=counts,
        )
        axes.margins(x=0.1)
        axes.grid(alpha=0.3)
        _save(canvas, path)


def kernels(floating: Mapping[str, float], quantized: Mapping[str, float], names: tuple[str, str], path: Path) -> None:
    """Milliseconds by kind of kernel in two variants of a network."""
    floating, quantized = _with_others(floating, quantized)
    kinds = sorted(floating, key=lambda kind: (kind != OTHERS, floating[kind] + quantized[kind]))
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7, 0.9 + 0.4 * len(kinds)), layout="constrained")
        axes = canvas.subplots()
        for offset, spent, name in ((0.2, floating, names[0]), (-0.2, quantized, names[1])):
            places = [index + offset for index in range(len(kinds))]
            drawn = axes.barh(places, [spent[kind] for kind in kinds], 0.38, color=COLOURS[name], label=name)
            axes.bar_label(drawn, fmt="%.2f", padding=3, fontsize=8)
        axes.set_yticks(range(len(kinds)), kinds)
        axes.set(xlabel="ms in one inference, sum of the kernels' medians")
        axes.margins(x=0.12)
        axes.legend(frameon=False, loc="lower right")
        _save(canvas, path)


def _with_others(*both: Mapping[str, float]) -> list[dict[str, float]]:
    """Kinds that take almost no time in both, joined into one row."""
    shares = {
        kind: max(times.get(kind, 0.0) / (sum(times.values()) or 1) for times in both) for one in both for kind in one
    }
    named = [kind for kind, share in shares.items() if share >= MIN_SHARE]
    rows = [{kind: times.get(kind, 0.0) for kind in named} for times in both]
    if len(named) < len(shares):
        for row, times in zip(rows, both, strict=True):
            row[OTHERS] = sum(ms for kind, ms in times.items() if kind not in named)
    return rows


def outside(ours: Mapping[str, Iterable[Figure]], theirs: Iterable[Outside], path: Path) -> None:
    """Rows by board, with float and quantized: filled marks are measured here, hollow ones published elsewhere."""
    measured = _rows(
        (f"{board}: {figure.key[0]}, {figure.key[2]}, {_threads(figure.key[3])}", figure.key[1], figure.p50)
        for board, found in ours.items()
        for figure in found
    )
    published = _rows((f"{other.board}: {other.what}, {other.how}", other.variant, other.ms) for other in theirs)
    rows = [*measured.items(), *published.items()]
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(9.5, 1.1 + 0.26 * len(rows)), layout="constrained")
        axes = canvas.subplots()
        for place, (_, points) in enumerate(rows):
            _dots(axes, place, points, hollow=place >= len(measured))
        axes.axhline(len(measured) - 0.5, color=PALE, lw=0.8, ls=":")
        axes.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
        for label in axes.get_yticklabels()[len(measured) :]:
            label.set(color=COLOURS["float32"], fontstyle="italic")
        axes.set(xlabel="ms", xscale="log", ylim=(len(rows) - 0.5, -0.5))
        _plain_ticks(axes.xaxis, [ms for _, points in rows for ms in points.values()])
        axes.grid(axis="x", alpha=0.3)
        handles = [
            Patch(color=COLOURS[variant], label=variant)
            for variant in ORDER
            if any(variant in points for _, points in rows)
        ]
        handles += [
            Line2D([], [], ls="", marker="o", color=INK, label="measured here"),
            Line2D([], [], ls="", marker="D", mfc="white", mec=INK, label="published elsewhere"),
        ]
        canvas.legend(handles=handles, loc="outside upper right", ncols=len(handles), frameon=False)
        _save(canvas, path)


def _rows(found: Iterable[tuple[str, str, float]]) -> dict[str, dict[str, float]]:
    """(label, variant, ms) -> label -> variant -> ms."""
    rows: dict[str, dict[str, float]] = {}
    for label, variant, ms in found:
        rows.setdefault(label, {})[variant] = ms
    return rows


def _dots(axes: Any, place: int, points: Mapping[str, float], hollow: bool) -> None:
    axes.plot(list(points.values()), [place] * len(points), color=PALE, lw=1, zorder=1)
    for variant, ms in points.items():
        colour = COLOURS[variant]
        axes.plot(ms, place, "D" if hollow else "o", mfc="white" if hollow else colour, mec=colour)


def _plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """Ticks 1, 2, 5, 10 … instead of powers, on a logarithmic axis."""
    low, high = min(values) / 1.2, max(values) * 1.2
    bases = (1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 6, 8)
    steps = [base * 10.0**power for power in range(-2, 5) for base in bases]
    axis.set_view_interval(low, high, ignore=True)
    axis.set_ticks([step for step in steps if low <= step <= high])
    axis.set_ticks([], minor=True)
    axis.set_major_formatter(lambda value, _: f"{value:g}")


def _save(canvas: Canvas, path: Path) -> None:
    """Save without a date, so that the same records give the same bytes."""
    canvas.savefig(path, metadata={"Date": None})
