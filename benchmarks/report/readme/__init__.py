"""The tables in README and docs, written from the committed records: python -m benchmarks readme.

A table is between `<!-- table NAME -->` and `<!-- end -->`; a test fails when it differs from its record.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from benchmarks.report.readme import behaviour, quality, reach, speed, strangers
from benchmarks.report.readme.tables import ROOT
from maskwatch.errors import MaskwatchError

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
TABLES: dict[str, Callable[[], str]] = {
    "test_images": quality.test_images,
    "scenes": quality.scenes,
    "portraits": quality.portraits,
    "slices": quality.slices,
    "conversion": quality.conversion,
    "study": quality.study,
    "networks": quality.networks,
    "answer": quality.answer,
    "strangers": strangers.targets,
    "strangers_quantized": strangers.quantized,
    "strangers_learnt": strangers.learnt,
    "strangers_sources": strangers.sources,
    "strangers_mistakes": strangers.mistakes,
    "strangers_slices": strangers.slices,
    "instructions": strangers.instructions,
    "starts": speed.starts,
    "frame": speed.frame,
    "models": speed.models,
    "quantized": speed.quantized,
    "pipeline": speed.pipeline,
    "soak": speed.soak,
    "search": quality.search,
    "left_out": quality.left_out,
    "faults": behaviour.faults,
    "doorway": behaviour.doorway,
    "scenarios": behaviour.scenarios,
    "power": behaviour.power,
    "reach_sizes": reach.sizes,
    "reach_metres": reach.metres,
    "reach_line": reach.line,
}


def refreshed(text: str) -> str:
    """A document with every table written from its record.

    Raises:
        MaskwatchError: it names an unknown table.
    """

    def table(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        if name not in TABLES:
            raise MaskwatchError(f"table {name} is unknown; expected one of {', '.join(TABLES)}")
        return f"{begin}{TABLES[name]()}\n{end}"

    return TABLE.sub(table, text)
