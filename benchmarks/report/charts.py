"""The report's pictures. Needs extra `train` (matplotlib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Canvas

from benchmarks.networks.figures import Figure
from benchmarks.report.accuracy import Accuracy
from benchmarks.report.published import Outside

COLOURS = {"float32": "#6b7280", "float16": "#60a5fa", "dynamic": "#f59e0b", "int8": "#059669", "int16x8": "#be185d"}
ORDER = tuple(COLOURS)
DPI = 110
WIDTH = 0.16  # of a bar; groups are 1 apart
LEAST_SHARE = 0.01  # of a kind of kernel that is told by name


def bars(found: Sequence[Figure], path: Path) -> None:
    """Quantized against float, a panel for each runtime: medians, p10 to p90 as whiskers, on a logarithm's scale."""
    runtimes = list(dict.fromkeys(each.key[2] for each in found))
    groups = sorted({(each.key[0], each.key[3]) for each in found})
    canvas = Canvas(figsize=(max(7.0, 1.2 + 1.25 * len(groups)), 0.6 + 2.7 * len(runtimes)), layout="constrained")
    axes = canvas.subplots(len(runtimes), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    places = _places(found, groups)
    for panel, runtime in zip(axes, runtimes, strict=True):
        panel.set(title=runtime, ylabel="ms", yscale="log")
        _panel(panel, [each for each in found if each.key[2] == runtime], places)
        panel.set_xticks(range(len(groups)), [f"{model}\n{_threads(count)}" for model, count in groups])
        panel.grid(axis="y", alpha=0.3)
    _plain_ticks(axes[0].yaxis, [value for each in found for value in (each.p10, each.p90)])
    handles = {bar.get_label(): bar for panel in axes for bar in panel.containers if bar.get_label() in COLOURS}
    canvas.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(COLOURS), frameon=False)
    canvas.savefig(path, dpi=DPI)


def _places(found: Sequence[Figure], groups: Sequence[tuple[str, int]]) -> dict[tuple[str, int, str], float]:
    """(model, threads, variant) -> where its bar stands: the same in every panel, a group's bars about its middle."""
    places = {}
    for at, (model, threads) in enumerate(groups):
        here = [each for each in ORDER if any((model, threads, each) == _bar(one) for one in found)]
        for step, variant in enumerate(here):
            places[model, threads, variant] = at + (step - (len(here) - 1) / 2) * WIDTH
    return places


def _bar(figure: Figure) -> tuple[str, int, str]:
    model, variant, _, threads = figure.key
    return model, threads, variant


def _panel(panel: Any, found: Sequence[Figure], places: Mapping[tuple[str, int, str], float]) -> None:
    """One runtime's bars; a variant that was not measured leaves its place empty."""
    for variant in ORDER:
        if drawn := [each for each in found if each.key[1] == variant]:
            panel.bar(
                [places[_bar(each)] for each in drawn],
                [each.p50 for each in drawn],
                WIDTH,
                yerr=([each.p50 - each.p10 for each in drawn], [each.p90 - each.p50 for each in drawn]),
                color=COLOURS[variant],
                label=variant,
                error_kw={"elinewidth": 1, "capsize": 2},
            )


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def pareto(points: Sequence[tuple[Figure, Accuracy]], path: Path) -> None:
    """Accuracy against time: what nothing else beats in both is joined by a line."""
    canvas = Canvas(figsize=(8, 5), layout="constrained")
    axes = canvas.subplots()
    for each, judged in points:
        axes.errorbar(
            each.p50,
            100 * judged.value,
            xerr=[[each.p50 - each.p10], [each.p90 - each.p50]],
            yerr=[[100 * (judged.value - judged.low)], [100 * (judged.high - judged.value)]],
            fmt="o",
            color=COLOURS[each.key[1]],
        )
        axes.annotate(
            f"{each.key[0]}/{each.key[1]}", (each.p50, 100 * judged.value), (5, 5), textcoords="offset points"
        )
    best = front([(each.p50, judged.value) for each, judged in points])
    axes.plot([ms for ms, _ in best], [100 * value for _, value in best], color="#111827", linewidth=1, zorder=0)
    axes.set(xlabel="ms, median (p10–p90)", ylabel="right, % (95 % interval)", xscale="log")
    _plain_ticks(axes.xaxis, [value for each, _ in points for value in (each.p10, each.p90)])
    axes.grid(alpha=0.3)
    canvas.savefig(path, dpi=DPI)


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (time, accuracy): those that nothing quicker or as quick equals in accuracy, the quickest first."""
    kept: list[tuple[float, float]] = []
    for time, value in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or value > kept[-1][1]:
            kept.append((time, value))
    return kept


def faces(crowds: Mapping[int, Sequence[float]], path: Path) -> None:
    """Milliseconds of a frame by the number of faces in it: the median and p10 to p90 of the turns."""
    import numpy as np

    counts = sorted(crowds)
    low, middle, high = np.array([np.percentile(crowds[count], (10, 50, 90)) for count in counts]).T
    canvas = Canvas(figsize=(7, 4), layout="constrained")
    axes = canvas.subplots()
    axes.errorbar(counts, middle, yerr=(middle - low, high - middle), fmt="o-", color=COLOURS["int8"], capsize=3)
    for count, ms, top in zip(counts, middle, high, strict=True):
        axes.annotate(f"{1e3 / ms:.0f}/s", (count, top), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    axes.set(
        ylim=(0, 1.1 * high.max()),
        xlabel="faces in view; above each, frames a second",
        ylabel="ms a frame, median (p10–p90)",
        xticks=counts,
    )
    axes.margins(x=0.15)
    axes.grid(alpha=0.3)
    canvas.savefig(path, dpi=DPI)


def kernels(floating: Mapping[str, float], quantized: Mapping[str, float], names: tuple[str, str], path: Path) -> None:
    """Milliseconds by kind of kernel in two variants of a network."""
    floating, quantized = _with_others(floating, quantized)
    kinds = sorted(floating, key=lambda kind: floating[kind] + quantized[kind])
    canvas = Canvas(figsize=(8, 0.9 + 0.45 * len(kinds)), layout="constrained")
    axes = canvas.subplots()
    for offset, spent, name in ((0.2, floating, names[0]), (-0.2, quantized, names[1])):
        places = [index + offset for index in range(len(kinds))]
        bars = axes.barh(places, [spent[kind] for kind in kinds], 0.38, color=COLOURS[name], label=name)
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set(xlabel="ms in one inference, sum of the kernels' medians")
    axes.margins(x=0.12)
    axes.legend(frameon=False, loc="lower right")
    canvas.savefig(path, dpi=DPI)


def _with_others(*both: Mapping[str, float]) -> list[dict[str, float]]:
    """Kinds that are next to nothing in both, in one row."""
    shares = {
        kind: max(each.get(kind, 0.0) / (sum(each.values()) or 1) for each in both) for one in both for kind in one
    }
    named = [kind for kind, share in shares.items() if share >= LEAST_SHARE]
    rows = [{kind: each.get(kind, 0.0) for kind in named} for each in both]
    if len(named) < len(shares):
        for row, each in zip(rows, both, strict=True):
            row["others"] = sum(ms for kind, ms in each.items() if kind not in named)
    return rows


def outside(ours: Mapping[str, Sequence[Figure]], theirs: Sequence[Outside], path: Path) -> None:
    """Boards side by side: filled is measured here, hollow is published elsewhere and of another network."""
    rows = [(board, each) for board, found in ours.items() for each in found] + [(each.board, each) for each in theirs]
    canvas = Canvas(figsize=(9, 1.0 + 0.3 * len(rows)), layout="constrained")
    axes = canvas.subplots()
    labels = []
    for place, (board, each) in enumerate(reversed(rows)):
        if isinstance(each, Outside):
            axes.plot(each.ms, place, "D", mfc="none", mec=COLOURS[each.variant])
            labels.append(f"{board}: {each.what}, {each.variant} (published, {each.how})")
        else:
            model, variant, runtime, threads = each.key
            axes.plot(each.p50, place, "o", color=COLOURS[variant])
            labels.append(f"{board}: {model}/{variant}, {runtime}, {_threads(threads)}")
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlabel="ms", xscale="log")
    canvas.suptitle("filled: measured here; hollow: published elsewhere, of another network", fontsize=10)
    _plain_ticks(axes.xaxis, [each.ms if isinstance(each, Outside) else each.p50 for _, each in rows])
    axes.grid(axis="x", alpha=0.3)
    canvas.savefig(path, dpi=DPI)


def _plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """1, 2, 5, 10 … instead of powers, on an axis whose scale is a logarithm."""
    low, high = min(values) / 1.5, max(values) * 1.5
    steps = [base * 10.0**power for power in range(-2, 5) for base in (1, 2, 5)]
    axis.set_view_interval(low, high, ignore=True)
    axis.set_ticks([each for each in steps if low <= each <= high])
    axis.set_ticks([], minor=True)
    axis.set_major_formatter(lambda value, _: f"{value:g}")
