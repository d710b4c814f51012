"""What the page shows about each board: networks, quality against time, faces in view. Writes plots beside the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import host
from benchmarks.networks import doubts, figures
from benchmarks.networks.figures import Figure
from benchmarks.report import charts, verdict
from benchmarks.report.accuracy import MEASURES, Accuracy
from maskwatch.errors import MaskwatchError
from maskwatch.records.speed import Pipeline

PIPELINE = "pipeline.json"
BARS = "quantized against float: median of all calls, whiskers from p10 to p90; each runtime has its own scale"
Judged = Mapping[tuple[str, str], Accuracy]  # network, variant -> quality


@dataclass(frozen=True, slots=True)
class Network:
    """What the page shows about one network on one board."""

    name: str
    found: list[Figure]
    missing: dict[tuple[str, str, str], list[int]]  # variant, runtime, reason -> threads
    verdicts: list[verdict.Verdict]
    slowest: dict[str, list[tuple[str, int, float, float]]]  # variant, runtime, threads -> operators
    pictures: dict[str, str]  # what it shows -> file beside the page


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """Quality against time on one board, for the networks with the same measure of quality."""

    measure: str  # in words
    points: list[tuple[Figure, Accuracy]]  # the quickest first
    best: set[figures.Key]  # those that no other beats in both quality and time
    picture: str


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows about one board."""

    record: Mapping[str, Any]
    doubts: list[str]
    networks: list[Network]
    tradeoffs: list[Tradeoff]
    faces: dict[int, list[float]]  # faces in view -> ms a frame, by turn
    faces_picture: str

    @property
    def name(self) -> str:
        return str(self.record["host"]["board"])

    @property
    def verdicts(self) -> dict[str, dict[tuple[str, int], verdict.Verdict]]:
        """Network -> runtime and threads -> whether int8 is quicker, for networks measured in both."""
        judged = [network for network in self.networks if network.verdicts]
        return {network.name: {each.change.key[2:]: each for each in network.verdicts} for network in judged}

    @property
    def ways(self) -> list[tuple[str, int]]:
        """Runtimes and threads for which any network has a verdict."""
        return list(dict.fromkeys(way for by_way in self.verdicts.values() for way in sorted(by_way)))


def board(record: Mapping[str, Any], results: Path, folder: Path, accuracy: Judged) -> Board:
    """The part of the page about one board.

    Raises:
        MaskwatchError: its pipeline.json is of another board.
    """
    name = record["host"]["board"]
    start = folder / host.slug(name)
    crowds = crowded(results / host.slug(name) / PIPELINE, name)
    return Board(
        record,
        doubts.of(record),
        networks(record, start),
        tradeoffs(comparable(record), accuracy, start),
        crowds,
        _drawn(f"{start}-faces", charts.faces, crowds) if crowds else "",
    )


def networks(record: Mapping[str, Any], start: Path) -> list[Network]:
    """The networks in the record's order.

    Args:
        record: a run.
        start: of the plots' file names.
    """
    verdicts, found = verdict.of(record), figures.measured(record)
    shown = []
    for name in dict.fromkeys(row["model"] for row in record["rows"]):
        own_figures = sorted((item for item in found.values() if item.key[0] == name), key=_order)
        own_verdicts = [item for item in verdicts if item.change.key[0] == name]
        slowest = {
            "{1} on {2}, threads: {3}".format(*figures.key(row)): rows
            for row in record["rows"]
            if row["model"] == name and (rows := figures.operators(row))
        }
        pictures = _pictures(own_figures, own_verdicts, f"{start}-{host.slug(name)}")
        shown.append(Network(name, own_figures, _missing(name, record), own_verdicts, slowest, pictures))
    return shown


def _pictures(found: list[Figure], verdicts: list[verdict.Verdict], start: str) -> dict[str, str]:
    """A plot of bars, and for each profiled pair of float32 and int8 a plot of its kernels."""
    pictures = {}
    if found:
        pictures[BARS] = _drawn(f"{start}-bars", charts.bars, found)
    for item in verdicts:
        if item.floating and item.quantized:
            _, variant, runtime, threads = item.change.key
            place = f"{start}-{host.slug(f'{runtime}-{threads}')}-kernels"
            drawn = _drawn(place, charts.kernels, item.floating, item.quantized, (figures.FLOAT, variant))
            pictures[f"where the time goes on {runtime} ({threads} thread{'s' * (threads > 1)})"] = drawn
    return pictures


def _missing(name: str, record: Mapping[str, Any]) -> dict[tuple[str, str, str], list[int]]:
    """The combinations without figures; numbers of threads with the same reason are joined."""
    threads: dict[tuple[str, str, str], list[int]] = {}
    for (model, variant, runtime, count), why in figures.missing(record).items():
        if model == name:
            threads.setdefault((variant, runtime, why), []).append(count)
    return threads


def tradeoffs(found: list[Figure], accuracy: Judged, start: Path) -> list[Tradeoff]:
    """One for each measure of quality: classifiers and finders have separate plots."""
    judged = sorted(
        ((figure, accuracy[figure.key[:2]]) for figure in found if figure.key[:2] in accuracy),
        key=lambda point: point[0].p50,
    )
    made = []
    for measure, name in MEASURES.items():
        points = [point for point in judged if point[1].measure == measure]
        if not points:
            continue
        best = charts.front([(figure.p50, quality.value) for figure, quality in points])
        unbeaten = {figure.key for figure, quality in points if (figure.p50, quality.value) in best}
        made.append(Tradeoff(name, points, unbeaten, _drawn(f"{start}-{measure}", charts.pareto, points)))
    return made


def crowded(path: Path, board: str) -> dict[int, list[float]]:
    """Faces in view -> the daemon's milliseconds a frame, from `benchmarks pipeline`; empty without that record.

    Raises:
        MaskwatchError: it is of another board.
    """
    if not path.exists():
        return {}
    record = Pipeline.read(path, "measure again")
    if record.host.board != board:
        raise MaskwatchError(f"record {path}: measured on {record.host.board}, expected {board}; boards are not mixed")
    return {crowd.faces: list(crowd.turns["daemon_ms"]) for crowd in record.crowds}


def comparable(record: Mapping[str, Any]) -> list[Figure]:
    """One figure for each network and variant: on the device's runtime with the fewest threads."""
    chosen = [figure for figure in figures.measured(record).values() if figure.key[2] == "ai-edge-litert"]
    fewest = min((figure.key[3] for figure in chosen), default=1)
    return [figure for figure in chosen if figure.key[3] == fewest]


def _order(figure: Figure) -> tuple[str, int, int]:
    """Sorts by runtime, threads and variant."""
    _, variant, runtime, threads = figure.key
    return runtime, threads, charts.ORDER.index(variant)


def _drawn(place: str, draw: Any, *arguments: object) -> str:
    path = Path(f"{place}.svg")
    draw(*arguments, path)
    return path.name
