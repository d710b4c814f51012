"""The tables in README and docs, made from the committed records: python -m benchmarks readme.

A table stands between `<!-- table NAME -->` and `<!-- end -->`; a test fails when it is not what its record says.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from benchmarks.readme import behaviour, quality, speed
from benchmarks.readme.tables import ROOT
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
}


def refreshed(text: str) -> str:
    """A document with every table as its record says.

    Raises:
        MaskwatchError: it asks for a table there is not.
    """

    def table(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        if name not in TABLES:
            raise MaskwatchError(f"table {name} is unknown; expected one of {', '.join(TABLES)}")
        return f"{begin}{TABLES[name]()}\n{end}"

    return TABLE.sub(table, text)
