"""The committed runs as a page to look at: index.html, report.md and their pictures. Needs extra `train`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import host, records
from benchmarks.networks import doubts, figures, run
from benchmarks.networks.figures import Figure
from benchmarks.report import published, verdict
from benchmarks.report.accuracy import Accuracy
from maskwatch.errors import MaskwatchError

try:
    import jinja2

    from benchmarks.report import charts
except ModuleNotFoundError as missing:
    raise MaskwatchError(f"report: {missing.name} is not installed; pip install -e '.[train]'") from missing

TEMPLATES = Path(__file__).parent / "templates"
PAGES = ("index.html", "report.md")
PIPELINE = "pipeline.json"


@dataclass(frozen=True, slots=True)
class Board:
    """All that is told of one board."""

    record: Mapping[str, Any]
    found: list[Figure]
    missing: list[tuple[figures.Key, str]]
    doubts: list[str]
    verdicts: list[verdict.Verdict]
    slowest: dict[str, list[tuple[str, int, float, float]]]  # model/variant, runtime -> operators
    faces: dict[int, list[float]]  # faces in view -> ms a frame, by turn
    pictures: dict[str, str]  # what it shows -> file beside the page

    @property
    def name(self) -> str:
        return str(self.record["host"]["board"])


def write(results: Path, folder: Path, accuracy: Mapping[tuple[str, str], Accuracy]) -> list[Path]:
    """Make the page of results/*/run.json anew.

    Args:
        results: a folder for each board.
        folder: where the page goes.
        accuracy: (model, variant) -> what it gets right; may be empty.

    Raises:
        MaskwatchError: there is no run, or one is not in its board's folder.
    """
    found = records.of_boards(results, run.KIND, run.SCHEMA)
    if not found:
        raise MaskwatchError(f"report: no run.json under {results}; make one with `python -m benchmarks run`")
    folder.mkdir(parents=True, exist_ok=True)
    boards = [board(record, results, folder, accuracy) for record in found]
    charts.outside({each.name: _chosen(each.found) for each in boards}, published.FIGURES, folder / "outside.png")
    for page in PAGES:
        _replace(folder / page, rendered(page, boards))
    return [folder / page for page in PAGES]


def board(
    record: Mapping[str, Any], results: Path, folder: Path, accuracy: Mapping[tuple[str, str], Accuracy]
) -> Board:
    """One board's part, its pictures drawn."""
    slug = host.slug(record["host"]["board"])
    found = list(figures.measured(record).values())
    verdicts, crowds = verdict.of(record), crowded(results / slug / PIPELINE, record["host"]["board"])
    slowest = {
        "{}/{} on {}, threads: {}".format(*figures.key(row)): rows
        for row in record["rows"]
        if (rows := figures.operators(row))
    }
    judged = [(each, accuracy[each.key[:2]]) for each in _comparable(found) if each.key[:2] in accuracy]
    pictures = {}
    if found:
        pictures["quantized against float"] = _drawn(folder / f"{slug}-bars.png", charts.bars, found)
    if judged:
        pictures["accuracy against time"] = _drawn(folder / f"{slug}-pareto.png", charts.pareto, judged)
    if crowds:
        pictures["time by faces in view"] = _drawn(folder / f"{slug}-faces.png", charts.faces, crowds)
    for each in verdicts:
        if each.floating and each.quantized:
            name = f"{each.change.key[0]}: float32 and {each.change.key[1]}, kernel by kernel"
            place = folder / f"{slug}-{host.slug('-'.join(map(str, each.change.key)))}-kernels.png"
            pictures[name] = _drawn(
                place, charts.kernels, each.floating, each.quantized, (figures.FLOAT, each.change.key[1])
            )
    gone = list(figures.missing(record).items())
    return Board(record, found, gone, doubts.of(record), verdicts, slowest, crowds, pictures)


def crowded(path: Path, board: str) -> dict[int, list[float]]:
    """Faces in view -> the daemon's milliseconds a frame, from `benchmarks pipeline`; empty without it.

    Raises:
        MaskwatchError: it is of another board.
    """
    if not path.exists():
        return {}
    record = records.load(path, "pipeline", 1)
    if record["host"]["board"] != board:
        raise MaskwatchError(
            f"record {path}: measured on {record['host']['board']}, expected {board}; boards are not mixed"
        )
    return {crowd["faces"]: crowd["turns"]["daemon_ms"] for crowd in record["crowds"]}


def rendered(page: str, boards: list[Board]) -> str:
    """A page's text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=page.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["ms"] = lambda value: f"{value:.2f}"
    environment.filters["percent"] = lambda value: f"{100 * value:.0f} %"
    template = environment.get_template(f"{page}.j2")
    text: str = template.render(boards=boards, outside=published.FIGURES, spread=records.spread)
    return text


def _comparable(found: list[Figure]) -> list[Figure]:
    """One point for each model and variant: the device's runtime, the fewest threads."""
    chosen = [each for each in found if each.key[2] == "ai-edge-litert"]
    least = min((each.key[3] for each in chosen), default=1)
    return [each for each in chosen if each.key[3] == least]


def _chosen(found: list[Figure]) -> list[Figure]:
    """float32 and int8 of them, to stand beside what others published."""
    return [each for each in _comparable(found) if each.key[1] in (figures.FLOAT, "int8")]


def _drawn(path: Path, draw: Any, *arguments: object) -> str:
    draw(*arguments, path)
    return path.name


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.replace(path)
