"""Writes the comparison: Markdown with plots, a self-contained HTML page, and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from maskwatch.errors import SourceError
from maskwatch.records.comparison import FILE, Comparison
from maskwatch.records.speed import Run as BoardRun
from maskwatch.system import whole_file
from training.study import comparison, drawings, judged, sections

TEMPLATES = Path(__file__).parent / "templates"
NAME = FILE.removesuffix(".json")


def read(paths: Sequence[Path]) -> tuple[list[judged.Record], list[BoardRun]]:
    """Records of trainings, and of boards (run.json of `python -m benchmarks run`).

    Raises:
        SourceError: a file is neither of them.
    """
    trainings, boards = [], []
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SourceError(f"record {path}: {error}; expected JSON") from error
        if not isinstance(content, dict):
            content = {}
        if judged.is_record(content):
            trainings.append(judged.read(path))
        elif content.get("kind") == "run":
            boards.append(BoardRun.read(path, "measure again with `python -m benchmarks run`", SourceError))
        else:
            raise SourceError(
                f"record {path}: cannot be compared; expected a file of `python -m training judge` or of "
                "`python -m benchmarks run`"
            )
    if not trainings:
        raise SourceError("records: no record of a training; expected at least one file of `python -m training judge`")
    _refuse_twice(trainings)
    # Sort, so that the order of the files does not change the report.
    trainings.sort(key=lambda record: (record.network, record.variant, record.protocol, record.seed, record.share))
    boards.sort(key=lambda record: record.host.board)
    return trainings, boards


def _refuse_twice(trainings: Sequence[judged.Record]) -> None:
    """A training given twice would count as two seeds."""
    seen: set[tuple[object, ...]] = set()
    for record in trainings:
        key = (record.network, record.variant, record.protocol, record.seed, record.share)
        if key in seen:
            raise SourceError(
                f"records: {record.network} {record.variant}, {record.protocol}, seed {record.seed}, share "
                f"{record.share:g} is there twice; expected one record of each training"
            )
        seen.add(key)


def write(paths: Sequence[Path], out: Path) -> list[Path]:
    """Compare the records of `paths` and write the report into the folder `out`; returns its files.

    Raises:
        SourceError: a record cannot be used.
    """
    result = comparison.compare(*read(paths))
    plots, table = drawings.of(result), rounded(result)
    Comparison.model_validate(table)  # benchmarks reads it
    out.mkdir(parents=True, exist_ok=True)
    texts = {
        f"{NAME}.json": json.dumps(table, indent=1) + "\n",
        f"{NAME}.md": rendered("comparison.md", result, {}),
        f"{NAME}.html": rendered("comparison.html", result, plots),
        **{f"{name}.svg": svg for name, svg in plots.items()},
    }
    for name, text in texts.items():
        whole_file.write(out / name, text)
    return [out / name for name in texts]


def rendered(template: str, result: dict[str, Any], plots: dict[str, str]) -> str:
    """The report rendered with a template; Markdown is not escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    drawn = {name: Markup(svg) for name, svg in plots.items()}  # noqa: S704 (our own drawing)
    text = environment.get_template(template).render(sections=sections.of(result), drawings=drawn)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def rounded(value: Any) -> Any:
    """The value with floats rounded to six decimals: enough, and the same on every machine."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value
