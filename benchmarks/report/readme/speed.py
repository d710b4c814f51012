"""Tables of times and memory, by board."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from benchmarks import records
from benchmarks.daemon import pipeline as whole
from benchmarks.daemon import soak as endurance
from benchmarks.networks import doubts, figures, run
from benchmarks.records import spread
from benchmarks.report.readme import tables
from benchmarks.report.readme.tables import interval, markdown, of_boards
from maskwatch.records.board import OfDaemon
from maskwatch.records.speed import Device, Models, Pipeline, Soak

# Each table takes records of its kind; None: the committed records of all boards.
Daemon = TypeVar("Daemon", bound=OfDaemon)


def starts(found: Sequence[Device] | None = None) -> str:
    """Time to the first verdict, and memory, by board."""
    rows = []
    for record in of_boards(Device, "device") if found is None else found:
        seconds = [
            [start.import_s for start in record.starts],
            [start.models_s for start in record.starts],
            [start.first_verdict_s for start in record.starts],
        ]
        rows.append(
            (
                f"{record.host.board} ({record.host.machine}, {record.host.cores} cores)",
                *(f"{interval(values)} s" for values in seconds),
                f"{interval([start.peak_rss_mb for start in record.starts], 0)} MB",
            )
        )
    return markdown(("board", "imports", "models opened", "process start to first verdict", "peak memory"), rows)


def frame(found: Sequence[Device] | None = None) -> str:
    """The stages of a frame in which somebody is judged, and the total of a frame in which nobody is, by board."""
    rows = []
    for record in of_boards(Device, "device") if found is None else found:
        stages = {name: values[1:] for name, values in record.frames_ms.items()}  # the first frame warms up
        frames = [dict(zip(stages, values, strict=True)) for values in zip(*stages.values(), strict=True)]
        judged = [frame for frame in frames if frame["classify"]]
        others = [sum(frame.values()) for frame in frames if not frame["classify"]]
        times = {name: [frame[name] for frame in judged] for name in stages}
        times["total"] = [sum(frame.values()) for frame in judged]
        times |= {"total, nobody judged": others} if others else {}
        rows += [
            (record.host.board, name, len(values), *(f"{value:.2f}" for value in spread(values)))
            for name, values in times.items()
        ]
    return markdown(("board", "stage", "frames", "median ms", "p10", "p90"), rows)


def models(found: Sequence[Models] | None = None) -> str:
    """Models timed in turns on one thread, by board, with ratios to the study's network and to YuNet."""
    rows = []
    for record in of_boards(Models, "models") if found is None else found:
        medians = {model.name: spread(model.ms)[0] for model in record.models}
        for model in record.models:
            middle, low, high = spread(model.ms)
            against = record.against.get(model.name)
            ratio = f"{middle / medians[against]:.2f} × {against}" if against else "–"
            size = f"{model.bytes / 1e6:.2f} MB"
            rows.append(
                (
                    record.host.board,
                    model.name,
                    f"{model.input_size} px",
                    size,
                    f"{middle:.2f} ({low:.2f}–{high:.2f}) ms",
                    ratio,
                )
            )
    return markdown(("board", "model", "input", "file", "median (p10–p90)", "ratio"), rows)


def quantized() -> str:
    """A table for each board, the most trustworthy first: every network's variants on the fewest threads measured, with
    a column for each runtime.
    """
    found = records.of_boards(tables.ROOT / "benchmarks/results", run.KIND, run.SCHEMA)
    return "\n\n".join(map(_variants, sorted(found, key=doubts.rank)))


def _variants(record: Mapping[str, Any]) -> str:
    """One board's table: milliseconds, and the ratio to float32."""
    found = figures.measured(record)
    fewest, ratios = min((key[3] for key in found), default=1), figures.against_float(found)
    runtimes = {figure_.key[2]: f"{figure_.key[2]} {figure_.version}" for figure_ in found.values()}
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for key, figure_ in found.items():
        model, variant, runtime, threads = key
        if threads == fewest:
            ratio = f", {ratios[key]:.2f} ×" if key in ratios else ""
            cells.setdefault((model, variant), {})[runtime] = (
                f"{figure_.p50:.2f} ({figure_.p10:.2f}–{figure_.p90:.2f}) ms{ratio}"
            )
    rows = [
        (*name, *(cells[name].get(runtime, "–") for runtime in runtimes)) for name in sorted(cells, key=_by_variant)
    ]
    return markdown((record["host"]["board"], "variant", *runtimes.values()), rows)


def _by_variant(name: tuple[str, str]) -> tuple[str, int]:
    return name[0], run.VARIANTS.index(name[1])


def pipeline(found: Sequence[Pipeline] | None = None) -> str:
    """The whole daemon by the number of faces, and the latency from camera to pin, by board."""
    return _by_board(whole.TABLES, of_boards(Pipeline, "pipeline") if found is None else found)


def soak(found: Sequence[Soak] | None = None) -> str:
    """Half an hour on a looped clip, by board."""
    return _by_board((endurance.TABLE,), of_boards(Soak, "soak") if found is None else found)


def _by_board(
    tables: Sequence[tuple[str, Callable[[Daemon], Iterable[Sequence[object]]]]], found: Sequence[Daemon]
) -> str:
    """Tables of (head, a record -> its rows), with a column for the board."""
    return "\n\n".join(
        markdown(
            ["board", *head.split("|")],
            [(record.host.board, *row) for record in found for row in rows(record)],
        )
        for head, rows in tables
    )
