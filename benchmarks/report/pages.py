"""The committed runs as a page: index.html, report.md, their plots. Needs extra `report`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import host, records
from benchmarks.networks import compare, doubts, figures, run
from benchmarks.report import published
from maskwatch.errors import MaskwatchError

try:
    import jinja2

    from benchmarks.report import boards, charts
except ModuleNotFoundError as missing:
    raise MaskwatchError(f"report: {missing.name} is not installed; pip install -e '.[report]'") from missing

TEMPLATES = Path(__file__).parent / "templates"
PAGES = ("index.html", "report.md")
OUTSIDE = "outside.svg"
PAIR = (figures.FLOAT, "int8")  # shown beside figures that others published


def write(results: Path, folder: Path, accuracy: boards.Judged) -> tuple[list[Path], list[str]]:
    """Write the page of results/*/run.json: the most trustworthy board comes first. A board with worthless figures is
    only named, unless there is no other. A network that was judged but not measured is left out.

    Args:
        results: a folder for each board.
        folder: where the page goes.
        accuracy: (network, variant) -> its quality; may be empty.

    Returns:
        The written files, and the networks that are left out.

    Raises:
        MaskwatchError: there is no run, one is in another board's folder, or none of the judged networks was measured.
    """
    found = records.of_boards(results, run.KIND, run.SCHEMA)
    if not found:
        raise MaskwatchError(f"report: no run.json under {results}; make one with `python -m benchmarks run`")
    measured = {row["model"] for record in found for row in record["rows"]}
    left_out = sorted({network for network, _ in accuracy} - measured)
    accuracy = {key: quality for key, quality in accuracy.items() if key[0] in measured}
    if left_out and not accuracy:
        raise MaskwatchError(
            f"report: proof of {left_out[0]}, which was not measured; expected {', '.join(sorted(measured))}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    hidden = {record["host"]["board"]: why for record in found if (why := doubts.worthless(record))}
    if len(hidden) == len(found):
        hidden = {}
    for name in hidden:
        for picture in folder.glob(f"{host.slug(name)}-*.svg"):
            picture.unlink()
    shown = sorted((record for record in found if record["host"]["board"] not in hidden), key=doubts.rank)
    shown_boards = [boards.board(record, results, folder, accuracy) for record in shown]
    ours = {
        board.name: [figure for figure in boards.comparable(board.record) if figure.key[1] in PAIR]
        for board in shown_boards
    }
    charts.outside(ours, published.FIGURES, folder / OUTSIDE)
    for page in PAGES:
        records.write(rendered(page, shown_boards, hidden), folder / page)
    return [folder / page for page in PAGES], left_out


def rendered(page: str, shown_boards: list[boards.Board], hidden: Mapping[str, str]) -> str:
    """The text of a page.

    Args:
        page: one of PAGES.
        shown_boards: the boards that are shown.
        hidden: boards that are not shown, and why.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=page.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["slug"] = host.slug
    environment.filters["ms"] = lambda value: f"{value:.2f}"
    environment.filters["percent"] = lambda value: f"{100 * value:.0f} %"
    template = environment.get_template(f"{page}.j2")
    text: str = template.render(
        boards=shown_boards, hidden=hidden, outside=published.FIGURES, spread=records.spread, compare=compare
    )
    return text
