"""Computes figures from a run's raw values: percentiles, memory, and how well its rounds agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SINGLE_STREAM = 1024  # calls: MLPerf inference rules, SingleStream, whose figure is the 90th percentile
QUANTIZED = ("int8", "int16x8", "dynamic", "float16")
FLOAT = "float32"

Key = tuple[str, str, str, int]  # model, variant, runtime, threads


@dataclass(frozen=True, slots=True)
class Figure:
    """One combination; times in milliseconds, memory in MB."""

    key: Key
    n: int
    p10: float
    p50: float
    p90: float
    p99: float
    first: float  # median over rounds; so are load and imported
    load: float
    imported: float
    peak_mb: float  # of the whole process, the maximum over rounds
    own_mb: float  # the part of it that was added after the runtime was imported
    round_medians: tuple[float, ...]
    delegate: str
    version: str

    @property
    def spread(self) -> float:
        """p10 to p90 as a share of the median."""
        return (self.p90 - self.p10) / self.p50

    @property
    def drift(self) -> float:
        """The slowest round's median / the quickest round's."""
        return max(self.round_medians) / min(self.round_medians)

    @property
    def single_stream(self) -> float | None:
        """The 90th percentile, as in MLPerf's SingleStream, if there are enough calls."""
        return self.p90 if self.n >= SINGLE_STREAM else None


def key(row: Mapping[str, Any]) -> Key:
    """The combination of a row."""
    return row["model"], row["variant"], row["runtime"], row["threads"]


def name(key: Key) -> str:
    """The combination in words."""
    model, variant, runtime, threads = key
    return f"{model}/{variant} on {runtime}, {threads} thread{'s' * (threads > 1)}"


def rounds(row: Mapping[str, Any]) -> list[list[float]]:
    """Milliseconds of every call, by round."""
    return [[value / 1e3 for value in calls] for calls in row["us"]]


def measured(record: Mapping[str, Any]) -> dict[Key, Figure]:
    """Every combination that has figures, in the record's order."""
    return {key(row): figure(row) for row in record["rows"] if "not_measured" not in row}


def missing(record: Mapping[str, Any]) -> dict[Key, str]:
    """Every combination without figures, and why."""
    return {key(row): row["not_measured"] for row in record["rows"] if "not_measured" in row}


def figure(row: Mapping[str, Any]) -> Figure:
    """The figures of a row with values."""
    by_round = rounds(row)
    values = [value for calls in by_round for value in calls]
    p10, p50, p90, p99 = (float(value) for value in np.percentile(values, (10, 50, 90, 99)))
    peaks = [peak - before for peak, before in zip(row["peak_kb"], row["imported_kb"], strict=True)]
    return Figure(
        key(row),
        len(values),
        p10,
        p50,
        p90,
        p99,
        first=_median_ms(row["first_us"]),
        load=_median_ms(row["load_us"]),
        imported=_median_ms(row["import_us"]),
        peak_mb=max(row["peak_kb"]) / 1024,
        own_mb=max(peaks) / 1024,
        round_medians=tuple(float(np.median(calls)) for calls in by_round),
        delegate=row["delegate"],
        version=row["version"],
    )


def against_float(found: Mapping[Key, Figure]) -> dict[Key, float]:
    """Quantized combination -> its time / the time of the same network in float32 on the same runtime and threads."""
    ratios = {}
    for (model, variant, runtime, threads), figure_ in found.items():
        floating = found.get((model, FLOAT, runtime, threads))
        if variant in QUANTIZED and floating:
            ratios[figure_.key] = figure_.p50 / floating.p50
    return ratios


def operators(row: Mapping[str, Any], count: int = 10) -> list[tuple[str, int, float, float]]:
    """The slowest operators: kind, place in the plan, milliseconds, share of the total. Empty without a profile."""
    rows = row.get("profile", {}).get("operators", [])
    total = sum(us for _, _, us in rows) or 1.0
    slowest = sorted(rows, key=lambda operator: -operator[2])[:count]
    return [(kind, place, us / 1e3, us / total) for kind, place, us in slowest]


def kinds(row: Mapping[str, Any]) -> dict[str, float]:
    """Kind of operator -> its milliseconds in a call, the largest first."""
    spent: dict[str, float] = {}
    for kind, _, us in row.get("profile", {}).get("operators", []):
        spent[kind] = spent.get(kind, 0.0) + us / 1e3
    return dict(sorted(spent.items(), key=lambda kind_and_ms: -kind_and_ms[1]))


def lines(record: Mapping[str, Any]) -> list[str]:
    """A run as a table for the terminal."""
    head = ("model", "runtime", "threads", "load ms", "first", "p50", "p90", "p99", "own MB", "delegate")
    rows = [
        (
            f"{figure_.key[0]}/{figure_.key[1]}",
            f"{figure_.key[2]} {figure_.version}",
            str(figure_.key[3]),
            *(f"{value:.2f}" for value in (figure_.load, figure_.first, figure_.p50, figure_.p90, figure_.p99)),
            f"{figure_.own_mb:.1f}",
            figure_.delegate,
        )
        for figure_ in measured(record).values()
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    not_measured = [f"{key[0]}/{key[1]} on {key[2]}, not measured: {why}" for key, why in missing(record).items()]
    return [*(line.rstrip() for line in table), *dict.fromkeys(not_measured)]


def _median_ms(microseconds: Sequence[float]) -> float:
    return float(np.median(microseconds)) / 1e3
